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

#include "handler/mode_internal.h"
#include "handler/worker_internal.h"
#include "update/update.h"

enum {
	/* pauses after a worker that ended before it answered */
	START_FIRST = 1000,
	START_LAST = 60000,
	CRASH_LOOP = 3, /* such ends in a row */
	/* a successor is taken for ready after so long, where its like announce themselves; else
	 * after WORKER_SETTLES */
	ANNOUNCES = 60 * 1000,
};

/* ---- how many ---- */

/* Workers that are not on their way out. */
static int staying(const struct handler *h)
{
	int n = 0;
	for (const struct list *l = h->pool->workers.next; l != &h->pool->workers; l = l->next)
		n += !worker_at(l)->leaving;
	return n;
}

/* The lowest number, from 1, that no worker of the pool has. */
static int free_number(const struct pool *p)
{
	for (int number = 1;; number++) {
		bool taken = false;
		for (const struct list *l = p->workers.next; l != &p->workers && !taken;
		     l = l->next)
			taken = worker_at(l)->number == number;
		if (!taken)
			return number;
	}
}

static const struct worker_events events;

static struct worker *start(struct handler *h)
{
	struct pool *p = h->pool;
	if (handler_now(h->room) < p->start_at || worker_choose_probe(p, handler_now(h->room)) ||
	    (h->slots_used > h->policy.workers && room_slots_free(h->room) == 0))
		return NULL;
	struct worker *w = worker_start(h, free_number(p), ++p->serial, &events);
	if (w) {
		list_add_before(&p->workers, &w->link);
		h->slots_used++;
	}
	/* Without an idle slot: one will be. */
	if (!w && errno != EAGAIN) {
		int errnum = errno;
		int64_t now = handler_now(h->room);
		p->start_at = now + backoff_fail_of(&p->backoff, now, now, backoff_random());
		h->room->config.unstartable(h->room->config.arg, h, strerror(errnum), errnum);
	}
	return w;
}

/* How long a successor may take to be ready. */
static int64_t patience(const struct handler *h)
{
	return h->pool->announced ? ANNOUNCES : WORKER_SETTLES;
}

static void replace(struct handler *h, int64_t now)
{
	struct pool *p = h->pool;
	if (!p->old && staying(h) == h->policy.workers && (p->old = worker_choose_worn(h, now)) &&
	    !(p->successor = start(h)))
		p->old = NULL;
	if (!p->old || (!p->successor->ready && now - p->successor->started < patience(h)))
		return;
	struct worker *old = p->old;
	p->old = p->successor = NULL;
	h->recycled++;
	log_event(h->room->config.log, LOG_DEBUG,
		  LOG_FIELDS(LOG_NUM("worker", old->number),
			     LOG_NUM("updates", (int64_t)old->requests),
			     LOG_NUM("ms", now - old->started)),
		  "worker is replaced");
	worker_leave(old, h->policy.timeout ? h->policy.timeout : h->policy.kill_after);
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 || b < a ? b : a;
}

/* Milliseconds until something is to be looked at again, -1: only when something happens. */
static int64_t next_due(struct handler *h, int64_t now)
{
	struct pool *p = h->pool;
	int64_t next = -1;
	if (p->emptying)
		next = sooner(next, p->emptying_until > now ? p->emptying_until - now : 0);
	if (p->start_at > now)
		next = sooner(next, p->start_at - now);
	for (struct list *l = p->workers.next; l != &p->workers; l = l->next)
		if (worker_choose_waits(worker_at(l), now))
			next = sooner(next, worker_at(l)->started + WORKER_SETTLES - now);
	const struct worker *first = worker_choose_probe(p, now);
	if (first)
		next = sooner(next, first->started + WORKER_SETTLES - now);
	if (p->successor)
		return sooner(next, p->successor->started + patience(h) - now);
	for (struct list *l = p->workers.next; h->policy.max_worker_age && l != &p->workers;
	     l = l->next) {
		int64_t left = worker_at(l)->started + h->policy.max_worker_age - now;
		if (!worker_at(l)->leaving && left > 0)
			next = sooner(next, left);
	}
	return next;
}

static bool is_on(const struct handler *h)
{
	return h->room->begun && !h->room->draining && !h->retired && h->command;
}

static void look(struct handler *h)
{
	struct pool *p = h->pool;
	if (!is_on(h) || p->looking)
		return;
	p->looking = true;
	int64_t now = handler_now(h->room);
	if (p->emptying && p->emptying_until <= now)
		p->emptying = NULL;
	int n = staying(h);
	while (n < h->policy.workers + (p->old != NULL) && start(h))
		n++;
	for (struct list *l = p->workers.prev;
	     n > h->policy.workers + (p->old != NULL) && l != &p->workers; l = l->prev)
		if (!worker_at(l)->leaving && worker_at(l) != p->successor &&
		    worker_at(l) != p->old) {
			worker_leave(worker_at(l),
				     h->policy.timeout ? h->policy.timeout : h->policy.kill_after);
			n--;
		}
	replace(h, now);
	int64_t due = next_due(h, now);
	loop_timer_set(p->timer, due);
	p->looking = false;
}

