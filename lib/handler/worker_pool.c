/* handler/worker_pool: how many workers of a handler there are, who is replaced, and who gets an
 * update. In: ends, answers, time. Out: workers, and updates to the least loaded of them.
 *
 * A worker is replaced without a gap: its successor is started, and when that is ready it is
 * given the updates in place of the old one, which sees the end of its input when it has
 * answered. Workers that end before they answered anything are started again with backoff; as
 * long as one of the pool answers, the backoff begins anew. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "handler/worker_internal.h"

enum {
	START_FIRST = 1000, START_LAST = 60000, /* pauses after a worker that ended before it answered */
	CRASH_LOOP = 3,                         /* such ends in a row */
	SETTLES = 2000,         /* a successor that never announces itself is taken for ready after so long */
	ANNOUNCES = 60 * 1000,  /* one whose like did */
	EMPTIES = 1000,         /* a worker is kept empty so long for an update that must be alone, and does not come */
};

static struct worker *worker_at(const struct list *l)
{
	return container_of(l, struct worker, link);
}

static void on_timer(void *arg)
{
	struct handler *h = arg;
	pool_look(h);
	h->room->config.idle(h->room->config.arg);
}

int pool_init(struct handler *h)
{
	h->pool.backoff = (struct backoff){ .first = START_FIRST, .cap = START_LAST };
	h->pool.timer = loop_timer_new(h->room->config.loop, on_timer, h);
	return h->pool.timer ? 0 : -1;
}

void pool_release(struct handler *h)
{
	while (!list_empty(&h->pool.workers))
		worker_free(worker_at(h->pool.workers.next));
	loop_timer_free(h->pool.timer);
	free(h->pool.sticky);
}

/* ---- how many ---- */

/* Workers that are not on their way out. */
static int staying(const struct handler *h)
{
	int n = 0;
	for (const struct list *l = h->pool.workers.next; l != &h->pool.workers; l = l->next)
		n += !worker_at(l)->leaving;
	return n;
}

/* After a failure one worker is started at a time: until it is ready, or has at least lived for as long as one takes to
 * settle. */
static const struct worker *probe(const struct handler *h, int64_t now)
{
	const struct pool *p = &h->pool;
	for (const struct list *l = p->workers.next; p->backoff.failures && l != &p->workers; l = l->next) {
		const struct worker *w = worker_at(l);
		if (w->started > p->backoff.failed_at && !w->ready && now - w->started < SETTLES)
			return w;
	}
	return NULL;
}

static struct worker *start(struct handler *h)
{
	struct pool *p = &h->pool;
	if (handler_now(h->room) < p->start_at || probe(h, handler_now(h->room)) || (p->count > h->policy.workers && handler_slots_free(h->room) == 0))
		return NULL;
	struct worker *w = worker_start(h);
	/* Without an idle slot: one will be. */
	if (!w && errno != EAGAIN) {
		int errnum = errno;
		int64_t now = handler_now(h->room);
		p->start_at = now + backoff_fail_of(&p->backoff, now, now, backoff_random());
		h->room->config.unstartable(h->room->config.arg, h, strerror(errnum), errnum);
	}
	return w;
}

static bool is_worn(const struct worker *w, int64_t now)
{
	const struct handler_policy *policy = &w->h->policy;
	return w->outdated || slots_stdout_lost(w->job.slot) ||
	       (policy->max_requests && w->requests >= policy->max_requests) ||
	       (policy->max_worker_age && now - w->started >= policy->max_worker_age);
}

static struct worker *find_worn(struct handler *h, int64_t now)
{
	for (struct list *l = h->pool.workers.next; l != &h->pool.workers; l = l->next)
		if (!worker_at(l)->leaving && is_worn(worker_at(l), now))
			return worker_at(l);
	return NULL;
}

/* How long a successor may take to be ready. */
static int64_t patience(const struct handler *h)
{
	return h->pool.announced ? ANNOUNCES : SETTLES;
}

