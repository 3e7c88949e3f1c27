/* tests/unit/webhook: which handlers are URLs, and what each answer of a webhook's server means. */
#include "handler/webhook_answer.h"
#include "handler/webhook_url.h"
#include "tests/tap.h"

/* ---- URLs ---- */

static void urls(void)
{
	static const struct {
		const char *text, *shown;
		bool plain;
	} good[] = {
		{ "http://127.0.0.1:8080/hook", "http://127.0.0.1:8080/…", false },
		{ "http://localhost/", "http://localhost/", false },
		{ "HTTP://[::1]:80/a?b=c", "HTTP://[::1]:80/…", false },
		{ "https://bot.example", "https://bot.example", false },
		{ "https://bot.example:65535", "https://bot.example:65535", false },
		{ "http://127.0.0.1:1/", "http://127.0.0.1:1/", false },
		{ "https://bot.example/123456:secret", "https://bot.example/…", false },
		{ "http://bot.example:8080?x", "http://bot.example:8080/…", true },
		{ "http://127.example.org/", "http://127.example.org/", true },
		{ "http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/", true },
	};
	static const char *const bad[][2] = {
		{ "http://me:pw@127.0.0.1/", "takes no user and no password" },
		{ "http://me@127.0.0.1/", "takes no user and no password" },
		{ "http://127.0.0.1/ --lang en", "takes no arguments" },
		{ "http://127.0.0.1/\xc3\xa4", "a character that no URL has" },
		{ "http:///hook", "names no host" },
		{ "https://:8080/", "names no host" },
		{ "http://127.0.0.1:/", "no port" },
		{ "http://127.0.0.1:http/", "no port" },
		{ "http://127.0.0.1:123456/", "no port" },
		{ "http://127.0.0.1:99999/x", "no port" },
		{ "http://127.0.0.1:65536/x", "no port" },
		{ "http://127.0.0.1:0/x", "no port" },
		{ "http://[::1]:00000", "no port" },
		{ "http://[::1]8080/", "no port" },
		{ "http://127.0.0.1/a#b", "behind which nothing is sent" },
	};
	static const char *const commands[] = { "./bot.sh", "httpd", "http:/x", "curl http://a/",
						"" };
	struct err err;
	char shown[WEBHOOK_SHOWN_MAX];
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		ok(!webhook_url_is(commands[i]), "'%s' is a command", commands[i]);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		err.text[0] = '\0';
		ok(webhook_url_is(good[i].text) && webhook_url_check(good[i].text, &err) == 0,
		   "%s is a URL (%s)", good[i].text, err.text);
		webhook_url_show(good[i].text, shown);
		is_str(shown, good[i].shown, "… of which a path is not shown");
		is_num(webhook_url_plain(good[i].text), good[i].plain,
		       "… and it is known whether others can read along");
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err.text[0] = '\0';
		ok(webhook_url_check(bad[i][0], &err) == -1 && err.status == ERR_USAGE &&
			   strstr(err.text, bad[i][1]) && !strstr(err.text, "pw"),
		   "refused: %s", err.text);
	}
}

/* ---- answers ---- */

enum { ASKED = 1, STALE = 2, LATE = 4, AGAIN = 8 };

