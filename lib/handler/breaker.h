/* handler/breaker: a broken handler must not burn the queue. After so many failures in a row over
 * more than one chat, with no success between, the breaker is open: one handler at a time, with
 * backoff, and failures are not counted, until one succeeds. Pure. */
#ifndef TGRUN_HANDLER_BREAKER_H
#define TGRUN_HANDLER_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/backoff.h"

struct breaker {
	int limit;           /* failures in a row; 0: never opens */
	int failures;        /* in a row, while closed */
	uint64_t first_chat; /* hash of the first failure's chat */
	bool many_chats;     /* the failures came from more than one chat */
	bool open;
	struct backoff backoff; /* between attempts while open */
};

void breaker_init(struct breaker *b, int limit);

/* Another limit from now on; 0 closes it, too. */
void breaker_set_limit(struct breaker *b, int limit);

/* Counts a failed attempt, from `began` to `now` (milliseconds of one clock), of an update of
 * `chat`, any text that names it. Returns true when this one opened the breaker. While open, *delay
 * gets the milliseconds until the next attempt may start; -1: this one says nothing new, since it
 * was under way when the last failure was counted. */
bool breaker_fail(struct breaker *b, const char *chat, int64_t began, int64_t now, uint32_t random,
		  int64_t *delay);

/* A handler succeeded. Returns true when that closed the breaker. */
bool breaker_success(struct breaker *b);

#endif
