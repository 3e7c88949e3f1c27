/* update/scan: reads JSON where it lies, without a tree: checks it once, then finds members, ends
 * and texts in the bytes.
 *
 * A checked value is a pointer to its first byte. After scan_check() has accepted a text that is an
 * object or an array, every function below may be used on it and on what it holds, and none of them
 * reads past its end. */
#ifndef TGRUN_UPDATE_SCAN_H
#define TGRUN_UPDATE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { SCAN_DEPTH = 512 }; /* arrays and objects inside each other, at most */

static inline bool scan_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool scan_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

struct scan_fault {
	const char *why; /* "is cut off" … */
	size_t at;       /* bytes before it */
	bool cut_off;    /* it could be whole with more bytes */
	bool ended;      /* a whole value stands before `at` */
	const char
		*cure; /* what its author can do, for what only scan_check_strict() refuses; NULL */
};

/* Checks that the bytes from `p` to `end` are one JSON value (RFC 8259) with white space around,
 * and returns its first byte; NULL with `fault` if not. More is allowed than there: any character
 * may follow a backslash (the Bot API server takes `\,`), and strings may hold raw control
 * characters but NUL and bytes that are not UTF-8. Constant memory, no recursion. */
const char *scan_check(const char *p, const char *end, struct scan_fault *fault);

/* scan_check() of what people and their programs write for us: no more is allowed than in RFC
 * 8259, since what reads it after us has readers of its own. */
const char *scan_check_strict(const char *p, const char *end, struct scan_fault *fault);

/* Where the objects and arrays end that stand inside exactly two others: in an answer of getUpdates
 * these are the updates. */
enum { SCAN_MARKS = 128 };
struct scan_marks {
	size_t count;                 /* of `ends`; of further values nothing is noted */
	const char *ends[SCAN_MARKS]; /* the byte behind each value, in order */
};

/* scan_check(), which also adds to `marks`, whose count is 0 before (NULL: notes nothing). */
const char *scan_check_marking(const char *p, const char *end, struct scan_marks *marks,
			       struct scan_fault *fault);

/* The byte behind a checked value. */
const char *scan_skip(const char *value);

/* A walk over the members of an object or the elements of an array; over nothing, for any other
 * value. */
struct scan_walk {
	const char *name;     /* the member's name, at its quote; NULL in an array */
	const char *name_end; /* its other quote */
	const char *value;
	const char *next; /* where the walk goes on; NULL: behind `value` */
	const char *end;  /* the byte behind `value`, if it was looked for */
};
struct scan_walk scan_walk(const char *value);

/* Goes on to the next member or element, the first one at the first call: then `name` and `value`
 * are its own. false: there is none. */
bool scan_next(struct scan_walk *w);

/* The byte behind the value at which the walk is. The walk goes on from there without looking
 * again. */
const char *scan_end(struct scan_walk *w);

/* The first member of that name (`n` bytes); NULL if there is none or `value` is no object. `value`
 * may be NULL. */
const char *scan_member(const char *value, const char *name, size_t n);
const char *scan_named(const char *value, const char *name); /* the name ends in a NUL */

/* The value at a path of names with dots between (`n` bytes); NULL if there is none. */
const char *scan_path(const char *value, const char *path, size_t n);

/* The value in a checked one (may be NULL) that a JSON Pointer finds; NULL if there is none. */
const char *scan_pointer(const char *value, const char *pointer);

/* The length of the integer at `value` as it is written (no fraction, no exponent, any number of
 * digits), 0 if it is none. */
size_t scan_integer_length(const char *value);

/* The exact integer at `value`; false if it is none or does not fit. `value` may be NULL. */
bool scan_integer(const char *value, int64_t *n);

/* Decodes the string at `value` to `out`, which has room for as many bytes as stand between the
 * quotes: it never gets longer. Lone surrogates become U+FFFD; an unknown escape is the character
 * itself. Returns the length; `*nul` tells whether it holds U+0000. */
size_t scan_decode(const char *value, char *out, bool *nul);

/* Whether `value` (may be NULL) is a string. */
bool scan_is_string(const char *value);

/* Whether the string at `string`, decoded, is the `n` bytes at `text`. */
bool scan_reads(const char *string, const char *text, size_t n);

/* Appends the decoded string at `value`. 0, or -1 as buf_add(). */
int scan_add(const char *value, struct buf *out);

#endif
