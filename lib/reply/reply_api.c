/* reply/reply_api: JSON that a handler printed in, the calls that it holds out, filled in from the
 * update: one object, an array of them, or one object a line, as jq writes them.
 *
 * What is wrong is told with its line and without a word of the reply, which is the chat's. */
#include <string.h>
#include <strings.h>

#include "api/methods.h"
#include "base/utf8.h"
#include "reply/reply_internal.h"
#include "update/record.h"
#include "update/scan.h"

/* The text as a whole, to count its lines. */
struct source {
	const char *text;
	const struct target *target;
	struct reply *reply;
	struct err *err;
};

static size_t line_of(const struct source *s, const char *p)
{
	size_t line = 1;
	for (const char *q = s->text; (q = memchr(q, '\n', (size_t)(p - q))); q++)
		line++;
	return line;
}

static int no_call(const struct source *s, const char *at)
{
	return err_set(s->err, ERR_IO,
		       "its reply holds no call, line %zu; a call is an object with a method",
		       line_of(s, at));
}

static int add_named(const struct source *s, const char *object, const char *method)
{
	unsigned traits = methods_traits(method);
	struct err err = { 0 };
	struct buf params;
	const struct method *row = methods_find(method);
	if (traits & METHOD_BARRED || (!row && strncasecmp(method, "get", 3) == 0))
		return err_set(s->err, ERR_IO,
			       "its reply calls %s, which no reply may, line %zu%s",
			       row ? row->name : "a get method", line_of(s, object),
			       traits & METHOD_OWN ? "" : "; 'tgrun call' can");
	buf_init(&params, SIZE_MAX / 2);
	struct call *c = NULL;
	if (target_complete(s->target, traits, object, "method", &params))
		err_set(&err, ERR_INTERNAL, "out of memory");
	else
		c = reply_add(s->reply, method, &params, &err);
	buf_release(&params);
	if (c)
		return 0;
	if (err.status == ERR_INTERNAL)
		return err_set(s->err, err.status, "%s", err.text);
	return err_set(s->err, ERR_IO, "its reply holds a bad call, line %zu: %s",
		       line_of(s, object), err.text);
}

/* Adds one call: a checked value, inside of the text. */
static int add(const struct source *s, const char *value)
{
	const char *name = *value == '{' ? scan_named(value, "method") : NULL;
	struct buf method;
	if (!scan_is_string(name))
		return no_call(s, value);
	if (s->reply->count == REPLY_CALLS_MAX)
		return err_set(s->err, ERR_IO, "its reply holds more than %d calls",
			       REPLY_CALLS_MAX);
	buf_init(&method, SIZE_MAX / 2);
	int rc = 0;
	if (scan_add(name, &method))
		rc = err_set(s->err, ERR_INTERNAL, "out of memory");
	else if (strlen(buf_str(&method)) != method.len)
		rc = err_set(s->err, ERR_IO,
			     "its reply holds a bad call, line %zu: its method holds a NUL "
			     "character",
			     line_of(s, value));
	else
		rc = add_named(s, value, buf_str(&method));
	buf_release(&method);
	return rc;
}

static int add_all(const struct source *s, const char *value, bool alone)
{
	if (*value != '[' || !alone)
		return add(s, value);
	for (struct scan_walk w = scan_walk(value); scan_next(&w);)
		if (add(s, w.value))
			return -1;
	return 0;
}

static bool is_space(const char *p, const char *end)
{
	while (p < end && scan_is_space(*p))
		p++;
	return p == end;
}

int reply_api_read(const struct target *t, const char *text, size_t n, struct reply *r,
		   struct err *err)
{
	struct source s = { text, t, r, err };
	const char *end = text + n;
	bool alone = true;
	for (const char *p = text + utf8_mark(text, n); p < end;) {
		struct scan_fault fault;
		size_t length = record_length(p, (size_t)(end - p), true, true);
		const char *start = p, *behind = p + length;
		p = behind;
		while (start < behind && scan_is_space(*start))
			start++;
		while (behind > start && scan_is_space(behind[-1]))
			behind--;
		if (start == behind)
			continue;
		const char *value = scan_check(start, behind, &fault);
		if (!value)
			return err_set(err, ERR_IO, "its reply is no JSON, line %zu",
				       line_of(&s, start + fault.at));
		if (add_all(&s, value, alone && is_space(p, end)))
			return -1;
		alone = false;
	}
	return 0;
}
