/* cli/setup/setup: options in; the token, the state directory's path and the API's words out. What
 * is secret is read here once. */
#include "cli/setup/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "queue/shared/fleet_url.h"
#include "update/kinds.h"

enum { ALLOWED_MAX = 16384 };

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

int setup_read_secret(struct setup *s, const char *what, const char *path, char *text, size_t *n,
		      struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(err, ERR_NOPERM, errno, "cannot open the %s '%s'", what, path);
	ssize_t got;
	while ((got = read(fd, text + *n, SETUP_SECRET_MAX - *n)) > 0 ||
	       (got < 0 && errno == EINTR))
		*n += got > 0 ? (size_t)got : 0;
	int errnum = errno;
	close(fd);
	if (got < 0)
		return err_sys(err, ERR_NOPERM, errnum, "cannot read the %s '%s'", what, path);
	if (options_others_may_read(path))
		options_warn(&s->config, "others may read the %s '%s'; mend it by: chmod 600 '%s'",
			     what, path, path);
	return 0;
}

bool setup_credential(const char *name, char *path)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	return dir && snprintf(path, PATH_MAX, "%s/%s", dir, name) > 0 &&
	       (access(path, F_OK) == 0 || errno != ENOENT);
}

static int use_token_file(struct setup *s, const char *path, struct err *err)
{
	char text[SETUP_SECRET_MAX];
	struct err why;
	size_t n = 0;
	if (setup_read_secret(s, "token file", path, text, &n, err))
		return -1;
	s->secret = secret_find(text, n, &why);
	explicit_bzero(text, sizeof text);
	return s->secret ? 0
			 : err_set(err, why.status,
				   "token file '%s': %s; mend it by: (umask 077; cat > '%s')", path,
				   why.text, path);
}

static int find_token(struct setup *s, struct err *err)
{
	char path[PATH_MAX];
	const struct config *c = &s->config;
	if (c->token) {
		struct err why;
		s->secret = secret_find(c->token, strlen(c->token), &why);
		return s->secret ? 0
				 : err_set(err, why.status, "%s: %s",
					   config_where(c, &c->token, path, sizeof path), why.text);
	}
	if (c->token_file)
		return use_token_file(s, c->token_file, err);
	if (setup_credential("token", path))
		return use_token_file(s, path, err);
	if (c->source && c->command & COMMAND_HANDLING)
		return 0;
	return err_set(err, ERR_USAGE,
		       "no token: give it by --token, --token-file, TGRUN_TOKEN or the config file "
		       "(@BotFather makes one; 'tgrun try' needs none)");
}

int setup_state_home(char **path, struct err *err)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct passwd *user = home && home[0] == '/' ? NULL : getpwuid(geteuid());
	int rc;
	if (user)
		home = user->pw_dir;
	if (xdg && xdg[0] == '/')
		rc = asprintf(path, "%s/tgrun", xdg);
	else if (home && home[0] == '/')
		rc = asprintf(path, "%s/.local/state/tgrun", home);
	else
		return err_set(err, ERR_CANTCREATE,
			       "no home directory to keep the state in; name one by --state-dir");
	if (rc >= 0)
		return 0;
	*path = NULL;
	return err_set(err, ERR_INTERNAL, "out of memory");
}

int setup_token(struct setup *s, struct err *err)
{
	return find_token(s, err) || fleet_url_hide(s->config.store, s->secret, err) ? -1 : 0;
}

