/* queue/shared/fleet_held: what this node holds, from the answer that gave it until the answer that
 * takes its end. Rows come in; the scheduler learns of them, and, only when an end is committed, of
 * that: so no successor starts before its predecessor's outcome is there. Invariant: the scheduler
 * knows what is held, is not voided, and is not on its way back. */
#include <stdlib.h>
#include <string.h>

#include "queue/shared/fleet_internal.h"

/* ---- by its number ---- */

struct held *fleet_held_find(const struct fleet *q, int64_t seq)
{
	for (struct map_node *n = map_first(&q->held, map_number(seq)); n; n = map_next(n))
		if (container_of(n, struct held, node)->seq == seq)
			return container_of(n, struct held, node);
	return NULL;
}

void fleet_held_unref(struct held *h)
{
	if (--h->refs > 0)
		return;
	free(h->reason);
	free(h->last_stderr);
	free(h);
}

void fleet_held_forget(struct fleet *q, struct held *h)
{
	map_remove(&q->held, &h->node);
	list_remove(&h->link);
	list_remove(&h->say);
	fleet_held_unref(h);
}

void fleet_held_let_go(struct fleet_claim *c)
{
	struct fleet *q = c->fleet;
	list_remove(&c->link);
	if (q && c->voided && --q->voided == 0)
		fleet_soon(q);
	fleet_held_unref(c->held);
	free(c);
}

/* ---- it comes ---- */

/* The columns of a row of turn(). */
enum {
	O_WHAT,
	O_SEQ,
	O_LANE,
	O_FAILURES,
	O_DEATHS,
	O_INTERRUPTIONS,
	O_BEGUN,
	O_AGELESS,
	O_DELAY,
	O_FIRST,
	O_AGE,
	O_HAS_ID,
	O_UPDATE_ID,
	O_KIND,
	O_KEYS,
	O_BYTES = 17,
};

static struct held *make(struct fleet *q, const struct fleet_answer *a, int row)
{
	struct buf keys, body;
	struct held *h = NULL;
	buf_init(&keys, SIZE_MAX / 4);
	buf_init(&body, SIZE_MAX / 4);
	if (fleet_keys_read(&keys, fleet_answer_text(a, row, O_KEYS)) ||
	    fleet_answer_bytes(a, row, O_BYTES, &body) ||
	    !(h = malloc(sizeof *h + keys.len + 1 + body.len + 1)))
		goto out;
	int64_t wall = fleet_wall(q), first = fleet_answer_number(a, row, O_FIRST);
	*h = (struct held){
		.refs = 1,
		.seq = fleet_answer_number(a, row, O_SEQ),
		.update_id = fleet_answer_bool(a, row, O_HAS_ID)
				     ? fleet_answer_number(a, row, O_UPDATE_ID)
				     : 0,
		.arrived = wall - fleet_answer_number(a, row, O_AGE),
		.first = first >= 0 ? wall - first : 0,
		.failures = (int)fleet_answer_number(a, row, O_FAILURES),
		.deaths = (int)fleet_answer_number(a, row, O_DEATHS),
		.interruptions = (int)fleet_answer_number(a, row, O_INTERRUPTIONS),
		.lane = (unsigned)fleet_answer_number(a, row, O_LANE),
		.redelivered = fleet_answer_bool(a, row, O_BEGUN),
		.length = body.len,
	};
	h->keys = memcpy(h->bytes, buf_str(&keys), keys.len + 1);
	h->body = memcpy(h->bytes + keys.len + 1, buf_str(&body), body.len + 1);
	list_init(&h->say);
out:
	buf_release(&keys);
	buf_release(&body);
	return h;
}

/* The age limit of an update as a time of the monotonic clock. */
static int64_t expires_of(const struct fleet *q, const struct held *h, const char *kind,
			  bool ageless)
{
	int64_t limit = ageless || !q->config.max_age ? 0 : q->config.max_age(q->config.arg, kind);
	int64_t age = fleet_wall(q) - h->arrived;
	return limit <= 0 ? INT64_MAX : fleet_mono(q) + limit - (age > 0 ? age : 0);
}

static uint64_t group_of(const struct fleet *q, const struct held *h)
{
	return h->lane < QUEUE_LANES && (q->gathers >> h->lane & 1)
		       ? q->config.group_of(q->config.arg, h->lane, h->body, h->length)
		       : 0;
}

int fleet_held_add(struct fleet *q, const struct fleet_answer *a, int row)
{
	if (fleet_held_find(q, fleet_answer_number(a, row, O_SEQ)))
		return 0;
	struct held *h = make(q, a, row);
	if (!h)
		return -1;
	int64_t now = fleet_mono(q), delay = fleet_answer_number(a, row, O_DELAY);
	struct sched_entry e = {
		.seq = h->seq,
		.due = delay > 0 ? now + delay : 0,
		.failures = h->failures,
		.deaths = h->deaths,
		.interruptions = h->interruptions,
		.lane = h->lane,
		.group = group_of(q, h),
		.redelivered = h->redelivered,
		.expires = expires_of(q, h, fleet_answer_text(a, row, O_KIND),
				      fleet_answer_bool(a, row, O_AGELESS)),
	};
	if (map_add(&q->held, &h->node, map_number(h->seq))) {
		free(h);
		return -1;
	}
	list_add_before(&q->all, &h->link);
	if (sched_add(q->sched, now, &e, h->keys)) {
		fleet_held_forget(q, h);
		return -1;
	}
	return 0;
}

/* ---- what is said of it ---- */

