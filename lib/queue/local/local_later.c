/* queue/local/local_later: what was pushed and is to come: it comes in with a time, and becomes an
 * update when that has come. All of it stands in the store, which is asked for the next one only,
 * so how many there are costs neither memory nor a start. Invariant: one that was kept is either to
 * come or has become one update, in one transaction; and which of two comes first is decided by
 * their times, then by their numbers.
 *
 * Elapsed time is a clock of its own: the monotonic one and a constant. The store has how far the
 * wall clock was ahead of it, so that it goes on at the next start; that is written anew when the
 * wall clock was set. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/local/local_internal.h"

enum {
	LOOK = 500,  /* milliseconds between two looks at a wall clock that may be set */
	DRIFT = 100, /* by which the clocks may differ from what was written */
	SLICE_MOST = 256,
	SLICE_BYTES = 1 << 20,
	FAILED_AGAIN = 1000,
};

static int64_t wall(const struct local *q)
{
	return q->config.clock->wall(q->config.clock);
}

static int64_t elapsed(const struct local *q)
{
	return q->config.clock->mono(q->config.clock) + q->later.base;
}

/* How far the wall clock is ahead of the time that counts for one. */
static int64_t ahead(const struct local *q, bool of_elapsed)
{
	return of_elapsed ? wall(q) - elapsed(q) : 0;
}

int local_later_load(struct local *q, struct err *err)
{
	struct buf text;
	int64_t least = INT64_MIN;
	buf_init(&text, SIZE_MAX / 2);
	int rc = q->store->ops->meta(q->store, LOCAL_ELAPSED, &text, err);
	if (rc == 0 &&
	    sscanf(buf_str(&text), "%" SCNd64 " %" SCNd64, &q->later.written, &least) < 2)
		q->later.written = 0;
	buf_release(&text);
	int64_t now = wall(q) - q->later.written;
	/* The clock may have been set back. */
	q->later.base = (now > least ? now : least) - q->config.clock->mono(q->config.clock);
	local_later_changed(q);
	return rc;
}

void local_later_changed(struct local *q)
{
	q->later.head[0].known = q->later.head[1].known = false;
}

/* The operation that writes how far the wall clock is ahead, and what time it is. */
static struct store_op clock_op(const struct local *q, char text[64])
{
	snprintf(text, 64, "%" PRId64 " %" PRId64, ahead(q, true), elapsed(q));
	return (struct store_op){ .kind = STORE_META, .kind_name = LOCAL_ELAPSED, .keys = text };
}

/* Notices that the wall clock was set. */
static void watch_clock(struct local *q)
{
	char text[64];
	int64_t now = ahead(q, true), drift = now - q->later.written;
	if (drift < DRIFT && drift > -DRIFT)
		return;
	struct store_op op = clock_op(q, text);
	if (pending_reserve(&q->pending, 1 + q->reserved) == 0 &&
	    pending_add(&q->pending, &op) == 0)
		q->later.written = now;
}

/* ---- in ---- */

int local_push(struct queue *queue, const struct queue_push *push, int64_t *number, struct err *err)
{
	struct local *q = local_of(queue);
	size_t keep = q->pending.count;
	char text[64];
	struct store_push kept = { .number = q->last_push + 1,
				   .elapsed = push->elapsed,
				   .pinned = push->pinned,
				   .due = push->due + (push->elapsed ? elapsed(q) : 0),
				   .created = wall(q),
				   .kind_name = push->kind,
				   .keys = push->keys,
				   .body = push->body,
				   .length = push->length };
	if (pending_reserve(&q->pending, 2 + q->reserved))
		return err_set(err, ERR_INTERNAL, "out of memory");
	pending_lend(&q->pending, &(struct store_op){ .kind = STORE_PUSH, .push = &kept });
	struct store_op op = clock_op(q, text);
	if (push->elapsed)
		pending_lend(&q->pending, &op);
	/* A number that could not be written may have been, after all. */
	q->last_push++;
	local_later_changed(q);
	if (local_write(q, keep, false, err))
		return -1;
	if (push->elapsed)
		q->later.written = ahead(q, true);
	q->unsynced = true;
	*number = kept.number;
	return 0;
}

/* ---- when ---- */

static int note_due(void *arg, const struct store_push *p)
{
	*(int64_t *)arg = p->due;
	return 0;
}

/* When the first one comes due, of the time that counts for it: 0, or -1. */
static int first_due(struct local *q, bool of_elapsed, int64_t *due)
{
	if (!q->later.head[of_elapsed].known) {
		*due = INT64_MAX;
		if (q->store->ops->next_push(q->store, of_elapsed, INT64_MIN, 0, false, note_due,
					     due, NULL))
			return -1;
		q->later.head[of_elapsed].known = true;
		q->later.head[of_elapsed].due = *due;
	}
	*due = q->later.head[of_elapsed].due;
	return 0;
}

