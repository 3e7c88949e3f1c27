/* engine/engine_reload: options come in, at the start and with each SIGHUP; what may change is
 * taken over, and what may not is named in the log. Invariant: one that cannot be taken keeps no
 * other from being taken. What a single row of the options decides about itself is named before, in
 * cli/cmd_run.c. */
#include <stdlib.h>
#include <string.h>

#include "engine/engine_internal.h"

/* ---- routes ---- */

static bool is_route(const struct route *r, const struct engine_route *o)
{
	return r->match ? o->match && strcmp(o->match, r->match) == 0 : !o->match;
}

/* There is a slot for each worker of the start, and one more. */
static void take_workers(struct route *r, int workers)
{
	if (!r->workers_max)
		r->workers_max = workers;
	if (workers > r->workers_max)
		log_event(
			r->engine->config.log, LOG_WARN,
			LOG_FIELDS(LOG_STR("route", r->match ? r->match : ""),
				   LOG_NUM("workers", r->workers_max)),
			"'workers' cannot be raised above that of the start while running: it stays at that until a restart");
	r->policy.handler.workers = workers < r->workers_max ? workers : r->workers_max;
}

static int take_route(struct route *r, const struct engine_route *o, struct err *err)
{
	const struct texts *users = &o->allow_users, *chats = &o->allow_chats;
	struct allow *allow = allow_new((const char *const *)users->items, users->count,
					(const char *const *)chats->items, chats->count);
	if (!allow)
		return err_set(err, ERR_INTERNAL, "out of memory");
	char *url = o->url ? strdup(o->url) : NULL;
	if ((o->url && !url && err_set(err, ERR_INTERNAL, "out of memory")) ||
	    engine_command_keep(&r->command, &o->command, err)) {
		free(url);
		allow_free(allow);
		return -1;
	}
	free(r->url);
	r->url = url;
	allow_free(r->allow);
	r->allow = allow;
	r->policy = o->policy;
	r->policy.batch_by = r->batch_by;
	r->policy.handler.gathered = r->batch_by != NULL;
	r->policy.handler.keep_stdout = o->policy.reply != REPLY_NONE;
	take_workers(r, o->policy.handler.workers);
	handler_set_policy(r->handler, &r->policy.handler);
	return 0;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void name_route(struct engine *e, const char *match, const char *what)
{
	log_event(e->config.log, LOG_WARN, LOG_FIELDS(LOG_STR("route", match ? match : "")),
		  "routes and modes cannot change while running: %s until a restart", what);
}

/* Each route takes what its like says now; which routes there are, their order and their modes
 * stay, and what would change them is named. */
static int take_routes(struct engine *e, const struct engine_options *o, struct err *err)
{
	size_t last = 0; /* the place among the new ones of the last that was found */
	for (size_t i = 0; i < e->route_count; i++) {
		struct route *r = &e->routes[i];
		size_t at = 0;
		breaker_set_limit(&r->breaker, e->policy.breaker);
		while (at < o->route_count && !is_route(r, &o->routes[at]))
			at++;
		if (at == o->route_count) {
			name_route(e, r->match, "one that is gone stays");
			continue;
		}
		if (at < last)
			name_route(e, r->match, "the old order stays");
		last = at;
		if (r->match && !is_same(o->routes[at].policy.batch_by, r->batch_by))
			name_route(e, r->match, "the old 'batch-by' stays");
		if (o->routes[at].policy.mode != handler_mode(r->handler))
			name_route(e, r->match, "the old mode, and the handler for it, stay");
		else if (take_route(r, &o->routes[at], err))
			return -1;
	}
	for (size_t i = 0; i < o->route_count; i++) {
		size_t at = 0;
		while (at < e->route_count && !is_route(&e->routes[at], &o->routes[i]))
			at++;
		if (at == e->route_count)
			name_route(e, o->routes[i].match, "a new one gets nothing");
	}
	return 0;
}

/* ---- all of it ---- */

/* The routes, and whom and what they handle; then every command is packed anew. */
static int take_handlers(struct engine *e, const struct engine_options *o, struct err *err)
{
	if (take_routes(e, o, err) || engine_command_keep(&e->on_error, &o->on_error, err) ||
	    engine_command_keep(&e->on_timeout, &o->on_timeout, err) ||
	    engine_command_keep(&e->on_undelivered, &o->on_undelivered, err) ||
	    (!e->from.stages && engine_command_keep(&e->from, &o->source, err)))
		return -1;
	const struct engine_lists *l = &o->lists;
	char **only = engine_strings_copy((const char *const *)l->only.items, l->only.count, 0);
	char **ignore = engine_strings_copy((const char *const *)l->ignore.items, l->ignore.count,
					    0);
	char **with = engine_strings_copy((const char *const *)l->reply_with.items,
					  l->reply_with.count, 0);
	if (!only || !ignore || !with ||
	    engine_secret_keep(&e->webhook_secret, o->webhook_secret)) {
		engine_strings_free(only);
		engine_strings_free(ignore);
		engine_strings_free(with);
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	engine_strings_free(e->only);
	engine_strings_free(e->ignore);
	engine_strings_free(e->reply_with);
	e->only = only;
	e->ignore = ignore;
	e->reply_with = with;
	return engine_commands_build(e, err);
}

/* There are slots for as many as at the start. */
static void take_concurrency(struct engine *e)
{
	if (!e->concurrency_max)
		e->concurrency_max = e->policy.concurrency;
	if (e->policy.concurrency <= e->concurrency_max)
		return;
	log_event(
		e->config.log, LOG_WARN, LOG_FIELDS(LOG_NUM("concurrency", e->concurrency_max)),
		"'concurrency' cannot be raised above that of the start while running: it stays at that until a restart");
	e->policy.concurrency = e->concurrency_max;
}

int engine_options_take(struct engine *e, const struct engine_options *o, struct err *err)
{
	const struct texts *key = &o->lists.key, *ages = &o->lists.max_age;
	struct engine_policy before = e->policy;
	struct key_spec *keys = key_spec_new((const char *const *)key->items, key->count, err);
	struct max_age *max_age = keys ? max_age_new() : NULL;
	int rc = max_age ? 0 : -1;
	if (keys && !max_age)
		err_set(err, ERR_INTERNAL, "out of memory");
	for (size_t i = 0; rc == 0 && i < ages->count; i++)
		rc = max_age_set(max_age, ages->items[i], err);
	key_spec_free(keys);
	e->policy = o->policy;
	if (rc || take_handlers(e, o, err)) {
		max_age_free(max_age);
		e->policy = before;
		return -1;
	}
	max_age_free(e->max_age);
	e->max_age = max_age;
	if (e->queue)
		queue_set_backlog(e->queue, e->policy.backlog);
	engine_gather_change(e);
	engine_out_change(e);
	take_concurrency(e);
	return 0;
}

int engine_reload(struct engine *e, const struct engine_config *fresh, struct err *err)
{
	if (engine_options_take(e, &fresh->options, err) || engine_source_change(e, fresh, err))
		return -1;
	engine_take_runtime(e);
	engine_trim_dead(e);
	engine_turn_in(e, 0);
	return 0;
}
