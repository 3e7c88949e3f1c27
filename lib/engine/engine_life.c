/* engine/engine_life: a drain, a pause and the end. Orders of people, signals and deadlines come
 * in, and what the source noted of its own end; the exit status goes out. A stop is graceful first:
 * no more asking, handlers may finish; then TERM, then KILL; then the last outcomes are written.
 * Invariant: nothing unfinished is lost at any of these steps. */

#include <signal.h>
#include <stdlib.h>

#include "base/crashpoint.h"
#include "base/duration.h"
#include "engine/engine_internal.h"

enum {
	FRESH_ENOUGH = 3000,    /* an empty answer this young means that nothing waits */
	STORE_PATIENCE = 30000, /* of --once with a store that fails */
	WRITE_PATIENCE = 5000,  /* when all has ended, for outcomes that the disk does not take */
};

static void on_runtime(void *arg)
{
	struct engine *e = arg;
	log_event(e->config.log, LOG_INFO, LOG_NONE, "stopping: --max-runtime has passed");
	engine_stop(e, 0, false);
}

/* Ends what still runs. A stop is forced when that cuts handlers, so that their updates are kept;
 * background work of a handler that ended, and a hook, hold nothing. */
static void force(struct engine *e, int signo)
{
	if (e->phase != ENGINE_KILLING)
		e->end.interrupted_before = e->counts.interrupted;
	e->phase = ENGINE_KILLING;
	engine_out_stop(e);
	handlers_stop(e->handlers, signo);
}

static void on_stop_timer(void *arg)
{
	struct engine *e = arg;
	struct log *log = e->config.log;
	if (e->phase == ENGINE_RUNNING) { /* the end of drain_for() */
		log_event(log, LOG_WARN, LOG_NONE, "not all was handled in time; the rest is kept");
		engine_stop(e, e->end.drain_status, false);
	}
	int lingering = handlers_lingering(e->handlers),
	    running = handlers_running(e->handlers) - lingering,
	    hooks = handlers_hooks(e->handlers);
	if (e->phase != ENGINE_DRAINING)
		return;
	if (running)
		log_event(
			log, LOG_WARN, LOG_FIELDS(LOG_NUM("running", running)),
			"handlers still run at the shutdown deadline: ending them; their updates are kept");
	if (lingering) {
		char what[256];
		handlers_describe_lingering(e->handlers, what, sizeof what);
		log_event(
			log, LOG_WARN, LOG_FIELDS(LOG_NUM("updates", lingering)),
			"background work of handlers that ended still runs at the shutdown deadline: %s; "
			"ending it, their updates are settled (--background leave would let it run on)",
			what);
	}
	if (hooks)
		log_event(log, LOG_WARN, LOG_FIELDS(LOG_NUM("hooks", hooks)),
			  "hooks still run at the shutdown deadline: ending them");
	force(e, SIGTERM);
	CRASHPOINT("stop-killing");
}

void engine_stop(struct engine *e, int status, bool now)
{
	if (e->phase == ENGINE_FINISHED)
		return;
	if (e->phase == ENGINE_RUNNING) {
		e->phase = ENGINE_DRAINING;
		e->end.status = status;
		notify_stopping(e->config.notify);
		engine_take_change(e);
		while (!list_empty(&e->starts.starting)) {
			struct flight *f = container_of(e->starts.starting.next, struct flight,
							link);
			queue_release(e->queue, f->claim,
				      &(struct queue_release){ .why = RELEASE_NO_START });
			claim_free(f->claim);
			engine_land(e, f);
		}
		if (!e->asking.stopped)
			e->source->ops->stop(e->source);
		engine_feed_stop(e);
		CRASHPOINT("stop-begun");
		handlers_drain(e->handlers);
		loop_timer_set(e->end.stop_timer, e->policy.shutdown_timeout);
	}
	if (now && (!handlers_quiet(e->handlers) || engine_out_sending(e)))
		force(e, SIGKILL);
	engine_turn_in(e, 0);
}

