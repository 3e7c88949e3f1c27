/* base/clock: the machine's clock behind the table of clock.h. */
#include "base/clock.h"

#include <time.h>

static int64_t milliseconds(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t mono(const struct clock *c)
{
	(void)c;
	return milliseconds(CLOCK_MONOTONIC);
}

static int64_t wall(const struct clock *c)
{
	(void)c;
	return milliseconds(CLOCK_REALTIME);
}

const struct clock clock_system = { mono, wall };
