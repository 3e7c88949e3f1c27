/* queue/verbs: what people may ask of a queue: one row a verb. The runner answers by these rows
 * when it is asked over its control socket, and a tool that works on the store answers itself by
 * them when nothing runs. So both answer in the same lines. */
#ifndef TGRUN_QUEUE_VERBS_H
#define TGRUN_QUEUE_VERBS_H

#include <cjson/cJSON.h>

#include "queue/entry.h"
#include "queue/queue.h"

struct verbs_call;

struct verbs_row {
	const char *name; /* as in {"verb":"dead-list"} */
	int (*run)(struct verbs_call *call, struct err *err);
	bool slices; /* may leave a rest, which a further request is for */
};

/* The row of a verb; NULL: there is none of this name. */
const struct verbs_row *verbs_find(const char *name);

/* When a slice ends: at the first limit that is reached, after one letter or update at least. */
struct verbs_slice {
	const struct clock *clock;
	int64_t until;       /* monotonic milliseconds; INT64_MAX: never */
	size_t items, bytes; /* letters or updates, and bytes of JSON, that are listed */
};

/* What is deleted without being named by numbers. */
enum verbs_all { VERBS_NOT_ALL, VERBS_UPDATES, VERBS_LETTERS, VERBS_CALLS, VERBS_ALL_COUNT };

/* What a request has done. */
struct verbs_done {
	int64_t skipped; /* updates that were skipped */
	/* the request was a slice of deleting all of them; this slice was the first, the last (or
	 * both); how many were deleted so far, by earlier slices, too, as the request told */
	enum verbs_all all;
	bool first, last;
	int64_t deleted;
};

/* Carries out a request, where `sender` (NULL: nobody) sends what the queue keeps, and calls `line`
 * for each line of its answer: one JSON object of `n` bytes, NUL-terminated, without a line feed.
 * Where a slice leaves a rest, the last line is
 * {"next":N}, which is where to go on, of a change of all with "to" and "changed", both to be
 * handed back; or {"left":N}, how many of the numbers are to be asked for again. Returns 0; or -1
 * with `err`, also ("out of memory") when `line` returned not 0: what was told is done
 * nevertheless. */
int verbs_run(const struct verbs_row *row, struct queue *q, const struct queue_sender *sender,
	      const cJSON *request, const struct verbs_slice *slice,
	      int (*line)(void *arg, const char *text, size_t n), void *arg,
	      struct verbs_done *done, struct err *err);

#endif
