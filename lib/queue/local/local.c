/* queue/local/local: what comes into the local queue, and how all that it decides is written.
 * The scheduler says whose turn it is, the store keeps everything. Outcomes change the scheduler
 * at once, and wait in a list for the next transaction, which is written before a handler
 * starts. Invariant: what the scheduler knows is in the store; what is in the store and not in
 * the scheduler is pending, or numbered from `recheck_from` on. */
#include "queue/local/local_internal.h"

#include <string.h>

#include "base/hash.h"
#include "base/map.h"

/* ---- writing ---- */

int local_write(struct local *q, size_t keep, bool sync, struct err *err)
{
	struct err why;
	if (q->pending.count &&
	    q->store->ops->apply(q->store, q->pending.ops, q->pending.count, sync, &why)) {
		pending_cut(&q->pending, keep);
		q->failing = keep > 0;
		q->failure = why;
		if (err)
			*err = why;
		return -1;
	}
	pending_clear(&q->pending);
	q->writes++;
	q->failing = false;
	if (sync)
		q->unsynced = q->sync_next = false;
	return 0;
}

static int recheck_row(void *arg, const struct store_row *row)
{
	struct local *q = arg;
	q->unsynced = true;
	return sched_has(q->sched, row->seq, NULL) ? 0 : local_row_add(q, row, NULL, 0);
}

int local_recheck(struct local *q, struct err *err)
{
	struct err why = { ERR_INTERNAL, "out of memory" };
	if (q->recheck_from == 0)
		return 0;
	if (q->store->ops->load(q->store, q->recheck_from, recheck_row, q, &why)) {
		if (err)
			*err = why;
		return -1;
	}
	q->recheck_from = 0;
	return 0;
}

int local_flush(struct queue *queue, struct err *err)
{
	struct local *q = local_of(queue);
	local_wells_keep(q);
	if (local_write(q, q->pending.count, q->sync_next, err))
		return -1;
	return local_recheck(q, err);
}

bool local_dirty(const struct queue *queue)
{
	const struct local *q = local_of(queue);
	return q->pending.count > 0 || q->recheck_from;
}

/* A ticket is the number of the write that will have it. While nothing is pending that is the last
 * one. */
uint64_t local_ticket(const struct queue *queue)
{
	const struct local *q = local_of(queue);
	return q->writes + local_dirty(queue);
}

bool local_written(const struct queue *queue, uint64_t ticket)
{
	const struct local *q = local_of(queue);
	return q->writes >= ticket;
}

/* ---- what comes in ---- */

static bool repeats(const struct queue_put *p)
{
	return p->root && p->has_id;
}

/* A batch that comes in. */
struct batch {
	size_t first;    /* its operations stand in the list from here on */
	int64_t highest; /* id in it that may be repeated */
	int64_t now;     /* wall clock */
	struct queue_put_result result;
};

/* Whether the batch itself holds the update already. Ids rise, as a rule: then none is looked for.
 */
static bool in_batch(const struct pending *list, struct batch *b, const struct store_op *op)
{
	if (op->update_id > b->highest) {
		b->highest = op->update_id;
		return false;
	}
	for (size_t i = b->first; i < list->count; i++) {
		const struct store_op *o = &list->ops[i];
		if (o->kind == STORE_PUT && o->has_id && o->root && o->update_id == op->update_id &&
		    o->hash == op->hash && strcmp(o->root, op->root) == 0)
			return true;
	}
	return false;
}

/* Appends the operations of one update. 0 or -1 with `err`. */
static int put_one(struct local *q, const struct queue_put *p, struct batch *b, struct err *err)
{
	struct store_op op = { .kind = STORE_PUT,
			       .root = p->root,
			       .has_id = p->has_id,
			       .update_id = p->update_id,
			       .hash = repeats(p) ? hash_words(p->body, p->length) : 0,
			       .kind_name = p->kind,
			       .keys = p->keys,
			       .lane = p->lane,
			       .body = p->body,
			       .body_length = p->length,
			       .received = b->now };
	if (repeats(p)) {
		int known = in_batch(&q->pending, b, &op)
				    ? 1
				    : q->store->ops->known(q->store, &op, err);
		if (known < 0)
			return -1;
		if (known) {
			b->result.repeated++;
			return 0;
		}
	}
	op.seq = ++q->last_seq;
	pending_lend(&q->pending, &op);
	if (p->dead) {
		pending_lend(&q->pending, &(struct store_op){ .kind = STORE_DEAD,
							      .seq = op.seq,
							      .reason = p->dead,
							      .last_stderr = "",
							      .now = b->now });
		b->result.dead++;
	} else
		b->result.taken++;
	return 0;
}

