/* engine_settle: what ends, and what follows from it. Results of the handlers come in; outcomes for the queue, the breaker's word, hooks and lines of the
 * log go out. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crashpoint.h"
#include "base/duration.h"
#include "engine_state.h"

enum { RETRY_CAP = 5 * 60 * 1000, HOOK_TIMEOUT = 60 * 1000 };

static void hold(struct route *r, int64_t delay)
{
	r->held = true;
	loop_timer_set(r->hold_timer, delay);
}

void engine_remember_error(struct engine *e, const char *text)
{
	snprintf(e->last_error, sizeof e->last_error, "%s", text);
	e->last_error_at = e->config.clock->wall(e->config.clock);
}

void engine_count_rate(struct engine *e, uint64_t done)
{
	int64_t second = e->config.clock->mono(e->config.clock) / 1000;
	int64_t from = e->rate_second + 1;
	if (from < second - ENGINE_RATE_SECONDS + 1)
		from = second - ENGINE_RATE_SECONDS + 1;
	for (int64_t s = from; s <= second; s++)
		e->rate_done[s % ENGINE_RATE_SECONDS] = 0;
	e->rate_second = second;
	e->rate_done[second % ENGINE_RATE_SECONDS] += done;
}

static void tell_trouble(struct engine *e, const struct claim *c, const char *reason, const char *fate, const char *last_stderr,
			 int unstartable)
{
	struct engine_trouble trouble = { c, reason, fate, last_stderr ? last_stderr : "", unstartable };
	if (e->config.trouble)
		e->config.trouble(e->config.arg, &trouble);
}

/* Before it executes, a handler's process enters its directory, and the errno does not tell which
 * of the two failed. */
static bool is_of_directory(const char *dir, int errnum)
{
	char inside[PATH_MAX];
	struct stat st;
	return dir && snprintf(inside, sizeof inside, "%s/.", dir) < (int)sizeof inside &&
	       stat(inside, &st) && errno == errnum;
}

void engine_cannot_start(struct route *r, const struct claim *c, const char *reason, int errnum)
{
	struct engine *e = r->engine;
	char entering[512];
	bool dir = is_of_directory(r->command.dir, errnum);
	const char *advice = dir ? "it is that of --chdir."
		: errnum == ENOENT ? "is the handler, or the program after its '#!', gone?"
		: errnum == EACCES ? "is it still executable? try chmod +x"
		: errnum == ENOEXEC ? "does its first line begin with '#!'?"
		: errnum == ETXTBSY ? "is it still being written?"
		: errnum == EAGAIN || errnum == ENOMEM || errnum == ENOBUFS ? "the machine is out of processes or memory"
		: errnum == EMFILE ? "tgrun may open no more files; raise the limit (ulimit -n)"
		: errnum == ENFILE ? "the machine can open no more files"
		: err_of_disk(errnum) == ERR_IO
			? "the disk is full or fails, or files may not grow (ulimit -f)"
		: "see to the handler";
	int64_t delay = backoff_fail(&r->start_backoff, backoff_random());
	if (dir) {
		snprintf(entering, sizeof entering, "its directory '%s' cannot be entered: %s",
			 r->command.dir, reason);
		reason = entering;
	}
	log_event(e->config.log, r->start_backoff.failures == 1 ? LOG_ERROR : LOG_WARN,
		  LOG_FIELDS(LOG_STR("handler", r->command.paths[0]), LOG_NUM("failures", r->start_backoff.failures), LOG_NUM("wait_ms", delay)),
		  "the handler cannot be started: %s; %s No update is touched", reason, advice);
	engine_remember_error(e, reason);
	hold(r, delay);
	tell_trouble(e, c, reason, advice, NULL, r->start_backoff.failures);
}

void engine_on_unstartable(void *arg, struct handler *h, const char *reason, int errnum)
{
	engine_cannot_start(engine_route_of(arg, h), NULL, reason, errnum);
}

void engine_trim_dead(struct engine *e)
{
	struct err err;
	int64_t dropped = 0;
	if (e->dead_keep < 0 && e->dead_keep_age < 0)
		return;
	if (queue_dead_trim(e->queue, e->dead_keep, e->dead_keep_age, &dropped, &err))
		log_event(e->config.log, LOG_WARN, LOG_NONE, "old dead letters could not be dropped: %s", err.text);
	else if (dropped)
		log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_NUM("dropped", dropped)), "old dead letters were dropped, as --dead-keep says");
}

/* The flight is over; its claim is somebody else's by now. */
void engine_land(struct engine *e, struct flight *f)
{
	if (f->leader && handler_mode(f->route->handler) != MODE_WORKER)
		e->processes[f->group]--;
	list_remove(&f->link);
	free(f);
}

static void run_hook(struct engine *e, const struct route *r, const struct claim *c, const struct handler_result *result)
{
	bool timeout = result->outcome.status < 0 && e->on_timeout_packed;
	struct command *command = timeout ? e->on_timeout_packed : e->on_error_packed;
	if (!command)
		return;
	struct hook hook = {
		.name = timeout ? "on-timeout" : "on-error", .command = command, .claim = c, .bot_username = e->bot_username, .max_attempts = r->policy.outcome.max_attempts,
		.reason = result->outcome.reason, .status = result->outcome.status, .last_stderr = result->last_stderr,
		.timeout = HOOK_TIMEOUT, .kill_after = r->policy.kill_after,
	};
	handlers_hook(e->handlers, &hook);
}

