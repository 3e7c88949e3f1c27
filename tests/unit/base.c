/* tests/unit/base: buffers, characters, delays, tokens, lists and errors. */
#include <errno.h>
#include <limits.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "tests/tap.h"

static void test_buf(void)
{
	struct buf b;
	buf_init(&b, 10);
	is_str(buf_str(&b), "", "an empty buffer is an empty text");
	ok(buf_reserve(&b, 0) == 0 && b.data && b.data[0] == '\0',
	   "room for nothing is a text too");
	ok(buf_adds(&b, "abc") == 0 && buf_addc(&b, 'd') == 0 && buf_addf(&b, "%d", 56) == 0,
	   "text is added");
	is_str(buf_str(&b), "abcd56", "in order");
	errno = 0;
	ok(buf_adds(&b, "12345") == -1 && errno == EOVERFLOW, "what does not fit is refused");
	ok(buf_addf(&b, "%05d", 1) == -1 && buf_reserve(&b, SIZE_MAX) == -1 &&
		   buf_reserve(&b, SIZE_MAX - 5) == -1,
	   "in every form, sums that overflow too");
	is_str(buf_str(&b), "abcd56", "and nothing of it was added");
	ok(buf_adds(&b, "1234") == 0 && b.len == 10, "a buffer can be filled to the last byte");
	buf_consume(&b, 4);
	is_str(buf_str(&b), "561234", "bytes are taken from the front");
	buf_consume(&b, 100);
	is_str(buf_str(&b), "", "more than there are is all");
	buf_add(&b, "a\0b", 3);
	ok(b.len == 3 && b.data[1] == '\0' && b.data[3] == '\0', "it holds any bytes");
	buf_clear(&b);
	is_str(buf_str(&b), "", "it can be emptied");
	buf_release(&b);
	ok(b.data == NULL && b.max == 10, "and freed");

	static const char text[] =
		"a text that is longer than what a buffer has room for at first, so that it must be written twice";
	buf_init(&b, 1000);
	ok(buf_adds(&b, ">") == 0 && buf_addf(&b, "%s", text) == 0 && buf_addf(&b, "%c", '<') == 0,
	   "formatted text makes its room");
	ok(b.len == sizeof text + 1 && memcmp(b.data + 1, text, sizeof text - 1) == 0,
	   "and is whole then");
	buf_clear(&b);
	static const int64_t numbers[] = { 0, 7, 10, -1, -1001234567890, INT64_MAX, INT64_MIN };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		buf_add_int(&b, numbers[i]);
		buf_addc(&b, ' ');
	}
	is_str(buf_str(&b), "0 7 10 -1 -1001234567890 9223372036854775807 -9223372036854775808 ",
	       "numbers are written in decimal, the least one too");
	buf_release(&b);
	buf_init(&b, 3);
	ok(buf_add_int(&b, 1234) == -1 && buf_add_int(&b, 123) == 0,
	   "a number that does not fit is refused");
	is_str(buf_str(&b), "123", "and leaves nothing");
	buf_release(&b);
}

static void json_is(const char *bytes, size_t n, const char *want, const char *what)
{
	struct buf b;
	buf_init(&b, 1000);
	buf_add_json(&b, bytes, n);
	is_str(buf_str(&b), want, what);
	buf_release(&b);
}

