/* base/clock: the machine's clock behind the table of clock.h; and its time as text. */
#include "base/clock.h"

#include <stdio.h>
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

const struct clock clock_system = { mono, wall };

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
