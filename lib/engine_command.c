/* engine_command: the handler's command line and the bot's variables become the command that slots run. The token enters the handlers'
 * environment here, unless it is to be hidden. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_state.h"

enum { ADDED_MAX = 5, VALUE_MAX = 8192 };

static void free_strings(char **strings)
{
	for (char **s = strings; s && *s; s++) {
		explicit_bzero(*s, strlen(*s));
		free(*s);
	}
	free(strings);
}

/* A copy of a vector that ends in NULL, with room for `more`. */
static char **copy_strings(const char *const *strings, size_t more)
{
	size_t n = 0;
	while (strings[n])
		n++;
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

static void free_stages(char ***stages)
{
	for (char ***s = stages; s && *s; s++)
		free_strings(*s);
	free(stages);
}

static char ***copy_stages(const char *const *const *stages)
{
	size_t n = 0;
	while (stages[n])
		n++;
	char ***copy = calloc(n + 1, sizeof *copy);
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = copy_strings(stages[i], 0);
		if (!copy[i]) {
			free_stages(copy);
			return NULL;
		}
	}
	return copy;
}

void engine_command_release(struct engine *e)
{
	free_stages(e->stages);
	free_strings(e->paths);
	free_strings(e->env);
	free(e->dir);
	e->stages = NULL;
	e->paths = e->env = NULL;
	e->dir = NULL;
}

int engine_command_keep(struct engine *e, const struct engine_options *o, struct err *err)
{
	const struct command_spec *c = &o->command;
	size_t n = 0;
	while (c->stages[n])
		n++;
	char ***stages = copy_stages(c->stages);
	char **paths = calloc(n + 1, sizeof *paths);
	bool whole = stages && paths;
	for (size_t i = 0; whole && i < n; i++)
		whole = (paths[i] = strdup(c->paths[i])) != NULL;
	char **env = copy_strings(c->env, 0);
	char *dir = c->dir ? strdup(c->dir) : NULL;
	if (!whole || !env || (c->dir && !dir)) {
		free_stages(stages);
		free_strings(paths);
		free_strings(env);
		free(dir);
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	engine_command_release(e);
	e->stages = stages;
	e->paths = paths;
	e->env = env;
	e->dir = dir;
	e->hide_token = o->hide_token;
	return 0;
}

/* Appends NAME=VALUE to a vector that has room. */
static int add(char **env, const char *name, const char *value)
{
	size_t n = 0;
	while (env[n])
		n++;
	size_t length = strlen(name) + 1 + strlen(value) + 1;
	env[n] = malloc(length);
	if (!env[n])
		return -1;
	stpcpy(stpcpy(stpcpy(env[n], name), "="), value);
	return 0;
}

int engine_command_build(struct engine *e, struct err *err)
{
	char id[32];
	struct buf url;
	buf_init(&url, VALUE_MAX);
	struct command *command = NULL;
	char **env = copy_strings((const char *const *)e->env, ADDED_MAX);
	int rc = env ? 0 : -1;
	snprintf(id, sizeof id, "%lld", (long long)secret_bot_id(e->config.secret));
	rc = rc || add(env, "TG_BOT_ID", id);
	if (e->bot_username)
		rc = rc || add(env, "TG_BOT_USERNAME", e->bot_username);
	if (!e->hide_token) {
		rc = rc || api_url(e->config.api_root, e->config.secret, NULL, &url) || add(env, "TG_API_URL", url.data);
		rc = rc || add(env, "TG_TOKEN", secret_token(e->config.secret));
	}
	/* What is left behind on purpose must survive the next start, which kills what carries an old run's mark. */
	if (e->config.run_id[0] && e->policy.background != BACKGROUND_LEAVE)
		rc = rc || add(env, "TG_RUN_ID", e->config.run_id);
	if (rc) {
		err_set(err, ERR_INTERNAL, "out of memory");
	} else {
		struct command_spec spec = {
			.stages = (const char *const *const *)e->stages, .paths = (const char *const *)e->paths,
			.env = (const char *const *)env, .dir = e->dir,
		};
		command = command_new(&spec, err);
	}
	if (command)
		exec_set_command(e->exec, command, e->bot_username);
	command_unref(command);
	free_strings(env);
	if (url.data)
		explicit_bzero(url.data, url.cap);
	buf_release(&url);
	return command ? 0 : -1;
}
