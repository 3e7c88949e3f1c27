/* engine/engine_command: the commands of the user, kept and packed. A command of the options comes
 * in; a copy of it, and of that one packed for a slot with what the engine knows of the bot, goes
 * out. The token enters the handlers' environment here, unless it is to be hidden. Invariant:
 * strings that may hold the token are overwritten before they are freed. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/engine_internal.h"

enum { ADDED_MAX = 16, VALUE_MAX = 8192 };

void engine_strings_free(char **strings)
{
	for (char **s = strings; s && *s; s++) {
		explicit_bzero(*s, strlen(*s));
		free(*s);
	}
	free(strings);
}

/* A copy of `n` strings, ended by NULL, with room for `more`. */
char **engine_strings_copy(const char *const *strings, size_t n, size_t more)
{
	char **copy = calloc(n + more + 1, sizeof *copy);
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(strings[i]);
		if (!copy[i]) {
			engine_strings_free(copy);
			return NULL;
		}
	}
	return copy;
}

int engine_secret_keep(char **out, const char *text)
{
	char *copy = text ? strdup(text) : NULL;
	if (text && !copy)
		return -1;
	if (*out)
		explicit_bzero(*out, strlen(*out));
	free(*out);
	*out = copy;
	return 0;
}

static size_t count_strings(const char *const *strings)
{
	size_t n = 0;
	while (strings[n])
		n++;
	return n;
}

void engine_command_release(struct engine_command *c)
{
	for (char ***s = c->stages; s && *s; s++)
		engine_strings_free(*s);
	free(c->stages);
	engine_strings_free(c->paths);
	engine_strings_free(c->env);
	free(c->dir);
	*c = (struct engine_command){ 0 };
}

/* Replaces `out` by a copy; leaves it as it is when memory is out. */
int engine_command_keep(struct engine_command *out, const struct command_spec *spec,
			struct err *err)
{
	struct engine_command c = { 0 };
	size_t n = 0;
	while (spec->stages && spec->stages[n])
		n++;
	if (n) {
		c.stages = calloc(n + 1, sizeof *c.stages);
		c.paths = engine_strings_copy(spec->paths, n, 0);
		c.env = engine_strings_copy(spec->env, count_strings(spec->env), 0);
		c.dir = spec->dir ? strdup(spec->dir) : NULL;
		c.limits = spec->limits;
		bool whole = c.stages && c.paths && c.env && (c.dir || !spec->dir);
		for (size_t i = 0; whole && i < n; i++)
			whole = (c.stages[i] = engine_strings_copy(spec->stages[i],
								   count_strings(spec->stages[i]),
								   0)) != NULL;
		if (!whole) {
			engine_command_release(&c);
			return err_set(err, ERR_INTERNAL, "out of memory");
		}
	}
	engine_command_release(out);
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

/* The local API's socket, where its path is one that programs can connect to. */
static int add_socket(char **env, const char *state_path)
{
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	int n = snprintf(path, sizeof path, "%s/api", state_path);
	if (engine_door_built(NULL) || n >= (int)sizeof path)
		return 0;
	return add(env, "TG_API_SOCKET", path);
}

static int add_data(char **env, const char *state_path)
{
	char *path = NULL;
	int n = asprintf(&path, "%s/" STATEDIR_DATA, state_path);
	int rc = n < 0 ? -1 : add(env, "TG_DATA_DIR", path);
	if (n >= 0)
		free(path);
	return rc;
}

/* Whether a directory of `path`, with colons between, has a program `tgrun`. */
static bool finds_tgrun(const char *path)
{
	char name[PATH_MAX];
	for (const char *dir = path; dir; dir = strchr(dir, ':')) {
		dir += *dir == ':';
		int n = snprintf(name, sizeof name, "%.*s/tgrun", (int)strcspn(dir, ":"), dir);
		if (n < (int)sizeof name && *dir == '/' && access(name, X_OK) == 0)
			return true;
	}
	return false;
}

/* Handlers find `tgrun`: where their PATH leads to none, to this one. */
static int add_own_place(char **env)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	char **path = env;
	while (*path && strncmp(*path, "PATH=", 5) != 0)
		path++;
	/* Without a PATH programs are looked for where the system has them. */
	if (n <= 0 || !*path || finds_tgrun(*path + 5))
		return 0;
	exe[n] = '\0';
	*strrchr(exe, '/') = '\0';
	if (!finds_tgrun(exe))
		return 0;
	char *longer = malloc(strlen(*path) + 1 + strlen(exe) + 1);
	if (!longer)
		return -1;
	stpcpy(stpcpy(stpcpy(longer, *path), (*path)[5] ? ":" : ""), exe);
	free(*path);
	*path = longer;
	return 0;
}

