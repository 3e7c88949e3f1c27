/* queue/shared/fleet_claim: what is handed out of what this node holds, and how it ends. Whose turn
 * it is, the scheduler knows. An end is only noted here, for the next turn; the scheduler hears of
 * it when that is committed. */
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "base/hash.h"
#include "queue/shared/fleet_verbs_internal.h"

static struct fleet_claim *claim_of(const struct claim *c)
{
	return container_of(c, struct fleet_claim, claim);
}

/* ---- out ---- */

/* claim.free */
static void let_go(struct claim *claim)
{
	struct fleet_claim *c = claim_of(claim);
	c->freed = true;
	if (c->settled)
		fleet_held_let_go(c);
}

static struct claim *make(struct fleet *q, struct held *h, const struct sched_entry *e)
{
	int64_t now = fleet_wall(q);
	struct fleet_claim *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	/* the clock may have been set back */
	if (!h->first || h->first > now)
		h->first = now;
	c->fleet = q;
	c->held = h;
	h->refs++;
	list_add_before(&q->claims, &c->link);
	c->claim = (struct claim){ .seq = h->seq,
				   .failures = h->failures,
				   .deaths = h->deaths,
				   .interruptions = h->interruptions,
				   .redelivered = h->redelivered,
				   .solo = e->solo,
				   .expired = e->expired,
				   .lane = e->lane,
				   .arrived = h->arrived,
				   .first = h->first,
				   .update_id = h->update_id,
				   .keys = h->keys,
				   .body = h->body,
				   .length = h->length,
				   .free = let_go };
	return &c->claim;
}

