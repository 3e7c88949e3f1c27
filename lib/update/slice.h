/* update/slice: cuts a response of getUpdates into raw updates, byte for byte. */
#ifndef TGRUN_UPDATE_SLICE_H
#define TGRUN_UPDATE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct slice {
	/* inside the response; one line: raw line feeds and carriage returns between tokens were
	 * made spaces */
	char *bytes;
	size_t length;
	bool has_id; /* an integer update_id */
	int64_t id;
	bool is_object;
};

struct slices {
	struct slice *items;
	size_t count, cap;
	bool is_list; /* the result was a list */
};

/* What the server said around the result. */
struct slice_reply {
	bool ok;
	int error_code;        /* 0 if none */
	int64_t retry_after;   /* seconds; -1 if none or not a number that makes sense */
	int64_t migrated_to;   /* the id of the chat that this one became; 0 if none */
	char description[256]; /* "" if none; cut */
};

/* Reads what is around the result of `body`, of `length` bytes, followed by a NUL. 0: `reply` is
 * filled in; *result is where the value of `result` begins in it when ok, else NULL. -1 with `err`
 * (ERR_IO): this is not the Bot API's JSON (garbage, cut, BOM, trailing bytes, a NUL, nested deeper
 * than 512, no `ok`, no `result` though ok). */
int slice_envelope(const char *body, size_t length, struct slice_reply *reply, const char **result,
		   struct err *err);

/* Cuts `body` of `length` bytes (followed by a NUL), which must outlive the slices. 0: `reply` is
 * filled in, and, when ok, `out` with the elements of `result` in the order they came. -1 with
 * `err`: memory is out (ERR_INTERNAL), or (ERR_IO) what slice_envelope() says, or more than 1000
 * elements. Elements that are no objects or have no integer id are kept, with the flags false. A
 * result that is no list, as of other methods than getUpdates, has no slices, and `is_list` is
 * false. */
int slice_response(char *body, size_t length, struct slices *out, struct slice_reply *reply,
		   struct err *err);

/* One line of a file of JSON lines, `length` bytes without the line feed, as a slice of itself: not
 * an object when it is no JSON or more than one value. May be called again on the same bytes. */
void slice_line(char *line, size_t length, struct slice *out);

/* Makes room for `more` items. 0, or -1 when memory is out. */
int slices_reserve(struct slices *s, size_t more);

/* Frees the list, not the bytes of its slices, and leaves it empty. */
void slices_release(struct slices *s);

#endif
