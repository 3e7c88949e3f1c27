/* sched/sched: the scheduler. Every update stands in one queue for each of its keys
 * (sched_keys.c); when all of them are free for it, its turn comes up, and it goes to the list
 * of what is ready, or, while it is delayed, to a heap (sched_turns.c). It leaves its queues
 * only when it is finished or removed. A claim begins a batch, which others may join.
 * Invariants: an update is READY or DELAYED exactly while `behind` is 0 and it does not run;
 * those of a key that run are the first ones of its queue, and of one batch. Only if one of a
 * batch was given back, it stands before them and waits. */
#include "sched/sched.h"

#include <stdlib.h>

#include "base/buf.h"
#include "sched/sched_internal.h"

struct sched *sched_new(void)
{
	struct sched *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->seed = map_seed();
	sched_turns_init(&s->ready);
	sched_turns_init(&s->solos);
	sched_turns_init(&s->suspects);
	list_init(&s->kept);
	list_init(&s->gathering);
	return s;
}

static void map_free_all(struct map *m, bool items)
{
	/* In both structs the node comes first. */
	for (size_t i = 0; i < m->cap; i++)
		for (struct map_node *n = m->slots[i], *next; n; n = next) {
			next = n->next;
			if (items)
				sched_run_leave(container_of(n, struct sched_item, node));
			free(n);
		}
	map_release(m);
}

void sched_free(struct sched *s)
{
	if (!s)
		return;
	map_free_all(&s->items, true);
	map_free_all(&s->keys, false);
	heap_release(&s->delayed);
	free(s);
}

void sched_gather(struct sched *s, int64_t now, unsigned lane, const struct sched_gather *rule)
{
	if (lane >= SCHED_LANES)
		return;
	sched_promote(s, now);
	s->gather[lane] = *rule;
	for (struct list *l = s->gathering.next, *next; l != &s->gathering; l = next) {
		next = l->next;
		struct sched_item *item = container_of(l, struct sched_item, turn);
		if (item->lane == lane)
			sched_reconsider(s, sched_run_of(item), now);
	}
}

/* It was put behind the others: its run has one more, and any other that ends there is closed. */
static void close_runs(struct sched *s, struct sched_item *item, int64_t now)
{
	sched_run_came(s, item, now);
	for (struct link *l = item->links; l < item->links + item->links_count; l++) {
		struct sched_run *before = l->prev ? sched_run_of(l->prev) : NULL;
		if (!before)
			continue;
		before->closed = before->closed || before != sched_run_of(item);
		sched_reconsider(s, before, now);
	}
}

int sched_add(struct sched *s, int64_t now, const struct sched_entry *entry, const char *keys)
{
	struct sched_item *item = sched_item_new(s, entry, keys);
	if (!item)
		return -1;
	/* What has waited long enough does not wait anew for this one. */
	if (s->gathering_count)
		sched_promote(s, now);
	if (map_add(&s->items, &item->node, map_number(item->seq))) {
		sched_item_free(s, item);
		return -1;
	}
	sched_enqueue(item);
	s->waiting_in[item->lane]++;
	s->redelivered += item->redelivered;
	close_runs(s, item, now);
	if (item->behind == 0)
		sched_come_up(s, item, now);
	return 0;
}

/* ---- claims ---- */

static void tell(const struct sched_item *item, struct sched_entry *out)
{
	*out = (struct sched_entry){ .seq = item->seq,
				     .expires = item->expires,
				     .failures = item->failures,
				     .deaths = item->deaths,
				     .interruptions = item->interruptions,
				     .lane = item->lane,
				     .redelivered = item->redelivered,
				     .solo = item->solo };
}

static bool lane_gathers(const struct sched *s, const struct sched_item *item)
{
	return s->gather[item->lane].most > 0;
}

/* Whether the batch of `leader` takes what follows one of it: what was gathered with it, or, in
 * other lanes, what is not delayed. */
static bool wants(const struct sched *s, const struct sched_item *leader,
		  const struct sched_item *next, int64_t now)
{
	const struct sched_run *run = sched_run_of(next);
	return lane_gathers(s, leader) ? run && run == sched_run_of(leader)
				       : next->delay.due <= now;
}

/* Claims `item` for the batch which `leader` began. What follows it may now join, too. */
static void take(struct sched *s, struct sched_item *item, struct sched_item *leader, int64_t now,
		 struct sched_entry *out)
{
	int64_t since = item->state == SCHED_READY ? item->since : now;
	sched_unwait(s, item);
	item->since = since;
	item->batch = item == leader ? ++s->batches : leader->batch;
	item->state = SCHED_RUNNING;
	item->first = false;
	struct sched_run *run = sched_run_of(item);
	if (run)
		run->closed = true;
	s->running++;
	s->waiting_in[item->lane]--;
	for (struct link *l = item->links; l < item->links + item->links_count; l++)
		l->key->running++;
	for (struct link *l = item->links; l < item->links + item->links_count; l++) {
		struct sched_item *next = l->next;
		if (!next || next->lane != leader->lane || leader->solo || next->solo ||
		    next->deaths >= LEDGER_ALONE || !sched_follows(next, item->batch) ||
		    !wants(s, leader, next, now))
			continue;
		list_remove(&next->turn);
		list_add_before(&leader->turn, &next->turn);
	}
	tell(item, out);
	out->expired = now >= item->expires;
}

