/* slot/slots_talk: what the slots say. Reports and output come in, on the loop; events go out to
 * the slots' owner, and the state of each slot changes accordingly.
 *
 * A report is checked before it is believed. Output is read before the report that follows it is
 * passed on, so each byte belongs to the job that wrote it. Nothing here waits: slots_mend.c, which
 * a timer calls, does what takes time. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "slot/slots_internal.h"

enum {
	READ_MAX = 8 * 1024,
	READS_A_TURN = 8,
	DRAIN_MAX = 512 /* reads: no pipe holds more than 1 MiB by default */
};

int64_t slots_now(void)
{
	return clock_system.mono(&clock_system);
}

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

void slots_mend_soon(struct slots *s)
{
	if (s->timer)
		loop_timer_set(s->timer, 0);
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

/* ---- states ---- */

void slots_make_idle(struct slot *slot)
{
	if (slot->stale) {
		slots_condemn(slot);
		return;
	}
	slot->state = SLOT_IDLE;
	/* The last used comes first: its memory is warm. */
	list_add_before(slot->slots->idle.next, &slot->link);
	slot->slots->idle_count++;
}

void slots_not_idle(struct slot *slot)
{
	list_remove(&slot->link);
	slot->slots->idle_count--;
}

void slots_condemn(struct slot *slot)
{
	if (slot->state == SLOT_IDLE)
		slots_not_idle(slot);
	slot->state = SLOT_DEAD;
	if (slot->pid)
		kill(slot->pid, SIGKILL);
	loop_watch_free(slot->watch[0], 1);
	slot->watch[0] = NULL;
	slot->sock = -1;
	slots_mend_soon(slot->slots);
}

void slots_look_at_stdout(struct slots *s)
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
	slots_note(s, NULL, true,
		   "nobody reads the standard output any more: "
		   "what handlers write there is logged from now on");
}

bool slots_stdout_lost(struct slot *slot)
{
	slots_look_at_stdout(slot->slots);
	return slot->stale;
}

/* ---- reports ---- */

static bool well_formed(const struct slot *slot, const struct slot_report *r, ssize_t size)
{
	if (size != sizeof *r || r->job != slot->job ||
	    r->end.stages != command_stages(slot->command))
		return false;
	bool of_stage = slot->state == SLOT_BUSY && r->stage >= 0 && r->stage < r->end.stages;
	if (r->what == SLOT_STAGE)
		return of_stage && slot->tell_stages;
	if (r->what == SLOT_FAILED)
		return of_stage && r->errnum > 0;
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
	s->fork_failed = false;
	backoff_reset(&s->fork_again);
	if (r->what == SLOT_STAGE) {
		s->events->stage_ended(s->arg, slot, r->stage, &r->end);
		return;
	}
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

/* Returns whether there may be another one. */
static bool hear(struct slot *slot)
{
	struct slot_report r;
	ssize_t n = recv(slot->sock, &r, sizeof r, MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOMEM || errno == ENOBUFS))
		return false;
	if (n <= 0) {
		slots_condemn(slot);
		return false;
	}
	if (!slot->tag || !well_formed(slot, &r, n)) {
		slots_note(slot->slots, slot, true, "slot %d spoke out of turn and is replaced",
			   slot->number);
		slots_condemn(slot);
		return false;
	}
	take_report(slot, &r);
	return true;
}

void slots_catch_up(struct slot *slot)
{
	/* A callback may retire or condemn the slot: look its descriptor up each time. */
	while (slot->sock >= 0 && hear(slot))
		;
}

static void on_sock(void *arg, int events)
{
	(void)events;
	hear(arg); /* the loop tells of the next */
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
