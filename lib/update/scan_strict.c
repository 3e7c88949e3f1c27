/* update/scan_strict: bytes that people or their programs wrote in, the verdict out: one JSON value
 * as RFC 8259 has it. What scan_check() lets through in strings, for the server's sake, is refused
 * here: it would wait in a queue for a handler that cannot read it. Invariant: what passes was
 * accepted by scan_check(). */
#include "base/utf8.h"
#include "update/scan.h"

#include <string.h>

static const char *fail(struct scan_fault *fault, size_t at, const char *why, const char *cure)
{
	*fault = (struct scan_fault){ .why = why, .at = at, .cure = cure };
	return NULL;
}

static bool is_hex(char c)
{
	return scan_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The length of the escape at `p`, inside of a string that ends; 0: JSON has none such. */
static size_t escape_length(const char *p)
{
	if (p[1] != 'u')
		return strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
	for (int i = 2; i < 6; i++)
		if (!is_hex(p[i]))
			return 0;
	return 6;
}

const char *scan_check_strict(const char *start, const char *end, struct scan_fault *fault)
{
	const char *root = scan_check(start, end, fault);
	bool text = false;
	for (const char *p = root; p && p < end;) {
		size_t at = (size_t)(p - start), n = 1;
		if (*p == '"') {
			text = !text;
		} else if (text && *p == '\\') {
			if (!(n = escape_length(p)))
				return fail(fault, at, "has an escape that JSON has not",
					    "a backslash itself is written \\\\");
		} else if (text && (unsigned char)*p < 0x20) {
			return fail(
				fault, at, "has a raw line end or control character in a text",
				"write it \\n, \\t or \\u001b; printf '%s' keeps that as it is, "
				"the echo of some shells does not");
		} else if (!(n = utf8_length(p, (size_t)(end - p)))) {
			return fail(fault, at, "is not in UTF-8",
				    "make UTF-8 of it, as by: iconv -f ISO-8859-1 -t UTF-8");
		}
		p += n;
	}
	return root;
}
