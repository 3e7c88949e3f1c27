/* queue/local/local_claim: what goes out of the local queue, and how it ends. Whose turn it is,
 * the scheduler knows; its bytes come from local_bytes.c. For each claim there is room in the list
 * of what is to be written, so that its outcome can be recorded even when memory is out by then. */
#include "queue/local/local_internal.h"

#include <stdlib.h>

#include "base/map.h"

static int64_t mono(const struct local *q)
{
	return q->config.clock->mono(q->config.clock);
}

static struct open_claim *open_of(const struct claim *c)
{
	return container_of(c, struct open_claim, claim);
}

/* claim.free */
static void let_go(struct claim *c)
{
	struct open_claim *o = open_of(c);
	o->freed = true;
	if (o->settled)
		free(o);
}

/* An update whose bytes are gone cannot be run: it is buried, and the queue goes on. */
static void bury_empty(struct local *q, const struct sched_entry *e)
{
	struct store_op op = { .kind = STORE_DEAD,
			       .seq = e->seq,
			       .failures = e->failures,
			       .deaths = e->deaths,
			       .interruptions = e->interruptions,
			       .now = q->config.clock->wall(q->config.clock),
			       .reason = "its bytes are missing in the store" };
	pending_add(&q->pending, &op);
	sched_finish(q->sched, mono(q), e->seq);
}

/* Fills in what its entry says of a claim. `now` is of the wall clock. */
static void fill(const struct sched_entry *e, int64_t now, struct claim *c)
{
	/* the clock may have been set back */
	if (!c->first || c->first > now)
		c->first = now;
	c->failures = e->failures;
	c->deaths = e->deaths;
	c->interruptions = e->interruptions;
	c->redelivered = e->redelivered;
	c->lane = e->lane;
	c->solo = e->solo;
	c->expired = e->expired;
	c->free = let_go;
}

/* Whose turn it is: of some lanes, or in the batch of a leader. */
struct which {
	uint64_t lanes;
	int64_t leader; /* 0: no batch */
};

static bool next_entry(struct local *q, const struct which *w, struct sched_entry *e)
{
	return w->leader ? sched_join(q->sched, mono(q), w->leader, e)
			 : sched_claim(q->sched, mono(q), w->lanes, e);
}

/* The mark of a start. The pause after a death of this runner, which could not say when it died,
 * counts from here. */
static struct store_op start_of(const struct claim *c, int64_t now)
{
	struct ledger l = { c->deaths, c->interruptions };
	ledger_enter(&l, RELEASE_RUNNER, false);
	return (struct store_op){ .kind = STORE_START,
				  .seq = c->seq,
				  .failures = c->failures,
				  .deaths = c->deaths,
				  .interruptions = c->interruptions,
				  .first = c->first,
				  .due = now + ledger_pause(&l) };
}

static int hand_out(struct local *q, const struct which *w, struct claim **out, struct err *err)
{
	struct sched_entry e;
	*out = NULL;
	if (q->failing) {
		if (err)
			*err = q->failure;
		return -1;
	}
	struct open_claim *o = NULL;
	int rc = 0;
	while (rc == 0 && next_entry(q, w, &e)) {
		if (pending_reserve(&q->pending, 2 + q->reserved))
			rc = err_set(err, ERR_INTERNAL, "out of memory");
		else
			rc = local_bytes_of(q, e.seq, &o, err);
		if (rc == 0)
			bury_empty(q, &e);
		else if (rc < 0)
			sched_return(q->sched, mono(q), &e);
	}
	if (rc != 1)
		return rc;
	int64_t now = q->config.clock->wall(q->config.clock);
	fill(&e, now, &o->claim);
	struct store_op op = start_of(&o->claim, now);
	if (!e.expired)
		pending_lend(&q->pending, &op);
	list_add_before(&q->open, &o->link);
	q->reserved++;
	o->writes = q->writes;
	*out = &o->claim;
	return 1;
}

