/* sched/sched_turns: what has its turn, and what will have it at a time. What is ready stands in
 * a list of its lane with a ticket that orders the turns of all lanes: one for ordinary updates,
 * one for those that run in no batch, one for suspects. What is delayed, for its own sake or to
 * gather more, is in a heap. Invariant: each list is in the order of its tickets. */
#include <string.h>

#include "sched/sched_internal.h"

void sched_turns_init(struct turns *t)
{
	for (int i = 0; i < SCHED_LANES; i++)
		list_init(&t->lanes[i]);
	t->some = 0;
}

static struct turns *turns_of(struct sched *s, const struct sched_item *item)
{
	return item->deaths >= LEDGER_ALONE ? &s->suspects : item->solo ? &s->solos : &s->ready;
}

/* Its turn has come: behind all that are ready, or before them. */
static void make_ready(struct sched *s, struct sched_item *item, int64_t since)
{
	struct turns *t = turns_of(s, item);
	struct list *l = &t->lanes[item->lane];
	list_remove(&item->turn);
	item->state = SCHED_READY;
	item->since = since;
	item->ticket = item->first ? --s->front : ++s->back;
	list_add_before(item->first ? l->next : l, &item->turn);
	t->some |= UINT64_C(1) << item->lane;
	s->ready_in[item->lane]++;
}

/* It comes up at `due`. false: without the memory for the heap its delay is cut short rather than
 * the update forgotten. */
static bool delay(struct sched *s, struct sched_item *item, int64_t due)
{
	list_remove(&item->turn);
	item->state = SCHED_DELAYED;
	return heap_add(&s->delayed, &item->delay, due < item->expires ? due : item->expires) == 0;
}

static void end_gathering(struct sched *s, struct sched_item *item)
{
	if (!item->gathers)
		return;
	item->gathers = false;
	sched_run_of(item)->head = NULL;
	s->gathering_count--;
}

/* Its own time has come, at `now`. */
static void gather_or_ready(struct sched *s, struct sched_item *item, int64_t since, int64_t now)
{
	int64_t until = sched_run_until(s, item);
	if (until <= now || item->expires <= now || !delay(s, item, until)) {
		make_ready(s, item, since);
		return;
	}
	item->gathers = true;
	sched_run_of(item)->head = item;
	list_add_before(&s->gathering, &item->turn);
	s->gathering_count++;
}

void sched_come_up(struct sched *s, struct sched_item *item, int64_t since)
{
	int64_t due = item->delay.due;
	if (due <= 0 || !delay(s, item, due))
		gather_or_ready(s, item, since, since);
	else if (item->kept)
		list_add_before(&s->kept, &item->turn);
}

void sched_reconsider(struct sched *s, const struct sched_run *run, int64_t now)
{
	struct sched_item *item = run->head;
	if (!item)
		return;
	int64_t until = sched_run_until(s, item);
	heap_remove(&s->delayed, &item->delay);
	if (until > now &&
	    heap_add(&s->delayed, &item->delay, until < item->expires ? until : item->expires) == 0)
		return;
	end_gathering(s, item);
	make_ready(s, item, now);
}

void sched_promote(struct sched *s, int64_t now)
{
	for (struct heap_node *n; (n = heap_first(&s->delayed)) && n->due <= now;) {
		struct sched_item *item = container_of(n, struct sched_item, delay);
		heap_remove(&s->delayed, n);
		end_gathering(s, item);
		gather_or_ready(s, item, n->due, now);
	}
}

static bool has_keys(const struct sched_item *item, const char *keys)
{
	for (size_t i = 0; i < item->links_count; i++) {
		const struct sched_key *k = item->links[i].key;
		if (strncmp(keys, k->name, k->length) != 0)
			return false;
		keys += k->length;
		keys += *keys == ' ';
	}
	return item->links_count && !*keys;
}

void sched_hasten(struct sched *s, int64_t now, const char *keys)
{
	for (struct list *l = s->kept.next, *next; l != &s->kept; l = next) {
		next = l->next;
		struct sched_item *item = container_of(l, struct sched_item, turn);
		if (has_keys(item, keys))
			continue;
		heap_remove(&s->delayed, &item->delay);
		make_ready(s, item, now);
	}
}

