/* cli/setup: options in, the engine's words out. What is relative becomes absolute here, and what is secret is read here once. */
#include "cli/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "base/buf.h"
#include "update/kinds.h"

enum { TOKEN_FILE_MAX = 4096, ALLOWED_MAX = 16384 };

int setup_options(struct setup *s, char *const *argv, char *const *envp, struct err *err)
{
	*s = (struct setup){ .argv = options_copy(argv), .envp = options_copy(envp) };
	char **scratch = options_copy(argv);
	int argc = 0, rc = -1;
	if (!s->argv || !s->envp || !scratch)
		return err_set(err, ERR_INTERNAL, "out of memory");
	while (scratch[argc])
		argc++;
	rc = options_parse(&s->config, argc, scratch, s->envp, err);
	options_free_copy(scratch);
	return rc;
}

void setup_warn(struct setup *s, const char *fmt, ...)
{
	struct config *c = &s->config;
	char *text;
	va_list ap;
	va_start(ap, fmt);
	if (c->warning_count < CONFIG_WARNINGS_MAX && vasprintf(&text, fmt, ap) >= 0)
		c->warnings[c->warning_count++] = text;
	va_end(ap);
}

/* Reads a token file into `token` of TOKEN_FILE_MAX bytes. */
static int read_token_file(struct setup *s, const char *path, char *token, struct err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(err, ERR_NOPERM, errno, "cannot open the token file '%s'", path);
	ssize_t n = read(fd, token, TOKEN_FILE_MAX - 1);
	int errnum = errno;
	if (n >= 0 && fstat(fd, &st) == 0 && st.st_mode & (S_IRGRP | S_IROTH) && S_ISREG(st.st_mode))
		setup_warn(s, "others may read the token file '%s'; mend it by: chmod 600 '%s'", path, path);
	close(fd);
	if (n < 0)
		return err_sys(err, ERR_NOPERM, errnum, "cannot read the token file '%s'", path);
	token[n] = '\0';
	return 0;
}

int setup_token(struct setup *s, struct err *err)
{
	char file[TOKEN_FILE_MAX], path[TOKEN_FILE_MAX];
	const struct config *c = &s->config;
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	int rc = 0;
	if (c->token) {
		s->secret = secret_new(c->token, err);
		return s->secret ? 0 : -1;
	}
	if (c->token_file) {
		snprintf(path, sizeof path, "%s", c->token_file);
	} else if (credentials && snprintf(path, sizeof path, "%s/token", credentials) > 0 && access(path, F_OK) == 0) {
		;
	} else {
		return err_set(err, ERR_USAGE, "no token: give it by --token, --token-file, TGRUN_TOKEN or the config file "
			       "(@BotFather makes one; 'tgrun try' needs none)");
	}
	rc = read_token_file(s, path, file, err);
	if (rc == 0)
		s->secret = secret_new(file, err);
	explicit_bzero(file, sizeof file);
	if (rc == 0 && !s->secret && c->token_file) {
		struct err why = *err;
		err_set(err, why.status, "token file '%s': %s", path, why.text);
	}
	return s->secret ? 0 : -1;
}

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

