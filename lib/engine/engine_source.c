/* engine/engine_source: makes the source, and answers its events. Whether it may ask goes out to
 * it; batches go on to engine_batch.c, and that the source ended is noted for the end of the turn.
 * Invariant: no request confirms what is not on disk, under its name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "engine/engine_internal.h"
#include "source/poll.h"

enum {
	/* milliseconds between two looks at a disk that is full, or a state that is gone */
	CHECK_AGAIN = 5000,
	/* milliseconds for which a good answer counts, if no batch came since: the end of a turn
	 * and the request that follows ask once */
	ROOM_LASTS = 1000,
	STANDS_LASTS = 10,
};

/* Whether the disk has room for more. Tells when that changes. */
static bool look_for_room(struct engine *e)
{
	bool looked_at = e->config.dir && !e->config.store_forgets && !e->fleet.shared &&
			 e->policy.min_free;
	int64_t bytes = looked_at ? statedir_free_bytes(e->config.dir) : INT64_MAX;
	/* The database shrinks late, if at all: what it has free inside is room, too. */
	if (bytes >= 0 && bytes < e->policy.min_free)
		bytes += queue_spare_bytes(e->queue);
	bool low = bytes >= 0 && bytes < e->policy.min_free;
	if (low && (!e->asking.disk_low || log_pace_owes(e->config.log, &e->asking.disk_pace)))
		log_paced(
			e->config.log, &e->asking.disk_pace, LOG_ERROR,
			LOG_FIELDS(LOG_NUM("free_bytes", bytes),
				   LOG_NUM("min_free_bytes", e->policy.min_free)),
			"the disk is almost full: polling pauses until there is room; what was received goes on");
	if (!low && e->asking.disk_low)
		log_event(e->config.log, log_pace_end(&e->asking.disk_pace), LOG_NONE,
			  "the disk has room again");
	e->asking.disk_low = low;
	return !low;
}

static bool disk_has_room(struct engine *e)
{
	int64_t now = e->config.clock->mono(e->config.clock);
	if (now >= e->asking.room_until)
		e->asking.room_until = look_for_room(e) ? now + ROOM_LASTS : 0;
	return e->asking.room_until > 0;
}

static bool state_stands(struct engine *e)
{
	int64_t now = e->config.clock->mono(e->config.clock);
	if (now >= e->asking.stands_until)
		e->asking.stands_until = engine_stands(e) ? now + STANDS_LASTS : 0;
	return e->asking.stands_until > 0;
}

static bool backlog_has_room(struct engine *e)
{
	struct queue_counts c;
	queue_counts(e->queue, &c);
	if (c.full &&
	    (!e->asking.backlog_full || log_pace_owes(e->config.log, &e->asking.full_pace)))
		log_paced(e->config.log, &e->asking.full_pace, LOG_WARN,
			  LOG_FIELDS(LOG_NUM("waiting", (int64_t)c.waiting)),
			  "the backlog is full: polling pauses until it shrinks");
	e->asking.backlog_full = e->asking.backlog_full || c.full;
	/* A queue that stays at its limit has room again for one batch after the other: that is no
	 * news until a tenth is free. */
	if (e->asking.backlog_full && !c.full &&
	    (int64_t)(c.waiting + c.running) < e->policy.backlog - e->policy.backlog / 10) {
		log_event(e->config.log, log_pace_end(&e->asking.full_pace),
			  LOG_FIELDS(LOG_NUM("waiting", (int64_t)c.waiting)),
			  "the backlog has room again");
		e->asking.backlog_full = false;
	}
	return !c.full;
}

static void sync_failed(struct engine *e, const char *why)
{
	log_paced(e->config.log, &e->asking.sync_pace, LOG_ERROR, LOG_NONE,
		  "what was received cannot be made durable: %s; it is not confirmed to Telegram",
		  why);
	e->pulse.store_fails = true;
	engine_turn_in(e, 1000);
}

/* 0: all that was received is durable; 1: a sync is under way, and handlers go on meanwhile; -1: it
 * cannot be made so. When tgrun stops, no turn will tell of its end, so it is waited for here. */
static int make_durable(struct engine *e, bool stopping)
{
	struct err err;
	int rc = queue_durable(e->queue, stopping, &err);
	e->asking.syncing = rc == 1;
	/* What a shared store did not take is asked for again when it says from where on. */
	if (rc < 0 && e->fleet.shared) {
		log_paced(e->config.log, &e->asking.sync_pace, LOG_WARN, LOG_NONE,
			  "what was received was not stored, and is not confirmed to Telegram: %s",
			  err.text);
		e->fleet.may_ask = false;
	} else if (rc < 0) {
		sync_failed(e, err.text);
	}
	return rc;
}

