/* reply/text: bytes that a handler printed in, texts of messages out.
 *
 * Invariant: the pieces, put together, are the text but for white space where it was cut; each is a
 * piece that the server takes. Every step goes on, so a text of any shape comes to its end, and no
 * part of it is looked at more often than its messages are long. */
#include "reply/text.h"

#include <string.h>

#include "base/utf8.h"
#include "reply/cluster.h"

int text_clean(const char *s, size_t n, struct buf *out)
{
	size_t before = out->len;
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0;) {
		size_t run = 0, length;
		while (i + run < n && s[i + run] &&
		       (length = utf8_length(s + i + run, n - i - run)))
			run += length;
		rc = buf_add(out, s + i, run);
		i += run;
		if (rc == 0 && i < n && s[i])
			rc = buf_adds(out, "\xef\xbf\xbd");
		i += i < n;
	}
	if (rc == 0 && out->len > before && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return rc;
}

/* The character at `s`, and its length. */
static unsigned code_at(const char *s, size_t n, size_t *length)
{
	*length = utf8_length(s, n);
	return utf8_code(s, *length);
}

static size_t units_of(size_t length)
{
	return length == 4 ? 2 : 1;
}

static bool is_white(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Characters that the server takes for nothing. */
static bool is_blank(unsigned code)
{
	return code <= ' ' || code == 0xa0 || code == 0x1680 || code == 0x180e ||
	       (code >= 0x2000 && code <= 0x200f) || (code >= 0x2028 && code <= 0x202f) ||
	       code == 0x205f || code == 0x2800 || code == 0x3000 || code == 0xfeff ||
	       code == 0xfffc || (code >= 0xe0000 && code <= 0xe007f);
}

/* Where the first character stands that is not blank; `n`: there is none. */
static size_t first_shown(const char *s, size_t n)
{
	size_t i = 0, length;
	while (i < n && is_blank(code_at(s + i, n - i, &length)))
		i += length;
	return i;
}

bool text_is_blank(const char *s, size_t n)
{
	return first_shown(s, n) == n;
}

size_t text_units(const char *s, size_t n)
{
	size_t units = 0;
	for (size_t i = 0, length; i < n; i += length) {
		code_at(s + i, n - i, &length);
		units += units_of(length);
	}
	return units;
}

size_t text_fit(const char *s, size_t n, size_t units)
{
	struct cluster walk = { 0 };
	size_t used = 0, cut = 0;
	for (size_t i = 0, length; i < n; i += length) {
		unsigned code = code_at(s + i, n - i, &length);
		if (cluster_begins(&walk, code))
			cut = i;
		used += units_of(length);
		if (used > units)
			return cut ? cut : i;
	}
	return n;
}

struct text_split text_split(const char *s, size_t n)
{
	return (struct text_split){ .next = s, .end = s + n };
}

/* The end of the line at `s`, or of the white space that it begins with. */
static size_t after_white(const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && s[i] != '\n' && is_white(s[i]))
		i++;
	return i;
}

/* How much of what follows a cut is lost: the rest of a line of white space, and empty lines; no
 * more than the first line's white space if something stands on that. */
static size_t lost(const char *s, size_t n)
{
	size_t i = after_white(s, n);
	while (i < n && s[i] == '\n') {
		size_t line = ++i;
		i += after_white(s + i, n - i);
		if (i < n && s[i] != '\n')
			return line;
	}
	return i;
}

/* Whether what follows a cut at `p` would begin with a mark that stands on the white space there.
 */
static bool parts_mark(const char *s, size_t n, size_t p)
{
	size_t next = p + lost(s + p, n - p), length;
	struct cluster walk = { .before = (unsigned char)s[next - 1] };
	return next < n && !cluster_begins(&walk, code_at(s + next, n - next, &length));
}

/* The last place for a cut in (from, to]: before a line end that an empty line follows, else before
 * a line end, else before white space; `to` if there is none. `s` has more than `to` bytes, `n`. */
static size_t best_cut(const char *s, size_t n, size_t from, size_t to)
{
	size_t line = 0, space = 0;
	for (size_t p = to; p > from; p--) {
		if (!is_white(s[p]))
			continue;
		if (!space && !line && parts_mark(s, n, p)) {
			while (s[p] != '\n' && p - 1 > from && is_white(s[p - 1]))
				p--;
			continue;
		}
		if (!space)
			space = p;
		if (s[p] != '\n')
			continue;
		if (!line)
			line = p;
		size_t next = p + 1 + after_white(s + p + 1, n - p - 1);
		if (next < n && s[next] == '\n')
			return p;
	}
	return line ? line : space ? space : to;
}

bool text_next(struct text_split *split, struct text_piece *piece)
{
	const char *s = split->next;
	size_t n = (size_t)(split->end - s), first = first_shown(s, n);
	size_t reach = text_fit(s, n, TEXT_UNITS);
	if (first == n)
		return false;
	if (reach <= first) { /* nothing but white space as far as a message goes */
		s += first;
		n -= first;
		first = 0;
		reach = text_fit(s, n, TEXT_UNITS);
	}
	size_t cut = reach == n ? n : best_cut(s, n, first, reach), end = cut;
	while (cut < n && end > first && is_white(s[end - 1]))
		end--;
	*piece = (struct text_piece){ s, end, text_units(s, end) };
	split->next = s + cut + lost(s + cut, n - cut);
	return true;
}
