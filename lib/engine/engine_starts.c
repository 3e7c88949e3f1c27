/* engine/engine_starts: claims what may run while there is room, writes outcomes and the marks of
 * new starts in one transaction, and only then starts handlers. Claims come in from the queue;
 * handlers that run go out.
 *
 * Invariants: no handler starts before its mark is on disk. What the machine refuses pauses starts,
 * and touches no update. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "engine/engine_internal.h"

enum {
	CLAIM_AGAIN = 1000, /* milliseconds between tries to claim */
	STORE_AGAIN = 1000, /* milliseconds between tries to write */
	NO_ROOM = 10,       /* milliseconds until a process that has just gone is counted */
};

static bool slice_is_over(struct engine *e)
{
	return e->config.clock->mono(e->config.clock) >= engine_slice(e);
}

/* What can be said of the updates in a store that failed. */
static const char *what_is_lost(struct engine *e)
{
	return engine_stands(e) ? "no update is lost: " : "";
}

/* The store could not be written: nothing is asked for or started until engine_store_works(). */
static void write_trouble(struct engine *e, const struct err *err)
{
	const char *lost = what_is_lost(e);
	bool told = e->fleet.refused; /* and for good */
	if (!told && (!e->pulse.store_fails || log_pace_owes(e->config.log, &e->pulse.store_pace)))
		log_paced(e->config.log, &e->pulse.store_pace, LOG_ERROR, LOG_NONE,
			  "%s; %sasking and starting pause until it works again", err->text, lost);
	if (!e->pulse.store_fails)
		engine_remember_error(e, err->text);
	e->pulse.store_fails = true;
	engine_turn_in(e, STORE_AGAIN);
}

/* The store cannot hand out. It is asked again after a while, and says then whether it can. */
static void claim_trouble(struct engine *e, const struct err *err)
{
	const char *lost = what_is_lost(e);
	if (!e->starts.fail || log_pace_owes(e->config.log, &e->starts.pace))
		log_paced(e->config.log, &e->starts.pace, LOG_ERROR, LOG_NONE,
			  "%s; %sstarting pauses until it works again", err->text, lost);
	if (!e->starts.fail)
		engine_remember_error(e, err->text);
	e->starts.fail = true;
	e->starts.again_at = e->config.clock->mono(e->config.clock) + CLAIM_AGAIN;
}

/* Whether the next try is still to wait; then the timer is set for it. */
static bool claims_wait(struct engine *e)
{
	int64_t left = e->starts.fail ? e->starts.again_at - e->config.clock->mono(e->config.clock)
				      : 0;
	if (left > 0)
		engine_turn_in(e, left);
	return left > 0;
}

static void claim_worked(struct engine *e)
{
	if (e->starts.fail)
		log_event(e->config.log, log_pace_end(&e->starts.pace), LOG_NONE,
			  "starting goes on");
	e->starts.fail = false;
}

static bool has_own_slots(const struct route *r)
{
	return handler_traits(r->handler)->own_slots;
}

/* A flight that is not started yet takes room that the handlers do not know of. Workers are the
 * handler's own, slots are shared. */
static void take_room(struct engine *e, const struct flight *f)
{
	bool own = has_own_slots(f->route);
	if (own)
		f->route->claimed += f->leader;
	for (size_t i = 0; i < e->route_count && !own && f->leader; i++)
		e->routes[i].claimed += !has_own_slots(&e->routes[i]);
}

/* Asks the handlers for their room. Until one starts or ends an update it stays as it is. */
static void look_for_room(struct engine *e)
{
	for (size_t i = 0; i < e->route_count; i++) {
		e->routes[i].room = (int)handler_room(e->routes[i].handler);
		e->routes[i].claimed = 0;
	}
	for (struct list *l = e->starts.starting.next; l != &e->starts.starting; l = l->next)
		take_room(e, container_of(l, struct flight, link));
}

/* May one more of the route's lane be claimed: an update, or a batch where a start takes several?
 */
static bool has_room(const struct route *r, int group)
{
	const struct engine *e = r->engine;
	if (r->pauses || r->room <= r->claimed)
		return false;
	if (engine_probes(r))
		return !r->probe && (r->claimed == 0 || !has_own_slots(r));
	return has_own_slots(r) || e->policy.concurrency > e->starts.processes[group];
}

/* Whether a process of the route should set out; where many share one, when they are full, or their
 * first has waited long enough. Else *left is no more than what it has still to wait. Of what is
 * gathered, the queue knows that itself. */
static bool is_due(struct engine *e, struct route *r, unsigned lane, int64_t *left)
{
	int64_t waited;
	if (r->batch_by || handler_most(r->handler) == 1)
		return true;
	if (queue_ready(e->queue, lane, &waited) == 0)
		return false;
	if (queue_batch_full(e->queue, lane, (size_t)r->policy.batch_size) ||
	    waited >= r->policy.batch_wait || e->draining)
		return true;
	if (*left > r->policy.batch_wait - waited)
		*left = r->policy.batch_wait - waited;
	return false;
}

