/* engine/engine: the turns of the runner. At the end of each turn of the loop: claim what may run while there is room, write outcomes and
 * the marks of new starts in one transaction, and only then start the handlers (invariant 5).
 *
 * What belongs to one update settles that update; what belongs to the machine pauses, and touches none (invariant 7). */
#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "engine/engine_internal.h"

enum {
	STORE_AGAIN = 1000, /* milliseconds between tries to write */
	SLICE = 5,          /* milliseconds of a turn for what has no end of its own */
};

void engine_turn_in(struct engine *e, int64_t delay)
{
	int64_t at = e->config.clock->mono(e->config.clock) + delay;
	if (e->turn_at && e->turn_at <= at)
		return;
	e->turn_at = at;
	loop_timer_set(e->turn_timer, delay);
}

int64_t engine_slice(struct engine *e)
{
	if (!e->slice_ends)
		e->slice_ends = e->config.clock->mono(e->config.clock) + SLICE;
	return e->slice_ends;
}

static bool slice_is_over(struct engine *e)
{
	return e->config.clock->mono(e->config.clock) >= engine_slice(e);
}

static void store_trouble(struct engine *e, const struct err *err)
{
	if (!e->store_fails || log_pace_owes(e->config.log, &e->store_pace))
		log_paced(e->config.log, &e->store_pace, LOG_ERROR, LOG_NONE,
			  "%s; no update is lost: asking and starting pause until it works again", err->text);
	if (!e->store_fails)
		engine_remember_error(e, err->text);
	e->store_fails = true;
	engine_turn_in(e, STORE_AGAIN);
}

void engine_store_works(struct engine *e)
{
	if (!e->store_fails)
		return;
	e->store_fails = false;
	log_event(e->config.log, log_pace_end(&e->store_pace), LOG_NONE, "the state can be written again");
	engine_turn_in(e, 0); /* for what could not start meanwhile */
}

/* The store cannot hand out. It is asked again after a while, and says then whether it can. */
static void claim_trouble(struct engine *e, const struct err *err)
{
	if (!e->claims_fail || log_pace_owes(e->config.log, &e->claim_pace))
		log_paced(e->config.log, &e->claim_pace, LOG_ERROR, LOG_NONE,
			  "%s; no update is lost: starting pauses until it works again", err->text);
	if (!e->claims_fail)
		engine_remember_error(e, err->text);
	e->claims_fail = true;
	e->claim_at = e->config.clock->mono(e->config.clock) + STORE_AGAIN;
}

/* Whether the next try is still to wait; then the timer is set for it. */
static bool claims_wait(struct engine *e)
{
	int64_t left = e->claims_fail ? e->claim_at - e->config.clock->mono(e->config.clock) : 0;
	if (left > 0)
		engine_turn_in(e, left);
	return left > 0;
}

static void claim_worked(struct engine *e)
{
	if (e->claims_fail)
		log_event(e->config.log, log_pace_end(&e->claim_pace), LOG_NONE, "starting goes on");
	e->claims_fail = false;
}

/* Claimed, but not started yet: they take room that the handlers do not know of. Workers are the handler's own, slots are shared. */
static int not_started(const struct engine *e, const struct route *r)
{
	int n = 0;
	bool worker = handler_mode(r->handler) == MODE_WORKER;
	for (struct list *l = e->starting.next; l != &e->starting; l = l->next) {
		const struct flight *f = container_of(l, struct flight, link);
		n += worker ? f->route == r : f->leader && handler_mode(f->route->handler) != MODE_WORKER;
	}
	return n;
}

/* Whether a batch should set out: full, or its first has waited long enough. Else *left is no more than what it has still to wait. */
static bool batch_is_due(struct engine *e, struct route *r, unsigned lane, int64_t *left)
{
	int64_t waited;
	if (queue_ready(e->queue, lane, &waited) == 0)
		return false;
	if (queue_batch_full(e->queue, lane, (size_t)r->batch_size) || waited >= r->batch_wait || e->draining)
		return true;
	if (*left > r->batch_wait - waited)
		*left = r->batch_wait - waited;
	return false;
}

