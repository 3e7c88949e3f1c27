/* cli/setup: options in; the token, the state directory's path and the API's words out. What is secret is read here once. */
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
	} else if (credentials && snprintf(path, sizeof path, "%s/token", credentials) > 0 &&
		   (access(path, F_OK) == 0 || errno != ENOENT)) {
		;
	} else {
		if (c->source && c->command & COMMAND_HANDLING)
			return 0;
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
	} else if (!s->secret) {
		return err_set(err, ERR_USAGE, "no place for the state: without a token it is named by --state-dir, or --store memory keeps none");
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

/* Whether each of these matches is a kind, so that the server can decide. */
static bool all_kinds(const struct texts *matches)
{
	for (size_t i = 0; i < matches->count; i++)
		if (matches->items[i][0] == '/')
			return false;
	return matches->count > 0;
}

static bool has(const struct texts *texts, const char *name)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->items[i], name) == 0)
			return true;
	return false;
}

/* The kinds to ask for: those of --allowed-updates, less what --only and --ignore would not let through. What the server sends by default has no list of
 * its own, since newer servers have newer kinds; so --ignore alone does not make one. */
static int allowed_json(struct setup *s, struct err *err)
{
	const struct config *c = &s->config;
	const struct texts *given = &c->allowed_updates;
	bool narrow = all_kinds(&c->only), all = given->count && strcmp(given->items[0], "all") == 0;
	bool by_default = !given->count || strcmp(given->items[0], "default") == 0;
	struct buf json;
	size_t count, kept = 0;
	const struct kind *table = kinds_all(&count);
	if (by_default && narrow)
		given = &c->only;
	if (!all)
		count = given->count;
	if (by_default && !narrow)
		count = 0;
	buf_init(&json, ALLOWED_MAX);
	int rc = buf_addc(&json, '[');
	for (size_t i = 0; rc == 0 && i < count; i++) {
		const char *name = all ? table[i].name : given->items[i];
		if ((narrow && !has(&c->only, name)) || has(&c->ignore, name))
			continue;
		rc = (kept++ ? buf_addc(&json, ',') : 0) || buf_add_json(&json, name, strlen(name));
	}
	rc = rc || buf_addc(&json, ']');
	if (rc && errno != EOVERFLOW)
		err_set(err, ERR_INTERNAL, "out of memory");
	else if (rc)
		err_set(err, ERR_USAGE, "--allowed-updates is too long");
	else if (count && !kept)
		rc = err_set(err, ERR_USAGE, "no kind of update is left: 'allowed-updates', 'only' and 'ignore' exclude each other");
	if (rc) {
		buf_release(&json);
		return -1;
	}
	s->allowed_updates = json.data;
	return 0;
}

int setup_api(struct setup *s, struct err *err)
{
	int rc = api_check_root(s->config.api_url, err);
	if (rc < 0)
		return -1;
	if (rc > 0)
		setup_warn(s, "the token goes to '%s' unencrypted; use https", s->config.api_url);
	return allowed_json(s, err);
}

void setup_release(struct setup *s)
{
	setup_release_handlers(s);
	config_release(&s->config);
	options_free_copy(s->argv);
	options_free_copy(s->envp);
	secret_free(s->secret);
	free(s->dir);
	free(s->state_dir);
	free(s->allowed_updates);
	*s = (struct setup){ 0 };
}
