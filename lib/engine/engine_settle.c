/* engine/engine_settle: what ends, and what follows from it. Results of the handlers come in;
 * outcomes for the queue, the breaker's word, hooks and lines of the log go out. Invariant: each
 * claim that a handler gives back is settled once, with one outcome or as released, and is freed
 * after that. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "base/duration.h"
#include "engine/engine_internal.h"

enum {
	RETRY_CAP = 5 * 60 * 1000,
	HOOK_TIMEOUT = 60 * 1000,
	REPLY_AGAIN = 1000, /* milliseconds until memory is asked for again */
};

/* The flight is over; its claim is somebody else's by now. */
void engine_land(struct engine *e, struct flight *f)
{
	if (f->leader && !handler_traits(f->route->handler)->own_slots)
		e->starts.processes[f->group]--;
	if (f->route->probe == f)
		f->route->probe = NULL;
	list_remove(&f->link);
	free(f);
}

static void run_hook(struct engine *e, const struct route *r, const struct claim *c,
		     const struct handler_result *result)
{
	bool timeout = result->outcome.status < 0 && e->on_timeout_packed;
	struct command *command = timeout ? e->on_timeout_packed : e->on_error_packed;
	if (!command)
		return;
	struct hook hook = {
		.name = timeout ? "on-timeout" : "on-error",
		.command = command,
		.claim = c,
		.bot_username = e->bot_username,
		.max_attempts = r->policy.handler.outcome.max_attempts,
		.reason = result->outcome.reason,
		.status = result->outcome.status,
		.sentence = result->sentence,
		.timeout = HOOK_TIMEOUT,
		.kill_after = r->policy.handler.kill_after,
	};
	handlers_hook(e->handlers, &hook);
}

/* Tells the breaker of a failed attempt, and of its update's chat. To ask for another time is no
 * failure for it, but a probe that does has not succeeded. Returns, and sets *delay, as
 * breaker_fail(). */
static bool tell_breaker(struct route *r, const struct claim *c,
			 const struct handler_result *result, int64_t since, int64_t *delay)
{
	struct engine *e = r->engine;
	*delay = 0;
	if (result->outcome.asked && !r->breaker.open)
		return false;
	struct buf chat;
	buf_init(&chat, ENGINE_CHAT_MAX);
	engine_chat_of(e, c, &chat); /* without memory it is of no chat */
	bool opened = breaker_fail(&r->breaker, buf_str(&chat), since,
				   e->config.clock->mono(e->config.clock), backoff_random(), delay);
	buf_release(&chat);
	return opened;
}

/* What becomes of an update whose attempt failed. */
struct fate {
	const char *text;
	bool settled; /* for good */
};

/* What went wrong, for people: how the attempt ended, and what the handler said of it. */
struct story {
	char text[sizeof((struct outcome *)NULL)->reason + SENTENCE_MAX + 4];
};

static struct story story_of(const struct outcome *outcome, const char *sentence)
{
	struct story s;
	snprintf(s.text, sizeof s.text, "%s%s%s", outcome->reason, *sentence ? ": " : "", sentence);
	return s;
}

static struct fate bury(struct engine *e, const struct claim *c, const struct outcome *outcome,
			const struct handler_result *result)
{
	struct story story = story_of(outcome, result->sentence);
	e->counts.dead++;
	queue_dead(e->queue, c, story.text, result->last_stderr);
	return (struct fate){ "now a dead letter", true };
}

/* The handler asked for another time, and no attempt is left. What it waits for may be wanting for
 * all: then nothing is given up for it. */
static struct fate settle_spent(struct route *r, const struct claim *c,
				const struct handler_result *result)
{
	struct engine *e = r->engine;
	struct outcome outcome = result->outcome;
	int most = r->policy.handler.outcome.max_attempts;
	int64_t now = e->config.clock->wall(e->config.clock);
	if (e->config.rehearsal || e->asking.ended ||
	    ledger_may_give_up(queue_proven(e->queue, c), c->first, now)) {
		outcome_give_up(c->failures, &r->policy.handler.outcome, &outcome);
		return bury(e, c, &outcome, result);
	}
	if (c->failures < most)
		log_paced(
			e->config.log, &e->settle.spent, LOG_WARN,
			LOG_FIELDS(CLAIM_LOG_ID(c), LOG_STR("key", c->keys),
				   LOG_NUM("attempts", most)),
			"its attempts are used up, and nothing of another chat was handled since the first: it is kept, and tried when something is, "
			"or every five minutes");
	e->counts.retried++;
	queue_keep(e->queue, c, outcome.after > RETRY_CAP ? outcome.after : RETRY_CAP,
		   outcome.reason);
	return (struct fate){ "to be tried again", false };
}

