/* handler/worker_run: the life of one worker: a process in a slot that reads updates and answers.
 *
 * A start and the slot's reports come in; what the worker held when it ended is settled
 * (worker_settle.c), and its pool hears of the end. Only `over`, `failed` or `died` of its slot
 * ends it. Background work of a worker may go on answering when the worker itself has ended; when
 * nothing is left to answer, or nobody can, it is killed. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/duration.h"
#include "handler/answer.h"
#include "handler/worker_internal.h"

/* ---- deadlines ---- */

/* The update that was over its deadline first. Only that one is at fault: what came later may have
 * waited for it. */
static struct held *overdue(struct worker *w, int64_t now)
{
	struct held *first = NULL;
	for (int i = 0; i < w->count; i++) {
		struct held *u = &w->held[i];
		if (u->timeout && u->started + u->timeout <= now &&
		    (!first || u->started + u->timeout < first->started + first->timeout))
			first = u;
	}
	return first;
}

static void look_at_deadlines(struct worker *w)
{
	int64_t now = handler_now(w->h->room);
	struct log *log = w->h->room->config.log;
	struct held *late = overdue(w, now);
	if (late) {
		char limit[DURATION_TEXT];
		duration_format(late->timeout, limit, sizeof limit);
		if (late->from >= worker_bytes_read(w)) {
			log_event(log, LOG_WARN, LOG_FIELDS(LOG_NUM("worker", w->number)),
				  "worker has read nothing for %s: ending it", limit);
			worker_kill(w, WORKER_TERMINATING);
			return;
		}
		late->timed_out = true;
		log_event(log, LOG_WARN,
			  LOG_FIELDS(CLAIM_LOG_ID(late->claim), LOG_STR("key", late->claim->keys),
				     LOG_NUM("worker", w->number)),
			  "handler timed out after %s: ending its worker", limit);
		worker_kill(w, WORKER_TERMINATING);
	} else if (w->leave_by && w->leave_by <= now) {
		if (w->count && !w->ended)
			w->fault = "its worker closed descriptor 3 without an answer";
		char what[256];
		jobs_describe(&w->job, what, sizeof what);
		log_event(log, LOG_WARN, LOG_FIELDS(LOG_NUM("worker", w->number)), "%s: ending %s",
			  w->fault   ? "worker can answer no more"
			  : w->ended ? "background work of a worker still runs"
				     : "worker does not end when its input has ended",
			  what);
		worker_kill(w, WORKER_TERMINATING);
	} else {
		worker_arm(w);
	}
}

static void on_timer(void *arg)
{
	struct worker *w = arg;
	w->armed = false;
	/* What was said in time counts, though it is read late. */
	worker_enter(w);
	if (jobs_still(&w->job))
		worker_read(w);
	if (!worker_exit(w))
		return;
	if (w->phase == WORKER_ALIVE)
		look_at_deadlines(w);
	else if (w->phase == WORKER_TERMINATING)
		worker_kill(w, WORKER_KILLING);
}

/* ---- the way out ---- */

void worker_leave(struct worker *w, int64_t grace)
{
	w->asked = true;
	w->grace = grace;
	worker_retire(w);
}

void worker_stop(struct worker *w, int signo)
{
	worker_enter(w);
	if (jobs_still(&w->job))
		worker_read(w);
	if (!worker_exit(w))
		return;
	w->stopped = true;
	if (signo == SIGKILL ? w->phase != WORKER_KILLING : w->phase == WORKER_ALIVE)
		worker_kill(w, signo == SIGKILL ? WORKER_KILLING : WORKER_TERMINATING);
}

bool worker_cancel(struct worker *w, handler_chosen *chosen, void *arg)
{
	bool any = false;
	for (int i = 0; i < w->count; i++)
		for (int k = 0; k <= w->held[i].more && !any; k++)
			any = chosen(arg, held_claim(&w->held[i], k));
	if (!any)
		return false;
	worker_enter(w);
	if (jobs_still(&w->job))
		worker_read(w);
	if (!worker_exit(w))
		return true;
	for (int i = 0; i < w->count; i++) {
		struct held *u = &w->held[i];
		u->cancelled = u->cancelled || chosen(arg, u->claim);
		w->cancelled = w->cancelled || u->cancelled;
		for (int k = 0; k < u->more; k++)
			if (chosen(arg, u->rest[k].claim))
				w->cancelled = u->rest[k].cancelled = true;
	}
	if (w->cancelled && w->phase == WORKER_ALIVE)
		worker_kill(w, WORKER_TERMINATING);
	return true;
}

