/* base/clock: time as a small table of functions, so that tests bring a clock of their own.
 *
 * Deadlines and backoff use the monotonic clock: setting the wall clock changes neither. */
#ifndef TGRUN_BASE_CLOCK_H
#define TGRUN_BASE_CLOCK_H

#include <stdint.h>

struct clock {
	int64_t (*mono)(const struct clock *c); /* milliseconds, CLOCK_MONOTONIC */
	int64_t (*wall)(const struct clock *c); /* milliseconds since 1970, CLOCK_REALTIME */
};

/* The machine's clock. */
extern const struct clock clock_system;

#endif
