/* base/utf8: where a character of UTF-8 (RFC 3629) ends, and which are not to be shown. */
#ifndef TGRUN_BASE_UTF8_H
#define TGRUN_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length in bytes (1 to 4) of the well-formed character that `s` begins with, of which `n` bytes may be
 * read; 0 if it is not well-formed (overlong forms, surrogates, past U+10FFFF, cut). */
size_t utf8_length(const char *s, size_t n);

/* The code point of the well-formed character of `length` bytes at `s`. */
unsigned utf8_code(const char *s, size_t length);

/* Whether a terminal obeys the character, or a line looks like another with it: C0, DEL, C1, line and paragraph separators, and the marks that
 * change the direction of writing. */
bool utf8_is_control(unsigned code);

/* The largest length, at most `n`, at which the text `s` of at least `n` bytes may be cut without splitting a
 * character. Text that is no UTF-8 is cut at `n`. */
size_t utf8_cut(const char *s, size_t n);

#endif
