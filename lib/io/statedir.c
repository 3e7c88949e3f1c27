/* io/statedir: a path in, a directory that is safe to use out. Every refusal says what would mend
 * it. Invariant: what belongs to another user is used by that user only; root becomes him first. */
#include "io/statedir_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* What the directory is wanted for: to run, by its owner; by a sub-command, which may be root's; to
 * be looked at, without a trace. */
enum purpose { RUN, VISIT, LOOK };

/* Makes the directory and the parents that are missing. */
static int make_directories(const char *path, struct err *err)
{
	char *copy = strdup(path);
	int rc = 0;
	if (!copy)
		return err_set(err, ERR_INTERNAL, "out of memory");
	for (char *p = copy + 1; rc == 0; p++) {
		char c = *p;
		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			rc = err_sys(err, err_of_disk(errno), errno,
				     "cannot make the state directory '%s' ('%s')", path, copy);
		*p = c;
		if (c == '\0')
			break;
	}
	free(copy);
	return rc;
}

/* Looks at what stands at the path before it is opened: a link in the way is refused unless it is
 * as systemd makes them. */
static int check_link(const char *path, bool visit, struct err *err)
{
	struct stat link, target;
	if (lstat(path, &link))
		return err_sys(err, ERR_CANTCREATE, errno, "cannot use the state directory '%s'",
			       path);
	if (S_ISDIR(link.st_mode))
		return 0;
	if (!S_ISLNK(link.st_mode))
		return err_set(
			err, ERR_CANTCREATE,
			"the state directory '%s' is no directory; remove that file, or name another directory by "
			"--state-dir",
			path);
	if (stat(path, &target))
		return err_sys(err, ERR_CANTCREATE, errno,
			       "cannot use the state directory '%s', a symbolic link", path);
	if (link.st_uid != 0 && link.st_uid != (visit ? target.st_uid : geteuid()))
		return err_set(
			err, ERR_CANTCREATE,
			"the state directory '%s' is a symbolic link of another user's; name the directory itself",
			path);
	if (!visit && target.st_uid != geteuid())
		return err_set(
			err, ERR_CANTCREATE,
			"the state directory '%s' is a symbolic link to a directory of another user's",
			path);
	return 0;
}

/* Root may look after anybody's state, and does it as that user: so what it makes there is his, and
 * nothing that he put there leads it elsewhere. */
static int become_owner(const struct statedir *d, struct err *err)
{
	if (setgroups(0, NULL) || setresgid(d->st.st_gid, d->st.st_gid, d->st.st_gid) ||
	    setresuid(d->st.st_uid, d->st.st_uid, d->st.st_uid))
		return err_sys(err, ERR_NOPERM, errno, "cannot become user %u, whose state '%s' is",
			       d->st.st_uid, d->path);
	return 0;
}

/* Whether a tgrun uses the directory now, as far as this user can see. */
static bool is_used(struct statedir *d)
{
	pid_t holder;
	d->run_fd = openat(d->fd, "run.lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	return d->run_fd >= 0 && statedir_runs(d, &holder);
}

static int refuse_owner(struct statedir *d, bool visit, struct err *err)
{
	unsigned owner = d->st.st_uid, user = geteuid();
	if (visit)
		return err_set(
			err, ERR_CANTCREATE,
			"the state directory '%s' belongs to user %u; ask as that user, or as root",
			d->path, owner);
	/* A volume that a container was given: its root stays whose it is. */
	if (faccessat(d->fd, ".", W_OK | X_OK, AT_EACCESS) == 0 && user != 0)
		return err_set(err, ERR_CANTCREATE,
			       "the state directory '%s' belongs to user %u, not to user %u who "
			       "runs tgrun, but may be written; "
			       "name a directory in it, which tgrun makes: --state-dir '%s/tgrun'",
			       d->path, owner, user, d->path);
	if (is_used(d))
		return err_set(err, ERR_CANTCREATE,
			       "the state directory '%s' belongs to user %u, whose tgrun uses it "
			       "now; run this one as that user, "
			       "or name another directory by --state-dir",
			       d->path, owner);
	return err_set(err, ERR_CANTCREATE,
		       "the state directory '%s' belongs to user %u, not to user %u who runs "
		       "tgrun; run it as that user, or, "
		       "when no tgrun uses it, mend it by: chown -R %u '%s'",
		       d->path, owner, user, user, d->path);
}

static int check_owner(struct statedir *d, enum purpose purpose, struct err *err)
{
	if (fstat(d->fd, &d->st))
		return err_sys(err, ERR_CANTCREATE, errno,
			       "cannot look at the state directory '%s'", d->path);
	if (purpose == VISIT && geteuid() == 0 && d->st.st_uid != 0)
		return become_owner(d, err);
	if (d->st.st_uid != geteuid())
		return refuse_owner(d, purpose == VISIT, err);
	if (purpose == RUN && (d->st.st_mode & 07777) != 0700 && fchmod(d->fd, 0700))
		return err_sys(err, ERR_CANTCREATE, errno,
			       "cannot make the state directory '%s' private (chmod 700)", d->path);
	return 0;
}

static struct statedir *open_it(const char *path, enum purpose purpose, struct err *err)
{
	struct statedir *d = calloc(1, sizeof *d);
	if (!d) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	d->fd = d->run_fd = d->slots_fd = -1;
	d->path = strdup(path);
	if (!d->path)
		err_set(err, ERR_INTERNAL, "out of memory");
	if (!d->path || check_link(path, purpose == VISIT, err))
		goto fail;
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0) {
		err_sys(err, ERR_CANTCREATE, errno, "cannot open the state directory '%s'", path);
		goto fail;
	}
	if (check_owner(d, purpose, err))
		goto fail;
	d->run_fd = statedir_open_lock(d, "run.lock", purpose != LOOK, err);
	if (d->run_fd >= 0 || !err->status)
		d->slots_fd = statedir_open_lock(d, "slots.lock", purpose != LOOK, err);
	if (d->slots_fd >= 0 || !err->status)
		return d;
fail:
	statedir_close(d);
	return NULL;
}

