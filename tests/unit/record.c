/* tests/unit/record: updates are found in a file as people have it, whatever pieces it is read
 * in, and what is broken stops nothing else. */
#include <stdlib.h>

#include "tests/samples.h"
#include "tests/tap.h"
#include "update/record.h"

/* All updates of a text that comes `piece` bytes at a time, as "id@line", or "?" where there is
 * no id. */
static const char *read_all(const char *text, size_t n, size_t piece, bool span)
{
	static char out[4000];
	char *copy = malloc(n + 1), *p = copy;
	size_t have = piece < n ? piece : n, used = 0, length = 0;
	int line = 1;
	out[0] = '\0';
	if (!copy)
		exit(1);
	memcpy(copy, text, n);
	copy[n] = '\0';
	while (used < n) {
		struct slices s = { 0 };
		size_t size = record_length(p, have - used, span, have == n);
		if (size == 0) {
			have = have + piece < n ? have + piece : n;
			continue;
		}
		if (size == RECORD_ENDLESS || size > have - used || record_cut(p, size, &s)) {
			snprintf(out, sizeof out, "size %zu", size);
			break;
		}
		for (size_t i = 0; i < s.count && length < sizeof out - 40; i++) {
			const struct slice *one = &s.items[i];
			if (one->has_id)
				length += (size_t)snprintf(out + length, sizeof out - length,
							   "%" PRId64 "@%d ", one->id, line);
			else
				length += (size_t)snprintf(out + length, sizeof out - length,
							   "?@%d ", line);
			if (memchr(one->bytes, '\n', one->length))
				snprintf(out, sizeof out, "a line feed in an update");
		}
		for (size_t i = 0; i < size; i++)
			line += text[used + i] == '\n';
		used += size;
		p += size;
		slices_release(&s);
	}
	free(copy);
	return out;
}

static void gives(const char *text, size_t n, bool span, const char *want, const char *what)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 64, 100000 };
	bool same = true;
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		const char *got = read_all(text, n, pieces[i], span);
		if (strcmp(got, want) != 0) {
			same = false;
			diag("in pieces of %zu: got '%s', wanted '%s'", pieces[i], got, want);
		}
	}
	ok(same, "%s", what);
}

static void file(const char *text, const char *want, const char *what)
{
	gives(text, strlen(text), true, want, what);
}

static void stream(const char *text, const char *want, const char *what)
{
	gives(text, strlen(text), false, want, what);
}

#define U(n) "{\"update_id\":" #n "}"
#define INDENTED(n) \
	"{\n  \"update_id\": " #n ",\n  \"message\": {\n    \"text\": \"a { b\\n}\"\n  }\n}\n"

static void lines(void)
{
	file(U(1) "\n\n" U(2) "\n", "1@1 2@3 ", "lines, and a blank one between");
	file(U(1) "\r\n" U(2) "\r\n", "1@1 2@2 ", "with carriage returns");
	file("\xef\xbb\xbf" U(1) "\n" U(2), "1@1 2@2 ",
	     "with a byte order mark, and no line feed at the end");
	file(U(1) "\n\xef\xbb\xbf" U(2) "\n\xef\xbb\xbf\n\xef\xbb\xbf", "1@1 2@2 ",
	     "with one from a file that was put behind another");
	stream("\xef\xbb\xbf" U(1) "\r\n", "1@1 ", "the same in a stream");
	file("no\n" U(1) "\n{}\n[1]\n" U(2) " x\n", "?@1 1@2 ?@3 ?@4 ?@5 ",
	     "what is broken keeps its number");
	file("", "", "nothing is nothing");
	file("\n \n\r\n", "", "so are blank lines");
}

