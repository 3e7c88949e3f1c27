/* handler/worker: what every file about a worker needs of it: its memory, its timer, its input, and
 * the way out.
 *
 * A worker goes through: alive → (leaving: it is given nothing more; when it holds nothing, the end
 * of its input) → (overdue) terminating → killing → over. Only its slot's report ends it
 * (worker_run.c). Invariant: a worker is not freed while a function between worker_enter() and
 * worker_exit() uses it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "handler/worker_internal.h"

void worker_enter(struct worker *w)
{
	w->busy++;
}

bool worker_exit(struct worker *w)
{
	w->busy--;
	if (!w->gone)
		return true;
	worker_free(w);
	return false;
}

void worker_free(struct worker *w)
{
	w->gone = true;
	if (w->busy)
		return;
	list_remove(&w->link);
	list_remove(&w->unwritten);
	loop_timer_free(w->timer);
	loop_watch_free(w->in, 1);
	loop_watch_free(w->out, 1);
	if (w->left_fd >= 0)
		close(w->left_fd);
	output_release(&w->output);
	buf_release(&w->pending);
	buf_release(&w->line);
	for (int i = 0; i < w->count; i++) {
		for (int k = 0; k <= w->held[i].more; k++)
			claim_free(held_claim(&w->held[i], k));
		free(w->held[i].rest);
	}
	free(w->held_room);
	free(w);
}

bool worker_holds(const struct worker *w, const struct claim *c)
{
	for (int i = 0; i < w->count; i++)
		for (int k = 0; k <= w->held[i].more; k++)
			if (held_claim(&w->held[i], k) == c)
				return true;
	return false;
}

void worker_arm(struct worker *w)
{
	int64_t next = w->leave_by;
	if (w->phase != WORKER_ALIVE)
		return;
	for (int i = 0; i < w->count; i++) {
		int64_t due = w->held[i].started + w->held[i].timeout;
		if (w->held[i].timeout && (!next || due < next))
			next = due;
	}
	int64_t now = handler_now(w->h->room);
	w->armed = next != 0;
	loop_timer_set(w->timer, !next ? -1 : next > now ? next - now : 0);
}

void worker_kill(struct worker *w, enum worker_phase phase)
{
	w->killed = w->killed || !w->ended;
	w->leaving = true;
	w->phase = phase;
	slots_signal(w->job.slot, phase == WORKER_TERMINATING ? SIGTERM : SIGKILL);
	loop_timer_set(w->timer, phase == WORKER_TERMINATING ? w->h->policy.kill_after : -1);
}

uint64_t worker_bytes_read(const struct worker *w)
{
	int waiting;
	/* Both ends of a pipe tell, readers or not: see pipe(7). */
	return ioctl(w->in ? w->in_fd : w->left_fd, FIONREAD, &waiting)
		       ? w->written
		       : w->written - (uint64_t)waiting;
}

/* What it started may read on, so only its end shows what was left; a read end of our own hides
 * no end of file from them. */
static void keep_left(struct worker *w)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", w->in_fd);
	if (w->in && worker_bytes_read(w) < w->written)
		w->left_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

void worker_close_in(struct worker *w)
{
	keep_left(w);
	loop_watch_free(w->in, 1);
	w->in = NULL;
	w->in_fd = -1;
	buf_clear(&w->pending);
	w->sent = 0;
}

void worker_retire(struct worker *w)
{
	w->leaving = true;
	/* Many programs end at the end of their input, whatever they are about: so it comes when
	 * nothing is left to answer. */
	if (w->asked && w->count == 0 && w->pending.len == w->sent)
		worker_close_in(w);
	if (w->phase != WORKER_ALIVE || w->leave_by || (w->count && w->out))
		return;
	w->leave_by = handler_now(w->h->room) + w->grace;
	worker_arm(w);
}
