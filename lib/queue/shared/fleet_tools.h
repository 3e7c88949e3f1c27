/* queue/shared/fleet_tools: a shared queue for who asks it from outside: `tgrun dead`, `queue`,
 * `outbox`, `send`, `push` with a URL. It holds nothing and handles nothing: of the verbs of
 * queue.h, calls.h and later.h those work that list, show, change and add. Each waits for the
 * server. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_TOOLS_H
#define TGRUN_QUEUE_SHARED_FLEET_TOOLS_H

#include "base/clock.h"
#include "base/texts.h"
#include "queue/queue.h"

enum { FLEET_TOOLS_WAIT = 10000 /* milliseconds for an answer */ };

/* Which bot the database is of, where the caller does not know: the one that has a schema there and
 * lets this user in. 0 with *bot_id; -1 with `err`: ERR_USAGE when there are several, which are
 * named, ERR_CONFIG when there is none, or as fleet_db_open(). */
int fleet_tools_bot(const char *url, int64_t *bot_id, struct err *err);

/* Opens the queue of a bot. The clock is the caller's. NULL with `err`. */
struct queue *fleet_tools_open(const char *url, int64_t bot_id, const struct clock *clock,
			       struct err *err);

/* What is to be cancelled, on whichever machine it runs: updates with these numbers, with any of
 * the keys, of a chat (NULL: none). */
struct fleet_tools_cancel {
	const int64_t *numbers;
	size_t count;
	const struct texts *keys;
	const int64_t *chat;
};
int fleet_tools_cancel(struct queue *q, const struct fleet_tools_cancel *what, struct err *err);

#endif
