/* queue/later: updates that other programs push, and that come at a time of their own. Until then
 * one stands aside: it has a number of another series (p7, for people), is no part of the backlog,
 * and waits for nothing but its time. Then it ripens: it becomes an update with the next number of
 * all, behind what has arrived, and its age counts from there. The verbs are carried out by the
 * backend of the queue (queue.h).
 *
 * Time is the wall clock's, or elapsed time. Elapsed time goes on as the monotonic clock does,
 * however the wall clock is set meanwhile, and between two runs as the wall clock went; where that
 * was set back, no further than to where elapsed time was last written down. */
#ifndef TGRUN_QUEUE_LATER_H
#define TGRUN_QUEUE_LATER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct queue;
struct queue_item;

/* An update to come. */
struct queue_push {
	bool elapsed; /* `due` is elapsed time, milliseconds from now; else wall clock, milliseconds
		       */
	int64_t due;
	const char *kind; /* "" if none */
	const char *keys; /* with a space between; "" for none */
	bool pinned;      /* `keys` hold whatever --key says, now and later */
	const char *body;
	size_t length;
};

/* Keeps it, in one transaction together with all outcomes that wait for queue_flush(). 0 with its
 * number, or -1 with `err`: nothing is kept, or, if a write was carried out and said to have
 * failed, it is. */
int queue_push(struct queue *q, const struct queue_push *push, int64_t *number, struct err *err);

/* Milliseconds until the next one comes due, or, if the wall clock may be set until then, until
 * that is to be looked at again; 0: one is due. -1: none waits. */
int64_t queue_push_due(struct queue *q);

/* Those that came due. `ignored`: they are forgotten, as `wanted` did not want them. */
struct queue_ripe {
	size_t taken, ignored;
};

/* Makes updates of a slice of those that are due, the first first, as far as the backlog has room,
 * in one transaction; it ends when the monotonic clock says `until` (milliseconds), after one at
 * least. `wanted` (NULL: all are) calls no verb. Returns 1: there may be more, 0: that was all, -1
 * with `err`, as queue_many(). */
int queue_push_ripen(struct queue *q, int64_t until,
		     bool (*wanted)(void *arg, const char *body, size_t length), void *arg,
		     struct queue_ripe *out, struct err *err);

/* Call back for each that waits from number `from` on, in the order of numbers; for number
 * `number`, with its bytes. They are items that are `later`, with their own number. Return as
 * queue_each() and queue_show(); the callbacks call no verb. */
int queue_push_each(struct queue *q, int64_t from,
		    int (*each)(void *arg, const struct queue_item *item), void *arg,
		    struct err *err);
int queue_push_show(struct queue *q, int64_t number,
		    int (*show)(void *arg, const struct queue_item *item), void *arg,
		    struct err *err);

#endif
