/* slot/slots: the runner's side of the slots: verbs in, orders to the processes out; reports and output in, events out.
 *
 * A report is checked before it is believed. Output is read before the report that follows it is passed on, so each byte belongs
 * to the job that wrote it. Nothing here waits: what takes time is in slots_mend.c. */
#include "slot/slots_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_MAX = 8 * 1024,
	READS_A_TURN = 8,
	DRAIN_MAX = 512 /* reads: no pipe holds more than 1 MiB by default */
};

void slots_note(struct slots *s, struct slot *slot, bool warn, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (s->events)
		s->events->note(s->arg, slot, warn, text);
}

/* ---- output ---- */

/* Reads once. Returns whether more may be there. */
static bool read_output(struct slot *slot, int i)
{
	char bytes[READ_MAX];
	if (slot->out[i] < 0)
		return false;
	ssize_t n = read(slot->out[i], bytes, sizeof bytes);
	if (n > 0) {
		slot->slots->events->output(slot->slots->arg, slot, i + 1, bytes, (size_t)n);
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		loop_watch_free(slot->watch[i + 1], 1);
		slot->watch[i + 1] = NULL;
		slot->out[i] = -1;
	}
	return false;
}

static void on_out(struct slot *slot, int i)
{
	for (int reads = 0; reads < READS_A_TURN && read_output(slot, i); reads++)
		;
}

static void on_stdout(void *arg, int events)
{
	(void)events;
	on_out(arg, 0);
}

static void on_stderr(void *arg, int events)
{
	(void)events;
	on_out(arg, 1);
}

void slots_drain(struct slot *slot)
{
	for (int i = 0; i < 2; i++)
		for (int reads = 0; reads < DRAIN_MAX && read_output(slot, i); reads++)
			;
}

/* ---- reports ---- */

void slots_make_idle(struct slot *slot)
{
	if (slot->stale) {
		slots_condemn(slot);
		return;
	}
	slot->state = SLOT_IDLE;
	list_add_before(slot->slots->idle.next, &slot->link); /* the last used comes first: its memory is warm */
	slot->slots->idle_count++;
}

static void not_idle(struct slot *slot)
{
	list_remove(&slot->link);
	slot->slots->idle_count--;
}

void slots_condemn(struct slot *slot)
{
	if (slot->state == SLOT_IDLE)
		not_idle(slot);
	slot->state = SLOT_DEAD;
	if (slot->pid)
		kill(slot->pid, SIGKILL);
	loop_watch_free(slot->watch[0], 1);
	slot->watch[0] = NULL;
	slot->sock = -1;
	slots_mend_soon(slot->slots);
}

/* Who reads the inherited stdout has gone: a pipe's write end, or a socket, is in error then. A
 * file never is. */
static void look_at_stdout(struct slots *s)
{
	struct pollfd out = { .fd = s->config.stdout_fd };
	if (out.fd < 0 || poll(&out, 1, 0) != 1 || !(out.revents & (POLLERR | POLLHUP)))
		return;
	close(s->config.stdout_fd);
	s->config.stdout_fd = -1;
	for (int i = 0; i < s->config.count; i++) {
		s->slot[i].stale = s->slot[i].pid != 0;
		if (s->slot[i].state == SLOT_IDLE)
			slots_condemn(&s->slot[i]);
	}
	slots_note(s, NULL, true, "nobody reads the standard output any more: "
		   "what handlers write there is logged from now on");
}

bool slots_stdout_lost(struct slot *slot)
{
	look_at_stdout(slot->slots);
	return slot->stale;
}

static bool well_formed(const struct slot *slot, const struct slot_report *r, ssize_t size)
{
	if (size != sizeof *r || r->job != slot->job || r->end.stages != command_stages(slot->command))
		return false;
	if (r->what == SLOT_FAILED)
		return slot->state == SLOT_BUSY && r->stage >= 0 && r->stage < r->end.stages && r->errnum > 0;
	if (r->what == SLOT_ENDED)
		return slot->state == SLOT_BUSY;
	return r->what == SLOT_OVER && (slot->state == SLOT_BUSY || slot->state == SLOT_LINGERS);
}

