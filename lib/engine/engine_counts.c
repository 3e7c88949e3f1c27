/* engine/engine_counts: what is counted, gathered from the other files and rooms into one struct:
 * counts, ages, flags, histograms, and the rate. Invariant: to look changes nothing, and to count
 * allocates nothing. */
#include <stdio.h>
#include <string.h>

#include "engine/engine_internal.h"
#include "engine/figures.h"
#include "queue/sharing.h"

static void count_source(const struct engine *e, struct engine_counts *out)
{
	struct source_counts s = { 0 };
	int64_t mono = e->config.clock->mono(e->config.clock);
	if (e->source)
		e->source->ops->counts(e->source, &s);
	out->polls = s.requests;
	for (int i = 0; i < API_CLASSES; i++)
		out->poll_failures += out->poll_failed[i] = s.failures[i];
	if (s.last_answer)
		out->last_poll = (uint64_t)(e->config.clock->wall(e->config.clock) -
					    (mono - s.last_answer));
}

/* How many milliseconds ago that was, by the wall clock; 0 if it is still to come. */
static uint64_t age_of(const struct engine *e, int64_t wall)
{
	int64_t age = e->config.clock->wall(e->config.clock) - wall;
	return age > 0 ? (uint64_t)age : 0;
}

static void count_queue(const struct engine *e, struct engine_counts *out)
{
	struct queue_counts q;
	int64_t arrived;
	queue_counts(e->queue, &q);
	out->waiting = q.waiting;
	out->ready = q.ready;
	out->later = (uint64_t)q.later;
	out->dead_letters = (uint64_t)q.dead;
	int rc = queue_oldest(e->queue, &arrived, NULL);
	out->oldest_waiting = rc < 0 ? FIGURE_UNKNOWN : rc ? age_of(e, arrived) : 0;
}

static void count_fleet(const struct engine *e, struct engine_counts *out)
{
	struct queue_fleet fleet;
	queue_fleet(e->queue, &fleet);
	out->fleet_asks = fleet.asks;
	out->fleet_sends = fleet.sends;
	out->fleet_held = fleet.held;
	out->fleet_beat_age = fleet.beat_age >= 0 ? (uint64_t)fleet.beat_age : FIGURE_UNKNOWN;
	out->fleet_cut_offs = fleet.cut_offs;
	out->fleet_takeovers = fleet.takeovers;
	out->fleet_refusals = fleet.refusals;
}

static void count_handlers(const struct engine *e, struct engine_counts *out)
{
	bool shared = false;
	for (int i = 0; i < LANE_GROUPS; i++)
		out->handlers_running += (uint64_t)e->starts.processes[i];
	for (size_t i = 0; i < e->route_count; i++) {
		const struct route *r = &e->routes[i];
		struct handler_counts h;
		handler_counts(r->handler, &h);
		bool own = handler_traits(r->handler)->own_slots;
		shared = shared || !own;
		out->handlers_running += own ? (uint64_t)h.running : 0;
		out->handler_slots += own ? (uint64_t)h.capacity : 0;
		out->breaker_open |= r->breaker.open;
		out->start_failing |= r->start_backoff.failures > 0;
	}
	/* What bypasses has as many places of its own. */
	if (shared)
		out->handler_slots += (uint64_t)e->policy.concurrency * (*e->bypass ? 2 : 1);
	out->concurrency = (uint64_t)e->policy.concurrency;
	out->running = (uint64_t)handlers_running(e->handlers);
	out->hooks = (uint64_t)handlers_hooks(e->handlers);
	out->hooks_dropped = handlers_hooks_dropped(e->handlers);
}

void engine_counts(const struct engine *e, struct engine_counts *out)
{
	*out = e->counts;
	count_source(e, out);
	count_queue(e, out);
	count_fleet(e, out);
	count_handlers(e, out);
	engine_out_count(e, out);
	out->outbox_oldest = out->outbox_oldest ? age_of(e, (int64_t)out->outbox_oldest) : 0;
	out->log_lines_dropped = log_dropped(e->config.log);
	out->paused = e->paused;
	out->store_failing = e->pulse.store_fails || e->put.backoff.failures;
	out->backlog_full = e->asking.backlog_full;
	out->disk_low = e->asking.disk_low;
	out->state_gone = e->state_gone;
}

/* ---- histograms ---- */

/* The upper bounds of the buckets, in milliseconds; the last bucket has none. */
static const int64_t bounds[ENGINE_BUCKETS] = { 5,     10,    25,    50,     100,
						250,   500,   1000,  2500,   5000,
						10000, 30000, 60000, 300000, 1800000 };

void engine_observe(struct engine_histogram *h, int64_t milliseconds)
{
	int i = 0;
	while (i < ENGINE_BUCKETS && milliseconds > bounds[i])
		i++;
	h->buckets[i]++;
	h->sum += milliseconds > 0 ? (uint64_t)milliseconds : 0;
}

uint64_t engine_bucket(const struct engine_histogram *h, int i, char bound[ENGINE_BOUND_MAX])
{
	uint64_t sum = 0;
	for (int j = 0; j <= i; j++)
		sum += h->buckets[j];
	if (i < ENGINE_BUCKETS)
		snprintf(bound, ENGINE_BOUND_MAX, "%g", (double)bounds[i] / 1000);
	else
		strcpy(bound, "+Inf");
	return sum;
}

/* ---- the rate, and what is left to do ---- */

void engine_count_rate(struct engine *e, uint64_t done)
{
	int64_t second = e->config.clock->mono(e->config.clock) / 1000;
	int64_t from = e->rate.second + 1;
	if (from < second - ENGINE_RATE_SECONDS + 1)
		from = second - ENGINE_RATE_SECONDS + 1;
	for (int64_t s = from; s <= second; s++)
		e->rate.done[s % ENGINE_RATE_SECONDS] = 0;
	e->rate.second = second;
	e->rate.done[second % ENGINE_RATE_SECONDS] += done;
}

/* Handled updates a second, over the last minute or since the start. */
double engine_rate(struct engine *e, int64_t uptime)
{
	uint64_t sum = 0;
	engine_count_rate(e, 0);
	for (int i = 0; i < ENGINE_RATE_SECONDS; i++)
		sum += e->rate.done[i];
	double seconds = (double)uptime / 1000;
	return (double)sum / (seconds < 1                     ? 1
			      : seconds > ENGINE_RATE_SECONDS ? ENGINE_RATE_SECONDS
							      : seconds);
}

int engine_lingering(const struct engine *e, char *out, size_t n)
{
	int count = handlers_lingering(e->handlers);
	if (count)
		handlers_describe_lingering(e->handlers, out, n);
	return count;
}

bool engine_idle(const struct engine *e)
{
	struct queue_counts c;
	struct queue_fleet fleet;
	queue_counts(e->queue, &c);
	queue_fleet(e->queue, &fleet);
	return !fleet.more && c.gathering == 0 && handlers_running(e->handlers) == 0 &&
	       !e->tidy.trimming && list_empty(&e->starts.starting) &&
	       queue_next_due(e->queue, QUEUE_ALL_LANES) != 0 && !queue_dirty(e->queue) &&
	       !engine_later_due(e);
}
