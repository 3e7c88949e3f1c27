/* engine/engine_source: what the source says becomes what the queue is told. Raw slices come in; updates with a kind and keys go on, and what
 * cannot be understood is set aside as a dead letter with its bytes, so that it stops nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "base/duration.h"
#include "engine/engine_internal.h"

enum { KEYS_MAX = 64 << 20, CHECK_AGAIN = 5000 };

/* Between two tries to store a batch: only a batch shows that one can be stored, and each must be fetched for it. */
enum { PUT_FIRST = 1000, PUT_LAST = 60000 };

const char *engine_root(const struct engine *e)
{
	if (e->config.source_fd < 0)
		return e->config.api_root;
	return e->source_root[0] ? e->source_root : NULL;
}

/* The keys and the lane of an update. What bypasses waits for nobody and holds nobody: it has no key. */
static int place(const struct engine *e, const struct update *u, struct buf *keys, unsigned *lane)
{
	bool bypass;
	*lane = engine_lane(e, u, &bypass);
	return u && !bypass ? update_keys(u, e->keys, keys) : 0;
}

int engine_route_bytes(void *arg, const char *body, size_t length, struct buf *keys, unsigned *lane)
{
	struct err err = { 0 };
	struct update *u = update_parse(body, length, &err);
	/* What could not be looked at for want of memory is not for that no update. */
	if (!u && err.status == ERR_INTERNAL)
		return -1;
	int rc = place(arg, u, keys, lane);
	update_free(u);
	return rc;
}

int64_t engine_max_age(void *arg, const char *kind)
{
	struct engine *e = arg;
	return max_age_of(e->max_age, kind);
}

/* A batch on its way from the source to the queue. */
struct batch {
	struct queue_put *puts;
	struct update **updates;
	size_t *keys_at;      /* where the keys of each begin in `keys` */
	struct buf keys;
	size_t count;         /* of what goes on; the others were not wanted */
};

static void batch_release(struct batch *b)
{
	for (size_t i = 0; b->updates && i < b->count; i++)
		update_free(b->updates[i]);
	free(b->updates);
	free(b->puts);
	free(b->keys_at);
	buf_release(&b->keys);
}

static int batch_add(struct engine *e, struct batch *b, const struct slice *s)
{
	struct queue_put *put = &b->puts[b->count];
	struct update *u = s->is_object ? update_of_checked(s->bytes, s->length) : NULL;
	bool from_file = e->config.source_fd >= 0;
	if (s->is_object && !u)
		return -1;
	*put = (struct queue_put){
		.root = from_file ? NULL : e->config.api_root, .has_id = s->has_id && s->id >= 0, .update_id = s->id, .kind = "",
		.keys = "", .body = s->bytes, .length = s->length,
	};
	if (!u)
		put->dead = "it is no JSON object";
	else if (!put->has_id)
		put->dead = "it has no update_id that is a whole number";
	if (u && !put->dead && !engine_wants(e, u)) {
		update_free(u);
		return 0;
	}
	b->updates[b->count] = u;
	b->keys_at[b->count++] = b->keys.len;
	if (u)
		put->kind = update_kind(u);
	return place(e, u, &b->keys, &put->lane) || buf_addc(&b->keys, '\0') ? -1 : 0;
}

/* 0, or -1 when memory is out. */
static int batch_make(struct engine *e, struct batch *b, const struct slice *items, size_t count)
{
	*b = (struct batch){ .puts = calloc(count + 1, sizeof *b->puts), .updates = calloc(count + 1, sizeof *b->updates),
			     .keys_at = calloc(count + 1, sizeof *b->keys_at) };
	buf_init(&b->keys, KEYS_MAX);
	if (!b->puts || !b->updates || !b->keys_at)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (batch_add(e, b, &items[i]))
			return -1;
	for (size_t i = 0; i < b->count; i++)
		b->puts[i].keys = b->keys.data + b->keys_at[i];
	return 0;
}

static void took(struct engine *e, const struct queue_put_result *r)
{
	e->source_dry = false;
	e->counts.received += r->taken;
	e->counts.repeated += r->repeated;
	e->counts.dead += r->dead;
	log_event(e->config.log, LOG_DEBUG, LOG_FIELDS(LOG_NUM("taken", (int64_t)r->taken), LOG_NUM("repeated", (int64_t)r->repeated),
		  LOG_NUM("dead", (int64_t)r->dead)), "received");
	if (r->dead)
		log_event(e->config.log, LOG_ERROR, LOG_FIELDS(LOG_NUM("count", (int64_t)r->dead)),
			  "received what is no update; kept as a dead letter (see tgrun dead list)");
}

