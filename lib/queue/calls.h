/* queue/calls: the calls of the Bot API that wait to be sent, and those that failed. The queue
 * makes them durable and numbers them; which may go next is decided by outbox/, and what one says
 * by reply/. The verbs are carried out by the backend of the queue (queue.h).
 *
 * A change is recorded at once and written by the next queue_flush(), in one transaction with the
 * outcomes of updates: so a reply and the settlement of its update are both on disk, or neither. */
#ifndef TGRUN_QUEUE_CALLS_H
#define TGRUN_QUEUE_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct queue;

enum queue_call_flags {
	QUEUE_CALL_BULK = 1,   /* behind the replies of other chats */
	QUEUE_CALL_PAID = 2,   /* allow_paid_broadcast */
	QUEUE_CALL_PLAIN = 4,  /* its parse_mode was chosen by tgrun: it may go out as plain text */
	QUEUE_CALL_ONCE = 8,   /* --on-unsure fail: not again when it may have arrived */
	QUEUE_CALL_WHOLE = 16, /* its parameters are all: those of its message are not added */
};

/* A call. Valid during a callback only, where one is given. */
struct queue_call {
	int64_t id;               /* the outbox's own number: rises, and is never used again */
	int64_t group;            /* the id of its reply's first call: they fail together */
	int64_t message;          /* of whose parameters and file it is one recipient; 0: of none */
	int kind, cost;           /* of outbox/outbox.h; nothing to the queue */
	unsigned flags;           /* enum queue_call_flags */
	int64_t created, expires; /* wall clock, milliseconds */
	int64_t due;              /* not before; wall clock, milliseconds */
	/* ends in a row that were surely no delivery; repeats after a 5xx; ends that may have been
	 * a delivery */
	int tries, servers, unsures;
	bool begun; /* it was being sent when this was written */
	/* JSON object of parameters, which stand before those of its message */
	const char *line, *method, *params;
	/* of one that failed */
	int64_t failed;     /* wall clock, milliseconds; 0: it waits */
	int code;           /* of the server; 0: it said nothing */
	const char *reason; /* "" while it waits */
};

/* What many calls have in common, stored once. */
struct queue_message {
	int64_t id;
	const char *params;           /* JSON object */
	const char *file_name, *file; /* NULL: no file */
	size_t file_length;
};

/* How far the limits of a chat are used up: when its bucket is full again, and until when it cools
 * down (outbox/outbox.h); wall clock, milliseconds. Both 0: it is forgotten. `line` "": the whole
 * bot. */
struct queue_line {
	const char *line;
	int64_t full, cool;
};

/* Records a new call with the next number, which is returned; its strings are copied. `group` 0:
 * its own. 0 when memory is out, or no number is at hand. */
int64_t queue_call_add(struct queue *q, const struct queue_call *call);

/* The number that the next queue_call_add() will give, and behind which `count` - 1 more will
 * follow without a gap: the calls of a reply, and the replies of one message, do. 0: a shared store
 * has not given out so many numbers yet. */
int64_t queue_call_next(struct queue *q, int64_t count);

/* Records a message, before the first call of it, with that call's number; its strings and its file
 * are copied. It goes with the last of its calls, waiting or failed. 0, or -1 when memory is out.
 */
int queue_message_add(struct queue *q, const struct queue_message *message);

/* The call is about to be sent: it counts as begun from the next flush on, with `due` and the
 * counts of `call`. With `sync` that flush is on disk even after a power cut. Reserves what the
 * record of its end takes. 0, or -1 when memory is out: it does not count as begun. In a shared
 * store only the sender begins, ends and gives up calls, and keeps limits and moves; what another
 * machine says of that is left out. */
int queue_call_begin(struct queue *q, const struct queue_call *call, bool sync);

/* The end of a call that was begun, exactly one of these. done: it is gone. again: it waits with
 * `due` and the counts (tries, servers, unsures) of `call`; its other members are those it was
 * added with, or queue_call_replace() gave it. fail: it failed, for the reason and with the code
 * and `unsures` of `call`. None of them can fail: queue_call_begin() reserved what they take. */
void queue_call_done(struct queue *q, int64_t id);
void queue_call_again(struct queue *q, const struct queue_call *call);
void queue_call_fail(struct queue *q, const struct queue_call *call);

/* A call that waits, and was not begun, has failed: with the reason, the code and the `unsures` of
 * `call`. 0, or -1 when memory is out. */
int queue_call_give_up(struct queue *q, const struct queue_call *call);

/* Forgets call `id`: one that waits and was not begun, or, with `failed`, one that failed. 0, or -1
 * when memory is out. */
int queue_call_drop(struct queue *q, int64_t id, bool failed);

/* Replaces the line, the parameters and the flags of the call that has the id of `call`, which may
 * have been begun. 0, or -1 when memory is out. */
int queue_call_replace(struct queue *q, const struct queue_call *call);

/* Records a chat's limits; without memory those of before stay. */
void queue_line_keep(struct queue *q, const struct queue_line *line);

/* Forgets the limits that are at rest at `wall`, wall clock, milliseconds. */
void queue_lines_rest(struct queue *q, int64_t wall);

/* The wall clock was set forward by `by` milliseconds, back if below 0: the times of all calls that
 * wait and of all limits go with it, so that each waits as long as it would have. */
void queue_clock_set(struct queue *q, int64_t by);

/* Records that the chat `from` is `to` from now on. 0, or -1 when memory is out. */
int queue_move_keep(struct queue *q, const char *from, const char *to);

/* Call back for each call from number `from` on that waits, or with `failed` each that failed, in
 * the order of numbers, `params` NULL unless `params` is asked for; for each line; for each move.
 * What is recorded and not yet written is not among them. Return 0, 1 when the callback ended the
 * walk by not returning 0, or -1 with `err`. The callbacks call no verb. */
int queue_calls_each(struct queue *q, int64_t from, bool failed, bool params,
		     int (*each)(void *arg, const struct queue_call *call), void *arg,
		     struct err *err);
int queue_lines_each(struct queue *q, int (*each)(void *arg, const struct queue_line *line),
		     void *arg, struct err *err);
int queue_moves_each(struct queue *q, int (*each)(void *arg, const char *from, const char *to),
		     void *arg, struct err *err);

/* Calls back for the call `id`, waiting or failed, and what it is a recipient of (NULL: nothing).
 * 1: told, 0: there is none, -1 with `err`. A shared store tells the sender of what came
 * (queue_config.call_came), until its end is written. */
int queue_call_show(struct queue *q, int64_t id,
		    void (*show)(void *arg, const struct queue_call *call,
				 const struct queue_message *message),
		    void *arg, struct err *err);

/* What is remembered of a job: for each of its chats the number of its first call, and for "" a
 * number of the job's own, with when it was used last (`at`, wall clock, milliseconds). get: 1 with
 * *number, 0: there is none, -1 with `err`; what is recorded and not yet written is not seen. keep:
 * 0, or -1 when memory is out. rest: forgets the jobs that were used last at `wall` or before. */
int queue_job_get(struct queue *q, const char *name, const char *chat, int64_t *number,
		  struct err *err);
int queue_job_keep(struct queue *q, const char *name, const char *chat, int64_t number, int64_t at);
void queue_jobs_rest(struct queue *q, int64_t wall);

/* How many failed calls the store keeps; what is recorded and not yet written is not counted. */
int64_t queue_calls_failed(const struct queue *q);

#endif
