/* handler/answer: a line in, its meaning out. Most lines say that all went well, in the words of
 * the examples: those are recognised byte by byte. Any other JSON that means the same is read where
 * it lies; what is no answer is told why. */
#include "handler/answer.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "handler/handler.h"
#include "update/scan.h"

/* `SEQ.ATTEMPT` from `p`, up to a quote. Returns what follows the quote, NULL if it is no id. */
static const char *read_id(const char *p, const char *end, struct answer *out)
{
	int64_t number[2] = { 0, 0 };
	for (int i = 0; i < 2; i++) {
		const char *first = p;
		for (; p < end && scan_is_digit(*p); p++)
			if (__builtin_mul_overflow(number[i], 10, &number[i]) ||
			    __builtin_add_overflow(number[i], *p - '0', &number[i]))
				return NULL;
		if (p == first || p == end || *p != (i == 0 ? '.' : '"'))
			return NULL;
		p++;
	}
	out->seq = number[0];
	out->attempt = number[1] > INT_MAX ? -1 : (int)number[1];
	return p;
}

/* {"id":"12.1","ok":true}, as those write it who put a space behind each colon and comma, or none.
 */
static bool is_plain_ok(const char *line, const char *end, struct answer *out)
{
	static const char heads[2][8] = { "{\"id\":\"", "{\"id\": \"" };
	static const char tails[2][13] = { ",\"ok\":true}", ", \"ok\": true}" };
	size_t spaces = end - line > 6 && line[6] == ' ';
	size_t head = sizeof "{\"id\":\"" - 1 + spaces;
	size_t tail = sizeof ",\"ok\":true}" - 1 + 2 * spaces;
	if ((size_t)(end - line) < head || memcmp(line, heads[spaces], head) != 0)
		return false;
	const char *p = read_id(line + head, end, out);
	return p && (size_t)(end - p) == tail && memcmp(p, tails[spaces], tail) == 0;
}

static void bad(struct answer *out, const char *why)
{
	out->kind = ANSWER_BAD;
	out->why = why;
}

static bool is_word(const char *value, const char *word)
{
	return value && strncmp(value, word, strlen(word)) == 0;
}

#define MEMBER(value, name) scan_member(value, name, sizeof name - 1)

static void read_error(const char *value, struct answer *out)
{
	static const char cut[] = "\u2026";
	out->error[0] = '\0';
	if (!scan_is_string(value))
		return;
	size_t raw = (size_t)(scan_skip(value) - value) - 2;
	if (raw < sizeof out->error) {
		bool nul;
		out->error[scan_decode(value, out->error, &nul)] = '\0';
		return;
	}
	/* Too long: cut before it is decoded, never inside of an escape or a character. */
	char part[ANSWER_ERROR_MAX];
	size_t n = sizeof out->error - sizeof cut - 2;
	memcpy(part, value, n + 1);
	n = utf8_cut(part + 1, n);
	for (size_t back = 1; back <= 12 && back <= n; back++)
		if (part[1 + n - back] == '\\') {
			/* a pair of surrogates is twelve bytes; nothing is lost but a few letters
			 */
			n -= back;
			back = 0;
		}
	part[1 + n] = '"';
	part[2 + n] = '\0';
	bool nul;
	n = scan_decode(part, out->error, &nul);
	memcpy(out->error + n, cut, sizeof cut);
}

static void read_ready(const char *object, struct answer *out)
{
	const char *value = MEMBER(object, "concurrency");
	int64_t n = 1;
	if (value && (!scan_integer(value, &n) || n < 1)) {
		bad(out, "has a concurrency that is no number from 1");
		return;
	}
	out->kind = ANSWER_READY;
	out->batch = is_word(MEMBER(object, "batch"), "true");
	out->bare = is_word(MEMBER(object, "bare"), "true");
	out->concurrency = n > HANDLER_CONCURRENCY_MAX ? HANDLER_CONCURRENCY_MAX : (int)n;
}

/* A number of seconds; more than a day is a day. false: it is none. */
static bool read_after(const char *value, int64_t *out)
{
	char text[32];
	size_t n = scan_is_digit(*value) ? (size_t)(scan_skip(value) - value) : 0;
	if (n == 0)
		return false;
	if (n >= sizeof text)
		n = sizeof text - 1; /* digits that are no matter, or a day at the least */
	memcpy(text, value, n);
	text[n] = '\0';
	double seconds = strtod(text, NULL);
	*out = seconds < ANSWER_AFTER_MAX / 1000 ? (int64_t)(seconds * 1000) : ANSWER_AFTER_MAX;
	return true;
}

static void read_failure(const char *object, struct answer *out)
{
	const char *after = MEMBER(object, "after");
	out->kind = ANSWER_FAILED;
	out->retry = is_word(MEMBER(object, "retry"), "true");
	out->after = -1;
	if (out->retry && after && !is_word(after, "null") && !read_after(after, &out->after)) {
		bad(out, "has an 'after' that is no number of seconds");
		return;
	}
	read_error(MEMBER(object, "error"), out);
}

void answer_parse(const char *line, size_t n, struct answer *out)
{
	const char *end = line + n;
	out->reply = NULL;
	line += utf8_mark(line, n);
	while (end > line && (end[-1] == '\r' || end[-1] == ' '))
		end--;
	if (is_plain_ok(line, end, out)) {
		out->kind = ANSWER_OK;
		return;
	}
	struct scan_fault fault;
	const char *object = scan_check(line, end, &fault);
	if (!object || *object != '{') {
		bad(out, object ? "is no JSON object" : "is no JSON");
		return;
	}
	if (is_word(MEMBER(object, "ready"), "true")) {
		read_ready(object, out);
		return;
	}
	const char *id = MEMBER(object, "id"), *ok = MEMBER(object, "ok");
	const char *reply = MEMBER(object, "reply");
	if (!scan_is_string(id) || !read_id(id + 1, scan_skip(id), out)) {
		bad(out, "has no 'id' of an update");
		return;
	}
	if (reply && !is_word(reply, "null")) {
		out->reply = reply;
		out->reply_length = (size_t)(scan_skip(reply) - reply);
	}
	if (is_word(ok, "true")) {
		out->kind = ANSWER_OK;
		return;
	}
	if (!is_word(ok, "false")) {
		bad(out, "has no 'ok' that is true or false");
		return;
	}
	read_failure(object, out);
}
