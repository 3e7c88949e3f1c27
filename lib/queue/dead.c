/* queue/dead: the dead letters of the local queue: list, retry, drop, trim. They stand in the store only; what people ask for
 * here is on disk when they are told so. */
#include <stdlib.h>

#include "base/hash.h"
#include "queue/local.h"

int queue_dead_each(struct queue *q, int64_t number, int (*letter)(void *arg, const struct store_dead *d), void *arg,
		    struct err *err)
{
	/* What just died is to be seen; on a full disk, what can be seen is better than nothing. */
	local_write(q, q->pending.count, false, NULL);
	return q->store->ops->dead(q->store, number, letter, arg, err);
}

/* A letter on its way back into the queue. */
struct again {
	struct queue *queue;
	struct buf body, kind, keys;
	struct store_op put;
	bool found, failed;
};

static int take(void *arg, const struct store_dead *d)
{
	struct again *a = arg;
	const struct queue_config *config = &a->queue->config;
	a->found = true;
	a->put = (struct store_op){ .kind = STORE_PUT, .ageless = true, .has_id = d->has_id, .update_id = d->update_id,
				    .received = d->received };
	/* Keys and lanes may be specified otherwise by now. */
	a->failed = config->route_of ? config->route_of(config->arg, d->body, d->body_length, &a->keys, &a->put.lane) != 0
				     : buf_adds(&a->keys, d->keys) != 0;
	a->failed = a->failed || buf_add(&a->body, d->body, d->body_length) || buf_adds(&a->kind, d->kind_name);
	a->put.hash = hash_bytes(d->body, d->body_length);
	return 0;
}

static int put_again(struct queue *q, int64_t number, struct again *a, struct err *err)
{
	size_t keep = q->pending.count;
	if (a->failed || pending_reserve(&q->pending, 3 + q->held_count))
		return err_set(err, ERR_INTERNAL, "out of memory");
	a->put.seq = ++q->last_seq;
	a->put.kind_name = buf_str(&a->kind);
	a->put.keys = buf_str(&a->keys);
	a->put.body = buf_str(&a->body);
	a->put.body_length = a->body.len;
	pending_lend(&q->pending, &(struct store_op){ .kind = STORE_DEAD_RETRY, .seq = number });
	pending_lend(&q->pending, &a->put);
	/* Who cannot tell its keys and lane leaves that to the next start. */
	if (!q->config.route_of)
		pending_lend(&q->pending, &(struct store_op){ .kind = STORE_META, .kind_name = LOCAL_KEY_SPEC, .keys = "" });
	int rc = local_write(q, keep, true, err);
	struct store_row row = { .seq = a->put.seq, .kind_name = a->put.kind_name, .keys = a->put.keys, .lane = a->put.lane,
				 .received = a->put.received, .ageless = true };
	/* A write that failed may have been done after all. */
	if (rc || local_add(q, &row))
		q->recheck_from = row.seq;
	return rc ? -1 : 1;
}

int queue_dead_retry(struct queue *q, int64_t number, struct err *err)
{
	struct again a = { .queue = q };
	if (number <= 0)
		return 0;
	if (queue_flush(q, err))
		return -1;
	buf_init(&a.body, SIZE_MAX / 2);
	buf_init(&a.kind, SIZE_MAX / 2);
	buf_init(&a.keys, SIZE_MAX / 2);
	int rc = q->store->ops->dead(q->store, number, take, &a, err);
	if (rc == 0 && a.found)
		rc = put_again(q, number, &a, err);
	buf_release(&a.body);
	buf_release(&a.kind);
	buf_release(&a.keys);
	return rc;
}

static int see(void *arg, const struct store_dead *d)
{
	(void)d;
	*(bool *)arg = true;
	return 0;
}

int queue_dead_drop(struct queue *q, int64_t number, struct err *err)
{
	bool found = false;
	if (number <= 0)
		return 0;
	if (queue_flush(q, err) || q->store->ops->dead(q->store, number, see, &found, err))
		return -1;
	if (!found)
		return 0;
	if (pending_reserve(&q->pending, 1 + q->held_count))
		return err_set(err, ERR_INTERNAL, "out of memory");
	pending_lend(&q->pending, &(struct store_op){ .kind = STORE_DEAD_DROP, .seq = number });
	return local_write(q, 0, true, err) ? -1 : 1;
}

int queue_dead_trim(struct queue *q, int64_t keep, int64_t max_age, int64_t *dropped, struct err *err)
{
	const struct clock *clock = q->config.clock;
	*dropped = 0;
	if (queue_flush(q, err))
		return -1;
	return q->store->ops->dead_trim(q->store, keep, max_age > 0 ? clock->wall(clock) - max_age : 0, dropped, err);
}
