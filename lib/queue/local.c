/* queue/local: the queue of one machine: the scheduler says whose turn it is, the store keeps everything. New updates and
 * outcomes come in; claims go out. Outcomes change the scheduler at once and wait in a list for the next transaction, which
 * is written before a handler starts. Invariant: what the scheduler knows is in the store; what is in the store and not in
 * the scheduler is pending, or numbered from `recheck_from` on. */
#include "queue/local.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"

/* ---- writing ---- */

int local_write(struct queue *q, size_t keep, bool sync, struct err *err)
{
	struct err why;
	if (q->pending.count && q->store->ops->apply(q->store, q->pending.ops, q->pending.count, sync, &why)) {
		pending_cut(&q->pending, keep);
		q->failing = keep > 0;
		q->failure = why;
		if (err)
			*err = why;
		return -1;
	}
	pending_clear(&q->pending);
	q->failing = false;
	if (sync)
		q->unsynced = false;
	return 0;
}

static int recheck_row(void *arg, const struct store_row *row)
{
	struct queue *q = arg;
	q->unsynced = true;
	return sched_has(q->sched, row->seq, NULL) ? 0 : local_add(q, row);
}

int local_recheck(struct queue *q, struct err *err)
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

int queue_flush(struct queue *q, struct err *err)
{
	if (local_write(q, q->pending.count, false, err))
		return -1;
	return local_recheck(q, err);
}

bool queue_dirty(const struct queue *q)
{
	return q->pending.count > 0 || q->recheck_from;
}

int queue_sync(struct queue *q, struct err *err)
{
	if (!q->unsynced)
		return 0;
	size_t keep = q->pending.count;
	char text[32];
	snprintf(text, sizeof text, "%" PRId64, q->last_seq);
	if (pending_reserve(&q->pending, 1 + q->held_count))
		return err_set(err, ERR_INTERNAL, "out of memory");
	/* The value is of no use but to make this a transaction that is written out, and all before it with it. */
	pending_lend(&q->pending, &(struct store_op){ .kind = STORE_META, .kind_name = "synced", .keys = text });
	return local_write(q, keep, true, err);
}

/* ---- what comes in ---- */

static bool repeats(const struct queue_put *p)
{
	return p->root && p->has_id;
}

/* Whether the batch itself, of which the operations from `first` on stand in the list, holds the update already. */
static bool in_batch(const struct pending *list, size_t first, const struct store_op *op)
{
	for (size_t i = first; i < list->count; i++) {
		const struct store_op *o = &list->ops[i];
		if (o->kind == STORE_PUT && o->has_id && o->root && o->update_id == op->update_id && o->hash == op->hash &&
		    strcmp(o->root, op->root) == 0)
			return true;
	}
	return false;
}

/* Appends the operations of one update. 0 or -1 with `err`. */
static int put_one(struct queue *q, const struct queue_put *p, size_t first, int64_t now, struct queue_put_result *result,
		   struct err *err)
{
	struct store_op op = { .kind = STORE_PUT, .root = p->root, .has_id = p->has_id, .update_id = p->update_id,
			       .hash = hash_bytes(p->body, p->length), .kind_name = p->kind, .keys = p->keys,
			       .body = p->body, .body_length = p->length, .received = now };
	if (repeats(p)) {
		int known = in_batch(&q->pending, first, &op) ? 1 :
			    q->store->ops->known(q->store, p->root, p->update_id, op.hash, err);
		if (known < 0)
			return -1;
		if (known) {
			result->repeated++;
			return 0;
		}
	}
	op.seq = ++q->last_seq;
	pending_lend(&q->pending, &op);
	if (p->dead) {
		pending_lend(&q->pending, &(struct store_op){ .kind = STORE_DEAD, .seq = op.seq, .reason = p->dead,
							      .last_stderr = "", .now = now });
		result->dead++;
	} else
		result->taken++;
	return 0;
}

/* The scheduler learns of what was written: the operations from `first` on, whose list is no longer needed. Without memory the
 * rest is found again by local_recheck(). */
static void learn(struct queue *q, const struct store_op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct store_op *o = &ops[i];
		bool dead = i + 1 < count && ops[i + 1].kind == STORE_DEAD && ops[i + 1].seq == o->seq;
		if (o->kind != STORE_PUT || dead)
			continue;
		struct store_row row = { .seq = o->seq, .kind_name = o->kind_name, .keys = o->keys, .received = o->received };
		if (local_add(q, &row)) {
			q->recheck_from = o->seq;
			return;
		}
	}
}