/* An attempt failed. Says what becomes of the update. */
static const char *settle_failure(struct route *r, const struct claim *c, const struct handler_result *result, int64_t since)
{
	struct engine *e = r->engine;
	int64_t delay;
	bool was_open = r->breaker.open;
	engine_remember_error(e, result->outcome.reason);
	run_hook(e, r, c, result);
	if (was_open && since <= r->opened_at) {
		/* It was in flight when the breaker opened: not counted either, and no attempt that sets the pace. */
		queue_release(e->queue, c, true, 0, false);
		return "not counted";
	}
	if (breaker_fail(&r->breaker, c->keys, backoff_random(), &delay))
		log_event(e->config.log, LOG_ERROR, LOG_FIELDS(LOG_NUM("failures", r->breaker.failures)),
			  "the handler fails on everything (%s): handlers are started one at a time, and failures are not counted, "
			  "until one succeeds", result->outcome.reason);
	if (r->breaker.open) {
		if (!was_open)
			r->opened_at = e->config.clock->mono(e->config.clock);
		queue_release(e->queue, c, true, delay, false);
		hold(r, delay);
		return "not counted";
	}
	switch (result->outcome.kind) {
	case OUTCOME_RETRY:
		e->counts.retried++;
		queue_retry(e->queue, c, backoff_delay(r->retry_delay, RETRY_CAP, c->failures + 1), result->outcome.reason);
		return "to be tried again";
	case OUTCOME_DEAD:
		e->counts.dead++;
		queue_dead(e->queue, c, result->outcome.reason, result->last_stderr);
		engine_trim_dead(e);
		return "now a dead letter";
	case OUTCOME_DROP:
	case OUTCOME_DONE:
		break;
	}
	e->counts.dropped++;
	queue_done(e->queue, c);
	return "dropped";
}

static void log_end(struct engine *e, const struct claim *c, const struct handler_result *r, const char *fate)
{
	int64_t cpu = (r->usage.ru_utime.tv_sec + r->usage.ru_stime.tv_sec) * 1000 +
		      (r->usage.ru_utime.tv_usec + r->usage.ru_stime.tv_usec) / 1000;
	enum log_level level = fate ? LOG_WARN : LOG_INFO;
	if (r->dropped)
		log_event(e->config.log, LOG_WARN, LOG_FIELDS(LOG_NUM("update", c->update_id), LOG_NUM("bytes", (int64_t)r->dropped)),
			  "part of the handler's output was dropped");
	if (!log_wants(e->config.log, level))
		return;
	log_event(e->config.log, level,
		  LOG_FIELDS(LOG_NUM("update", c->update_id), LOG_STR("key", c->keys), LOG_NUM("attempt", c->failures + 1),
			     LOG_NUM("ms", r->elapsed), LOG_NUM("cpu_ms", cpu), LOG_NUM("rss_kb", r->usage.ru_maxrss)),
		  "%s%s%s", fate ? r->outcome.reason : "handled", fate ? ": " : "", fate ? fate : "");
}

static void settle_interrupted(struct engine *e, const struct claim *c, const struct handler_result *r)
{
	e->counts.interrupted++;
	log_event(e->config.log, LOG_WARN, LOG_FIELDS(LOG_NUM("update", c->update_id), LOG_STR("key", c->keys)),
		  "interrupted, and to be handed out again: %s", r->reason);
	queue_release(e->queue, c, r->started, 0, r->solo);
	tell_trouble(e, c, r->reason, "to be handed out again", r->last_stderr, 0);
}

static void settle_ended(struct engine *e, struct route *route, const struct claim *c, const struct handler_result *r, int64_t since)
{
	const char *fate = NULL;
	backoff_reset(&route->start_backoff);
	if (r->outcome.kind == OUTCOME_DONE) {
		e->counts.done++;
		engine_count_rate(e, 1);
		if (breaker_success(&route->breaker))
			log_event(e->config.log, LOG_INFO, LOG_NONE, "the handler works again");
		queue_done(e->queue, c);
	} else {
		e->counts.failed++;
		fate = settle_failure(route, c, r, since);
	}
	log_end(e, c, r, fate);
	if (fate)
		tell_trouble(e, c, r->outcome.reason, fate, r->last_stderr, 0);
	if (e->config.settled && !route->breaker.open && r->outcome.kind != OUTCOME_RETRY)
		e->config.settled(e->config.arg, c->seq, fate != NULL);
}

void engine_on_done(void *arg, struct handler *h, struct claim *c, const struct handler_result *r)
{
	struct engine *e = arg;
	struct flight *f = c->owner;
	struct route *route = f->route;
	int64_t since = f->since;
	(void)h;
	CRASHPOINT("before-settle");
	engine_land(e, f);
	switch (r->end) {
	case HANDLER_UNSTARTABLE:
		queue_release(e->queue, c, false, 0, c->solo);
		if (e->phase == ENGINE_RUNNING)
			engine_cannot_start(route, c, r->reason, r->outcome.status);
		break;
	case HANDLER_INTERRUPTED:
		settle_interrupted(e, c, r);
		break;
	case HANDLER_ENDED:
		settle_ended(e, route, c, r, since);
		break;
	}
	CRASHPOINT("after-settle");
	claim_free(c);
}
