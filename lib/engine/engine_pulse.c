/* engine/engine_pulse: when the next turn happens, how long it may last, whether the store works,
 * and what went wrong last. Any file of the engine calls this one, and this one calls none of them.
 * Invariant: a turn that was asked for comes no later than asked, however many ask. */
#include <stdio.h>

#include "engine/engine_internal.h"

enum {
	SLICE = 5, /* milliseconds of a turn for what has no end of its own */
};

void engine_turn_in(struct engine *e, int64_t delay)
{
	int64_t at = e->config.clock->mono(e->config.clock) + delay;
	if (e->pulse.at && e->pulse.at <= at)
		return;
	e->pulse.at = at;
	loop_timer_set(e->pulse.timer, delay);
}

static void on_turn_timer(void *arg)
{
	struct engine *e = arg;
	e->pulse.at = 0; /* The turn itself happens at its end. */
}

int64_t engine_slice(struct engine *e)
{
	if (!e->pulse.slice_ends)
		e->pulse.slice_ends = e->config.clock->mono(e->config.clock) + SLICE;
	return e->pulse.slice_ends;
}

void engine_store_works(struct engine *e)
{
	if (!e->pulse.store_fails)
		return;
	e->pulse.store_fails = false;
	log_event(e->config.log, log_pace_end(&e->pulse.store_pace), LOG_NONE,
		  "the state can be written again");
	engine_turn_in(e, 0); /* for what could not start meanwhile */
}

void engine_remember_error(struct engine *e, const char *text)
{
	snprintf(e->pulse.last_error, sizeof e->pulse.last_error, "%s", text);
	e->pulse.last_error_at = e->config.clock->wall(e->config.clock);
}

int engine_pulse_init(struct engine *e)
{
	e->pulse.timer = loop_timer_new(e->config.loop, on_turn_timer, e);
	return e->pulse.timer ? 0 : -1;
}

bool engine_disk_has(const struct engine *e, int64_t bytes)
{
	bool looked_at = e->config.dir && !e->config.store_forgets && !e->fleet.shared &&
			 e->policy.min_free;
	int64_t space = looked_at ? statedir_free_bytes(e->config.dir) : -1;
	/* The database shrinks late, if at all: what it has free inside is room, too. */
	return space < 0 || space >= e->policy.min_free + bytes ||
	       space + queue_spare_bytes(e->queue) >= e->policy.min_free + bytes;
}

bool engine_trusted(const struct engine *e)
{
	return e->fleet.trust == INT64_MAX || clock_boot() < e->fleet.trust;
}
