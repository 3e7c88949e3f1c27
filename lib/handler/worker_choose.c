/* handler/worker_choose: which worker of a pool gets an update: the one that had the key last
 * (--sticky), or the least loaded. And which is replaced next.
 *
 * A claim comes in, a worker goes out. Invariant: a solo update (one whose last process died while
 * it held several) gets a worker that holds nothing, and in the end there is one. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "handler/worker_internal.h"

/* Milliseconds that a worker is kept empty for a solo update that does not come. */
enum { EMPTIES = 1000 };

const struct worker *worker_choose_probe(const struct pool *p, int64_t now)
{
	for (const struct list *l = p->workers.next; p->backoff.failures && l != &p->workers;
	     l = l->next) {
		const struct worker *w = worker_at(l);
		if (w->started > p->backoff.failed_at && !w->ready &&
		    now - w->started < WORKER_SETTLES)
			return w;
	}
	return NULL;
}

bool worker_choose_waits(const struct worker *w, int64_t now)
{
	return w->h->policy.gathered && !worker_has_spoken(w) && now - w->started < WORKER_SETTLES;
}

/* How many updates `w` may get. A successor gets none before it takes the place of the old worker;
 * one that is kept for a solo update gets only that. */
static size_t room_of(const struct handler *h, const struct worker *w)
{
	const struct pool *p = h->pool;
	if (w == p->successor || worker_choose_waits(w, handler_now(h->room)) ||
	    (p->careful && w == worker_choose_probe(p, handler_now(h->room))))
		return 0;
	if (w == p->emptying)
		return worker_room(w) && w->count == 0;
	return worker_room(w);
}

size_t worker_choose_room(const struct handler *h)
{
	size_t n = 0;
	for (const struct list *l = h->pool->workers.next; l != &h->pool->workers; l = l->next)
		n += room_of(h, worker_at(l));
	return n;
}

size_t worker_choose_most(const struct handler *h)
{
	if (!h->policy.gathered)
		return 1;
	for (const struct list *l = h->pool->workers.next; l != &h->pool->workers; l = l->next)
		if (room_of(h, worker_at(l)) && !worker_at(l)->batch)
			return 1;
	return HANDLER_BATCH_MAX;
}

/* Whether `a` should get an update rather than `b`: the share of its capacity that is taken
 * decides, then which has proved to work. */
static bool is_better(const struct worker *a, const struct worker *b)
{
	int64_t x = (int64_t)a->count * b->capacity, y = (int64_t)b->count * a->capacity;
	return x != y ? x < y : a->ready && !b->ready;
}

static struct worker *least_loaded(const struct handler *h, bool batch, bool empty)
{
	const struct pool *p = h->pool;
	struct worker *best = NULL;
	for (struct list *l = p->workers.next; l != &p->workers; l = l->next) {
		struct worker *w = worker_at(l);
		bool may = room_of(h, w) && (w->batch || !batch) &&
			   (empty ? w->count == 0 : w != p->emptying);
		if (may && (!best || is_better(w, best)))
			best = w;
	}
	return best;
}

static struct worker *by_serial(const struct handler *h, uint64_t serial)
{
	for (struct list *l = h->pool->workers.next; l != &h->pool->workers; l = l->next)
		if (worker_at(l)->serial == serial)
			return worker_at(l);
	return NULL;
}

/* The worker that had this key last, as long as it has room; else one that has, which is
 * remembered. Two keys in one row of the table forget each other, nothing else. */
static struct worker *sticky(struct handler *h, const char *keys, bool batch)
{
	struct pool *p = h->pool;
	if (!p->sticky && !(p->sticky = calloc(POOL_STICKY, sizeof *p->sticky)))
		return least_loaded(h, batch, false);
	uint64_t hash = hash_bytes(keys, strlen(keys));
	size_t row = (hash ^ hash >> 32) % POOL_STICKY;
	struct worker *w = p->sticky[row].hash == hash ? by_serial(h, p->sticky[row].serial) : NULL;
	if (w && w != p->emptying && room_of(h, w) && (w->batch || !batch))
		return w;
	w = least_loaded(h, batch, false);
	if (w) {
		p->sticky[row].hash = hash;
		p->sticky[row].serial = w->serial;
	}
	return w;
}

/* No worker is empty for a solo update. One gets no other update from now on, else under load none
 * would ever be empty. */
static void make_empty(struct handler *h)
{
	struct pool *p = h->pool;
	for (struct list *l = p->workers.next; !p->emptying && l != &p->workers; l = l->next)
		if (!worker_at(l)->leaving && !worker_at(l)->solo && worker_at(l) != p->successor)
			p->emptying = worker_at(l);
	p->emptying_until = handler_now(h->room) + EMPTIES;
	if (p->emptying)
		loop_timer_set(p->timer, 0);
}

struct worker *worker_choose(struct handler *h, const struct claim *c, bool batch, bool solo)
{
	bool by_key = h->policy.sticky && !solo && *c->keys;
	struct worker *w = by_key ? sticky(h, c->keys, batch) : least_loaded(h, batch, solo);
	if (!w && solo)
		make_empty(h);
	return w;
}

static bool is_worn(const struct worker *w, int64_t now)
{
	const struct handler_policy *policy = &w->h->policy;
	return w->outdated || slots_stdout_lost(w->job.slot) ||
	       (policy->max_requests && w->requests >= (uint64_t)policy->max_requests) ||
	       (policy->max_worker_age && now - w->started >= policy->max_worker_age);
}

struct worker *worker_choose_worn(struct handler *h, int64_t now)
{
	for (struct list *l = h->pool->workers.next; l != &h->pool->workers; l = l->next)
		if (!worker_at(l)->leaving && is_worn(worker_at(l), now))
			return worker_at(l);
	return NULL;
}
