/* tests/unit/output: lines of a job's output: whole, cut, counted, redacted. */
#include "handler/output.h"
#include "base/utf8.h"
#include "tests/tap.h"

struct seen {
	int lines[3];
	char last[3][OUTPUT_LINE_MAX + 1];
	size_t length[3];
};

static void on_line(void *arg, int which, char *text, size_t n)
{
	struct seen *s = arg;
	s->lines[which]++;
	memcpy(s->last[which], text, n);
	s->last[which][n] = '\0';
	s->length[which] = n;
}

static void feed(struct output *o, int which, const char *text)
{
	output_feed(o, which, text, strlen(text));
}

int main(void)
{
	static struct seen s;
	struct output o;
	struct secret *secret = secret_new("123456:SECRETsecret", NULL);

	output_init(&o, 1 << 20, secret, on_line, &s);
	feed(&o, 1, "one\ntwo\nthr");
	is_num(s.lines[1], 2, "a line is passed on when its line feed comes");
	feed(&o, 2, "err\r\n \n");
	feed(&o, 1, "ee\n");
	is_str(s.last[1], "three", "a line that comes in pieces is put together");
	is_str(output_sentence(&o), "err",
	       "the last line of stderr that is not blank is kept, without its carriage return");
	feed(&o, 2, "tail");
	output_end(&o);
	is_str(output_sentence(&o), "tail", "what is not ended by a line feed counts at the end");
	is_str(output_last_stderr(&o), "err\ntail",
	       "the end of stderr is kept, without its blank lines");
	output_forget_stderr(&o);
	ok(!*output_sentence(&o) && !*output_last_stderr(&o), "until it is to be forgotten");
	feed(&o, 1, "the token is 123456:SECRETsec");
	feed(&o, 1, "ret ok\n");
	is_str(s.last[1], "the token is 123456:*** ok",
	       "a token that comes in two pieces is redacted");
	is_num((int64_t)o.dropped, 0, "nothing was dropped");
	output_release(&o);

	memset(&s, 0, sizeof s);
	output_init(&o, 1 << 20, secret, on_line, &s);
	char *x = malloc(20001);
	memset(x, 'x', 20000);
	x[20000] = '\n';
	memcpy(x + OUTPUT_LINE_MAX - 6, "SECRETsecret", 12);
	output_feed(&o, 2, x, 20001);
	is_num(s.lines[2], 1, "a long line is one line");
	is_num((int64_t)s.length[2], OUTPUT_LINE_MAX, "cut at 8 KiB");
	ok(!strstr(s.last[2], "SECRET"), "a token across the cut is not shown in half");
	is_num((int64_t)o.dropped, 20000 - (12 - 3) - OUTPUT_LINE_MAX,
	       "what was cut is counted, a token as its three stars");
	feed(&o, 2, "next\n");
	is_str(s.last[2], "next", "the next line is whole again");
	output_release(&o);

	memset(&s, 0, sizeof s);
	output_init(&o, 10, NULL, on_line, &s);
	feed(&o, 1, "12345\n6789012345\nabc\n");
	is_str(s.last[1], "6789", "what passes the maximum is dropped");
	is_num((int64_t)o.dropped, 9, "and counted");
	for (int i = 0; i < 1000; i++)
		output_feed(&o, 1, x, 20000);
	is_num(s.lines[1], 2, "nothing more is passed on");
	ok(o.stream[0].line.cap <= 16384, "output without end costs no memory (%zu bytes)",
	   o.stream[0].line.cap);
	output_release(&o);
	output_init(&o, 1 << 20, NULL, on_line, &s);
	feed(&o, 2, "the first line\n");
	for (int i = 0; i < 1000; i++)
		feed(&o, 2, i % 7 ? "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n" : "\n");
	const char *end = output_last_stderr(&o);
	size_t at = 0, n = strlen(end);
	while (at < n && utf8_length(end + at, n - at))
		at += utf8_length(end + at, n - at);
	ok(n <= OUTPUT_STDERR_KEPT && n > OUTPUT_STDERR_KEPT - 4 && at == n,
	   "of stderr the last 2 KiB are kept, cut between characters (%zu)", n);
	ok(o.stderr_tail.cap <= 4 * OUTPUT_STDERR_KEPT, "and no more (%zu bytes)",
	   o.stderr_tail.cap);
	output_feed(&o, 2, x, 20001);
	is_num((int64_t)strlen(output_last_stderr(&o)), OUTPUT_STDERR_KEPT,
	       "of a line that is longer, too");
	output_release(&o);
	free(x);
	secret_free(secret);
	return done_testing();
}
