/* base/err: an error is a value, a sentence for people and an exit status for scripts.
 *
 * lib/ never prints and never exits: a function that can fail takes a `struct err *` and fills it
 * in. */
#ifndef TGRUN_BASE_ERR_H
#define TGRUN_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

/* Exit statuses are those of sysexits(3), see EXIT STATUS in tgrun(1). REFUSED: by the server, for
 * good; UNSURE: nobody knows whether it was done. */
enum {
	ERR_USAGE = 64,
	ERR_REFUSED = 65,
	ERR_NOINPUT = 66,
	ERR_UNAVAILABLE = 69,
	ERR_INTERNAL = 70,
	ERR_CANTCREATE = 73,
	ERR_IO = 74,
	ERR_TEMPFAIL = 75,
	ERR_UNSURE = 76,
	ERR_NOPERM = 77,
	ERR_CONFIG = 78,
};

struct err {
	int status;      /* 0: no error; else one of ERR_* */
	char text[1024]; /* one sentence, no capital, no full stop, the subject in quotes */
};

/* Fills `err` (which may be NULL) with `status` and the formatted sentence; a longer sentence is
 * cut. Returns -1, so that a caller can write `return err_set(…)`. */
int err_set(struct err *err, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, followed by `: ` and the words for the errno value `errnum`. */
int err_sys(struct err *err, int status, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The status for the errno value of a call on files: a disk that is full (or a file that may not
 * grow: RLIMIT_FSIZE, a quota) or fails is ERR_IO, all else ERR_CANTCREATE. */
int err_of_disk(int errnum);

/* Whether an errno of a look at a file says that the file is not there (ENOENT, ENOTDIR, ESTALE).
 * All others say only that this process could not look. */
bool err_says_gone(int errnum);

#endif
