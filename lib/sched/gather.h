/* sched/gather: how a lane gathers what comes in a burst. Updates of one group and of the same keys
 * that come directly one after the other are handed out as one batch: when nothing of it came for
 * `wait`, or `longest` after the first of it, or at once when `most` are there or another update of
 * any of the keys came behind them. What has no group or no key waits for nothing more; nor does
 * what was handed out before, which nothing joins that was not: of one key all such are of one
 * batch, and a batch that comes again holds the same. */
#ifndef TGRUN_SCHED_GATHER_H
#define TGRUN_SCHED_GATHER_H

#include <stddef.h>
#include <stdint.h>

struct sched_gather {
	size_t most;           /* 0: the lane does not gather */
	int64_t wait, longest; /* milliseconds */
};

#endif