static void replace(struct handler *h, int64_t now)
{
	struct pool *p = &h->pool;
	if (!p->old && staying(h) == h->policy.workers && (p->old = find_worn(h, now)) && !(p->successor = start(h)))
		p->old = NULL;
	if (!p->old || (!p->successor->ready && now - p->successor->started < patience(h)))
		return;
	struct worker *old = p->old;
	p->old = p->successor = NULL;
	h->recycled++;
	log_event(h->room->config.log, LOG_DEBUG, LOG_FIELDS(LOG_NUM("worker", old->number), LOG_NUM("updates", (int64_t)old->requests),
		  LOG_NUM("ms", now - old->started)), "worker is replaced");
	worker_leave(old, h->policy.timeout ? h->policy.timeout : h->policy.kill_after);
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 || b < a ? b : a;
}

/* Milliseconds until something is to be looked at again, -1: only when something happens. */
static int64_t next_due(struct handler *h, int64_t now)
{
	struct pool *p = &h->pool;
	int64_t next = -1;
	if (p->emptying)
		next = sooner(next, p->emptying_until > now ? p->emptying_until - now : 0);
	if (p->start_at > now)
		next = sooner(next, p->start_at - now);
	const struct worker *first = probe(h, now);
	if (first)
		next = sooner(next, first->started + SETTLES - now);
	if (p->successor)
		return sooner(next, p->successor->started + patience(h) - now);
	for (struct list *l = p->workers.next; h->policy.max_worker_age && l != &p->workers; l = l->next) {
		int64_t left = worker_at(l)->started + h->policy.max_worker_age - now;
		if (!worker_at(l)->leaving && left > 0)
			next = sooner(next, left);
	}
	return next;
}

static bool is_on(const struct handler *h)
{
	return h->mode == MODE_WORKER && h->room->begun && !h->room->draining && !h->retired && h->command;
}

void pool_look(struct handler *h)
{
	struct pool *p = &h->pool;
	if (!is_on(h) || p->looking)
		return;
	p->looking = true;
	int64_t now = handler_now(h->room);
	if (p->emptying && p->emptying_until <= now)
		p->emptying = NULL;
	int n = staying(h);
	while (n < h->policy.workers + (p->old != NULL) && start(h))
		n++;
	for (struct list *l = p->workers.prev; n > h->policy.workers + (p->old != NULL) && l != &p->workers; l = l->prev)
		if (!worker_at(l)->leaving && worker_at(l) != p->successor && worker_at(l) != p->old) {
			worker_leave(worker_at(l), h->policy.timeout ? h->policy.timeout : h->policy.kill_after);
			n--;
		}
	replace(h, now);
	int64_t due = next_due(h, now);
	loop_timer_set(p->timer, due);
	p->looking = false;
}

void pool_outdate(struct handler *h)
{
	for (struct list *l = h->pool.workers.next; l != &h->pool.workers; l = l->next)
		worker_at(l)->outdated = true;
}

void pool_ready(struct worker *w)
{
	struct pool *p = &w->h->pool;
	w->ready = true;
	if (w->answered) {
		if (p->crashing)
			log_event(w->h->room->config.log, LOG_INFO, LOG_FIELDS(LOG_STR("handler", w->h->name)), "the workers work again");
		p->crashing = false;
		p->start_at = 0;
		backoff_reset(&p->backoff);
	}
	loop_timer_set(p->timer, 0);
}

/* A worker failed before it did anything. False: it was under way when the last failure was counted, so it says nothing new. */
static bool count_failure(struct worker *w)
{
	struct pool *p = &w->h->pool;
	int64_t now = handler_now(w->h->room), delay = backoff_fail_of(&p->backoff, w->started, now, backoff_random());
	if (delay >= 0)
		p->start_at = now + delay;
	return delay >= 0;
}