bool sched_claim(struct sched *s, int64_t now, uint64_t lanes, struct sched_entry *out)
{
	sched_promote(s, now);
	if (s->alone)
		return false;
	struct sched_item *item = sched_first(&s->suspects, lanes);
	if (item) {
		if (s->running)
			return false;
		s->alone = true;
	} else {
		struct sched_item *solo = sched_first(&s->solos, lanes);
		item = sched_first(&s->ready, lanes);
		if (!item || (solo && solo->ticket < item->ticket))
			item = solo;
	}
	if (item)
		take(s, item, item, now, out);
	return item;
}

/* The first that waits only for the batch of `leader`; NULL if none. */
static struct sched_item *follower(struct sched_item *leader)
{
	while (!list_empty(&leader->turn)) {
		struct sched_item *item = container_of(leader->turn.next, struct sched_item, turn);
		list_remove(&item->turn);
		if (sched_follows(item, leader->batch))
			return item;
	}
	return NULL;
}

bool sched_join(struct sched *s, int64_t now, int64_t leader_seq, struct sched_entry *out)
{
	struct sched_item *leader = sched_find(s, leader_seq);
	sched_promote(s, now);
	if (!leader || leader->state != SCHED_RUNNING || leader->solo || s->alone)
		return false;
	bool gathers = lane_gathers(s, leader);
	if (!gathers && s->suspects.some)
		return false;
	struct sched_item *item = gathers ? NULL
					  : sched_first(&s->ready, UINT64_C(1) << leader->lane);
	if (!item)
		item = follower(leader);
	if (item)
		take(s, item, leader, now, out);
	return item;
}

/* ---- ends ---- */

/* The claimed update `seq`, no longer counted as running; NULL if it is not claimed. */
static struct sched_item *stop(struct sched *s, int64_t seq)
{
	struct sched_item *item = sched_find(s, seq);
	if (!item || item->state != SCHED_RUNNING)
		return NULL;
	/* What might have followed it stays in a list without a head, which it leaves when it
	 * comes up. */
	list_remove(&item->turn);
	s->running--;
	s->alone = false;
	return item;
}

/* None of the key's updates run any more, or its first one has left: it is free for the one that
 * is first now. */
static void set_free(struct sched *s, struct sched_key *k, int64_t since)
{
	k->broken = false;
	if (k->first && --k->first->behind == 0)
		sched_come_up(s, k->first, since);
}

/* It has left all that it waited in and was counted in. */
static void forget(struct sched *s, struct sched_item *item)
{
	map_remove(&s->items, &item->node);
	s->redelivered -= item->redelivered;
	sched_item_free(s, item);
}

void sched_finish(struct sched *s, int64_t now, int64_t seq)
{
	struct sched_item *item = stop(s, seq);
	if (!item)
		return;
	for (struct link *l = item->links; l < item->links + item->links_count; l++) {
		sched_dequeue(l);
		if (--l->key->running == 0)
			set_free(s, l->key, now);
	}
	forget(s, item);
}

void sched_return(struct sched *s, int64_t now, const struct sched_entry *entry)
{
	struct sched_item *item = stop(s, entry->seq);
	if (!item)
		return;
	int64_t since = entry->due > 0 ? now : item->since;
	s->redelivered -= item->redelivered;
	sched_item_note(item, entry);
	s->redelivered += item->redelivered;
	item->state = SCHED_BLOCKED;
	item->first = entry->due <= 0;
	item->delay.due = entry->due;
	item->behind = item->links_count;
	s->waiting_in[item->lane]++;
	for (struct link *l = item->links; l < item->links + item->links_count; l++)
		if (--l->key->running == 0)
			set_free(s, l->key, since);
		else
			l->key->broken = true;
	if (item->links_count == 0)
		sched_come_up(s, item, since);
}

bool sched_remove(struct sched *s, int64_t now, int64_t seq)
{
	struct sched_item *item = sched_find(s, seq);
	if (!item || item->state == SCHED_RUNNING)
		return false;
	sched_unwait(s, item);
	s->waiting_in[item->lane]--;
	for (struct link *l = item->links; l < item->links + item->links_count; l++) {
		bool first = !l->prev;
		sched_dequeue(l);
		if (first && l->key->running == 0)
			set_free(s, l->key, now);
	}
	forget(s, item);
	return true;
}

/* ---- what is asked ---- */

int sched_keys(const struct sched *s, int64_t seq, struct buf *out)
{
	const struct sched_item *item = sched_find(s, seq);
	for (size_t i = 0; item && i < item->links_count; i++)
		if ((i && buf_addc(out, ' ')) ||
		    buf_add(out, item->links[i].key->name, item->links[i].key->length))
			return -1;
	return 0;
}

size_t sched_count(const struct sched *s)
{
	return s->items.count;
}

size_t sched_running(const struct sched *s)
{
	return s->running;
}

size_t sched_gathering(const struct sched *s)
{
	return s->gathering_count;
}

size_t sched_redelivered(const struct sched *s)
{
	return s->redelivered;
}

bool sched_look(const struct sched *s, int64_t seq, struct sched_entry *out,
		enum sched_state *state)
{
	const struct sched_item *item = sched_find(s, seq);
	if (!item)
		return false;
	*state = (enum sched_state)item->state;
	tell(item, out);
	out->due = *state == SCHED_DELAYED ? item->delay.due : 0;
	out->gathers = item->gathers;
	return true;
}

bool sched_has(const struct sched *s, int64_t seq, bool *running)
{
	const struct sched_item *item = sched_find(s, seq);
	if (running)
		*running = item && item->state == SCHED_RUNNING;
	return item != NULL;
}
