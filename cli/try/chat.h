/* cli/try/chat: a conversation as text: what is said becomes updates, the bot's calls become what a
 * terminal shows.
 *
 * Pure: no descriptor, no clock. All text of the bot and of strangers is escaped here, so what goes
 * out holds no control character but line feeds, CHAT_INDENT at the beginning of each further line
 * of a text and, with colours, this file's own escape sequences. */
#ifndef TGRUN_CLI_TRY_CHAT_H
#define TGRUN_CLI_TRY_CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "sandbox/sandbox.h"

enum chat_style { CHAT_PLAIN, CHAT_DIM, CHAT_RED, CHAT_BOT, CHAT_YOU, CHAT_BUTTON };

enum chat_button_kind {
	BUTTON_DATA,  /* `value` is sent as a callback query */
	BUTTON_TEXT,  /* of a reply keyboard: its text is sent */
	BUTTON_URL,   /* `value` is where it leads */
	BUTTON_OTHER, /* `value` is the name of what it would do */
};

struct chat_button {
	enum chat_button_kind kind;
	char *text, *value;
};

enum {
	CHAT_BUTTONS_MAX = 200,
	CHAT_NAME_MAX = 128,
	CHAT_QUOTE_MAX = 64, /* bytes by which a message is named */
	CHAT_QUOTES_KEPT = 256,
	CHAT_SHOW_MAX = 1 << 20,
	CHAT_FIRST_USER = 1001
};

#define CHAT_INDENT '\001'

struct chat {
	bool colour;
	/* Who speaks, and where. chat_id 0: everywhere is elsewhere (updates from a file). */
	int64_t user_id, chat_id, thread;
	char name[CHAT_NAME_MAX], title[CHAT_NAME_MAX];
	/* The last keyboard shown. */
	struct chat_button buttons[CHAT_BUTTONS_MAX];
	size_t button_count;
	int64_t keyboard_chat, keyboard_message; /* of an inline keyboard; 0: a reply keyboard */
	/* What the bot was last seen doing, so that it is told once. */
	int64_t acting_chat;
	char acting[32];
	/* How the last messages begin, to name them by: a ring of CHAT_QUOTES_KEPT; NULL: none yet.
	 */
	struct chat_quote *quotes;
	size_t quote_next;
};

/* What a message holds: a text; or a file, with a text or "" as its caption. */
struct chat_content {
	const char *text;
	const char *kind; /* photo, document …; NULL: no file */
	const char *file; /* JSON of that member of the message */
};

/* Begins in the private chat of the first user. `colour`: text goes out with escape sequences for
 * colours. To be released by chat_release(). */
void chat_init(struct chat *c, bool colour);

/* Frees what `c` holds, not `c`. */
void chat_release(struct chat *c);

/* Changes who speaks (0: the first user again; `name` "": one is made up), without leaving a group;
 * and where (0: that user's private chat; `title` "" likewise). */
void chat_as(struct chat *c, int64_t user_id, const char *name);
void chat_in(struct chat *c, int64_t chat_id, int64_t thread, const char *title);

/* What follows appends to `out`; what does not fit or has no memory is left out. */

/* `You: ` or `You in Group #7: `, escaped, without colours. */
void chat_prompt(const struct chat *c, struct buf *out);

/* Updates' JSON. A message, `date` in seconds; `message` with another text or caption; pressing `b`
 * under `message`; an inline query. 0, or -1 when memory is out. */
int chat_message(struct chat *c, int64_t message_id, int64_t date,
		 const struct chat_content *content, struct buf *out);
int chat_edited(struct chat *c, const cJSON *message, int64_t date, const char *text,
		struct buf *out);
int chat_callback(const struct chat *c, const struct chat_button *b, int64_t query_id,
		  const cJSON *message, struct buf *out);
int chat_inline(const struct chat *c, const char *text, int64_t query_id, struct buf *out);

/* Button `number` of the last keyboard, from 1; NULL if there is none. */
const struct chat_button *chat_button(const struct chat *c, int64_t number);

/* What the bot did by `call`, and the keyboard it may have shown. */
void chat_show_call(struct chat *c, const struct sandbox_call *call, struct buf *out);

/* What came to the bot: an update's bytes. */
void chat_show_update(struct chat *c, const char *update, size_t n, struct buf *out);

/* Remembers how a message begins, an object of JSON with its chat; and how the message of that
 * number does: `"Hello"`, or `message 5` of one that is not known. */
void chat_note(struct chat *c, const cJSON *message);
void chat_put_quote(const struct chat *c, struct buf *out, enum chat_style style, int64_t chat,
		    int64_t message_id);

/* Says where something happens unless that is the chat in which one is: `(-100123:7 Friends) `. */
void chat_put_place(const struct chat *c, struct buf *out, int64_t chat, int64_t thread,
		    const char *title);

/* What a message holds. `params`: of the call that made it, NULL: none did. */
void chat_put_content(const struct chat *c, const cJSON *message, const cJSON *params,
		      struct buf *out);

/* One line of a handler's output; `which` 1: stdout, 2: stderr. */
void chat_show_output(struct chat *c, int which, const char *text, struct buf *out);

/* Appends the escaped text in a style. Lines after the first are indented
 * (CHAT_INDENT). */
void chat_put(const struct chat *c, struct buf *out, enum chat_style style, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The same as a line of its own. */
void chat_put_line(const struct chat *c, struct buf *out, enum chat_style style, const char *fmt,
		   ...) __attribute__((format(printf, 4, 5)));

/* Takes over the keyboard of a shown message and prints its numbered buttons: `markup` is the
 * reply_markup object, NULL: it has none. */
void chat_keyboard(struct chat *c, const cJSON *markup, int64_t chat_id, int64_t message_id,
		   struct buf *out);
/* The keyboard of this message is gone. */
void chat_keyboard_gone(struct chat *c, int64_t chat_id, int64_t message_id);

#endif