static void test_json(void)
{
	json_is("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"", "JSON: quotes and backslashes");
	json_is("\b\t\n\f\r\0\x1f\x7f", 8, "\"\\b\\t\\n\\f\\r\\u0000\\u001f\\u007f\"",
		"JSON: control characters");
	json_is("\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\"",
		"JSON: UTF-8 as it is");
	json_is("a\xff"
		"b\xc3",
		4,
		"\"a\xef\xbf\xbd"
		"b\xef\xbf\xbd\"",
		"JSON: what is no UTF-8 becomes U+FFFD");
	/* Whatever the room, all or nothing. */
	bool whole = true;
	for (size_t room = 3; room < 20; room++) {
		struct buf b;
		buf_init(&b, room);
		buf_adds(&b, "x:");
		int rc = buf_add_json(&b, "a\nb\x01", 4);
		whole = whole &&
			(rc == 0 ? !strcmp(b.data, "x:\"a\\nb\\u0001\"") : !strcmp(b.data, "x:"));
		whole = whole && (rc == 0) == (room >= 14);
		buf_release(&b);
	}
	ok(whole, "JSON: a string is added whole or not at all");
}

static const char *shown(const char *text, enum utf8_style style)
{
	static char out[256];
	size_t n = 0, length = strlen(text);
	for (size_t i = 0, step; i < length; i += step)
		n += utf8_show(out + n, text + i, length - i, style, &step);
	out[n] = '\0';
	return out;
}

static void test_show(void)
{
	static const char text[] =
		"a\\\"\xd0\xb6\n\t\x1b[1m\x7f\xc2\x9b\xe2\x80\xa8\xe2\x80\xae\xff\xf0\x9f\x98\x80";
	is_str(shown(text, UTF8_PLAIN),
	       "a\\\"\xd0\xb6\\n\\t\\x1b[1m\\x7f\\u009b\\u2028\\u202e\\xff\xf0\x9f\x98\x80",
	       "what a terminal would obey is shown escaped");
	is_str(shown(text, UTF8_QUOTED),
	       "a\\\\\\\"\xd0\xb6\\n\\t\\x1b[1m\\x7f\\u009b\\u2028\\u202e\\xff\xf0\x9f\x98\x80",
	       "between quotes quotes, too");
	is_str(shown(text, UTF8_JSON),
	       "a\\\\\\\"\xd0\xb6\\n\\t\\u001b[1m\\u007f\\u009b\\u2028\\u202e\xef\xbf\xbd\xf0\x9f\x98\x80",
	       "in JSON by its own escapes");
	is_str(shown("{\"a\":\t\"\\\"\xe2\x80\xae\x7f\"}", UTF8_IN_JSON),
	       "{\"a\":\t\"\\\"\\u202e\\u007f\"}", "and JSON as a whole stays what it was");
}

static void test_utf8(void)
{
	static const struct {
		const char *bytes;
		size_t length;
	} cases[] = {
		{ "a", 1 },
		{ "\xc2\x80", 2 },
		{ "\xdf\xbf", 2 },
		{ "\xe0\xa0\x80", 3 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xee\x80\x80", 3 },
		{ "\xf0\x90\x80\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\x80", 0 },
		{ "\xbf", 0 },
		{ "\xc0\x80", 0 },
		{ "\xc1\xbf", 0 },
		{ "\xe0\x9f\xbf", 0 },
		{ "\xed\xa0\x80", 0 },
		{ "\xed\xbf\xbf", 0 },
		{ "\xf0\x8f\xbf\xbf", 0 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xff", 0 },
		{ "\xc3", 0 },
		{ "\xe2\x82", 0 },
		{ "\xf0\x9f\x98", 0 },
		{ "\xc3(", 0 },
		{ "\xe2\x82(", 0 },
	};
	int wrong = 0;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		wrong += utf8_length(cases[i].bytes, strlen(cases[i].bytes)) != cases[i].length;
	is_num(wrong, 0,
	       "UTF-8 is what RFC 3629 says: no overlong forms, surrogates, or beyond U+10FFFF");
	is_num(utf8_length("", 0), 0, "nothing is no character");
	ok(utf8_code("\xe2\x82\xac", 3) == 0x20ac && utf8_code("\xf0\x9f\x98\x80", 4) == 0x1f600 &&
		   utf8_code("a", 1) == 'a',
	   "code points are read");
	static const char text[] = "a\xc3\xa9\xf0\x9f\x98\x80";
	static const size_t cut[] = { 0, 1, 1, 3, 3, 3, 3, 7 };
	wrong = 0;
	for (size_t n = 0; n <= 7; n++)
		wrong += utf8_cut(text, n) != cut[n];
	is_num(wrong, 0, "a text is cut between characters");
	is_num((int64_t)utf8_cut("\x80\x80\x80\x80\x80\x80", 5), 5,
	       "what is no UTF-8 is cut anywhere");
}

static void test_backoff(void)
{
	static const int64_t want[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	int wrong = 0;
	for (int i = 0; i < 8; i++)
		wrong += backoff_delay(1000, 60000, i + 1) != want[i];
	is_num(wrong, 0, "delays double from the first to the cap");
	is_num(backoff_delay(1000, 60000, INT_MAX), 60000, "and stay there however often it fails");
	ok(backoff_delay(5000, 1000, 1) == 1000 && backoff_delay(0, 1000, INT_MAX) == 0 &&
		   backoff_delay(INT64_MAX / 2 + 1, INT64_MAX, 9) == INT64_MAX,
	   "a first delay past the cap, none, and a huge one");
	struct backoff b = { .first = 1000, .cap = 60000 };
	ok(backoff_fail(&b, 0) == 500 && backoff_fail(&b, UINT32_MAX) == 2000,
	   "jitter is between a half and all of it");
	for (int i = 0; i < 5000; i++)
		wrong += backoff_fail(&b, backoff_random()) > 60000;
	static const int64_t squares[] = { 1000,  4000,  9000,  16000, 25000,
					   36000, 49000, 60000, 60000 };
	struct backoff square = { .first = 1000, .cap = 60000, .growth = BACKOFF_QUADRATIC };
	for (size_t i = 0; i < sizeof squares / sizeof *squares; i++)
		if (backoff_fail(&square, UINT32_MAX) != squares[i])
			wrong++;
	is_num(wrong, 0, "quadratic growth: squares up to the cap");
	square.failures = 999;
	is_num(backoff_fail(&square, UINT32_MAX), 60000, "… however often it fails");
	struct backoff even = { .first = 1000, .cap = 60000, .growth = BACKOFF_CONSTANT };
	backoff_fail(&even, 0);
	ok(backoff_fail(&even, UINT32_MAX) == 1000 && backoff_fail(&even, 0) == 500,
	   "no growth: jitter alone");
	backoff_reset(&b);
	ok(wrong == 0 && backoff_fail(&b, UINT32_MAX) == 1000, "after a success it begins again");
	bool varies = false;
	for (int i = 0; i < 10; i++)
		varies = varies || backoff_random() != backoff_random();
	ok(varies, "random bits vary");
}

/* The token that programs get in place of the bot's own, before and after that changes to `next`.
 */
static void handed_out(struct secret *s, const struct secret *next)
{
	struct err err;
	struct buf out, back;
	char first[64], text[256];
	ok(!secret_handed(s), "no token is handed out that was not asked for");
	is_num(secret_hand_out(s, &err), 0, "one is made");
	snprintf(first, sizeof first, "%s", secret_handed(s));
	ok(strncmp(first, "123456:", 7) == 0 && strlen(first) == 7 + 35, "it is the bot's");
	is_num(secret_hand_out(s, &err), 0, "another");
	ok(strcmp(first, secret_handed(s)) != 0, "is another one");
	secret_assign(s, next);
	snprintf(text, sizeof text, "%s and bot%s/x", secret_token(s), secret_token(s) + 7);
	buf_init(&out, 512);
	buf_init(&back, 512);
	is_num(secret_exchange(s, text, strlen(text), false, &out), 0, "an answer is gone through");
	ok(!strstr(out.data, secret_token(s) + 7) && strstr(out.data, secret_handed(s)),
	   "the token gives way wherever it stands, also a new one");
	is_num(secret_exchange(s, out.data, out.len, true, &back), 0, "and back");
	is_str(back.data, text, "it is as it was");
	out.len = secret_redact(s, out.data, out.len);
	out.data[out.len] = '\0';
	is_str(out.data, "123456:*** and bot***/x", "what was handed out is shown nowhere");
	buf_release(&out);
	buf_release(&back);
}

static void test_secret(void)
{
	static const char *const bad[] = { "",
					   " \n",
					   "123456",
					   "123456:",
					   ":AAH",
					   "abc:AAHxyz",
					   "123456:AAH xyz",
					   "123456:AAH/xyz",
					   "123456:ab",
					   "1234567890123456789:AAHxyz",
					   "-1:AAHxyz",
					   "123456:AAH\xc3\xa9xyz" };
	struct err err;
	int accepted = 0, quoted = 0;
	char longest[400];
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct secret *s = secret_new(bad[i], &err);
		accepted += s != NULL || err.status != ERR_NOPERM;
		quoted += strstr(err.text, "AAH") != NULL;
		secret_free(s);
	}
	memset(longest, 'x', sizeof longest);
	memcpy(longest, "123456:", 7);
	longest[sizeof longest - 1] = '\0';
	accepted += secret_new(longest, &err) != NULL;
	is_num(accepted, 0, "what is no token is refused");
	is_num(quoted, 0, "and not quoted");
	struct secret *s = secret_new(" 123456:AAH_x-9z\n", &err);
	is_str(secret_token(s), "123456:AAH_x-9z", "white space around a token is ignored");
	is_num(secret_bot_id(s), 123456, "the bot's id is read from it");
	is_str(secret_shown(s), "123456:***", "and is all that is shown");
	is_num((int64_t)secret_length(s), 8, "the secret part has a length");
	char text[] = "AAH_x-9zAAH_x-9z 123456%3AAAH_x-9z AAH_x-9";
	size_t whole = sizeof text, n = secret_redact(s, text, whole - 1);
	is_num((int64_t)n, (int64_t)whole - 1 - 3 * 5,
	       "a token in a text is found, and three stars take its place");
	text[n] = '\0';
	is_str(text, "****** 123456%3A*** AAH_x-9", "wherever it stands");
	ok(memmem(text + n, whole - n, "AAH", 3) == NULL,
	   "nothing of it is left behind the new end");
	ok(secret_redact(s, text, n) == n && secret_redact(NULL, text, 5) == 5 &&
		   secret_redact(s, text, 0) == 0,
	   "no token, no secret, no text");
	struct secret *next = secret_new("123456:another", &err);
	char words[] = "AAH_x-9z another pass%2F pass/ bWU6 ab";
	is_num(secret_also(s, "pass/", "pass%2F", "ab", &err), -1,
	       "what is too short to be hidden is refused");
	is_num(secret_also(s, "pass/", "pass%2F", "bWU6", &err), 0,
	       "another secret in three forms");
	secret_assign(s, next);
	n = secret_redact(s, words, sizeof words - 1);
	words[n] = '\0';
	is_str(words, "AAH_x-9z *** *** *** *** ab", "… each is hidden, also with a new token");
	char hook[] = "its-hook and another, another hook";
	secret_hide(next, SECRET_OF_WEBHOOKS, "its-hook");
	secret_assign(s, next);
	n = secret_redact(s, hook, sizeof hook - 1);
	hook[n] = '\0';
	is_str(hook, "*** and ***, *** hook",
	       "the secret of webhooks is, and a new one comes with the token");
	secret_hide(s, SECRET_OF_WEBHOOKS, NULL);
	char none[] = "its-hook";
	is_num((int64_t)secret_redact(s, none, 8), 8, "… or none");
	handed_out(s, next);
	secret_free(next);
	secret_free(s);
	secret_free(NULL);
}

/* A token of the length that Telegram's have. */
#define LONG  "1234567890:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw_"
#define OTHER "1234567890:BBHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw_"

static void test_find(void)
{
	static const char *const alone[] = { "123:ABC",
					     " 123:ABC\r\n",
					     "\xef\xbb\xbf"
					     "123:ABC",
					     "\"123:ABC\"",
					     "'123:ABC'",
					     "`123:ABC`",
					     "<123:ABC>",
					     "\xe2\x80\x9c"
					     "123:ABC"
					     "\xe2\x80\x9d",
					     "bot123:ABC",
					     "TOKEN=123:ABC",
					     "export TGRUN_TOKEN='123:ABC';",
					     "token: 123:ABC",
					     "token:\"bot123:ABC\",",
					     "TOKEN = \"123:ABC\"\r\n",
					     "\xc2\xa0"
					     "123:ABC",
					     "\xef\xbb\xbf# my bot\n\n123:ABC\n",
					     "# old: " OTHER "\nTOKEN='123:ABC' # new\r\n#\n",
					     "123:ABC\n  # of 2025",
					     "https://api.telegram.org/bot123:ABC/getMe",
					     "# call\nURL=\"http://bot.example.org/bot123:ABC\"\n",
					     "HTTPS://h/file/bot123:ABC/a.jpg?x" };
	static const char *const among[] = { "Use this token to access the HTTP API:\n" LONG
					     "\nKeep your token secure and store it safely.",
					     "https://api.telegram.org/bot" LONG "/getMe",
					     "{\"token\": \"" LONG "\"}",
					     "# my bot\n" LONG " # of 2025",
					     "A=" LONG "\nB=" LONG "\n",
					     "PORT=8080\nTOKEN=" LONG "\n",
					     "\xc2\xab" LONG "\xc2\xbb ok" };
	static const struct {
		const char *text, *want;
	} bad[] = {
		{ "", "is empty" },
		{ "\xef\xbb\xbf\r\n", "is empty" },
		{ "123:ABC DEF", "character that no token has" },
		{ LONG "\n" OTHER, "two different tokens" },
		{ "123:DEF\n124:ABC\n", "there is more than one line" },
		{ "123:DEF\n123:DEF\n", "there is more than one line" },
		{ "# a\n123:DEF\nCHAT=5", "there is more than one line" },
		{ "http://h/bot123:DEF/a\nhttp://h/bot124:ABC/a", "there is more than one line" },
		{ "https://t.me/my_bot", "a URL that has no token behind '/bot'" },
		{ "https://h/robot/DEF", "a URL that has no token behind '/bot'" },
		{ "# 123:DEF\n", "is empty" },
		{ "123:ABC#DEF", "character that no token has" },
		{ "1234567890", "only the bot's number" },
		{ "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw_", "the number and the colon" },
		{ "1234567890:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw\xd0\x90"
		  "bc",
		  "character that no token has" },
		{ "my" LONG, "does not look like" },
		{ "12:30 and 123:ABC", "character that no token has" },
		{ "=", "does not look like" },
		{ "\"", "does not look like" },
		{ "bot", "does not look like" },
	};
	struct err err;
	size_t taken = 0, told = 0, quoted = 0;
	for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) {
		struct secret *s = secret_find(alone[i], strlen(alone[i]), &err);
		if (s && strcmp(secret_token(s), "123:ABC") == 0)
			taken++;
		else
			diag("alone %zu", i);
		secret_free(s);
	}
	is_num((int64_t)taken, sizeof alone / sizeof *alone,
	       "a token is found alone, in quotes, behind a name");
	taken = 0;
	for (size_t i = 0; i < sizeof among / sizeof *among; i++) {
		struct secret *s = secret_find(among[i], strlen(among[i]), &err);
		if (s && strcmp(secret_token(s), LONG) == 0)
			taken++;
		else
			diag("among %zu", i);
		secret_free(s);
	}
	is_num((int64_t)taken, sizeof among / sizeof *among,
	       "and among other words, when it is the only one");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct secret *s = secret_find(bad[i].text, strlen(bad[i].text), &err);
		if (!s && err.status == ERR_NOPERM && strstr(err.text, bad[i].want))
			told++;
		else
			diag("bad %zu: %s", i, s ? "taken" : err.text);
		quoted += !s && (strstr(err.text, "AAH") || strstr(err.text, "DEF"));
		secret_free(s);
	}
	is_num((int64_t)told, sizeof bad / sizeof *bad,
	       "what is not certain is refused with its cause");
	is_num((int64_t)quoted, 0, "and not quoted");
	char wide[2 + 2 * sizeof LONG] = "\xff\xfe";
	for (size_t i = 0; i + 1 < sizeof LONG; i++)
		wide[2 + 2 * i] = LONG[i];
	struct secret *s = secret_find(wide, 2 * sizeof LONG, &err);
	ok(s && strcmp(secret_token(s), LONG) == 0, "in UTF-16, too");
	secret_free(s);
	static char huge[20000];
	memset(huge, 'x', sizeof huge);
	ok(!secret_find(huge, sizeof huge, &err) && err.status == ERR_NOPERM,
	   "a text without end is none");
}

struct item {
	int number;
	struct list link;
};

static void test_list(void)
{
	struct list head;
	struct item items[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
	list_init(&head);
	ok(list_empty(&head), "a new list is empty");
	for (int i = 0; i < 3; i++)
		list_add_before(&head, &items[i].link);
	ok(container_of(head.next, struct item, link)->number == 0 &&
		   container_of(head.prev, struct item, link)->number == 2,
	   "items keep their order");
	list_remove(&items[1].link);
	list_remove(&items[1].link);
	ok(head.next->next == &items[2].link && list_empty(&items[1].link),
	   "one can be taken out, even twice");
	list_remove(&items[0].link);
	list_remove(&items[2].link);
	ok(list_empty(&head), "and then the list is empty");
}

static void test_err(void)
{
	struct err err;
	char huge[3000];
	memset(huge, 'x', sizeof huge);
	huge[sizeof huge - 1] = '\0';
	ok(err_set(&err, ERR_IO, "cannot open '%s'", "x") == -1 && err.status == ERR_IO &&
		   !strcmp(err.text, "cannot open 'x'"),
	   "an error is a sentence and a status");
	err_sys(&err, ERR_CANTCREATE, ENOENT, "cannot open '%s'", "x");
	is_str(err.text, "cannot open 'x': No such file or directory", "with the system's reason");
	err_sys(&err, ERR_CANTCREATE, ENOENT, "%s", huge);
	ok(strlen(err.text) == sizeof err.text - 1, "a sentence that is too long is cut");
	ok(err_set(NULL, ERR_IO, "x") == -1 && err_sys(NULL, ERR_IO, EIO, "x") == -1,
	   "nobody need listen");
}

static void test_hash(void)
{
	char text[] = "an update of some forty bytes, cut at all";
	int wrong = 0;
	ok(hash_bytes("", 0) == 0xcbf29ce484222325u && hash_bytes("a", 1) == 0xaf63dc4c8601ec8cu &&
		   hash_bytes("foobar", 6) == 0x85944171f73967e8u,
	   "the hash is FNV-1a (the vectors of draft-eastlake-fnv)");
	for (size_t n = 1; n < sizeof text; n++) {
		uint64_t hash = hash_words(text, n);
		wrong += hash == hash_words(text, n - 1);
		for (size_t i = 0; i < 8 * n; i++) {
			text[i / 8] ^= (char)(1 << i % 8);
			wrong += hash == hash_words(text, n);
			text[i / 8] ^= (char)(1 << i % 8);
		}
	}
	is_num(wrong, 0, "that of words changes with each bit and each length");
	ok(hash_words(text, 40) == UINT64_C(0x0a377be41559ef00),
	   "and is the one that stores hold already");
}

int main(void)
{
	RUN(test_buf);
	RUN(test_json);
	RUN(test_utf8);
	RUN(test_show);
	RUN(test_backoff);
	RUN(test_secret);
	RUN(test_find);
	RUN(test_list);
	RUN(test_err);
	RUN(test_hash);
	return done_testing();
}
