/* source/poll_answer_internal: the parameters of getUpdates, and reading its answer. Pure. */
#ifndef TGRUN_SOURCE_POLL_ANSWER_INTERNAL_H
#define TGRUN_SOURCE_POLL_ANSWER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/api.h"
#include "base/buf.h"
#include "update/slice.h"

/* Unreadable answers in a row; after so many, updates are fetched one by one. */
enum { POLL_ISOLATE_AFTER = 3 };

struct poll_garbage {
	int answers;   /* unreadable, in a row */
	int identical; /* how many of them in a row, each fetched alone, had the same bytes … */
	uint64_t hash; /* … of this hash */
};

/* Appends the parameters, as application/x-www-form-urlencoded: `timeout` in seconds; no offset for
 * 0; no allowed_updates for NULL. 0, or -1 when memory is out. */
int poll_answer_form(struct buf *form, int64_t timeout, int limit, int64_t offset,
		     const char *allowed);

/* An answer of class API_OK that has no list of updates becomes one of API_GARBAGE. */
void poll_answer_check(struct api_answer *answer);

/* Orders updates by id. Equal ids, and updates without one, keep their places. */
void poll_answer_sort(struct slice *items, size_t count);

/* The offset that asks for what follows the batch; `otherwise` if none of it has an id. */
int64_t poll_answer_offset(const struct slices *batch, int64_t otherwise);

/* Counts an unreadable answer. Returns whether it is time to set aside the update in it: fetched
 * alone, it came with the same bytes again and again. */
bool poll_answer_is_garbage(struct poll_garbage *g, const struct api_answer *answer);

/* The whole unreadable answer as one update: `out` points into the body of `answer`, in which line
 * ends become spaces. False: no id can be made out, and so no offset behind it. */
bool poll_answer_whole(struct api_answer *answer, struct slice *out);

#endif
