/* update/pushed: what another program pushes, as an update. */
#ifndef TGRUN_UPDATE_PUSHED_H
#define TGRUN_UPDATE_PUSHED_H

#include <stddef.h>

#include "base/err.h"
#include "update/record.h"

enum { PUSHED_MAX = RECORD_MAX }; /* bytes: as many as a record of a file has */

/* What was pushed, as an update: one line inside the bytes that were given. */
struct pushed {
	char *bytes;
	size_t length;
	char kind[65]; /* as of update_kind() */
};

/* Reads `n` bytes, followed by a NUL, which must outlive the result: one JSON object (RFC 8259, to
 * the letter) that has a kind, with white space around, and a byte order mark before it; and the
 * number of its chat or user stands in no quotes. Line ends between tokens become spaces, as in any
 * update; all else stays. 0; -1 with `err`: ERR_REFUSED, it is none: what
 * is wrong, where, and what to do; ERR_INTERNAL, memory is out. */
int pushed_read(char *bytes, size_t n, struct pushed *out, struct err *err);

#endif