/* ---- what its slot reports ---- */

static void finish(struct worker *w, enum worker_end how, int errnum)
{
	struct handler *h = w->h;
	worker_enter(w);
	worker_read(w);
	w->read = worker_bytes_read(w);
	output_end(&w->output);
	w->leaving = true;
	list_remove(&w->link);
	h->room->live--;
	worker_settle(w, how);
	w->events->ended(w, how, errnum);
	w->gone = true;
	worker_exit(w);
	room_gone(h);
}

/* The worker itself has ended; what runs still may answer on, unless nothing is to be answered, or
 * nobody can. */
static void take_end(struct worker *w, const struct slot_end *end)
{
	w->ended = true;
	w->end = *end;
	w->leaving = true;
	if (w->phase != WORKER_ALIVE)
		return;
	worker_enter(w);
	worker_read(w);
	if (!worker_exit(w) || w->phase != WORKER_ALIVE)
		return;
	worker_close_in(w);
	if (w->h->policy.background == BACKGROUND_KILL)
		worker_kill(w, WORKER_KILLING);
	else if (w->count == 0 || !w->out || (w->broken && !worker_has_spoken(w)))
		worker_kill(w, WORKER_TERMINATING);
}

/* A pipeline of which nobody reads the output any more, or which fails before it has said a word,
 * is no worker any more; its other stages might wait for ever. */
static void on_stage_ended(struct job *job, int stage, const struct slot_end *end)
{
	struct worker *w = container_of(job, struct worker, job);
	bool last = stage == end->stages - 1;
	worker_enter(w);
	worker_read(w);
	if (!worker_exit(w) || w->ended || w->asked || w->phase != WORKER_ALIVE)
		return;
	if (!last && (worker_has_spoken(w) || outcome_stage(&end->status[stage], 1) < 0))
		return;
	w->broken = stage + 1;
	take_end(w, end);
}

static void on_ended(struct job *job, const struct slot_end *end)
{
	struct worker *w = container_of(job, struct worker, job);
	if (!w->ended)
		take_end(w, end);
}

static void on_over(struct job *job, const struct slot_end *end)
{
	struct worker *w = container_of(job, struct worker, job);
	/* What was killed when it had ended says nothing. */
	if (!w->broken)
		w->end = *end;
	w->end.expired = end->expired;
	w->stopped = w->stopped || end->expired;
	w->unheard = slots_stdout_lost(job->slot);
	finish(w, WORKER_ENDED, 0);
}

static void on_failed(struct job *job, const char *why, int errnum)
{
	struct worker *w = container_of(job, struct worker, job);
	w->why = why;
	finish(w, WORKER_UNSTARTABLE, errnum);
}

static void on_died(struct job *job, bool started)
{
	(void)started;
	finish(container_of(job, struct worker, job), WORKER_DIED, 0);
}

static void on_output(struct job *job, int which, char *bytes, size_t n)
{
	output_feed(&container_of(job, struct worker, job)->output, which, bytes, n);
}

/* The likeliest mistake of a first worker: without a word, its updates would only time out. */
static void tell_stray(struct worker *w, const char *text, size_t n)
{
	struct answer a;
	if (text[0] != '{')
		return;
	answer_parse(text, n, &a);
	if (a.kind == ANSWER_BAD)
		return;
	log_paced(
		w->h->room->config.log, &w->h->pool->stray_pace, LOG_WARN,
		LOG_FIELDS(LOG_NUM("worker", w->number)),
		"a worker wrote an answer to its standard output, where it is only logged: answers are read "
		"from descriptor 3 (in a shell: >&3)");
}

