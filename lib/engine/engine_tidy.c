/* engine/engine_tidy: what each turn does besides its work, in slices: letters that --dead-keep
 * does not keep are dropped, and, when nothing has been to do for a while, what a backlog took is
 * given back. Invariant: a turn in which there is none of it costs no look at the store. */
#include <malloc.h>

#include "engine/engine_internal.h"

enum {
	IDLE_BEFORE = 2000, /* milliseconds without work before room is given back */
	GIVE_AGAIN = 60000, /* milliseconds after that failed */
};

void engine_trim_dead(struct engine *e)
{
	struct err err;
	int64_t dropped = 0;
	if ((e->policy.dead_keep < 0 && e->policy.dead_keep_age < 0) || e->pulse.store_fails)
		return;
	int rc = queue_dead_trim(e->queue, e->policy.dead_keep, e->policy.dead_keep_age,
				 engine_slice(e), &dropped, &err);
	e->tidy.trimming = rc > 0;
	if (rc > 0)
		engine_turn_in(e, 0);
	if (rc < 0 && !e->tidy.fails)
		log_event(e->config.log, LOG_WARN, LOG_NONE,
			  "old dead letters could not be dropped: %s", err.text);
	e->tidy.fails = rc < 0;
	if (dropped)
		log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_NUM("dropped", dropped)),
			  "old dead letters were dropped, as --dead-keep says");
}

/* What the scheduler knew of a backlog is free memory by now, in pieces that the allocator
 * keeps. */
static void give_memory_back(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

void engine_give_back(struct engine *e)
{
	struct err err;
	int64_t now = e->config.clock->mono(e->config.clock);
	if (!engine_idle(e) || e->phase != ENGINE_RUNNING || e->pulse.store_fails) {
		e->tidy.idle_at = now;
		return;
	}
	if (!e->tidy.idle_at)
		return;
	int64_t left = e->tidy.idle_at + IDLE_BEFORE - now;
	if (left > 0) {
		engine_turn_in(e, left);
		return;
	}
	int rc = queue_give_back(e->queue, &err);
	if (rc > 0) {
		engine_turn_in(e, 0);
	} else if (rc < 0) {
		e->tidy.idle_at = now + GIVE_AGAIN;
	} else {
		e->tidy.idle_at = 0;
		give_memory_back();
	}
}
