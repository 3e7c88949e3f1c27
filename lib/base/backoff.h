/* base/backoff: how long to wait before the next try: growing from a first delay to a cap, with
 * jitter. */
#ifndef TGRUN_BASE_BACKOFF_H
#define TGRUN_BASE_BACKOFF_H

#include <stdint.h>

enum backoff_growth { BACKOFF_EXPONENTIAL, BACKOFF_QUADRATIC, BACKOFF_CONSTANT };

struct backoff {
	int64_t first, cap; /* milliseconds */
	enum backoff_growth growth;
	int failures;      /* in a row */
	int64_t failed_at; /* when the last of backoff_fail_of() was counted */
};

/* The delay in milliseconds before try number `failures` + 1, `failures` from 1: `first` doubled
 * each time, at most `cap`. No jitter. */
int64_t backoff_delay(int64_t first, int64_t cap, int failures);

/* The delay of another growth: quadratic, `first` times the square of `failures`, at most `cap`;
 * constant, `first`, at most `cap`. */
int64_t backoff_delay_of(const struct backoff *b);

/* Counts a failure and returns the delay until the next try in milliseconds: between half of
 * backoff_delay_of() and all of it. `random` is any 32 random bits. */
int64_t backoff_fail(struct backoff *b, uint32_t random);

/* The same for one of several that may be under way together, which began at `began` and failed
 * `now` (milliseconds of one clock). Those that began before the last failure was known say nothing
 * new: -1, and it is not counted. */
int64_t backoff_fail_of(struct backoff *b, int64_t began, int64_t now, uint32_t random);

/* One that began at `began` went well: backoff_reset(), unless it began before the last failure was
 * known. */
void backoff_succeed_of(struct backoff *b, int64_t began);

/* After a success: the next failure waits `first` again. */
void backoff_reset(struct backoff *b);

/* 32 random bits of the machine, for jitter. */
uint32_t backoff_random(void);

#endif
