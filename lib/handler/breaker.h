/* handler/breaker: tells a broken handler from updates that fail. Failures and successes of a
 * handler come in; out comes whether the breaker is open. It opens after `limit` failures in a row,
 * of more than one chat, and closes with the next success. What an open breaker means is its
 * owner's: attempts are started one at a time, after the delays that breaker_fail() tells, and
 * their failures are charged to no update. Pure: times are the caller's. */
#ifndef TGRUN_HANDLER_BREAKER_H
#define TGRUN_HANDLER_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/backoff.h"

/* The owner reads `open` and `failures`. */
struct breaker {
	int limit;           /* failures in a row at which it opens; 0: it never does */
	int failures;        /* in a row, up to `limit`; none is added while it is open */
	uint64_t first_chat; /* hash of the chat of the first of them */
	bool many_chats;     /* another chat was among them */
	bool open;
	struct backoff backoff; /* between attempts while it is open: 1 s to 60 s */
};

/* Begins closed, without a failure. `limit`: from 0. Nothing is to be released. */
void breaker_init(struct breaker *b, int limit);

/* Sets another limit, which counts from the next failure on. 0 closes the breaker at once, and
 * forgets the failures. */
void breaker_set_limit(struct breaker *b, int limit);

/* An attempt failed that ran from `began` to `now` (milliseconds of the same clock) for an update
 * of `chat`, a text that is the same for updates of the same chat. Returns whether this failure
 * opened the breaker. *delay gets the milliseconds that must pass before the next attempt, if the
 * breaker is open now; else -1. It is -1 also for an attempt that had begun before the last failure
 * became known: such a one says nothing new, and does not make delays longer. `random`: any 32
 * random bits, for jitter. */
bool breaker_fail(struct breaker *b, const char *chat, int64_t began, int64_t now, uint32_t random,
		  int64_t *delay);

/* An attempt succeeded: the breaker is closed, and no failure is counted any more. Returns whether
 * it was open. */
bool breaker_success(struct breaker *b);

#endif
