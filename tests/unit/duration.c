/* tests/unit/duration: durations and sizes are read exactly, refused with a sentence, and written
 * so that they read back. */
#include "base/duration.h"
#include "tests/tap.h"

static void reads(const char *text, int64_t want)
{
	struct err err = { 0 };
	int64_t ms = -1;
	int rc = duration_parse(text, &ms, &err);
	if (!ok(rc == 0 && ms == want, "'%s' is %" PRId64 " ms", text, want))
		diag("got %d, %" PRId64 " ms, '%s'", rc, ms, err.text);
}

static void refuses(int (*parse)(const char *, int64_t *, struct err *), const char *text)
{
	struct err err = { 0 };
	int64_t n = 77;
	int rc = parse(text, &n, &err);
	bool named = strstr(err.text, text) && strstr(err.text, "; write ");
	if (!ok(rc == -1 && n == 77 && err.status == ERR_USAGE && named,
		"'%s' is refused, named, and the forms are told", text))
		diag("got %d, %" PRId64 ", status %d, '%s'", rc, n, err.status, err.text);
}

static void sized(const char *text, int64_t want)
{
	struct err err = { 0 };
	int64_t bytes = -1;
	int rc = duration_size(text, &bytes, &err);
	if (!ok(rc == 0 && bytes == want, "'%s' is %" PRId64 " bytes", text, want))
		diag("got %d, %" PRId64 ", '%s'", rc, bytes, err.text);
}

static void writes(int64_t ms, const char *want)
{
	char text[DURATION_TEXT];
	duration_format(ms, text, sizeof text);
	is_str(text, want, want);
}

int main(void)
{
	reads("250ms", 250);
	reads("30s", 30000);
	reads("5m", 300000);
	reads("2h", 7200000);
	reads("7d", 604800000);
	reads("30", 30000);
	reads("0", 0);
	reads("1.5s", 1500);
	reads("1.5", 1500);
	reads("0.25h", 900000);
	reads("0.0005s", 1);
	reads("1.0000000000000000000001s", 1000);
	reads("9223372036854775807ms", INT64_MAX);
	static const char *const bad[] = { "",
					   "s",
					   "-1",
					   "+1",
					   " 1",
					   "1 s",
					   "1.",
					   ".5s",
					   "1.5.2",
					   "1x",
					   "1S",
					   "1sec",
					   "1,5s",
					   "0x10",
					   "1e3",
					   "9223372036854775808ms",
					   "9223372036854775807s",
					   "106751991168d",
					   "99999999999999999999",
					   "nan",
					   "٣s" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		refuses(duration_parse, bad[i]);

	sized("64K", 65536);
	sized("1M", 1048576);
	sized("2G", 2147483648);
	sized("123", 123);
	sized("0", 0);
	static const char *const bad_size[] = { "",           "K",   "1k",  "1KB",
						"1.5M",       "-1M", "1 M", "9223372036854775807K",
						"8589934592G" };
	for (size_t i = 0; i < sizeof bad_size / sizeof *bad_size; i++)
		refuses(duration_size, bad_size[i]);

	writes(0, "0s");
	writes(250, "250ms");
	writes(1500, "1.5s");
	writes(1250, "1.25s");
	writes(1001, "1.001s");
	writes(60000, "60s");
	writes(90000, "90s");
	writes(599000, "599s");
	writes(600000, "10m");
	writes(601000, "601s");
	writes(7200000, "2h");
	writes(5400000, "90m");
	writes(86400000, "24h");
	writes(604800000, "7d");
	bool back = true;
	srand(3);
	for (int i = 0; i < 20000; i++) {
		static const int64_t steps[] = { 1, 10, 100, 1000, 60000, 3600000, 86400000 };
		int64_t ms = rand() % 3000 * steps[rand() % 7], again = -1;
		char text[DURATION_TEXT];
		duration_format(ms, text, sizeof text);
		if (duration_parse(text, &again, NULL) || again != ms) {
			diag("%" PRId64 " ms was written as '%s' and read as %" PRId64, ms, text,
			     again);
			back = false;
		}
	}
	ok(back, "20,000 random durations read back as they were written");
	char small[4];
	duration_format(123456789, small, sizeof small);
	is_str(small, "123", "a text longer than its place is cut and ended");
	return done_testing();
}
