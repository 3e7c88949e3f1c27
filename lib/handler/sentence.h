/* handler/sentence: what went wrong, in one line: of all that a program wrote to stderr, the
 * last line that says something, or that names an exception whose message has several. Pure. */
#ifndef TGRUN_HANDLER_SENTENCE_H
#define TGRUN_HANDLER_SENTENCE_H

#include <stdbool.h>

enum { SENTENCE_MAX = 400 }; /* bytes; more is cut between characters */

/* How far the message of an exception goes on behind its first line. */
enum sentence_message {
	SENTENCE_NO_MESSAGE,
	SENTENCE_TO_ITS_STACK, /* to the stack, if one comes */
	SENTENCE_TO_THE_END,   /* of all: no stack comes behind it */
};

struct sentence {
	char says[SENTENCE_MAX + 1]; /* the last line that says something */
	/* the one that it took the place of, should it turn out to be quoted source */
	char before[SENTENCE_MAX + 1];
	/* the last line that may say something, for when no other does */
	char hint[SENTENCE_MAX + 1];
	char exception[SENTENCE_MAX + 1]; /* the first line of its message, while that goes on */
	enum sentence_message message;
	bool exception_next; /* the next line at the margin is an exception's */
	bool fresh;          /* `says` is of the last line */
	bool in_frames;      /* of a goroutine */
	bool in_quotation;   /* of a Tcl command */
};

/* Forgets all. A struct that is all zero has nothing to forget. */
void sentence_clear(struct sentence *s);

/* Takes in a line without its line feed, ended by a NUL. Not taken for a sentence: what is
 * blank, indented or all punctuation; frames of a stack, quoted source, a heading that ends in a
 * colon, what a runtime says of itself. Escape sequences are left out. An exception's line counts
 * more than the rest of its message: that is left out where a stack follows, and else its last line
 * is put behind, after " … ". */
void sentence_line(struct sentence *s, const char *line);

/* The sentence; "" if nothing said one. Valid until the next call with `s`. */
const char *sentence_text(const struct sentence *s);

#endif
