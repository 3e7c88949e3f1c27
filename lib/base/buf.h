/* base/buf: a byte buffer that grows up to a maximum given at its start, and is always
 * NUL-terminated. */
#ifndef TGRUN_BASE_BUF_H
#define TGRUN_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *data; /* never NULL after a successful add; data[len] is 0 */
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* bytes that `len` may not pass */
};

/* An empty buffer of at most `max` bytes. Allocates nothing. */
void buf_init(struct buf *b, size_t max);

/* Frees the memory; the buffer is empty and may be used again with the same maximum. */
void buf_release(struct buf *b);

/* Empties the buffer and keeps its memory. */
void buf_clear(struct buf *b);

/* Makes room for `n` more bytes. Returns 0, or -1 with errno ENOMEM or EOVERFLOW (past the
 * maximum). */
int buf_reserve(struct buf *b, size_t n);

/* Append bytes, a string, one byte, a number in decimal, formatted text. All or nothing: 0, or -1
 * as buf_reserve(). */
int buf_add(struct buf *b, const void *data, size_t n);
static inline int buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s)); /* which a compiler knows of a text in the code */
}
int buf_addc(struct buf *b, char c);
int buf_add_int(struct buf *b, int64_t n);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Appends the JSON string for `n` bytes of UTF-8 with its quotes; bytes that are not UTF-8 become
 * U+FFFD. */
int buf_add_json(struct buf *b, const char *s, size_t n);

/* Removes the first `n` bytes (at most all). */
void buf_consume(struct buf *b, size_t n);

/* The text ("" if nothing was ever added). */
const char *buf_str(const struct buf *b);

#endif
