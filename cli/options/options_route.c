/* cli/options/options_route: routes, from `--route MATCH=COMMAND` or the keys of a section of the
 * config file, and what they must hold in the end. A key of a section is read by the row of the
 * option of that name, so both take the same values. Invariant: after options_route_check() every
 * member of every route holds what counts for it. */
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/options/options_internal.h"
#include "update/match.h"
#include "update/update.h"

/* A route may set, besides its handler and whom it handles, the options that point into the
 * config's `policy`. */
static bool is_key(const struct option_row *row)
{
	return row->offset - offsetof(struct config, policy) < sizeof(struct route_policy);
}

/* The offset of the row's member in a route's policy. */
static size_t place_of(const struct option_row *row)
{
	return row->offset - offsetof(struct config, policy);
}

void options_route_release(struct routes *routes)
{
	for (size_t i = 0; i < routes->count; i++) {
		free(routes->items[i].match);
		free(routes->items[i].handler);
		free(routes->items[i].policy.batch_by);
		options_texts_release(&routes->items[i].allow_user);
		options_texts_release(&routes->items[i].allow_chat);
	}
	free(routes->items);
	*routes = (struct routes){ 0 };
}

int options_route_open(struct routes *routes, const char *match, size_t n, int line,
		       struct err *err)
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
			return err_set(
				err, ERR_USAGE,
				"there are two routes for '%s', and only the first would count",
				route->match);
	return 0;
}

static int set_handler(struct route_config *route, const char *value, struct err *err)
{
	char *copy = strdup(value);
	if (!*value || !copy) {
		free(copy);
		return copy ? err_set(err, ERR_USAGE, "the route '%s' has an empty command",
				      route->match)
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
		return err_set(
			err, ERR_USAGE,
			"'%s' is no route such as '/start=./start.sh' or 'callback_query=./buttons.sh'",
			value);
	if (options_route_open(routes, value, (size_t)(equals - value), 0, err))
		return -1;
	return set_handler(&routes->items[routes->count - 1], equals + 1, err);
}

/* Whom the route handles. Any of it takes the place of what the config says. */
static int set_allowed(struct route_config *route, bool users, const char *value, struct err *err)
{
	struct texts *ids = users ? &route->allow_user : &route->allow_chat;
	struct err why;
	route->set_allow = true;
	if (options_commas_add(ids, value, &why) || options_check_ids(ids, users, &why))
		return err_set(err, why.status, "allow-%s: %s", users ? "user" : "chat", why.text);
	return 0;
}

static int unknown_key(const char *key, struct err *err)
{
	const char *names[CONFIG_OPTIONS_MAX + 3] = { "handler", "allow-user", "allow-chat" };
	size_t count = 3;
	for (size_t i = 0; i < options_table_count; i++)
		if (is_key(&options_table[i]))
			names[count++] = options_table[i].name;
	if (options_row(key, strlen(key)))
		return err_set(err, ERR_USAGE,
			       "'%s' cannot be set for a route; put it above the first section",
			       key);
	const char *near = nearest_find(key, names, count);
	if (near)
		return err_set(err, ERR_USAGE, "unknown key '%s' of a route; did you mean '%s'?",
			       key, near);
	return err_set(err, ERR_USAGE, "unknown key '%s' of a route", key);
}

int options_route_set(struct route_config *route, const char *key, const char *value,
		      struct err *err)
{
	struct err why;
	if (strcmp(key, "handler") == 0)
		return set_handler(route, value, err);
	if (strcmp(key, "allow-user") == 0 || strcmp(key, "allow-chat") == 0)
		return set_allowed(route, strcmp(key, "allow-user") == 0, value, err);
	const struct option_row *row = options_row(key, strlen(key));
	if (!row || !is_key(row))
		return unknown_key(key, err);
	if (options_value_set(row, (char *)&route->policy + place_of(row), value, &why))
		return err_set(err, why.status, "%s: %s", key, why.text);
	route->set[place_of(row)] = true;
	return 0;
}

int options_check_batch_by(const struct route_policy *policy, struct err *err)
{
	const char *by = policy->batch_by;
	if (strcmp(by, "chat") != 0 && (by[0] != '/' || !update_pointer_is_valid(by)))
		return err_set(
			err, ERR_USAGE,
			"'%.100s' is neither 'chat' nor a JSON Pointer such as /message/media_group_id",
			by);
	if (policy->mode != MODE_BATCH && !policy->handler.workers)
		return err_set(err, ERR_USAGE,
			       "'batch-by' needs 'mode = batch', or 'workers' that take several");
	return 0;
}

/* How a program is spoken to is not inherited. */
static void inherit(struct route_config *route, const struct config *c)
{
	route->set[offsetof(struct route_policy, batch_by)] = true;
	route->set[offsetof(struct route_policy, mode)] = true;
	route->set[offsetof(struct route_policy, handler.workers)] = true;
	for (const struct option_row *row = options_table;
	     row < options_table + options_table_count; row++)
		if (is_key(row) && !route->set[place_of(row)])
			memcpy((char *)&route->policy + place_of(row),
			       (const char *)c + row->offset, row->size);
}

int options_route_check(struct config *c, struct err *err)
{
	for (size_t i = 0; i < c->route.count; i++) {
		struct route_config *route = &c->route.items[i];
		if (!route->handler)
			return err_set(err, ERR_USAGE,
				       "config file '%s', line %d: the route '%s' has no handler",
				       c->config, route->line, route->match);
		if (route->policy.handler.workers && route->policy.mode)
			return err_set(
				err, ERR_USAGE,
				"config file '%s', line %d: 'workers' and 'mode = batch' exclude each other",
				c->config, route->line);
		size_t reply = offsetof(struct route_policy, reply);
		bool batch = route->policy.mode == MODE_BATCH && !route->policy.batch_by;
		struct err why;
		if (route->policy.batch_by && options_check_batch_by(&route->policy, &why))
			return err_set(err, why.status, "config file '%s', line %d: %s", c->config,
				       route->line, why.text);
		if (batch && route->set[reply] && route->policy.reply != REPLY_NONE)
			return err_set(
				err, ERR_USAGE,
				"config file '%s', line %d: a batch of many chats answers nobody: 'reply' and 'mode = batch' exclude each other without 'batch-by'",
				c->config, route->line);
		route->set[reply] = route->set[reply] || batch;
		inherit(route, c);
	}
	return 0;
}