/* Passes a report on. The callback may start the next job in this slot. */
static void take_report(struct slot *slot, const struct slot_report *r)
{
	struct slots *s = slot->slots;
	uint64_t job = slot->job;
	slot->end = r->end;
	if (r->what == SLOT_ENDED) {
		slot->state = SLOT_LINGERS;
		s->events->ended(s->arg, slot, &r->end);
		return;
	}
	slots_drain(slot);
	slot->killed = 0;
	slots_make_idle(slot);
	if (r->what == SLOT_OVER)
		s->events->over(s->arg, slot, &r->end);
	else
		s->events->failed(s->arg, slot, r->stage, r->errnum);
	if (slot->job == job)
		slot->tag = NULL;
}

void slots_catch_up(struct slot *slot)
{
	/* A callback may retire or condemn the slot, hence its descriptor is looked up each time. */
	while (slot->sock >= 0) {
		struct slot_report r;
		ssize_t n = recv(slot->sock, &r, sizeof r, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOMEM || errno == ENOBUFS))
			return;
		if (n <= 0) {
			slots_condemn(slot);
			return;
		}
		if (!slot->tag || !well_formed(slot, &r, n)) {
			slots_note(slot->slots, slot, true, "slot %d spoke out of turn and is replaced", slot->number);
			slots_condemn(slot);
			return;
		}
		take_report(slot, &r);
	}
}

static void on_sock(void *arg, int events)
{
	(void)events;
	slots_catch_up(arg);
}

/* ---- the loop ---- */

int slots_watch(struct slot *slot)
{
	static void (*const fn[3])(void *, int) = { on_sock, on_stdout, on_stderr };
	int fd[3] = { slot->sock, slot->out[0], slot->out[1] };
	for (int i = 0; i < 3; i++) {
		if (fd[i] < 0)
			continue;
		slot->watch[i] = loop_watch_new(slot->slots->loop, fd[i], fn[i], slot);
		if (!slot->watch[i])
			return -1;
		loop_watch_set(slot->watch[i], LOOP_READ);
	}
	return 0;
}

void slots_unwatch(struct slot *slot)
{
	int *fd[3] = { &slot->sock, &slot->out[0], &slot->out[1] };
	for (int i = 0; i < 3; i++) {
		if (slot->watch[i])
			loop_watch_free(slot->watch[i], 1);
		else if (*fd[i] >= 0)
			close(*fd[i]);
		slot->watch[i] = NULL;
		*fd[i] = -1;
	}
}

static void on_sigchld(void *arg, int signo)
{
	(void)signo;
	slots_mend_soon(arg);
}

int slots_attach(struct slots *s, struct loop *loop, const struct slots_events *events, void *arg, struct err *err)
{
	s->loop = loop;
	s->events = events;
	s->arg = arg;
	s->timer = loop_timer_new(loop, slots_mend, s);
	s->sigchld = loop_signal_new(loop, SIGCHLD, on_sigchld, s);
	bool well = s->timer && s->sigchld;
	for (int i = 0; well && i < s->config.count; i++)
		well = !slots_watch(&s->slot[i]);
	if (!well)
		return err_set(err, ERR_INTERNAL, "cannot watch the slots: out of memory or descriptors");
	return 0;
}

/* ---- verbs ---- */

int slots_idle_count(const struct slots *s)
{
	return s->idle_count;
}

struct slot *slots_idle(struct slots *s)
{
	return list_empty(&s->idle) ? NULL : container_of(s->idle.next, struct slot, link);
}

void *slots_job(const struct slot *slot)
{
	return slot->tag;
}

int slots_stages(const struct slot *slot)
{
	return slot->command ? command_stages(slot->command) : 0;
}

int slots_number(const struct slot *slot)
{
	return slot->number;
}

int slots_pid(const struct slot *slot)
{
	return slot->tag && slot->page && slot->page->started == slot->job ? slot->page->pid : 0;
}

int slots_descendants(const struct slot *slot, struct procs *out)
{
	return slot->tag ? procs_descendants(slot->pid, out) : 0;
}

