/* base/backoff: how long to wait before the next try: growing from a first delay to a cap, with jitter. */
#ifndef TGRUN_BASE_BACKOFF_H
#define TGRUN_BASE_BACKOFF_H

#include <stdint.h>

enum backoff_growth { BACKOFF_EXPONENTIAL, BACKOFF_QUADRATIC, BACKOFF_CONSTANT };

struct backoff {
	int64_t first, cap; /* milliseconds */
	enum backoff_growth growth;
	int failures;       /* in a row */
};

/* The delay in milliseconds before try number `failures` + 1, `failures` from 1: `first` doubled each time, at
 * most `cap`. No jitter. */
int64_t backoff_delay(int64_t first, int64_t cap, int failures);

/* The delay of another growth: quadratic, `first` times the square of `failures`, at most `cap`; constant, `first`, at most `cap`. */
int64_t backoff_delay_of(const struct backoff *b);

/* Counts a failure and returns the delay until the next try in milliseconds: between half of backoff_delay_of()
 * and all of it. `random` is any 32 random bits. */
int64_t backoff_fail(struct backoff *b, uint32_t random);

/* After a success: the next failure waits `first` again. */
void backoff_reset(struct backoff *b);

/* 32 random bits of the machine, for jitter. */
uint32_t backoff_random(void);

#endif
