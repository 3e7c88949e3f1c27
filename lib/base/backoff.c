/* base/backoff: pure arithmetic; jitter keeps many bots from asking one server in the same instant.
 */
#include "base/backoff.h"

#include <sys/random.h>
#include <time.h>

int64_t backoff_delay(int64_t first, int64_t cap, int failures)
{
	int64_t delay = first;
	for (int i = 1; i < failures && delay > 0 && delay < cap; i++)
		delay = delay <= cap / 2 ? delay * 2 : cap;
	return delay < cap ? delay : cap;
}

int64_t backoff_delay_of(const struct backoff *b)
{
	int64_t square = (int64_t)b->failures * b->failures;
	switch (b->growth) {
	case BACKOFF_EXPONENTIAL:
		return backoff_delay(b->first, b->cap, b->failures);
	case BACKOFF_QUADRATIC:
		return b->first && square > b->cap / b->first ? b->cap : b->first * square;
	case BACKOFF_CONSTANT:
		return b->first < b->cap ? b->first : b->cap;
	}
	return b->cap;
}

int64_t backoff_fail(struct backoff *b, uint32_t random)
{
	if (b->failures < 1000)
		b->failures++;
	int64_t delay = backoff_delay_of(b);
	return delay - delay / 2 + (int64_t)((uint64_t)(delay / 2) * random / UINT32_MAX);
}

int64_t backoff_fail_of(struct backoff *b, int64_t began, int64_t now, uint32_t random)
{
	if (b->failures && began <= b->failed_at)
		return -1;
	b->failed_at = now;
	return backoff_fail(b, random);
}

void backoff_succeed_of(struct backoff *b, int64_t began)
{
	if (b->failures && began > b->failed_at)
		backoff_reset(b);
}

void backoff_reset(struct backoff *b)
{
	b->failures = 0;
}

uint32_t backoff_random(void)
{
	uint32_t bits;
	if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != sizeof bits) {
		struct timespec ts;
		clock_gettime(CLOCK_MONOTONIC, &ts);
		bits = (uint32_t)ts.tv_nsec * 2654435761u;
	}
	return bits;
}
