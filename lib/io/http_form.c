/* io/http_form: names and values in, a form as a request's body out, and back
 * (application/x-www-form-urlencoded; RFC 3986 says what is escaped). */
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "io/http.h"

int http_form_add(struct buf *form, const char *name, const char *value)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t before = form->len;
	const char *parts[] = { name, value };
	bool full = before && buf_addc(form, '&');
	for (int i = 0; i < 2 && !full; i++) {
		full = i && buf_addc(form, '=');
		for (const unsigned char *p = (const unsigned char *)parts[i]; *p && !full; p++) {
			bool plain = (*p < 0x80 && isalnum(*p)) || strchr("-._~", *p);
			char escaped[3] = { '%', hex[*p >> 4], hex[*p & 15] };
			full = plain ? buf_addc(form, (char)*p) : buf_add(form, escaped, 3);
		}
	}
	if (full && form->data) {
		form->len = before;
		form->data[before] = '\0';
	}
	return full ? -1 : 0;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

size_t http_form_decode(char *text, bool plus)
{
	char *out = text;
	for (const char *p = text; *p; p++) {
		int high = *p == '%' ? hex_digit(p[1]) : -1, low = high >= 0 ? hex_digit(p[2]) : -1;
		if (low >= 0) {
			*out++ = (char)(high * 16 + low);
			p += 2;
		} else {
			*out++ = (char)(plus && *p == '+' ? ' ' : *p);
		}
	}
	*out = '\0';
	return (size_t)(out - text);
}

int http_form_members(char *text, struct buf *out)
{
	char *pair;
	while ((pair = strsep(&text, "&"))) {
		char *value = strchr(pair, '=');
		if (!value)
			continue;
		*value++ = '\0';
		size_t name_length = http_form_decode(pair, true);
		size_t value_length = http_form_decode(value, true);
		bool first = !out->len || out->data[out->len - 1] == '{';
		if ((!first && buf_addc(out, ',')) || buf_add_json(out, pair, name_length) ||
		    buf_addc(out, ':') || buf_add_json(out, value, value_length))
			return -1;
	}
	return 0;
}
