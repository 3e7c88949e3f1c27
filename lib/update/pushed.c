/* update/pushed: the bytes that somebody wants to push in, one update out, or a sentence that says
 * what is wrong with them, and where. Invariant: what passes is read by all rooms as an update of
 * the server is. */
#include "update/pushed.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "update/scan.h"
#include "update/update.h"

#define EXAMPLE "{\"reminder\":{\"chat\":{\"id\":42}}}"

/* Where people find a byte: `line 3, column 7`. */
struct where {
	char text[64];
};

static struct where where(const char *bytes, size_t at)
{
	struct where w;
	size_t line = 1, column = 1;
	for (size_t i = 0; i < at; i++, column++)
		if (bytes[i] == '\n')
			line++, column = 0;
	snprintf(w.text, sizeof w.text, "line %zu, column %zu", line, column);
	return w;
}

static int no_json(const char *bytes, size_t n, const struct scan_fault *fault, struct err *err)
{
	struct where w = where(bytes, fault->at);
	const char *foreign = record_foreign(bytes, n);
	if (foreign)
		return err_set(err, ERR_REFUSED, "what is pushed is no JSON: %s", foreign);
	if (fault->ended)
		return err_set(
			err, ERR_REFUSED,
			"more than one value is pushed: the next begins at %s; push each by "
			"itself, as by: jq -c . | while read -r u; do echo \"$u\" | tgrun push; "
			"done",
			w.text);
	if (fault->cure)
		return err_set(err, ERR_REFUSED, "what is pushed %s at %s; %s", fault->why, w.text,
			       fault->cure);
	return err_set(err, ERR_REFUSED,
		       "what is pushed %s at %s; one JSON object is wanted, such as '%s'",
		       fault->why, w.text, EXAMPLE);
}

static int no_object(char first, struct err *err)
{
	if (first == '[')
		return err_set(
			err, ERR_REFUSED,
			"what is pushed is a list; push each of its objects by itself, which jq "
			"-c '.[]' gives");
	return err_set(err, ERR_REFUSED,
		       "what is pushed is JSON, but no object; push one such as '" EXAMPLE "'");
}

/* Its kind, and whether it is anybody's. */
static int read_update(struct pushed *out, struct err *err)
{
	size_t n;
	struct update *u = update_of_checked(NULL, out->bytes, out->length);
	if (!u)
		return err_set(err, ERR_INTERNAL, "out of memory");
	const char *odd = update_odd_id(u, &n);
	int64_t chat;
	bool bare = scan_integer(scan_path(out->bytes, "chat.id", strlen("chat.id")), &chat);
	snprintf(out->kind, sizeof out->kind, "%s", update_kind(u));
	update_free(u);
	if (!out->kind[0])
		return err_set(
			err, ERR_REFUSED,
			"what is pushed has no kind: that is the name of the first object in it, in "
			"small letters, digits and '_', as in '" EXAMPLE "'");
	if (bare && strcmp(out->kind, "chat") == 0)
		return err_set(
			err, ERR_REFUSED,
			"what is pushed has its chat outside of an object, so it would be nobody's; "
			"put all of it into one, whose name is its kind, as in '" EXAMPLE "'");
	if (odd)
		return err_set(
			err, ERR_REFUSED,
			"what is pushed has a number in quotes, one that is not whole, or one that is "
			"too large, at '%.*s', so it would be nobody's; write it as in '" EXAMPLE
			"'",
			(int)n, odd);
	return 0;
}

int pushed_read(char *bytes, size_t n, struct pushed *out, struct err *err)
{
	size_t mark = utf8_mark(bytes, n);
	struct scan_fault fault;
	struct slice slice;
	bytes += mark;
	n -= mark;
	if (n > PUSHED_MAX)
		return err_set(
			err, ERR_REFUSED,
			"what is pushed is larger than %d bytes, which is what an update may have",
			PUSHED_MAX);
	size_t blank = 0;
	while (blank < n && scan_is_space(bytes[blank]))
		blank++;
	if (blank == n)
		return err_set(err, ERR_REFUSED,
			       "nothing is pushed: give a JSON object on standard input, such as "
			       "'" EXAMPLE "'");
	const char *root = scan_check_strict(bytes, bytes + n, &fault);
	if (!root)
		return no_json(bytes, n, &fault, err);
	if (*root != '{')
		return no_object(*root, err);
	slice_line(bytes, n, &slice);
	out->bytes = slice.bytes;
	out->length = slice.length;
	return read_update(out, err);
}
