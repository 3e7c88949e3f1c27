/* cli/client/place: the options and the environment in, the path of a state out; or the paths of
 * all states in the usual places, and a look into one of them. Invariant: where two could be meant,
 * neither is taken. */
#include "cli/client/place.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/print.h"

#define SYSTEM "/var/lib"
#define NAME   "tgrun"

enum { NAMES_MAX = 700 /* bytes of paths in an error */ };

static char *join(const char *parent, const char *name)
{
	char *path;
	return asprintf(&path, "%s/%s", parent, name) < 0 ? NULL : path;
}

/* Takes `path`, NULL: memory is out, if it is a state. 0 or -1. */
static int note(struct texts *found, char *path)
{
	char *file = path ? join(path, "run.lock") : NULL;
	int rc = file ? 0 : -1;
	if (file && access(file, F_OK) == 0) {
		char **items = reallocarray(found->items, found->count + 1, sizeof *items);
		rc = items ? 0 : -1;
		if (items) {
			found->items = items;
			items[found->count++] = path;
			path = NULL;
		}
	}
	free(file);
	free(path);
	return rc;
}

/* The states among the directories in `parent` whose names begin so. */
static int look(struct texts *found, const char *parent, const char *prefix)
{
	DIR *d = opendir(parent);
	int rc = 0;
	for (struct dirent *e; d && rc == 0 && (e = readdir(d));)
		if (e->d_name[0] != '.' && strncmp(e->d_name, prefix, strlen(prefix)) == 0)
			rc = note(found, join(parent, e->d_name));
	if (d)
		closedir(d);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int place_look(struct texts *out, struct err *err)
{
	char *home = NULL;
	struct err none = { 0 };
	int rc = look(out, SYSTEM, NAME) || look(out, SYSTEM "/" NAME, "");
	/* Who has no home has no state there. */
	if (rc == 0 && setup_state_home(&home, &none) == 0)
		rc = look(out, home, "");
	free(home);
	if (out->count)
		qsort(out->items, out->count, sizeof *out->items, by_name);
	return rc ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

void place_release(struct texts *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->items[i]);
	free(t->items);
	*t = (struct texts){ 0 };
}

int place_apart(int (*one)(void *arg, const char *path), void *arg, const char *path,
		struct err *err)
{
	int status;
	if (print_end(err))
		return -1;
	pid_t pid = fork();
	if (pid < 0)
		return err_sys(err, ERR_TEMPFAIL, errno, "cannot make a process");
	if (pid == 0)
		_exit(one(arg, path));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int refuse(const struct texts *found, struct err *err)
{
	char names[NAMES_MAX] = "";
	size_t used = 0, told = 0;
	if (!found->count)
		return err_set(
			err, ERR_USAGE,
			"no bot has its state here: name it by --state-dir, or the bot by --token-file");
	for (; told < found->count; told++) {
		int n = snprintf(names + used, sizeof names - used, "%s'%s'", told ? ", " : "",
				 found->items[told]);
		if ((size_t)n >= sizeof names - used)
			break;
		used += (size_t)n;
	}
	names[used] = '\0';
	return err_set(err, ERR_USAGE,
		       "more than one bot has its state here: %s%s; name one by --state-dir "
		       "('tgrun list' tells of each)",
		       names, told < found->count ? " and more" : "");
}

static int search(struct setup *s, struct err *err)
{
	struct texts found = { 0 };
	int rc = place_look(&found, err);
	if (rc == 0 && found.count == 1) {
		s->state_dir = found.items[0];
		found.count = 0;
	} else if (rc == 0) {
		rc = refuse(&found, err);
	}
	place_release(&found);
	return rc;
}

static bool has_token(const struct config *c)
{
	char path[PATH_MAX];
	return c->token || c->token_file || setup_credential("token", path);
}

int place_find(struct setup *s, struct err *err)
{
	const struct config *c = &s->config;
	const char *systemd = getenv("STATE_DIRECTORY"), *handler = getenv("TG_STATE_DIR");
	/* Another bot may be named in a handler, too. */
	bool named = c->state_dir || c->token || c->token_file;
	if (!named && handler && *handler == '/') {
		s->state_dir = strdup(handler);
		return s->state_dir ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
	}
	if (c->state_dir || (systemd && *systemd))
		return setup_state_dir(s, err);
	if (!has_token(c))
		return search(s, err);
	return setup_token(s, err) || setup_state_dir(s, err) ? -1 : 0;
}

int place_find_with_token(struct setup *s, struct err *err)
{
	if (place_find(s, err))
		return -1;
	return !s->secret && has_token(&s->config) ? setup_token(s, err) : 0;
}
