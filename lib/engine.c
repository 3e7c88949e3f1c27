/* engine: the turns of the runner. At the end of each turn of the loop: claim what may run while slots are free, write outcomes and
 * the marks of new starts in one transaction, and only then start the handlers (invariant 5).
 *
 * What belongs to one update settles that update; what belongs to the machine pauses, and touches none (invariant 7). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine_state.h"

enum {
	START_FIRST = 1000, START_LAST = 60000, /* pauses while handlers cannot be started */
	STORE_AGAIN = 1000,                     /* between tries to write */
	RETRY_CAP = 5 * 60 * 1000,
	SKIPS_A_TURN = 1000,
};

void engine_hold(struct engine *e, int64_t delay)
{
	e->held = true;
	loop_timer_set(e->hold_timer, delay);
}

/* How many handlers may be started now. */
static int room(const struct engine *e)
{
	if (e->phase != ENGINE_RUNNING || e->held || e->store_fails)
		return 0;
	int at_once = e->breaker.open || e->start_backoff.failures ? 1 : e->concurrency;
	int room = at_once - exec_running(e->exec) - e->starting_count;
	int idle = exec_idle(e->exec) - e->starting_count;
	return room < idle ? room : idle;
}

static void store_trouble(struct engine *e, const struct err *err)
{
	if (!e->store_fails)
		log_event(e->config.log, LOG_ERROR, LOG_NONE, "%s; no update is lost: asking and starting pause until it works again",
			  err->text);
	e->store_fails = true;
	loop_timer_set(e->turn_timer, STORE_AGAIN);
}

static void claim_some(struct engine *e)
{
	int skips = 0;
	while (room(e) > 0) {
		struct claim *c;
		struct err err;
		int rc = queue_claim(e->queue, &c, &err);
		if (rc < 0)
			store_trouble(e, &err);
		if (rc <= 0)
			return;
		if (!c->expired) {
			e->starting[e->starting_count++] = c;
			continue;
		}
		e->counts.skipped++;
		log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_NUM("number", c->seq), LOG_STR("key", c->keys)),
			  "skipped: too old to be answered");
		queue_done(e->queue, c);
		if (e->config.settled)
			e->config.settled(e->config.arg, c->seq, false);
		claim_free(c);
		if (++skips == SKIPS_A_TURN) {
			loop_timer_set(e->turn_timer, 0);
			return;
		}
	}
}

static void tell_trouble(struct engine *e, const struct claim *c, const char *reason, const char *fate, const char *last_stderr,
			 int unstartable)
{
	struct engine_trouble trouble = { c, reason, fate, last_stderr ? last_stderr : "", unstartable };
	if (e->config.trouble)
		e->config.trouble(e->config.arg, &trouble);
}

static void cannot_start(struct engine *e, const struct claim *c, const char *reason, int errnum)
{
	const char *advice = errnum == ENOENT ? "is the handler, or the program after its '#!', gone?"
		: errnum == EACCES ? "is it still executable? try chmod +x"
		: errnum == ENOEXEC ? "does its first line begin with '#!'?"
		: errnum == EAGAIN || errnum == ENOMEM ? "the machine is out of processes or memory"
		: "see to the handler";
	int64_t delay = backoff_fail(&e->start_backoff, backoff_random());
	log_event(e->config.log, e->start_backoff.failures == 1 ? LOG_ERROR : LOG_WARN,
		  LOG_FIELDS(LOG_STR("handler", e->paths[0]), LOG_NUM("failures", e->start_backoff.failures), LOG_NUM("wait_ms", delay)),
		  "the handler cannot be started: %s; %s No update is touched", reason, advice);
	engine_hold(e, delay);
	tell_trouble(e, c, reason, advice, NULL, e->start_backoff.failures);
}

static void start_claimed(struct engine *e)
{
	int n = e->starting_count;
	for (int i = 0; i < n; i++) {
		struct claim *c = e->starting[i];
		e->starting_count--;
		if (!e->held && e->phase == ENGINE_RUNNING && exec_start(e->exec, c) == 0) {
			if (e->config.started)
				e->config.started(e->config.arg, c);
			continue;
		}
		int errnum = errno;
		queue_release(e->queue, c, false, 0);
		claim_free(c);
		if (!e->held && e->phase == ENGINE_RUNNING)
			cannot_start(e, NULL, strerror(errnum), errnum);
	}
}

void engine_turn(void *arg)
{
	struct engine *e = arg;
	struct err err;
	if (e->phase == ENGINE_NEW || e->phase == ENGINE_FINISHED)
		return;
	/* A start that fails leaves something to write again. */
	for (int round = 0; round < 2; round++) {
		claim_some(e);
		if (!queue_dirty(e->queue))
			break;
		if (queue_flush(e->queue, &err)) {
			store_trouble(e, &err);
			break;
		}
		if (e->store_fails) {
			e->store_fails = false;
			log_event(e->config.log, LOG_INFO, LOG_NONE, "the state can be written again");
		}
		start_claimed(e);
	}
	int64_t due = queue_next_due(e->queue);
	loop_timer_set(e->retry_timer, due > 0 ? due : -1);
	engine_source_check(e);
	engine_say_status(e);
	engine_check_end(e);
	loop_timer_set(e->log_timer, log_flush(e->config.log) >= 0 ? 100 : -1);
}

