/* queue/shared/fleet_text: values of the queue in, texts that PostgreSQL takes out. Invariant: what
 * goes out is valid UTF-8 without NUL, so no statement fails for a stranger's bytes. */
#include "queue/shared/fleet_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void fleet_list_init(struct fleet_list *l)
{
	buf_init(&l->text, SIZE_MAX / 2);
	l->failed = l->ended = false;
}

void fleet_list_release(struct fleet_list *l)
{
	buf_release(&l->text);
	l->failed = l->ended = false;
}

void fleet_list_clear(struct fleet_list *l)
{
	buf_clear(&l->text);
	l->failed = l->ended = false;
}

static void begin_member(struct fleet_list *l)
{
	if (buf_addc(&l->text, l->text.len ? ',' : '{'))
		l->failed = true;
}

void fleet_list_number(struct fleet_list *l, int64_t value)
{
	begin_member(l);
	if (buf_add_int(&l->text, value))
		l->failed = true;
}

void fleet_list_bool(struct fleet_list *l, bool value)
{
	begin_member(l);
	if (buf_addc(&l->text, value ? 't' : 'f'))
		l->failed = true;
}

/* Appends the character that `text` of `n` bytes begins with; a NUL, or a byte that is no UTF-8, as
 * U+FFFD. Returns the length read, or 0 when memory is out. */
static size_t add_character(struct buf *out, const char *text, size_t n)
{
	size_t length = *text ? utf8_length(text, n) : 0;
	if (length ? buf_add(out, text, length) : buf_adds(out, "\xef\xbf\xbd"))
		return 0;
	return length ? length : 1;
}

int fleet_text_add(struct buf *out, const char *text, size_t length)
{
	for (size_t at = 0, step; at < length; at += step)
		if (!(step = add_character(out, text + at, length - at)))
			return -1;
	return 0;
}

static int add_quoted(struct buf *out, const char *text)
{
	size_t length = strlen(text);
	if (buf_addc(out, '"'))
		return -1;
	for (size_t at = 0, step; at < length; at += step)
		if (((text[at] == '"' || text[at] == '\\') && buf_addc(out, '\\')) ||
		    !(step = add_character(out, text + at, length - at)))
			return -1;
	return buf_addc(out, '"');
}

void fleet_list_text(struct fleet_list *l, const char *text)
{
	begin_member(l);
	if (text ? add_quoted(&l->text, text) : buf_adds(&l->text, "NULL"))
		l->failed = true;
}

const char *fleet_list_end(struct fleet_list *l)
{
	if (l->text.len == 0 && !l->failed)
		return "{}";
	if (!l->failed && !l->ended && buf_addc(&l->text, '}'))
		l->failed = true;
	l->ended = true;
	return l->failed ? NULL : buf_str(&l->text);
}

bool fleet_list_next(const char **at, int64_t *value)
{
	char *end;
	const char *from = *at;
	if (*from == '{' || *from == ',')
		from++;
	errno = 0;
	*value = strtoll(from, &end, 10);
	*at = end;
	return end != from && !errno;
}

/* ---- keys ---- */

static int encode(struct buf *out, const char *keys, size_t n)
{
	size_t length;
	for (size_t at = 0; at < n; at += length) {
		length = keys[at] == '%' ? 0 : utf8_length(keys + at, n - at);
		if (length ? buf_add(out, keys + at, length)
			   : buf_addf(out, "%%%02X", (unsigned char)keys[at]))
			return -1;
		length += !length;
	}
	return 0;
}

int fleet_keys_add(struct buf *out, const char *keys)
{
	return encode(out, keys, strlen(keys));
}

void fleet_list_keys(struct fleet_list *l, const char *keys, size_t length)
{
	struct buf text;
	buf_init(&text, SIZE_MAX / 4);
	if (encode(&text, keys, length))
		l->failed = true;
	else
		fleet_list_text(l, buf_str(&text));
	buf_release(&text);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int fleet_keys_read(struct buf *out, const char *text)
{
	for (; *text; text++) {
		bool coded = *text == '%' && digit(text[1]) >= 0 && digit(text[2]) >= 0;
		if (buf_addc(out, coded ? (char)(digit(text[1]) << 4 | digit(text[2])) : *text))
			return -1;
		text += coded ? 2 : 0;
	}
	return 0;
}