int local_claim(struct queue *queue, uint64_t lanes, struct claim **out, struct err *err)
{
	struct local *q = local_of(queue);
	return hand_out(q, &(struct which){ .lanes = lanes }, out, err);
}

int local_claim_joining(struct queue *queue, struct claim *const *batch, size_t n,
			struct claim **out, struct err *err)
{
	struct local *q = local_of(queue);
	*out = NULL;
	return n == 0 ? 0 : hand_out(q, &(struct which){ .leader = batch[0]->seq }, out, err);
}

bool local_marked(const struct queue *queue, const struct claim *c)
{
	return local_of(queue)->writes > open_of(c)->writes;
}

/* Records the outcome; the claim is no longer held. false if it was settled before. */
static bool settle(struct local *q, const struct claim *c, const struct store_op *op)
{
	struct open_claim *o = open_of(c);
	if (o->settled)
		return false;
	pending_add(&q->pending, op);
	o->settled = true;
	list_remove(&o->link);
	q->reserved--;
	return true;
}

void local_done(struct queue *queue, const struct claim *c)
{
	struct local *q = local_of(queue);
	if (!settle(q, c, &(struct store_op){ .kind = STORE_DONE, .seq = c->seq }))
		return;
	int64_t now = mono(q);
	local_wells_note(q, c);
	sched_finish(q->sched, now, c->seq);
	sched_hasten(q->sched, now, c->keys);
}

void local_drop(struct queue *queue, const struct claim *c)
{
	struct local *q = local_of(queue);
	if (settle(q, c, &(struct store_op){ .kind = STORE_DONE, .seq = c->seq }))
		sched_finish(q->sched, mono(q), c->seq);
}

/* An operation that leaves the account of an update as it is. */
static struct store_op op_of(enum store_op_kind kind, const struct claim *c)
{
	return (struct store_op){ .kind = kind,
				  .seq = c->seq,
				  .failures = c->failures,
				  .deaths = c->deaths,
				  .interruptions = c->interruptions };
}

static void bury(struct local *q, const struct claim *c, struct store_op *op, const char *reason,
		 const char *last_stderr)
{
	op->kind = STORE_DEAD;
	op->reason = reason;
	op->last_stderr = last_stderr ? last_stderr : "";
	op->now = q->config.clock->wall(q->config.clock);
	if (settle(q, c, op))
		sched_finish(q->sched, mono(q), c->seq);
}

void local_dead(struct queue *queue, const struct claim *c, const char *reason,
		const char *last_stderr)
{
	struct local *q = local_of(queue);
	struct store_op op = op_of(STORE_DEAD, c);
	op.failures++;
	op.interruptions = 0; /* it was not them */
	bury(q, c, &op, reason, last_stderr);
}

/* How it waits again: for `pause` milliseconds, which is written down, and for `delay` at least
 * while this runner lives. `solo` and `kept` as in the scheduler. */
struct wait {
	int64_t pause, delay;
	bool solo, kept;
};

/* Settles it with an operation after which it waits again. */
static void give_back(struct local *q, const struct claim *c, struct store_op *op,
		      const struct wait *w)
{
	int64_t now = mono(q), delay = w->delay < w->pause ? w->pause : w->delay;
	op->due = w->pause > 0 ? q->config.clock->wall(q->config.clock) + w->pause : 0;
	if (settle(q, c, op))
		sched_return(q->sched, now,
			     &(struct sched_entry){ .seq = op->seq,
						    .failures = op->failures,
						    .deaths = op->deaths,
						    .interruptions = op->interruptions,
						    .redelivered = op->begun,
						    .solo = w->solo,
						    .kept = w->kept,
						    .due = delay > 0 ? now + delay : 0 });
}

