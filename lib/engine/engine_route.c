/* engine/engine_route: where an update goes. Options come in; routes with a handler each, lanes of the queue, and the room that there is go out. The token
 * enters the handlers' environment here, unless it is to be hidden. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_internal.h"

enum { ADDED_MAX = 16, VALUE_MAX = 8192, RULE_MAX = 1 << 20, HOOK_SLOTS = 2 };

static void free_strings(char **strings)
{
	for (char **s = strings; s && *s; s++) {
		explicit_bzero(*s, strlen(*s));
		free(*s);
	}
	free(strings);
}

/* A copy of `n` strings, ended by NULL, with room for `more`. */
static char **copy_strings(const char *const *strings, size_t n, size_t more)
{
	char **copy = calloc(n + more + 1, sizeof *copy);
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(strings[i]);
		if (!copy[i]) {
			free_strings(copy);
			return NULL;
		}
	}
	return copy;
}

static size_t count_strings(const char *const *strings)
{
	size_t n = 0;
	while (strings[n])
		n++;
	return n;
}

static void command_release(struct engine_command *c)
{
	for (char ***s = c->stages; s && *s; s++)
		free_strings(*s);
	free(c->stages);
	free_strings(c->paths);
	free_strings(c->env);
	free(c->dir);
	*c = (struct engine_command){ 0 };
}

/* Replaces `out` by a copy; leaves it as it is when memory is out. */
int engine_command_keep(struct engine_command *out, const struct command_spec *spec, struct err *err)
{
	struct engine_command c = { 0 };
	size_t n = 0;
	while (spec->stages && spec->stages[n])
		n++;
	if (n) {
		c.stages = calloc(n + 1, sizeof *c.stages);
		c.paths = copy_strings(spec->paths, n, 0);
		c.env = copy_strings(spec->env, count_strings(spec->env), 0);
		c.dir = spec->dir ? strdup(spec->dir) : NULL;
		c.limits = spec->limits;
		bool whole = c.stages && c.paths && c.env && (c.dir || !spec->dir);
		for (size_t i = 0; whole && i < n; i++)
			whole = (c.stages[i] = copy_strings(spec->stages[i], count_strings(spec->stages[i]), 0)) != NULL;
		if (!whole) {
			command_release(&c);
			return err_set(err, ERR_INTERNAL, "out of memory");
		}
	}
	command_release(out);
	*out = c;
	return 0;
}

/* Appends NAME=VALUE to a vector that has room. */
static int add(char **env, const char *name, const char *value)
{
	size_t n = count_strings((const char *const *)env);
	env[n] = malloc(strlen(name) + 1 + strlen(value) + 1);
	if (!env[n])
		return -1;
	stpcpy(stpcpy(stpcpy(env[n], name), "="), value);
	return 0;
}

/* What the engine knows of the bot becomes variables. */
static int add_bot(struct engine *e, char **env, bool leave_behind)
{
	struct buf root, url;
	char id[32];
	int rc = 0;
	const struct engine_config *c = &e->config;
	buf_init(&root, VALUE_MAX);
	buf_init(&url, VALUE_MAX);
	if (e->config.secret) {
		snprintf(id, sizeof id, "%lld", (long long)secret_bot_id(e->config.secret));
		rc = add(env, "TG_BOT_ID", id) || api_root_add(c->api_root, e->hide_token ? NULL : c->api_login, &root) ||
		     add(env, "TG_API_ROOT", root.data);
		if (!e->hide_token)
			rc = rc || api_url(c->api_root, c->api_login, c->secret, NULL, &url) || add(env, "TG_API_URL", url.data) ||
			     add(env, "TG_TOKEN", secret_token(c->secret));
	}
	if (e->state_path)
		rc = rc || add(env, "TG_STATE_DIR", e->state_path);
	if (e->bot_username)
		rc = rc || add(env, "TG_BOT_USERNAME", e->bot_username);
	/* What is left behind on purpose must survive the next start, which kills what carries an old run's mark. */
	if (e->config.run_id[0] && !leave_behind)
		rc = rc || add(env, "TG_RUN_ID", e->config.run_id);
	struct buf *const secrets[] = { &root, &url };
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		if (secrets[i]->data)
			explicit_bzero(secrets[i]->data, secrets[i]->cap);
		buf_release(secrets[i]);
	}
	return rc ? -1 : 0;
}

