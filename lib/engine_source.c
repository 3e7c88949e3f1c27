/* engine_source: what the source says becomes what the queue is told. Raw slices come in; updates with a kind and keys go on, and what
 * cannot be understood is set aside as a dead letter with its bytes, so that it stops nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "engine_state.h"

enum { KEYS_MAX = 64 << 20, CHECK_AGAIN = 5000 };

int engine_keys_of(void *arg, const char *body, size_t length, struct buf *out)
{
	struct engine *e = arg;
	struct update *u = update_parse(body, length, NULL);
	int rc = u ? update_keys(u, e->keys, out) : 0;
	update_free(u);
	return rc;
}

int64_t engine_max_age(void *arg, const char *kind)
{
	struct engine *e = arg;
	return max_age_of(e->max_age, kind);
}

/* One slice as the queue wants it. `keys` collects the keys of the whole batch; where this one's begin is told by *at. */
static int prepare(struct engine *e, const struct slice *s, struct queue_put *put, struct update **update, struct buf *keys,
		   size_t *at)
{
	*put = (struct queue_put){
		.root = e->config.api_root, .has_id = s->has_id && s->id >= 0, .update_id = s->id, .kind = "", .keys = "",
		.body = s->bytes, .length = s->length,
	};
	*at = keys->len;
	*update = s->is_object ? update_parse(s->bytes, s->length, NULL) : NULL;
	if (!*update)
		put->dead = "it is no JSON object";
	else if (!put->has_id)
		put->dead = "it has no update_id that is a whole number";
	if (*update) {
		put->kind = update_kind(*update);
		if (update_keys(*update, e->keys, keys))
			return -1;
	}
	return buf_addc(keys, '\0');
}

static int on_batch(void *arg, const struct slice *items, size_t count, int64_t offset, size_t *fresh)
{
	struct engine *e = arg;
	struct err err;
	struct buf keys;
	struct queue_put_result result = { 0 };
	buf_init(&keys, KEYS_MAX);
	struct queue_put *puts = calloc(count, sizeof *puts);
	struct update **updates = calloc(count, sizeof *updates);
	size_t *at = calloc(count, sizeof *at);
	int rc = puts && updates && at ? 0 : -1;
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = prepare(e, &items[i], &puts[i], &updates[i], &keys, &at[i]);
	for (size_t i = 0; rc == 0 && i < count; i++)
		puts[i].keys = keys.data + at[i];
	if (rc)
		err_set(&err, ERR_INTERNAL, "out of memory");
	else
		rc = queue_put(e->queue, puts, count, e->config.api_root, offset, &result, &err);
	if (rc) {
		e->source_held = true;
		if (!e->store_fails)
			log_event(e->config.log, LOG_ERROR, LOG_NONE, "a batch could not be stored: %s; it stays at Telegram and is "
				  "fetched again", err.text);
		e->store_fails = true;
		loop_timer_set(e->turn_timer, 1000);
	} else {
		e->source_dry = false;
		e->counts.received += result.taken;
		e->counts.repeated += result.repeated;
		e->counts.dead += result.dead;
		*fresh = result.taken + result.dead;
		log_event(e->config.log, LOG_DEBUG, LOG_FIELDS(LOG_NUM("taken", (int64_t)result.taken), LOG_NUM("repeated", (int64_t)result.repeated),
			  LOG_NUM("dead", (int64_t)result.dead)), "received");
		if (result.dead)
			log_event(e->config.log, LOG_ERROR, LOG_FIELDS(LOG_NUM("count", (int64_t)result.dead)),
				  "received what is no update; kept as a dead letter (see tgrun dead list)");
	}
	for (size_t i = 0; updates && i < count; i++)
		update_free(updates[i]);
	free(updates);
	free(puts);
	free(at);
	buf_release(&keys);
	return rc ? -1 : 0;
}

/* Whether the disk has room for more. Tells when that changes. */
static bool disk_has_room(struct engine *e)
{
	int64_t bytes = e->config.dir && e->min_free ? statedir_free_bytes(e->config.dir) : INT64_MAX;
	bool low = bytes >= 0 && bytes < e->min_free;
	if (low && !e->disk_low)
		log_event(e->config.log, LOG_ERROR, LOG_FIELDS(LOG_NUM("free_bytes", bytes), LOG_NUM("min_free_bytes", e->min_free)),
			  "the disk is almost full: polling pauses until there is room; what was received goes on");
	if (!low && e->disk_low)
		log_event(e->config.log, LOG_INFO, LOG_NONE, "the disk has room again");
	e->disk_low = low;
	return !low;
}

