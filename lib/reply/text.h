/* reply/text: what a handler printed, as the texts of messages: cleaned, and cut where people would
 * cut it.
 *
 * The server counts a text in units of UTF-16: a character past U+FFFF is two. */
#ifndef TGRUN_REPLY_TEXT_H
#define TGRUN_REPLY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum {
	TEXT_UNITS = 4096,       /* of a message */
	TEXT_BUTTON_UNITS = 200, /* of the answer to a button */
};

/* Appends the `n` bytes at `s` as UTF-8: each byte that is none becomes U+FFFD; NULs, and one line
 * feed at the end, go. 0, or -1 as buf_add(). */
int text_clean(const char *s, size_t n, struct buf *out);

/* The functions below take text as text_clean() makes it. */

/* Whether the server would call the text empty: white space, control characters, and characters
 * that show nothing (td/telegram/misc.cpp of tdlib). */
bool text_is_blank(const char *s, size_t n);

/* How many units of UTF-16 it is. */
size_t text_units(const char *s, size_t n);

/* The length in bytes of the longest beginning of at most `units` units (at least 2) that ends
 * between two characters as people see them: no combining mark, flag, emoji of several parts or
 * CR LF is cut in two, unless it alone is longer. */
size_t text_fit(const char *s, size_t n, size_t units);

/* A text on its way into messages. */
struct text_split {
	const char *next, *end; /* what is not cut off yet */
};
struct text_piece {
	const char *text; /* lies in the text that was given; no NUL behind it */
	size_t length;    /* bytes */
	size_t units;     /* of UTF-16 */
};

/* The walk over the `n` bytes at `s`, which must outlive it. */
struct text_split text_split(const char *s, size_t n);

/* The next piece, of at most TEXT_UNITS units and never blank; false: there is none. It ends at the
 * last empty line that it can reach; without one at a line end, else at a space, else as
 * text_fit() says. What is lost is white space at a cut only: line ends, empty lines and the space
 * there; the indentation of a line that begins a piece stays, and no piece that begins at a cut
 * begins with an empty line. */
bool text_next(struct text_split *split, struct text_piece *piece);

#endif