static struct command *pack(struct engine *e, const struct engine_command *c, bool leave_behind, struct err *err)
{
	struct command *packed = NULL;
	char **env = copy_strings((const char *const *)c->env, count_strings((const char *const *)c->env), ADDED_MAX);
	if (!env || add_bot(e, env, leave_behind)) {
		err_set(err, ERR_INTERNAL, "out of memory");
	} else {
		struct command_spec spec = {
			.stages = (const char *const *const *)c->stages, .paths = (const char *const *)c->paths,
			.env = (const char *const *)env, .dir = c->dir, .limits = c->limits,
		};
		packed = command_new(&spec, err);
	}
	free_strings(env);
	return packed;
}

int engine_commands_build(struct engine *e, struct err *err)
{
	struct { const struct engine_command *from; struct command **to; } others[] = {
		{ &e->on_error, &e->on_error_packed }, { &e->on_timeout, &e->on_timeout_packed }, { &e->from, &e->source_packed },
	};
	for (size_t i = 0; i < e->route_count; i++) {
		struct route *r = &e->routes[i];
		struct command *packed = pack(e, &r->command, r->policy.background == BACKGROUND_LEAVE, err);
		if (!packed)
			return -1;
		handler_set_command(r->handler, packed, e->bot_username);
		command_unref(packed);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct command *packed = others[i].from->stages ? pack(e, others[i].from, false, err) : NULL;
		if (others[i].from->stages && !packed)
			return -1;
		command_unref(*others[i].to);
		*others[i].to = packed;
	}
	return 0;
}

static void on_hold(void *arg)
{
	((struct route *)arg)->held = false;
}

static void on_batch(void *arg)
{
	(void)arg; /* A turn happens, and claims. */
}

static int route_make(struct engine *e, struct route *r, const struct engine_route *o, struct err *err)
{
	*r = (struct route){ .engine = e, .match = o->match ? strdup(o->match) : NULL };
	r->handler = handler_new(e->handlers, o->mode, o->match ? o->match : "");
	r->hold_timer = loop_timer_new(e->config.loop, on_hold, r);
	r->batch_timer = loop_timer_new(e->config.loop, on_batch, r);
	breaker_init(&r->breaker, e->breaker_limit);
	r->start_backoff = (struct backoff){ .first = 1000, .cap = 60000 };
	if (!r->handler || !r->hold_timer || !r->batch_timer || (o->match && !r->match))
		return err_set(err, ERR_INTERNAL, "out of memory");
	return 0;
}

/* The text of all that decides on keys and lanes: when it differs from the stored one, what waits is keyed anew. */
static char *make_rule(const struct engine *e)
{
	struct buf b;
	buf_init(&b, RULE_MAX);
	int rc = buf_addf(&b, "reading=%d %s", UPDATE_READING, key_spec_text(e->keys));
	for (char **m = e->bypass; *m; m++)
		rc |= buf_addf(&b, " bypass=%s", *m);
	for (size_t i = 0; i + 1 < e->route_count; i++)
		rc |= buf_addf(&b, " route=%s", e->routes[i].match);
	if (rc == 0)
		return b.data;
	buf_release(&b);
	return NULL;
}

