/* reply/target: where the answer to an update goes, and what a call has filled in from it. */
#ifndef TGRUN_REPLY_TARGET_H
#define TGRUN_REPLY_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "update/update.h"

/* How plain text answers the update. */
enum target_way {
	TARGET_NONE,   /* not at all: not this kind of update */
	TARGET_LOST,   /* not at all: it says neither chat nor query in a way that can be read */
	TARGET_BOT,    /* not at all: a bot wrote it, and two bots must not talk for ever */
	TARGET_CHAT,   /* by messages to `chat` */
	TARGET_BUTTON, /* by the answer to the callback query, which has no chat: inline messages */
	TARGET_GUEST,  /* by the answer to the guest's query, once */
};

struct target {
	enum target_way way;

	/* What is filled into calls; also where `way` is TARGET_NONE or TARGET_BOT. Texts are the
	 * update's. */
	bool has_chat;
	int64_t chat;
	enum update_thread thread; /* with `thread_id` */
	int64_t thread_id;
	const char *business;   /* the connection that the chat belongs to; NULL: none */
	const char *connection; /* the one that the update is about; NULL: none */
	unsigned answers;       /* METHOD_QUERY_…: whose parameter takes `query`; 0: none */
	const char *query;

	/* What --reply-to quotes. */
	bool has_message;
	int64_t message;
};

/* Reads it from an update, which must outlive `t`. `bot_id`: this bot's own id. */
void target_of(const struct update *u, int64_t bot_id, struct target *t);

/* The same from the variables that the update's handler has (update/vars.c), `env` as environ(7):
 * for a program that the handler starts. `way` and the message stay unknown; without an update's
 * variables nothing is filled in. Texts are those of `env`. */
void target_of_vars(char *const *env, struct target *t);

/* Appends to `out`, which ends in `{` or in a member of an object, what a method of `traits` (of
 * enum method_trait) has filled in: the chat, with its topic and its business connection, where
 * `params` (a checked JSON object, NULL: an empty one) has no chat_id, user_id or
 * inline_message_id; the id of the query. What `params` has itself is never filled in; a member
 * that is null counts as absent. 0, or -1 as buf_add(). */
int target_fill(const struct target *t, unsigned traits, const char *params, struct buf *out);

/* Appends the checked JSON object at `object` with what is filled in, without the first member
 * called `without` (NULL: with all). 0, or -1 as buf_add(). */
int target_complete(const struct target *t, unsigned traits, const char *object,
		    const char *without, struct buf *out);

#endif