static void spans(void)
{
	file(INDENTED(1) INDENTED(2), "1@1 2@7 ", "indented objects");
	file(INDENTED(1) "\n\n" U(2) "\n" INDENTED(3), "1@1 2@9 3@10 ", "with lines between");
	file("[\n" U(1) ",\n" U(2) "\n]\n" U(3) "\n", "1@1 2@1 3@5 ", "a list over lines");
	file("[" U(1) ", " U(2) "]", "1@1 2@1 ", "a list in a line");
	file("[]\n[\n]\n", "", "empty lists");
	file("{\"ok\":true,\"result\":[" U(1) "," U(2) "]}\n", "1@1 2@1 ", "a saved answer");
	file("{\n  \"ok\": true,\n  \"result\": [\n" INDENTED(1) ",\n" INDENTED(2) "  ]\n}\n",
	     "1@1 2@1 ", "an indented one");
	file("{\"ok\":true,\"result\":[]}", "", "an empty one");
	file("{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized\"}\n" U(1),
	     "?@1 1@2 ", "a refusal is none");
	file("{\"ok\":true,\"result\":{\"id\":1}}", "?@1 ", "nor is the answer of another method");
	file("{\"ok\":true,\"update_id\":5,\"result\":[" U(1) "]}", "5@1 ",
	     "what has an id is an update, whatever else it has");
	file("[1,2]\n[" U(1) ",2]", "?@1 ?@2 ", "a list that holds other things is left whole");
	stream("{\"ok\":true,\"result\":[" U(1) "]}\n[" U(2) "]\n", "1@1 2@2 ",
	       "in a stream, too, where it is a line");
	stream("{\n\"update_id\":1}\n" U(2) "\n", "?@1 ?@2 2@3 ",
	       "where a stream's line goes on, it is not waited for");
}

static void together(void)
{
	file(U(1) U(2) "\n" U(3) "\n", "1@1 2@1 3@2 ", "two updates in a line");
	file(U(1) " , " U(2) "," U(3), "1@1 2@1 3@1 ", "with commas between");
	file(U(1) ",\n" U(2) ",\r\n" U(3) ",", "1@1 2@2 3@3 ", "lines that end in commas");
	file(U(1) "\r" U(2) "\r", "1@1 2@1 ", "carriage returns alone");
	file("{\"ok\":true,\"result\":[" U(1) "]}{\"ok\":true,\"result\":[]}[" U(2) "]" U(3),
	     "1@1 2@1 3@1 ", "answers and lists that were put behind each other");
	file("\xef\xbb\xbf" U(1) "\xef\xbb\xbf" U(2), "1@1 2@1 ", "with their marks");
	file("{\n\"update_id\": 1\n},\n{\n\"update_id\": 2\n},\n", "1@1 2@4 ",
	     "indented ones with commas");
	file("{\n\"update_id\": 1\n}{\n\"update_id\": 2\n}" U(3) U(4) "\n" U(5),
	     "1@1 2@3 3@5 4@5 5@6 ", "indented ones in each other's line");
	stream(U(1) U(2) "," U(3) "\n", "1@1 2@1 3@1 ", "in a stream, too");
	file(U(1) "{}\n" U(1) "{\"update_id\":2\n" U(1) "x\n" U(1) ",,\n" U(1) "5\n[1]" U(1) "\n" U(
		     9),
	     "?@1 ?@2 ?@3 ?@4 ?@5 ?@6 9@7 ", "what is not all updates is left whole");
	file("{},\n{\n},\n" U(9), "?@1 ?@2 9@4 ", "so is what has no id");
	file("{\n\"update_id\": 1\n} x\n" U(9), "?@1 ?@2 ?@3 9@4 ",
	     "and an indented one before it");
	file("[{\n\"update_id\": 1\n}, {}] " U(2) "\n" U(9), "?@1 ?@2 ?@3 9@4 ",
	     "and a list that holds it");
	file(U(1) ", {\n\"update_id\": 2\n}\n" U(3), "1@1 2@1 3@4 ",
	     "an indented one behind another update");
	file(U(1) "\n,\n" U(2) "\n, " U(3), "1@1 2@3 3@4 ", "commas at the beginning of a line");
	file("{\"update_id\":1,\"a\":\ntrue,\"b\":-1.5e3}" U(2), "1@1 2@2 ",
	     "words and numbers that come in pieces");
}

