/* queue/entry: what people change of the calls that are to be sent. They see entries: a call that
 * waits, or the calls of one reply that failed together, known by the number of any of them. */
#ifndef TGRUN_QUEUE_ENTRY_H
#define TGRUN_QUEUE_ENTRY_H

#include "queue/calls.h"

/* Of one entry: what a reply holds at most, and the answer to the button. */
enum { ENTRY_CALLS_MAX = 101 };

/* Who has the order of what waits. NULL where nobody sends: then it is that of the numbers. */
struct queue_sender {
	/* One more call, behind all of its chat. 0, or -1 when memory is out. */
	int (*enter)(void *arg, const struct queue_call *call);
	/* Whether it waits, so that leave() would take it out. */
	bool (*waits)(void *arg, int64_t id);
	/* Takes out one that waits. false: it is being sent, or is not known. */
	bool (*leave)(void *arg, int64_t id);
	void *arg;
};

enum entry_fate {
	ENTRY_CHANGED,
	ENTRY_MISSING, /* there is none of this number; to be retried: none that failed */
	ENTRY_SENDING, /* it is being sent, and was left alone */
};

/* Calls back for each call of the entry `id`, in the order of numbers, as queue_call_show() does.
 * Returns how many, or -1 with `err`. */
int entry_show(struct queue *q, int64_t id,
	       void (*show)(void *arg, const struct queue_call *call,
			    const struct queue_message *message),
	       void *arg, struct err *err);

/* Forgets the entry; or adds the calls of one that failed again, behind all that waits in their
 * chats, as new at `wall` (wall clock, milliseconds): *fresh gets the first one's number. Recorded
 * for the next queue_flush(), before which entry_show() and both of these see the old entry. enum
 * entry_fate, or -1 with `err`. */
int entry_drop(struct queue *q, const struct queue_sender *sender, int64_t id, struct err *err);
int entry_retry(struct queue *q, const struct queue_sender *sender, int64_t wall, int64_t id,
		int64_t *fresh, struct err *err);

#endif
