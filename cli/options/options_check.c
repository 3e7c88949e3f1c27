/* cli/options/options_check: a config with every value set in, its contradictions out: what was
 * given twice, what is missing, lists that another room understands, and what deserves a warning.
 * Invariant: a config that passes is understood by every room that it is handed to. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "api/api_root.h"
#include "cli/options/options_internal.h"
#include "update/kinds.h"
#include "update/match.h"
#include "update/update.h"

static void drop(struct config *c, const void *member)
{
	options_unset(c, options_row_of_member(c, member));
}

/* Two ways to say one thing, by `text` and in `file`: that of the higher level counts, both on one
 * level are a mistake. */
static int check_twice(struct config *c, char *const *text, char *const *file, const char *what,
		       struct err *err)
{
	if (!*text || !*file)
		return 0;
	enum origin of_text = config_origin(c, text), of_file = config_origin(c, file);
	if (of_text == of_file)
		return err_set(err, ERR_USAGE,
			       "the %s is given twice: by '%s' and by '%s'; give one of them", what,
			       options_row_of_member(c, text)->name,
			       options_row_of_member(c, file)->name);
	drop(c, of_text < of_file ? text : file);
	return 0;
}

static int check_handler(struct config *c, struct err *err)
{
	if (!(c->command & COMMAND_HANDLING))
		return 0;
	if (c->handler_argv.count && config_origin(c, &c->handler) == ORIGIN_ARGUMENT)
		return err_set(
			err, ERR_USAGE,
			"the handler is given twice: by '--handler' and after '--'; give one of them");
	if (c->handler_argv.count)
		drop(c, &c->handler);
	if (!c->handler && !c->handler_argv.count)
		return err_set(
			err, ERR_USAGE,
			"no handler: say what runs for each update, such as --handler ./bot.sh");
	return 0;
}

static int check_key(const struct config *c, struct err *err)
{
	struct err why;
	char place[512];
	/* These name a key, not what keys are made of. */
	if (!(c->command & COMMAND_HANDLING) && config_origin(c, &c->lists.key) == ORIGIN_ARGUMENT)
		return 0;
	struct key_spec *spec = key_spec_new((const char *const *)c->lists.key.items,
					     c->lists.key.count, &why);
	if (!spec)
		return err_set(err, why.status, "%s: %s",
			       config_where(c, &c->lists.key, place, sizeof place), why.text);
	key_spec_free(spec);
	return 0;
}

static int check_max_age(const struct config *c, struct err *err)
{
	struct err why = { 0 };
	char place[512];
	int rc = 0;
	struct max_age *ages = max_age_new();
	if (!ages)
		return err_set(err, ERR_INTERNAL, "out of memory");
	for (size_t i = 0; i < c->lists.max_age.count && rc == 0; i++)
		rc = max_age_set(ages, c->lists.max_age.items[i], &why);
	max_age_free(ages);
	if (rc)
		return err_set(err, why.status, "%s: %s",
			       config_where(c, &c->lists.max_age, place, sizeof place), why.text);
	return 0;
}

/* A kind that is not known may be newer than tgrun, so it is sent; the server ignores what it does
 * not know without a word. */
