/* handler/breaker: a broken handler must not burn the queue. After so many failures in a row over more than one key, with no success
 * between, the breaker is open: one handler at a time, with backoff, and failures are not counted, until one succeeds. Pure. */
#ifndef TGRUN_HANDLER_BREAKER_H
#define TGRUN_HANDLER_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/backoff.h"

struct breaker {
	int limit;          /* failures in a row; 0: never opens */
	int failures;       /* in a row, while closed */
	uint64_t first_key; /* hash of the first failure's key */
	bool many_keys;     /* the failures came from more than one key */
	bool open;
	struct backoff backoff; /* between attempts while open */
};

void breaker_init(struct breaker *b, int limit);

/* Counts a failed attempt of an update whose keys read `keys`. Returns true when this one opened the breaker. While open: *delay gets the
 * milliseconds until the next attempt may start. */
bool breaker_fail(struct breaker *b, const char *keys, uint32_t random, int64_t *delay);

/* A handler succeeded. Returns true when that closed the breaker. */
bool breaker_success(struct breaker *b);

#endif
