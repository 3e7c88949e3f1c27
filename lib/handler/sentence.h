/* handler/sentence: what went wrong, in one line: of all that a program wrote to stderr, the
 * last line that says something. Pure. */
#ifndef TGRUN_HANDLER_SENTENCE_H
#define TGRUN_HANDLER_SENTENCE_H

#include <stdbool.h>

enum { SENTENCE_MAX = 400 }; /* bytes; more is cut between characters */

struct sentence {
	char says[SENTENCE_MAX + 1]; /* the last line that says something */
	/* the one that it took the place of, should it turn out to be quoted source */
	char before[SENTENCE_MAX + 1];
	/* the last line that may say something, for when no other does */
	char hint[SENTENCE_MAX + 1];
	bool fresh;        /* `says` is of the last line */
	bool in_frames;    /* of a goroutine */
	bool in_quotation; /* of a Tcl command */
};

/* Forgets all. A struct that is all zero has nothing to forget. */
void sentence_clear(struct sentence *s);

/* Takes in a line without its line feed, ended by a NUL. Not taken for a sentence: what is
 * blank, indented or all punctuation; frames of a stack, quoted source, a heading that ends in a
 * colon, what a runtime says of itself. Escape sequences are left out. */
void sentence_line(struct sentence *s, const char *line);

/* The sentence; "" if nothing said one. Valid until the next call with `s`. */
const char *sentence_text(const struct sentence *s);

#endif
