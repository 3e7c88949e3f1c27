/* cli/setup/setup_handler: the commands among the options in, what the engine runs out: the
 * handler, its routes and hooks, their environment and directory. What is relative becomes absolute
 * here. Invariant: each command is found, or the error says which is not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/setup/setup.h"
#include "queue/shared/fleet_url.h"

static const char *find_env(char *const *env, const char *name, size_t n)
{
	for (; *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env;
	return NULL;
}

static bool is_ours(const char *entry)
{
	return strncmp(entry, "TG_", 3) == 0 || strncmp(entry, "TGRUN_", 6) == 0;
}

/* What the service manager tells tgrun alone: a handler that had it could speak for the unit
 * (sd_notify(3) and sd_listen_fds(3) unset it for children, too). The directory of credentials
 * holds what is to be hidden, the token or the secret of webhooks. */
static bool is_managers(const char *entry, bool hide)
{
	static const char *const names[] = { "NOTIFY_SOCKET",  "WATCHDOG_USEC",
					     "WATCHDOG_PID",   "LISTEN_PID",
					     "LISTEN_FDS",     "LISTEN_FDNAMES",
					     "LISTEN_PIDFDID", "CREDENTIALS_DIRECTORY" };
	size_t n = sizeof names / sizeof *names - !hide;
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(names[i]);
		if (strncmp(entry, names[i], length) == 0 && entry[length] == '=')
			return true;
	}
	return false;
}

/* How the server of a shared queue is reached is tgrun's own matter. */
static bool is_stores(const char *entry)
{
	return strncmp(entry, "PGPASSWORD=", 11) == 0 || strncmp(entry, "PGPASSFILE=", 11) == 0 ||
	       strncmp(entry, "PGSERVICEFILE=", 14) == 0;
}

/* The environment that handlers begin with: the caller's less what is tgrun's, or nothing, and what
 * --env adds. */
static char **make_env(const struct setup *s, struct err *err)
{
	const struct config *c = &s->config;
	bool hide = c->engine.hide_token || c->engine.serve_api || s->webhook_secret;
	bool shared = fleet_url_is(c->store);
	size_t n = 0, inherited = 0;
	while (s->envp[inherited])
		inherited++;
	char **env = calloc(inherited + c->env.count + 1, sizeof *env);
	for (size_t i = 0; env && i < inherited && !c->clear_env; i++)
		if (!is_ours(s->envp[i]) && !is_managers(s->envp[i], hide) &&
		    !(shared && is_stores(s->envp[i])))
			env[n++] = strdup(s->envp[i]);
	for (size_t i = 0; env && i < c->env.count; i++) {
		const char *entry = c->env.items[i];
		size_t length = strcspn(entry, "=");
		if (length == 0 || is_ours(entry)) {
			err_set(err, ERR_USAGE, "--env '%.*s': %s", (int)length, entry,
				length ? "names that begin with TG_ or TGRUN_ are tgrun's own"
				       : "a name is missing before '='");
			options_free_copy(env);
			return NULL;
		}
		const char *value = entry[length] ? entry : find_env(s->envp, entry, length);
		char *const *old = env;
		while (*old && !(strncmp(*old, entry, length) == 0 && (*old)[length] == '='))
			old++;
		size_t place = (size_t)(old - env);
		if (!value)
			continue;
		free(env[place]);
		env[place] = strdup(value);
		n += place == n;
	}
	if (!env)
		err_set(err, ERR_INTERNAL, "out of memory");
	return env;
}

static void warn_of_mode(struct setup *s, const struct words *w)
{
	struct stat st;
	for (size_t i = 0; i < w->count; i++)
		if (stat(w->paths[i], &st) == 0 && st.st_mode & S_IWOTH)
			options_warn(&s->config,
				     "anyone may change the %s '%s'; mend it by: chmod o-w '%s'",
				     w->what, w->paths[i], w->paths[i]);
}

/* Cuts and finds a command that is not the handler; `option` names what it was given by, and `what`
 * what it is. */
static int find_command(struct setup *s, const char *text, const char *cwd, const char *option,
			const char *what, struct words *out, struct err *err)
{
	struct err why;
	const char *path = getenv("PATH");
	if (words_split(text, what, out, &why) || words_resolve(out, cwd, path, &why) ||
	    words_check_scripts(out, s->dir ? s->dir : cwd, path, &why))
		return err_set(err, why.status, "%s: %s", option, why.text);
	warn_of_mode(s, out);
	return 0;
}

