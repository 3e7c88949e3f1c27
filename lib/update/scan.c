/* update/scan: bytes of checked JSON in, places in them out. Nothing is built or rewritten, so ids
 * keep all their digits and an update passes as it came. cJSON cannot do this: its numbers are
 * doubles, it refuses `\,` and lone surrogates, and ends strings at U+0000.
 *
 * What scan_check() has seen holds here: strings end in a quote, every bracket has its partner, and
 * the outermost value is an object or an array; so each loop below meets its end. */
#include "update/scan.h"

#include <string.h>

/* Bytes at which skipping inside an array or an object has something to do. */
static const bool skip_stop[256] = {
	['"'] = true, ['['] = true, [']'] = true, ['{'] = true, ['}'] = true
};

static const char *after_space(const char *p)
{
	while (scan_is_space(*p))
		p++;
	return p;
}

/* `p` is at the opening quote. A quote ends the string unless it is escaped: an odd number of
 * backslashes stands before it. (Checked JSON has no NUL before its end.) */
static const char *after_string(const char *p)
{
	for (p++;;) {
		const char *quote = rawmemchr(p, '"'), *slash = quote;
		while (slash > p && slash[-1] == '\\')
			slash--;
		if ((quote - slash) % 2 == 0)
			return quote + 1;
		p = quote + 1;
	}
}

const char *scan_skip(const char *p)
{
	if (*p == '"')
		return after_string(p);
	if (*p != '{' && *p != '[') {
		while (*p != ',' && *p != ']' && *p != '}' && !scan_is_space(*p))
			p++;
		return p;
	}
	for (unsigned depth = 0;;) {
		while (!skip_stop[(unsigned char)*p])
			p++;
		switch (*p) {
		case '"':
			p = after_string(p);
			break;
		case '{':
		case '[':
			depth++;
			p++;
			break;
		default:
			p++;
			if (--depth == 0)
				return p;
		}
	}
}

struct scan_walk scan_walk(const char *value)
{
	struct scan_walk w = { 0 };
	if (*value == '{' || *value == '[')
		w.next = value;
	return w;
}

const char *scan_end(struct scan_walk *w)
{
	if (!w->end)
		w->end = scan_skip(w->value);
	return w->end;
}

bool scan_next(struct scan_walk *w)
{
	const char *p = w->next;
	if (!p) {
		if (!w->value)
			return false;
		p = after_space(scan_end(w));
		w->end = NULL;
		if (*p != ',') {
			w->value = NULL;
			return false;
		}
		p = after_space(p + 1);
	} else {
		bool in_object = *p == '{';
		p = after_space(p + 1);
		w->next = NULL;
		if (*p == ']' || *p == '}')
			return false;
		w->name = in_object ? p : NULL;
	}
	if (w->name) {
		w->name = p;
		p = after_string(p);
		w->name_end = p - 1;
		p = after_space(after_space(p) + 1); /* behind the colon */
	}
	w->value = p;
	return true;
}

/* The value of the four hexadecimal digits at `p`, -1 if there are none. */
static int hex4(const char *p)
{
	int code = 0;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int digit = scan_is_digit(c)       ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return -1;
		code = code * 16 + digit;
	}
	return code;
}

static size_t put_utf8(unsigned code, char *out)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(lead[n] | code);
	return n;
}

/* Decodes the escape at *p (a backslash) to `out` (4 bytes), moves *p behind it, and returns the
 * length.
 * `\uXYZ` with too few digits is an unknown escape: the letter u. */
static size_t decode_escape(const char **p, char *out)
{
	static const char plain[256] = {
		['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'
	};
	char c = (*p)[1];
	*p += 2;
	int code = c == 'u' ? hex4(*p) : -1;
	if (code < 0) {
		out[0] = plain[(unsigned char)c] ? plain[(unsigned char)c] : c;
		return 1;
	}
	*p += 4;
	if (code >= 0xd800 && code <= 0xdbff && (*p)[0] == '\\' && (*p)[1] == 'u') {
		int low = hex4(*p + 2);
		if (low >= 0xdc00 && low <= 0xdfff) {
			*p += 6;
			return put_utf8(0x10000u + (((unsigned)code - 0xd800u) << 10) +
						((unsigned)low - 0xdc00u),
					out);
		}
	}
	return put_utf8(code >= 0xd800 && code <= 0xdfff ? 0xfffd : (unsigned)code, out);
}

bool scan_reads(const char *string, const char *name, size_t n)
{
	const char *p = string + 1, *end = name + n;
	while (*p != '"') {
		char c[4];
		size_t got = 1;
		if (*p == '\\')
			got = decode_escape(&p, c);
		else
			c[0] = *p++;
		if ((size_t)(end - name) < got || memcmp(name, c, got) != 0)
			return false;
		name += got;
	}
	return name == end;
}

const char *scan_member(const char *value, const char *name, size_t n)
{
	if (!value || *value != '{')
		return NULL;
	for (struct scan_walk w = scan_walk(value); scan_next(&w);)
		if (scan_reads(w.name, name, n))
			return w.value;
	return NULL;
}

const char *scan_named(const char *value, const char *name)
{
	return scan_member(value, name, strlen(name));
}

const char *scan_path(const char *value, const char *path, size_t n)
{
	for (const char *end = path + n; value && path < end;) {
		const char *dot = memchr(path, '.', (size_t)(end - path));
		size_t length = (size_t)((dot ? dot : end) - path);
		value = scan_member(value, path, length);
		path += length + 1;
	}
	return value;
}

size_t scan_integer_length(const char *value)
{
	size_t n = *value == '-';
	size_t start = n;
	while (scan_is_digit(value[n]))
		n++;
	return n == start || value[n] == '.' || value[n] == 'e' || value[n] == 'E' ? 0 : n;
}

bool scan_integer(const char *value, int64_t *n)
{
	size_t length = value ? scan_integer_length(value) : 0;
	bool minus = length && *value == '-';
	int64_t result = 0;
	for (size_t i = minus; i < length; i++) {
		int digit = value[i] - '0';
		if (__builtin_mul_overflow(result, 10, &result) ||
		    __builtin_add_overflow(result, minus ? -digit : digit, &result))
			return false;
	}
	if (length)
		*n = result;
	return length > 0;
}

bool scan_is_string(const char *value)
{
	return value && *value == '"';
}

size_t scan_decode(const char *value, char *out, bool *nul)
{
	char *start = out;
	*nul = false;
	for (const char *p = value + 1; *p != '"';) {
		if (*p != '\\') {
			*out++ = *p++;
			continue;
		}
		char c[4];
		size_t n = decode_escape(&p, c);
		*nul = *nul || c[0] == '\0';
		memcpy(out, c, n);
		out += n;
	}
	return (size_t)(out - start);
}

int scan_add(const char *value, struct buf *out)
{
	bool nul;
	if (buf_reserve(out, (size_t)(scan_skip(value) - value)))
		return -1;
	out->len += scan_decode(value, out->data + out->len, &nul);
	out->data[out->len] = '\0';
	return 0;
}