/* The lanes that have room for one more. */
static uint64_t open_lanes(struct engine *e)
{
	uint64_t lanes = 0;
	if (e->phase != ENGINE_RUNNING || e->paused || e->store_fails)
		return 0;
	if (claims_wait(e))
		return 0;
	for (size_t i = 0; i < e->route_count; i++) {
		struct route *r = &e->routes[i];
		int taken = not_started(e, r);
		int64_t left = INT64_MAX;
		for (int group = 0; group < LANE_GROUPS; group++) {
			unsigned lane = (unsigned)i * LANE_GROUPS + (unsigned)group;
			if ((int)handler_room(r->handler) - taken > 0 && engine_room(r, group) > 0 &&
			    (handler_mode(r->handler) != MODE_WORKER || engine_room(r, group) > taken) &&
			    (handler_mode(r->handler) != MODE_BATCH || batch_is_due(e, r, lane, &left)))
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
	log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_NUM("number", c->seq), LOG_STR("key", c->keys)),
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
		queue_release(e->queue, c, &(struct queue_release){ .why = RELEASE_NO_START, .delay = STORE_AGAIN });
		claim_free(c);
		return NULL;
	}
	f->claim = c;
	f->route = &e->routes[c->lane / LANE_GROUPS < e->route_count ? c->lane / LANE_GROUPS : e->route_count - 1];
	f->group = (int)(c->lane % LANE_GROUPS);
	f->leader = !leader;
	c->owner = f;
	list_add_before(&e->starting, &f->link);
	if (f->leader && handler_mode(f->route->handler) != MODE_WORKER)
		e->processes[f->group]++;
	if (engine_probes(f->route) && !f->route->probe)
		f->route->probe = f;
	return f;
}

/* Adds to a batch what may join it; nothing joins a probe, whose end must say something of one update. The members stand behind their leader in
 * the list. */