static void outdate(struct handler *h)
{
	for (struct list *l = h->pool->workers.next; l != &h->pool->workers; l = l->next)
		worker_at(l)->outdated = true;
}

static void is_ready(struct worker *w)
{
	struct pool *p = w->h->pool;
	w->ready = true;
	if (w->h->policy.gathered && !w->batch)
		log_paced(
			w->h->room->config.log, &p->single_pace, LOG_WARN,
			LOG_FIELDS(LOG_NUM("worker", w->number)),
			"the worker did not say \"batch\":true: what is gathered for it is given one by one");
	if (w->answered) {
		if (p->crashing)
			log_event(w->h->room->config.log, LOG_INFO,
				  LOG_FIELDS(LOG_STR("handler", w->h->name)),
				  "the workers work again");
		p->crashing = p->careful = false;
		p->start_at = 0;
		backoff_reset(&p->backoff);
	}
	loop_timer_set(p->timer, 0);
}

static void on_announced(struct worker *w)
{
	w->h->pool->announced = true;
	if (!w->ready)
		is_ready(w);
}

static void on_answered(struct worker *w)
{
	if (!w->ready || w->h->pool->backoff.failures)
		is_ready(w);
}

/* A worker failed before it did anything. False: it was under way when the last failure was
 * counted, so it says nothing new. */
static bool count_failure(struct worker *w)
{
	struct pool *p = w->h->pool;
	int64_t now = handler_now(w->h->room),
		delay = backoff_fail_of(&p->backoff, w->started, now, backoff_random());
	if (delay >= 0)
		p->start_at = now + delay;
	return delay >= 0;
}

static void tell_death(struct worker *w)
{
	struct handler *h = w->h;
	struct pool *p = h->pool;
	char how[160];
	worker_describe_end(w, how, sizeof how);
	if (w->answered) {
		log_paced(h->room->config.log, &p->end_pace, LOG_WARN,
			  LOG_FIELDS(LOG_NUM("worker", w->number), LOG_STR("handler", h->name)),
			  "worker ended: %s; another is started", how);
		return;
	}
	bool counts = count_failure(w);
	bool loop = p->backoff.failures >= CRASH_LOOP;
	log_paced(
		h->room->config.log, loop ? &p->crash_pace : &p->early_pace,
		!counts ? LOG_DEBUG
		: loop  ? LOG_ERROR
			: LOG_WARN,
		LOG_FIELDS(LOG_NUM("worker", w->number), LOG_STR("handler", h->name),
			   LOG_NUM("wait_ms", p->start_at - handler_now(h->room)),
			   LOG_STR("stderr", output_sentence(&w->output))),
		loop ? "workers end before they have answered anything (%s): starting pauses, up to 60s, until one answers"
		     : "worker ended before it had answered anything: %s",
		how);
	p->crashing = p->crashing || loop;
}

/* One that never began could not be started, whatever it did instead. */
static void tell_unread(struct worker *w)
{
	struct handler *h = w->h;
	struct pool *p = h->pool;
	char how[160], reason[SENTENCE_MAX + 256];
	const char *sentence = output_sentence(&w->output);
	worker_describe_end(w, how, sizeof how);
	snprintf(reason, sizeof reason, "a worker %s%s%s%s",
		 w->killed      ? "had read nothing when its first update was due"
		 : w->read == 0 ? "ended before it read anything: "
				: "ended before it answered anything: ",
		 w->killed ? "" : how, *sentence ? ": " : "", sentence);
	p->crashing = true;
	p->careful = p->careful || w->read > 0;
	if (count_failure(w))
		h->room->config.unstartable(h->room->config.arg, h, reason, 0);
}

static void on_ended(struct worker *w, enum worker_end how, int errnum)
{
	struct handler *h = w->h;
	struct pool *p = h->pool;
	h->slots_used--;
	if (w == p->emptying)
		p->emptying = NULL;
	if (w == p->old || w == p->successor)
		p->old = p->successor = NULL;
	if (how == WORKER_UNSTARTABLE) {
		if (count_failure(w))
			h->room->config.unstartable(h->room->config.arg, h, w->why, errnum);
	} else if (w->unbegun && !w->asked) {
		h->deaths++;
		tell_unread(w);
	} else if (how == WORKER_ENDED && !w->asked && !w->killed && !w->stopped) {
		h->deaths++;
		tell_death(w);
	}
}

static const struct worker_events events = { on_announced, on_answered, on_ended };

/* ---- the end ---- */

