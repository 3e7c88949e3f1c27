/* queue/shared/fleet_state: whether this node is one of the fleet, whether it asks, and whether it
 * sends. Answers and the passing of time come in as one of these words; the events of queue.h go
 * out. Invariant: an event is called when what it tells of holds already. */
#include <time.h>

#include "queue/shared/fleet_internal.h"

int64_t fleet_boot(void)
{
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- roles ---- */

void fleet_state_sends(struct fleet *q)
{
	q->sender.sends = true;
	q->sender.place = 0;
	q->sender.more = true;
	if (q->config.sender)
		q->config.sender(q->config.arg, true);
}

void fleet_state_sends_not(struct fleet *q)
{
	bool did = q->sender.sends;
	q->sender.sends = q->sender.more = false;
	q->sender.stage = FLEET_SENDS_NOT;
	fleet_op_resign(q);
	if (did && q->config.sender)
		q->config.sender(q->config.arg, false);
	/* What was being sent is cut: another may begin. */
	if (did)
		q->role.resigned = q->sender.epoch;
}

void fleet_state_polls(struct fleet *q, int64_t epoch, int64_t offset)
{
	q->role.polls = true;
	q->role.epoch = epoch;
	q->in.again_at = q->in.confirmed = 0;
	/* What an earlier role had not put comes again, from the offset. */
	q->in.failure = (struct err){ 0 };
	fleet_in_forget(q);
	if (q->config.role)
		q->config.role(q->config.arg, true, offset);
}

void fleet_state_resigns(struct fleet *q)
{
	bool did = q->role.polls;
	q->role.polls = false;
	if (!list_empty(&q->in.batches))
		err_set(&q->in.failure, ERR_UNAVAILABLE,
			"another machine asks for updates since: it will receive these");
	fleet_in_forget(q);
	fleet_state_sends_not(q);
	if (did && q->config.role)
		q->config.role(q->config.arg, false, 0);
}

/* ---- trust ---- */

void fleet_state_trust(struct fleet *q, int64_t until)
{
	q->node.trusted = until;
	if (q->config.trust_until)
		q->config.trust_until(q->config.arg, until);
}

static void void_claims(struct fleet *q)
{
	for (struct list *l = q->claims.next, *next; l != &q->claims; l = next) {
		struct fleet_claim *c = container_of(l, struct fleet_claim, link);
		next = l->next;
		q->running -= !c->settled;
		q->voided += !c->voided;
		c->settled = c->voided = true;
		if (c->freed)
			fleet_held_let_go(c);
	}
}

void fleet_state_void(struct fleet *q)
{
	bool worked = q->node.attached || q->running || q->held.count;
	q->node.attached = false;
	if (!worked) { /* its roles are all that it had */
		fleet_state_resigns(q);
		fleet_state_trust(q, 0);
		return;
	}
	if (q->turn.recorded > q->turn.done || !list_empty(&q->said) || !list_empty(&q->out.ops)) {
		q->turn.lost_from = q->turn.done;
		q->turn.lost_to = ++q->turn.recorded;
	}
	q->turn.unknown = q->turn.follows = false;
	fleet_held_void(q);
	fleet_op_forget(q);
	void_claims(q);
	q->cut_offs++;
	fleet_state_resigns(q);
	fleet_state_trust(q, 0);
	if (q->config.void_claims)
		q->config.void_claims(q->config.arg);
	fleet_soon(q);
}

/* ---- failures ---- */

void fleet_state_refused(struct fleet *q, const struct err *err)
{
	bool first = !q->node.refused;
	q->node.refused = true;
	q->node.failure = *err;
	if (first && q->config.refused)
		q->config.refused(q->config.arg, err);
}

void fleet_state_fails(struct fleet *q, const struct err *err)
{
	q->node.failure = *err;
	if (!q->node.fails_since)
		q->node.fails_since = fleet_mono(q);
}

void fleet_state_works(struct fleet *q)
{
	q->node.fails_since = 0;
	q->failing = NULL;
	backoff_reset(&q->backoff);
}
