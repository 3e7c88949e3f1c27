/* tests/unit/pushed: what may be pushed, and when it comes. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/tap.h"
#include "update/pushed.h"

static char bytes[256];
static struct pushed pushed;
static struct err err;

static int read_it(const char *text)
{
	err = (struct err){ 0 };
	return pushed_read(strcpy(bytes, text), strlen(text), &pushed, &err);
}

static void taken(const char *text, const char *kind, const char *want)
{
	ok(read_it(text) == 0 && strlen(want) == pushed.length &&
		   memcmp(pushed.bytes, want, pushed.length) == 0 && !strcmp(pushed.kind, kind),
	   "taken: %s", want);
}

static void refused(const char *text, const char *words)
{
	if (!ok(read_it(text) && err.status == ERR_REFUSED && strstr(err.text, words),
		"refused: %s", words))
		diag("%d %s", err.status, err.text);
}

static void test_pushed(void)
{
	taken("{\"a\":{}}", "a", "{\"a\":{}}");
	taken("\xef\xbb\xbf \t{ \"update_id\":{},\r\n\"n\":1.50, \"a_1\":{}}\n\n", "a_1",
	      "{ \"update_id\":{},  \"n\":1.50, \"a_1\":{}}");
	taken("{\"message\":{\"text\":\"\\u0041\\/\"}}", "message",
	      "{\"message\":{\"text\":\"\\u0041\\/\"}}");
	refused("", "nothing is pushed");
	refused(" \n\t", "nothing is pushed");
	refused("{}", "has no kind");
	refused("{\"update_id\":{}}", "has no kind");
	refused("{\"a\":[{}]}", "has no kind");
	refused("{\"A b\":{}}", "has no kind");
	refused("[]", "is a list");
	refused("\"a\"", "no object");
	refused("{\"a\":{}}\n\n {\"b\":{}}", "line 3, column 2");
	refused("{\"a\":{}", "is cut off at line 1, column 8");
	refused("{\n\"a\":{},}", "is no JSON at line 2, column 8");
	refused("\xff\xfe{", "UTF-16");
	refused("{\"a\":{\n \"b\":\"one\ntwo\"}}",
		"line end or control character in a text at line 2, column 10; write it \\n");
	refused("{\"a\":{\"b\":\"\t\"}}", "control character in a text");
	refused("{\"a\x1b\":{}}", "control character in a text");
	refused("{\"a\":{\"b\":\"\xe4\"}}",
		"is not in UTF-8 at line 1, column 12; make UTF-8 of it");
	refused("{\"a\":{\"b\":\"\xed\xa0\x80\"}}", "is not in UTF-8");
	refused("{\"a\":{\"b\":\"\\,\"}}", "an escape that JSON has not at line 1, column 12");
	refused("{\"a\":{\"b\":\"\\u12g4\"}}", "an escape that JSON has not");
	taken("{\"a\":{\"b\":\"\\\\ \\\" \\ud83d \x7f\xc3\xa4\"}}", "a",
	      "{\"a\":{\"b\":\"\\\\ \\\" \\ud83d \x7f\xc3\xa4\"}}");
	refused("{\"a\":{\"chat\":{\"id\":\"-5\"}}}",
		"a number in quotes, one that is not whole, or one that is too large, at 'chat.id'");
	refused("{\"a\":{\"message\":{\"chat\":{\"id\":5.5}}}}", "at 'message.chat.id'");
	refused("{\"a\":{\"from\":{\"id\":\"5\"}}}", "at 'from.id'");
	refused("{\"chat\":{\"id\":5},\"text\":\"tea\"}", "its chat outside of an object");
	taken("{\"a\":{},\"chat\":{\"id\":5}}", "a", "{\"a\":{},\"chat\":{\"id\":5}}");
	refused("{\"inline_query\":{\"from\":{\"id\":1e3}}}", "at 'from.id'");
	taken("{\"a\":{\"chat\":{\"id\":5},\"user\":{\"id\":\"17\"}}}", "a",
	      "{\"a\":{\"chat\":{\"id\":5},\"user\":{\"id\":\"17\"}}}");
	taken("{\"a\":{\"user\":{\"id\":\"cus_17\"},\"chat\":{\"id\":null}}}", "a",
	      "{\"a\":{\"user\":{\"id\":\"cus_17\"},\"chat\":{\"id\":null}}}");
	refused("\x1f\x8b\x08", "zcat");
}

static void test_times(void)
{
	static const struct {
		const char *text;
		int64_t wall;
	} good[] = {
		{ "0", 0 },
		{ "1766595600", 1766595600000 },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2025-12-24T17:00:00Z", 1766595600000 },
		{ "2025-12-24T18:00:00+01:00", 1766595600000 },
		{ "2025-12-24t08:30:00.25-08:30", 1766595600250 },
		{ "2025-12-24 17:00:00.0009z", 1766595600000 },
		{ "2024-02-29T00:00:00Z", 1709164800000 },
		{ "2016-12-31T23:59:60Z", 1483228800000 },
	};
	static const char *const bad[] = {
		"",
		"-1",
		"1.5",
		"99999999999999999",
		"now",
		"2025-12-24",
		"2025-12-24T17:00Z",
		"2025-12-24T17:00:00",
		"2025-12-24T24:00:00Z",
		"2025-12-24T17:60:00Z",
		"2025-13-24T17:00:00Z",
		"2025-02-29T00:00:00Z",
		"2025-06-31T00:00:00Z",
		"2025-12-24T17:00:00.Z",
		"2025-12-24T17:00:00+0100",
		"2025-12-24T17:00:00+24:00",
		"2025-12-24T17:00:00Z ",
		" 2025-12-24T17:00:00Z",
		"25-12-24T17:00:00Z",
		"2025-12-24T17:00:00CET",
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		int64_t wall = -1;
		ok(clock_read(good[i].text, &wall, &err) == 0 && wall == good[i].wall,
		   "the time %s: %lld", good[i].text, (long long)wall);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int64_t wall = -1;
		ok(clock_read(bad[i], &wall, &err) == -1 && err.status == ERR_USAGE && wall == -1,
		   "no time: '%s'", bad[i]);
	}
	clock_read("2025-12-24T17:00:00", &(int64_t){ 0 }, &err);
	ok(strstr(err.text, "without a zone"), "one without a zone is told so: %s", err.text);
}

int main(void)
{
	RUN(test_pushed);
	RUN(test_times);
	return done_testing();
}
