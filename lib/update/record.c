/* update/record: bytes of a file in, the updates of its records out. Each record is decided by
 * its own bytes, so that a file may be read on from any of them, and that a broken one stops no
 * other. Only what can mean nothing else is taken apart: no update is a list, or has a `result`. */
#include "update/record.h"

#include <string.h>

#include "update/scan.h"

static const char bom[] = "\xef\xbb\xbf";
enum { BOM = sizeof bom - 1 };

bool record_is_utf16(const char *text, size_t n)
{
	return n >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
}

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && scan_is_space(*p))
		p++;
	return p;
}

/* The first byte that counts. */
static const char *begin(const char *text, const char *end)
{
	text = skip_blank(text, end);
	if (end - text >= BOM && memcmp(text, bom, BOM) == 0)
		text = skip_blank(text + BOM, end);
	return text;
}

/* The end of a value that goes on behind its first line, with the line it ends in and blank ones
 * behind it. 0: more is needed; -1: it is none. */
static ptrdiff_t value_length(const char *text, const char *end, bool at_end)
{
	struct scan_fault fault;
	/* Half a word or a number at the end would be none; lines hold whole ones. */
	while (!at_end && end[-1] != '\n')
		end--;
	const char *value = begin(text, end), *behind = end;
	if (!scan_check(value, end, &fault)) {
		if (fault.cut_off)
			return at_end ? -1 : 0;
		if (!fault.ended)
			return -1;
		behind = value + fault.at;
	}
	for (const char *p = behind; p > value && scan_is_space(p[-1]); p--)
		if (p[-1] == '\n')
			return behind - text;
	return behind == end ? (at_end ? end - text : 0) : -1;
}

size_t record_length(const char *text, size_t n, bool span, bool at_end)
{
	struct scan_fault fault;
	const char *lf = memchr(text, '\n', n), *end = text + n;
	if (!lf && !at_end && n < RECORD_MAX)
		return 0;
	size_t line = lf ? (size_t)(lf - text) + 1 : n;
	const char *value = begin(text, text + line);
	bool opens = lf && value < lf && (*value == '{' || *value == '[');
	if (!span || !opens || scan_check(value, lf, &fault) || !fault.cut_off)
		return line;
	ptrdiff_t length = value_length(text, end, at_end);
	if (length == 0 && n >= RECORD_MAX)
		return RECORD_ENDLESS;
	return length < 0 ? line : (size_t)length;
}

/* The list of objects that the value is or, as an answer, holds; NULL if it is none of these.
 * *count gets how many there are. */
static const char *list_of(const char *value, size_t *count)
{
	const char *list = value;
	*count = 0;
	if (*value == '{') {
		const char *ok = scan_named(value, "ok");
		const char *id = scan_named(value, "update_id");
		bool answer = ok && *ok == 't' && !id;
		list = answer ? scan_named(value, "result") : NULL;
	}
	if (!list || *list != '[')
		return NULL;
	for (struct scan_walk w = scan_walk(list); scan_next(&w);)
		if (*w.value != '{' || ++*count > RECORD_UPDATES_MAX)
			return NULL;
	return list;
}

int record_cut(char *record, size_t n, struct slices *out)
{
	struct scan_fault fault;
	char *start = record + (begin(record, record + n) - record), *end = record + n;
	size_t count = 1;
	if (start == end)
		return 0;
	const char *value = scan_check(start, end, &fault);
	const char *list = value ? list_of(value, &count) : NULL;
	/* Before anything is changed. */
	if (slices_reserve(out, list ? count : 1))
		return -1;
	if (!list) {
		slice_line(start, (size_t)(end - start), &out->items[out->count++]);
		return 0;
	}
	for (struct scan_walk w = scan_walk(list); scan_next(&w);)
		slice_line(record + (w.value - record), (size_t)(scan_skip(w.value) - w.value),
			   &out->items[out->count++]);
	return 0;
}

const char *record_fault(const struct slice *s, bool span)
{
	struct scan_fault fault;
	const char *value = scan_check(s->bytes, s->bytes + s->length, &fault);
	if (!value && fault.cut_off && s->length >= RECORD_MAX)
		return "is longer than 4 MiB; jq -c '.result[]' makes lines of a saved answer";
	if (!value && fault.cut_off && !span && (*s->bytes == '{' || *s->bytes == '['))
		return "is JSON that goes on in the next one; each update must be one line, as "
		       "jq -c . writes it";
	if (!value && fault.ended)
		return "is no JSON object, since something follows it; jq -c . makes a line of "
		       "each";
	if (!value || *value != '{')
		return "is no JSON object";
	const char *ok = scan_named(value, "ok");
	if (ok && *ok == 'f')
		return "is an error that the server answered, and holds no update";
	return "has no update_id that is a whole number";
}