int setup_state_dir(struct setup *s, struct err *err)
{
	const char *given = s->config.state_dir, *systemd = getenv("STATE_DIRECTORY");
	char *home = NULL;
	int rc;
	if (given) {
		rc = asprintf(&s->state_dir, "%s", given);
	} else if (systemd && systemd[0]) {
		rc = asprintf(&s->state_dir, "%.*s", (int)strcspn(systemd, ":"), systemd);
	} else if (!s->secret) {
		return err_set(
			err, ERR_USAGE,
			"no place for the state: without a token it is named by --state-dir, or --store memory keeps none");
	} else {
		if (setup_state_home(&home, err))
			return -1;
		rc = asprintf(&s->state_dir, "%s/%lld", home, (long long)secret_bot_id(s->secret));
		free(home);
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

/* The kinds to ask for: those of --allowed-updates, less what --only and --ignore would not let
 * through. What the server sends by default has no list of its own, since newer servers have newer
 * kinds; so --ignore alone does not make one. */
static int allowed_json(struct setup *s, struct err *err)
{
	const struct config *c = &s->config;
	const struct texts *given = &c->allowed_updates;
	bool narrow = all_kinds(&c->lists.only),
	     all = given->count && strcmp(given->items[0], "all") == 0;
	bool by_default = !given->count || strcmp(given->items[0], "default") == 0;
	struct buf json;
	size_t count, kept = 0;
	const struct kind *table = kinds_all(&count);
	if (by_default && narrow)
		given = &c->lists.only;
	if (!all)
		count = given->count;
	if (by_default && !narrow)
		count = 0;
	buf_init(&json, ALLOWED_MAX);
	int rc = buf_addc(&json, '[');
	for (size_t i = 0; rc == 0 && i < count; i++) {
		const char *name = all ? table[i].name : given->items[i];
		if ((narrow && !has(&c->lists.only, name)) || has(&c->lists.ignore, name))
			continue;
		rc = (kept++ ? buf_addc(&json, ',') : 0) || buf_add_json(&json, name, strlen(name));
	}
	rc = rc || buf_addc(&json, ']');
	if (rc && errno != EOVERFLOW)
		err_set(err, ERR_INTERNAL, "out of memory");
	else if (rc)
		err_set(err, ERR_USAGE, "--allowed-updates is too long");
	else if (count && !kept)
		rc = err_set(
			err, ERR_USAGE,
			"no kind of update is left: 'allowed-updates', 'only' and 'ignore' exclude each other");
	if (rc) {
		buf_release(&json);
		return -1;
	}
	s->allowed_updates = json.data;
	return 0;
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* --ca-file means that file and nothing else. SSL_CERT_FILE and SSL_CERT_DIR each take the place of
 * one of the machine's own, as in programs that use OpenSSL. */
static int find_authorities(struct setup *s, struct err *err)
{
	const struct config *c = &s->config;
	struct stat st;
	s->ca_file = c->ca_file ? c->ca_file : variable("SSL_CERT_FILE");
	s->ca_dirs = c->ca_file ? "" : variable("SSL_CERT_DIR");
	if (!s->ca_file || c->source || !s->api.tls || s->reload)
		return 0;
	int bad = stat(s->ca_file, &st) || access(s->ca_file, R_OK) ? errno
		  : S_ISDIR(st.st_mode)                             ? EISDIR
								    : 0;
	return bad ? err_sys(err, ERR_CONFIG, bad, "cannot read the certificates in '%s' (%s)",
			     s->ca_file, c->ca_file ? "--ca-file" : "SSL_CERT_FILE")
		   : 0;
}

int setup_api(struct setup *s, struct err *err)
{
	if (api_root_read(&s->api, s->config.api_url, err) ||
	    api_root_hide(s->api.login, s->secret, err) || find_authorities(s, err))
		return -1;
	return allowed_json(s, err);
}

void setup_release(struct setup *s)
{
	setup_release_handlers(s);
	config_release(&s->config);
	options_free_copy(s->argv);
	options_free_copy(s->envp);
	secret_free(s->secret);
	if (s->webhook_secret)
		explicit_bzero(s->webhook_secret, strlen(s->webhook_secret));
	free(s->webhook_secret);
	api_root_release(&s->api);
	free(s->dir);
	free(s->state_dir);
	free(s->allowed_updates);
	*s = (struct setup){ 0 };
}
