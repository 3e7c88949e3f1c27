/* reply/send: a text and files for a chat that somebody names, in; the calls that bring them there,
 * out. A text becomes messages as a reply does. */
#ifndef TGRUN_REPLY_SEND_H
#define TGRUN_REPLY_SEND_H

#include "reply/reply.h"

enum { SEND_FILES_MAX = 10 };

struct send_message {
	enum reply_mode mode; /* text, pre, html or markdown */
	int64_t topic;        /* 0: none */
	bool silent;
	const char *text; /* as it was given; "" where only files go */
	size_t length;
	const struct call_file *files; /* at most SEND_FILES_MAX, in this order */
	size_t file_count;
};

/* Whether `text` names a chat: a number but 0, or @name. 0, or -1 with `err` (ERR_USAGE). */
int send_chat_check(const char *text, struct err *err);

/* Composes the calls to `chat`, as send_chat_check() takes it; NULL: to no chat, which is filled in
 * for each of many. A text that fits there is the caption of the first file. `secret` (may be NULL)
 * is starred out. 0 with `r`, whose release is the caller's: no calls when nothing is to be said;
 * -1 with `err` (ERR_INTERNAL, ERR_USAGE). */
int send_compose(const struct send_message *m, const char *chat, const struct secret *secret,
		 struct reply *r, struct err *err);

#endif
