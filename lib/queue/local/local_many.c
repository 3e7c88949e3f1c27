/* queue/local/local_many: many dead letters or waiting updates are changed in slices: a letter
 * becomes an update again or is forgotten, an update is skipped. Numbers come in, or a range of
 * them; what became of each goes out. So is what was pushed and is to come, which is forgotten. A
 * slice is one transaction, on disk before anybody is told of it, and ends when the caller's time
 * is up: so the longest list holds up nobody. What is skipped is settled as done, so that its
 * repeat is recognised. */
#include "queue/local/local_internal.h"

#include <stdlib.h>
#include <string.h>

enum { SLICE_MOST = 256, SLICE_BYTES = 1 << 20 };

struct dealt {
	int64_t number;
	enum queue_fate fate;
	char *texts; /* of a letter that is put again: kind, keys and bytes, for its operation */
};

struct slice {
	struct local *queue;
	const struct queue_many *many;
	int64_t until, only; /* `only`: the letter that is looked up, 0: one after the other */
	bool full, failed;   /* failed: out of memory */
	size_t count, bytes;
	struct dealt dealt[SLICE_MOST];
};

static bool has_room(const struct slice *s)
{
	const struct clock *clock = s->queue->config.clock;
	return s->count == 0 ||
	       (s->count < SLICE_MOST && s->bytes < SLICE_BYTES && clock->mono(clock) < s->until);
}

static struct dealt *deal(struct slice *s, int64_t number, enum queue_fate fate)
{
	struct dealt *d = &s->dealt[s->count++];
	*d = (struct dealt){ .number = number, .fate = fate };
	return d;
}

/* A number may be named twice: the second finds what the first has left. */
static bool was_dealt(const struct slice *s, int64_t number)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->dealt[i].number == number)
			return true;
	return false;
}

/* The operations that make a letter an update behind all others: fresh counts, no age limit. Keys
 * and lanes may be specified otherwise by now. */
static int put_again(struct slice *s, const struct store_dead *d)
{
	struct local *q = s->queue;
	const struct queue_config *config = &q->config;
	struct buf keys;
	unsigned lane = 0;
	size_t kind_size = strlen(d->kind_name) + 1;
	buf_init(&keys, SIZE_MAX / 2);
	int rc = config->route_of
			 ? config->route_of(config->arg, d->body, d->body_length, &keys, &lane)
			 : 0;
	if (!config->route_of || d->pinned) {
		buf_clear(&keys);
		rc = rc || buf_adds(&keys, d->keys);
	}
	char *texts = rc || buf_addc(&keys, '\0') ? NULL
						  : malloc(kind_size + keys.len + d->body_length);
	if (texts) {
		char *keys_copy = texts + kind_size, *body = keys_copy + keys.len;
		memcpy(texts, d->kind_name, kind_size);
		memcpy(keys_copy, keys.data, keys.len);
		memcpy(body, d->body, d->body_length);
		deal(s, d->number, QUEUE_CHANGED)->texts = texts;
		s->bytes += d->body_length;
		int64_t now = config->clock->wall(config->clock);
		pending_lend(&q->pending,
			     &(struct store_op){ .kind = STORE_DEAD_RETRY, .seq = d->number });
		pending_lend(&q->pending, &(struct store_op){ .kind = STORE_PUT,
							      .seq = ++q->last_seq,
							      .again = now,
							      .pinned = d->pinned,
							      .has_id = d->has_id,
							      .update_id = d->update_id,
							      .received = d->received,
							      .kind_name = texts,
							      .keys = keys_copy,
							      .lane = lane,
							      .body = body,
							      .body_length = d->body_length });
	}
	buf_release(&keys);
	return texts ? 0 : -1;
}

static int on_letter(void *arg, const struct store_dead *d)
{
	struct slice *s = arg;
	if (s->only ? d->number != s->only : d->number > s->many->to)
		return 1;
	s->full = !s->only && !has_room(s);
	if (s->full)
		return 1;
	if (s->many->change == QUEUE_RETRY) {
		s->failed = put_again(s, d) != 0;
	} else {
		deal(s, d->number, QUEUE_CHANGED);
		pending_lend(&s->queue->pending,
			     &(struct store_op){ .kind = STORE_DEAD_DROP, .seq = d->number });
	}
	return s->only || s->failed;
}

static void skip(struct slice *s, int64_t seq)
{
	deal(s, seq, QUEUE_CHANGED);
	pending_lend(&s->queue->pending, &(struct store_op){ .kind = STORE_DONE, .seq = seq });
}

static int on_row(void *arg, const struct store_row *row)
{
	struct slice *s = arg;
	bool running;
	if (row->seq > s->many->to)
		return 1;
	s->full = !has_room(s);
	if (s->full)
		return 1;
	if (sched_has(s->queue->sched, row->seq, &running) && !running)
		skip(s, row->seq);
	return 0;
}

