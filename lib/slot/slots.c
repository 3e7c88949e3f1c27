/* slot/slots: the runner's side of the slots: their life, and the verbs by which jobs are started,
 * signalled and left alone. Verbs come in, orders to the processes go out.
 *
 * Nothing here waits but slots_free(). slots_fork.c forks, slots_talk.c hears what slots say,
 * slots_mend.c replaces the dead. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/roster.h"
#include "slot/slots_internal.h"

/* ---- life ---- */

/* Remembers the children that are there already. */
static int remember_children(struct slots *s)
{
	if (procs_children(getpid(), &s->found))
		return -1;
	if (s->found.count == 0)
		return 0;
	s->known = calloc(s->found.count, sizeof *s->known);
	if (!s->known)
		return -1;
	for (size_t i = 0; i < s->found.count; i++) {
		struct procs_stat stat;
		if (procs_stat(s->found.pids[i], &stat))
			continue;
		s->known[s->known_count].pid = s->found.pids[i];
		s->known[s->known_count++].start = stat.start;
	}
	return 0;
}

static int check_limits(const struct slots_config *config, struct err *err)
{
	struct rlimit limit;
	rlim_t need = (rlim_t)config->count * 3 + 32;
	if (config->count < 1 || config->count > SLOTS_MAX)
		return err_set(err, ERR_CONFIG, "the number of slots must be 1 to %d, not %d",
			       SLOTS_MAX, config->count);
	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur != RLIM_INFINITY &&
	    limit.rlim_cur < need)
		return err_set(
			err, ERR_CONFIG,
			"%d handlers at once need %llu open files, and the limit is %llu (ulimit -n)",
			config->count, (unsigned long long)need,
			(unsigned long long)limit.rlim_cur);
	return 0;
}

/* A descriptor of the slots' own: the caller may close his, and a replacement is to be forked later
 * all the same. */
static int own(int fd, int *copy)
{
	return fd >= 0 && (*copy = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0 ? -1 : 0;
}

struct slots *slots_fork(const struct slots_config *config, struct err *err)
{
	if (procs_check(err) || check_limits(config, err))
		return NULL;
	struct slots *s = calloc(1, sizeof *s);
	size_t count = (size_t)config->count;
	if (!s)
		goto nomem;
	list_init(&s->idle);
	list_init(&s->keepers);
	s->config = *config;
	s->config.lock_fd = s->config.stdout_fd = -1;
	s->config.mark = NULL; /* these three are copied */
	s->trust = INT64_MAX;
	s->fork_again = (struct backoff){ .first = 100, .cap = 10000 };
	s->sweep_again = (struct backoff){ .first = 2, .cap = 1000 };
	s->slot = calloc(count, sizeof *s->slot);
	void *pages = mmap(NULL, count * sizeof *s->pages, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s->pages = pages == MAP_FAILED ? NULL : pages;
	if (!s->slot || !s->pages) {
		free(s->slot);
		s->slot = NULL; /* not set up yet */
		goto nomem;
	}
	for (size_t i = 0; i < count; i++) {
		s->slot[i] = (struct slot){ .slots = s,
					    .number = (int)i + 1,
					    .sock = -1,
					    .out = { -1, -1 },
					    .page = &s->pages[i] };
		list_init(&s->slot[i].link);
	}
	struct sigaction child;
	if (!sigaction(SIGCHLD, NULL, &child) && child.sa_handler == SIG_IGN)
		signal(SIGCHLD, SIG_DFL); /* else no child could be waited for */
	s->config.mark = config->mark ? strdup(config->mark) : NULL;
	if (config->mark && !s->config.mark)
		goto nomem;
	if (own(config->lock_fd, &s->config.lock_fd) ||
	    own(config->stdout_fd, &s->config.stdout_fd)) {
		err_sys(err, ERR_INTERNAL, errno, "cannot duplicate a descriptor for the slots");
		slots_free(s);
		return NULL;
	}
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) || remember_children(s)) {
		err_sys(err, ERR_INTERNAL, errno, "cannot keep track of processes");
		slots_free(s);
		return NULL;
	}
	if (slots_spawn_all(s, err)) {
		slots_free(s);
		return NULL;
	}
	return s;
nomem:
	err_set(err, ERR_INTERNAL, "out of memory");
	slots_free(s);
	return NULL;
}

static void on_sigchld(void *arg, int signo)
{
	(void)signo;
	slots_mend_soon(arg);
}

int slots_attach(struct slots *s, struct loop *loop, const struct slots_events *events, void *arg,
		 struct err *err)
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
		return err_set(err, ERR_INTERNAL,
			       "cannot watch the slots: out of memory or descriptors");
	return 0;
}

