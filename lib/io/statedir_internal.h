/* io/statedir_internal: what the two files of the state directory share: statedir.c (whose it is,
 * and whether it can be used) and statedir_lock.c (who uses it). */
#ifndef TGRUN_IO_STATEDIR_INTERNAL_H
#define TGRUN_IO_STATEDIR_INTERNAL_H

#include <sys/stat.h>

#include "io/statedir.h"

struct statedir {
	int fd, run_fd, slots_fd;
	struct stat st;
	struct stat run, slots; /* of the locks; st_ino 0: not asked for yet */
	char *path;
};

/* Opens a file of the directory's for locking, and makes it if it is missing and `make` says so.
 * The descriptor, which the caller closes; or -1 with `err`, whose status is 0 when the file is
 * missing and was not to be made. */
int statedir_open_lock(struct statedir *d, const char *name, bool make, struct err *err);

#endif
