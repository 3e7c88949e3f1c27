/* engine/engine_pulse: when the next turn happens, how long it may last, whether the store works, and what went
 * wrong last. Any file of the engine calls this one, and this one calls none of them. Invariant: a turn that was asked
 * for comes no later than asked, however many ask. */
#include <stdio.h>

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

static void on_turn_timer(void *arg)
{
	struct engine *e = arg;
	e->turn_at = 0; /* The turn itself happens at its end. */
}

int64_t engine_slice(struct engine *e)
{
	if (!e->slice_ends)
		e->slice_ends = e->config.clock->mono(e->config.clock) + SLICE;
	return e->slice_ends;
}

void engine_store_fails(struct engine *e, const struct err *err)
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

void engine_remember_error(struct engine *e, const char *text)
{
	snprintf(e->last_error, sizeof e->last_error, "%s", text);
	e->last_error_at = e->config.clock->wall(e->config.clock);
}

int engine_pulse_init(struct engine *e)
{
	e->turn_timer = loop_timer_new(e->config.loop, on_turn_timer, e);
	return e->turn_timer ? 0 : -1;
}
