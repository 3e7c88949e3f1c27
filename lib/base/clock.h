/* base/clock: time as a small table of functions, so that tests bring a clock of their own.
 *
 * Deadlines and backoff use the monotonic clock: setting the wall clock changes neither. */
#ifndef TGRUN_BASE_CLOCK_H
#define TGRUN_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct clock {
	int64_t (*mono)(const struct clock *c); /* milliseconds, CLOCK_MONOTONIC */
	int64_t (*wall)(const struct clock *c); /* milliseconds since 1970, CLOCK_REALTIME */
};

/* The machine's clock. */
extern const struct clock clock_system;

/* Milliseconds of CLOCK_BOOTTIME: the monotonic clock, which goes on while the machine sleeps. */
int64_t clock_boot(void);

enum { CLOCK_TEXT_MAX = 40 };

/* Reads a time of the wall clock, in milliseconds since 1970: seconds since 1970 ("1766595600"), or
 * as RFC 3339 has it, with its zone: "2026-12-24T18:00:00+01:00", "2026-12-24 17:00:00.5Z". 0, or
 * -1 with `err` (ERR_USAGE) that names what was given and says what is wanted. */
int clock_read(const char *text, int64_t *wall, struct err *err);

/* Writes `wall`, milliseconds since 1970, as RFC 3339 has it, in UTC: "2026-11-23T21:04:05Z", or
 * "2026-11-23T21:04:05.123Z" with `milliseconds`; "?" for a time that no calendar has. */
void clock_text(int64_t wall, bool milliseconds, char out[CLOCK_TEXT_MAX]);

#endif
