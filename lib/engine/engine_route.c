/* engine/engine_route: where an update goes. Options come in once; routes with a handler each,
 * lanes of the queue, and the room that there is go out. Invariant: which routes there are, their
 * order and their modes never change. */
#include <stdlib.h>
#include <string.h>

#include "engine/engine_internal.h"

enum { RULE_MAX = 1 << 20, HOOK_SLOTS = 2 };

static void on_pause_end(void *arg)
{
	((struct route *)arg)->pauses = false;
}

static void on_batch(void *arg)
{
	(void)arg; /* Nothing to do: the turn of the loop ends with starts. */
}

static int route_make(struct engine *e, struct route *r, const struct engine_route *o,
		      struct err *err)
{
	const char *by = o->policy.batch_by;
	*r = (struct route){ .engine = e,
			     .match = o->match ? strdup(o->match) : NULL,
			     .batch_by = by ? strdup(by) : NULL };
	r->handler = handler_new(e->handlers, o->policy.mode, o->match ? o->match : "");
	r->pause_timer = loop_timer_new(e->config.loop, on_pause_end, r);
	r->batch_timer = loop_timer_new(e->config.loop, on_batch, r);
	breaker_init(&r->breaker, e->policy.breaker);
	r->start_backoff = (struct backoff){ .first = 1000, .cap = 60000 };
	if (!r->handler || !r->pause_timer || !r->batch_timer || (o->match && !r->match) ||
	    (by && !r->batch_by))
		return err_set(err, ERR_INTERNAL, "out of memory");
	return 0;
}

int engine_rule(const struct engine_options *o, struct buf *out, struct err *err)
{
	const struct texts *key = &o->lists.key, *bypass = &o->lists.bypass;
	struct key_spec *keys = key_spec_new((const char *const *)key->items, key->count, err);
	if (!keys)
		return -1;
	int rc = buf_addf(out, "reading=%d %s", UPDATE_READING, key_spec_text(keys));
	for (size_t i = 0; i < bypass->count && rc == 0; i++)
		rc = buf_addf(out, " bypass=%s", bypass->items[i]);
	for (size_t i = 0; i + 1 < o->route_count && rc == 0; i++)
		rc = buf_addf(out, " route=%s", o->routes[i].match);
	key_spec_free(keys);
	return rc ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

int engine_routes_make(struct engine *e, const struct engine_options *o, struct err *err)
{
	e->policy = o->policy;
	const struct texts *key = &o->lists.key, *bypass = &o->lists.bypass;
	e->keys = key_spec_new((const char *const *)key->items, key->count, err);
	e->chats = e->keys ? key_spec_new(NULL, 0, err) : NULL;
	if (!e->chats)
		return -1;
	e->bypass = engine_strings_copy((const char *const *)bypass->items, bypass->count, 0);
	e->routes = calloc(o->route_count, sizeof *e->routes);
	if (!e->bypass || !e->routes)
		return err_set(err, ERR_INTERNAL, "out of memory");
	for (size_t i = 0; i < o->route_count; i++) {
		e->route_count++;
		if (route_make(e, &e->routes[i], &o->routes[i], err))
			return -1;
	}
	if (e->config.dir && statedir_data(e->config.dir, true, err))
		return -1;
	e->state_path = e->config.dir ? realpath(statedir_path(e->config.dir), NULL) : NULL;
	struct buf rule;
	buf_init(&rule, RULE_MAX);
	if (engine_rule(o, &rule, err)) {
		buf_release(&rule);
		return -1;
	}
	e->rule = rule.data; /* the engine's from here on */
	return 0;
}

void engine_routes_release(struct engine *e)
{
	for (size_t i = 0; i < e->route_count; i++) {
		struct route *r = &e->routes[i];
		loop_timer_free(r->pause_timer);
		loop_timer_free(r->batch_timer);
		engine_command_release(&r->command);
		allow_free(r->allow);
		free(r->url);
		free(r->match);
		free(r->batch_by);
	}
	free(e->routes);
	engine_command_release(&e->on_error);
	engine_command_release(&e->on_timeout);
	engine_command_release(&e->on_undelivered);
	engine_command_release(&e->from);
	command_unref(e->on_error_packed);
	command_unref(e->on_timeout_packed);
	command_unref(e->on_undelivered_packed);
	command_unref(e->source_packed);
	engine_strings_free(e->bypass);
	engine_strings_free(e->only);
	engine_strings_free(e->ignore);
	engine_strings_free(e->reply_with);
	engine_secret_keep(&e->webhook_secret, NULL);
	key_spec_free(e->keys);
	key_spec_free(e->chats);
	free(e->rule);
	free(e->state_path);
	engine_strangers_release(e);
}

struct route *engine_route_of(struct engine *e, const struct handler *h)
{
	size_t i = 0;
	while (i + 1 < e->route_count && e->routes[i].handler != h)
		i++;
	return &e->routes[i];
}

static size_t count_list(char **texts)
{
	size_t n = 0;
	while (texts[n])
		n++;
	return n;
}

static size_t find_route(const struct engine *e, const struct update *u)
{
	size_t route = 0;
	while (route + 1 < e->route_count &&
	       !(u && match_one(e->routes[route].match, u, e->bot_username)))
		route++;
	return route;
}

unsigned engine_lane(const struct engine *e, const struct update *u, bool *bypass)
{
	size_t route = find_route(e, u);
	*bypass = u && match_first(e->bypass, count_list(e->bypass), u, e->bot_username) >= 0;
	return (unsigned)route * LANE_GROUPS + (*bypass ? LANE_BYPASS : LANE_ORDERED);
}

int engine_chat_bytes(void *arg, const char *body, size_t length, struct buf *out)
{
	const struct engine *e = arg;
	struct err err = { 0 };
	struct update *u = update_parse(body, length, &err);
	int rc = u ? update_keys(u, e->chats, out) : err.status == ERR_INTERNAL ? -1 : 0;
	update_free(u);
	return rc;
}

int engine_chat_of(const struct engine *e, const struct claim *c, struct buf *out)
{
	return engine_chat_bytes((void *)(uintptr_t)e, c->body, c->length, out);
}

const char *engine_left_out(const struct engine *e, const struct update *u)
{
	size_t only = count_list(e->only);
	if (only && match_first(e->only, only, u, e->bot_username) < 0)
		return "--only names others";
	if (match_first(e->ignore, count_list(e->ignore), u, e->bot_username) >= 0)
		return "--ignore names it";
	return NULL;
}

bool engine_wants(struct engine *e, const struct update *u, const char **why)
{
	*why = engine_left_out(e, u);
	e->counts.ignored += *why != NULL;
	if (!*why && engine_is_stranger(e, &e->routes[find_route(e, u)], u))
		*why = "--allow-user and --allow-chat name others";
	return !*why;
}

bool engine_probes(const struct route *r)
{
	return r->breaker.open || r->start_backoff.failures;
}

int engine_slots(const struct engine_options *o)
{
	bool processes = false;
	int slots = (o->on_error.stages || o->on_timeout.stages || o->on_undelivered.stages
			     ? HOOK_SLOTS
			     : 0) +
		    (o->source.stages != NULL);
	for (size_t i = 0; i < o->route_count; i++) {
		int own = handler_slots_for(o->routes[i].policy.mode, &o->routes[i].policy.handler);
		slots += own;
		processes = processes ||
			    (!own && !handler_mode_traits(o->routes[i].policy.mode)->no_slots);
	}
	slots += processes ? o->policy.concurrency * (o->lists.bypass.count ? 2 : 1) : 0;
	return slots ? slots : 1; /* webhooks alone need none, but there is always one */
}
