/* handler/webhook_answer: an answer over HTTP in, what it means for the update out, and the call of
 * the Bot API that it may hold. Pure.
 *
 * A body counts only by its Content-Type, as Telegram takes it: what strangers wrote, and a script
 * prints as a page, is never read as a call. */
#include "handler/webhook_answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/duration.h"
#include "base/utf8.h"
#include "update/scan.h"

enum {
	AFTER_MAX = 3600, /* seconds that an answer may ask for */
	REST_MAX = 30,    /* seconds */
};

static bool is_type(const struct http_response *r, const char *type)
{
	size_t n = strlen(type);
	return strncasecmp(r->content_type, type, n) == 0 &&
	       (!r->content_type[n] || strchr("; \t", r->content_type[n]));
}

/* ---- what went wrong, for people ---- */

/* Takes one line of the body without its marks, if it is a page. Returns what follows it. */
static const char *take_line(const char *p, const char *end, bool page, bool *in_mark, char *out)
{
	size_t n = 0;
	for (; p < end && *p && *p != '\n' && *p != '\r'; p++) {
		if (page && *p == '<')
			*in_mark = true;
		if (!*in_mark && n < SENTENCE_MAX && (n || !scan_is_space(*p)))
			out[n++] = *p;
		if (page && *p == '>')
			*in_mark = false;
	}
	while (n && scan_is_space(out[n - 1]))
		n--;
	n = n == SENTENCE_MAX ? utf8_cut(out, n) : n;
	out[n] = '\0';
	return p < end ? p + 1 : p;
}

static void read_sentence(const struct http_response *r, char *out)
{
	const char *end = r->body + r->length;
	bool page = is_type(r, "text/html"), in_mark = false;
	out[0] = '\0';
	for (const char *p = r->body; p < end && !out[0];)
		p = take_line(p, end, page, &in_mark, out);
}

/* ---- what it means ---- */

static void say_timeout(int64_t timeout, struct webhook_answer *out)
{
	char limit[DURATION_TEXT];
	duration_format(timeout, limit, sizeof limit);
	snprintf(out->reason, sizeof out->reason, "timed out after %s", limit);
}

static enum webhook_meaning read_failure(const struct http_response *r, bool again, int64_t timeout,
					 struct webhook_answer *out)
{
	snprintf(out->reason, sizeof out->reason, "%s", r->reason);
	if (r->failure == HTTP_TOO_LARGE)
		return WEBHOOK_REFUSED;
	if (r->failure == HTTP_INTERNAL || !r->asked)
		return WEBHOOK_UNREACHED;
	if (r->stale && !again)
		return WEBHOOK_CROSSED;
	if (r->timed_out)
		say_timeout(timeout, out);
	return WEBHOOK_FAILED;
}

static enum webhook_meaning read_status(const struct http_response *r, struct webhook_answer *out)
{
	bool redirect = r->status / 100 == 3;
	if (r->status / 100 == 2)
		return WEBHOOK_DONE;
	snprintf(out->reason, sizeof out->reason, "answered with status %d%s", r->status,
		 redirect ? ": redirects are not followed" : "");
	read_sentence(r, out->sentence);
	if (r->retry_after > 0)
		out->after = (r->retry_after > AFTER_MAX ? AFTER_MAX : r->retry_after) * 1000;
	if (r->status == 429 || r->retry_after >= 0)
		return WEBHOOK_LATER;
	return r->status >= 500 ? WEBHOOK_FAILED : WEBHOOK_REFUSED;
}

void webhook_answer_read(const struct http_response *response, bool again, int64_t timeout,
			 struct webhook_answer *out)
{
	*out = (struct webhook_answer){ .after = -1 };
	out->meaning = response->failure == HTTP_OK ? read_status(response, out)
						    : read_failure(response, again, timeout, out);
}

/* Less than the server says: its clock may have begun before, and a request takes its time. */
int webhook_answer_rest(const struct http_response *response)
{
	int64_t seconds = response->keep_alive - 1;
	return seconds < WEBHOOK_REST ? WEBHOOK_REST : seconds > REST_MAX ? REST_MAX : (int)seconds;
}

/* ---- the call in it ---- */

/* The object that the body is, if it has a method. */
static enum webhook_body read_json(const char *body, size_t n, struct buf *call)
{
	struct scan_fault fault;
	const char *object = scan_check(body, body + n, &fault);
	if (!object || *object != '{' || !scan_named(object, "method"))
		return WEBHOOK_NO_CALL;
	return buf_add(call, object, (size_t)(scan_skip(object) - object)) ? WEBHOOK_MEMORY
									   : WEBHOOK_CALL;
}

static enum webhook_body read_form(char *body, struct buf *call)
{
	if (buf_addc(call, '{') || http_form_members(body, call) || buf_addc(call, '}'))
		return WEBHOOK_MEMORY;
	return scan_named(call->data, "method") ? WEBHOOK_CALL : WEBHOOK_NO_CALL;
}

enum webhook_body webhook_answer_call(struct http_response *response, struct buf *call)
{
	if (!response->length)
		return WEBHOOK_NO_CALL;
	if (is_type(response, "application/json"))
		return read_json(response->body, response->length, call);
	if (is_type(response, "application/x-www-form-urlencoded"))
		return read_form(response->body, call);
	return is_type(response, "multipart/form-data") ? WEBHOOK_PARTS : WEBHOOK_NO_CALL;
}
