/* io/statedir: a path in, a directory that is safe to use out. Every refusal says what would mend it. */
#include "io/statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct statedir {
	int fd, run_fd, slots_fd;
	struct stat st;
	char *path;
};

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
			rc = err_sys(err, err_of_disk(errno), errno, "cannot make the state directory '%s' ('%s')", path, copy);
		*p = c;
		if (c == '\0')
			break;
	}
	free(copy);
	return rc;
}

/* Looks at what stands at the path before it is opened: a link in the way is refused unless it is as systemd makes them. */
static int check_link(const char *path, struct err *err)
{
	struct stat link, target;
	if (lstat(path, &link))
		return err_sys(err, ERR_CANTCREATE, errno, "cannot use the state directory '%s'", path);
	if (S_ISDIR(link.st_mode))
		return 0;
	if (!S_ISLNK(link.st_mode))
		return err_set(err, ERR_CANTCREATE, "the state directory '%s' is no directory; remove that file, or name another directory by "
			       "--state-dir", path);
	if (link.st_uid != 0 && link.st_uid != geteuid())
		return err_set(err, ERR_CANTCREATE, "the state directory '%s' is a symbolic link of another user's; name the directory itself", path);
	if (stat(path, &target) == 0 && target.st_uid != geteuid())
		return err_set(err, ERR_CANTCREATE, "the state directory '%s' is a symbolic link to a directory of another user's", path);
	return 0;
}

static int check_owner(struct statedir *d, struct err *err)
{
	if (fstat(d->fd, &d->st))
		return err_sys(err, ERR_CANTCREATE, errno, "cannot look at the state directory '%s'", d->path);
	if (d->st.st_uid != geteuid())
		return err_set(err, ERR_CANTCREATE, "the state directory '%s' belongs to user %u, not to user %u who runs tgrun; mend it by: "
			       "chown %u '%s'", d->path, d->st.st_uid, geteuid(), geteuid(), d->path);
	if ((d->st.st_mode & 07777) != 0700 && fchmod(d->fd, 0700))
		return err_sys(err, ERR_CANTCREATE, errno, "cannot make the state directory '%s' private (chmod 700)", d->path);
	return 0;
}

/* Opens a file of the directory's for locking. */
static int open_lock(struct statedir *d, const char *name, struct err *err)
{
	struct stat st;
	int fd = openat(d->fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd < 0 && errno == ELOOP)
		return err_set(err, ERR_CANTCREATE, "'%s/%s' is a symbolic link; remove it", d->path, name);
	if (fd < 0)
		return err_sys(err, err_of_disk(errno), errno, "cannot open '%s/%s'", d->path, name);
	/* A second name could be that of a file of value, linked here while the directory was open to others. */
	if (fstat(fd, &st)) {
		err_sys(err, ERR_CANTCREATE, errno, "cannot look at '%s/%s'", d->path, name);
		close(fd);
		return -1;
	}
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1) {
		close(fd);
		return err_set(err, ERR_CANTCREATE, "'%s/%s' is not a file of this user's, or has another name too; remove it", d->path, name);
	}
	if ((st.st_mode & 07777) != 0600)
		(void)!fchmod(fd, 0600);
	return fd;
}

static struct statedir *open_it(const char *path, struct err *err)
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
	if (!d->path || check_link(path, err))
		goto fail;
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0) {
		err_sys(err, ERR_CANTCREATE, errno, "cannot open the state directory '%s'", path);
		goto fail;
	}
	if (check_owner(d, err))
		goto fail;
	d->run_fd = open_lock(d, "run.lock", err);
	d->slots_fd = d->run_fd < 0 ? -1 : open_lock(d, "slots.lock", err);
	if (d->slots_fd >= 0)
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
	return make_directories(path, err) ? NULL : open_it(path, err);
}

struct statedir *statedir_open_existing(const char *path, struct err *err)
{
	struct stat st;
	err->status = 0;
	if (lstat(path, &st) && errno == ENOENT)
		return NULL;
	return open_it(path, err);
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

/* 1 taken, 0 held by another, -1. */
static int lock(struct statedir *d, int fd, const char *name, struct err *err)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
		return 1;
	if (errno == EAGAIN || errno == EACCES)
		return 0;
	return err_sys(err, ERR_CANTCREATE, errno, "cannot lock '%s/%s'", d->path, name);
}

static void read_holder(struct statedir *d, pid_t *holder)
{
	char text[32] = "";
	*holder = pread(d->run_fd, text, sizeof text - 1, 0) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

int statedir_lock_run(struct statedir *d, pid_t *holder, struct err *err)
{
	char text[32];
	int rc = lock(d, d->run_fd, "run.lock", err);
	if (rc == 0)
		read_holder(d, holder);
	if (rc != 1)
		return rc;
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(d->run_fd, 0) || pwrite(d->run_fd, text, (size_t)n, 0) != n)
		return err_sys(err, ERR_IO, errno, "cannot write '%s/run.lock'", d->path);
	return 1;
}

bool statedir_runs(struct statedir *d, pid_t *holder)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(d->run_fd, F_OFD_GETLK, &whole) || whole.l_type == F_UNLCK)
		return false;
	read_holder(d, holder);
	return true;
}

int statedir_lock_slots(struct statedir *d, struct err *err)
{
	return lock(d, d->slots_fd, "slots.lock", err);
}

int statedir_slots_fd(const struct statedir *d)
{
	return d->slots_fd;
}

int statedir_fd(const struct statedir *d)
{
	return d->fd;
}

const char *statedir_path(const struct statedir *d)
{
	return d->path;
}

void statedir_id(const struct statedir *d, char out[STATEDIR_ID_MAX])
{
	snprintf(out, STATEDIR_ID_MAX, "%llx-%llx", (unsigned long long)d->st.st_dev, (unsigned long long)d->st.st_ino);
}

int64_t statedir_free_bytes(const struct statedir *d)
{
	struct statvfs fs;
	if (fstatvfs(d->fd, &fs))
		return -1;
	return (int64_t)(fs.f_bavail * fs.f_frsize);
}

int statedir_try_write(const struct statedir *d, struct err *err)
{
	static const char name[] = "try";
	int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return 0;
	bool wrote = fd >= 0 && write(fd, "x", 1) == 1;
	int errnum = errno;
	if (fd >= 0) {
		close(fd);
		unlinkat(d->fd, name, 0);
	}
	return wrote ? 0 : err_sys(err, err_of_disk(errnum), errnum, "cannot write in the state directory '%s'", d->path);
}
