/* update/scan_check: unknown bytes in, the verdict out: one JSON value, no deeper than SCAN_DEPTH,
 * complete, and nothing behind it.
 *
 * This is the only function that meets bytes nobody has looked at; all of scan.c relies on what it
 * has seen. A bit more than RFC 8259 is let through (see scan.h), because one odd escape must not
 * make a whole batch of updates garbage. */
#include "update/scan.h"

#include <endian.h>
#include <string.h>

enum { MARKED_DEPTH = 2 };

/* Bytes at which a run of plain characters inside a string ends. */
static const bool string_stop[256] = { ['"'] = true, ['\\'] = true, ['\0'] = true };

typedef unsigned char block __attribute__((vector_size(16)));

/* The end of such a run, sixteen bytes at once. */
static const char *plain_end(const char *p, const char *end)
{
	block bytes;
	uint64_t stops[2];
	for (; end - p >= (ptrdiff_t)sizeof bytes; p += sizeof bytes) {
		memcpy(&bytes, p, sizeof bytes);
		bytes = (block)((bytes == '"') | (bytes == '\\') | (bytes == 0));
		memcpy(stops, &bytes, sizeof stops);
		if (stops[0])
			return p + __builtin_ctzll(le64toh(stops[0])) / 8;
		if (stops[1])
			return p + 8 + __builtin_ctzll(le64toh(stops[1])) / 8;
	}
	while (p < end && !string_stop[(unsigned char)*p])
		p++;
	return p;
}

static const char *check_space(const char *p, const char *end)
{
	while (p < end && scan_is_space(*p))
		p++;
	return p;
}

/* `p` is behind the opening quote. Returns the byte behind the closing one; NULL with *at where it
 * goes wrong. */
static const char *check_string(const char *p, const char *end, const char **at)
{
	for (;;) {
		*at = p = plain_end(p, end);
		if (p == end || *p == '\0')
			return NULL;
		if (*p == '"')
			return p + 1;
		if (end - p < 2 || p[1] == '\0') {
			*at = p + 1;
			return NULL;
		}
		p += 2;
	}
}

/* Digits, at least one. Returns the byte behind them; NULL with *at. */
static const char *check_digits(const char *p, const char *end, const char **at)
{
	const char *start = p;
	while (p < end && scan_is_digit(*p))
		p++;
	*at = p;
	return p > start ? p : NULL;
}

static const char *check_number(const char *p, const char *end, const char **at)
{
	if (*p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else if (!(p = check_digits(p, end, at)))
		return NULL;
	if (p < end && *p == '.' && !(p = check_digits(p + 1, end, at)))
		return NULL;
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = check_digits(p, end, at);
	}
	return p;
}

static const char *check_word(const char *p, const char *end, const char *word, const char **at)
{
	for (*at = p; *word; word++, ++*at)
		if (*at == end || **at != *word)
			return NULL;
	return *at;
}

/* A string, a number or a word. Returns the byte behind it; NULL with *at. */
static const char *check_scalar(const char *p, const char *end, const char **at)
{
	*at = p;
	switch (*p) {
	case '"':
		return check_string(p + 1, end, at);
	case 't':
		return check_word(p, end, "true", at);
	case 'f':
		return check_word(p, end, "false", at);
	case 'n':
		return check_word(p, end, "null", at);
	default:
		return *p == '-' || scan_is_digit(*p) ? check_number(p, end, at) : NULL;
	}
}

/* A member's name and its colon, with the white space around. */
static const char *check_name(const char *p, const char *end, const char **at)
{
	*at = p = check_space(p, end);
	if (p == end || *p != '"' || !(p = check_string(p + 1, end, at)))
		return NULL;
	*at = p = check_space(p, end);
	return p < end && *p == ':' ? check_space(p + 1, end) : NULL;
}

static const char *fail(struct scan_fault *fault, const char *start, const char *at,
			const char *end, const char *why)
{
	fault->why = why ? why : at >= end ? "is cut off" : "is no JSON";
	fault->at = (size_t)(at - start);
	fault->cut_off = !why && at >= end;
	fault->ended = false;
	fault->cure = NULL;
	return NULL;
}

/* A value of the depth that is marked has ended before `p`. */
static void mark(struct scan_marks *marks, const char *p)
{
	if (marks && marks->count < SCAN_MARKS)
		marks->ends[marks->count++] = p;
}

const char *scan_check_marking(const char *start, const char *end, struct scan_marks *marks,
			       struct scan_fault *fault)
{
	char closer[SCAN_DEPTH];
	unsigned depth = 0;
	const char *at = check_space(start, end), *p = at, *value = at;
	for (;;) {
		/* Here a value begins, after its white space. */
		if (p == end)
			return fail(fault, start, p, end, NULL);
		if (*p == '{' || *p == '[') {
			if (depth == SCAN_DEPTH)
				return fail(fault, start, p, end, "is nested too deeply");
			closer[depth++] = *p == '{' ? '}' : ']';
			p = check_space(p + 1, end);
			if (p == end || *p != closer[depth - 1]) {
				if (closer[depth - 1] == '}' && !(p = check_name(p, end, &at)))
					return fail(fault, start, at, end, NULL);
				continue;
			}
		} else {
			if (!(p = check_scalar(p, end, &at)))
				return fail(fault, start, at, end, NULL);
			p = check_space(p, end);
		}
		/* Here a value has ended, and perhaps what it stands in. */
		while (depth && p < end && *p == closer[depth - 1]) {
			if (--depth == MARKED_DEPTH)
				mark(marks, p + 1);
			p = check_space(p + 1, end);
		}
		if (depth == 0 && p == end)
			return value;
		if (depth == 0) {
			fail(fault, start, p, end, "has bytes behind its end");
			fault->ended = true;
			return NULL;
		}
		if (p == end || *p != ',')
			return fail(fault, start, p, end, NULL);
		p = check_space(p + 1, end);
		if (closer[depth - 1] == '}' && !(p = check_name(p, end, &at)))
			return fail(fault, start, at, end, NULL);
	}
}

const char *scan_check(const char *start, const char *end, struct scan_fault *fault)
{
	return scan_check_marking(start, end, NULL, fault);
}