struct statedir *statedir_open(const char *path, struct err *err)
{
	if (!path[0]) {
		err_set(err, ERR_CANTCREATE, "the state directory's name is empty");
		return NULL;
	}
	return make_directories(path, err) ? NULL : open_it(path, RUN, err);
}

static struct statedir *open_there(const char *path, enum purpose purpose, struct err *err)
{
	struct stat st;
	err->status = 0;
	if (lstat(path, &st) && errno == ENOENT)
		return NULL;
	return open_it(path, purpose, err);
}

struct statedir *statedir_look(const char *path, struct err *err)
{
	return open_there(path, LOOK, err);
}

/* Whether it may be there: what cannot be seen may. */
static bool has_file(const char *path, const char *name)
{
	char *file;
	if (asprintf(&file, "%s/%s", path, name) < 0)
		return true;
	bool has = faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
	free(file);
	return has;
}

struct statedir *statedir_visit(const char *path, struct err *err)
{
	/* What no tgrun has used is no state, and does not become one by being looked at. */
	err->status = 0;
	if (!has_file(path, "run.lock") && !has_file(path, "queue.db"))
		return NULL;
	return open_there(path, VISIT, err);
}

void statedir_close(struct statedir *d)
{
	if (!d)
		return;
	int fds[] = { d->fd, d->run_fd, d->slots_fd };
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(d->path);
	free(d);
}

void statedir_end(struct statedir *d)
{
	if (d)
		d->run_fd = -1;
	statedir_close(d);
}

int statedir_fd(const struct statedir *d)
{
	return d->fd;
}

const char *statedir_path(const struct statedir *d)
{
	return d->path;
}

int statedir_data(const struct statedir *d, bool make, struct err *err)
{
	struct stat st;
	if (make && mkdirat(d->fd, STATEDIR_DATA, 0700) && errno != EEXIST)
		return err_sys(err, err_of_disk(errno), errno, "cannot make '%s/" STATEDIR_DATA "'",
			       d->path);
	if (fstatat(d->fd, STATEDIR_DATA, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT && !make
			       ? 0
			       : err_sys(err, ERR_CANTCREATE, errno,
					 "cannot use '%s/" STATEDIR_DATA "'", d->path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_CANTCREATE,
			       "'%s/" STATEDIR_DATA "' is %s, and no directory for the files of "
			       "handlers: move it away",
			       d->path, S_ISLNK(st.st_mode) ? "a symbolic link" : "a file");
	if (st.st_uid != d->st.st_uid)
		return err_set(err, ERR_CANTCREATE,
			       "'%s/" STATEDIR_DATA "' belongs to user %u; it must be tgrun's own: "
			       "run 'chown -R %u' on it",
			       d->path, (unsigned)st.st_uid, (unsigned)d->st.st_uid);
	if (make && (st.st_mode & 07777) != 0700 && fchmodat(d->fd, STATEDIR_DATA, 0700, 0))
		return err_sys(err, ERR_CANTCREATE, errno,
			       "cannot make '%s/" STATEDIR_DATA "' private (chmod 700)", d->path);
	return 0;
}

void statedir_id(const struct statedir *d, char out[STATEDIR_ID_MAX])
{
	snprintf(out, STATEDIR_ID_MAX, "%llx-%llx", (unsigned long long)d->st.st_dev,
		 (unsigned long long)d->st.st_ino);
}

int64_t statedir_free_bytes(const struct statedir *d)
{
	struct statvfs fs;
	if (fstatvfs(d->fd, &fs))
		return -1;
	return (int64_t)(fs.f_bavail * fs.f_frsize);
}

int statedir_may_write(const struct statedir *d, struct err *err)
{
	if (faccessat(d->fd, ".", W_OK | X_OK, AT_EACCESS))
		return err_sys(err, err_of_disk(errno), errno,
			       "cannot write in the state directory '%s'", d->path);
	return 0;
}