/* It is said once: what follows fails for the same reason. */
static void put_failed(struct engine *e, const struct err *err)
{
	bool begins = e->put_backoff.failures == 0;
	if (begins || log_pace_owes(e->config.log, &e->put_pace))
		log_paced(e->config.log, &e->put_pace, LOG_ERROR, LOG_NONE,
			  "a batch could not be stored: %s; it is not confirmed and is fetched again", err->text);
	if (begins)
		engine_remember_error(e, err->text);
	e->put_backoff.first = PUT_FIRST;
	e->put_backoff.cap = PUT_LAST;
	e->put_at = e->config.clock->mono(e->config.clock) + backoff_fail(&e->put_backoff, backoff_random());
	e->source_held = true;
	/* What else waits to be written went the same way: nothing starts until it is. */
	e->store_fails = e->store_fails || queue_dirty(e->queue);
	engine_turn_in(e, 0);
}

/* Whether the next try to store a batch is still to wait; then the timer is set for it. */
static bool put_waits(struct engine *e)
{
	int64_t left = e->put_backoff.failures ? e->put_at - e->config.clock->mono(e->config.clock) : 0;
	if (left > 0)
		engine_turn_in(e, left);
	return left > 0;
}

static int on_batch(void *arg, const struct slice *items, size_t count, int64_t offset, size_t *fresh)
{
	struct engine *e = arg;
	struct err err;
	struct batch b;
	struct queue_put_result result = { 0 };
	uint64_t ignored = e->counts.ignored, strangers = e->counts.strangers;
	engine_file_note(e, offset);
	int rc = batch_make(e, &b, items, count);
	if (rc)
		err_set(&err, ERR_INTERNAL, "out of memory");
	else
		rc = queue_put(e->queue, b.puts, b.count, engine_root(e), offset, &result, &err);
	if (rc) {
		e->counts.ignored = ignored;
		e->counts.strangers = strangers;
		put_failed(e, &err);
	} else {
		if (e->put_backoff.failures)
			log_event(e->config.log, log_pace_end(&e->put_pace), LOG_NONE, "batches can be stored again");
		backoff_reset(&e->put_backoff);
		*fresh = result.taken + result.dead + (size_t)(e->counts.ignored - ignored) +
			 (size_t)(e->counts.strangers - strangers);
		took(e, &result);
	}
	CRASHPOINT("batch-stored");
	batch_release(&b);
	return rc ? -1 : 0;
}

/* Whether the disk has room for more. Tells when that changes. */
static bool disk_has_room(struct engine *e)
{
	int64_t bytes = e->config.dir && e->min_free ? statedir_free_bytes(e->config.dir) : INT64_MAX;
	/* The database shrinks late, if at all: what it has free inside is room, too. */
	if (bytes >= 0 && bytes < e->min_free)
		bytes += queue_spare_bytes(e->queue);
	bool low = bytes >= 0 && bytes < e->min_free;
	if (low && (!e->disk_low || log_pace_owes(e->config.log, &e->disk_pace)))
		log_paced(e->config.log, &e->disk_pace, LOG_ERROR, LOG_FIELDS(LOG_NUM("free_bytes", bytes), LOG_NUM("min_free_bytes", e->min_free)),
			  "the disk is almost full: polling pauses until there is room; what was received goes on");
	if (!low && e->disk_low)
		log_event(e->config.log, log_pace_end(&e->disk_pace), LOG_NONE, "the disk has room again");
	e->disk_low = low;
	return !low;
}

static bool backlog_has_room(struct engine *e)
{
	struct queue_counts c;
	queue_counts(e->queue, &c);
	if (c.full && (!e->backlog_full || log_pace_owes(e->config.log, &e->full_pace)))
		log_paced(e->config.log, &e->full_pace, LOG_WARN, LOG_FIELDS(LOG_NUM("waiting", (int64_t)c.waiting)),
			  "the backlog is full: polling pauses until it shrinks");
	e->backlog_full = e->backlog_full || c.full;
	/* A queue that stays at its limit has room again for one batch after the other: that is no news until a tenth is free. */
	if (e->backlog_full && !c.full && (int64_t)(c.waiting + c.running) < e->backlog - e->backlog / 10) {
		log_event(e->config.log, log_pace_end(&e->full_pace), LOG_FIELDS(LOG_NUM("waiting", (int64_t)c.waiting)),
			  "the backlog has room again");
		e->backlog_full = false;
	}
	return !c.full;
}

static void sync_failed(struct engine *e, const char *why)
{
	log_paced(e->config.log, &e->sync_pace, LOG_ERROR, LOG_NONE,
		  "what was received cannot be made durable: %s; it is not confirmed to Telegram", why);
	e->store_fails = true;
	engine_turn_in(e, 1000);
}

/* 0: all that was received is durable; 1: a sync is under way, and handlers go on meanwhile; -1: it cannot be made so. When tgrun stops, no turn will
 * tell of its end, so it is waited for here. */
static int make_durable(struct engine *e, bool stopping)
{
	struct err err;
	int rc = queue_durable(e->queue, stopping, &err);
	e->syncing = rc == 1;
	if (rc < 0)
		sync_failed(e, err.text);
	return rc;
}

/* The source is asked again at the end of this turn. */
void engine_on_changed(void *arg)
{
	struct engine *e = arg;
	if (e->syncing)
		make_durable(e, false);
}

