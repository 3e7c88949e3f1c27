/* engine/engine_gather: albums and bursts as one (--batch-by). An update comes in, the group by
 * which it is gathered with others of its keys goes out; and the policy of the routes, as the times
 * that their lanes of the queue wait. Invariant: what bypasses is gathered with nothing. */
#include <string.h>

#include "engine/engine_internal.h"

enum { LONGEST = 10 }; /* times --batch-wait, from the first of a batch */

static struct sched_gather rule_of(const struct engine *e, const struct route *r)
{
	/* A drain asks for nothing more, and a run with --once for nothing but what was there. */
	bool all_here = e->draining || (e->config.once && e->asking.dry);
	int64_t wait = all_here ? 0 : r->policy.batch_wait;
	return (struct sched_gather){ (size_t)r->policy.batch_size, wait, LONGEST * wait };
}

void engine_gather_rules(const struct engine *e, struct sched_gather rules[QUEUE_LANES])
{
	memset(rules, 0, QUEUE_LANES * sizeof *rules);
	for (size_t i = 0; i < e->route_count; i++)
		if (e->routes[i].batch_by)
			rules[i * LANE_GROUPS + LANE_ORDERED] = rule_of(e, &e->routes[i]);
}

void engine_gather_change(struct engine *e)
{
	for (size_t i = 0; e->queue && i < e->route_count; i++) {
		struct sched_gather rule = rule_of(e, &e->routes[i]);
		if (e->routes[i].batch_by)
			queue_gather(e->queue, (unsigned)i * LANE_GROUPS + LANE_ORDERED, &rule);
	}
}

void engine_dry(struct engine *e, bool dry)
{
	bool was = e->asking.dry;
	e->asking.dry = dry;
	if (e->config.once && dry != was)
		engine_gather_change(e);
}

/* Appends what an update is gathered by; nothing: it is not. 0, or -1 when memory is out. */
static int add_value(const struct engine *e, const struct update *u, const char *by,
		     struct buf *out)
{
	int64_t chat;
	if (*by == '/')
		return update_pointer(u, by, out) < 0 ? -1 : 0;
	return update_chat(u, &chat) ? update_keys(u, e->chats, out) : 0;
}

uint64_t engine_group_of(void *arg, unsigned lane, const char *body, size_t length)
{
	const struct engine *e = arg;
	const struct route *r = &e->routes[lane / LANE_GROUPS];
	struct update *u = update_parse(body, length, NULL);
	struct buf value;
	uint64_t group = 0;
	buf_init(&value, length + ENGINE_CHAT_MAX);
	if (u && add_value(e, u, r->batch_by, &value) == 0 && value.len)
		group = map_hash(&e->group_seed, value.data, value.len) | 1;
	buf_release(&value);
	update_free(u);
	return group;
}