static int hand_out(struct fleet *q, struct sched_entry *e, struct claim **out, struct err *err)
{
	struct held *h = fleet_held_find(q, e->seq);
	*out = h ? make(q, h, e) : NULL;
	if (!*out) {
		sched_return(q->sched, fleet_mono(q), e);
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	q->running++;
	q->turn.claimed_at = fleet_mono(q);
	if (!e->expired) {
		h->start = FLEET_STARTS;
		fleet_held_say(q, h);
	}
	CRASHPOINT("fleet-claimed");
	return 1;
}

/* Whether anything may begin here. */
static bool may_begin(const struct fleet *q)
{
	return q->node.attached && !q->turn.refuses && q->node.trusted > fleet_boot();
}

int fleet_claim(struct queue *queue, uint64_t lanes, struct claim **out, struct err *err)
{
	struct fleet *q = fleet_of(queue);
	struct sched_entry e;
	*out = NULL;
	return may_begin(q) && sched_claim(q->sched, fleet_mono(q), lanes, &e)
		       ? hand_out(q, &e, out, err)
		       : 0;
}

int fleet_claim_joining(struct queue *queue, struct claim *const *batch, size_t n,
			struct claim **out, struct err *err)
{
	struct fleet *q = fleet_of(queue);
	struct sched_entry e;
	*out = NULL;
	if (n == 0 || !may_begin(q))
		return 0;
	/* Who takes many at once is to have as many of a key at hand. */
	if (n >= q->turn.run && q->turn.run < FLEET_RUN_MAX)
		q->turn.run = q->turn.run * 2 < FLEET_RUN_MAX ? q->turn.run * 2 : FLEET_RUN_MAX;
	return sched_join(q->sched, fleet_mono(q), batch[0]->seq, &e) ? hand_out(q, &e, out, err)
								      : 0;
}

bool fleet_marked(const struct queue *queue, const struct claim *c)
{
	const struct fleet_claim *of = claim_of(c);
	(void)queue;
	return of->voided || of->held->marked;
}

/* ---- ends ---- */

/* What becomes of it, noted for the next turn. NULL: it has an end already, or is void. */
static struct held *settle(struct fleet *q, const struct claim *claim, enum fleet_said end)
{
	struct fleet_claim *c = claim_of(claim);
	struct held *h = c->held;
	if (c->settled)
		return NULL;
	c->settled = true;
	q->running--;
	q->ended += end == FLEET_DONE || end == FLEET_DEAD;
	h->end = end;
	h->due = 0;
	h->well = h->kept = false;
	fleet_held_say(q, h);
	CRASHPOINT("fleet-settled");
	return h;
}

/* A claim that its owner freed before. */
static void after(const struct claim *claim)
{
	struct fleet_claim *c = claim_of(claim);
	if (c->freed)
		fleet_held_let_go(c);
}

static uint64_t hash_of(const struct held *h)
{
	return h->keys[0] ? hash_bytes(h->keys, strlen(h->keys)) : map_number(h->seq);
}

void fleet_done(struct queue *queue, const struct claim *c)
{
	struct fleet *q = fleet_of(queue);
	struct held *h = settle(q, c, FLEET_DONE);
	if (!h)
		return;
	uint64_t keys = hash_of(h);
	h->well = true;
	if (q->wells[0].keys != keys)
		q->wells[1] = q->wells[0];
	q->wells[0].keys = keys;
	q->wells[0].at = fleet_wall(q);
	after(c);
}

void fleet_drop(struct queue *queue, const struct claim *c)
{
	if (settle(fleet_of(queue), c, FLEET_DONE))
		after(c);
}

bool fleet_proven(const struct queue *queue, const struct claim *c)
{
	const struct fleet *q = fleet_of(queue);
	bool same = q->wells[0].keys == hash_of(claim_of(c)->held);
	return q->wells[same].at > c->first;
}

static void bury(struct held *h, const char *reason, const char *last_stderr)
{
	/* without memory the letter says less */
	h->reason = reason ? strdup(reason) : NULL;
	h->last_stderr = last_stderr ? strdup(last_stderr) : NULL;
}

void fleet_dead(struct queue *queue, const struct claim *c, const char *reason,
		const char *last_stderr)
{
	struct held *h = settle(fleet_of(queue), c, FLEET_DEAD);
	if (!h)
		return;
	h->failures++;
	h->interruptions = 0; /* it was not them */
	bury(h, reason, last_stderr);
	after(c);
}

/* It waits again, here, for `delay` milliseconds. */
static struct held *wait_again(struct fleet *q, const struct claim *c, int64_t delay)
{
	struct held *h = settle(q, c, FLEET_AGAIN);
	if (h && delay > 0)
		h->due = fleet_mono(q) + delay;
	return h;
}

static void retry(struct fleet *q, const struct claim *c, int64_t delay, bool kept)
{
	struct held *h = wait_again(q, c, delay);
	if (!h)
		return;
	h->failures++;
	h->redelivered = true;
	h->solo = false;
	h->kept = kept;
	after(c);
}

void fleet_retry(struct queue *queue, const struct claim *c, int64_t delay, const char *reason)
{
	(void)reason;
	retry(fleet_of(queue), c, delay, false);
}

void fleet_keep(struct queue *queue, const struct claim *c, int64_t delay, const char *reason)
{
	(void)reason;
	retry(fleet_of(queue), c, delay, true);
}

const char *fleet_release(struct queue *queue, const struct claim *c,
			  const struct queue_release *how)
{
	struct fleet *q = fleet_of(queue);
	struct ledger l = { c->deaths, c->interruptions };
	bool given_up = ledger_enter(&l, how->why, fleet_proven(queue, c));
	int64_t pause = ledger_row(how->why)->pauses ? ledger_pause(&l) : 0;
	struct held *h = given_up ? settle(q, c, FLEET_DEAD)
				  : wait_again(q, c, pause > how->delay ? pause : how->delay);
	if (!h)
		return NULL;
	h->deaths = l.deaths;
	h->interruptions = l.interruptions;
	h->redelivered = h->redelivered || how->started;
	h->solo = c->solo || how->why == RELEASE_SHARED;
	if (given_up) {
		ledger_story(&l, how->why, how->reason, q->story, sizeof q->story);
		bury(h, q->story, how->last_stderr);
	}
	after(c);
	return given_up ? q->story : NULL;
}

/* ---- what is asked ---- */

int64_t fleet_next_due(const struct queue *queue, uint64_t lanes)
{
	const struct fleet *q = fleet_of(queue);
	int64_t now = fleet_mono(q), due = sched_next_due(q->sched, now, lanes);
	if (due == INT64_MAX)
		return -1;
	return due > now ? due - now : 0;
}

size_t fleet_ready(const struct queue *queue, unsigned lane, int64_t *oldest_ms)
{
	const struct fleet *q = fleet_of(queue);
	int64_t now = fleet_mono(q), since;
	size_t count = sched_turns(q->sched, now, lane, &since);
	if (oldest_ms)
		*oldest_ms = now - since;
	return count;
}

size_t fleet_waiting(const struct queue *queue, unsigned lane)
{
	return sched_waiting(fleet_of(queue)->sched, lane);
}

bool fleet_batch_full(const struct queue *queue, unsigned lane, size_t size)
{
	const struct fleet *q = fleet_of(queue);
	return sched_waiting(q->sched, lane) >= size &&
	       sched_batch(q->sched, fleet_mono(q), lane, size) >= size;
}

void fleet_gather(struct queue *queue, unsigned lane, const struct sched_gather *rule)
{
	struct fleet *q = fleet_of(queue);
	sched_gather(q->sched, fleet_mono(q), lane, rule);
}