static void on_line(void *arg, int which, char *text, size_t n)
{
	struct worker *w = arg;
	if (which == 1)
		tell_stray(w, text, n);
	const struct handlers_config *config = &w->h->room->config;
	const struct claim *c = w->count == 1 && !w->held[0].more ? w->held[0].claim : NULL;
	const char *stream = which == 1 ? "stdout" : "stderr";
	if (config->output)
		config->output(config->arg, w->h, c, which, text, n);
	if (c)
		log_event(config->log, LOG_INFO,
			  LOG_FIELDS(LOG_STR("stream", stream), LOG_NUM("worker", w->number),
				     CLAIM_LOG_ID(c), LOG_STR("key", c->keys)),
			  "%s", text);
	else
		log_event(config->log, LOG_INFO,
			  LOG_FIELDS(LOG_STR("stream", stream), LOG_NUM("worker", w->number)), "%s",
			  text);
}

/* ---- the start ---- */

/* Pipes, so that its end of them stays blocking and /dev/stdin can be opened. */
static int make_pipe(int ends[2], int ours)
{
	return pipe2(ends, O_CLOEXEC) ||
			       fcntl(ends[ours], F_SETFL, fcntl(ends[ours], F_GETFL) | O_NONBLOCK)
		       ? -1
		       : 0;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Makes the pipes, watches our ends and starts. What the slot is given is closed in every case. */
static int start_job(struct worker *w)
{
	static const struct job_ops ops = { on_stage_ended, on_ended, on_over,
					    on_failed,      on_died,  on_output };
	struct handlers *room = w->h->room;
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	struct buf *v = &room->vars;
	buf_clear(v);
	if (make_pipe(in, 1) || make_pipe(out, 0) || given_var(v, "TG_WORKER", w->number) ||
	    given_var(v, "TG_MAX_ATTEMPTS", w->h->policy.outcome.max_attempts))
		goto fail;
	w->in = loop_watch_new(room->config.loop, in[1], worker_on_in, w);
	if (!w->in)
		goto fail;
	w->in_fd = in[1];
	in[1] = -1; /* closed with its watch from now on */
	w->out = loop_watch_new(room->config.loop, out[0], worker_on_out, w);
	if (!w->out)
		goto fail;
	w->out_fd = out[0];
	out[0] = -1;
	struct slot_job with = { .command = w->h->command,
				 .vars = buf_str(v),
				 .vars_length = v->len,
				 .stdin_fd = in[0],
				 .extra_fd = out[1],
				 .tell_stages = true };
	in[0] = out[1] = -1;
	w->job.ops = &ops;
	if (jobs_start(room->config.slots, &w->job, &with))
		goto fail;
	loop_watch_set(w->out, LOOP_READ);
	return 0;
fail:;
	int saved = errno;
	shut(&in[0]);
	shut(&in[1]);
	shut(&out[0]);
	shut(&out[1]);
	errno = saved;
	return -1;
}

struct worker *worker_start(struct handler *h, int number, uint64_t serial,
			    const struct worker_events *events)
{
	struct handlers *room = h->room;
	struct worker *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	list_init(&w->link);
	list_init(&w->unwritten);
	w->h = h;
	w->events = events;
	w->number = number;
	w->serial = serial;
	w->capacity = 1;
	w->grace = h->policy.kill_after;
	w->in_fd = w->out_fd = w->left_fd = -1;
	buf_init(&w->pending, SIZE_MAX / 2); /* bounded by worker_room(), and one update more */
	buf_init(&w->line, SIZE_MAX / 2);    /* bounded where it is filled */
	output_init(&w->output, h->policy.max_output, room->config.secret, on_line, w);
	w->timer = loop_timer_new(room->config.loop, on_timer, w);
	w->held = w->held_room = calloc(2, sizeof *w->held);
	w->started = handler_now(room);
	if (!w->timer || !w->held || start_job(w)) {
		int saved = errno;
		worker_free(w);
		errno = saved;
		return NULL;
	}
	h->starts++;
	h->live++;
	room->live++;
	log_event(room->config.log, LOG_DEBUG,
		  LOG_FIELDS(LOG_NUM("worker", w->number),
			     LOG_NUM("slot", slots_number(w->job.slot)),
			     LOG_STR("handler", h->name)),
		  "worker started");
	return w;
}
