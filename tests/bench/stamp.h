/* tests/bench/stamp: when a handler ran. A line of a fixed length for each in the file
 * BENCH_STAMPS, "ID START END", nanoseconds of CLOCK_MONOTONIC, which all processes of the machine
 * share: the length of the file says how many have ended. */
#ifndef TESTS_BENCH_STAMP_H
#define TESTS_BENCH_STAMP_H

#include <stdint.h>
#include <time.h>

enum { STAMP_LENGTH = 10 + 1 + 20 + 1 + 20 + 1 };
#define STAMP_FORMAT "%10ld %20lld %20lld\n"

static inline int64_t stamp_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#endif
