/* update/record: bytes of a file in, the updates of its records out. Each record is decided by
 * its own bytes, so that a file may be read on from any of them, and that a broken one stops no
 * other. Only what can mean nothing else is taken apart: no update is a list, or has a `result`;
 * and values that follow each other in a line are updates only where all of them are. */
#include "update/record.h"

#include <string.h>

#include "base/utf8.h"
#include "update/scan.h"

enum { BOM = 3 /* bytes of a byte order mark */ };

#define UTF16(name) "it is UTF-16; make UTF-8 of it by: iconv -f " name " -t UTF-8"
#define COMPRESSED(by) \
	"it is compressed; give '-' as the file, and unpack it by: " by " FILE | tgrun"

static const struct {
	const char *begins;
	size_t n;
	const char *text;
} foreign[] = {
	{ "\xff\xfe", 2, UTF16("UTF-16") },
	{ "\xfe\xff", 2, UTF16("UTF-16") },
	{ "\x1f\x8b\x08", 3, COMPRESSED("zcat") },
	{ "BZh", 3, COMPRESSED("bzcat") },
	{ "PK\3\4", 4, COMPRESSED("unzip -p") },
	{ "\x28\xb5\x2f\xfd", 4, COMPRESSED("zstdcat") },
	{ "\xfd\x37zXZ\0", 6, COMPRESSED("xzcat") },
};

static bool opens(char c)
{
	return c == '{' || c == '[';
}

const char *record_foreign(const char *text, size_t n)
{
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		if (n >= foreign[i].n && memcmp(text, foreign[i].begins, foreign[i].n) == 0)
			return foreign[i].text;
	/* Without its mark, by the zero byte that each of its letters has. */
	if (n >= 4 && opens(text[0]) && !text[1] && text[2] && !text[3])
		return UTF16("UTF-16LE");
	if (n >= 4 && !text[0] && opens(text[1]) && !text[2] && text[3])
		return UTF16("UTF-16BE");
	return NULL;
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
	size_t mark = utf8_mark(text, (size_t)(end - text));
	if (mark)
		text = skip_blank(text + mark, end);
	return text;
}

/* The same, behind a comma, too, as may stand between two updates. */
static const char *gap(const char *text, const char *end)
{
	text = begin(text, end);
	return text < end && *text == ',' ? begin(text + 1, end) : text;
}

enum values {
	VALUES_WHOLE,
	VALUES_CUT_OFF, /* the last one would be whole with more bytes */
	VALUES_NONE,    /* something else stands among them */
};

/* What the bytes are: objects and lists that follow each other. *last gets where the last one
 * begins; NULL if there is none. */
static enum values look(const char *text, const char *end, const char **last)
{
	struct scan_fault fault;
	*last = NULL;
	for (const char *p = gap(text, end); p < end; p = gap(scan_skip(p), end)) {
		if (!opens(*p))
			return VALUES_NONE;
		*last = p;
		if (!scan_check(p, end, &fault) && !fault.ended)
			return fault.cut_off ? VALUES_CUT_OFF : VALUES_NONE;
	}
	return VALUES_WHOLE;
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

static bool has_id(const char *value)
{
	int64_t id;
	return scan_integer(scan_named(value, "update_id"), &id);
}

/* Whether the whole values that the bytes are hold updates and nothing else; *count gets how
 * many. */
static bool all_updates(const char *text, const char *end, size_t *count)
{
	size_t n;
	*count = 0;
	for (const char *p = gap(text, end); p < end; p = gap(scan_skip(p), end)) {
		const char *list = list_of(p, &n);
		if (!list && (!has_id(p) || ++*count > RECORD_UPDATES_MAX))
			return false;
		if (!list)
			continue;
		for (struct scan_walk w = scan_walk(list); scan_next(&w);)
			if (!has_id(w.value) || ++*count > RECORD_UPDATES_MAX)
				return false;
	}
	return true;
}

/* The length of a record whose `last` value goes on behind its line: with the line in which that
 * value ends, and blank ones behind it; or as far as another value begins in that line, where the
 * record holds updates and nothing else. 0: more is needed; -1: it is none. */
static ptrdiff_t long_record(const char *text, const char *last, const char *end, bool at_end)
{
	struct scan_fault fault;
	size_t count;
	if (!scan_check(last, end, &fault) && !fault.ended)
		return fault.cut_off && !at_end ? 0 : -1;
	const char *behind = scan_skip(last), *next = gap(behind, end);
	const char *lf = memrchr(behind, '\n', (size_t)(next - behind));
	if (lf)
		return lf + 1 - text;
	if (!at_end && end - next < BOM)
		return 0;
	if (next == end || (opens(*next) && all_updates(text, next, &count)))
		return next - text;
	return -1;
}

/* The length of the first record of a line without an end: all its updates but the last one that
 * has begun; all `n` bytes if it holds anything else. */
static size_t piece_of_line(const char *text, size_t n)
{
	const char *last;
	size_t count;
	bool values = look(text, text + RECORD_MAX, &last) != VALUES_NONE && last;
	return values && all_updates(text, last, &count) && count ? (size_t)(last - text) : n;
}

size_t record_length(const char *text, size_t n, bool span, bool at_end)
{
	const char *lf = memchr(text, '\n', n), *end = text + n, *last;
	if (!lf && !at_end)
		return n < RECORD_MAX ? 0 : piece_of_line(text, n);
	size_t line = lf ? (size_t)(lf - text) + 1 : n;
	if (!span || !lf || look(text, lf, &last) != VALUES_CUT_OFF)
		return line;
	ptrdiff_t length = long_record(text, last, end, at_end);
	if (length == 0 && n >= RECORD_MAX)
		return RECORD_ENDLESS;
	return length < 0 ? line : (size_t)length;
}

static void add(struct slices *out, char *record, const char *value, const char *end)
{
	slice_line(record + (value - record), (size_t)(end - value), &out->items[out->count++]);
}

int record_cut(char *record, size_t n, struct slices *out)
{
	struct scan_fault fault;
	const char *end = record + n, *start = begin(record, end), *last, *next;
	size_t count;
	bool apart = look(start, end, &last) == VALUES_WHOLE &&
		     (all_updates(start, end, &count) ||
		      (scan_check(start, end, &fault) && list_of(start, &count)));
	/* Before anything is changed. */
	if (slices_reserve(out, apart ? count : 1))
		return -1;
	if (!apart)
		add(out, record, start, end);
	for (const char *p = gap(start, end); apart && p < end; p = next) {
		const char *list = list_of(p, &count), *behind = scan_skip(p);
		next = gap(behind, end);
		if (!list)
			add(out, record, p, behind);
		for (struct scan_walk w = scan_walk(list ? list : p); list && scan_next(&w);)
			add(out, record, w.value, scan_end(&w));
	}
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