static bool backlog_has_room(struct engine *e)
{
	struct queue_counts c;
	queue_counts(e->queue, &c);
	if (c.full && !e->backlog_full)
		log_event(e->config.log, LOG_WARN, LOG_FIELDS(LOG_NUM("waiting", (int64_t)c.waiting)),
			  "the backlog is full: polling pauses until it shrinks");
	if (!c.full && e->backlog_full)
		log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_NUM("waiting", (int64_t)c.waiting)), "the backlog has room again");
	e->backlog_full = c.full;
	return !c.full;
}

static int on_may_ask(void *arg)
{
	struct engine *e = arg;
	struct err err;
	bool stopping = e->phase != ENGINE_RUNNING;
	e->source_held = true;
	if (!stopping && (e->store_fails || !backlog_has_room(e)))
		return -1;
	if (!stopping && !disk_has_room(e)) {
		loop_timer_set(e->turn_timer, CHECK_AGAIN);
		return -1;
	}
	if (queue_sync(e->queue, &err)) {
		log_event(e->config.log, LOG_ERROR, LOG_NONE, "what was received cannot be made durable: %s; it is not confirmed to Telegram",
			  err.text);
		e->store_fails = true;
		loop_timer_set(e->turn_timer, 1000);
		return -1;
	}
	e->source_held = false;
	return 0;
}

/* At the end of a turn: asks on when what held it back has gone. */
void engine_source_check(struct engine *e)
{
	struct err err;
	if (!e->source_held || e->phase != ENGINE_RUNNING)
		return;
	/* A failed put or sync leaves nothing for a flush to prove; the sync itself is the proof. */
	if (e->store_fails && !queue_dirty(e->queue) && queue_sync(e->queue, &err) == 0) {
		e->store_fails = false;
		log_event(e->config.log, LOG_INFO, LOG_NONE, "the state can be written again");
	}
	if (e->store_fails) {
		loop_timer_set(e->turn_timer, 1000);
		return;
	}
	if (!backlog_has_room(e))
		return;
	if (!disk_has_room(e)) {
		loop_timer_set(e->turn_timer, CHECK_AGAIN);
		return;
	}
	e->source_held = false;
	e->source->ops->resume(e->source);
}

static void on_confirmed(void *arg, int64_t offset)
{
	struct engine *e = arg;
	queue_confirmed(e->queue, e->config.api_root, offset);
}

static void on_bot(void *arg, const char *username)
{
	struct engine *e = arg;
	struct err err;
	if (e->bot_username && strcmp(e->bot_username, username) == 0)
		return;
	char *copy = strdup(username);
	if (!copy)
		return;
	free(e->bot_username);
	e->bot_username = copy;
	queue_meta_set(e->queue, "bot-username", username);
	if (engine_command_build(e, &err))
		log_event(e->config.log, LOG_WARN, LOG_NONE, "handlers are not told the bot's name: %s", err.text);
}

static void on_ready(void *arg)
{
	struct engine *e = arg;
	struct queue_counts c;
	queue_counts(e->queue, &c);
	log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_STR("bot", e->bot_username ? e->bot_username : ""),
		  LOG_NUM("waiting", (int64_t)c.waiting), LOG_NUM("slots", e->concurrency)), "polling");
	notify_send(e->notify, "READY=1");
}

static void on_dry(void *arg)
{
	struct engine *e = arg;
	e->source_dry = true;
	e->dry_at = e->config.clock->mono(e->config.clock);
	loop_timer_set(e->turn_timer, 0);
}

static void on_ended(void *arg, int status, const char *text)
{
	struct engine *e = arg;
	e->source_stopped = true;
	if (status)
		log_event(e->config.log, LOG_ERROR, LOG_NONE, "%s", text);
	engine_stop(e, status, false);
}

static void on_stopped(void *arg)
{
	struct engine *e = arg;
	e->source_stopped = true;
	loop_timer_set(e->turn_timer, 0);
}

struct source_events engine_source_events(struct engine *e)
{
	return (struct source_events){
		.batch = on_batch, .may_ask = on_may_ask, .confirmed = on_confirmed, .bot = on_bot, .ready = on_ready, .dry = on_dry,
		.ended = on_ended, .stopped = on_stopped, .arg = e,
	};
}