/* The environment that handlers begin with: the caller's less what is tgrun's, or nothing, and what --env adds. */
static char **make_env(const struct setup *s, struct err *err)
{
	const struct config *c = &s->config;
	size_t n = 0, inherited = 0;
	while (s->envp[inherited])
		inherited++;
	char **env = calloc(inherited + c->env.count + 1, sizeof *env);
	for (size_t i = 0; env && i < inherited && !c->clear_env; i++)
		if (!is_ours(s->envp[i]))
			env[n++] = strdup(s->envp[i]);
	for (size_t i = 0; env && i < c->env.count; i++) {
		const char *entry = c->env.items[i];
		size_t length = strcspn(entry, "=");
		if (length == 0 || is_ours(entry)) {
			err_set(err, ERR_USAGE, "--env '%.*s': %s", (int)length, entry,
				length ? "names that begin with TG_ or TGRUN_ are tgrun's own" : "a name is missing before '='");
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

int setup_handler(struct setup *s, const char *cwd, struct err *err)
{
	const struct config *c = &s->config;
	struct stat st;
	int rc = c->handler_argv.count ? words_from_argv(c->handler_argv.items, &s->words, err)
				       : words_split(c->handler, &s->words, err);
	if (rc || words_resolve(&s->words, cwd, getenv("PATH"), err))
		return -1;
	if (c->chdir) {
		rc = c->chdir[0] == '/' ? asprintf(&s->dir, "%s", c->chdir) : asprintf(&s->dir, "%s/%s", cwd, c->chdir);
		if (rc < 0) {
			s->dir = NULL;
			return err_set(err, ERR_INTERNAL, "out of memory");
		}
		if (stat(s->dir, &st))
			return err_sys(err, ERR_CONFIG, errno, "cannot use --chdir '%s'", c->chdir);
		if (!S_ISDIR(st.st_mode) || access(s->dir, X_OK))
			return err_set(err, ERR_CONFIG, "cannot use --chdir '%s': it is no directory that may be entered", c->chdir);
	}
	for (size_t i = 0; i < s->words.count; i++)
		if (stat(s->words.paths[i], &st) == 0 && st.st_mode & S_IWOTH)
			setup_warn(s, "anyone may change the handler '%s'; mend it by: chmod o-w '%s'", s->words.paths[i], s->words.paths[i]);
	s->env = make_env(s, err);
	return s->env ? 0 : -1;
}

int setup_state_dir(struct setup *s, struct err *err)
{
	const char *given = s->config.state_dir, *systemd = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	long long id = s->secret ? secret_bot_id(s->secret) : 0;
	int rc;
	if (given) {
		rc = asprintf(&s->state_dir, "%s", given);
	} else if (systemd && systemd[0]) {
		rc = asprintf(&s->state_dir, "%.*s", (int)strcspn(systemd, ":"), systemd);
	} else if (xdg && xdg[0] == '/') {
		rc = asprintf(&s->state_dir, "%s/tgrun/%lld", xdg, id);
	} else {
		struct passwd *user = home && home[0] == '/' ? NULL : getpwuid(geteuid());
		if (user)
			home = user->pw_dir;
		if (!home || home[0] != '/')
			return err_set(err, ERR_CANTCREATE, "no home directory to keep the state in; name one by --state-dir");
		rc = asprintf(&s->state_dir, "%s/.local/state/tgrun/%lld", home, id);
	}
	if (rc < 0) {
		s->state_dir = NULL;
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

static char *allowed_json(struct setup *s)
{
	const struct texts *kinds = &s->config.allowed_updates;
	struct buf json;
	buf_init(&json, ALLOWED_MAX);
	bool all = kinds->count && strcmp(kinds->items[0], "all") == 0;
	bool by_default = !kinds->count || strcmp(kinds->items[0], "default") == 0;
	size_t count;
	const struct kind *table = kinds_all(&count);
	int rc = buf_addc(&json, '[');
	for (size_t i = 0; !by_default && i < (all ? count : kinds->count); i++) {
		const char *name = all ? table[i].name : kinds->items[i];
		if (!all && !kinds_find(name, strlen(name))) {
			const char *near = kinds_nearest(name);
			setup_warn(s, "--allowed-updates: '%s' is no kind of update that this tgrun knows, and Telegram ignores unknown ones "
				   "without a word%s%s%s", name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		}
		rc |= (i ? buf_addc(&json, ',') : 0) | buf_add_json(&json, name, strlen(name));
	}
	rc |= buf_addc(&json, ']');
	if (rc == 0)
		return json.data;
	buf_release(&json);
	return NULL;
}

int setup_api(struct setup *s, struct err *err)
{
	int rc = api_check_root(s->config.api_url, err);
	if (rc < 0)
		return -1;
	if (rc > 0)
		setup_warn(s, "the token goes to '%s' unencrypted; use https", s->config.api_url);
	s->allowed_updates = allowed_json(s);
	return s->allowed_updates ? 0 : err_set(err, ERR_USAGE, "--allowed-updates is too long");
}

struct engine_options setup_engine_options(const struct setup *s)
{
	const struct config *c = &s->config;
	return (struct engine_options){
		.command = { .stages = (const char *const *const *)s->words.stages, .paths = (const char *const *)s->words.paths,
			     .env = (const char *const *)s->env, .dir = s->dir },
		.hide_token = c->hide_token,
		.exec = { .timeout = c->timeout, .kill_after = c->kill_after, .background = (enum background)c->background,
			  .max_output = (uint64_t)c->max_output,
			  .outcome = { .on_failure = (enum on_failure)c->on_failure, .max_attempts = c->max_attempts } },
		.retry_delay = c->retry_delay, .breaker = c->breaker, .concurrency = c->concurrency,
		.keys = (const char *const *)c->key.items, .key_count = c->key.count,
		.max_age = (const char *const *)c->max_age.items, .max_age_count = c->max_age.count,
		.backlog = c->backlog, .min_free = c->min_free, .dead_keep = c->dead_keep_count, .dead_keep_age = c->dead_keep_age,
		.shutdown_timeout = c->shutdown_timeout,
	};
}

void setup_release(struct setup *s)
{
	config_release(&s->config);
	options_free_copy(s->argv);
	options_free_copy(s->envp);
	options_free_copy(s->env);
	secret_free(s->secret);
	words_release(&s->words);
	free(s->dir);
	free(s->state_dir);
	free(s->allowed_updates);
	*s = (struct setup){ 0 };
}
