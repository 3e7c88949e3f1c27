/* base/duration: durations and sizes as people write them in options, and durations in sentences.
 */
#ifndef TGRUN_BASE_DURATION_H
#define TGRUN_BASE_DURATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Reads a duration into *ms, milliseconds: `250ms`, `30s`, `5m`, `2h`, `7d`; a bare number is
 * seconds; fractions are fine (`1.5s`), less than a millisecond is rounded to the nearest. No sign,
 * no white space. 0, or -1 with `err` (ERR_USAGE) that names the value and the forms. */
int duration_parse(const char *text, int64_t *ms, struct err *err);

/* Reads a size into *bytes: `64K`, `1M`, `2G` (powers of 1024); a bare number is bytes; no
 * fractions. 0, or -1 with `err` (ERR_USAGE). */
int duration_size(const char *text, int64_t *bytes, struct err *err);

/* Writes `ms` (not negative) for a sentence, cut to `n` bytes; duration_parse() reads the same
 * back. `250ms`, `1.5s`, `60s`, `90s`; from ten minutes on `10m`, `2h`, `7d` where that is exact,
 * else seconds. */
void duration_format(int64_t ms, char *out, size_t n);

enum { DURATION_TEXT = 32 }; /* bytes that hold every text of duration_format() */

#endif
