/* cli/check_state: the place of the state in, what a run would stumble over there out. It changes
 * nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/check.h"
#include "io/statedir.h"
#include "queue/shared/fleet_check.h"
#include "queue/shared/fleet_url.h"
#include "queue/store/store.h"

/* With too little a run waits until there is more; only a database that is still to be made needs
 * some at once. */
static void check_room(struct check *c, int64_t bytes, bool fresh)
{
	struct err err;
	if (bytes == 0 && fresh) {
		err_set(&err, ERR_IO, "the disk of the state directory '%s' is full",
			c->setup->state_dir);
		check_bad(c, &err);
	} else if (bytes >= 0 && bytes < c->setup->config.engine.min_free) {
		options_warn(
			&c->setup->config,
			"the disk of '%s' has %lld MB free, less than --min-free (%lld MB): nothing is fetched until there is more",
			c->setup->state_dir, (long long)bytes >> 20,
			(long long)c->setup->config.engine.min_free >> 20);
	}
}

/* The directory is not there yet: could it be made? */
static void check_parent(struct check *c)
{
	char *path = strdup(c->setup->state_dir);
	struct stat st;
	struct err err;
	if (!path)
		return;
	do
		check_go_up(path);
	while (stat(path, &st) && strcmp(path, "/") != 0 && strcmp(path, ".") != 0);
	if (stat(path, &st) || !S_ISDIR(st.st_mode) ||
	    faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS)) {
		err_set(&err, ERR_CANTCREATE,
			"cannot make the state directory '%s': '%s' may not be written",
			c->setup->state_dir, path);
		check_bad(c, &err);
	} else {
		struct statvfs fs;
		if (statvfs(path, &fs) == 0)
			check_room(c, (int64_t)(fs.f_bavail * fs.f_frsize), true);
		check_say("ok", "state directory: '%s' (will be made)", c->setup->state_dir);
	}
	free(path);
}

static void check_store(struct check *c, struct statedir *d)
{
	struct err err = { 0 };
	struct store_look look;
	if (sqlite_look(statedir_fd(d), statedir_path(d),
			c->setup->secret ? secret_bot_id(c->setup->secret) : 0, &look, &err)) {
		/* since then: what is read without a lock may be half of a change */
		if (statedir_in_use(d))
			check_say("note", "another tgrun has begun to use the state directory '%s'",
				  statedir_path(d));
		else
			check_bad(c, &err);
		return;
	}
	check_say("ok", "state directory: '%s'%s", statedir_path(d), look.there ? "" : " (empty)");
	check_room(c, statedir_free_bytes(d) + look.spare, !look.there);
	if (look.waiting)
		check_say("note", "%lld update%s unfinished; see: tgrun queue list",
			  (long long)look.waiting, look.waiting == 1 ? " is" : "s are");
	if (look.dead)
		check_say("note", "%lld dead letter%s; see: tgrun dead list", (long long)look.dead,
			  look.dead == 1 ? "" : "s");
}

/* ---- a queue that several machines share ---- */

static void shared_ok(void *arg, const char *text)
{
	(void)arg;
	check_say("ok", "%s", text);
}

static void shared_warning(void *arg, const char *text)
{
	struct check *c = arg;
	options_warn(&c->setup->config, "%s", text);
}

static void shared_wrong(void *arg, const struct err *err)
{
	check_bad(arg, err);
}

static void check_shared(struct check *c)
{
	const struct fleet_check_told told = { shared_ok, shared_warning, shared_wrong, c };
	struct setup *s = c->setup;
	struct buf rule;
	struct engine_options options = setup_engine_options(s);
	buf_init(&rule, SIZE_MAX / 2);
	int rc = engine_rule(&options, &rule, NULL);
	fleet_check(s->config.store, secret_bot_id(s->secret), rc ? NULL : buf_str(&rule), &told);
	buf_release(&rule);
}

void check_state(struct check *c)
{
	struct err err = { 0 };
	struct setup *s = c->setup;
	char who[STATEDIR_HOLDER_MAX];
	pid_t holder = 0;
	if (fleet_url_is(s->config.store) && s->secret)
		check_shared(c);
	if (setup_state_dir(s, &err)) {
		check_bad(c, &err);
		return;
	}
	struct statedir *d = statedir_look(s->state_dir, &err);
	if (!d) {
		if (err.status)
			check_bad(c, &err);
		else
			check_parent(c);
		return;
	}
	if (statedir_runs(d, &holder)) {
		if (s->config.unless_running) {
			check_say(
				"note",
				"another tgrun (%s) runs this bot; with --unless-running this one "
				"would leave at once",
				statedir_holder(holder, who));
		} else {
			err_set(&err, ERR_TEMPFAIL,
				"another tgrun (%s) already runs this bot with the state directory "
				"'%s'",
				statedir_holder(holder, who), s->state_dir);
			check_bad(c, &err);
		}
	} else if (statedir_may_write(d, &err) || statedir_data(d, false, &err)) {
		check_bad(c, &err);
	} else if (statedir_in_use(d)) {
		check_say("note", "the last handlers of a previous run are still ending");
	} else if (fleet_url_is(s->config.store)) {
		check_say("ok", "state directory: '%s'", statedir_path(d));
	} else {
		check_store(c, d);
	}
	statedir_close(d);
}
