/* cli/client/beside: a path comes in, an open file beside it goes out, and takes its name at the
 * end. Invariant: under the path stands a whole file, or what stood there before. */
#include "cli/client/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int beside_open(struct beside *b, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	int prefix = slash ? (int)(slash + 1 - path) : 0;
	*b = (struct beside){ .path = path, .fd = -1 };
	if (asprintf(&b->name, "%.*s.%s.XXXXXX", prefix, path, path + prefix) < 0) {
		b->name = NULL;
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	b->fd = mkostemp(b->name, O_CLOEXEC);
	if (b->fd >= 0)
		return 0;
	err_sys(err, ERR_CANTCREATE, errno, "cannot make '%s'", b->name);
	free(b->name);
	return -1;
}

int beside_end(struct beside *b, bool whole, struct err *err)
{
	int rc = 0;
	if (close(b->fd) && whole)
		rc = err_sys(err, err_of_disk(errno), errno, "cannot write '%s'", b->path);
	else if (whole && rename(b->name, b->path))
		rc = err_sys(err, ERR_CANTCREATE, errno, "cannot make '%s'", b->path);
	if (rc || !whole)
		unlink(b->name);
	free(b->name);
	return rc;
}
