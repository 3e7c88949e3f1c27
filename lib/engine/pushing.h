/* engine/pushing: what `tgrun push` asks of who has the queue: a runner, over the control socket,
 * or the tool itself.
 *
 * A request is {"verb":"push", …}; the bytes that are pushed are in a file that comes with it. */
#ifndef TGRUN_ENGINE_PUSHING_H
#define TGRUN_ENGINE_PUSHING_H

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

struct queue;

enum { PUSHING_KEYS_MAX = 1024 }; /* bytes of all keys, with a space between */

/* No push comes later than this, in milliseconds from when it is made. */
#define PUSHING_LATEST (INT64_C(10) * 366 * 86400 * 1000)

/* What is asked. */
struct pushing {
	bool elapsed; /* `due` is milliseconds from now; else wall clock, milliseconds */
	int64_t due;
	const char *keys; /* with a space between; "": what keeps the update in order */
};

/* Whether it may be a key: a text such as chat:42, without white space. 0, or -1 with `err`
 * (ERR_USAGE). */
int pushing_key_check(const char *key, struct err *err);

/* Appends the request. 0, or -1 as buf_add(). */
int pushing_write(const struct pushing *p, struct buf *request);

/* Reads a request and the file `fd`, and keeps the update: 0 with its number; -1 with `err`:
 * ERR_REFUSED (it is no update), ERR_USAGE (the request, a time too late), ERR_IO, ERR_INTERNAL. A
 * time that has passed is now. */
int pushing_take(struct queue *q, const struct clock *clock, const cJSON *request, int fd,
		 int64_t *number, struct err *err);

/* Bytes that it may take of the disk: those of the file, and some. */
int64_t pushing_size(int fd);

/* The answer, a line appended to `out`. 0, or -1 as buf_add(). And back: 0 with *number, or -1 with
 * `err`. */
int pushing_told(int64_t number, struct buf *out);
int pushing_answer(const cJSON *answer, int64_t *number, struct err *err);

#endif