static int find_dir(struct setup *s, const char *cwd, struct err *err)
{
	const struct config *c = &s->config;
	struct stat st;
	if (!c->chdir)
		return 0;
	int rc = c->chdir[0] == '/' ? asprintf(&s->dir, "%s", c->chdir)
				    : asprintf(&s->dir, "%s/%s", cwd, c->chdir);
	if (rc < 0) {
		s->dir = NULL;
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	if (stat(s->dir, &st))
		return err_sys(err, ERR_CONFIG, errno, "cannot use --chdir '%s'", c->chdir);
	if (!S_ISDIR(st.st_mode) || access(s->dir, X_OK))
		return err_set(err, ERR_CONFIG,
			       "cannot use --chdir '%s': it is no directory that may be entered",
			       c->chdir);
	return 0;
}

static struct command_spec spec_of(const struct setup *s, const struct words *w)
{
	if (!w->count)
		return (struct command_spec){ 0 };
	return (struct command_spec){
		.stages = (const char *const *const *)w->stages,
		.paths = (const char *const *)w->paths,
		.env = (const char *const *)s->env,
		.dir = s->dir,
		.limits = s->limits,
	};
}

/* A route of the engine: `own`, or, if that is NULL, the handler itself, which takes what no other
 * route does. `w` is its command. */
static struct engine_route make_route(const struct setup *s, const struct route_config *own,
				      const struct words *w)
{
	const struct config *c = &s->config;
	const struct texts *users = own && own->set_allow ? &own->allow_user : &c->allow_user;
	const struct texts *chats = own && own->set_allow ? &own->allow_chat : &c->allow_chat;
	const char *url = config_url(c, own);
	struct engine_route route = {
		.match = own ? own->match : NULL,
		.command = spec_of(s, w),
		.url = url,
		.policy = own ? own->policy : c->policy,
	};
	if (route.policy.handler.workers)
		route.policy.mode = MODE_WORKER;
	if (url)
		route.policy.mode = MODE_WEBHOOK;
	/* Who types there is nobody in particular, unless that is what is tried. */
	if (c->command == COMMAND_TRY && config_origin(c, &c->allow_user) != ORIGIN_ARGUMENT &&
	    config_origin(c, &c->allow_chat) != ORIGIN_ARGUMENT)
		return route;
	route.allow_users = *users;
	route.allow_chats = *chats;
	return route;
}

static int find_routes(struct setup *s, const char *cwd, struct err *err)
{
	const struct routes *routes = &s->config.route;
	_Static_assert((int)CONFIG_ROUTES_MAX < (int)ENGINE_ROUTES_MAX,
		       "the engine has room for all routes and the default");
	s->route_words = calloc(routes->count + 1, sizeof *s->route_words);
	s->routes = calloc(routes->count + 1, sizeof *s->routes);
	if (!s->route_words || !s->routes)
		return err_set(err, ERR_INTERNAL, "out of memory");
	for (size_t i = 0; i < routes->count; i++) {
		char option[128];
		if (config_url(&s->config, &routes->items[i]))
			continue;
		snprintf(option, sizeof option, "route '%s'", routes->items[i].match);
		if (find_command(s, routes->items[i].handler, cwd, option, "route's handler",
				 &s->route_words[i], err))
			return -1;
	}
	return 0;
}

static int find_handler(struct setup *s, const char *cwd, struct err *err)
{
	const struct config *c = &s->config;
	const char *path = getenv("PATH");
	int rc = c->handler_argv.count ? words_from_argv(c->handler_argv.items, &s->words, err)
				       : words_split(c->handler, "handler", &s->words, err);
	if (rc || words_resolve(&s->words, cwd, path, err))
		return -1;
	warn_of_mode(s, &s->words);
	return words_check_scripts(&s->words, s->dir ? s->dir : cwd, path, err);
}

int setup_handler(struct setup *s, const char *cwd, struct err *err)
{
	const struct config *c = &s->config;
	if (setup_limits(s, &s->limits, err) || find_dir(s, cwd, err) ||
	    (!config_url(c, NULL) && find_handler(s, cwd, err)) || find_routes(s, cwd, err))
		return -1;
	if (c->on_error && find_command(s, c->on_error, cwd, "on-error", "hook", &s->on_error, err))
		return -1;
	if (c->on_undelivered && find_command(s, c->on_undelivered, cwd, "on-undelivered", "hook",
					      &s->on_undelivered, err))
		return -1;
	if (c->on_timeout &&
	    find_command(s, c->on_timeout, cwd, "on-timeout", "hook", &s->on_timeout, err))
		return -1;
	const char *program = s->reload ? NULL : setup_source_program(c);
	if (program && find_command(s, program, cwd, "source", "source's program", &s->source, err))
		return -1;
	s->env = make_env(s, err);
	if (!s->env)
		return -1;
	for (size_t i = 0; i < c->route.count; i++)
		s->routes[i] = make_route(s, &c->route.items[i], &s->route_words[i]);
	s->routes[c->route.count] = make_route(s, NULL, &s->words);
	return 0;
}

struct engine_options setup_engine_options(const struct setup *s)
{
	const struct config *c = &s->config;
	return (struct engine_options){
		.routes = s->routes,
		.route_count = c->route.count + 1,
		.on_error = spec_of(s, &s->on_error),
		.on_timeout = spec_of(s, &s->on_timeout),
		.source = spec_of(s, &s->source),
		.on_undelivered = spec_of(s, &s->on_undelivered),
		.policy = c->engine,
		.lists = c->lists,
		.webhook_secret = s->webhook_secret,
	};
}

void setup_release_handlers(struct setup *s)
{
	for (size_t i = 0; s->route_words && i < s->config.route.count; i++)
		words_release(&s->route_words[i]);
	free(s->route_words);
	free(s->routes);
	words_release(&s->words);
	words_release(&s->on_error);
	words_release(&s->on_timeout);
	words_release(&s->on_undelivered);
	words_release(&s->source);
	options_free_copy(s->env);
	s->route_words = NULL;
	s->routes = NULL;
	s->env = NULL;
}
