/* queue/verbs_internal: what the files of the verbs share, each above the one before:
 * verbs_call.c (a request that is being carried out), verbs_outbox.c (what is to be sent), verbs.c
 * (updates and letters, and the table of all). */
#ifndef TGRUN_QUEUE_VERBS_INTERNAL_H
#define TGRUN_QUEUE_VERBS_INTERNAL_H

#include "base/buf.h"
#include "queue/verbs.h"

enum { VERBS_LINE_MAX = 16 << 20 }; /* bytes of a line that is told */

struct verbs_call {
	struct queue *queue;
	const struct queue_sender *sender;
	const cJSON *request;
	const struct verbs_slice *slice;
	int (*line)(void *arg, const char *text, size_t n);
	void *arg;
	struct verbs_done *done;
	bool failed; /* `line` returned not 0 */
	size_t items, bytes;
	int64_t next; /* a list ended before this number; 0: that was all */
};

/* Tells a line of `n` bytes; a line {"name":number}. When `line` returns not 0, `failed` is set,
 * and nothing is told any more. */
void verbs_tell(struct verbs_call *c, const char *text, size_t n);
void verbs_tell_number(struct verbs_call *c, const char *name, int64_t number);

/* A number of an update, a letter or a call that is a member of the request. -1: the member is no
 * whole number from 0 to 2^53; 0: it is not there. */
int64_t verbs_member(const struct verbs_call *c, const char *name);

/* Appends the numbers of a list to `out` as int64_t, -1 for what is no number of ours. 0, or -1
 * with `err`: it is no list, or memory is out. */
int verbs_numbers(const cJSON *numbers, struct buf *out, struct err *err);

/* Whether the slice is over, so that the list ends before `number`, which `next` gets then. Never
 * before the first line. */
bool verbs_full(struct verbs_call *c, int64_t number);

/* Tells the line, unless it could not be made (`rc` not 0: memory is out, or it is too long), and
 * releases it. */
void verbs_tell_made(struct verbs_call *c, int rc, struct buf *line);

/* The end of a list: tells where the next page begins, if it was not all. `rc` below 0 is
 * returned. */
int verbs_tell_next(struct verbs_call *c, int rc);

/* Tells what a slice has left: so many numbers of the request's list; all from `from` to `to`, and
 * how many were changed so far. */
void verbs_tell_left(struct verbs_call *c, size_t count);
void verbs_tell_range(struct verbs_call *c, int64_t from, int64_t to, int64_t changed);

/* How many the slices before this one changed, as the request tells; notes what became of this one,
 * which changed `changed`: with `more` a further one follows. Returns the sum. */
int64_t verbs_note_all(struct verbs_call *c, enum verbs_all all, int64_t changed, bool more);

/* ---- verbs_outbox.c: rows ---- */

int verbs_outbox_list(struct verbs_call *c, struct err *err);
int verbs_outbox_failed(struct verbs_call *c, struct err *err);
int verbs_outbox_waits(struct verbs_call *c, struct err *err);
int verbs_outbox_show(struct verbs_call *c, struct err *err);
int verbs_outbox_retry(struct verbs_call *c, struct err *err);
int verbs_outbox_drop(struct verbs_call *c, struct err *err);

#endif
