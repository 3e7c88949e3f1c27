/* cli/client/beside: a path comes in, an open file beside it goes out, and takes its name at the
 * end. Invariant: under the path stands a whole file, or what stood there before; what is no
 * regular file (a device, a FIFO) is written to as it is, and a link keeps its place. */
#include "cli/client/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINKS_MAX = 40 /* as the kernel has it */ };

/* What is no regular file takes the bytes itself. A FIFO that nobody reads would hold us for ever:
 * somebody may come for a while. */
static int open_itself(struct beside *b, struct err *err)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	for (int tries = 0; tries == 0 || (b->fd < 0 && errno == ENXIO && tries < 250); tries++) {
		if (tries)
			nanosleep(&pause, NULL);
		b->fd = open(b->path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	}
	if (b->fd < 0 && errno == ENXIO)
		return err_set(err, ERR_IO, "nobody reads '%s'", b->path);
	if (b->fd < 0 || fcntl(b->fd, F_SETFL, fcntl(b->fd, F_GETFL) & ~O_NONBLOCK))
		return err_sys(err, ERR_CANTCREATE, errno, "cannot open '%s'", b->path);
	return 0;
}

/* Where the links lead that `path` may be the first of, also when nothing is there yet. NULL with
 * errno. */
static char *follow(const char *path)
{
	char to[PATH_MAX], *next = NULL, *at = strdup(path);
	for (int links = 0; at && links < LINKS_MAX; links++) {
		ssize_t n = readlink(at, to, sizeof to - 1);
		if (n < 0)
			return at;
		to[n] = '\0';
		const char *slash = strrchr(at, '/');
		int dir = *to != '/' && slash ? (int)(slash + 1 - at) : 0;
		if (asprintf(&next, "%.*s%s", dir, at, to) < 0)
			next = NULL;
		free(at);
		at = next;
	}
	errno = at ? ELOOP : ENOMEM;
	free(at);
	return NULL;
}

int beside_open(struct beside *b, const char *path, struct err *err)
{
	struct stat st;
	*b = (struct beside){ .path = path, .fd = -1 };
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return open_itself(b, err);
	b->real = follow(path);
	if (!b->real)
		return err_sys(err, ERR_CANTCREATE, errno, "cannot open '%s'", path);
	path = b->real;
	const char *slash = strrchr(path, '/');
	int prefix = slash ? (int)(slash + 1 - path) : 0;
	if (asprintf(&b->name, "%.*s.%s.XXXXXX", prefix, path, path + prefix) < 0) {
		free(b->real);
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	b->fd = mkostemp(b->name, O_CLOEXEC);
	if (b->fd >= 0)
		return 0;
	err_sys(err, ERR_CANTCREATE, errno, "cannot make a file for '%s' beside it", b->path);
	free(b->name);
	free(b->real);
	return -1;
}

int beside_end(struct beside *b, bool whole, struct err *err)
{
	int rc = 0;
	if (close(b->fd) && whole)
		rc = err_sys(err, err_of_disk(errno), errno, "cannot write '%s'", b->path);
	else if (b->name && whole && rename(b->name, b->real))
		rc = err_sys(err, ERR_CANTCREATE, errno, "cannot make '%s'", b->path);
	if (b->name && (rc || !whole))
		unlink(b->name);
	free(b->name);
	free(b->real);
	return rc;
}