static void tell_death(struct worker *w)
{
	struct handler *h = w->h;
	struct pool *p = &h->pool;
	char how[160];
	worker_describe_end(w, how, sizeof how);
	if (w->answered) {
		log_paced(h->room->config.log, &p->end_pace, LOG_WARN, LOG_FIELDS(LOG_NUM("worker", w->number), LOG_STR("handler", h->name)),
			  "worker ended: %s; another is started", how);
		return;
	}
	bool counts = count_failure(w);
	bool loop = p->backoff.failures >= CRASH_LOOP;
	log_paced(h->room->config.log, loop ? &p->crash_pace : &p->early_pace, !counts ? LOG_DEBUG : loop ? LOG_ERROR : LOG_WARN,
		  LOG_FIELDS(LOG_NUM("worker", w->number), LOG_STR("handler", h->name), LOG_NUM("wait_ms", p->start_at - handler_now(h->room)),
			     LOG_STR("stderr", output_sentence(&w->output))),
		  loop ? "workers end before they have answered anything (%s): starting pauses, up to 60s, until one answers"
		       : "worker ended before it had answered anything: %s", how);
	p->crashing = p->crashing || loop;
}

/* One that ended before it read anything could not be started, whatever it did instead. */
static void tell_unread(struct worker *w)
{
	struct handler *h = w->h;
	struct pool *p = &h->pool;
	char how[160], reason[SENTENCE_MAX + 256];
	const char *sentence = output_sentence(&w->output);
	worker_describe_end(w, how, sizeof how);
	snprintf(reason, sizeof reason, "a worker %s%s%s%s",
		 w->killed ? "had read nothing when its first update was due" : "ended before it read anything: ",
		 w->killed ? "" : how, *sentence ? ": " : "", sentence);
	p->crashing = true;
	if (count_failure(w))
		h->room->config.unstartable(h->room->config.arg, h, reason, 0);
}

void pool_ended(struct worker *w, enum worker_end how, int errnum)
{
	struct handler *h = w->h;
	struct pool *p = &h->pool;
	p->count--;
	if (w == p->emptying)
		p->emptying = NULL;
	if (w == p->old || w == p->successor)
		p->old = p->successor = NULL;
	if (how == WORKER_UNSTARTABLE) {
		if (count_failure(w))
			h->room->config.unstartable(h->room->config.arg, h, strerror(errnum), errnum);
	} else if (how == WORKER_ENDED && w->unread && !w->asked && !w->stopped) {
		h->deaths++;
		tell_unread(w);
	} else if (how == WORKER_ENDED && !w->asked && !w->killed && !w->stopped) {
		h->deaths++;
		tell_death(w);
	}
}

/* ---- who gets it ---- */

size_t pool_room(const struct handler *h)
{
	size_t n = 0;
	for (const struct list *l = h->pool.workers.next; l != &h->pool.workers; l = l->next)
		n += worker_room(worker_at(l));
	return n;
}

/* Whether `a` should rather get it than `b`: what it holds for what it can, then who has proved that it works. */
static bool is_better(const struct worker *a, const struct worker *b)
{
	int64_t x = (int64_t)a->count * b->capacity, y = (int64_t)b->count * a->capacity;
	return x != y ? x < y : a->ready && !b->ready;
}

static struct worker *least_loaded(struct handler *h, bool empty)
{
	struct worker *best = NULL;
	for (struct list *l = h->pool.workers.next; l != &h->pool.workers; l = l->next) {
		struct worker *w = worker_at(l);
		if (worker_room(w) && (empty ? w->count == 0 : w != h->pool.emptying) && (!best || is_better(w, best)))
			best = w;
	}
	return best;
}

static struct worker *by_serial(struct handler *h, uint64_t serial)
{
	for (struct list *l = h->pool.workers.next; l != &h->pool.workers; l = l->next)
		if (worker_at(l)->serial == serial)
			return worker_at(l);
	return NULL;
}

/* Who had this key last, as long as it has room; else who has, who is remembered. Two keys in one row of the table only lose their memory. */
static struct worker *sticky(struct handler *h, const char *keys)
{
	struct pool *p = &h->pool;
	if (!p->sticky && !(p->sticky = calloc(POOL_STICKY, sizeof *p->sticky)))
		return least_loaded(h, false);
	uint64_t hash = hash_bytes(keys, strlen(keys));
	size_t row = (hash ^ hash >> 32) % POOL_STICKY;
	struct worker *w = p->sticky[row].hash == hash ? by_serial(h, p->sticky[row].serial) : NULL;
	if (w && w != p->emptying && worker_room(w))
		return w;
	w = least_loaded(h, false);
	if (w) {
		p->sticky[row].hash = hash;
		p->sticky[row].serial = w->serial;
	}
	return w;
}