/* The lanes that have room for one more, by what look_for_room() found. */
static uint64_t open_lanes(struct engine *e)
{
	uint64_t lanes = 0;
	if (e->phase != ENGINE_RUNNING || e->paused || e->pulse.store_fails)
		return 0;
	if (claims_wait(e) || engine_out_full(e) || !engine_trusted(e))
		return 0;
	for (size_t i = 0; i < e->route_count; i++) {
		struct route *r = &e->routes[i];
		int64_t left = INT64_MAX;
		for (int group = 0; group < LANE_GROUPS; group++) {
			unsigned lane = (unsigned)i * LANE_GROUPS + (unsigned)group;
			if (has_room(r, group) && is_due(e, r, lane, &left))
				lanes |= UINT64_C(1) << lane;
		}
		if (left < INT64_MAX)
			loop_timer_set(r->batch_timer, left);
	}
	return lanes;
}

static void skip(struct engine *e, struct claim *c)
{
	e->counts.skipped++;
	log_event(e->config.log, LOG_INFO,
		  LOG_FIELDS(LOG_NUM("number", c->seq), LOG_STR("key", c->keys)),
		  "skipped: too old to be answered");
	queue_drop(e->queue, c);
	if (e->config.settled)
		e->config.settled(e->config.arg, c->seq, false);
	claim_free(c);
}

/* A claim on its way. `leader` NULL: the first of its process. */
static struct flight *take_off(struct engine *e, struct claim *c, const struct flight *leader)
{
	struct flight *f = calloc(1, sizeof *f);
	if (!f) {
		queue_release(e->queue, c,
			      &(struct queue_release){ .why = RELEASE_NO_START,
						       .delay = CLAIM_AGAIN });
		claim_free(c);
		return NULL;
	}
	f->claim = c;
	f->route = &e->routes[c->lane / LANE_GROUPS < e->route_count ? c->lane / LANE_GROUPS
								     : e->route_count - 1];
	f->group = (int)(c->lane % LANE_GROUPS);
	f->leader = !leader;
	f->batch = leader ? leader->batch : ++e->starts.batches;
	c->owner = f;
	list_add_before(&e->starts.starting, &f->link);
	take_room(e, f);
	if (f->leader && !has_own_slots(f->route))
		e->starts.processes[f->group]++;
	if (engine_probes(f->route) && !f->route->probe)
		f->route->probe = f;
	return f;
}

/* Nothing joins a probe, whose end must say something of one update; but what was gathered is not
 * taken apart before it has failed. */
static bool probes_alone(const struct route *r)
{
	return engine_probes(r) && !r->batch_by;
}

/* Whether anything may be handed out together with it. What bypasses is gathered with nothing. */
static bool takes_others(const struct flight *f)
{
	return handler_most(f->route->handler) > 1 &&
	       !(f->route->batch_by && f->group == LANE_BYPASS) && !probes_alone(f->route);
}

/* Adds to a batch what may join it. The members stand behind their leader in the list. */
static void fill_batch(struct engine *e, struct flight *leader)
{
	struct claim **batch = e->starts.claims, *c;
	struct err err;
	size_t n = 0;
	batch[n++] = leader->claim;
	bool skipped = false;
	while (!leader->claim->solo && n < (size_t)leader->route->policy.batch_size &&
	       !(skipped && slice_is_over(e)) &&
	       queue_claim_joining(e->queue, batch, n, &c, &err) > 0) {
		if (c->expired)
			skip(e, c), skipped = true;
		else if (take_off(e, c, leader))
			batch[n++] = c;
	}
}

static void claim_some(struct engine *e)
{
	uint64_t lanes;
	look_for_room(e);
	while ((lanes = open_lanes(e))) {
		struct claim *c;
		struct err err;
		int rc = queue_claim(e->queue, lanes, &c, &err);
		if (rc < 0) {
			claim_trouble(e, &err);
			return;
		}
		claim_worked(e);
		if (rc == 0)
			return;
		if (!c->expired) {
			struct flight *f = take_off(e, c, NULL);
			if (f && takes_others(f))
				fill_batch(e, f);
			continue;
		}
		skip(e, c);
		if (slice_is_over(e)) {
			engine_turn_in(e, 0);
			return;
		}
	}
}

/* Are the starts of the next process's updates on disk? */
static bool next_is_marked(const struct engine *e)
{
	const struct list *all = &e->starts.starting;
	for (struct list *at = all->next; at != all; at = at->next) {
		const struct flight *f = container_of(at, struct flight, link);
		if (f->leader && at != all->next)
			break;
		if (!queue_marked(e->queue, f->claim))
			return false;
	}
	return true;
}

