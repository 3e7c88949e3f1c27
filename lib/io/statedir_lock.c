/* io/statedir_lock: who uses the state directory. In: an open directory. Out: its locks, and
 * whether they and it still stand under their names. Invariant: two runners never have the
 * directory at once, whichever of its files somebody removed meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "io/procs.h"
#include "io/roster.h"
#include "io/statedir_internal.h"

/* A cleaner of old files may lock the directory, too, for a moment. */
enum { TRIES = 50, PAUSE = 20 /* milliseconds */ };

int statedir_open_lock(struct statedir *d, const char *name, bool make, struct err *err)
{
	struct stat st;
	int fd = openat(d->fd, name,
			O_RDWR | (make ? O_CREAT : 0) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd < 0 && !make && errno == ENOENT)
		return err->status = 0, -1;
	if (fd < 0 && errno == ELOOP)
		return err_set(err, ERR_CANTCREATE, "'%s/%s' is a symbolic link; remove it",
			       d->path, name);
	if (fd < 0)
		return err_sys(err, err_of_disk(errno), errno, "cannot open '%s/%s'", d->path,
			       name);
	/* A second name could be that of a file of value, linked here while the directory was open
	 * to others. */
	if (fstat(fd, &st)) {
		err_sys(err, ERR_CANTCREATE, errno, "cannot look at '%s/%s'", d->path, name);
		close(fd);
		return -1;
	}
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1) {
		close(fd);
		return err_set(
			err, ERR_CANTCREATE,
			"'%s/%s' is not a file of this user's, or has another name too; remove it",
			d->path, name);
	}
	if (make && (st.st_mode & 07777) != 0600)
		(void)!fchmod(fd, 0600);
	return fd;
}

/* 1 taken, 0 held by another, -1. */
static int lock(const struct statedir *d, int fd, const char *name, struct err *err)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
		return 1;
	if (errno == EAGAIN || errno == EACCES)
		return 0;
	return err_sys(err, ERR_CANTCREATE, errno, "cannot lock '%s/%s'", d->path, name);
}

static void unlock(int fd)
{
	fcntl(fd, F_OFD_SETLK, &(struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_SET });
}

/* Whether nobody else has the directory. Where it cannot be locked, the lock in it is all there is.
 */
static bool lock_directory(const struct statedir *d)
{
	for (int i = 0; i < TRIES; i++) {
		if (flock(d->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = PAUSE * 1000000 }, NULL);
	}
	return false;
}

static int write_holder(const struct statedir *d, struct err *err)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(d->run_fd, 0) || pwrite(d->run_fd, text, (size_t)n, 0) != n)
		return err_sys(err, ERR_IO, errno, "cannot write '%s/run.lock'", d->path);
	return 1;
}

/* A number of another name space of processes means nothing here. */
static void read_holder(const struct statedir *d, pid_t *holder)
{
	char text[32] = "";
	uint64_t space = roster_namespace(d->slots_fd);
	*holder = 0;
	if (pread(d->run_fd, text, sizeof text - 1, 0) > 0 &&
	    (space == 0 || space == procs_namespace()))
		*holder = (pid_t)strtol(text, NULL, 10);
}

int statedir_lock_run(struct statedir *d, pid_t *holder, struct err *err)
{
	int rc = lock(d, d->run_fd, "run.lock", err);
	if (rc == 0)
		read_holder(d, holder);
	if (rc != 1)
		return rc;
	if (lock_directory(d))
		return write_holder(d, err);
	/* Somebody removed the lock of one that runs; it will make it anew. */
	unlock(d->run_fd);
	*holder = 0;
	return 0;
}

/* Whether another holds this lock; one that is not there is held by nobody. */
static bool is_held(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

bool statedir_in_use(struct statedir *d)
{
	return is_held(d->slots_fd);
}

bool statedir_runs(struct statedir *d, pid_t *holder)
{
	if (!is_held(d->run_fd))
		return false;
	read_holder(d, holder);
	return true;
}

const char *statedir_holder(pid_t holder, char out[STATEDIR_HOLDER_MAX])
{
	if (holder > 0)
		snprintf(out, STATEDIR_HOLDER_MAX, "process %ld", (long)holder);
	else
		snprintf(out, STATEDIR_HOLDER_MAX, "whose process is not seen from here");
	return out;
}

int statedir_lock_slots(struct statedir *d, struct err *err)
{
	return lock(d, d->slots_fd, "slots.lock", err);
}

void statedir_unlock_slots(struct statedir *d)
{
	unlock(d->slots_fd);
}

int statedir_slots_fd(const struct statedir *d)
{
	return d->slots_fd;
}

/* Whether `name` in the directory is not what is open as `fd` any more, which does not change: it
 * is looked at once, and kept in `open`. */
static bool is_gone(const struct statedir *d, const char *name, int fd, struct stat *open)
{
	struct stat named;
	if (!open->st_ino && fstat(fd, open))
		return false;
	if (fstatat(d->fd, name, &named, AT_SYMLINK_NOFOLLOW))
		return err_says_gone(errno);
	return named.st_dev != open->st_dev || named.st_ino != open->st_ino;
}

/* Makes and takes anew a lock that somebody removed. Where that cannot be done now it is tried
 * again next time: the database is locked, too. */
static bool mend(struct statedir *d, const char *name, int *fd, struct stat *open)
{
	struct err err;
	if (!is_gone(d, name, *fd, open))
		return false;
	int fresh = statedir_open_lock(d, name, true, &err);
	if (fresh < 0)
		return false;
	if (lock(d, fresh, name, &err) != 1) {
		close(fresh);
		return false;
	}
	close(*fd);
	*fd = fresh;
	open->st_ino = 0;
	return true;
}

/* Whether the path leads to what is open. A refusal to look says nothing of that. */
static int check_path(const struct statedir *d, struct err *err)
{
	struct stat st;
	if (stat(d->path, &st) == 0) {
		if (st.st_dev == d->st.st_dev && st.st_ino == d->st.st_ino)
			return 0;
		return err_set(err, ERR_IO, "the state directory '%s' is another one than it was",
			       d->path);
	}
	if (err_says_gone(errno) || (fstat(d->fd, &st) == 0 && st.st_nlink == 0))
		return err_set(err, ERR_IO, "the state directory '%s' is gone", d->path);
	return 0;
}

int statedir_stands(struct statedir *d, struct err *err)
{
	if (check_path(d, err))
		return -1;
	bool run = mend(d, "run.lock", &d->run_fd, &d->run);
	if (run)
		write_holder(d, err);
	bool slots = mend(d, "slots.lock", &d->slots_fd, &d->slots);
	return run || slots ? STATEDIR_MENDED : 0;
}
