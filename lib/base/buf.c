/* base/buf: the byte buffer. Nothing here grows past the maximum that its owner gave. */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_release(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

int buf_reserve(struct buf *b, size_t n)
{
	if (n > b->max || b->len > b->max - n) {
		errno = EOVERFLOW;
		return -1;
	}
	size_t need = b->len + n + 1;
	if (need <= b->cap)
		return 0;
	size_t cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap *= 2;
	char *data = realloc(b->data, cap);
	if (!data)
		return -1;
	if (!b->data)
		data[0] = '\0';
	b->data = data;
	b->cap = cap;
	return 0;
}

/* Whether so many bytes, and a NUL, have room as it is. */
static bool has_room(const struct buf *b, size_t n)
{
	return n < b->cap - b->len && n <= b->max - b->len;
}

int buf_add(struct buf *b, const void *data, size_t n)
{
	if (!has_room(b, n) && buf_reserve(b, n))
		return -1;
	if (n)
		memcpy(b->data + b->len, data, n);
	b->len += n;
	b->data[b->len] = '\0';
	return 0;
}

int buf_addc(struct buf *b, char c)
{
	if (!has_room(b, 1) && buf_reserve(b, 1))
		return -1;
	b->data[b->len++] = c;
	b->data[b->len] = '\0';
	return 0;
}

int buf_add_int(struct buf *b, int64_t n)
{
	char digits[20], *at = digits + sizeof digits;
	uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;
	do
		*--at = (char)('0' + left % 10);
	while (left /= 10);
	if (n < 0)
		*--at = '-';
	return buf_add(b, at, (size_t)(digits + sizeof digits - at));
}

/* Into the room that is there; where it does not suffice, again with enough. */
int buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = b->data ? b->cap - b->len : 0;
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(room ? b->data + b->len : NULL, room, fmt, again);
	va_end(again);
	bool fits = n >= 0 && (size_t)n < room && (size_t)n <= b->max - b->len;
	if (!fits && (n < 0 || buf_reserve(b, (size_t)n))) {
		if (b->data)
			b->data[b->len] = '\0';
		return -1;
	}
	if (!fits)
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return 0;
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int rc = buf_vaddf(b, fmt, ap);
	va_end(ap);
	return rc;
}

static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* How many of `n` bytes stand for themselves in a JSON string, and are ASCII. */
static size_t plain_run(const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && is_plain(s[i]))
		i++;
	return i;
}

int buf_add_json(struct buf *b, const char *s, size_t n)
{
	static const char short_escape[] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};
	size_t start = b->len;
	if (plain_run(s, n) == n && buf_reserve(b, n + 2) == 0) {
		b->data[start] = '"';
		memcpy(b->data + start + 1, s, n);
		memcpy(b->data + start + 1 + n, "\"", 2);
		b->len += n + 2;
		return 0;
	}
	int rc = buf_addc(b, '"');
	for (size_t i = 0; i < n && rc == 0;) {
		unsigned char c = (unsigned char)s[i];
		size_t step = plain_run(s + i, n - i);
		if (step) {
			rc = buf_add(b, s + i, step);
			i += step;
			continue;
		}
		step = 1;
		if (c == '"' || c == '\\')
			rc = buf_addf(b, "\\%c", c);
		else if (c < sizeof short_escape && short_escape[c])
			rc = buf_addf(b, "\\%c", short_escape[c]);
		else if (c < 0x20 || c == 0x7f)
			rc = buf_addf(b, "\\u%04x", c);
		else if ((step = utf8_length(s + i, n - i)))
			rc = buf_add(b, s + i, step);
		else
			rc = buf_adds(b, "\xef\xbf\xbd"), step = 1;
		i += step;
	}
	if (rc == 0)
		rc = buf_addc(b, '"');
	if (rc && b->data) {
		b->len = start;
		b->data[start] = '\0';
	}
	return rc;
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		buf_clear(b);
		return;
	}
	memmove(b->data, b->data + n, b->len - n + 1);
	b->len -= n;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}