/* No worker is empty for an update that must be alone. One is kept from getting more, else under load none would ever be. */
static void make_empty(struct handler *h)
{
	struct pool *p = &h->pool;
	for (struct list *l = p->workers.next; !p->emptying && l != &p->workers; l = l->next)
		if (!worker_at(l)->leaving && !worker_at(l)->solo && worker_at(l) != p->successor)
			p->emptying = worker_at(l);
	p->emptying_until = handler_now(h->room) + EMPTIES;
	if (p->emptying)
		loop_timer_set(p->timer, 0);
}

int pool_start(struct handler *h, struct claim *c, bool solo)
{
	struct handlers *room = h->room;
	struct worker *w = h->policy.sticky && !solo && *c->keys ? sticky(h, c->keys) : least_loaded(h, solo);
	if (!w) {
		if (solo)
			make_empty(h);
		errno = EAGAIN;
		return -1;
	}
	if (solo)
		h->pool.emptying = NULL;
	if (worker_give(w, c, solo))
		return -1;
	if (list_empty(&room->unwritten))
		loop_timer_set(room->flush_timer, 0);
	if (list_empty(&w->unwritten))
		list_add_before(&room->unwritten, &w->unwritten);
	if (h->policy.max_requests && w->requests == h->policy.max_requests)
		loop_timer_set(h->pool.timer, 0);
	return 0;
}

void handlers_flush(struct handlers *room)
{
	loop_timer_set(room->flush_timer, -1);
	while (!list_empty(&room->unwritten)) {
		struct worker *w = container_of(room->unwritten.next, struct worker, unwritten);
		list_remove(&w->unwritten);
		worker_write(w);
	}
}

/* ---- the end ---- */

void pool_drain(struct handler *h)
{
	struct pool *p = &h->pool;
	if (h->mode != MODE_WORKER)
		return;
	p->old = p->successor = NULL;
	loop_timer_set(p->timer, -1);
	for (struct list *l = p->workers.next; l != &p->workers; l = l->next) {
		struct worker *w = worker_at(l);
		/* One that was on its way out had longer. */
		w->leave_by = 0;
		worker_leave(w, h->policy.kill_after);
	}
}

void pool_stop(struct handler *h, int signo)
{
	int level = signo == SIGKILL ? 2 : 1;
	struct list *l = h->pool.workers.next;
	h->live++; /* so that it is not freed on the way */
	while (l != &h->pool.workers) {
		struct worker *w = worker_at(l);
		l = l->next;
		if (w->stopped_by >= level)
			continue;
		w->stopped_by = level;
		worker_stop(w, signo);
		l = h->pool.workers.next;
	}
	handler_gone(h);
}

int handler_worker(const struct handler *h, const struct claim *c)
{
	for (const struct list *l = h->pool.workers.next; l != &h->pool.workers; l = l->next) {
		const struct worker *w = container_of(l, struct worker, link);
		for (int i = 0; i < w->count; i++)
			if (w->held[i].claim == c)
				return w->number;
	}
	return 0;
}

void handler_counts(const struct handler *h, struct handler_counts *out)
{
	int64_t now = handler_now(h->room);
	*out = (struct handler_counts){ .running = h->running, .processes = h->live, .starts = h->starts, .deaths = h->deaths,
					.recycled = h->recycled, .bad_answers = h->bad_answers };
	for (const struct list *l = h->pool.workers.next; l != &h->pool.workers; l = l->next) {
		const struct worker *w = worker_at(l);
		out->ready += w->ready && !w->leaving;
		out->capacity += w->leaving || w == h->pool.successor ? 0 : w->capacity;
	}
	if (h->mode == MODE_WORKER && h->pool.start_at > now)
		out->paused = h->pool.start_at - now;
}
