/* base/utf8: bytes in, character boundaries out, and characters as they may be shown; the table of
 * well-formed sequences of RFC 3629, section 4. */
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

size_t utf8_length(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	if (n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	size_t length = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
			: (p[0] & 0xf0) == 0xe0        ? 3
			: p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
						       : 0;
	if (length == 0 || length > n)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return length;
}

size_t utf8_mark(const char *s, size_t n)
{
	static const char mark[] = { '\xef', '\xbb', '\xbf' };
	return n >= sizeof mark && memcmp(s, mark, sizeof mark) == 0 ? sizeof mark : 0;
}

unsigned utf8_code(const char *s, size_t length)
{
	const unsigned char *p = (const unsigned char *)s;
	static const unsigned char lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned code = p[0] & lead[length];
	for (size_t i = 1; i < length; i++)
		code = code << 6 | (p[i] & 0x3f);
	return code;
}

bool utf8_is_control(unsigned code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029 ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
	       code == 0x200e || code == 0x200f || code == 0x061c;
}

size_t utf8_show(char out[UTF8_SHOWN_MAX], const char *s, size_t n, enum utf8_style style,
		 size_t *step)
{
	size_t length = utf8_length(s, n);
	bool json = style == UTF8_JSON || style == UTF8_IN_JSON;
	*step = length ? length : 1;
	if (!length)
		return json ? (size_t)snprintf(out, UTF8_SHOWN_MAX, "\xef\xbf\xbd")
			    : (size_t)snprintf(out, UTF8_SHOWN_MAX, "\\x%02x", (unsigned char)*s);
	unsigned code = utf8_code(s, length);
	bool quote = (style == UTF8_QUOTED || style == UTF8_JSON) && (code == '"' || code == '\\');
	if (quote || (style == UTF8_IN_JSON && code == '\t'))
		return (size_t)snprintf(out, UTF8_SHOWN_MAX, quote ? "\\%c" : "%c", (int)code);
	if (!utf8_is_control(code)) {
		memcpy(out, s, length);
		return length;
	}
	if (code == '\n' || code == '\t' || code == '\r')
		return (size_t)snprintf(out, UTF8_SHOWN_MAX,
					code == '\n'   ? "\\n"
					: code == '\t' ? "\\t"
						       : "\\r");
	return (size_t)snprintf(out, UTF8_SHOWN_MAX, !json && code < 0x80 ? "\\x%02x" : "\\u%04x",
				code);
}

size_t utf8_cut(const char *s, size_t n)
{
	for (size_t back = 0; back < 4 && back < n; back++) {
		unsigned char c = (unsigned char)s[n - 1 - back];
		if (c < 0x80)
			return n;
		if (c >= 0xc0)
			return utf8_length(s + n - 1 - back, back + 1) ? n : n - 1 - back;
	}
	return n;
}
