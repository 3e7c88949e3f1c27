/* base/duration: text in, milliseconds or bytes out, and back.
 *
 * Numbers are read digit by digit into integers: no locale changes what `1.5s` means, and what does
 * not fit 64 bits is refused instead of wrapping. */
#include "base/duration.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t factor;
};

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static const struct unit durations[] = {
	{ "", SECOND }, { "ms", 1 }, { "s", SECOND }, { "m", MINUTE }, { "h", HOUR }, { "d", DAY },
};
static const struct unit sizes[] = {
	{ "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }
};

static const struct unit *unit_find(const struct unit *units, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(units[i].name, name) == 0)
			return &units[i];
	return NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits at *p into *n and moves *p behind them. False if there is none or the number does
 * not fit. */
static bool read_whole(const char **p, int64_t *n)
{
	const char *start = *p;
	for (*n = 0; is_digit(**p); ++*p)
		if (__builtin_mul_overflow(*n, 10, n) || __builtin_add_overflow(*n, **p - '0', n))
			return false;
	return *p > start;
}

int duration_parse(const char *text, int64_t *ms, struct err *err)
{
	const char *p = text;
	int64_t whole, part = 0, scale = 1, result;
	if (!read_whole(&p, &whole))
		goto bad;
	if (*p == '.') {
		if (!is_digit(*++p))
			goto bad;
		/* Nine decimals of a day are 86 microseconds; more change nothing. */
		for (; is_digit(*p); p++)
			if (scale < 1000000000) {
				part = part * 10 + (*p - '0');
				scale *= 10;
			}
	}
	const struct unit *u = unit_find(durations, sizeof durations / sizeof *durations, p);
	if (!u || __builtin_mul_overflow(whole, u->factor, &result) ||
	    __builtin_add_overflow(result, (part * u->factor + scale / 2) / scale, &result))
		goto bad;
	*ms = result;
	return 0;
bad:
	return err_set(
		err, ERR_USAGE,
		"'%.100s' is no duration; write 250ms, 30s, 5m, 2h, 7d or a number of seconds",
		text);
}

int duration_size(const char *text, int64_t *bytes, struct err *err)
{
	const char *p = text;
	int64_t whole, result;
	const struct unit *u;
	if (!read_whole(&p, &whole) || !(u = unit_find(sizes, sizeof sizes / sizeof *sizes, p)) ||
	    __builtin_mul_overflow(whole, u->factor, &result))
		return err_set(err, ERR_USAGE,
			       "'%.100s' is no size; write 64K, 1M, 2G or a number of bytes", text);
	*bytes = result;
	return 0;
}

void duration_format(int64_t ms, char *out, size_t n)
{
	int64_t seconds = ms / SECOND, rest = ms % SECOND;
	if (ms >= 2 * DAY && ms % DAY == 0)
		snprintf(out, n, "%" PRId64 "d", ms / DAY);
	else if (ms >= HOUR && ms % HOUR == 0)
		snprintf(out, n, "%" PRId64 "h", ms / HOUR);
	else if (ms >= 10 * MINUTE && ms % MINUTE == 0)
		snprintf(out, n, "%" PRId64 "m", ms / MINUTE);
	else if (rest == 0)
		snprintf(out, n, "%" PRId64 "s", seconds);
	else if (seconds == 0)
		snprintf(out, n, "%" PRId64 "ms", ms);
	else if (rest % 100 == 0)
		snprintf(out, n, "%" PRId64 ".%" PRId64 "s", seconds, rest / 100);
	else if (rest % 10 == 0)
		snprintf(out, n, "%" PRId64 ".%02" PRId64 "s", seconds, rest / 10);
	else
		snprintf(out, n, "%" PRId64 ".%03" PRId64 "s", seconds, rest);
}