int64_t local_push_due(struct queue *queue)
{
	struct local *q = local_of(queue);
	int64_t at, after;
	if (q->store->ops->push_count(q->store) == 0)
		return -1;
	if (first_due(q, false, &at) || first_due(q, true, &after))
		return FAILED_AGAIN;
	if (after != INT64_MAX)
		watch_clock(q);
	int64_t left = at == INT64_MAX ? INT64_MAX : at - wall(q);
	if (after != INT64_MAX && after - elapsed(q) < left)
		left = after - elapsed(q);
	return left <= 0 ? 0 : left < LOOK ? left : LOOK;
}

/* ---- out ---- */

/* One that is due: its strings and its bytes in one block. */
struct ripe {
	struct store_push push;
	int64_t due; /* wall clock, milliseconds */
	char bytes[];
};

/* The next of each time, and where the walk over it is. */
struct walk {
	struct local *queue;
	struct ripe *next[2];
	struct {
		int64_t due, number;
	} at[2];
	bool failed; /* out of memory */
};

static int take_next(void *arg, const struct store_push *p)
{
	struct walk *w = arg;
	size_t kind = strlen(p->kind_name) + 1, keys = strlen(p->keys) + 1;
	struct ripe *r = malloc(sizeof *r + kind + keys + p->length + 1);
	w->failed = !r;
	if (!r)
		return 1;
	r->push = *p;
	r->push.kind_name = memcpy(r->bytes, p->kind_name, kind);
	r->push.keys = memcpy(r->bytes + kind, p->keys, keys);
	r->push.body = memcpy(r->bytes + kind + keys, p->body, p->length);
	r->bytes[kind + keys + p->length] = '\0';
	w->next[p->elapsed] = r;
	w->at[p->elapsed].due = p->due;
	w->at[p->elapsed].number = p->number;
	return 0;
}

/* The next one that is due, the caller's, of both times: 1, 0: none is, -1 with `err`. */
static int next_ripe(struct walk *w, struct ripe **out, struct err *err)
{
	struct local *q = w->queue;
	for (int i = 0; i < 2; i++) {
		if (!w->next[i] &&
		    q->store->ops->next_push(q->store, i, w->at[i].due, w->at[i].number, true,
					     take_next, w, err))
			return w->failed ? err_set(err, ERR_INTERNAL, "out of memory") : -1;
		if (w->next[i])
			w->next[i]->due = w->next[i]->push.due + ahead(q, i);
	}
	struct ripe *a = w->next[0], *b = w->next[1];
	bool second = !a || (b && (b->due < a->due ||
				   (b->due == a->due && b->push.number < a->push.number)));
	if (!w->next[second] || w->next[second]->due > wall(q))
		return 0;
	*out = w->next[second];
	w->next[second] = NULL;
	return 1;
}

/* What it is kept in order by, and its lane: 0, or -1 when memory is out. *keys is the buffer's, or
 * its own. */
static int place(struct local *q, const struct store_push *p, struct buf *buf, unsigned *lane,
		 const char **keys)
{
	*lane = 0;
	*keys = p->keys;
	buf_clear(buf);
	if (!q->config.route_of)
		return 0;
	if (q->config.route_of(q->config.arg, p->body, p->length, buf, lane))
		return -1;
	if (!p->pinned)
		*keys = buf_str(buf);
	return 0;
}

/* A slice of what is due: the operations lend from `ripe`, and keys from `keys`. */
struct slice {
	struct ripe *ripe[SLICE_MOST];
	char *keys[SLICE_MOST];
	size_t count, bytes;
	struct queue_ripe done;
};

static int add_ripe(struct local *q, struct slice *s, struct ripe *r, bool wanted, struct err *err)
{
	const struct store_push *p = &r->push;
	const char *keys;
	unsigned lane;
	s->ripe[s->count] = r;
	s->keys[s->count] = NULL;
	s->count++;
	pending_lend(&q->pending, &(struct store_op){ .kind = STORE_PUSH_GONE, .seq = p->number });
	if (!wanted) {
		s->done.ignored++;
		return 0;
	}
	if (place(q, p, &q->keys, &lane, &keys) ||
	    (keys != p->keys && !(keys = s->keys[s->count - 1] = strdup(keys))))
		return err_set(err, ERR_INTERNAL, "out of memory");
	s->bytes += p->length;
	s->done.taken++;
	pending_lend(&q->pending, &(struct store_op){ .kind = STORE_PUT,
						      .seq = ++q->last_seq,
						      .pinned = p->pinned,
						      .received = wall(q),
						      .kind_name = p->kind_name,
						      .keys = keys,
						      .lane = lane,
						      .body = p->body,
						      .body_length = p->length });
	return 0;
}