void sched_unwait(struct sched *s, struct sched_item *item)
{
	list_remove(&item->turn);
	end_gathering(s, item);
	if (item->state == SCHED_DELAYED)
		heap_remove(&s->delayed, &item->delay);
	if (item->state != SCHED_READY)
		return;
	struct turns *t = turns_of(s, item);
	s->ready_in[item->lane]--;
	if (list_empty(&t->lanes[item->lane]))
		t->some &= ~(UINT64_C(1) << item->lane);
}

struct sched_item *sched_first(const struct turns *t, uint64_t lanes)
{
	struct sched_item *best = NULL;
	for (uint64_t left = t->some & lanes; left; left &= left - 1) {
		struct sched_item *item = container_of(t->lanes[__builtin_ctzll(left)].next,
						       struct sched_item, turn);
		if (!best || item->ticket < best->ticket)
			best = item;
	}
	return best;
}

/* ---- what is asked ---- */

int64_t sched_next_due(struct sched *s, int64_t now, uint64_t lanes)
{
	sched_promote(s, now);
	if (sched_ready(s, lanes))
		return 0;
	/* While a suspect runs, what comes up could not be claimed. */
	const struct heap_node *first = s->alone ? NULL : heap_first(&s->delayed);
	return first ? first->due : INT64_MAX;
}

size_t sched_ready(const struct sched *s, uint64_t lanes)
{
	size_t count = 0;
	if (s->alone)
		return 0;
	if (s->suspects.some & lanes)
		return s->running ? 0 : 1;
	for (uint64_t left = (s->ready.some | s->solos.some) & lanes; left; left &= left - 1)
		count += s->ready_in[__builtin_ctzll(left)];
	return count;
}

size_t sched_turns(struct sched *s, int64_t now, unsigned lane, int64_t *since)
{
	const struct turns *all[] = { &s->ready, &s->solos, &s->suspects };
	sched_promote(s, now);
	*since = now;
	if (lane >= SCHED_LANES)
		return 0;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		const struct sched_item *item = sched_first(all[i], UINT64_C(1) << lane);
		if (item && item->since < *since)
			*since = item->since;
	}
	return s->ready_in[lane];
}

size_t sched_waiting(const struct sched *s, unsigned lane)
{
	return lane < SCHED_LANES ? s->waiting_in[lane] : 0;
}

/* ---- what a batch would get ---- */

/* Whether `item`, which stands behind the last that was looked at, waits for nothing but the `n`
 * that a batch would have. */
static bool would_follow(const struct sched_item *item, const struct sched_item *const *batch,
			 size_t n)
{
	for (size_t i = 0; item->links_count > 1 && i < n; i++)
		if (batch[i] == item)
			return false;
	for (const struct link *l = item->links;
	     item->links_count > 1 && l < item->links + item->links_count; l++) {
		size_t i = n;
		if (!l->prev && l->key->running == 0)
			continue;
		while (i > 0 && batch[i - 1] != l->prev)
			i--;
		if (i == 0)
			return false;
	}
	return true;
}

size_t sched_batch(const struct sched *s, int64_t now, unsigned lane, size_t most)
{
	const struct sched_item *batch[SCHED_BATCH_MAX];
	size_t n = 0;
	if (lane >= SCHED_LANES || s->alone)
		return 0;
	most = s->suspects.some && most > 1 ? 1 : most < SCHED_BATCH_MAX ? most : SCHED_BATCH_MAX;
	const struct list *ready = &s->ready.lanes[lane];
	for (const struct list *l = ready->next; l != ready && n < most; l = l->next)
		batch[n++] = container_of(l, struct sched_item, turn);
	for (size_t i = 0; i < n && n < most; i++)
		for (const struct link *l = batch[i]->links;
		     l < batch[i]->links + batch[i]->links_count && n < most; l++) {
			const struct sched_item *next = l->next;
			if (next && next->lane == lane && next->state == SCHED_BLOCKED &&
			    !next->solo && next->deaths < LEDGER_ALONE && next->delay.due <= now &&
			    would_follow(next, batch, n))
				batch[n++] = next;
		}
	return n;
}
