/* cli/try/chat: a conversation as text: typed lines become actions and updates, the bot's calls
 * become what a terminal shows.
 *
 * Pure: no descriptor, no clock. All text of the bot and of strangers is escaped here, so what goes
 * out holds no control character but line feeds and, with colours, this file's own escape
 * sequences. */
#ifndef TGRUN_CLI_TRY_CHAT_H
#define TGRUN_CLI_TRY_CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "sandbox/sandbox.h"

/* What a typed line asks for. */
enum chat_verb {
	CHAT_NOTHING, /* a blank line */
	CHAT_SAY,     /* `text` is for the bot */
	CHAT_AS,      /* `id` (0: the first user again) and `text`, a name or "" */
	CHAT_IN,      /* `id` (0: the private chat), `thread` (0: none) and `text`, a title or "" */
	CHAT_PRESS,   /* button `id` */
	CHAT_QUIT,
	CHAT_HELP,
	CHAT_WRONG, /* `text` says why */
};

struct chat_line {
	enum chat_verb verb;
	const char *text; /* inside the line, or static */
	int64_t id, thread;
};

/* Only the words /as /in /press /quit /help are taken, and `//help` says `/help`; all else is said.
 */
struct chat_line chat_parse(const char *line);

/* What /help prints: lines, each with its line feed. */
extern const char chat_help[];

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
	CHAT_SHOW_MAX = 1 << 20,
	CHAT_FIRST_USER = 1001
};

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

/* The Message that says `text`, `date` in seconds; and the CallbackQuery of pressing `b`, of
 * `message` (JSON). 0, or -1 when memory is out. */
int chat_message(const struct chat *c, int64_t message_id, int64_t date, const char *text,
		 struct buf *out);
int chat_callback(const struct chat *c, const struct chat_button *b, int64_t query_id,
		  const char *message, struct buf *out);

/* Button `number` of the last keyboard, from 1; NULL if there is none. */
const struct chat_button *chat_button(const struct chat *c, int64_t number);

/* What the bot did by `call`, and the keyboard it may have shown. */
void chat_show_call(struct chat *c, const struct sandbox_call *call, struct buf *out);

/* What came to the bot: an update's bytes. */
void chat_show_update(struct chat *c, const char *update, size_t n, struct buf *out);

/* One line of a handler's output; `which` 1: stdout, 2: stderr. */
void chat_show_output(struct chat *c, int which, const char *text, struct buf *out);

/* Appends the escaped text in a style. Lines after the first are indented. */
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
