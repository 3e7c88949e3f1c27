/* base/utf8: where a character of UTF-8 (RFC 3629) ends, and which are not to be shown. */
#ifndef TGRUN_BASE_UTF8_H
#define TGRUN_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length in bytes (1 to 4) of the well-formed character that `s` begins with, of which `n`
 * bytes may be read; 0 if it is not well-formed (overlong forms, surrogates, past U+10FFFF, cut).
 */
size_t utf8_length(const char *s, size_t n);

/* The length of the byte order mark that the `n` bytes at `s` begin with, as some languages write
 * one in front of all that they write; 0: there is none. */
size_t utf8_mark(const char *s, size_t n);

/* The code point of the well-formed character of `length` bytes at `s`. */
unsigned utf8_code(const char *s, size_t length);

/* Whether a terminal obeys the character, or a line looks like another with it: C0, DEL, C1, line
 * and paragraph separators, and the marks that change the direction of writing. */
bool utf8_is_control(unsigned code);

/* How a character is shown that is not to be seen as it is. */
enum utf8_style {
	UTF8_PLAIN,   /* \n, \x1b, \u202e; bytes that are no UTF-8 as \xff */
	UTF8_QUOTED,  /* the same between quotes: they and backslashes are escaped, too */
	UTF8_JSON,    /* in a string of JSON: its own escapes, U+FFFD for bytes that are no UTF-8 */
	UTF8_IN_JSON, /* of JSON that is whole: so, but its quotes, backslashes, tabs are its own */
};
enum { UTF8_SHOWN_MAX = 12 };

/* Writes the character that `s` of `n` bytes begins with (n > 0) as it may be shown to people: the
 * one place where strangers' text is escaped. Returns the length written, without a NUL; *step is
 * the length read. */
size_t utf8_show(char out[UTF8_SHOWN_MAX], const char *s, size_t n, enum utf8_style style,
		 size_t *step);

/* The largest length, at most `n`, at which the text `s` of at least `n` bytes may be cut without
 * splitting a character. Text that is no UTF-8 is cut at `n`. */
size_t utf8_cut(const char *s, size_t n);

#endif