/* A walk over the store from a number on. 0, or -1 with `err`; that a callback ended it is no
 * failure. */
static int walk(struct slice *s, int64_t from, struct err *err)
{
	const struct store_ops *ops = s->queue->store->ops;
	struct err why = { 0 };
	int rc = s->many->change == QUEUE_SKIP
			 ? ops->load(s->queue->store, from, on_row, s, &why)
			 : ops->dead(s->queue->store, from, s->many->change == QUEUE_RETRY,
				     on_letter, s, &why);
	if (s->failed)
		return err_set(err, ERR_INTERNAL, "out of memory");
	if (rc && why.status) {
		if (err)
			*err = why;
		return -1;
	}
	return 0;
}

static int on_push(void *arg, const struct store_push *p)
{
	struct slice *s = arg;
	if (p->number != s->only)
		return 1;
	deal(s, p->number, QUEUE_CHANGED);
	pending_lend(&s->queue->pending,
		     &(struct store_op){ .kind = STORE_PUSH_GONE, .seq = p->number });
	return 1;
}

static int take_back(struct slice *s, int64_t number, struct err *err)
{
	struct store *store = s->queue->store;
	struct err why = { 0 };
	s->only = number;
	if (store->ops->pushes(store, number, false, on_push, s, &why) == 0 || why.status == 0)
		return 0;
	if (err)
		*err = why;
	return -1;
}

static int deal_with(struct slice *s, int64_t number, struct err *err)
{
	bool running;
	size_t before = s->count;
	if (number > 0 && !was_dealt(s, number)) {
		if (s->many->change == QUEUE_TAKE_BACK) {
			if (take_back(s, number, err))
				return -1;
		} else if (s->many->change != QUEUE_SKIP) {
			s->only = number;
			if (walk(s, number, err))
				return -1;
		} else if (sched_has(s->queue->sched, number, &running)) {
			if (running)
				deal(s, number, QUEUE_RUNS);
			else
				skip(s, number);
		}
	}
	if (s->count == before)
		deal(s, number, QUEUE_MISSING);
	return 0;
}

static int gather(struct slice *s, struct err *err)
{
	if (s->many->all)
		return walk(s, s->many->from, err);
	for (size_t i = 0; i < s->many->count; i++) {
		s->full = !has_room(s);
		if (s->full)
			break;
		if (deal_with(s, s->many->numbers[i], err))
			return -1;
	}
	return 0;
}

/* Writes it, and the scheduler learns of it. 0 or -1 with `err`. */
static int carry_out(struct slice *s, int64_t first_seq, struct err *err)
{
	struct local *q = s->queue;
	/* Who cannot tell keys and lanes leaves that to the next start. */
	if (s->many->change == QUEUE_RETRY && !q->config.route_of && q->pending.count)
		pending_lend(&q->pending, &(struct store_op){ .kind = STORE_META,
							      .kind_name = LOCAL_KEY_SPEC,
							      .keys = "" });
	size_t count = q->pending.count;
	local_later_changed(q);
	if (local_write(q, 0, true, err)) {
		/* A write that failed may have been done after all. */
		if (q->last_seq >= first_seq && !q->recheck_from)
			q->recheck_from = first_seq;
		return -1;
	}
	local_learn(q, q->pending.ops, count);
	return 0;
}

int local_many(struct queue *queue, struct queue_many *m, int64_t until,
	       void (*told)(void *arg, int64_t number, enum queue_fate fate), void *arg,
	       struct err *err)
{
	struct local *q = local_of(queue);
	struct slice s = { .queue = q, .many = m, .until = until };
	int64_t first_seq = q->last_seq + 1;
	/* What has just died is a letter, too. */
	if (local_flush(queue, err))
		return -1;
	if (m->all && !m->to)
		m->to = q->last_seq;
	if (pending_reserve(&q->pending, 2 * SLICE_MOST + 1 + q->reserved))
		return err_set(err, ERR_INTERNAL, "out of memory");
	int rc = gather(&s, err);
	if (rc)
		pending_cut(&q->pending, 0);
	else
		rc = carry_out(&s, first_seq, err);
	for (size_t i = 0; i < s.count; i++) {
		if (rc == 0 && told)
			told(arg, s.dealt[i].number, s.dealt[i].fate);
		free(s.dealt[i].texts);
	}
	if (rc)
		return -1;
	if (m->all && s.count) {
		m->from = s.dealt[s.count - 1].number + 1;
	} else if (s.count) {
		m->numbers += s.count;
		m->count -= s.count;
	}
	return s.full;
}