/* Writes it, and the scheduler learns of it. 0 or -1 with `err`. */
static int carry_out(struct local *q, int64_t first_seq, struct err *err)
{
	size_t count = q->pending.count;
	local_later_changed(q);
	if (local_write(q, 0, false, err)) {
		/* A write that failed may have been done after all. */
		if (q->last_seq >= first_seq && !q->recheck_from)
			q->recheck_from = first_seq;
		return -1;
	}
	local_learn(q, q->pending.ops, count);
	local_bytes_keep(q, q->pending.ops, count);
	q->unsynced = true;
	return 0;
}

static bool has_room(const struct local *q, const struct slice *s, int64_t until)
{
	return (int64_t)(sched_count(q->sched) + s->done.taken) < q->config.backlog &&
	       (s->count == 0 || (s->count < SLICE_MOST && s->bytes < SLICE_BYTES &&
				  q->config.clock->mono(q->config.clock) < until));
}

int local_push_ripen(struct queue *queue, int64_t until,
		     bool (*wanted)(void *arg, const char *body, size_t length), void *arg,
		     struct queue_ripe *out, struct err *err)
{
	struct local *q = local_of(queue);
	struct walk w = { .queue = q, .at = { { INT64_MIN, 0 }, { INT64_MIN, 0 } } };
	struct slice s = { .count = 0 };
	int64_t first_seq = q->last_seq + 1;
	struct ripe *r = NULL;
	bool room;
	*out = s.done;
	if (local_flush(queue, err))
		return -1;
	if (pending_reserve(&q->pending, 2 * SLICE_MOST + q->reserved))
		return err_set(err, ERR_INTERNAL, "out of memory");
	int rc = 1;
	while ((room = has_room(q, &s, until)) && (rc = next_ripe(&w, &r, err)) > 0) {
		bool is_wanted = !wanted || wanted(arg, r->push.body, r->push.length);
		rc = add_ripe(q, &s, r, is_wanted, err);
		if (rc)
			break;
	}
	if (rc < 0)
		pending_cut(&q->pending, 0);
	else
		rc = s.count ? carry_out(q, first_seq, err) : 0;
	for (size_t i = 0; i < s.count; i++) {
		free(s.ripe[i]);
		free(s.keys[i]);
	}
	free(w.next[0]);
	free(w.next[1]);
	if (rc == 0)
		*out = s.done;
	return rc ? -1 : !room;
}

/* ---- for people ---- */

struct teller {
	struct local *queue;
	int64_t only; /* its number; 0: all */
	bool bodies;
	int (*each)(void *arg, const struct queue_item *item);
	void *arg;
	int told;
};

static int tell(void *arg, const struct store_push *p)
{
	struct teller *t = arg;
	if (t->only && p->number != t->only)
		return 1;
	t->told = 1;
	return t->each(t->arg, &(struct queue_item){ .seq = p->number,
						     .later = true,
						     .kind = p->kind_name,
						     .keys = p->keys,
						     .state = QUEUE_DELAYED,
						     .due = p->due + ahead(t->queue, p->elapsed),
						     .received = p->created,
						     .body = t->bodies ? p->body : NULL,
						     .length = p->length }) ||
	       t->only;
}

int local_push_each(struct queue *queue, int64_t from,
		    int (*each)(void *arg, const struct queue_item *item), void *arg,
		    struct err *err)
{
	struct local *q = local_of(queue);
	struct teller t = { .queue = q, .each = each, .arg = arg };
	struct err why = { 0 };
	if (q->store->ops->pushes(q->store, from, false, tell, &t, &why) == 0)
		return 0;
	if (why.status == 0)
		return 1; /* the callback had enough */
	if (err)
		*err = why;
	return -1;
}

int local_push_show(struct queue *queue, int64_t number,
		    int (*show)(void *arg, const struct queue_item *item), void *arg,
		    struct err *err)
{
	struct local *q = local_of(queue);
	struct teller t = { .queue = q, .only = number, .bodies = true, .each = show, .arg = arg };
	struct err why = { 0 };
	if (number <= 0)
		return 0;
	if (q->store->ops->pushes(q->store, number, true, tell, &t, &why) && why.status) {
		if (err)
			*err = why;
		return -1;
	}
	return t.told;
}