static void drain(struct handler *h)
{
	struct pool *p = h->pool;
	p->old = p->successor = NULL;
	loop_timer_set(p->timer, -1);
	for (struct list *l = p->workers.next; l != &p->workers; l = l->next) {
		struct worker *w = worker_at(l);
		/* One that was on its way out had longer. */
		w->leave_by = 0;
		worker_leave(w, h->policy.kill_after);
	}
}

static void stop(struct handler *h, int signo)
{
	int level = signo == SIGKILL ? 2 : 1;
	struct list *l = h->pool->workers.next;
	h->live++; /* so that it is not freed on the way */
	while (l != &h->pool->workers) {
		struct worker *w = worker_at(l);
		l = l->next;
		if (w->stopped_by >= level)
			continue;
		w->stopped_by = level;
		worker_stop(w, signo);
		l = h->pool->workers.next;
	}
	room_gone(h);
}

/* As stop(), from the beginning after each. */
static void cancel(struct handler *h, handler_chosen *chosen, void *arg)
{
	struct list *l = h->pool->workers.next;
	while (l != &h->pool->workers) {
		struct worker *w = worker_at(l);
		l = l->next;
		if (w->looked == h->room->cancels)
			continue;
		w->looked = h->room->cancels;
		if (worker_cancel(w, chosen, arg))
			l = h->pool->workers.next;
	}
}

/* ---- the mode ---- */

static void on_timer(void *arg)
{
	struct handler *h = arg;
	look(h);
	h->room->config.idle(h->room->config.arg);
}

static int init(struct handler *h)
{
	struct pool *p = h->pool = calloc(1, sizeof *p);
	if (!p)
		return -1;
	list_init(&p->workers);
	list_init(&p->unwritten);
	p->backoff = (struct backoff){ .first = START_FIRST, .cap = START_LAST };
	p->timer = loop_timer_new(h->room->config.loop, on_timer, h);
	return p->timer ? 0 : -1;
}

static void release(struct handler *h)
{
	struct pool *p = h->pool;
	if (!p)
		return;
	while (!list_empty(&p->workers))
		worker_free(worker_at(p->workers.next));
	loop_timer_free(p->timer);
	update_free(p->update);
	free(p->sticky);
	free(p);
}

/* The workers, and one more slot in which a worker is replaced without a gap. */
static int slots_needed(const struct handler_policy *policy)
{
	return policy->workers + 1;
}

static int give(struct handler *h, struct claim *const *claims, size_t n, bool solo)
{
	struct pool *p = h->pool;
	struct worker *w = worker_choose(h, claims[0], n > 1, solo);
	if (!w) {
		errno = EAGAIN;
		return -1;
	}
	if (solo)
		p->emptying = NULL;
	if (worker_give(w, claims, n, solo))
		return -1;
	if (list_empty(&p->unwritten))
		loop_timer_set(h->room->flush_timer, 0);
	if (list_empty(&w->unwritten))
		list_add_before(&p->unwritten, &w->unwritten);
	if (h->policy.max_requests && w->requests >= (uint64_t)h->policy.max_requests)
		loop_timer_set(p->timer, 0);
	return 0;
}

static int start_some(struct handler *h, struct claim *const *claims, size_t n)
{
	return give(h, claims, n, false);
}

static int start_solo(struct handler *h, struct claim *c)
{
	return give(h, &c, 1, true);
}

static void flush(struct handler *h)
{
	struct pool *p = h->pool;
	while (!list_empty(&p->unwritten)) {
		struct worker *w = container_of(p->unwritten.next, struct worker, unwritten);
		list_remove(&w->unwritten);
		worker_write(w);
	}
}

static int number_of(const struct handler *h, const struct claim *c)
{
	for (const struct list *l = h->pool->workers.next; l != &h->pool->workers; l = l->next)
		if (worker_holds(worker_at(l), c))
			return worker_at(l)->number;
	return 0;
}

static void counts(const struct handler *h, struct handler_counts *out)
{
	const struct pool *p = h->pool;
	int64_t now = handler_now(h->room);
	for (const struct list *l = p->workers.next; l != &p->workers; l = l->next) {
		const struct worker *w = worker_at(l);
		out->ready += w->ready && !w->leaving;
		out->capacity += w->leaving || w == p->successor ? 0 : w->capacity;
	}
	if (p->start_at > now)
		out->paused = p->start_at - now;
}

const struct mode_ops mode_worker = {
	.traits = { .name = "worker", .most = HANDLER_BATCH_MAX, .own_slots = true },
	.init = init,
	.start = start_some,
	.start_solo = start_solo,
	.most = worker_choose_most,
	.room = worker_choose_room,
	.slots_needed = slots_needed,
	.look = look,
	.flush = flush,
	.drain = drain,
	.stop = stop,
	.cancel = cancel,
	.outdate = outdate,
	.release = release,
	.worker = number_of,
	.counts = counts,
};
