/* queue/local/local_bytes: the bytes of updates that are handed out: one block with the claim, its
 * keys and its body. What was put a moment ago is kept in such a block until it is claimed, which
 * is soon while few wait; anything else is read from the store. Invariant: what is kept is what was
 * put and written, no attempt at it has begun, and all of it is at most 1 MB. */
#include "queue/local/local_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
	BODY_MAX = 1024 * 1024 / LOCAL_KEPT,
	BUFFER_MAX = 64 * 1024, /* what stays allocated for the next one that is read */
};

static struct open_claim *make(int64_t seq, const char *keys, const char *body, size_t length)
{
	size_t n = strlen(keys) + 1;
	struct open_claim *o = malloc(sizeof *o + n + length + 1);
	if (!o)
		return NULL;
	*o = (struct open_claim){
		.claim = { .seq = seq, .keys = o->bytes, .body = o->bytes + n, .length = length }
	};
	memcpy(o->claim.keys, keys, n);
	memcpy(o->claim.body, body, length);
	o->claim.body[length] = '\0';
	return o;
}

static struct open_claim **place_of(struct local *q, int64_t seq)
{
	return &q->kept[(uint64_t)seq % LOCAL_KEPT];
}

void local_bytes_keep(struct local *q, const struct store_op *ops, size_t count)
{
	/* The newest of a long queue are claimed last. */
	if (sched_count(q->sched) - sched_running(q->sched) > LOCAL_KEPT)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct store_op *op = &ops[i];
		if (op->kind != STORE_PUT || op->body_length > BODY_MAX)
			continue;
		struct open_claim **place = place_of(q, op->seq);
		free(*place);
		*place = make(op->seq, op->keys, op->body, op->body_length);
		if (!*place)
			continue;
		(*place)->claim.arrived = store_arrived(op->received, op->again);
		(*place)->claim.update_id = op->has_id ? op->update_id : 0;
	}
}

static int read_one(struct local *q, int64_t seq, struct open_claim **out, struct err *err)
{
	struct store_facts facts;
	struct buf *body = &q->body, *keys = &q->keys;
	buf_clear(keys);
	int rc = q->store->ops->body(q->store, seq, body, &facts, err);
	if (rc != 1)
		return rc;
	*out = sched_keys(q->sched, seq, keys) ? NULL
					       : make(seq, buf_str(keys), buf_str(body), body->len);
	if (body->cap > BUFFER_MAX)
		buf_release(body);
	if (!*out)
		return err_set(err, ERR_INTERNAL, "out of memory");
	(*out)->claim.arrived = facts.arrived;
	(*out)->claim.first = facts.first;
	(*out)->claim.update_id = facts.update_id;
	return 1;
}

int local_bytes_of(struct local *q, int64_t seq, struct open_claim **out, struct err *err)
{
	struct open_claim **place = place_of(q, seq);
	if (!*place || (*place)->claim.seq != seq)
		return read_one(q, seq, out, err);
	*out = *place;
	*place = NULL;
	return 1;
}

void local_bytes_release(struct local *q)
{
	for (size_t i = 0; i < LOCAL_KEPT; i++)
		free(q->kept[i]);
	buf_release(&q->body);
	buf_release(&q->keys);
}