static void broken(void)
{
	file("{\"update_id\":1,\"message\":{\"text\":\"half\n" U(2) "\n" U(3) "\n", "?@1 2@2 3@3 ",
	     "half a line takes no other with it");
	file("{\"update_id\":1,\n" U(2) "\n" U(3) "\n", "?@1 2@2 3@3 ", "cut behind a comma");
	file("{\"a\":\n" U(2) "\n" U(3) "\n", "?@1 2@2 3@3 ", "cut behind a colon");
	file("{\"a\":\n" U(2) "\n", "?@1 2@2 ", "at the end of the file");
	file("[\n" U(2) "\n" U(3) "\n", "?@1 2@2 3@3 ", "a list that never ends");
	file(INDENTED(1) "{\n  \"update_id\": 2,\n}\n" INDENTED(3), "1@1 ?@7 ?@8 ?@9 3@10 ",
	     "an indented object that is none");
	file("{\n} x\n" U(2) "\n", "?@1 ?@2 2@3 ", "something behind the end");
	gives("{\"a\":\"\0\n\"}\n" U(2) "\n", sizeof "{\"a\":\"\0\n\"}\n" U(2) "\n" - 1, true,
	      "?@1 ?@2 2@3 ", "a NUL");
}

static void limits(void)
{
	size_t n = RECORD_MAX + 1000;
	char *text = malloc(n + 1);
	if (!text)
		exit(1);
	memset(text, ' ', n);
	memcpy(text, "[\n", 2);
	ok(record_length(text, RECORD_MAX - 1, true, false) == 0, "JSON that goes on is read on");
	ok(record_length(text, n, true, false) == RECORD_ENDLESS, "up to a limit");
	ok(record_length(text, n, false, false) == 2, "a stream's line is a line");
	memset(text, 'x', n);
	ok(record_length(text, n, true, false) >= RECORD_MAX, "a line without end is cut");
	size_t used = 1;
	text[0] = '[';
	for (int i = 0; i <= RECORD_UPDATES_MAX; i++, used += 3)
		memcpy(text + used, "{},", 3);
	text[used - 1] = ']';
	struct slices s = { 0 };
	ok(record_cut(text, used, &s) == 0 && s.count == 1 && !s.items[0].is_object,
	   "a list of too many is left whole");
	slices_release(&s);
	free(text);
}

#define LONG_UPDATE "{\"update_id\":1,\"message\":{\"text\":\"a text that has some length\"}},"

/* A line of `n` bytes without an end: updates, and behind them what makes it a line of something
 * else. */
static char *endless_line(size_t n, const char *behind)
{
	static const char update[] = LONG_UPDATE;
	char *text = malloc(n + 1);
	if (!text)
		exit(1);
	for (size_t i = 0; i < n; i++)
		text[i] = update[i % (sizeof update - 1)];
	memcpy(text + RECORD_MAX - 1000, behind, strlen(behind));
	text[n] = '\0';
	return text;
}

static void endless_lines(void)
{
	size_t n = RECORD_MAX + 1000;
	struct slices s = { 0 };
	char *text = endless_line(n, "");
	is_num((int64_t)record_length(text, RECORD_MAX - 1, false, false), 0,
	       "a line of many updates is read on");
	size_t length = record_length(text, n, false, false);
	ok(length < RECORD_MAX && length > RECORD_MAX - 100 && text[length] == '{',
	   "up to a limit: then its updates but the last are a record (%zu bytes)", length);
	is_num((int64_t)record_length(text, n, true, false), (int64_t)length, "in a file, too");
	ok(record_cut(text, 1000 * (sizeof LONG_UPDATE - 1), &s) == 0 && s.count == 1000,
	   "that holds them all");
	slices_release(&s);
	free(text);
	text = endless_line(n, " no ");
	ok(record_length(text, n, true, false) >= RECORD_MAX, "with anything else it is cut");
	free(text);
	text = endless_line(n, " {} ");
	ok(record_length(text, n, true, false) >= RECORD_MAX, "also with what has no id");
	free(text);
	text = malloc(n + 1);
	if (!text)
		exit(1);
	memset(text, ' ', n);
	memcpy(text, U(1) "[\n", sizeof U(1) "[\n" - 1);
	ok(record_length(text, n, true, false) == RECORD_ENDLESS,
	   "JSON that goes on behind an update, and does not end, is told");
	free(text);
}