int queue_put(struct queue *q, const struct queue_put *puts, size_t count, const char *root, int64_t offset,
	      struct queue_put_result *result, struct err *err)
{
	struct queue_put_result counts = { 0 };
	size_t keep = q->pending.count;
	int64_t now = q->config.clock->wall(q->config.clock), first_seq = q->last_seq + 1;
	if (local_recheck(q, err))
		return -1;
	if (pending_reserve(&q->pending, 2 * count + 1 + q->held_count))
		return err_set(err, ERR_INTERNAL, "out of memory");
	for (size_t i = 0; i < count; i++)
		if (put_one(q, &puts[i], keep, now, &counts, err)) {
			pending_cut(&q->pending, keep);
			return -1;
		}
	if (root)
		pending_lend(&q->pending, &(struct store_op){ .kind = STORE_OFFSET, .root = root, .offset = offset });
	size_t added = q->pending.count - keep;
	if (local_write(q, keep, false, err)) {
		q->recheck_from = q->last_seq >= first_seq ? first_seq : 0;
		return -1;
	}
	/* The list is empty now, but the batch's operations still stand in it. */
	learn(q, q->pending.ops + keep, added);
	q->unsynced = q->unsynced || added;
	if (result)
		*result = counts;
	return 0;
}

void queue_confirmed(struct queue *q, const char *root, int64_t offset)
{
	struct store_op op = { .kind = STORE_CONFIRMED, .root = root, .offset = offset, .seq = q->last_seq };
	uint64_t said = hash_bytes(root, strlen(root)) ^ map_number(offset) ^ map_number(~op.seq);
	if (said == q->confirmed)
		return; /* an idle source says the same each time */
	/* Without memory it is not remembered: what recognises repeats stays for longer. */
	if (pending_reserve(&q->pending, 1 + q->held_count) == 0 && pending_add(&q->pending, &op) == 0)
		q->confirmed = said;
}

int64_t queue_offset(struct queue *q, const char *root)
{
	int64_t offset = 0;
	bool found = false;
	return q->store->ops->offset(q->store, root, &offset, &found, NULL) == 0 && found ? offset : 0;
}

int queue_meta_get(struct queue *q, const char *name, struct buf *out, struct err *err)
{
	for (size_t i = q->pending.count; i-- > 0;) {
		const struct store_op *o = &q->pending.ops[i];
		if (o->kind == STORE_META && strcmp(o->kind_name, name) == 0) {
			buf_clear(out);
			return buf_adds(out, o->keys) ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
		}
	}
	return q->store->ops->meta(q->store, name, out, err);
}

void queue_meta_set(struct queue *q, const char *name, const char *value)
{
	struct store_op op = { .kind = STORE_META, .kind_name = name, .keys = value };
	if (pending_reserve(&q->pending, 1 + q->held_count) == 0)
		pending_add(&q->pending, &op);
}

/* ---- what goes out ---- */

static struct held *held_of(const struct claim *c)
{
	return container_of(c, struct held, claim);
}

static void held_free(struct held *h)
{
	free(h->claim.keys);
	free(h->claim.body);
	free(h);
}

void claim_free(struct claim *c)
{
	if (!c)
		return;
	struct held *h = held_of(c);
	h->freed = true;
	if (h->settled)
		held_free(h);
}

/* An update whose bytes are gone cannot be run: it is buried, and the queue goes on. */
static void bury_empty(struct queue *q, const struct sched_entry *e)
{
	pending_add(&q->pending, &(struct store_op){ .kind = STORE_DEAD, .seq = e->seq, .failures = e->failures,
						     .deaths = e->deaths, .now = q->config.clock->wall(q->config.clock),
						     .reason = "its bytes are missing in the store" });
	sched_finish(q->sched, e->seq);
}

/* Fills in the claim of an entry. 1, 0: its bytes are missing, -1 with `err`. */
static int fill(struct queue *q, const struct sched_entry *e, struct claim *c, struct err *err)
{
	struct buf keys, body;
	buf_init(&keys, SIZE_MAX / 2);
	buf_init(&body, SIZE_MAX / 2);
	int rc = q->store->ops->body(q->store, e->seq, &body, &c->received, err);
	if (rc == 1 && (sched_keys(q->sched, e->seq, &keys) || buf_adds(&keys, "") || buf_adds(&body, "")))
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	if (rc != 1) {
		buf_release(&keys);
		buf_release(&body);
		return rc;
	}
	c->seq = e->seq;
	c->failures = e->failures;
	c->deaths = e->deaths;
	c->redelivered = e->redelivered;
	c->expired = e->expired;
	c->keys = keys.data;
	c->body = body.data;
	c->length = body.len;
	return 1;
}