static int on_may_ask(void *arg, bool confirms)
{
	struct engine *e = arg;
	bool stopping = e->phase != ENGINE_RUNNING;
	/* What was just received starts before the disk is waited for, which takes longer than all
	 * else here. While many start, the disk is at work already; one that came alone is not held
	 * up even by waking it. */
	if (!stopping && !e->draining && confirms && e->asking.many && !e->pulse.store_fails)
		make_durable(e, false);
	if (!stopping)
		engine_starts(e);
	stopping = e->phase != ENGINE_RUNNING;
	e->asking.waits = true;
	if (!e->fleet.may_ask)
		return -1;
	if (!stopping && (e->pulse.store_fails || engine_put_waits(e) || !backlog_has_room(e)))
		return -1;
	if (!stopping && !disk_has_room(e)) {
		engine_turn_in(e, CHECK_AGAIN);
		return -1;
	}
	if (confirms && make_durable(e, stopping || e->draining))
		return -1;
	if (!state_stands(e)) {
		engine_turn_in(e, CHECK_AGAIN);
		return -1;
	}
	e->asking.waits = false;
	CRASHPOINT("before-poll");
	return 0;
}

/* At the end of a turn, and of a sync: asks on when what held it back has gone. */
void engine_source_check(struct engine *e)
{
	struct err err;
	if (e->asking.backlog_full)
		/* it may shrink while the source asks, and the status tells of it */
		backlog_has_room(e);
	if (!e->asking.waits || e->asking.syncing || e->phase != ENGINE_RUNNING ||
	    !e->fleet.may_ask)
		return;
	/* After a failed sync nothing may be left to flush, so a flush that succeeds proves
	 * nothing. Sync again and believe that. */
	if (e->pulse.store_fails && !queue_dirty(e->queue) &&
	    queue_durable(e->queue, true, &err) == 0)
		engine_store_works(e);
	if (e->pulse.store_fails) {
		engine_turn_in(e, 1000);
		return;
	}
	if (engine_put_waits(e) || !backlog_has_room(e))
		return;
	if (!disk_has_room(e) || !state_stands(e)) {
		engine_turn_in(e, CHECK_AGAIN);
		return;
	}
	e->asking.waits = false;
	e->source->ops->resume(e->source);
}

/* The source asks on in the next turn. */
void engine_on_changed(void *arg)
{
	struct engine *e = arg;
	if (e->asking.syncing && make_durable(e, false) == 0)
		engine_source_check(e);
}

const char *engine_source_stuck(const struct engine *e, int *status)
{
	struct queue_counts c;
	if (!e->asking.waits || e->asking.syncing || e->draining)
		return NULL;
	queue_counts(e->queue, &c);
	*status = c.full ? 1 : ERR_IO;
	if (c.full)
		return "the backlog is full of updates that are to be tried again later";
	return e->asking.disk_low ? "the disk is almost full (see --min-free)" : NULL;
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
		log_event(e->config.log, LOG_WARN, LOG_NONE,
			  "handlers are not told the bot's name: %s", err.text);
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
	log_event(e->config.log, LOG_INFO,
		  LOG_FIELDS(LOG_STR("bot", e->bot_username ? e->bot_username : ""),
			     LOG_NUM("waiting", (int64_t)c.waiting),
			     LOG_NUM("slots", e->policy.concurrency)),
		  "polling");
	e->asking.begun = true;
	notify_ready(e->config.notify);
}

static void on_dry(void *arg)
{
	struct engine *e = arg;
	engine_dry(e, true);
	e->asking.dry_at = e->config.clock->mono(e->config.clock);
	engine_turn_in(e, 0);
}

static void on_ended(void *arg, int status, const char *text)
{
	struct engine *e = arg;
	e->asking.stopped = true;
	if (status) {
		log_event(e->config.log, LOG_ERROR, LOG_NONE, "%s", text);
		engine_remember_error(e, text);
	}
	e->asking.ended = e->asking.ended || !status;
	e->asking.end = (struct source_end){ .noted = true, .status = status };
	engine_take_change(e);
	engine_turn_in(e, 0);
}

static void on_stopped(void *arg)
{
	struct engine *e = arg;
	e->asking.stopped = true;
	engine_take_change(e);
	engine_turn_in(e, 0);
}

static struct source_events source_events(struct engine *e)
{
	return (struct source_events){
		.batch = engine_batch_put,
		.may_ask = on_may_ask,
		.confirmed = on_confirmed,
		.bot = on_bot,
		.ready = on_ready,
		.dry = on_dry,
		.ended = on_ended,
		.stopped = on_stopped,
		.arg = e,
	};
}

static struct poll_config poll_config_of(struct engine *e, const struct engine_config *c)
{
	return (struct poll_config){
		.loop = c->loop,
		.api = e->api,
		.log = c->log,
		.clock = c->clock,
		.events = source_events(e),
		.offset = queue_offset(e->queue, e->config.api_root),
		.options = c->poll,
		.allowed = c->allowed_updates,
		.once = c->once,
	};
}

static struct source *make_poll(struct engine *e, struct err *err)
{
	struct poll_config poll = poll_config_of(e, &e->config);
	return poll_new(&poll, err);
}

struct source *engine_source_new(struct engine *e, struct err *err)
{
	struct source_events events = source_events(e);
	return e->config.source_fd >= 0 ? engine_file_open(e, &events, err) : make_poll(e, err);
}

int engine_source_change(struct engine *e, const struct engine_config *fresh, struct err *err)
{
	struct poll_config poll = poll_config_of(e, fresh);
	return e->api ? poll_change(e->source, &poll, err) : 0;
}
