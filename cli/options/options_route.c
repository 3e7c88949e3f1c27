/* cli/options/options_route: routes, from `--route MATCH=COMMAND` or the keys of a section of the config file, and what they must hold in
 * the end. A key of a section is read by the row of the option of that name, so both take the same values.
 * Invariant: after options_route_check() every member of every route holds what counts for it. */
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/options/options_internal.h"
#include "update/match.h"

#define KEY(name_, bit_, member_) { name_, bit_, offsetof(struct route_config, member_), offsetof(struct config, member_) }

/* The keys that a route may set besides `handler`. */
static const struct {
	const char *name;
	enum route_key bit;
	size_t in_route, in_config;
} keys[] = {
	KEY("timeout", ROUTE_TIMEOUT, timeout),
	KEY("kill-after", ROUTE_KILL_AFTER, kill_after),
	KEY("background", ROUTE_BACKGROUND, background),
	KEY("mode", ROUTE_MODE, mode),
	KEY("batch-size", ROUTE_BATCH_SIZE, batch_size),
	KEY("batch-wait", ROUTE_BATCH_WAIT, batch_wait),
	KEY("workers", ROUTE_WORKERS, workers),
	KEY("sticky", ROUTE_STICKY, sticky),
	KEY("max-requests", ROUTE_MAX_REQUESTS, max_requests),
	KEY("max-worker-age", ROUTE_MAX_WORKER_AGE, max_worker_age),
	KEY("on-failure", ROUTE_ON_FAILURE, on_failure),
	KEY("max-attempts", ROUTE_MAX_ATTEMPTS, max_attempts),
	KEY("retry-delay", ROUTE_RETRY_DELAY, retry_delay),
	KEY("max-output", ROUTE_MAX_OUTPUT, max_output),
};
enum { KEY_COUNT = sizeof keys / sizeof keys[0] };

void options_route_release(struct routes *routes)
{
	for (size_t i = 0; i < routes->count; i++) {
		free(routes->items[i].match);
		free(routes->items[i].handler);
		options_texts_release(&routes->items[i].allow_user);
		options_texts_release(&routes->items[i].allow_chat);
	}
	free(routes->items);
	*routes = (struct routes){ 0 };
}

int options_route_open(struct routes *routes, const char *match, size_t n, int line, struct err *err)
{
	if (routes->count == CONFIG_ROUTES_MAX)
		return err_set(err, ERR_USAGE, "there are more than %d routes", CONFIG_ROUTES_MAX);
	struct route_config *items = reallocarray(routes->items, routes->count + 1, sizeof *items);
	if (!items)
		return err_set(err, ERR_INTERNAL, "out of memory");
	routes->items = items;
	struct route_config *route = &items[routes->count];
	*route = (struct route_config){ .match = strndup(match, n), .line = line };
	if (!route->match)
		return err_set(err, ERR_INTERNAL, "out of memory");
	routes->count++;
	if (match_check(route->match, err))
		return -1;
	for (size_t i = 0; i + 1 < routes->count; i++)
		if (strcmp(items[i].match, route->match) == 0)
			return err_set(err, ERR_USAGE, "there are two routes for '%s', and only the first would count", route->match);
	return 0;
}

static int set_handler(struct route_config *route, const char *value, struct err *err)
{
	char *copy = strdup(value);
	if (!*value || !copy) {
		free(copy);
		return copy ? err_set(err, ERR_USAGE, "the route '%s' has an empty command", route->match)
			    : err_set(err, ERR_INTERNAL, "out of memory");
	}
	free(route->handler);
	route->handler = copy;
	return 0;
}

int options_route_add(struct routes *routes, const char *value, struct err *err)
{
	const char *equals = strchr(value, '=');
	if (!equals || equals == value)
		return err_set(err, ERR_USAGE, "'%s' is no route such as '/start=./start.sh' or 'callback_query=./buttons.sh'", value);
	if (options_route_open(routes, value, (size_t)(equals - value), 0, err))
		return -1;
	return set_handler(&routes->items[routes->count - 1], equals + 1, err);
}

/* Whom the route handles. Any of it takes the place of what the config says. */
static int set_allowed(struct route_config *route, bool users, const char *value, struct err *err)
{
	struct texts *ids = users ? &route->allow_user : &route->allow_chat;
	struct err why;
	route->set |= ROUTE_ALLOW;
	if (options_commas_add(ids, value, &why) || options_check_ids(ids, users, &why))
		return err_set(err, why.status, "allow-%s: %s", users ? "user" : "chat", why.text);
	return 0;
}

static int unknown_key(const char *key, struct err *err)
{
	enum { OTHERS = 3 };
	const char *names[KEY_COUNT + OTHERS] = { "handler", "allow-user", "allow-chat" };
	for (size_t i = 0; i < KEY_COUNT; i++)
		names[i + OTHERS] = keys[i].name;
	const char *near = nearest_find(key, names, KEY_COUNT + OTHERS);
	if (near)
		return err_set(err, ERR_USAGE, "unknown key '%s' of a route; did you mean '%s'?", key, near);
	if (options_row(key, strlen(key)))
		return err_set(err, ERR_USAGE, "'%s' cannot be set for a route; put it above the first section", key);
	return err_set(err, ERR_USAGE, "unknown key '%s' of a route", key);
}

int options_route_set(struct route_config *route, const char *key, const char *value, struct err *err)
{
	struct err why;
	if (strcmp(key, "handler") == 0)
		return set_handler(route, value, err);
	if (strcmp(key, "allow-user") == 0 || strcmp(key, "allow-chat") == 0)
		return set_allowed(route, strcmp(key, "allow-user") == 0, value, err);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (strcmp(keys[i].name, key) != 0)
			continue;
		if (options_value_set(options_row(key, strlen(key)), (char *)route + keys[i].in_route, value, &why))
			return err_set(err, why.status, "%s: %s", key, why.text);
		route->set |= keys[i].bit;
		return 0;
	}
	return unknown_key(key, err);
}

static void inherit(struct route_config *route, const struct config *c)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (route->set & keys[i].bit || keys[i].bit == ROUTE_MODE || keys[i].bit == ROUTE_WORKERS)
			continue;
		const struct option_row *row = options_row(keys[i].name, strlen(keys[i].name));
		size_t size = row->type == OPTION_FLAG ? sizeof(bool)
			: row->type == OPTION_NUMBER || row->type == OPTION_WORD ? sizeof(int) : sizeof(int64_t);
		memcpy((char *)route + keys[i].in_route, (const char *)c + keys[i].in_config, size);
	}
}

int options_route_check(struct config *c, struct err *err)
{
	for (size_t i = 0; i < c->route.count; i++) {
		struct route_config *route = &c->route.items[i];
		if (!route->handler)
			return err_set(err, ERR_USAGE, "config file '%s', line %d: the route '%s' has no handler", c->config,
				       route->line, route->match);
		if (route->workers && route->mode)
			return err_set(err, ERR_USAGE, "config file '%s', line %d: 'workers' and 'mode = batch' exclude each other",
				       c->config, route->line);
		inherit(route, c);
	}
	return 0;
}