void engine_drain(struct engine *e)
{
	if (e->phase != ENGINE_RUNNING || e->draining)
		return;
	e->draining = true;
	engine_gather_change(e);
	if (!e->asking.stopped) {
		log_event(e->config.log, LOG_INFO, LOG_NONE, "draining: nothing more is asked for");
		e->source->ops->stop(e->source);
	}
	engine_feed_stop(e);
	engine_turn_in(e, 0);
}

/* A drain of so many milliseconds at most, then a stop; `status` is that of the exit. */
static void drain_for(struct engine *e, int64_t limit, int status)
{
	char text[32];
	if (e->phase != ENGINE_RUNNING)
		return;
	duration_format(limit, text, sizeof text);
	log_event(e->config.log, LOG_INFO, LOG_NONE,
		  "draining for at most %s; what is left is kept", text);
	e->end.drain_status = status;
	loop_timer_set(e->end.stop_timer, limit);
	engine_drain(e);
}

void engine_pause(struct engine *e, bool paused)
{
	if (e->paused != paused)
		log_event(e->config.log, LOG_INFO, LOG_NONE,
			  paused ? "paused: no handler is started" : "resumed");
	e->paused = paused;
	engine_take_change(e);
	engine_turn_in(e, 0);
}

static void finish(struct engine *e)
{
	struct engine_counts c;
	engine_counts(e, &c);
	bool cut = e->phase == ENGINE_KILLING && e->counts.interrupted > e->end.interrupted_before;
	e->phase = ENGINE_FINISHED;
	CRASHPOINT("stop-finished");
	bool lost = e->config.store_forgets && !e->config.rehearsal &&
		    (c.waiting || c.outbox || c.later);
	bool well = engine_ends_well(e);
	cut = cut || c.sending;
	int status = e->end.status ? e->end.status : cut || lost || !well ? 1 : 0;
	if (lost)
		log_event(
			e->config.log, LOG_ERROR,
			LOG_FIELDS(LOG_NUM("waiting", (int64_t)c.waiting),
				   LOG_NUM("outbox", (int64_t)c.outbox),
				   LOG_NUM("later", (int64_t)c.later)),
			"updates that were not handled, and replies that were not sent, are lost: "
			"--store memory keeps nothing");
	if (c.later && !e->config.store_forgets)
		log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_NUM("later", (int64_t)c.later)),
			  "what was pushed and is not due yet is kept for the next run");
	if (c.sending)
		log_event(e->config.log, LOG_WARN, LOG_FIELDS(LOG_NUM("calls", (int64_t)c.sending)),
			  "calls were cut off while they were being sent: they may have arrived");
	log_event(e->config.log, LOG_INFO,
		  LOG_FIELDS(LOG_NUM("done", (int64_t)c.done), LOG_NUM("failed", (int64_t)c.failed),
			     LOG_NUM("waiting", (int64_t)c.waiting),
			     LOG_NUM("dead_letters", (int64_t)c.dead_letters)),
		  "stopped");
	e->config.finished(e->config.arg, status);
}

/* At the end of the source there may be updates that are due later. They are waited for: no other
 * run need come. */
static bool waits_for_retries(struct engine *e)
{
	struct queue_counts c;
	if (!e->asking.ended || e->config.once || queue_next_due(e->queue, QUEUE_ALL_LANES) < 0)
		return false;
	queue_counts(e->queue, &c);
	if (!e->end.waits_told)
		log_event(
			e->config.log, LOG_INFO, LOG_FIELDS(LOG_NUM("waiting", (int64_t)c.waiting)),
			"the source has ended: waiting for the updates that are to be tried again");
	e->end.waits_told = true;
	return true;
}

void engine_take_runtime(struct engine *e)
{
	int64_t limit = e->policy.max_runtime;
	int64_t left = e->started_at + limit - e->config.clock->mono(e->config.clock);
	loop_timer_set(e->end.runtime_timer, !limit ? -1 : left > 0 ? left : 0);
}