/* The next process's updates: a leader and what follows it. Taken out of the list of those that
 * start. */
static size_t next_start(struct engine *e, struct flight **flights, struct claim **claims)
{
	size_t n = 0;
	while (!list_empty(&e->starts.starting) && n < HANDLER_BATCH_MAX) {
		struct flight *f = container_of(e->starts.starting.next, struct flight, link);
		if (n && f->leader)
			break;
		list_remove(&f->link);
		flights[n] = f;
		claims[n++] = f->claim;
	}
	return n;
}

/* They do not start: the machine refused, or, with `errnum` 0, the route does not start any now. */
static void refuse(struct engine *e, struct flight **flights, struct claim **claims, size_t n,
		   int errnum)
{
	struct route *r = flights[0]->route;
	int64_t began = flights[0]->since;
	/* All that the machine refuses pauses all starts; what it refuses for an update's size,
	 * under a limit of file sizes say, is of that update. */
	bool of_size = errnum == EFBIG || errnum == EMSGSIZE;
	struct handler_result refused = { .end = HANDLER_INTERRUPTED,
					  .why = n == 1 ? RELEASE_SIZE : RELEASE_SHARED,
					  .reason = strerror(errnum),
					  .last_stderr = "",
					  .sentence = "" };
	for (size_t i = 0; i < n; i++) {
		if (of_size)
			engine_uncharged(e, claims[i], &refused);
		else
			queue_release(e->queue, claims[i],
				      &(struct queue_release){ .why = RELEASE_NO_START });
		claim_free(claims[i]);
		engine_land(e, flights[i]);
	}
	/* No room after all (a worker has just gone, none is empty): another turn will find it. */
	if (errnum == EAGAIN)
		engine_turn_in(e, NO_ROOM);
	else if (errnum && !of_size)
		engine_cannot_start(r, NULL, began, strerror(errnum), errnum);
}

/* How long it waited for its first attempt. */
static void observe_delay(struct engine *e, const struct claim *c)
{
	if (c->failures + c->deaths + c->interruptions == 0 && !c->redelivered)
		engine_observe(&e->counts.queue_delay, c->first - c->arrived);
}

static void start_one(struct engine *e, struct flight **flights, struct claim **claims, size_t n)
{
	struct route *r = flights[0]->route;
	/* What was claimed before it ceased to work waits for the probe, or is it. */
	if (engine_probes(r) && !r->probe && (n == 1 || r->batch_by))
		r->probe = flights[0];
	bool may = !r->pauses && e->phase == ENGINE_RUNNING && engine_trusted(e) &&
		   (!engine_probes(r) || r->probe == flights[0]);
	bool solo = claims[0]->solo && n == 1;
	/* In flight before it starts: an early end must find it there. */
	for (size_t i = 0; i < n; i++) {
		flights[i]->since = e->config.clock->mono(e->config.clock);
		list_add_before(&e->starts.running, &flights[i]->link);
		engine_typing_start(e, flights[i]);
	}
	if (may && (solo ? handler_start_solo(r->handler, claims[0])
			 : handler_start(r->handler, claims, n)) == 0) {
		for (size_t i = 0; i < n; i++) {
			observe_delay(e, claims[i]);
			if (e->config.started)
				e->config.started(e->config.arg, claims[i]);
		}
		return;
	}
	refuse(e, flights, claims, n, may ? errno : 0);
}

static void start_claimed(struct engine *e)
{
	size_t n;
	while (next_is_marked(e) && (n = next_start(e, e->starts.flights, e->starts.claims))) {
		CRASHPOINT("before-start");
		start_one(e, e->starts.flights, e->starts.claims, n);
		CRASHPOINT("after-start");
	}
	handlers_flush(e->handlers);
}

void engine_starts(struct engine *e)
{
	struct err err;
	/* A start that fails leaves something to write again. */
	for (int round = 0; round < 2; round++) {
		claim_some(e);
		bool dirty = queue_dirty(e->queue),
		     nothing = !dirty && list_empty(&e->starts.starting);
		/* A shared store also says whether it can be reached at all. */
		if (nothing && (round > 0 || !e->fleet.shared))
			break;
		int rc = queue_flush(e->queue, &err);
		if (rc < 0) {
			write_trouble(e, &err);
			break;
		}
		if ((dirty && rc == 0) || e->fleet.shared)
			engine_store_works(e);
		start_claimed(e);
	}
}

/* Ready updates whose lane is full are claimed when a handler ends; only a delayed one needs a
 * timer. */
void engine_starts_later(struct engine *e)
{
	look_for_room(e);
	int64_t due = queue_next_due(e->queue, open_lanes(e));
	loop_timer_set(e->starts.delay_timer, due > 0 ? due : -1);
}
