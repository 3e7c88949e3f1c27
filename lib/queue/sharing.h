/* queue/sharing: what there is of a queue whose store several machines share, besides the verbs and
 * events of queue.h: whether it is such a one, how this machine stands there, and what it asks of
 * the others. The verbs are carried out by the backend of the queue; where no other machine takes
 * part, they do nothing. */
#ifndef TGRUN_QUEUE_SHARING_H
#define TGRUN_QUEUE_SHARING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

/* Is the store shared with other machines? Then roles come by events; before the first of them
 * there is nothing to claim, and no offset. What is there for people (queue_each() and all that
 * stands below it, queue_oldest(), and what calls.h and later.h read) may return -1 with `err`,
 * which says how else to ask. */
bool queue_shared(const struct queue *q);

/* How this machine stands in a shared store. */
struct queue_fleet {
	bool attached; /* the store knows it, and takes what it says */
	/* it may have updates or calls for this machine that it has not told of yet */
	bool more;
	bool asks, sends; /* its roles */
	int64_t beat_age; /* milliseconds since the last beat that was answered was sent; -1: none
			     was */
	size_t held;      /* updates that no other machine may start now; those that run count */
	/* replies and the like, and bulk, that wait to be sent, of all machines */
	size_t calls, bulk;
	/* since the start: how often void_claims was called; machines whose work this one handed
	 * on; what the store refused since another machine has the role, or the claims */
	uint64_t cut_offs, takeovers, refusals;
	/* ends of handlers that were void before they were written: their updates are handled once
	 * more */
	uint64_t unwritten;
};
/* Fills it in; without a shared store all is 0. */
void queue_fleet(const struct queue *q, struct queue_fleet *out);

/* What a shared store is to do for this machine. Local: nothing. */
enum queue_take {
	QUEUE_TAKES,  /* as at first: it hands updates out */
	QUEUE_PAUSES, /* none; it has back what this machine holds and queue_claim() did not hand
			 out */
	/* none, too; and it asks no source any more: this machine gives its roles up */
	QUEUE_LEAVES,
};
void queue_take(struct queue *q, enum queue_take take);

/* Passes on to the other machines of a shared store that what runs there is to be ended: what has
 * one of these keys (separated by spaces), what is of this chat (as of chat_of), and these numbers;
 * "" and NULL: of none. What this machine holds is left alone. For the next flush. Local: nothing
 * is done. 0, or -1 when memory is out. */
int queue_cancel(struct queue *q, const char *keys, const char *chat, const int64_t *numbers,
		 size_t count);

#endif