/* An attempt failed. */
static struct fate settle_failure(struct route *r, const struct claim *c,
				  const struct handler_result *result, int64_t since)
{
	struct engine *e = r->engine;
	int64_t delay;
	struct story story = story_of(&result->outcome, result->sentence);
	engine_remember_error(e, story.text);
	run_hook(e, r, c, result);
	if (tell_breaker(r, c, result, since, &delay)) {
		log_paced(
			e->config.log, &r->breaker_pace, LOG_ERROR,
			LOG_FIELDS(LOG_NUM("failures", r->breaker.failures)),
			"the handler fails on everything (%s): handlers are started one at a time, and failures are not counted, "
			"until one succeeds",
			story.text);
		if (e->config.once)
			e->end.gives_up = "the handler fails on everything";
	}
	if (r->breaker.open) {
		queue_release(e->queue, c,
			      &(struct queue_release){ .why = RELEASE_BREAKER,
						       .started = true,
						       .delay = delay < 0 ? 0 : delay });
		if (delay >= 0)
			engine_pause_starts(r, delay);
		return (struct fate){ "not counted", false };
	}
	switch (result->outcome.kind) {
	case OUTCOME_RETRY:
		if (result->outcome.spent)
			return settle_spent(r, c, result);
		e->counts.retried++;
		queue_retry(e->queue, c,
			    result->outcome.after >= 0 ? result->outcome.after
						       : backoff_delay(r->policy.retry_delay,
								       RETRY_CAP, c->failures + 1),
			    story.text);
		return (struct fate){ "to be tried again", false };
	case OUTCOME_DEAD:
		return bury(e, c, &result->outcome, result);
	case OUTCOME_DROP:
	case OUTCOME_DONE:
		break;
	}
	e->counts.dropped++;
	queue_drop(e->queue, c);
	return (struct fate){ "dropped", true };
}

static void log_end(struct engine *e, const struct claim *c, const struct handler_result *r,
		    const char *fate)
{
	int64_t cpu = (r->usage.ru_utime.tv_sec + r->usage.ru_stime.tv_sec) * 1000 +
		      (r->usage.ru_utime.tv_usec + r->usage.ru_stime.tv_usec) / 1000;
	enum log_level level = fate ? LOG_WARN : LOG_INFO;
	if (r->dropped)
		log_event(e->config.log, LOG_WARN,
			  LOG_FIELDS(CLAIM_LOG_ID(c), LOG_NUM("bytes", (int64_t)r->dropped)),
			  "part of the handler's output was dropped");
	if (!log_wants(e->config.log, level))
		return;
	/* People name what failed by its number. */
	struct log_field fields[] = {
		CLAIM_LOG_ID(c),
		fate ? LOG_NUM("number", c->seq) : CLAIM_LOG_ID(c),
		LOG_STR("key", c->keys),
		LOG_NUM("attempt", c->failures + 1),
		LOG_NUM("ms", r->elapsed),
		LOG_NUM("cpu_ms", cpu),
		LOG_NUM("rss_kb", r->usage.ru_maxrss),
		LOG_STR("stderr", r->sentence),
	};
	bool once = !fate || !c->update_id; /* one of the first two is enough */
	size_t count = sizeof fields / sizeof *fields - !(fate && *r->sentence) - once;
	log_event(e->config.log, level, fields + once, count, "%s%s%s",
		  fate ? r->outcome.reason : "handled", fate ? ": " : "", fate ? fate : "");
}

/* It ended, and nobody is charged; but that is not for ever. */
void engine_uncharged(struct engine *e, const struct claim *c, const struct handler_result *r)
{
	struct queue_release how = { .why = r->why,
				     .started = r->started,
				     .reason = r->reason,
				     .last_stderr = r->last_stderr };
	const char *letter = queue_release(e->queue, c, &how);
	const char *fate = letter ? "now a dead letter" : "to be handed out again";
	/* That nothing could be started is told by itself, once. */
	bool tell = letter || r->why != RELEASE_NO_START;
	e->counts.interrupted += tell;
	e->fleet.cut += r->why == RELEASE_CUT;
	/* While it runs it may be handed out again and again; a letter is written once. */
	struct log_pace once = { 0 };
	bool again = tell && !letter && e->phase == ENGINE_RUNNING;
	const struct log_field fields[] = { CLAIM_LOG_ID(c), LOG_STR("key", c->keys),
					    LOG_NUM("number", c->seq) };
	log_paced(e->config.log, again ? &e->settle.interrupted : &once,
		  tell ? LOG_WARN : LOG_DEBUG, fields, letter && c->update_id ? 3 : 2,
		  "interrupted, and %s: %s", fate, letter ? letter : r->reason);
	if (tell)
		engine_tell_trouble(e, c, letter ? letter : r->reason, fate, r->sentence, 0);
	if (!letter)
		return;
	e->counts.dead++;
	engine_remember_error(e, letter);
	if (e->config.settled)
		e->config.settled(e->config.arg, c->seq, true);
}

/* Whether others of a batch are still to be settled. */
static bool has_others(const struct engine *e, uint64_t batch)
{
	const struct list *all = &e->starts.running;
	for (const struct list *l = all->next; l != all; l = l->next)
		if (container_of(l, struct flight, link)->batch == batch)
			return true;
	return false;
}

