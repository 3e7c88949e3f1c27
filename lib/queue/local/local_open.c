/* queue/local/local_open: the start and the end of the local queue, and the table of its verbs.
 * A store comes in; at the start, what waits in it is given new keys and lanes if what decides
 * them has changed, and handed to the scheduler; what the last runner died with is charged one
 * death. */
#include "queue/local/local_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of updates. */
struct seqs {
	int64_t *items;
	size_t count, cap;
};

static int seqs_add(void *arg, const struct store_row *row)
{
	struct seqs *s = arg;
	if (s->count == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 256;
		int64_t *items = realloc(s->items, cap * sizeof *items);
		if (!items)
			return -1;
		s->items = items;
		s->cap = cap;
	}
	s->items[s->count++] = row->seq;
	return 0;
}

static int rekey_one(struct local *q, int64_t seq, struct buf *body, struct buf *keys,
		     struct err *err)
{
	struct store_facts facts;
	unsigned lane = 0;
	int rc = q->store->ops->body(q->store, seq, body, &facts, err);
	if (rc <= 0)
		return rc; /* what has no bytes is found out when it is claimed */
	buf_clear(keys);
	if (q->config.route_of(q->config.arg, buf_str(body), body->len, keys, &lane))
		return err_set(err, ERR_INTERNAL, "out of memory");
	return q->store->ops->rekey(q->store, seq, buf_str(keys), lane, err);
}

/* The keys and lanes of all that waits, anew. When this is cut off, it is done again at the next
 * start. */
static int rekey_all(struct local *q, struct err *err)
{
	struct seqs seqs = { 0 };
	struct buf body, keys;
	buf_init(&body, SIZE_MAX / 2);
	buf_init(&keys, SIZE_MAX / 2);
	err_set(err, ERR_INTERNAL, "out of memory");
	int rc = q->store->ops->load(q->store, 0, seqs_add, &seqs, err);
	for (size_t i = 0; i < seqs.count && rc == 0; i++)
		rc = rekey_one(q, seqs.items[i], &body, &keys, err);
	if (rc == 0)
		rc = q->store->ops->rekey_end(q->store, err);
	buf_release(&body);
	buf_release(&keys);
	free(seqs.items);
	return rc;
}

static int check_keys(struct local *q, struct err *err)
{
	struct buf was;
	if (!q->config.key_spec || !q->config.route_of)
		return 0;
	buf_init(&was, SIZE_MAX / 2);
	int rc = q->store->ops->meta(q->store, LOCAL_KEY_SPEC, &was, err);
	if (rc == 0 && strcmp(buf_str(&was), q->config.key_spec) != 0) {
		rc = rekey_all(q, err);
		if (rc == 0 && pending_reserve(&q->pending, 1))
			rc = err_set(err, ERR_INTERNAL, "out of memory");
		if (rc == 0)
			pending_lend(&q->pending, &(struct store_op){ .kind = STORE_META,
								      .kind_name = LOCAL_KEY_SPEC,
								      .keys = q->config.key_spec });
	}
	buf_release(&was);
	return rc;
}

/* A row at the start: a death more if the last runner died with it, buried if that was once too
 * often, else scheduled. Its pause was written when the attempt began. */
static int load_row(void *arg, const struct store_row *row)
{
	struct local *q = arg;
	struct ledger l = { row->deaths, row->interruptions };
	bool given_up = row->started && ledger_enter(&l, RELEASE_RUNNER, false);
	struct store_row now = *row;
	now.deaths = l.deaths;
	if (!given_up && local_row_add(q, &now, NULL, 0))
		return -1;
	if (!row->started)
		return 0;
	struct store_op op = { .kind = STORE_STOPPED,
			       .seq = row->seq,
			       .failures = row->failures,
			       .deaths = l.deaths,
			       .interruptions = l.interruptions,
			       .due = row->due,
			       .begun = true };
	if (given_up) {
		ledger_story(&l, RELEASE_RUNNER, NULL, q->story, sizeof q->story);
		op.kind = STORE_DEAD;
		op.reason = q->story;
		op.now = q->config.clock->wall(q->config.clock);
	}
	return pending_reserve(&q->pending, 1) || pending_add(&q->pending, &op) ? -1 : 0;
}