static const struct {
	/* what came: an answer of that status, or, without one, a failure */
	int status;
	const char *type, *body;
	int64_t retry_after; /* -1: none */
	enum http_failure failure;
	int flags;
	/* what it means */
	enum webhook_meaning meaning;
	int64_t after;
	const char *reason, *sentence, *what;
} rows[] = {
	/* clang-format off: a row each. */
	{ 200, "", "", -1, HTTP_OK, ASKED, WEBHOOK_DONE, -1, "", "", "200" },
	{ 204, "", "", -1, HTTP_OK, ASKED, WEBHOOK_DONE, -1, "", "", "204" },
	{ 202, "", "", 5, HTTP_OK, ASKED, WEBHOOK_DONE, -1, "", "", "202, whatever else it says" },
	{ 429, "", "", -1, HTTP_OK, ASKED, WEBHOOK_LATER, -1, "answered with status 429", "",
	  "429 without a time" },
	{ 429, "", "", 34, HTTP_OK, ASKED, WEBHOOK_LATER, 34000, "answered with status 429", "",
	  "429 with a time" },
	{ 503, "", "", 7200, HTTP_OK, ASKED, WEBHOOK_LATER, 3600000, "answered with status 503", "",
	  "503 with a time beyond an hour" },
	{ 404, "", "", 1, HTTP_OK, ASKED, WEBHOOK_LATER, 1000, "answered with status 404", "",
	  "404 with a time" },
	{ 500, "", "", 0, HTTP_OK, ASKED, WEBHOOK_LATER, -1, "answered with status 500", "",
	  "a time that is now: --retry-delay counts" },
	{ 302, "", "", 2, HTTP_OK, ASKED, WEBHOOK_LATER, 2000,
	  "answered with status 302: redirects are not followed", "", "a redirect with a time" },
	{ 500, "text/plain", "boom\n", -1, HTTP_OK, ASKED, WEBHOOK_FAILED, -1,
	  "answered with status 500", "boom", "500" },
	{ 599, "", "", -1, HTTP_OK, ASKED, WEBHOOK_FAILED, -1, "answered with status 599", "",
	  "599" },
	{ 400, "text/plain", " \r\n  no such order \nmore", -1, HTTP_OK, ASKED, WEBHOOK_REFUSED, -1,
	  "answered with status 400", "no such order",
	  "400, and its first line that says something" },
	{ 401, "", "", -1, HTTP_OK, ASKED, WEBHOOK_REFUSED, -1, "answered with status 401", "",
	  "401" },
	{ 301, "", "moved", -1, HTTP_OK, ASKED, WEBHOOK_REFUSED, -1,
	  "answered with status 301: redirects are not followed", "moved", "301" },
	{ 404, "text/html; charset=utf-8",
	  "<!DOCTYPE html>\n<html\nlang=en>\n<head>\n<title>Error</title>\n", -1, HTTP_OK, ASKED,
	  WEBHOOK_REFUSED, -1, "answered with status 404", "Error", "404 with a page: its text" },
	{ 400, "text/plain", "a < b", -1, HTTP_OK, ASKED, WEBHOOK_REFUSED, -1,
	  "answered with status 400", "a < b", "what is no page is left as it is" },
	{ 0, "", "", -1, HTTP_TOO_LARGE, ASKED, WEBHOOK_REFUSED, -1, "it broke", "",
	  "a body that is too large" },
	{ 0, "", "", -1, HTTP_NETWORK, 0, WEBHOOK_UNREACHED, -1, "it broke", "", "no connection" },
	{ 0, "", "", -1, HTTP_NETWORK, LATE, WEBHOOK_UNREACHED, -1, "it broke", "",
	  "none in time" },
	{ 0, "", "", -1, HTTP_NETWORK, AGAIN, WEBHOOK_UNREACHED, -1, "it broke", "",
	  "none for the second request" },
	{ 0, "", "", -1, HTTP_INTERNAL, ASKED, WEBHOOK_UNREACHED, -1, "it broke", "",
	  "no memory for the answer" },
	{ 0, "", "", -1, HTTP_NETWORK, ASKED, WEBHOOK_FAILED, -1, "it broke", "",
	  "a connection that was cut" },
	{ 0, "", "", -1, HTTP_NETWORK, ASKED | LATE, WEBHOOK_FAILED, -1, "timed out after 60s", "",
	  "no answer in time" },
	{ 0, "", "", -1, HTTP_NETWORK, ASKED | STALE, WEBHOOK_CROSSED, -1, "it broke", "",
	  "one that crossed the end of an old connection" },
	{ 0, "", "", -1, HTTP_NETWORK, ASKED | STALE | AGAIN, WEBHOOK_FAILED, -1, "it broke", "",
	  "… for the second time" },
	/* clang-format on */
};

static void meanings(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char body[512];
		struct webhook_answer got;
		struct http_response response = {
			.failure = rows[i].failure,
			.status = rows[i].status,
			.body = body,
			.length = strlen(rows[i].body),
			.content_type = rows[i].type,
			.reason = rows[i].failure ? "it broke" : "",
			.asked = rows[i].flags & ASKED,
			.stale = rows[i].flags & STALE,
			.timed_out = rows[i].flags & LATE,
			.retry_after = rows[i].retry_after,
			.keep_alive = -1,
		};
		strcpy(body, rows[i].body);
		webhook_answer_read(&response, rows[i].flags & AGAIN, 60000, &got);
		ok(got.meaning == rows[i].meaning, "%s means %d (%d)", rows[i].what,
		   rows[i].meaning, got.meaning);
		is_num(got.after, rows[i].after, "… the time");
		is_str(got.reason, rows[i].reason, "… the reason");
		is_str(got.sentence, rows[i].sentence, "… and what it said");
	}
}

