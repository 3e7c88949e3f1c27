/* io/statedir_internal: what the two files of the state directory share: statedir.c (whose it is, and
 * whether it can be used) and statedir_lock.c (who uses it). */
#ifndef TGRUN_IO_STATEDIR_INTERNAL_H
#define TGRUN_IO_STATEDIR_INTERNAL_H

#include <sys/stat.h>

#include "io/statedir.h"

struct statedir {
	int fd, run_fd, slots_fd;
	struct stat st;
	char *path;
};

/* Opens a file of the directory's for locking, made if it is missing. The descriptor, or -1 with
 * `err`. */
int statedir_open_lock(struct statedir *d, const char *name, struct err *err);

#endif
