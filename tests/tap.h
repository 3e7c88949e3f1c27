/* tests/tap.h: TAP for unit tests, read by prove(1). A test says what holds, and shows what it got when it fails. */
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

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3), unused)) static bool ok(bool holds, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	printf("%sok %d - ", holds ? "" : "not ", ++tap_count);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	if (!holds)
		tap_failed++;
	fflush(stdout);
	return holds;
}

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

/* `got` equals `want` (both may be NULL). */
__attribute__((unused)) static bool is_str(const char *got, const char *want, const char *what)
{
	bool same = got && want ? strcmp(got, want) == 0 : got == want;
	if (!ok(same, "%s", what))
		diag("got '%s', wanted '%s'", got ? got : "(null)", want ? want : "(null)");
	return same;
}

__attribute__((unused)) static bool is_num(int64_t got, int64_t want, const char *what)
{
	if (!ok(got == want, "%s", what))
		diag("got %" PRId64 ", wanted %" PRId64, got, want);
	return got == want;
}

/* The end of main(): prints the plan; the program fails when a test did. */
__attribute__((unused)) static int done_testing(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
