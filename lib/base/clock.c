/* base/clock: the machine's clock behind the table of clock.h; and its time as
 * text, written and read. */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t time_of(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t mono(const struct clock *c)
{
	(void)c;
	return time_of(CLOCK_MONOTONIC);
}

static int64_t wall(const struct clock *c)
{
	(void)c;
	return time_of(CLOCK_REALTIME);
}

int64_t clock_boot(void)
{
	return time_of(CLOCK_BOOTTIME);
}

const struct clock clock_system = { mono, wall };

/* `n` digits at *text, which moves behind them; -1: there are not so many. */
static int digits(const char **text, int n)
{
	int value = 0;
	for (; n; n--, ++*text) {
		if (**text < '0' || **text > '9')
			return -1;
		value = value * 10 + (**text - '0');
	}
	return value;
}

/* Two or four digits from `least` to `most`, behind one of `before` ("": nothing stands there). */
static bool field(const char **text, const char *before, int n, int least, int most, int *out)
{
	if (*before && (!**text || !strchr(before, *(*text)++)))
		return false;
	*out = digits(text, n);
	return *out >= least && *out <= most;
}

/* Milliseconds of a fraction, if there is one. */
static bool fraction(const char **text, int *out)
{
	*out = 0;
	if (**text != '.')
		return true;
	size_t n = strspn(++*text, "0123456789");
	for (size_t i = 0; i < 3; i++)
		*out = *out * 10 + (i < n ? (*text)[i] - '0' : 0);
	*text += n;
	return n > 0;
}

/* Minutes that the zone is ahead. */
static bool zone(const char **text, int *out)
{
	int hours, minutes;
	*out = 0;
	if (**text == 'Z' || **text == 'z') {
		++*text;
		return true;
	}
	bool west = **text == '-';
	if (!field(text, "+-", 2, 0, 23, &hours) || !field(text, ":", 2, 0, 59, &minutes))
		return false;
	*out = (west ? -1 : 1) * (hours * 60 + minutes);
	return true;
}

/* Whether the calendar has the day; timegm(3) would take the 31st of June for the 1st of July. */
static bool has_day(const struct tm *tm)
{
	struct tm same = { .tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday };
	return timegm(&same) >= 0 && same.tm_mday == tm->tm_mday && same.tm_mon == tm->tm_mon;
}

int clock_read(const char *text, int64_t *wall, struct err *err)
{
	struct tm tm = { 0 };
	const char *p = text;
	int year, month, milliseconds, ahead;
	size_t n = strspn(text, "0123456789");
	if (n && n < 16 && !text[n]) {
		*wall = strtoll(text, NULL, 10) * 1000;
		return 0;
	}
	bool time = field(&p, "", 4, 1970, 9999, &year) && field(&p, "-", 2, 1, 12, &month) &&
		    field(&p, "-", 2, 1, 31, &tm.tm_mday) &&
		    field(&p, "Tt ", 2, 0, 23, &tm.tm_hour) &&
		    field(&p, ":", 2, 0, 59, &tm.tm_min) && field(&p, ":", 2, 0, 60, &tm.tm_sec) &&
		    fraction(&p, &milliseconds);
	if (time && !*p)
		return err_set(err, ERR_USAGE,
			       "'%.60s' is a time without a zone: write '%.60sZ' for UTC, or an "
			       "offset such as +01:00 behind it",
			       text, text);
	time = time && zone(&p, &ahead) && !*p;
	if (time) {
		tm.tm_year = year - 1900;
		tm.tm_mon = month - 1;
		time = has_day(&tm);
	}
	if (!time)
		return err_set(err, ERR_USAGE,
			       "'%.60s' is no time: write it as 2026-12-24T18:00:00+01:00, or in "
			       "seconds since 1970",
			       text);
	*wall = ((int64_t)timegm(&tm) - ahead * 60) * 1000 + milliseconds;
	return 0;
}

void clock_text(int64_t wall, bool milliseconds, char out[CLOCK_TEXT_MAX])
{
	struct tm tm;
	time_t seconds = (time_t)(wall / 1000);
	size_t n = gmtime_r(&seconds, &tm) ? strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm)
					   : 0;
	if (!n)
		strcpy(out, "?");
	else if (milliseconds)
		snprintf(out + n, CLOCK_TEXT_MAX - n, ".%03dZ", (int)((wall % 1000 + 1000) % 1000));
	else
		snprintf(out + n, CLOCK_TEXT_MAX - n, "Z");
}
