/* cli/client/beside: a path comes in, an open file beside it goes out, and takes its name at the
 * end. Invariant: under the path stands a whole file, or what stood there before; what is no
 * regular file (a device, a FIFO) is written to as it is, and a link keeps its place. */
#include "cli/client/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is no regular file takes the bytes itself. */
static int open_itself(struct beside *b, struct err *err)
{
	b->fd = open(b->path, O_WRONLY | O_CLOEXEC);
	return b->fd < 0 ? err_sys(err, ERR_CANTCREATE, errno, "cannot open '%s'", b->path) : 0;
}

int beside_open(struct beside *b, const char *path, struct err *err)
{
	struct stat st;
	*b = (struct beside){ .path = path, .fd = -1 };
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return open_itself(b, err);
	b->real = realpath(path, NULL); /* NULL: there is nothing yet */
	path = b->real ? b->real : path;
	const char *slash = strrchr(path, '/');
	int prefix = slash ? (int)(slash + 1 - path) : 0;
	if (asprintf(&b->name, "%.*s.%s.XXXXXX", prefix, path, path + prefix) < 0) {
		free(b->real);
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	b->fd = mkostemp(b->name, O_CLOEXEC);
	if (b->fd >= 0)
		return 0;
	err_sys(err, ERR_CANTCREATE, errno, "cannot make '%s'", b->name);
	free(b->name);
	free(b->real);
	return -1;
}

int beside_end(struct beside *b, bool whole, struct err *err)
{
	int rc = 0;
	if (close(b->fd) && whole)
		rc = err_sys(err, err_of_disk(errno), errno, "cannot write '%s'", b->path);
	else if (b->name && whole && rename(b->name, b->real ? b->real : b->path))
		rc = err_sys(err, ERR_CANTCREATE, errno, "cannot make '%s'", b->path);
	if (b->name && (rc || !whole))
		unlink(b->name);
	free(b->name);
	free(b->real);
	return rc;
}