void local_learn(struct local *q, const struct store_op *ops, size_t count)
{
	int64_t now = q->config.clock->mono(q->config.clock);
	for (size_t i = 0; i < count; i++) {
		const struct store_op *o = &ops[i];
		bool dead = i + 1 < count && ops[i + 1].kind == STORE_DEAD &&
			    ops[i + 1].seq == o->seq;
		if (o->kind == STORE_DONE)
			sched_remove(q->sched, now, o->seq);
		if (o->kind != STORE_PUT || dead || q->recheck_from)
			continue;
		struct store_row row = { .seq = o->seq,
					 .kind_name = o->kind_name,
					 .keys = o->keys,
					 .lane = o->lane,
					 .received = o->received,
					 .again = o->again };
		if (local_row_add(q, &row, o->body, o->body_length))
			q->recheck_from = o->seq;
	}
}

int local_put(struct queue *queue, const struct queue_put *puts, size_t count, const char *root,
	      int64_t offset, struct queue_put_result *result, struct err *err)
{
	struct local *q = local_of(queue);
	size_t keep = q->pending.count;
	struct batch batch = { .first = keep,
			       .highest = INT64_MIN,
			       .now = q->config.clock->wall(q->config.clock) };
	int64_t first_seq = q->last_seq + 1;
	if (local_recheck(q, err))
		return -1;
	if (pending_reserve(&q->pending, 2 * count + 1 + q->reserved))
		return err_set(err, ERR_INTERNAL, "out of memory");
	for (size_t i = 0; i < count; i++)
		if (put_one(q, &puts[i], &batch, err)) {
			pending_cut(&q->pending, keep);
			return -1;
		}
	if (root)
		pending_lend(&q->pending, &(struct store_op){ .kind = STORE_OFFSET,
							      .root = root,
							      .offset = offset });
	size_t added = q->pending.count - keep;
	if (local_write(q, keep, false, err)) {
		q->recheck_from = q->last_seq >= first_seq ? first_seq : 0;
		return -1;
	}
	/* The list is empty now, but the batch's operations still stand in it. */
	local_learn(q, q->pending.ops + keep, added);
	local_bytes_keep(q, q->pending.ops + keep, added);
	q->unsynced = q->unsynced || added;
	if (result)
		*result = batch.result;
	return 0;
}

void local_confirmed(struct queue *queue, const char *root, int64_t offset)
{
	struct local *q = local_of(queue);
	struct store_op op = {
		.kind = STORE_CONFIRMED, .root = root, .offset = offset, .seq = q->last_seq
	};
	uint64_t root_hash = hash_bytes(root, strlen(root));
	if (q->confirmed.root == root_hash && q->confirmed.offset == offset &&
	    q->confirmed.seq == op.seq)
		return; /* an idle source says the same each time */
	/* Without memory it is not remembered: what recognises repeats stays for longer. */
	if (pending_reserve(&q->pending, 1 + q->reserved) || pending_add(&q->pending, &op))
		return;
	q->confirmed.root = root_hash;
	q->confirmed.offset = offset;
	q->confirmed.seq = op.seq;
}

int64_t local_offset(struct queue *queue, const char *root)
{
	struct local *q = local_of(queue);
	int64_t offset = 0;
	bool found = false;
	return q->store->ops->offset(q->store, root, &offset, &found, NULL) == 0 && found ? offset
											  : 0;
}

int local_meta_get(struct queue *queue, const char *name, struct buf *out, struct err *err)
{
	struct local *q = local_of(queue);
	for (size_t i = q->pending.count; i-- > 0;) {
		const struct store_op *o = &q->pending.ops[i];
		if (o->kind == STORE_META && strcmp(o->kind_name, name) == 0) {
			buf_clear(out);
			return buf_adds(out, o->keys) ? err_set(err, ERR_INTERNAL, "out of memory")
						      : 0;
		}
	}
	return q->store->ops->meta(q->store, name, out, err);
}

void local_meta_set(struct queue *queue, const char *name, const char *value)
{
	struct local *q = local_of(queue);
	struct store_op op = { .kind = STORE_META, .kind_name = name, .keys = value };
	if (pending_reserve(&q->pending, 1 + q->reserved) == 0)
		pending_add(&q->pending, &op);
}