static void rests(void)
{
	static const int64_t seconds[][2] = { { -1, 1 }, { 0, 1 },   { 1, 1 },      { 2, 1 },
					      { 5, 4 },  { 31, 30 }, { 900000, 30 } };
	for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
		struct http_response r = { .status = 200, .keep_alive = seconds[i][0] };
		is_num(webhook_answer_rest(&r), seconds[i][1],
		       "a connection rests for a second less than the server says");
	}
}

/* A line without end is cut between characters. */
static void long_line(void)
{
	static char body[3 * SENTENCE_MAX];
	struct http_response r = { .status = 400, .content_type = "", .retry_after = -1 };
	struct webhook_answer got;
	for (size_t i = 0; i + 3 < sizeof body; i += 3)
		memcpy(body + i, "€", 3);
	r.body = body;
	r.length = strlen(body);
	webhook_answer_read(&r, false, 0, &got);
	is_num((int64_t)strlen(got.sentence), SENTENCE_MAX - SENTENCE_MAX % 3,
	       "a line without end is cut between characters");
}

/* ---- calls in answers ---- */

static void calls(void)
{
	static const struct {
		const char *type, *body;
		enum webhook_body kind;
		const char *call;
	} bodies[] = {
		{ "application/json", "", WEBHOOK_NO_CALL, "" },
		{ "application/json", "{\"ok\":true}", WEBHOOK_NO_CALL, "" },
		{ "application/json", "[{\"method\":\"sendMessage\"}]", WEBHOOK_NO_CALL, "" },
		{ "application/json", "{\"method\":\"sendMessage\"", WEBHOOK_NO_CALL, "" },
		{ "application/json", "\"method\"", WEBHOOK_NO_CALL, "" },
		{ "application/json", " {\"method\":\"sendMessage\",\"text\":\"hi\"} ",
		  WEBHOOK_CALL, "{\"method\":\"sendMessage\",\"text\":\"hi\"}" },
		{ "Application/JSON;charset=utf-8", "{\"method\":7}", WEBHOOK_CALL,
		  "{\"method\":7}" },
		{ "application/jsonx", "{\"method\":\"sendMessage\"}", WEBHOOK_NO_CALL, "" },
		{ "text/html", "{\"method\":\"sendMessage\"}", WEBHOOK_NO_CALL, "" },
		{ "", "{\"method\":\"sendMessage\"}", WEBHOOK_NO_CALL, "" },
		{ "application/x-www-form-urlencoded",
		  "method=sendMessage&chat_id=7&text=a+%C3%A4%26", WEBHOOK_CALL,
		  "{\"method\":\"sendMessage\",\"chat_id\":\"7\",\"text\":\"a ä&\"}" },
		{ "application/x-www-form-urlencoded", "ok=1&method", WEBHOOK_NO_CALL, "" },
		{ "multipart/form-data; boundary=x", "--x\r\n", WEBHOOK_PARTS, "" },
	};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		char copy[256];
		struct buf call;
		struct http_response r = { .status = 200 };
		snprintf(copy, sizeof copy, "%s", bodies[i].body);
		r.content_type = bodies[i].type;
		r.body = copy;
		r.length = strlen(copy);
		buf_init(&call, 4096);
		is_num(webhook_answer_call(&r, &call), bodies[i].kind, bodies[i].type);
		is_str(bodies[i].kind == WEBHOOK_CALL ? buf_str(&call) : "", bodies[i].call,
		       bodies[i].type);
		buf_release(&call);
	}
	/* What JSON escapes is six times as long. */
	static char form[1 << 16] = "method=";
	struct buf large;
	struct http_response full = { .status = 200, .body = form };
	memset(form + 7, 1, sizeof form - 8);
	full.content_type = "application/x-www-form-urlencoded";
	full.length = strlen(form);
	buf_init(&large, 8 * full.length);
	is_num(webhook_answer_call(&full, &large), WEBHOOK_CALL, "the largest form has room");
	buf_release(&large);
	char copy[] = "{\"method\":\"sendMessage\"}";
	struct http_response r = { .status = 200, .body = copy, .length = sizeof copy - 1 };
	struct buf call;
	r.content_type = "application/json";
	buf_init(&call, 4);
	is_num(webhook_answer_call(&r, &call), WEBHOOK_MEMORY, "without memory that is said");
	buf_release(&call);
}

int main(void)
{
	RUN(urls);
	RUN(meanings);
	RUN(rests);
	RUN(long_line);
	RUN(calls);
	return done_testing();
}
