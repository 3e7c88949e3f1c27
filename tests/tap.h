/* tests/tap.h: TAP for unit tests, read by prove(1). A test says what holds, and shows what it got
 * when it fails: the place, the expression, and for is_num() and is_str() both values.
 *
 *   static void empty(void) { …ok(…)… }
 *   int main(void) { RUN(empty); RUN(full); return done_testing(); }
 *
 * The program's first argument, if there is one, is the name of the one function to run. */
#ifndef TGRUN_TESTS_TAP_H
#define TGRUN_TESTS_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Defined in a build with sanitizers. */
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

static int tap_count, tap_failed, tap_ran;
static const char *tap_only; /* NULL: all */

__attribute__((format(printf, 1, 2), unused)) static void diag(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
}

__attribute__((format(printf, 5, 6), unused)) static bool tap_ok(bool holds, const char *expression,
								 const char *file, int line,
								 const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	printf("%sok %d - ", holds ? "" : "not ", ++tap_count);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	if (!holds) {
		tap_failed++;
		diag("%s:%d: %s", file, line, expression);
	}
	fflush(stdout);
	return holds;
}

/* `condition` holds; what follows says what that means, as printf() does. */
#define ok(condition, ...) tap_ok((condition), #condition, __FILE__, __LINE__, __VA_ARGS__)

/* `got` equals `want` (both may be NULL). */
#define is_str(got, want, what) tap_is_str((got), (want), what, #got, __FILE__, __LINE__)

__attribute__((unused)) static bool tap_is_str(const char *got, const char *want, const char *what,
					       const char *expression, const char *file, int line)
{
	bool same = got && want ? strcmp(got, want) == 0 : got == want;
	if (!tap_ok(same, expression, file, line, "%s", what ? what : ""))
		diag("got '%s', wanted '%s'", got ? got : "(null)", want ? want : "(null)");
	return same;
}

#define is_num(got, want, what) tap_is_num((got), (want), what, #got, __FILE__, __LINE__)

__attribute__((unused)) static bool tap_is_num(int64_t got, int64_t want, const char *what,
					       const char *expression, const char *file, int line)
{
	if (!tap_ok(got == want, expression, file, line, "%s", what))
		diag("got %" PRId64 ", wanted %" PRId64, got, want);
	return got == want;
}

/* glibc hands the arguments of main() to constructors, too. */
__attribute__((constructor, unused)) static void tap_begin(int argc, char **argv)
{
	tap_only = argc > 1 ? argv[1] : NULL;
}

/* Whether the test of this name is to run. */
__attribute__((unused)) static bool tap_wanted(const char *name)
{
	bool wanted = !tap_only || strcmp(tap_only, name) == 0;
	tap_ran += wanted;
	return wanted;
}

/* Runs one test if it is wanted by its name: RUN(empty), or RUN(of, "sqlite") for a test that takes
 * arguments. */
#define RUN(test, ...)                     \
	do {                               \
		if (tap_wanted(#test))     \
			test(__VA_ARGS__); \
	} while (0)

/* The end of main(): prints the plan; the program fails when a test did, or none is of the name
 * given. */
__attribute__((unused)) static int done_testing(void)
{
	if (tap_only && !tap_ran) {
		printf("Bail out! no test is named '%s'\n", tap_only);
		return 1;
	}
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