static int check_kinds(struct config *c, struct err *err)
{
	char place[512];
	config_where(c, &c->allowed_updates, place, sizeof place);
	for (size_t i = 0; i < c->allowed_updates.count; i++) {
		const char *kind = c->allowed_updates.items[i];
		if (strcmp(kind, "all") == 0 || strcmp(kind, "default") == 0) {
			if (c->allowed_updates.count > 1)
				return err_set(err, ERR_USAGE,
					       "%s: '%s' stands alone, without other kinds", place,
					       kind);
			continue;
		}
		if (kind[strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789_")])
			return err_set(err, ERR_USAGE, "%s: '%s' is no kind of update", place,
				       kind);
		if (kinds_find(kind, strlen(kind)))
			continue;
		const char *near = kinds_nearest(kind);
		options_warn(c, "%s: unknown kind of update '%s'%s%s%s", place, kind,
			     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	return 0;
}

static int check_matches(const struct config *c, const struct texts *matches, struct err *err)
{
	struct err why;
	char place[512];
	for (size_t i = 0; i < matches->count; i++)
		if (match_check(matches->items[i], &why))
			return err_set(err, why.status, "%s: %s",
				       config_where(c, matches, place, sizeof place), why.text);
	return 0;
}

static int check_ids(const struct config *c, const struct texts *ids, struct err *err)
{
	struct err why;
	char place[512];
	if (options_check_ids(ids, ids == &c->allow_user, &why) == 0)
		return 0;
	config_where(c, ids, place, sizeof place);
	return err_set(err, why.status, "%s: %s", place, why.text);
}

static int check_mode(const struct config *c, struct err *err)
{
	if (c->policy.handler.workers && c->policy.mode)
		return err_set(
			err, ERR_USAGE,
			"'workers' and 'mode = batch' exclude each other: a worker gets updates one by one, or by 'batch-by'");
	return 0;
}

enum { GATHER_WAIT = 1000 }; /* the default of --batch-wait beside --batch-by, milliseconds */

static int check_batch_by(struct config *c, struct err *err)
{
	struct err why;
	char place[512];
	bool any = c->policy.batch_by;
	if (any && options_check_batch_by(&c->policy, &why))
		return err_set(err, why.status, "%s: %s",
			       config_where(c, &c->policy.batch_by, place, sizeof place), why.text);
	bool usual = config_origin(c, &c->policy.batch_wait) == ORIGIN_DEFAULT;
	if (any && usual)
		c->policy.batch_wait = GATHER_WAIT;
	for (size_t i = 0; i < c->route.count; i++) {
		struct route_config *r = &c->route.items[i];
		any = any || r->policy.batch_by;
		if (r->policy.batch_by && usual &&
		    !r->set[offsetof(struct route_policy, batch_wait)])
			r->policy.batch_wait = GATHER_WAIT;
	}
	if (any && c->lists.key.count == 1 && strcmp(c->lists.key.items[0], "none") == 0)
		return err_set(
			err, ERR_USAGE,
			"'batch-by' gathers what has one key, and with 'key = none' nothing has any; write for example 'key = /message/media_group_id'");
	return 0;
}

/* A reply is what a handler of one update prints. */
static int check_reply(const struct config *c, struct err *err)
{
	char place[512];
	bool given = config_origin(c, &c->policy.reply) != ORIGIN_DEFAULT;
	bool any = c->policy.reply != REPLY_NONE;
	const void *member = &c->policy.reply;
	struct err why;
	for (size_t i = 0; i < c->lists.reply_with.count; i++)
		if (reply_with_check(c->lists.reply_with.items[i], &why))
			return err_set(err, why.status, "%s: %s",
				       config_where(c, &c->lists.reply_with, place, sizeof place),
				       why.text);
	if (c->policy.mode == MODE_BATCH && !c->policy.batch_by && given && any)
		return err_set(
			err, ERR_USAGE,
			"%s: a batch of many chats answers nobody: 'reply' and 'mode = batch' exclude each other without 'batch-by'",
			config_where(c, member, place, sizeof place));
	for (size_t i = 0; i < c->route.count && !any; i++)
		any = c->route.items[i].policy.reply != REPLY_NONE;
	if (any && c->stdout_to != STDOUT_LOG)
		return err_set(
			err, ERR_USAGE,
			"'reply' and 'stdout = %s' exclude each other: what a handler prints goes to one place",
			c->stdout_to == STDOUT_INHERIT ? "inherit" : "discard");
	return 0;
}

/* A directory called '~' is never meant. */
static int check_home(const struct config *c, struct err *err)
{
	char *const *const paths[] = { &c->token_file, &c->state_dir, &c->chdir };
	char place[512];
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (*paths[i] && strncmp(*paths[i], "~/", 2) == 0)
			return err_set(err, ERR_USAGE,
				       "%s: only a shell knows '~'; write the whole path for '%s'",
				       config_where(c, paths[i], place, sizeof place), *paths[i]);
	return 0;
}

static int check_url(struct config *c, struct err *err)
{
	struct api_root root;
	if (api_root_read(&root, c->api_url, err))
		return -1;
	if (root.plain)
		options_warn(c, "the token goes to '%s' unencrypted; use https", root.url);
	c->api_login = root.login != NULL;
	api_root_release(&root);
	return 0;
}

bool options_others_may_read(const char *path)
{
	struct stat st;
	struct statvfs fs;
	char real[PATH_MAX];
	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	/* A file of another owner that we can read by its group is one that its owner gave to us.
	 */
	if (!(st.st_mode & S_IROTH) && (!(st.st_mode & S_IRGRP) || st.st_uid != geteuid()))
		return false;
	/* The runtime of a container mounts secrets with modes of its own choice: there is nothing
	 * to mend, at each start. */
	if (statvfs(path, &fs) == 0 && fs.f_flag & ST_RDONLY)
		return false;
	return !realpath(path, real) || (strncmp(real, "/run/secrets/", 13) != 0 &&
					 strncmp(real, "/var/run/secrets/", 17) != 0);
}

static void check_file_mode(struct config *c)
{
	bool token = c->token && config_origin(c, &c->token) == ORIGIN_FILE;
	bool webhook = c->webhook_secret && config_origin(c, &c->webhook_secret) == ORIGIN_FILE;
	bool password = c->api_login && config_origin(c, &c->api_url) == ORIGIN_FILE;
	if ((token || password || webhook) && options_others_may_read(c->config))
		options_warn(c,
			     "config file '%s' holds the %s and others may read it; chmod 600 '%s'",
			     c->config,
			     token      ? "token"
			     : password ? "server's password"
					: "secret of webhooks",
			     c->config);
}

/* The Bot API counts in whole seconds, and what is cut to 0 would be a loop without a pause. */
static int check_poll_timeout(const struct config *c, struct err *err)
{
	char place[512];
	if (c->poll.timeout % 1000 == 0)
		return 0;
	return err_set(err, ERR_USAGE, "%s: poll-timeout takes whole seconds",
		       config_where(c, &c->poll.timeout, place, sizeof place));
}

int options_check(struct config *c, struct err *err)
{
	if (check_twice(c, &c->token, &c->token_file, "token", err) ||
	    check_twice(c, &c->webhook_secret, &c->webhook_secret_file, "secret of webhooks",
			err) ||
	    check_handler(c, err) || check_key(c, err) || check_max_age(c, err) ||
	    check_kinds(c, err) || check_poll_timeout(c, err) ||
	    check_matches(c, &c->lists.only, err) || check_matches(c, &c->lists.ignore, err) ||
	    check_matches(c, &c->lists.bypass, err) || check_mode(c, err) ||
	    check_ids(c, &c->allow_user, err) || check_ids(c, &c->allow_chat, err) ||
	    check_home(c, err) || options_route_check(c, err) || check_batch_by(c, err) ||
	    check_reply(c, err) || check_url(c, err) || options_url_check(c, err))
		return -1;
	check_file_mode(c);
	if (c->once && config_origin(c, &c->poll.give_up_after) == ORIGIN_DEFAULT)
		c->poll.give_up_after = CONFIG_ONCE_GIVE_UP;
	return 0;
}
