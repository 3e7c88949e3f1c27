/* engine/engine_stand: whether what the engine wrote still stands under its name. The state
 * directory, the queue and the control socket are asked; yes or no goes out, and a line of the log
 * when that changes. Invariant: while the answer is no, no offset is sent: what it would confirm
 * could not be found again. What is only a lock, a mark or a socket is made anew. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine_internal.h"
#include "io/roster.h"

enum { COMMAND_MAX = 512, PLACE_MAX = 1024 };

/* A queue that forgets keeps nothing in the directory. Without it nobody finds this tgrun, which
 * runs on. */
static int pass_over(struct engine *e, int mended, const struct err *why)
{
	bool gone = mended < 0;
	if (gone && !e->unreachable)
		log_event(
			e->config.log, LOG_WARN, LOG_NONE,
			"%s: tgrun goes on, since --store memory keeps nothing there; other commands "
			"do not reach it, and a second tgrun does not see that it runs",
			why->text);
	if (!gone && e->unreachable)
		log_event(e->config.log, LOG_INFO, LOG_NONE,
			  "the state directory stands under its name again");
	e->unreachable = gone;
	return gone ? 0 : mended;
}

/* 1: something was made anew. */
static int look(struct engine *e, struct err *err)
{
	struct statedir *dir = e->config.dir;
	char id[STATEDIR_ID_MAX];
	int mended = statedir_stands(dir, err);
	if (mended > 0) {
		statedir_id(dir, id);
		roster_begin(statedir_slots_fd(dir), id);
		if (slots_relock(e->config.slots, statedir_slots_fd(dir)))
			mended = err_set(
				err, ERR_IO,
				"the slots' lock in '%s' was removed and cannot be made anew",
				statedir_path(dir));
	}
	if (e->config.store_forgets)
		return pass_over(e, mended, err);
	int kept = mended < 0 ? -1 : queue_stands(e->queue, err);
	return kept < 0 ? -1 : mended | kept;
}

/* The command that copies what the open files hold. They are written to meanwhile, so this process
 * stands still. */
static void rescue_command(struct engine *e, char *out, size_t size)
{
	struct queue_files files;
	long pid = (long)getpid();
	queue_files(e->queue, &files);
	size_t n = (size_t)snprintf(out, size, "kill -STOP %ld", pid);
	for (int i = 0; i < QUEUE_FILES; i++)
		if (files.fd[i] >= 0 && n < size)
			n += (size_t)snprintf(out + n, size - n, "; cp /proc/%ld/fd/%d %s", pid,
					      files.fd[i], files.name[i]);
	if (n < size)
		snprintf(out + n, size - n, "; kill -CONT %ld", pid);
}

/* Where the database is now, if anywhere. */
static void last_place(struct engine *e, char *out, size_t size)
{
	struct queue_files files;
	char link[64];
	queue_files(e->queue, &files);
	snprintf(link, sizeof link, "/proc/self/fd/%d", files.fd[0]);
	ssize_t n = files.fd[0] < 0 ? -1 : readlink(link, out, size - 1);
	out[n < 0 ? 0 : n] = '\0';
}

/* Whether what was written is still in the files, wherever they are. */
static bool is_whole(struct engine *e)
{
	struct queue_files files;
	queue_files(e->queue, &files);
	for (int i = 0; i < QUEUE_FILES; i++)
		if (files.fd[i] >= 0)
			return true;
	return false;
}

/* A file that was cut or is damaged: nothing can be promised of the rest. */
static void tell_spoilt(struct engine *e, const char *why)
{
	log_event(
		e->config.log, LOG_ERROR, LOG_NONE,
		"%s: nothing more is asked for, since what comes would be lost; handlers go on "
		"while they can. What the file held may be lost when this process ends: copy what "
		"'tgrun queue' and 'tgrun dead' still show, stop tgrun, and restore a backup, or "
		"move the state directory away",
		why);
	engine_remember_error(e, why);
}

static void tell_gone(struct engine *e, const char *why)
{
	char command[COMMAND_MAX];
	rescue_command(e, command, sizeof command);
	log_event(e->config.log, LOG_ERROR, LOG_NONE,
		  "%s: nothing more is asked for, since what comes would be lost; handlers go on. "
		  "What waits is in files that only "
		  "this process (%ld) has still open: to save them, as root and in a directory for "
		  "them: %s",
		  why, (long)getpid(), command);
	engine_remember_error(e, why);
}

bool engine_stands(struct engine *e)
{
	struct err err;
	int rc = e->config.dir ? look(e, &err) : 0;
	if (rc > 0)
		log_event(e->config.log, LOG_WARN, LOG_NONE,
			  "somebody removed a file in '%s', which tgrun made anew; what clears up "
			  "there should leave it alone",
			  statedir_path(e->config.dir));
	if (rc < 0 && !e->state_gone)
		(is_whole(e) ? tell_gone : tell_spoilt)(e, err.text);
	if (rc >= 0 && e->state_gone)
		log_event(e->config.log, LOG_INFO, LOG_NONE,
			  "the state stands under its name again: asking goes on");
	e->state_gone = rc < 0;
	e->control_due = rc >= 0 && !e->unreachable;
	return rc >= 0;
}

bool engine_ends_well(struct engine *e)
{
	struct queue_counts c;
	char place[PLACE_MAX];
	if (engine_stands(e))
		return true;
	queue_counts(e->queue, &c);
	if (!is_whole(e)) {
		log_event(
			e->config.log, LOG_ERROR,
			LOG_FIELDS(LOG_NUM("waiting", (int64_t)c.waiting),
				   LOG_NUM("dead_letters", c.dead)),
			"the state was cut, written over or damaged while tgrun ran: restore a backup, or "
			"move the state directory away and lose what it held");
		return false;
	}
	last_place(e, place, sizeof place);
	log_event(e->config.log, LOG_ERROR,
		  LOG_FIELDS(LOG_NUM("waiting", (int64_t)c.waiting),
			     LOG_NUM("dead_letters", c.dead), LOG_STR("database", place)),
		  "the state was taken away while tgrun ran: what waits, and the dead letters, are "
		  "where the database is, and nowhere if that was deleted");
	return false;
}