static int on_may_ask(void *arg, bool confirms)
{
	struct engine *e = arg;
	/* What was just received starts before the disk is waited for, which takes longer than all else here. */
	if (e->phase == ENGINE_RUNNING)
		engine_turn(e);
	bool stopping = e->phase != ENGINE_RUNNING;
	e->source_held = true;
	if (!stopping && (e->store_fails || put_waits(e) || !backlog_has_room(e)))
		return -1;
	if (!stopping && !disk_has_room(e)) {
		engine_turn_in(e, CHECK_AGAIN);
		return -1;
	}
	if (confirms && make_durable(e, stopping || e->draining))
		return -1;
	if (!engine_stands(e)) {
		engine_turn_in(e, CHECK_AGAIN);
		return -1;
	}
	e->source_held = false;
	CRASHPOINT("before-poll");
	return 0;
}

/* At the end of a turn: asks on when what held it back has gone. */
void engine_source_check(struct engine *e)
{
	struct err err;
	if (e->backlog_full)
		backlog_has_room(e); /* it may shrink while the source asks, and the status tells of it */
	if (!e->source_held || e->syncing || e->phase != ENGINE_RUNNING)
		return;
	/* After a failed sync nothing may be left to flush, so a flush that succeeds proves nothing. Sync again and believe that. */
	if (e->store_fails && !queue_dirty(e->queue) && queue_durable(e->queue, true, &err) == 0)
		engine_store_works(e);
	if (e->store_fails) {
		engine_turn_in(e, 1000);
		return;
	}
	if (put_waits(e) || !backlog_has_room(e))
		return;
	if (!disk_has_room(e) || !engine_stands(e)) {
		engine_turn_in(e, CHECK_AGAIN);
		return;
	}
	e->source_held = false;
	e->source->ops->resume(e->source);
}

static void on_confirmed(void *arg, int64_t offset)
{
	struct engine *e = arg;
	CRASHPOINT("confirmed");
	queue_confirmed(e->queue, engine_root(e), offset);
}

/* A name that differs from the one that was known, or is the first. */
static void take_name(struct engine *e, const char *username)
{
	struct err err;
	char *copy = strdup(username);
	if (!copy)
		return;
	if (e->bot_username)
		log_event(e->config.log, LOG_INFO,
			  LOG_FIELDS(LOG_STR("before", e->bot_username), LOG_STR("now", username)),
			  "the bot was renamed: handlers are told its new name");
	free(e->bot_username);
	e->bot_username = copy;
	queue_meta_set(e->queue, "bot-username", username);
	if (engine_commands_build(e, &err))
		log_event(e->config.log, LOG_WARN, LOG_NONE, "handlers are not told the bot's name: %s", err.text);
}

/* Workers get the name when they start, so they start when it is known: then none is to be
 * replaced because of it. Where there is no answer, that is with the name of an earlier run;
 * without one nothing was ever received, and nothing is before there is. */
static void on_bot(void *arg, const char *username)
{
	struct engine *e = arg;
	if (username && *username && (!e->bot_username || strcmp(e->bot_username, username) != 0))
		take_name(e, username);
	if (username || e->bot_username)
		handlers_begin(e->handlers);
}

static void on_ready(void *arg)
{
	struct engine *e = arg;
	struct queue_counts c;
	queue_counts(e->queue, &c);
	e->source_asked = true;
	log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_STR("bot", e->bot_username ? e->bot_username : ""),
		  LOG_NUM("waiting", (int64_t)c.waiting), LOG_NUM("slots", e->concurrency)), "polling");
	e->ready = true;
	notify_ready(e->config.notify);
}

static void on_dry(void *arg)
{
	struct engine *e = arg;
	e->source_dry = true;
	e->dry_at = e->config.clock->mono(e->config.clock);
	engine_turn_in(e, 0);
}

static void on_ended(void *arg, int status, const char *text)
{
	struct engine *e = arg;
	e->source_stopped = true;
	if (status) {
		log_event(e->config.log, LOG_ERROR, LOG_NONE, "%s", text);
		engine_remember_error(e, text);
		/* A token that was good brought updates that may still be handled, but not for ever: without it most fail. */
		if (status == ERR_NOPERM && e->source_asked)
			engine_drain_for(e, e->shutdown_timeout, status);
		else
			engine_stop(e, status, false);
	} else {
		/* The end of a file: what was read is still to be handled, and then it is forgotten how far it was read. */
		e->source_ended = true;
		engine_drain(e);
	}
}

static void on_stopped(void *arg)
{
	struct engine *e = arg;
	e->source_stopped = true;
	engine_turn_in(e, 0);
}

struct source_events engine_source_events(struct engine *e)
{
	return (struct source_events){
		.batch = on_batch, .may_ask = on_may_ask, .confirmed = on_confirmed, .bot = on_bot, .ready = on_ready, .dry = on_dry,
		.ended = on_ended, .stopped = on_stopped, .arg = e,
	};
}