void engine_trim_dead(struct engine *e)
{
	struct err err;
	int64_t dropped = 0;
	if (e->dead_keep < 0 && e->dead_keep_age < 0)
		return;
	if (queue_dead_trim(e->queue, e->dead_keep, e->dead_keep_age, &dropped, &err))
		store_trouble(e, &err);
	else if (dropped)
		log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_NUM("dropped", dropped)), "old dead letters were dropped, as --dead-keep says");
}

/* An attempt failed. Says what becomes of the update. */
static const char *settle_failure(struct engine *e, const struct claim *c, const struct exec_result *r)
{
	int64_t delay;
	bool was_open = e->breaker.open;
	if (breaker_fail(&e->breaker, c->keys, backoff_random(), &delay))
		log_event(e->config.log, LOG_ERROR, LOG_FIELDS(LOG_NUM("failures", e->breaker.failures)),
			  "the handler fails on everything (%s): handlers are started one at a time, and failures are not counted, "
			  "until one succeeds", r->outcome.reason);
	if (e->breaker.open) {
		/* What was in flight when it opened is not counted either, but only the one attempt sets the pace. */
		queue_release(e->queue, c, true, delay);
		if (!was_open || exec_running(e->exec) == 0)
			engine_hold(e, delay);
		return "not counted";
	}
	switch (r->outcome.kind) {
	case OUTCOME_RETRY:
		e->counts.retried++;
		queue_retry(e->queue, c, backoff_delay(e->retry_delay, RETRY_CAP, c->failures + 1), r->outcome.reason);
		return "to be tried again";
	case OUTCOME_DEAD:
		e->counts.dead++;
		queue_dead(e->queue, c, r->outcome.reason, r->last_stderr);
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

static void log_end(struct engine *e, const struct claim *c, const struct exec_result *r, const char *fate)
{
	int64_t cpu = (r->usage.ru_utime.tv_sec + r->usage.ru_stime.tv_sec) * 1000 +
		      (r->usage.ru_utime.tv_usec + r->usage.ru_stime.tv_usec) / 1000;
	enum log_level level = fate ? LOG_WARN : LOG_INFO;
	if (r->dropped)
		log_event(e->config.log, LOG_WARN, LOG_FIELDS(LOG_NUM("update", c->update_id), LOG_NUM("bytes", (int64_t)r->dropped)),
			  "part of the handler's output was dropped");
	log_event(e->config.log, level,
		  LOG_FIELDS(LOG_NUM("update", c->update_id), LOG_STR("key", c->keys), LOG_NUM("attempt", c->failures + 1),
			     LOG_NUM("ms", r->elapsed), LOG_NUM("cpu_ms", cpu), LOG_NUM("rss_kb", r->usage.ru_maxrss)),
		  "%s%s%s", fate ? r->outcome.reason : "handled", fate ? ": " : "", fate ? fate : "");
}

static void on_done(void *arg, struct claim *c, const struct exec_result *r)
{
	struct engine *e = arg;
	const char *fate = NULL;
	switch (r->end) {
	case EXEC_UNSTARTABLE:
		queue_release(e->queue, c, false, 0);
		if (e->phase == ENGINE_RUNNING)
			cannot_start(e, c, r->reason, r->outcome.status);
		goto out;
	case EXEC_INTERRUPTED:
		e->counts.interrupted++;
		log_event(e->config.log, LOG_WARN, LOG_FIELDS(LOG_NUM("update", c->update_id), LOG_STR("key", c->keys)),
			  "interrupted, and to be handed out again: %s", r->reason);
		queue_release(e->queue, c, r->started, 0);
		if (e->phase == ENGINE_RUNNING)
			tell_trouble(e, c, r->reason, "to be handed out again", r->last_stderr, 0);
		goto out;
	case EXEC_ENDED:
		break;
	}
	backoff_reset(&e->start_backoff);
	if (r->outcome.kind == OUTCOME_DONE) {
		e->counts.done++;
		if (breaker_success(&e->breaker))
			log_event(e->config.log, LOG_INFO, LOG_NONE, "the handler works again");
		queue_done(e->queue, c);
	} else {
		e->counts.failed++;
		fate = settle_failure(e, c, r);
	}
	log_end(e, c, r, fate);
	if (fate)
		tell_trouble(e, c, r->outcome.reason, fate, r->last_stderr, 0);
	if (e->config.settled && !e->breaker.open && r->outcome.kind != OUTCOME_RETRY)
		e->config.settled(e->config.arg, c->seq, fate != NULL);
out:
	claim_free(c);
}

static void on_output(void *arg, const struct claim *c, int which, const char *text, size_t n)
{
	struct engine *e = arg;
	if (e->config.output)
		e->config.output(e->config.arg, c, which, text, n);
}

static void on_idle(void *arg)
{
	(void)arg; /* A turn of the loop is under way, and its end claims. */
}

static void on_turn_timer(void *arg)
{
	(void)arg; /* A turn happens. */
}

static void on_hold(void *arg)
{
	((struct engine *)arg)->held = false;
}

bool engine_idle(const struct engine *e)
{
	return exec_running(e->exec) == 0 && e->starting_count == 0 && queue_next_due(e->queue) != 0 && !queue_dirty(e->queue);
}

void engine_counts(const struct engine *e, struct engine_counts *out)
{
	struct queue_counts q;
	struct source_counts s;
	queue_counts(e->queue, &q);
	e->source->ops->counts(e->source, &s);
	*out = e->counts;
	out->running = exec_running(e->exec);
	out->waiting = q.waiting;
	out->dead_letters = q.dead;
	out->polls = s.requests;
	out->poll_failures = s.failures;
}

/* Checks the options and takes them over: all or nothing. */
int engine_reload(struct engine *e, const struct engine_options *o, struct err *err)
{
	struct key_spec *keys = key_spec_new(o->keys, o->key_count, err);
	struct max_age *max_age = keys ? max_age_new() : NULL;
	if (keys && !max_age)
		err_set(err, ERR_INTERNAL, "out of memory");
	if (!max_age)
		goto fail;
	for (size_t i = 0; i < o->max_age_count; i++)
		if (max_age_set(max_age, o->max_age[i], err))
			goto fail;
	if (e->keys && strcmp(key_spec_text(e->keys), key_spec_text(keys)) != 0)
		log_event(e->config.log, LOG_WARN, LOG_NONE, "'key' cannot change while updates wait by the old one; it stays until a restart");
	if (engine_command_keep(e, o, err))
		goto fail;
	if (e->keys)
		key_spec_free(keys);
	else
		e->keys = keys;
	max_age_free(e->max_age);
	e->max_age = max_age;
	e->policy = o->exec;
	e->retry_delay = o->retry_delay;
	e->backlog = o->backlog;
	e->min_free = o->min_free;
	e->dead_keep = o->dead_keep;
	e->dead_keep_age = o->dead_keep_age;
	e->shutdown_timeout = o->shutdown_timeout;
	e->concurrency = o->concurrency < e->config.slot_count ? o->concurrency : e->config.slot_count;
	e->breaker.limit = o->breaker;
	exec_set_policy(e->exec, &e->policy);
	return engine_command_build(e, err);
fail:
	key_spec_free(keys);
	max_age_free(max_age);
	return -1;
}

/* The timers of the engine's own. */
static int make_timers(struct engine *e)
{
	struct loop *l = e->config.loop;
	e->turn_timer = loop_timer_new(l, on_turn_timer, e);
	e->retry_timer = loop_timer_new(l, on_turn_timer, e);
	e->log_timer = loop_timer_new(l, on_turn_timer, e);
	e->hold_timer = loop_timer_new(l, on_hold, e);
	return e->turn_timer && e->retry_timer && e->log_timer && e->hold_timer ? 0 : -1;
}

struct engine *engine_new(const struct engine_config *config, struct err *err)
{
	struct engine *e = calloc(1, sizeof *e);
	if (!e) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	e->config = *config;
	breaker_init(&e->breaker, config->options.breaker);
	e->start_backoff = (struct backoff){ .first = START_FIRST, .cap = START_LAST };
	struct exec_config exec = {
		.loop = config->loop, .slots = config->slots, .log = config->log, .clock = config->clock, .secret = config->secret,
		.done = on_done, .idle = on_idle, .output = on_output, .arg = e,
	};
	e->starting = calloc((size_t)config->slot_count, sizeof(struct claim *));
	if (!e->starting || make_timers(e)) {
		err_set(err, ERR_INTERNAL, "out of memory");
		goto fail;
	}
	e->exec = exec_new(&exec, err);
	if (!e->exec || engine_reload(e, &config->options, err))
		goto fail;
	e->http = http_new(config->loop, err);
	if (!e->http)
		goto fail;
	e->api = api_new(e->http, config->api_root, config->secret);
	if (!e->api) {
		err_set(err, ERR_INTERNAL, "out of memory");
		goto fail;
	}
	struct queue_config queue = {
		.clock = config->clock, .store = config->store, .key_spec = key_spec_text(e->keys), .backlog = e->backlog,
		.keys_of = engine_keys_of, .max_age = engine_max_age, .arg = e,
	};
	e->queue = queue_open(&queue, err);
	if (!e->queue)
		goto fail;
	loop_on_turn(config->loop, engine_turn, e);
	return e;
fail:
	e->config.store = NULL;
	engine_free(e, NULL);
	return NULL;
}