/* The source ended in this turn: a drain, where there is still something to handle, or a stop. */
void engine_take_end(struct engine *e)
{
	if (!e->asking.end.noted)
		return;
	e->asking.end.noted = false;
	int status = e->asking.end.status;
	if (!status)
		engine_drain(e); /* the end of a file: what was read is still to be handled */
	else if (status == ERR_NOPERM && e->asking.begun)
		/* A token that was good brought updates that may still be handled, but not for
		 * ever: without it most fail. */
		drain_for(e, e->policy.shutdown_timeout, status);
	else
		engine_stop(e, status, false);
}

/* With --once: why it ends though not all is handled, with the exit status; NULL: it goes on. */
static const char *once_gives_up(struct engine *e, int64_t now, int *status)
{
	bool stands_by = e->fleet.attached && !e->fleet.may_ask;
	bool fails = e->pulse.store_fails || e->starts.fail || e->later.fails ||
		     e->put.backoff.failures || stands_by;
	*status = 1;
	if (e->end.gives_up || !e->config.once)
		return e->end.gives_up;
	if (stands_by)
		engine_turn_in(e, 1000);
	if (!fails)
		e->end.fails_at = 0;
	else if (!e->end.fails_at)
		e->end.fails_at = now;
	else if (stands_by && now - e->end.fails_at >= STORE_PATIENCE)
		return *status = ERR_TEMPFAIL, "another machine asks for updates";
	else if (now - e->end.fails_at >= STORE_PATIENCE)
		return *status = ERR_IO, "the state cannot be written or read";
	return engine_idle(e) ? engine_source_stuck(e, status) : NULL;
}

/* At the end of a turn: is there a reason to stop, has the stop come to its end? */
void engine_check_end(struct engine *e)
{
	int64_t now = e->config.clock->mono(e->config.clock);
	if (e->phase == ENGINE_RUNNING) {
		int status;
		const char *why = once_gives_up(e, now, &status);
		if (why) {
			log_event(
				e->config.log, LOG_ERROR, LOG_NONE,
				"%s: with --once this is the end, and the rest is left for another run",
				why);
			engine_stop(e, status, false);
			return;
		}
		/* Nobody waits for a state to come back to a run that is to end by itself. */
		if ((e->config.once || e->config.source_fd >= 0) && e->state_gone)
			engine_stop(e, 1, false);
		else if (e->config.once && e->asking.dry && engine_idle(e) && !engine_out_busy(e) &&
			 now - e->asking.dry_at < FRESH_ENOUGH)
			engine_stop(e, 0, false);
		if (e->draining && e->asking.stopped && engine_idle(e) && !engine_out_busy(e) &&
		    !waits_for_retries(e)) {
			engine_file_forget(e);
			engine_stop(e, e->end.drain_status, false);
		}
		return;
	}
	if (e->phase == ENGINE_FINISHED)
		return;
	if (e->fleet.shared)
		engine_take_change(e);
	/* As long as a handler runs, it is answered for, and may call. */
	bool quiet = handlers_quiet(e->handlers);
	if (quiet) {
		engine_out_stop(e);
		engine_door_close(e);
	}
	bool sending = e->phase == ENGINE_DRAINING && engine_out_sending(e);
	if (!quiet || !e->asking.stopped || sending) {
		e->end.quiet_at = 0;
		return;
	}
	if (!e->end.quiet_at)
		e->end.quiet_at = now;
	if (!queue_dirty(e->queue)) {
		finish(e);
	} else if (now - e->end.quiet_at > WRITE_PATIENCE) {
		log_event(
			e->config.log, LOG_ERROR, LOG_NONE,
			"the last outcomes cannot be written; their updates will be handed out again");
		e->end.status = ERR_IO;
		finish(e);
	} else {
		engine_turn_in(e, 1000);
	}
}

int engine_life_init(struct engine *e)
{
	e->end.stop_timer = loop_timer_new(e->config.loop, on_stop_timer, e);
	e->end.runtime_timer = loop_timer_new(e->config.loop, on_runtime, e);
	return e->end.stop_timer && e->end.runtime_timer ? 0 : -1;
}
