/* tests/fuzz/fuzz.h: what a fuzz target gives, to libFuzzer (`make fuzz FUZZ=slice`) and to
 * replay.c (`make check`). */
#ifndef TGRUN_TESTS_FUZZ_H
#define TGRUN_TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The target's name: its corpus is tests/fuzz/corpus/NAME. */
extern const char fuzz_name[];

/* libFuzzer's name for it. Returns 0; ends the program when a property does not hold. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define HOLDS(condition, ...)                                                                   \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			printf("# %s:%d: does not hold: %s: ", __FILE__, __LINE__, #condition); \
			printf(__VA_ARGS__);                                                    \
			printf("\n");                                                           \
			fflush(stdout);                                                         \
			abort();                                                                \
		}                                                                               \
	} while (0)

/* A copy of exactly `n` bytes, so that the sanitizers see a byte read behind them. */
static inline char *fuzz_copy(const void *data, size_t n)
{
	char *copy = malloc(n ? n : 1);
	if (!copy)
		abort();
	for (size_t i = 0; i < n; i++)
		copy[i] = ((const char *)data)[i];
	return copy;
}

/* A copy as a string, up to a NUL if there is one inside. */
static inline char *fuzz_string(const void *data, size_t n)
{
	char *copy = malloc(n + 1);
	if (!copy)
		abort();
	for (size_t i = 0; i < n; i++)
		copy[i] = ((const char *)data)[i];
	copy[n] = '\0';
	return copy;
}

/* The length of the first line of `n` bytes, without its line feed. */
static inline size_t fuzz_line(const uint8_t *data, size_t n)
{
	size_t i = 0;
	while (i < n && data[i] != '\n')
		i++;
	return i;
}

#endif
