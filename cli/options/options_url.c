/* cli/options/options_url: handlers that are URLs in; whether each will do, what deserves a
 * warning, and which options nobody obeys then, out. Invariant: an option that only a process obeys
 * is never given in vain and without a word. */
#include <stddef.h>
#include <string.h>

#include "cli/options/options_internal.h"
#include "handler/webhook_url.h"

/* Who obeys an option. */
enum obeys {
	PROCESS,     /* the handler that it is given for */
	ANY_PROCESS, /* that of any route, which inherits it */
	ALSO_A_HOOK, /* and a hook, or a source's program */
};

static const struct {
	const char *name;
	enum obeys obeys;
} rows[] = {
	{ "mode", PROCESS },
	{ "workers", PROCESS },
	{ "batch-by", PROCESS },
	{ "batch-size", ANY_PROCESS },
	{ "batch-wait", ANY_PROCESS },
	{ "sticky", ANY_PROCESS },
	{ "max-requests", ANY_PROCESS },
	{ "max-worker-age", ANY_PROCESS },
	{ "background", ANY_PROCESS },
	{ "stdout", ANY_PROCESS },
	{ "max-output", ANY_PROCESS },
	{ "reply", ANY_PROCESS },
	{ "reply-to", ANY_PROCESS },
	{ "reply-with", ANY_PROCESS },
	{ "on-failure", ANY_PROCESS },
	{ "kill-after", ALSO_A_HOOK },
	{ "hide-token", ALSO_A_HOOK },
	{ "serve-api", ALSO_A_HOOK },
	{ "clear-env", ALSO_A_HOOK },
	{ "env", ALSO_A_HOOK },
	{ "chdir", ALSO_A_HOOK },
	{ "limit-memory", ALSO_A_HOOK },
	{ "limit-cpu", ALSO_A_HOOK },
	{ "limit-files", ALSO_A_HOOK },
	{ "limit-processes", ALSO_A_HOOK },
	{ "nice", ALSO_A_HOOK },
};

enum { ROWS = sizeof rows / sizeof *rows };

static const char *url_of(const char *handler)
{
	return handler && webhook_url_is(handler) ? handler : NULL;
}

const char *config_url(const struct config *c, const struct route_config *route)
{
	if (route)
		return url_of(route->handler);
	return url_of(c->handler_argv.count == 1 ? c->handler_argv.items[0] : c->handler);
}

static int check_one(struct config *c, const char *url, struct err *err)
{
	char shown[WEBHOOK_SHOWN_MAX];
	bool secret = c->webhook_secret || c->webhook_secret_file;
	if (!url)
		return 0;
	if (webhook_url_check(url, err))
		return -1;
	webhook_url_show(url, shown);
	if (webhook_url_plain(url))
		options_warn(c, "updates%s go to '%s' unencrypted; use https",
			     secret ? ", and the secret," : "", shown);
	return 0;
}

/* Whether the route's own section sets it. Of how a program is spoken to only a value tells that:
 * options_route_check() counts these members as set. */
static bool route_sets(const struct route_config *route, size_t place, size_t size, enum obeys who)
{
	static const char none[sizeof(char *)];
	if (place >= sizeof route->set)
		return false;
	if (who != PROCESS)
		return route->set[place];
	return memcmp((const char *)&route->policy + place, none, size) != 0;
}

static int check_route(const struct config *c, const struct route_config *route, struct err *err)
{
	if (!config_url(c, route))
		return 0;
	for (size_t i = 0; i < ROWS; i++) {
		const struct option_row *row = options_row(rows[i].name, strlen(rows[i].name));
		if (route_sets(route, row->offset - offsetof(struct config, policy), row->size,
			       rows[i].obeys))
			return err_set(
				err, ERR_USAGE,
				"config file '%s', line %d: only a process obeys '%s', and the handler of the route '%s' is a URL",
				c->config, route->line, row->name, route->match);
	}
	return 0;
}

static bool is_obeyed(const struct config *c, enum obeys who)
{
	bool processes = !config_url(c, NULL);
	if (who != PROCESS)
		for (size_t i = 0; i < c->route.count; i++)
			processes = processes || !config_url(c, &c->route.items[i]);
	if (who == ALSO_A_HOOK)
		processes = processes || c->on_error || c->on_timeout || c->on_undelivered ||
			    (c->source && strncmp(c->source, "exec:", 5) == 0);
	return processes;
}

/* A secret that is sent to nobody is a mistake, but harms nothing. */
static void check_secret(struct config *c)
{
	char place[512];
	const void *member = c->webhook_secret        ? &c->webhook_secret
			     : c->webhook_secret_file ? &c->webhook_secret_file
						      : NULL;
	bool sent = config_url(c, NULL);
	for (size_t i = 0; i < c->route.count; i++)
		sent = sent || config_url(c, &c->route.items[i]);
	if (member && !sent)
		options_warn(c, "%s: the secret of webhooks is sent to nobody: no handler is a URL",
			     config_where(c, member, place, sizeof place));
}

int options_url_check(struct config *c, struct err *err)
{
	char place[512];
	if (!(c->command & COMMAND_HANDLING))
		return 0;
	if (c->handler_argv.count > 1 && webhook_url_is(c->handler_argv.items[0]))
		return err_set(err, ERR_USAGE, "a handler that is a URL takes no arguments");
	for (size_t i = 0; i < c->route.count; i++)
		if (check_one(c, config_url(c, &c->route.items[i]), err) ||
		    check_route(c, &c->route.items[i], err))
			return -1;
	if (check_one(c, config_url(c, NULL), err))
		return -1;
	check_secret(c);
	for (size_t i = 0; i < ROWS; i++) {
		const struct option_row *row = options_row(rows[i].name, strlen(rows[i].name));
		const void *member = (const char *)c + row->offset;
		if (config_origin(c, member) != ORIGIN_DEFAULT && !is_obeyed(c, rows[i].obeys))
			return err_set(err, ERR_USAGE,
				       "%s: only a process obeys '%s', and the handler is a URL",
				       config_where(c, member, place, sizeof place), row->name);
	}
	return 0;
}