static void retry(struct local *q, const struct claim *c, const char *reason, const struct wait *w)
{
	struct store_op op = op_of(STORE_RETRY, c);
	op.failures++;
	op.reason = reason;
	op.begun = true;
	give_back(q, c, &op, w);
}

void local_retry(struct queue *queue, const struct claim *c, int64_t delay, const char *reason)
{
	retry(local_of(queue), c, reason, &(struct wait){ .pause = delay });
}

void local_keep(struct queue *queue, const struct claim *c, int64_t delay, const char *reason)
{
	retry(local_of(queue), c, reason, &(struct wait){ .pause = delay, .kept = true });
}

const char *local_release(struct queue *queue, const struct claim *c,
			  const struct queue_release *how)
{
	struct local *q = local_of(queue);
	struct ledger l = { c->deaths, c->interruptions };
	struct store_op op = op_of(STORE_STOPPED, c);
	bool given_up = ledger_enter(&l, how->why, local_proven(queue, c));
	int64_t pause = ledger_row(how->why)->pauses ? ledger_pause(&l) : 0;
	op.deaths = l.deaths;
	op.interruptions = l.interruptions;
	op.begun = how->started || c->redelivered;
	if (!given_up) {
		give_back(q, c, &op,
			  &(struct wait){ .pause = pause,
					  .delay = how->delay,
					  .solo = c->solo || how->why == RELEASE_SHARED });
		return NULL;
	}
	ledger_story(&l, how->why, how->reason, q->story, sizeof q->story);
	bury(q, c, &op, q->story, how->last_stderr);
	return q->story;
}

void local_release_all(struct local *q)
{
	while (!list_empty(&q->open)) {
		struct open_claim *o = container_of(q->open.next, struct open_claim, link);
		enum release_why why = o->claim.expired ? RELEASE_NO_START : RELEASE_STOP;
		local_release(&q->queue, &o->claim,
			      &(struct queue_release){ .why = why, .started = !o->claim.expired });
		if (o->freed)
			free(o);
	}
}

/* ---- what is asked ---- */

int64_t local_next_due(const struct queue *queue, uint64_t lanes)
{
	const struct local *q = local_of(queue);
	int64_t now = mono(q), due = sched_next_due(q->sched, now, lanes);
	if (due == INT64_MAX)
		return -1;
	return due > now ? due - now : 0;
}

size_t local_ready(const struct queue *queue, unsigned lane, int64_t *oldest_ms)
{
	const struct local *q = local_of(queue);
	int64_t now = mono(q), since;
	size_t count = sched_turns(q->sched, now, lane, &since);
	if (oldest_ms)
		*oldest_ms = now - since;
	return count;
}

size_t local_waiting(const struct queue *queue, unsigned lane)
{
	const struct local *q = local_of(queue);
	return sched_waiting(q->sched, lane);
}

bool local_batch_full(const struct queue *queue, unsigned lane, size_t size)
{
	const struct local *q = local_of(queue);
	return sched_waiting(q->sched, lane) >= size &&
	       sched_batch(q->sched, mono(q), lane, size) >= size;
}

void local_counts(const struct queue *queue, struct queue_counts *out)
{
	const struct local *q = local_of(queue);
	size_t all = sched_count(q->sched);
	*out = (struct queue_counts){ .waiting = all - sched_running(q->sched),
				      .running = sched_running(q->sched),
				      .ready = sched_ready(q->sched, SCHED_ALL_LANES),
				      .gathering = sched_gathering(q->sched),
				      .dead = q->store->ops->dead_count(q->store),
				      .later = q->store->ops->push_count(q->store),
				      .full = (int64_t)all >= q->config.backlog };
}

void local_gather(struct queue *queue, unsigned lane, const struct sched_gather *rule)
{
	struct local *q = local_of(queue);
	sched_gather(q->sched, mono(q), lane, rule);
}

void local_set_backlog(struct queue *queue, int64_t backlog)
{
	struct local *q = local_of(queue);
	q->config.backlog = backlog;
}