/* What the engine knows of the bot becomes variables. */
static int add_bot(struct engine *e, char **env)
{
	struct buf root, url;
	char id[32];
	int rc = 0;
	const struct engine_config *c = &e->config;
	buf_init(&root, VALUE_MAX);
	buf_init(&url, VALUE_MAX);
	const char *handed = c->secret ? secret_handed(c->secret) : NULL;
	if (c->secret) {
		snprintf(id, sizeof id, "%lld", (long long)secret_bot_id(c->secret));
		rc = add(env, "TG_BOT_ID", id);
	}
	if (handed) {
		rc = rc || buf_addf(&root, "http://127.0.0.1:%d", engine_door_port(e)) ||
		     buf_addf(&url, "%s/bot%s", root.data, handed) ||
		     add(env, "TG_API_ROOT", root.data) || add(env, "TG_API_URL", url.data) ||
		     add(env, "TG_TOKEN", handed);
	} else if (c->secret) {
		rc = rc ||
		     api_root_add(c->api_root, e->policy.hide_token ? NULL : c->api_login, &root) ||
		     add(env, "TG_API_ROOT", root.data);
		if (!e->policy.hide_token)
			rc = rc || api_url(c->api_root, c->api_login, c->secret, NULL, &url) ||
			     add(env, "TG_API_URL", url.data) ||
			     add(env, "TG_TOKEN", secret_token(c->secret));
	}
	if (e->state_path)
		rc = rc || add(env, "TG_STATE_DIR", e->state_path) ||
		     add_data(env, e->state_path) || add_socket(env, e->state_path) ||
		     add_own_place(env);
	if (e->bot_username)
		rc = rc || add(env, "TG_BOT_USERNAME", e->bot_username);
	if (e->config.run_id[0])
		rc = rc || add(env, "TG_RUN_ID", e->config.run_id);
	struct buf *const secrets[] = { &root, &url };
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		if (secrets[i]->data)
			explicit_bzero(secrets[i]->data, secrets[i]->cap);
		buf_release(secrets[i]);
	}
	return rc ? -1 : 0;
}

static struct command *pack(struct engine *e, const struct engine_command *c, struct err *err)
{
	struct command *packed = NULL;
	char **env = engine_strings_copy((const char *const *)c->env,
					 count_strings((const char *const *)c->env), ADDED_MAX);
	if (!env || add_bot(e, env)) {
		err_set(err, ERR_INTERNAL, "out of memory");
	} else {
		struct command_spec spec = {
			.stages = (const char *const *const *)c->stages,
			.paths = (const char *const *)c->paths,
			.env = (const char *const *)env,
			.dir = c->dir,
			.limits = c->limits,
		};
		packed = command_new(&spec, err);
	}
	engine_strings_free(env);
	return packed;
}

int engine_commands_build(struct engine *e, struct err *err)
{
	struct {
		const struct engine_command *from;
		struct command **to;
	} others[] = {
		{ &e->on_error, &e->on_error_packed },
		{ &e->on_timeout, &e->on_timeout_packed },
		{ &e->on_undelivered, &e->on_undelivered_packed },
		{ &e->from, &e->source_packed },
	};
	for (size_t i = 0; i < e->route_count; i++) {
		struct route *r = &e->routes[i];
		if (r->url && handler_set_url(r->handler, r->url, e->webhook_secret, err))
			return -1;
		if (r->url)
			continue;
		struct command *packed = pack(e, &r->command, err);
		if (!packed)
			return -1;
		handler_set_command(r->handler, packed, e->bot_username);
		command_unref(packed);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct command *packed = others[i].from->stages ? pack(e, others[i].from, err)
								: NULL;
		if (others[i].from->stages && !packed)
			return -1;
		command_unref(*others[i].to);
		*others[i].to = packed;
	}
	return 0;
}
