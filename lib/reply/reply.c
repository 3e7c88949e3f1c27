/* reply/reply: an update and what its handler printed in, the calls that answer it out.
 *
 * Invariant: all of a reply or nothing: when one part of it cannot be composed, there is no call.
 */
#include "reply/reply.h"

#include <stdlib.h>
#include <string.h>

#include "api/methods.h"
#include "base/nearest.h"
#include "reply/reply_internal.h"
#include "reply/text.h"
#include "update/scan.h"

/* In the order of enum reply_mode. */
static const char *const modes[] = { "none", "text", "pre", "html", "markdown", "api" };
enum { MODES = sizeof modes / sizeof *modes };

/* What tgrun sets itself, or what makes another call of it. */
static const char *const own[] = {
	"business_connection_id",
	"callback_query_id",
	"caption",
	"chat_id",
	"direct_messages_topic_id",
	"document",
	"entities",
	"guest_query_id",
	"message_thread_id",
	"method",
	"parse_mode",
	"reply_parameters",
	"result",
	"text",
};

int reply_mode_read(const char *name, enum reply_mode *mode, struct err *err)
{
	for (size_t i = 0; i < MODES; i++)
		if (strcmp(name, modes[i]) == 0) {
			*mode = (enum reply_mode)i;
			return 0;
		}
	const char *near = nearest_find(name, modes, MODES);
	if (near)
		return err_set(err, ERR_USAGE, "'%.100s' is no mode of replies; did you mean '%s'?",
			       name, near);
	return err_set(err, ERR_USAGE,
		       "'%.100s' is no mode of replies; it is none, text, pre, html, markdown or "
		       "api",
		       name);
}

const char *reply_mode_name(enum reply_mode mode)
{
	return modes[mode];
}

int reply_with_check(const char *text, struct err *err)
{
	struct scan_fault fault;
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	if (n == 0 || text[n] != '=')
		return err_set(err, ERR_USAGE,
			       "'%.100s' is no NAME=VALUE, where NAME is a parameter such as "
			       "disable_notification",
			       text);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (strlen(own[i]) == n && memcmp(text, own[i], n) == 0)
			return err_set(err, ERR_USAGE,
				       "'%s' is set by the reply itself and cannot be given",
				       own[i]);
	const char *value = text + n + 1;
	if ((*value == '{' || *value == '[') && !scan_check(value, value + strlen(value), &fault))
		return err_set(err, ERR_USAGE, "the value of '%.*s' %s at byte %zu", (int)n, text,
			       fault.why, fault.at);
	return 0;
}

static void to_front(struct reply *r, size_t from)
{
	struct call c = r->calls[from];
	memmove(r->calls + 1, r->calls, from * sizeof *r->calls);
	r->calls[0] = c;
}

/* Puts the answer to the callback query of `t` first, if it has one: that of `r`, or an empty one.
 */
static int answer_first(const struct target *t, struct reply *r, struct err *err)
{
	if (t->answers != METHOD_QUERY_CALLBACK)
		return 0;
	struct buf params;
	struct call *empty = NULL;
	buf_init(&params, 4096);
	if (buf_addc(&params, '{') || target_fill(t, METHOD_QUERY_CALLBACK, NULL, &params) ||
	    buf_addc(&params, '}'))
		err_set(err, ERR_INTERNAL, "out of memory");
	else
		empty = reply_add(r, "answerCallbackQuery", &params, err);
	buf_release(&params);
	if (!empty)
		return -1;
	size_t last = r->count - 1, first = 0;
	while (strcmp(r->calls[first].line, empty->line) != 0)
		first++;
	if (first < last) {
		call_release(empty);
		r->count--;
	}
	to_front(r, first);
	return 0;
}

static int compose(const struct reply_spec *spec, const struct target *t, const char *text,
		   size_t n, struct reply *r, struct err *err)
{
	if (spec->mode == REPLY_API)
		return reply_api_read(t, text, n, r, err);
	if (t->way == TARGET_NONE || t->way == TARGET_LOST || t->way == TARGET_BOT) {
		if (!text_is_blank(text, n))
			r->note = t->way == TARGET_BOT    ? REPLY_BOT
				  : t->way == TARGET_LOST ? REPLY_LOST
							  : REPLY_KIND;
		return 0;
	}
	return reply_text_add(spec, t, text, n, r, err);
}

int reply_compose(const struct reply_spec *spec, const struct update *u, int64_t bot_id,
		  const struct secret *secret, const char *out, size_t n, struct reply *r,
		  struct err *err)
{
	struct target t;
	struct buf text;
	*r = (struct reply){ 0 };
	target_of(u, bot_id, &t);
	buf_init(&text, 3 * n + 1);
	int rc = text_clean(out, n, &text);
	if (rc) {
		err_set(err, ERR_INTERNAL, "out of memory");
	} else {
		if (text.len)
			text.len = secret_redact(secret, text.data, text.len);
		rc = compose(spec, &t, buf_str(&text), text.len, r, err);
	}
	if (rc == 0 && !spec->bare)
		rc = answer_first(&t, r, err);
	buf_release(&text);
	if (rc)
		reply_release(r);
	return rc ? -1 : 0;
}

void reply_release(struct reply *r)
{
	for (size_t i = 0; i < r->count; i++)
		call_release(&r->calls[i]);
	free(r->calls);
	*r = (struct reply){ 0 };
}
