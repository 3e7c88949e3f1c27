/* engine/engine_batch: what the source hands over becomes what the queue stores. Raw slices come
 * in; updates with a kind and keys go on, and what cannot be understood is set aside as a dead
 * letter with its bytes. Invariant: a batch is stored whole or not at all, and what is no update
 * stops nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "engine/engine_internal.h"

enum { TEXTS_MAX = 64 << 20 };

/* Milliseconds between two tries to store a batch: only a batch shows that one can be stored, and
 * each must be fetched for it. */
enum { PUT_FIRST = 1000, PUT_LAST = 60000 };

const char *engine_root(const struct engine *e)
{
	if (e->config.source_fd < 0)
		return e->config.api_root;
	return e->source_root[0] ? e->source_root : NULL;
}

/* The keys and the lane of an update. What bypasses waits for nobody and holds nobody: it has no
 * key. */
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
struct intake {
	struct queue_put *puts;
	struct update *update; /* the one that is looked at */
	size_t *texts_at;      /* where those of each begin in `texts`: its keys, its kind */
	struct buf texts;
	size_t count; /* of what goes on; the others were not wanted */
};

static void intake_release(struct intake *b)
{
	update_free(b->update);
	free(b->puts);
	free(b->texts_at);
	buf_release(&b->texts);
}

static int intake_add(struct engine *e, struct intake *b, const struct slice *s)
{
	struct queue_put *put = &b->puts[b->count];
	struct update *u = s->is_object ? update_of_checked(b->update, s->bytes, s->length) : NULL;
	bool from_file = e->config.source_fd >= 0;
	const char *why;
	if (s->is_object && !u)
		return -1;
	if (u)
		b->update = u;
	*put = (struct queue_put){
		.root = from_file ? NULL : e->config.api_root,
		.has_id = s->has_id && s->id >= 0,
		.update_id = s->id,
		.body = s->bytes,
		.length = s->length,
	};
	if (!u)
		put->dead = "it is no JSON object";
	else if (!put->has_id)
		put->dead = "it has no update_id that is a whole number";
	if (u && !put->dead && !engine_wants(e, u, &why)) {
		if (e->config.ignored)
			e->config.ignored(e->config.arg, s->bytes, s->length, why);
		return 0;
	}
	b->texts_at[b->count++] = b->texts.len;
	return place(e, u, &b->texts, &put->lane) || buf_addc(&b->texts, '\0') ||
			       buf_adds(&b->texts, u ? update_kind(u) : "") ||
			       buf_addc(&b->texts, '\0')
		       ? -1
		       : 0;
}

/* 0, or -1 when memory is out. */
static int intake_make(struct engine *e, struct intake *b, const struct slice *items, size_t count)
{
	*b = (struct intake){ .puts = calloc(count + 1, sizeof *b->puts),
			      .texts_at = calloc(count + 1, sizeof *b->texts_at) };
	buf_init(&b->texts, TEXTS_MAX);
	if (!b->puts || !b->texts_at)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (intake_add(e, b, &items[i]))
			return -1;
	for (size_t i = 0; i < b->count; i++) {
		b->puts[i].keys = b->texts.data + b->texts_at[i];
		b->puts[i].kind = b->puts[i].keys + strlen(b->puts[i].keys) + 1;
	}
	return 0;
}

static void took(struct engine *e, const struct queue_put_result *r)
{
	e->asking.room_until = 0; /* it took some of the disk */
	e->asking.many = r->taken > 1;
	e->counts.received += r->taken;
	e->counts.repeated += r->repeated;
	e->counts.dead += r->dead;
	log_event(e->config.log, LOG_DEBUG,
		  LOG_FIELDS(LOG_NUM("taken", (int64_t)r->taken),
			     LOG_NUM("repeated", (int64_t)r->repeated),
			     LOG_NUM("dead", (int64_t)r->dead)),
		  "received");
	if (r->dead)
		log_event(e->config.log, LOG_ERROR, LOG_FIELDS(LOG_NUM("count", (int64_t)r->dead)),
			  "received what is no update; kept as a dead letter (see tgrun dead "
			  "list)");
}

/* It is said once: what follows fails for the same reason. */
static void put_failed(struct engine *e, const struct err *err)
{
	bool begins = e->put.backoff.failures == 0;
	if (begins || log_pace_owes(e->config.log, &e->put.pace))
		log_paced(e->config.log, &e->put.pace, LOG_ERROR, LOG_NONE,
			  "a batch could not be stored: %s; it is not confirmed and is fetched "
			  "again",
			  err->text);
	if (begins)
		engine_remember_error(e, err->text);
	e->put.backoff.first = PUT_FIRST;
	e->put.backoff.cap = PUT_LAST;
	e->put.again_at = e->config.clock->mono(e->config.clock) +
			  backoff_fail(&e->put.backoff, backoff_random());
	e->asking.waits = true;
	/* What else waits to be written went the same way: nothing starts until it is. */
	e->pulse.store_fails = e->pulse.store_fails || queue_dirty(e->queue);
	engine_turn_in(e, 0);
}

/* Whether the next try to store a batch is still to wait; then the timer is set for it. */
bool engine_put_waits(struct engine *e)
{
	int64_t left = e->put.backoff.failures
			       ? e->put.again_at - e->config.clock->mono(e->config.clock)
			       : 0;
	if (left > 0)
		engine_turn_in(e, left);
	return left > 0;
}

int engine_batch_put(void *arg, const struct slice *items, size_t count, int64_t offset,
		     size_t *fresh)
{
	struct engine *e = arg;
	struct err err;
	struct intake b;
	struct queue_put_result result = { 0 };
	uint64_t ignored = e->counts.ignored, strangers = e->counts.strangers;
	engine_file_note(e, offset);
	engine_dry(e, false);
	int rc = intake_make(e, &b, items, count);
	if (rc)
		err_set(&err, ERR_INTERNAL, "out of memory");
	else
		rc = queue_put(e->queue, b.puts, b.count, engine_root(e), offset, &result, &err);
	if (rc) {
		e->counts.ignored = ignored;
		e->counts.strangers = strangers;
		put_failed(e, &err);
	} else {
		if (e->put.backoff.failures)
			log_event(e->config.log, log_pace_end(&e->put.pace), LOG_NONE,
				  "batches can be stored again");
		backoff_reset(&e->put.backoff);
		*fresh = result.taken + result.dead + (size_t)(e->counts.ignored - ignored) +
			 (size_t)(e->counts.strangers - strangers);
		took(e, &result);
	}
	CRASHPOINT("batch-stored");
	intake_release(&b);
	return rc ? -1 : 0;
}
