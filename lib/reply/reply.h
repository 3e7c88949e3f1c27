/* reply/reply: an update and what its handler printed in, the calls that answer it out. */
#ifndef TGRUN_REPLY_REPLY_H
#define TGRUN_REPLY_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "reply/call.h"
#include "update/update.h"

/* --reply */
enum reply_mode {
	REPLY_NONE,
	REPLY_TEXT,
	REPLY_PRE,      /* monospace */
	REPLY_HTML,     /* as printed, parse_mode HTML */
	REPLY_MARKDOWN, /* as printed, parse_mode MarkdownV2 */
	REPLY_API,      /* JSON: calls */
};

enum {
	REPLY_CALLS_MAX = 100,   /* of REPLY_API */
	REPLY_MESSAGES_MAX = 10, /* of the other modes; a longer text is one document */
};

struct reply_spec {
	enum reply_mode mode;
	bool quote;              /* --reply-to: the first message quotes the update's */
	const char *const *with; /* --reply-with, each as reply_with_check() takes it */
	size_t with_count;
	bool bare; /* REPLY_API: a callback query that no call answers stays unanswered */
};

/* Why there is less to send than was printed. */
enum reply_note {
	REPLY_WHOLE,
	REPLY_KIND, /* this mode answers no update of this kind, --reply api does: log the output */
	REPLY_LOST, /* the update says no chat that can be read: log the output */
	REPLY_BOT,  /* a bot wrote the update: log the output */
	REPLY_CUT,  /* what takes one message only, or one of 200 characters, got a part of it */
};

struct reply {
	struct call *calls; /* in the order in which they are to be sent */
	size_t count;
	enum reply_note note;
};

/* The mode of that name (none, text, pre, html, markdown, api). 0, or -1 with `err` (ERR_USAGE,
 * with the nearest name). */
int reply_mode_read(const char *name, enum reply_mode *mode, struct err *err);

/* Its name. */
const char *reply_mode_name(enum reply_mode mode);

/* Whether `text` is NAME=VALUE, and NAME a parameter that tgrun does not set itself. 0, or -1 with
 * `err` (ERR_USAGE). VALUE is JSON if it is an object, an array, a number, true or false; else it
 * is text; one that begins as an object or an array must be one. */
int reply_with_check(const char *text, struct err *err);

/* Composes the answer to `u`, in any mode but REPLY_NONE, from the `n` bytes at `out` that its
 * handler printed, whole. `bot_id`: this bot's id; `secret` (may be NULL) is starred out in what
 * was printed.
 *
 * 0 with `r`, whose release is the caller's: no calls when there is nothing to answer; a callback
 * query is answered even then, first, by the reply's own call if it has one, unless `bare`. -1 with
 * `err` and nothing in `r`: ERR_IO, for ever: "its reply is no JSON, line 3"; ERR_INTERNAL: memory.
 */
int reply_compose(const struct reply_spec *spec, const struct update *u, int64_t bot_id,
		  const struct secret *secret, const char *out, size_t n, struct reply *r,
		  struct err *err);

/* Frees the calls, not `r`. */
void reply_release(struct reply *r);

#endif