static void fill_batch(struct engine *e, struct flight *leader)
{
	struct claim **batch = e->claims, *c;
	struct err err;
	size_t n = 0;
	batch[n++] = leader->claim;
	bool skipped = false;
	while (!leader->claim->solo && !engine_probes(leader->route) &&
	       n < (size_t)leader->route->batch_size && !(skipped && slice_is_over(e)) &&
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
			if (f && handler_mode(f->route->handler) == MODE_BATCH)
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
	for (struct list *at = e->starting.next; at != &e->starting; at = at->next) {
		const struct flight *f = container_of(at, struct flight, link);
		if (f->leader && at != e->starting.next)
			break;
		if (!queue_marked(e->queue, f->claim))
			return false;
	}
	return true;
}

/* The next process's updates: a leader and what follows it. Taken out of the list of those that start. */
static size_t next_start(struct engine *e, struct flight **flights, struct claim **claims)
{
	size_t n = 0;
	while (!list_empty(&e->starting) && n < HANDLER_BATCH_MAX) {
		struct flight *f = container_of(e->starting.next, struct flight, link);
		if (n && f->leader)
			break;
		list_remove(&f->link);
		flights[n] = f;
		claims[n++] = f->claim;
	}
	return n;
}

static void start_one(struct engine *e, struct flight **flights, struct claim **claims, size_t n)
{
	struct route *r = flights[0]->route;
	/* What was claimed before it ceased to work waits for the probe, or is it. */
	if (engine_probes(r) && !r->probe && n == 1)
		r->probe = flights[0];
	bool may = !r->held && e->phase == ENGINE_RUNNING && (!engine_probes(r) || r->probe == flights[0]);
	bool solo = claims[0]->solo && handler_mode(r->handler) == MODE_WORKER;
	/* In flight before it starts: an early end must find it there. */
	for (size_t i = 0; i < n; i++) {
		flights[i]->since = e->config.clock->mono(e->config.clock);
		list_add_before(&e->running, &flights[i]->link);
	}
	if (may && (solo ? handler_start_solo(r->handler, claims[0]) : handler_start(r->handler, claims, n)) == 0) {
		if (e->config.started)
			for (size_t i = 0; i < n; i++)
				e->config.started(e->config.arg, claims[i]);
		return;
	}
	int errnum = errno;
	int64_t began = flights[0]->since;
	/* All that the machine refuses pauses all starts; what it refuses for an update's size, under a limit of file sizes say, is of that update. */
	bool of_size = errnum == EFBIG || errnum == EMSGSIZE;
	struct handler_result refused = { .end = HANDLER_INTERRUPTED, .why = n == 1 ? RELEASE_SIZE : RELEASE_SHARED, .reason = strerror(errnum),
					  .last_stderr = "", .sentence = "" };
	for (size_t i = 0; i < n; i++) {
		if (may && of_size)
			engine_uncharged(e, claims[i], &refused);
		else
			queue_release(e->queue, claims[i], &(struct queue_release){ .why = RELEASE_NO_START });
		claim_free(claims[i]);
		engine_land(e, flights[i]);
	}
	/* No room after all (a worker has just gone, none is empty): another turn will find it. */
	if (may && errnum == EAGAIN)
		engine_turn_in(e, 10);
	else if (may && !of_size)
		engine_cannot_start(r, NULL, began, strerror(errnum), errnum);
}

static void start_claimed(struct engine *e)
{
	size_t n;
	while (next_is_marked(e) && (n = next_start(e, e->flights, e->claims))) {
		CRASHPOINT("before-start");
		start_one(e, e->flights, e->claims, n);
		CRASHPOINT("after-start");
	}
	handlers_flush(e->handlers);
}

void engine_turn(void *arg)
{
	struct engine *e = arg;
	struct err err;
	if (e->phase == ENGINE_NEW || e->phase == ENGINE_FINISHED)
		return;
	/* A start that fails leaves something to write again. */
	for (int round = 0; round < 2; round++) {
		claim_some(e);
		bool dirty = queue_dirty(e->queue);
		if (!dirty && list_empty(&e->starting))
			break;
		int rc = queue_flush(e->queue, &err);
		if (rc < 0) {
			store_trouble(e, &err);
			break;
		}
		if (dirty && rc == 0)
			engine_store_works(e);
		start_claimed(e);
	}
	engine_trim_dead(e);
	engine_give_back(e);
	/* What has its turn in a lane without room waits for that; what is delayed must wake the loop. */
	int64_t due = queue_next_due(e->queue, open_lanes(e));
	loop_timer_set(e->retry_timer, due > 0 ? due : -1);
	engine_source_check(e);
	engine_say_status(e);
	engine_check_end(e);
	loop_timer_set(e->log_timer, log_flush(e->config.log) >= 0 ? 100 : -1);
	e->slice_ends = 0;
}

static void on_idle(void *arg)
{
	(void)arg; /* A turn of the loop is under way, and its end claims. */
}

static void on_turn_timer(void *arg)
{
	struct engine *e = arg;
	e->turn_at = 0; /* The turn itself happens at its end. */
}

static void on_other_timer(void *arg)
{
	(void)arg; /* A turn happens. */
}

static void on_output(void *arg, struct handler *h, const struct claim *c, int which, const char *text, size_t n)
{
	struct engine *e = arg;
	(void)h;
	if (e->config.output && c)
		e->config.output(e->config.arg, c, which, text, n);
}

bool engine_idle(const struct engine *e)
{
	return handlers_running(e->handlers) == 0 && !e->trimming && list_empty(&e->starting) &&
	       queue_next_due(e->queue, QUEUE_ALL_LANES) != 0 && !queue_dirty(e->queue);
}

void engine_counts(const struct engine *e, struct engine_counts *out)
{
	struct queue_counts q;
	struct source_counts s = { 0 };
	queue_counts(e->queue, &q);
	if (e->source)
		e->source->ops->counts(e->source, &s);
	*out = e->counts;
	out->running = handlers_running(e->handlers);
	out->waiting = q.waiting;
	out->dead_letters = q.dead;
	out->polls = s.requests;
	out->poll_failures = s.failures;
}

static int make_timers(struct engine *e)
{
	struct loop *l = e->config.loop;
	e->turn_timer = loop_timer_new(l, on_turn_timer, e);
	e->retry_timer = loop_timer_new(l, on_other_timer, e);
	e->log_timer = loop_timer_new(l, on_other_timer, e);
	return e->turn_timer && e->retry_timer && e->log_timer ? 0 : -1;
}

static int make_rooms(struct engine *e, struct err *err)
{
	const struct engine_config *c = &e->config;
	struct handlers_config handlers = {
		.loop = c->loop, .slots = c->slots, .hook_slots = c->options.on_error.stages || c->options.on_timeout.stages ? 2 : 0,
		.feed = c->options.source.stages != NULL, .log = c->log, .clock = c->clock, .secret = c->secret, .done = engine_on_done, .idle = on_idle,
		.unstartable = engine_on_unstartable, .output = on_output, .arg = e,
	};
	if (make_timers(e))
		return err_set(err, ERR_INTERNAL, "out of memory");
	e->handlers = handlers_new(&handlers, err);
	if (!e->handlers || engine_options_take(e, &c->options, err))
		return -1;
	if (c->source_fd >= 0)
		return 0;
	e->http = http_new(c->loop, err);
	e->api = e->http && http_trust(e->http, c->ca_file, c->ca_dirs) == 0 ? api_new(e->http, c->api_root, c->api_login, c->secret) : NULL;
	if (e->http && !e->api)
		err_set(err, ERR_INTERNAL, "out of memory");
	return e->api ? 0 : -1;
}

struct engine *engine_new(const struct engine_config *config, struct err *err)
{
	struct engine *e = calloc(1, sizeof *e);
	if (!e) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	e->config = *config;
	e->feed_fd = -1; /* the caller's until nothing can fail */
	list_init(&e->starting);
	list_init(&e->running);
	if (make_rooms(e, err))
		goto fail;
	struct queue_config queue = {
		.clock = config->clock, .loop = config->loop, .key_spec = e->rule, .backlog = e->backlog,
		.route_of = engine_route_bytes, .max_age = engine_max_age, .changed = engine_on_changed, .arg = e,
	};
	e->queue = config->open_queue(config->arg, &queue, err);
	if (!e->queue)
		goto fail;
	e->feed_fd = config->source_feed_fd;
	loop_on_turn(config->loop, engine_turn, e);
	return e;
fail:
	engine_free(e, NULL);
	return NULL;
}
