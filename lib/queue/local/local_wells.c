/* queue/local/local_wells: remembers when updates ended well, so that it can be told of one that
 * does not whether it alone has trouble. Ends come in; one answer goes out. What is remembered
 * is written, with the next transaction, only while an update waits that an attempt was made
 * for: to the others nothing before their first attempt matters. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "queue/local/local_internal.h"

/* Updates without keys have nothing in common with each other. */
static uint64_t hash_of(const struct claim *c)
{
	return c->keys[0] ? hash_bytes(c->keys, strlen(c->keys)) : map_number(c->seq);
}

void local_wells_note(struct local *q, const struct claim *c)
{
	struct wells *w = &q->wells;
	uint64_t keys = hash_of(c);
	if (w->last[0].keys != keys)
		w->last[1] = w->last[0];
	w->last[0].keys = keys;
	w->last[0].at = q->config.clock->wall(q->config.clock);
	w->unwritten = true;
}

bool local_proven(const struct queue *queue, const struct claim *c)
{
	const struct local *q = local_of(queue);
	const struct wells *w = &q->wells;
	return w->last[w->last[0].keys == hash_of(c)].at > c->first;
}

int local_wells_load(struct local *q, struct err *err)
{
	struct wells *w = &q->wells;
	struct buf text;
	int64_t now = q->config.clock->wall(q->config.clock);
	buf_init(&text, SIZE_MAX / 2);
	int rc = q->store->ops->meta(q->store, LOCAL_WELLS, &text, err);
	if (rc == 0 &&
	    sscanf(buf_str(&text), "%" SCNx64 " %" SCNd64 " %" SCNx64 " %" SCNd64, &w->last[0].keys,
		   &w->last[0].at, &w->last[1].keys, &w->last[1].at) != 4)
		*w = (struct wells){ 0 };
	/* The clock may have been set back. */
	for (int i = 0; i < 2; i++)
		w->last[i].at = w->last[i].at < now ? w->last[i].at : now;
	buf_release(&text);
	return rc;
}

void local_wells_keep(struct local *q)
{
	struct wells *w = &q->wells;
	char text[96];
	if (!w->unwritten || sched_redelivered(q->sched) == 0)
		return;
	snprintf(text, sizeof text, "%" PRIx64 " %" PRId64 " %" PRIx64 " %" PRId64, w->last[0].keys,
		 w->last[0].at, w->last[1].keys, w->last[1].at);
	struct store_op op = { .kind = STORE_META, .kind_name = LOCAL_WELLS, .keys = text };
	if (pending_reserve(&q->pending, 1 + q->reserved) == 0 &&
	    pending_add(&q->pending, &op) == 0)
		w->unwritten = false;
}
