/* cli/client/beside: a file that is written beside the one that it is to be, and renamed when it is
 * whole: whoever reads that one sees the old one or the new one, and no half. */
#ifndef TGRUN_CLI_CLIENT_BESIDE_H
#define TGRUN_CLI_CLIENT_BESIDE_H

#include <stdbool.h>

#include "base/err.h"

struct beside {
	const char *path; /* the caller's */
	char *name;       /* of the file beside it; NULL: what is no regular file, itself */
	char *real;       /* where links lead; NULL as `name` */
	int fd;           /* for writing; mode 0600 */
};

/* 0, or -1 with `err` (ERR_CANTCREATE), and nothing is to be ended. */
int beside_open(struct beside *b, const char *path, struct err *err);

/* Ends it: the file gets its name if it is `whole`, and is gone if not. 0, or -1 with `err`: it is
 * gone, too. */
int beside_end(struct beside *b, bool whole, struct err *err);

#endif
