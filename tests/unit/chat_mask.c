/* tests/unit/chat_mask: in a recorded conversation the time that it was is masked, and nothing else
 * is; and what stands there in angle brackets is what may differ. */
#include "cli/try/chat_mask.h"

#include "tests/tap.h"

/* Thursday, 26 November 2026, 05:52:01 UTC; in Tokyo 14:52:01. */
enum { NOW = 1795672321 };

static struct chat_masks masks = { .from = NOW, .to = NOW + 1, .offset = 9 * 3600 };

static void masked(const char *text, const char *want)
{
	struct buf out;
	buf_init(&out, 1 << 16);
	chat_mask(&masks, text, &out);
	is_str(buf_str(&out), want, text);
	ok(chat_mask_same(buf_str(&out), text), "and matches what it was made of");
	buf_release(&out);
}

static void test_times(void)
{
	masked("Thu Nov 26 05:52:01 UTC 2026", "<time>");
	masked("bot: Thu Nov 26 05:52:01 UTC 2026", "bot: <time>");
	masked("Thu 26 Nov 2026 02:52:01 PM JST", "<time>");
	masked("it is 05:52:01, is it?", "it is <time>, is it?");
	masked("at 5:52", "at <time>");
	masked("(14:52)", "(<time>)");
	masked("2026-11-26T05:52:01Z", "<time>");
	masked("2026-11-26T05:52:01.123+00:00 x", "<time> x");
	masked("2026-11-26 14:52:02", "<time>");
	masked("on 26.11.2026.", "on <time>.");
	masked("11/26/2026", "<time>");
	masked("Thursday, November 26, 2026", "<time>");
	masked("26. November 2026", "<time>");
	masked("1795672321 and 1795672321999", "<time> and <time>");
}

static void test_kept(void)
{
	masked("open from 10:30 to 18:00", "open from 10:30 to 18:00");
	masked("room 26, floor 11", "room 26, floor 11");
	masked("2026", "2026");
	masked("Nov", "Nov");
	masked("Thu", "Thu");
	masked("2025-11-26", "2025-11-26");
	masked("1234567890", "1234567890");
	masked("5:5", "5:5");
	masked("1:05:52:01", "1:<time>");
	masked("x05:52", "x05:52");
	masked("05:52x", "05:52x");
	masked("12345678901234567890123", "12345678901234567890123");
	masked("99999-99-99", "99999-99-99");
	masked("", "");
	masked("gr\xc3\xbc\xc3\x9f \xff 26 Uhr", "gr\xc3\xbc\xc3\x9f \xff 26 Uhr");
	masks.words[0].text = "127.0.0.1:8080";
	masks.words[0].name = "127.0.0.1:<number>";
	masked("http://127.0.0.1:8080/bot", "http://127.0.0.1:<number>/bot");
	masks.words[0].text = NULL;
}

static void test_same(void)
{
	ok(chat_mask_same("", ""), "nothing is nothing");
	ok(chat_mask_same("a", "a") && !chat_mask_same("a", "b") && !chat_mask_same("a", "ab") &&
		   !chat_mask_same("ab", "a"),
	   "a line is as it was, or not");
	ok(chat_mask_same("a", "a ") && chat_mask_same("a \t", "a") && !chat_mask_same(" a", "a"),
	   "blanks at the end are no difference");
	ok(chat_mask_same("n <number>!", "n 42!") && !chat_mask_same("n <number>!", "n x!") &&
		   !chat_mask_same("n <number>!", "n !"),
	   "<number> is digits");
	ok(chat_mask_same("t <number> C", "t -5 C") && chat_mask_same("t <number>", "t 1.5") &&
		   chat_mask_same("t <number>.", "t -0.25.") &&
		   chat_mask_same("t <number>.", "t 5."),
	   "… with a sign and a fraction");
	ok(chat_mask_same("v<number>.<number>", "v1.5") && chat_mask_same("v<number>.5", "v1.5") &&
		   chat_mask_same("<number>-<number>", "3-5") &&
		   !chat_mask_same("<number>", "5.") && !chat_mask_same("<number>", "--5") &&
		   !chat_mask_same("<number>", "-"),
	   "… and no more than one");
	ok(chat_mask_same("a <any> b <any> c", "a x b y b z c") &&
		   !chat_mask_same("a <any> b", "a  b") && !chat_mask_same("a <any>", "a "),
	   "<any> is any text but none");
	ok(chat_mask_same("<any><any>", "ab") && !chat_mask_same("<any><any>", "a"),
	   "two of them are two");
	ok(chat_mask_same("a <number>", "a <number>"), "a bot may say such a word itself");
	ok(chat_mask_same("<time>", "now") && chat_mask_same("<b>", "<b>"),
	   "other brackets are themselves");
	char want[1201] = "", got[4001];
	for (int i = 0; i < 200; i++)
		strcat(want, "<any>b");
	memset(got, 'a', sizeof got - 1);
	got[sizeof got - 1] = '\0';
	ok(!chat_mask_same(want, got), "many of them take no time");
}

int main(void)
{
	RUN(test_times);
	RUN(test_kept);
	RUN(test_same);
	return done_testing();
}