/* Sends an order with `n` descriptors. 0, or -1 with errno. */
static int send_order(struct slot *slot, const struct slot_order *order, const char *vars, const int *fds, size_t n)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(SLOT_DESCRIPTORS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov[2] = { { (void *)(uintptr_t)order, sizeof *order }, { (void *)(uintptr_t)vars, order->vars_length } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	if (n) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, n * sizeof(int));
	}
	return sendmsg(slot->sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int give_command(struct slot *slot, struct command *command)
{
	struct slot_order order = { .what = SLOT_COMMAND };
	int fd = command_fd(command);
	if (slot->command == command)
		return 0;
	if (send_order(slot, &order, NULL, &fd, 1))
		return -1;
	command_ref(command);
	command_unref(slot->command);
	slot->command = command;
	return 0;
}

int slots_start(struct slot *slot, const struct slot_job *job)
{
	int fds[2] = { job->stdin_fd, job->extra_fd }, rc = -1;
	if (slot->state != SLOT_IDLE || job->vars_length > SLOT_VARS_MAX || !job->tag) {
		errno = EINVAL;
		goto out;
	}
	look_at_stdout(slot->slots);
	if (slot->stale) {
		errno = EAGAIN;
		goto out;
	}
	struct slot_order order = {
		.what = SLOT_START, .job = ++slot->slots->jobs, .vars_length = (uint32_t)job->vars_length,
		.extra = job->extra_fd < 0 ? SLOT_EXTRA_NONE : job->extra_is_stdout ? SLOT_EXTRA_STDOUT : SLOT_EXTRA_3,
	};
	if (give_command(slot, job->command) || send_order(slot, &order, job->vars, fds, order.extra ? 2 : 1)) {
		if (errno == EPIPE || errno == ECONNRESET) {
			slot->tag = NULL;
			slots_condemn(slot);
			errno = EAGAIN;
		}
		goto out;
	}
	not_idle(slot);
	slot->state = SLOT_BUSY;
	slot->job = order.job;
	slot->tag = job->tag;
	slot->end = (struct slot_end){ 0 };
	slot->complained = false;
	rc = 0;
out:;
	int saved = errno;
	close(job->stdin_fd);
	if (job->extra_fd >= 0)
		close(job->extra_fd);
	errno = saved;
	return rc;
}

void slots_signal(struct slot *slot, int signo)
{
	if (slot->state != SLOT_BUSY && slot->state != SLOT_LINGERS)
		return;
	struct slot_order order = { .what = SLOT_SIGNAL, .signo = signo, .job = slot->job };
	bool sent = !send_order(slot, &order, NULL, NULL, 0);
	slot->signals += sent;
	if (signo != SIGKILL)
		return;
	kill(slot->pid, SIGCONT); /* should somebody have stopped it */
	if (!slot->killed)
		slot->killed = slots_now();
	if (!sent)
		slots_condemn(slot);
	else
		slots_mend_soon(slot->slots);
}

void slots_leave(struct slot *slot)
{
	struct slots *s = slot->slots;
	struct slot_order order = { .what = SLOT_LEAVE, .job = slot->job };
	if (slot->state != SLOT_LINGERS)
		return;
	struct slots_keeper *keeper = calloc(1, sizeof *keeper);
	int fds[2];
	size_t n = 0;
	slots_drain(slot); /* so far it is the job's own */
	for (int i = 0; i < 2; i++)
		if (slot->out[i] >= 0)
			fds[n++] = slot->out[i];
	if (!keeper || send_order(slot, &order, NULL, fds, n)) {
		slots_note(s, slot, true, "slot %d cannot leave its work behind, and waits for it", slot->number);
		free(keeper);
		return;
	}
	keeper->pid = slot->pid;
	list_add_before(&s->keepers, &keeper->link);
	slots_unwatch(slot);
	slot->state = SLOT_VACANT;
	slot->pid = 0;
	slot->tag = NULL;
	command_unref(slot->command);
	slot->command = NULL;
	slots_mend_soon(s);
}