/* The first time: what stays. */
static int make_fixed(struct engine *e, const struct engine_options *o, struct err *err)
{
	e->keys = key_spec_new(o->keys, o->key_count, err);
	e->chats = e->keys ? key_spec_new(NULL, 0, err) : NULL;
	if (!e->chats)
		return -1;
	e->bypass = copy_strings(o->bypass, o->bypass_count, 0);
	e->routes = calloc(o->route_count, sizeof *e->routes);
	if (!e->bypass || !e->routes)
		return err_set(err, ERR_INTERNAL, "out of memory");
	for (size_t i = 0; i < o->route_count; i++) {
		e->route_count++;
		if (route_make(e, &e->routes[i], &o->routes[i], err))
			return -1;
	}
	e->state_path = e->config.dir ? realpath(statedir_path(e->config.dir), NULL) : NULL;
	e->rule = make_rule(e);
	return e->rule ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

int engine_routes_set(struct engine *e, const struct engine_options *o, struct err *err)
{
	e->breaker_limit = o->breaker;
	e->hide_token = o->hide_token;
	if (!e->routes && make_fixed(e, o, err))
		return -1;
	if (engine_routes_take(e, o, err) || engine_command_keep(&e->on_error, &o->on_error, err) || engine_command_keep(&e->on_timeout, &o->on_timeout, err) ||
	    (!e->from.stages && engine_command_keep(&e->from, &o->source, err)))
		return -1;
	char **only = copy_strings(o->only, o->only_count, 0), **ignore = copy_strings(o->ignore, o->ignore_count, 0);
	if (!only || !ignore) {
		free_strings(only);
		free_strings(ignore);
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	free_strings(e->only);
	free_strings(e->ignore);
	e->only = only;
	e->ignore = ignore;
	return engine_commands_build(e, err);
}

void engine_routes_release(struct engine *e)
{
	for (size_t i = 0; i < e->route_count; i++) {
		struct route *r = &e->routes[i];
		loop_timer_free(r->hold_timer);
		loop_timer_free(r->batch_timer);
		command_release(&r->command);
		allow_free(r->allow);
		free(r->match);
	}
	free(e->routes);
	command_release(&e->on_error);
	command_release(&e->on_timeout);
	command_release(&e->from);
	command_unref(e->on_error_packed);
	command_unref(e->on_timeout_packed);
	command_unref(e->source_packed);
	free_strings(e->bypass);
	free_strings(e->only);
	free_strings(e->ignore);
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
	while (route + 1 < e->route_count && !(u && match_one(e->routes[route].match, u, e->bot_username)))
		route++;
	return route;
}

unsigned engine_lane(const struct engine *e, const struct update *u, bool *bypass)
{
	size_t route = find_route(e, u);
	*bypass = u && match_first(e->bypass, count_list(e->bypass), u, e->bot_username) >= 0;
	return (unsigned)route * LANE_GROUPS + (*bypass ? LANE_BYPASS : LANE_ORDERED);
}

bool engine_wants(struct engine *e, const struct update *u)
{
	size_t only = count_list(e->only);
	if ((only && match_first(e->only, only, u, e->bot_username) < 0) ||
	    match_first(e->ignore, count_list(e->ignore), u, e->bot_username) >= 0) {
		e->counts.ignored++;
		return false;
	}
	return !engine_is_stranger(e, &e->routes[find_route(e, u)], u);
}

bool engine_probes(const struct route *r)
{
	return r->breaker.open || r->start_backoff.failures;
}

/* How many more updates (batches, where a start takes several) of the route's lane may be claimed now. */
int engine_room(const struct route *r, int group)
{
	const struct engine *e = r->engine;
	if (r->held)
		return 0;
	size_t room = handler_room(r->handler);
	if (engine_probes(r))
		return room && !r->probe ? 1 : 0;
	if (handler_traits(r->handler)->own_slots)
		return (int)room;
	int left = e->concurrency - e->processes[group];
	return left < (int)room ? left : (int)room;
}

int engine_slots(const struct engine_options *o)
{
	bool processes = false;
	int slots = (o->on_error.stages || o->on_timeout.stages ? HOOK_SLOTS : 0) + (o->source.stages != NULL);
	for (size_t i = 0; i < o->route_count; i++) {
		int own = handler_slots_for(o->routes[i].mode, &o->routes[i].policy);
		slots += own;
		processes = processes || !own;
	}
	return slots + (processes ? o->concurrency * (o->bypass_count ? 2 : 1) : 0);
}
