/* cli/client/send_place: the state in which a message, or what is pushed, is to be stored. What
 * says most about it wins: the option, the handler that this runs in, the token, the service
 * manager; then the usual places are looked through. Invariant: where two could be meant, neither
 * is taken. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client/send.h"

/* The first two that were found. */
struct places {
	char *found[2];
	size_t count;
	bool failed;
};

static char *join(const char *parent, const char *name)
{
	char *path;
	return asprintf(&path, "%s/%s", parent, name) < 0 ? NULL : path;
}

/* Takes `path`, NULL: memory is out. */
static void note(struct places *p, char *path)
{
	char *file = path ? join(path, "run.lock") : NULL;
	p->failed = p->failed || !file;
	if (file && access(file, F_OK) == 0) {
		if (p->count < 2) {
			p->found[p->count] = path;
			path = NULL;
		}
		p->count++;
	}
	free(file);
	free(path);
}

/* The states among the directories in `parent` whose names begin so. */
static void look(struct places *p, const char *parent, const char *prefix)
{
	DIR *d = opendir(parent);
	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.' && strncmp(e->d_name, prefix, strlen(prefix)) == 0)
			note(p, join(parent, e->d_name));
	if (d)
		closedir(d);
}

static void look_in_home(struct places *p)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = xdg && *xdg == '/'     ? join(xdg, "tgrun")
		     : home && *home == '/' ? join(home, ".local/state/tgrun")
					    : NULL;
	if (path)
		look(p, path, "");
	free(path);
}

static int search(struct setup *s, struct err *err)
{
	struct places p = { .count = 0 };
	int rc = 0;
	look(&p, "/var/lib", "tgrun");
	look_in_home(&p);
	if (p.failed)
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	else if (p.count > 1)
		rc = err_set(err, ERR_USAGE,
			     "more than one bot has its state here: '%s', '%s'%s; name one by "
			     "--state-dir",
			     p.found[0], p.found[1], p.count > 2 ? " and more" : "");
	else if (p.count == 0)
		rc = err_set(
			err, ERR_USAGE,
			"no bot has its state here: name it by --state-dir, or the bot by --token-file");
	else
		s->state_dir = p.found[0];
	if (rc)
		free(p.found[0]);
	free(p.found[1]);
	return rc;
}

int send_place_find(struct setup *s, struct err *err)
{
	const struct config *c = &s->config;
	const char *systemd = getenv("STATE_DIRECTORY"), *handler = getenv("TG_STATE_DIR"),
		   *credentials = getenv("CREDENTIALS_DIRECTORY");
	bool token = c->token || c->token_file || credentials;
	if (token && setup_token(s, err))
		return -1;
	if (c->state_dir || (systemd && *systemd && !handler))
		return setup_state_dir(s, err);
	if (handler && *handler == '/') {
		s->state_dir = strdup(handler);
		return s->state_dir ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
	}
	return s->secret ? setup_state_dir(s, err) : search(s, err);
}

int send_place_open(struct setup *s, struct statedir **dir, struct err *err)
{
	*dir = statedir_visit(s->state_dir, err);
	if (!*dir && !err->status && s->secret)
		*dir = statedir_open(s->state_dir, err);
	else if (!*dir && !err->status)
		err_set(err, ERR_UNAVAILABLE, "no tgrun runs with the state directory '%s'",
			s->state_dir);
	return *dir ? 0 : -1;
}