static void foreign(void)
{
	static const struct {
		const char *begins;
		size_t n;
		const char *want;
	} rows[] = {
		{ "\xff\xfe{\0", 4, "iconv -f UTF-16 " },
		{ "\xfe\xff\0{", 4, "iconv -f UTF-16 " },
		{ "{\0\"\0", 4, "iconv -f UTF-16LE " },
		{ "\0[\0{", 4, "iconv -f UTF-16BE " },
		{ "\x1f\x8b\x08", 3, ": zcat FILE | tgrun" },
		{ "\xfd"
		  "7zXZ\0",
		  6, ": xzcat FILE | tgrun" },
		{ "\x28\xb5\x2f\xfd$", 5, ": zstdcat FILE | tgrun" },
		{ "BZh91AY&SY", 10, ": bzcat FILE | tgrun" },
		{ "PK\x03\x04", 4, ": unzip -p FILE | tgrun" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *got = record_foreign(rows[i].begins, rows[i].n);
		if (!ok(got && strstr(got, rows[i].want), "told by%s", rows[i].want))
			diag("got '%s'", got ? got : "nothing");
	}
	ok(!record_foreign("\xff", 1) && !record_foreign("{}", 2) && !record_foreign("", 0) &&
		   !record_foreign("[\n", 2) &&
		   !record_foreign("\xfd"
				   "7zX",
				   4),
	   "anything else is not foreign");
}

static void fault(const char *line, bool span, const char *want)
{
	char copy[200];
	struct slice s;
	snprintf(copy, sizeof copy, "%s", line);
	slice_line(copy, strlen(copy), &s);
	if (!ok(strstr(record_fault(&s, span), want), "'%s' %s", line, want))
		diag("got '%s'", record_fault(&s, span));
}

static void faults(void)
{
	fault("no", true, "is no JSON object");
	fault("{", false, "jq -c .");
	fault("{", true, "is no JSON object");
	fault("{} {}", true, "something follows it; jq -c .");
	fault("[1]", true, "is no JSON object");
	fault("{}", true, "has no update_id");
	fault("{\"ok\":false}", true, "error that the server answered");
}

/* Each sample indented by line feeds between its tokens, cut anywhere, before a good line. */
static void samples_cut(void)
{
	static char text[8000];
	bool whole = true, after = true;
	for (size_t i = 0; i < sample_count; i++) {
		size_t n = 0;
		bool quoted = false;
		for (const char *p = samples[i]; *p; p++) {
			quoted ^= *p == '"';
			text[n++] = *p;
			if (!quoted && (*p == ',' || *p == '{' || *p == '[' || *p == ':'))
				text[n++] = '\n';
		}
		snprintf(text + n, sizeof text - n, "\n{\"update_id\":999}\n");
		char want[40];
		int lf = 1;
		for (size_t k = 0; k <= n; k++)
			lf += text[k] == '\n';
		snprintf(want, sizeof want, "%zu@1 999@%d ", i + 100, lf);
		const char *all = read_all(text, strlen(text), 13, true);
		if (strcmp(all, want) != 0) {
			diag("got '%s', wanted '%s'", all, want);
			whole = false;
		}
		for (size_t cut = 1; cut < n; cut += 5) {
			char *part = text + n - cut; /* the beginning is gone */
			const char *got = read_all(part, strlen(part), 1000, true);
			after = strstr(got, "999@") && after;
		}
	}
	ok(whole, "each sample over many lines is one update, and the next is found");
	ok(after, "what lost its beginning hides no line behind it");
}

int main(void)
{
	samples_load();
	RUN(lines);
	RUN(spans);
	RUN(together);
	RUN(broken);
	RUN(limits);
	RUN(endless_lines);
	RUN(foreign);
	RUN(faults);
	RUN(samples_cut);
	return done_testing();
}