int queue_claim(struct queue *q, struct claim **out, struct err *err)
{
	struct sched_entry e;
	int64_t now = q->config.clock->mono(q->config.clock);
	*out = NULL;
	if (q->failing) {
		if (err)
			*err = q->failure;
		return -1;
	}
	struct held *h = calloc(1, sizeof *h);
	int rc = h ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
	while (rc == 0 && sched_claim(q->sched, now, &e)) {
		if (pending_reserve(&q->pending, 2 + q->held_count))
			rc = err_set(err, ERR_INTERNAL, "out of memory");
		else
			rc = fill(q, &e, &h->claim, err);
		if (rc == 0)
			bury_empty(q, &e);
		else if (rc < 0)
			sched_return(q->sched, &e);
	}
	if (rc != 1) {
		free(h);
		return rc;
	}
	if (!e.expired)
		pending_lend(&q->pending, &(struct store_op){ .kind = STORE_START, .seq = e.seq, .failures = e.failures,
							      .deaths = e.deaths });
	list_add_before(&q->held, &h->link);
	q->held_count++;
	*out = &h->claim;
	return 1;
}

/* Records the outcome; the claim is no longer held. false if it was settled before. */
static bool settle(struct queue *q, const struct claim *c, const struct store_op *op)
{
	struct held *h = held_of(c);
	if (h->settled)
		return false;
	pending_add(&q->pending, op);
	h->settled = true;
	list_remove(&h->link);
	q->held_count--;
	return true;
}

void queue_done(struct queue *q, const struct claim *c)
{
	if (settle(q, c, &(struct store_op){ .kind = STORE_DONE, .seq = c->seq }))
		sched_finish(q->sched, c->seq);
}

void queue_dead(struct queue *q, const struct claim *c, const char *reason, const char *last_stderr)
{
	struct store_op op = { .kind = STORE_DEAD, .seq = c->seq, .failures = c->failures + 1, .deaths = c->deaths,
			       .reason = reason, .last_stderr = last_stderr ? last_stderr : "",
			       .now = q->config.clock->wall(q->config.clock) };
	if (settle(q, c, &op))
		sched_finish(q->sched, c->seq);
}

void queue_retry(struct queue *q, const struct claim *c, int64_t delay, const char *reason)
{
	struct store_op op = { .kind = STORE_RETRY, .seq = c->seq, .failures = c->failures + 1, .deaths = c->deaths,
			       .reason = reason, .due = q->config.clock->wall(q->config.clock) + delay };
	if (settle(q, c, &op))
		sched_return(q->sched, &(struct sched_entry){
			.seq = c->seq, .failures = op.failures, .deaths = c->deaths, .redelivered = true,
			.due = delay > 0 ? q->config.clock->mono(q->config.clock) + delay : 0 });
}

void queue_release(struct queue *q, const struct claim *c, bool started, int64_t delay)
{
	struct store_op op = { .kind = STORE_STOPPED, .seq = c->seq, .failures = c->failures, .deaths = c->deaths,
			       .begun = started || c->redelivered };
	if (settle(q, c, &op))
		sched_return(q->sched, &(struct sched_entry){
			.seq = c->seq, .failures = c->failures, .deaths = c->deaths, .redelivered = op.begun,
			.due = delay > 0 ? q->config.clock->mono(q->config.clock) + delay : 0 });
}

void local_release_all(struct queue *q)
{
	while (!list_empty(&q->held)) {
		struct held *h = container_of(q->held.next, struct held, link);
		queue_release(q, &h->claim, !h->claim.expired, 0);
		if (h->freed)
			held_free(h);
	}
}

int64_t queue_next_due(const struct queue *q)
{
	int64_t due = sched_next_due(q->sched);
	if (due == INT64_MAX)
		return -1;
	int64_t now = q->config.clock->mono(q->config.clock);
	return due > now ? due - now : 0;
}

void queue_counts(const struct queue *q, struct queue_counts *out)
{
	size_t all = sched_count(q->sched);
	*out = (struct queue_counts){ .waiting = all - sched_running(q->sched), .running = sched_running(q->sched),
				      .ready = sched_ready(q->sched), .dead = q->store->ops->dead_count(q->store),
				      .full = (int64_t)all >= q->config.backlog };
}