int slots_relock(struct slots *s, int lock_fd)
{
	int fd = fcntl(lock_fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -1;
	if (s->config.lock_fd >= 0)
		close(s->config.lock_fd);
	s->config.lock_fd = fd;
	for (int i = 0; i < s->config.count; i++)
		if (s->slot[i].pid)
			roster_set(fd, s->slot[i].number, s->slot[i].pid);
	return 0;
}

void slots_free(struct slots *s)
{
	if (!s)
		return;
	loop_timer_free(s->timer);
	loop_signal_free(s->sigchld);
	s->timer = NULL;
	for (int i = 0; s->slot && i < s->config.count; i++) {
		struct slot *slot = &s->slot[i];
		if (slot->sock >= 0)
			/* closing comes too late: the loop does it */
			shutdown(slot->sock, SHUT_RDWR);
		if (slot->pid)
			kill(slot->pid, SIGCONT);
	}
	if (s->slot && s->pages)
		slots_wait_for_all(s);
	for (int i = 0; s->slot && i < s->config.count; i++) {
		slots_unwatch(&s->slot[i]);
		command_unref(s->slot[i].command);
	}
	while (s->keepers.next && !list_empty(&s->keepers)) {
		struct slots_keeper *k = container_of(s->keepers.next, struct slots_keeper, link);
		list_remove(&k->link);
		free(k);
	}
	if (s->config.lock_fd >= 0)
		close(s->config.lock_fd);
	if (s->config.stdout_fd >= 0)
		close(s->config.stdout_fd);
	if (s->pages)
		munmap(s->pages, (size_t)s->config.count * sizeof *s->pages);
	procs_release(&s->found);
	free((char *)(uintptr_t)s->config.mark);
	free(s->known);
	free(s->slot);
	free(s);
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
static int send_order(struct slot *slot, const struct slot_order *order, const char *vars,
		      const int *fds, size_t n)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(SLOT_DESCRIPTORS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov[2] = { { (void *)(uintptr_t)order, sizeof *order },
				{ (void *)(uintptr_t)vars, order->vars_length } };
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

static bool is_over(const struct slots *s)
{
	return s->trust != INT64_MAX && clock_boot() >= s->trust;
}

int slots_start(struct slot *slot, const struct slot_job *job)
{
	int fds[2] = { job->stdin_fd, job->extra_fd }, rc = -1;
	if (slot->state != SLOT_IDLE || job->vars_length > SLOT_VARS_MAX || !job->tag) {
		errno = EINVAL;
		goto out;
	}
	slots_look_at_stdout(slot->slots);
	if (slot->stale || is_over(slot->slots)) {
		errno = EAGAIN;
		goto out;
	}
	struct slot_order order = {
		.what = SLOT_START,
		.job = ++slot->slots->jobs,
		.vars_length = (uint32_t)job->vars_length,
		.extra = job->extra_fd < 0      ? SLOT_EXTRA_NONE
			 : job->extra_is_stdout ? SLOT_EXTRA_STDOUT
						: SLOT_EXTRA_3,
		.tells_stages = job->tell_stages,
	};
	if (give_command(slot, job->command) ||
	    send_order(slot, &order, job->vars, fds, order.extra ? 2 : 1)) {
		if (errno == EPIPE || errno == ECONNRESET) {
			slot->tag = NULL;
			slots_condemn(slot);
			errno = EAGAIN;
		}
		goto out;
	}
	slots_not_idle(slot);
	slot->state = SLOT_BUSY;
	slot->job = order.job;
	slot->tag = job->tag;
	slot->tell_stages = job->tell_stages;
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

void slots_trust(struct slots *s, int64_t until)
{
	const struct slot_order order = { .what = SLOT_TRUST };
	bool was_over = is_over(s), sooner = until < s->trust;
	s->trust = until;
	for (int i = 0; i < s->config.count; i++)
		s->slot[i].page->trust = until;
	for (int i = 0; sooner && i < s->config.count; i++) {
		struct slot *slot = &s->slot[i];
		if (slot->state != SLOT_BUSY && slot->state != SLOT_LINGERS)
			continue;
		if (is_over(s))
			slots_signal(slot, SIGKILL);
		else if (send_order(slot, &order, NULL, NULL, 0))
			slots_condemn(slot);
	}
	if (was_over && !is_over(s))
		s->events->idle(s->arg);
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
		slots_note(s, slot, true, "slot %d cannot leave its work behind, and waits for it",
			   slot->number);
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
