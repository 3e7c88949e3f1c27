/* cli/try/chat_words: what is typed: lines become whole inputs, and an input a message to the bot
 * or a word for tgrun try, which begins with a colon. Pure. */
#ifndef TGRUN_CLI_TRY_CHAT_WORDS_H
#define TGRUN_CLI_TRY_CHAT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { CHAT_INPUT_MAX = 16 << 20 }; /* bytes of an input */

/* Three quotes, alone in a line or at the end of a line with a word, begin a text of several lines,
 * which goes on until a line of three quotes alone. */
#define CHAT_QUOTES "\"\"\""

struct chat_input {
	struct buf text; /* the input, once it is whole */
	bool open;       /* more lines are to come */
	bool said;       /* the quotes stood alone: it is a message, whatever it begins with */
};

void chat_input_init(struct chat_input *in);
void chat_input_release(struct chat_input *in);

/* Takes the next line, without its line feed. 1: with it `in->text` is whole, and the next line
 * begins another; 0: more lines are to come; -1: memory is out or it is too long, and what came of
 * it is forgotten. */
int chat_input_add(struct chat_input *in, const char *line);

/* What an input asks for. */
enum chat_verb {
	CHAT_NOTHING, /* it is blank */
	CHAT_SAY,     /* `text` is for the bot */
	CHAT_AS,      /* `id` (0: the first user again) and `text`, a name or "" */
	CHAT_IN,      /* `id` (0: the private chat), `thread` (0: none) and `text`, a title or "" */
	CHAT_PRESS,   /* button `id` */
	CHAT_WAIT,    /* `id` milliseconds */
	CHAT_FILE,    /* the first `length` bytes of `file`, and `text`, a caption or "" */
	CHAT_EDIT,    /* the `id`-th message from the end, from 1, which says `text` now */
	CHAT_INLINE,  /* `text`, which may be "", is an inline query */
	CHAT_JSON,    /* `text` is an update */
	CHAT_QUIT,
	CHAT_HELP,
};

struct chat_line {
	enum chat_verb verb;
	const char *text, *file; /* inside the input, or static */
	size_t length;
	int64_t id, thread;
};

/* A colon and small letters, up to a blank or the end, are a word; a second colon in front of one
 * has the rest said. `said`: it is a message in any case. 0, or -1 with `err` (ERR_USAGE): there is
 * no such word, or it wants something else. */
int chat_parse(const char *input, bool said, struct chat_line *out, struct err *err);

/* The word that stands now for what an input begins with that was one before 0.2.0: ":press" for
 * "/press 1"; NULL: it was none. */
const char *chat_word_of_old(const char *input);

/* What :help prints: lines, each with its line feed. */
extern const char chat_help[];

#endif