void fleet_held_say(struct fleet *q, struct held *h)
{
	if (h->voided)
		return;
	q->turn.follows = q->turn.follows || h->flying;
	if (h->flying || !list_empty(&h->say))
		return;
	list_add_before(&q->said, &h->say);
}

enum fleet_said fleet_held_words(const struct held *h)
{
	return h->end ? h->end : h->start;
}

static void again(struct fleet *q, struct held *h)
{
	h->end = FLEET_NOTHING;
	h->marked = false;
	sched_return(q->sched, fleet_mono(q),
		     &(struct sched_entry){ .seq = h->seq,
					    .failures = h->failures,
					    .deaths = h->deaths,
					    .interruptions = h->interruptions,
					    .redelivered = h->redelivered,
					    .solo = h->solo,
					    .kept = h->kept,
					    .due = h->due });
}

void fleet_held_written(struct fleet *q, struct held *h)
{
	int64_t now = fleet_mono(q);
	enum fleet_said flown = h->flying;
	list_remove(&h->say);
	h->flying = FLEET_NOTHING;
	switch (flown) {
	case FLEET_NOTHING:
		break;
	case FLEET_STARTS:
		h->start = FLEET_NOTHING;
		if (h->end)
			fleet_held_say(q, h);
		break;
	case FLEET_AGAIN:
		again(q, h);
		break;
	case FLEET_DONE:
	case FLEET_DEAD:
	case FLEET_BACK:
		sched_finish(q->sched, now, h->seq);
		if (flown == FLEET_DONE && h->well)
			sched_hasten(q->sched, now, h->keys);
		fleet_held_forget(q, h);
		break;
	}
}

void fleet_held_unwritten(struct fleet *q, struct held *h)
{
	list_remove(&h->say);
	if (h->flying == FLEET_STARTS && !h->end)
		h->marked = false;
	h->flying = FLEET_NOTHING;
	fleet_held_say(q, h);
}

/* ---- it is given back ---- */

static bool next_key(const char **at, size_t *length)
{
	*at += strspn(*at, " ");
	*length = strcspn(*at, " ");
	return *length > 0;
}

static bool share_key(const struct held *a, const struct held *b)
{
	size_t n, m;
	for (const char *k = a->keys; next_key(&k, &n); k += n)
		for (const char *l = b->keys; next_key(&l, &m); l += m)
			if (n == m && memcmp(k, l, n) == 0)
				return true;
	return false;
}

/* Whether something of its keys that came later stays here. */
static bool is_followed(const struct fleet *q, const struct held *h)
{
	for (struct list *l = q->all.next; l != &q->all; l = l->next) {
		const struct held *other = container_of(l, struct held, link);
		if (other->seq > h->seq && other->end != FLEET_BACK && share_key(h, other))
			return true;
	}
	return false;
}

/* Whether it runs, or ends well or badly. */
static bool is_busy(const struct fleet *q, const struct held *h)
{
	bool running = false;
	return !sched_has(q->sched, h->seq, &running) || (running && h->end != FLEET_AGAIN) ||
	       h->flying == FLEET_AGAIN;
}

void fleet_held_give_back(struct fleet *q)
{
	bool more = true;
	while (more) {
		more = false;
		for (struct list *l = q->all.prev; l != &q->all; l = l->prev) {
			struct held *h = container_of(l, struct held, link);
			if (h->voided || h->end == FLEET_BACK || is_busy(q, h) || is_followed(q, h))
				continue;
			struct sched_entry e;
			enum sched_state state;
			sched_look(q->sched, h->seq, &e, &state);
			if (h->end != FLEET_AGAIN)
				h->due = state == SCHED_DELAYED && !e.gathers ? e.due : 0;
			sched_remove(q->sched, fleet_mono(q), h->seq);
			h->end = FLEET_BACK;
			fleet_held_say(q, h);
			more = true;
		}
	}
}

/* ---- it is lost ---- */

void fleet_held_void(struct fleet *q)
{
	int64_t now = fleet_mono(q);
	for (struct list *l = q->all.next; l != &q->all; l = l->next) {
		struct held *h = container_of(l, struct held, link);
		if (!sched_remove(q->sched, now, h->seq))
			sched_finish(q->sched, now, h->seq);
		list_remove(&h->say);
		q->unwritten += h->marked && h->end;
		h->redelivered = h->redelivered || h->marked;
		h->flying = h->start = h->end = FLEET_NOTHING;
		h->voided = true;
	}
}

/* An array of numbers as an answer has it. */
static bool has_number(const char *array, int64_t number)
{
	int64_t n;
	while (fleet_list_next(&array, &n))
		if (n == number)
			return true;
	return false;
}

bool fleet_held_confirm(struct fleet *q, const char *kept)
{
	bool lost = false;
	for (struct list *l = q->all.next, *next; l != &q->all; l = next) {
		struct held *h = container_of(l, struct held, link);
		next = l->next;
		bool ours = has_number(kept, h->seq);
		if (!h->voided && !ours)
			lost = true;
		if (!h->voided)
			continue;
		if (!ours) {
			fleet_held_forget(q, h);
			continue;
		}
		h->voided = false;
		h->end = FLEET_BACK;
		h->due = 0;
		fleet_held_say(q, h);
	}
	return lost;
}

bool fleet_held_flown(const struct fleet *q, const char *kept)
{
	for (const struct list *l = q->flying.next; l != &q->flying; l = l->next) {
		const struct held *h = container_of(l, struct held, say);
		bool ends = h->flying != FLEET_STARTS && h->flying != FLEET_AGAIN;
		if (ends && !has_number(kept, h->seq))
			return true;
	}
	return false;
}
