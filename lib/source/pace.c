/* source/pace: times and counts of responses in, a delay out. Pure arithmetic: the clock is the
 * caller's, so a test needs no waiting.
 *
 * The first response begins the first round; until a round has ended there is no rate, and nothing
 * waits. */
#include "source/pace.h"

/* What a round keeps of the weight of those before it: four rounds count for most. */
static const double KEEP = 0.75;

int64_t pace_delay(struct pace *p, int64_t now, size_t count)
{
	if (p->rounds++ > 0) {
		p->updates = p->updates * KEEP + (double)count;
		p->time = p->time * KEEP + (double)(now - p->last);
	}
	p->last = now;
	if (p->balance <= 0 || count >= (size_t)p->limit || p->rounds < 2)
		return 0;
	double gather = (double)p->max_delay;
	if (p->updates > 0 && p->time * p->limit / p->updates < gather)
		gather = p->time * p->limit / p->updates;
	return (int64_t)(gather * p->balance / 1000);
}