static void local_free(struct local *q)
{
	pending_release(&q->pending);
	local_bytes_release(q);
	sched_free(q->sched);
	free(q);
}

int local_close(struct queue *queue, struct err *err)
{
	struct local *q = local_of(queue);
	syncer_free(q->syncer);
	local_release_all(q);
	local_wells_keep(q);
	int rc = local_write(q, q->pending.count, false, err);
	q->store->ops->close(q->store);
	local_free(q);
	return rc;
}

static int load(struct local *q, struct err *err)
{
	err_set(err, ERR_INTERNAL, "out of memory"); /* what a callback that ends the walk means */
	if (!q->sched || check_keys(q, err) || local_wells_load(q, err) ||
	    local_later_load(q, err) || q->store->ops->load(q->store, 0, load_row, q, err) ||
	    local_write(q, q->pending.count, false, err))
		return -1;
	if (err)
		*err = (struct err){ 0 };
	return 0;
}

static const struct queue_ops ops = {
	.close = local_close,
	.put = local_put,
	.durable = local_durable,
	.confirmed = local_confirmed,
	.offset = local_offset,
	.meta_get = local_meta_get,
	.meta_set = local_meta_set,
	.claim = local_claim,
	.claim_joining = local_claim_joining,
	.marked = local_marked,
	.done = local_done,
	.drop = local_drop,
	.dead = local_dead,
	.retry = local_retry,
	.keep = local_keep,
	.release = local_release,
	.proven = local_proven,
	.flush = local_flush,
	.dirty = local_dirty,
	.ticket = local_ticket,
	.written = local_written,
	.next_due = local_next_due,
	.ready = local_ready,
	.waiting = local_waiting,
	.oldest = local_oldest,
	.batch_full = local_batch_full,
	.counts = local_counts,
	.gather = local_gather,
	.set_backlog = local_set_backlog,
	.stands = local_stands,
	.files = local_files,
	.spare_bytes = local_spare_bytes,
	.give_back = local_give_back,
	.each = local_each,
	.show = local_show,
	.dead_each = local_dead_each,
	.many = local_many,
	.dead_trim = local_dead_trim,
	.call_add = local_call_add,
	.call_next = local_call_next,
	.message_add = local_message_add,
	.call_begin = local_call_begin,
	.call_done = local_call_done,
	.call_again = local_call_again,
	.call_fail = local_call_fail,
	.call_give_up = local_call_give_up,
	.call_drop = local_call_drop,
	.call_replace = local_call_replace,
	.line_keep = local_line_keep,
	.lines_rest = local_lines_rest,
	.clock_set = local_clock_set,
	.move_keep = local_move_keep,
	.calls_each = local_calls_each,
	.lines_each = local_lines_each,
	.moves_each = local_moves_each,
	.call_show = local_call_show,
	.job_get = local_job_get,
	.job_keep = local_job_keep,
	.jobs_rest = local_jobs_rest,
	.calls_failed = local_calls_failed,
	.push = local_push,
	.push_due = local_push_due,
	.push_ripen = local_push_ripen,
	.push_each = local_push_each,
	.push_show = local_push_show,
};

struct queue *local_open(const struct queue_config *config, struct store *store, struct err *err)
{
	struct local *q = calloc(1, sizeof *q);
	if (!q) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	q->queue.ops = &ops;
	q->config = *config;
	q->store = store;
	list_init(&q->open);
	q->trim.oldest = INT64_MAX;
	q->trim.bound = INT64_MIN;
	pending_init(&q->pending);
	buf_init(&q->body, SIZE_MAX / 2);
	buf_init(&q->keys, SIZE_MAX / 2);
	q->last_seq = q->store->ops->last_seq(q->store);
	q->last_call = q->store->ops->last_call(q->store);
	q->last_push = q->store->ops->last_push(q->store);
	q->sched = sched_new();
	for (unsigned lane = 0; q->sched && config->gather && lane < QUEUE_LANES; lane++) {
		local_gather(&q->queue, lane, &config->gather[lane]);
		q->gathers |= (uint64_t)(config->gather[lane].most > 0) << lane;
	}
	q->config.gather = NULL;
	if (load(q, err)) {
		local_free(q);
		return NULL;
	}
	/* What an earlier run put may not have been synced by it. */
	q->unsynced = true;
	return &q->queue;
}
