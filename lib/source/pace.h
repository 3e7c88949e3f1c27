/* source/pace: how long to wait between two requests, so that updates gather and responses are
 * fuller: latency for traffic.
 *
 * The rate at which updates come is measured over whole rounds, from one response to the next: the
 * wait and the request itself are part of it, so a wait does not make the rate look higher than it
 * is. Rounds of long ago weigh less. */
#ifndef TGRUN_SOURCE_PACE_H
#define TGRUN_SOURCE_PACE_H

#include <stddef.h>
#include <stdint.h>

struct pace {
	int balance;       /* thousandths, 0 (never wait) to 1000 */
	int64_t max_delay; /* milliseconds */
	int limit;         /* updates in a full response */
	/* private; zero to begin with */
	int64_t last; /* when the last response came */
	double updates, time;
	int rounds;
};

/* A response with `count` updates came at `now` (monotonic milliseconds). Returns the milliseconds
 * to wait before the next request: none after a full response, since more waits already; else the
 * time in which a full one gathers at the present rate, at most `max_delay`, times the balance. */
int64_t pace_delay(struct pace *p, int64_t now, size_t count);

#endif