/* It was handled, and its reply cannot be recorded: there is no memory for it now. */
static void give_back(struct engine *e, const struct claim *c, const struct err *err)
{
	log_event(e->config.log, LOG_ERROR, LOG_FIELDS(CLAIM_LOG_ID(c), LOG_STR("key", c->keys)),
		  "its reply cannot be recorded, it is handled once more: %s", err->text);
	queue_release(e->queue, c,
		      &(struct queue_release){
			      .why = RELEASE_NO_START, .started = true, .delay = REPLY_AGAIN });
}

/* The reply to its batch cannot be recorded, so nobody of it is done: as a batch that failed, or
 * all of it once more. */
static void settle_spoilt(struct engine *e, const struct claim *c, const struct handler_result *r)
{
	struct handler_result failed = *r;
	failed.end = HANDLER_INTERRUPTED;
	failed.why = RELEASE_SHARED;
	failed.reason = e->settle.why.text;
	if (e->settle.why.status == ERR_INTERNAL)
		give_back(e, c, &e->settle.why);
	else
		engine_uncharged(e, c, &failed);
}

static void settle_ended(struct engine *e, struct route *route, const struct claim *c,
			 const struct handler_result *ended, int64_t since, uint64_t batch)
{
	struct fate fate = { NULL, true };
	struct handler_result no_reply;
	const struct handler_result *r = ended;
	struct err err = { 0 };
	backoff_succeed_of(&route->start_backoff, since);
	bool done = r->outcome.kind == OUTCOME_DONE;
	if (done && batch == e->settle.spoilt) {
		settle_spoilt(e, c, r);
		return;
	}
	if (done && engine_reply(e, route, c, r, &err)) {
		if (has_others(e, batch)) {
			e->settle.spoilt = batch;
			e->settle.why = err;
			settle_spoilt(e, c, r);
			return;
		}
		if (err.status == ERR_INTERNAL) {
			give_back(e, c, &err);
			return;
		}
		/* As a handler that ended with 65. */
		no_reply = *ended;
		outcome_answer(false, err.text, c->failures, &route->policy.handler.outcome,
			       &no_reply.outcome);
		no_reply.outcome.cause = CAUSE_REPLY;
		r = &no_reply;
	}
	if (r->outcome.kind == OUTCOME_DONE) {
		e->counts.done++;
		engine_count_rate(e, 1);
		if (breaker_success(&route->breaker))
			log_event(e->config.log, log_pace_end(&route->breaker_pace), LOG_NONE,
				  "the handler works again");
		queue_done(e->queue, c);
	} else {
		e->counts.failed++;
		e->counts.failed_by[r->outcome.cause]++;
		fate = settle_failure(route, c, r, since);
	}
	log_end(e, c, r, fate.text);
	if (fate.text)
		engine_tell_trouble(e, c, r->outcome.reason, fate.text, r->sentence, 0);
	if (e->config.settled && fate.settled)
		e->config.settled(e->config.arg, c->seq, fate.text != NULL);
}

/* The breaker hears nothing: who ended it was not the handler. */
void engine_cancelled(struct engine *e, const struct claim *c, int64_t elapsed)
{
	e->counts.cancelled++;
	const struct log_field fields[] = { CLAIM_LOG_ID(c), LOG_STR("key", c->keys),
					    LOG_NUM("ms", elapsed), LOG_NUM("number", c->seq) };
	log_event(e->config.log, LOG_INFO, fields, c->update_id ? 4 : 3, "cancelled");
	queue_drop(e->queue, c);
	if (e->config.settled)
		e->config.settled(e->config.arg, c->seq, false);
}

void engine_on_done(void *arg, struct handler *h, struct claim *c, const struct handler_result *r)
{
	struct engine *e = arg;
	struct flight *f = c->owner;
	struct route *route = f->route;
	int64_t since = f->since;
	uint64_t batch = f->batch;
	bool is_void = f->is_void;
	(void)h;
	CRASHPOINT("before-settle");
	engine_land(e, f);
	if (is_void) {
		claim_free(c);
		return;
	}
	if (r->end == HANDLER_ENDED || r->end == HANDLER_CANCELLED)
		engine_observe(&e->counts.handler_duration, r->elapsed);
	switch (r->end) {
	case HANDLER_UNSTARTABLE:
		queue_release(e->queue, c,
			      &(struct queue_release){
				      .why = r->why, .started = r->started, .reason = r->reason });
		if (e->phase == ENGINE_RUNNING)
			engine_cannot_start(route, c, since, r->reason, r->outcome.status);
		break;
	case HANDLER_INTERRUPTED:
		engine_uncharged(e, c, r);
		break;
	case HANDLER_CANCELLED:
		engine_cancelled(e, c, r->elapsed);
		break;
	case HANDLER_ENDED:
		settle_ended(e, route, c, r, since, batch);
		break;
	}
	CRASHPOINT("after-settle");
	claim_free(c);
}
