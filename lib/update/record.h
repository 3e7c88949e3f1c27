/* update/record: updates as people have them in a file: JSON lines; objects that are indented
 * over many lines; lists of them; saved answers of getUpdates; any of these behind each other in
 * one line, with commas or without; with carriage returns and byte order marks. */
#ifndef TGRUN_UPDATE_RECORD_H
#define TGRUN_UPDATE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "update/slice.h"

enum {
	RECORD_MAX = 4 << 20,        /* bytes of one record: as many as getUpdates answers with */
	RECORD_UPDATES_MAX = 100000, /* in one record */
};
#define RECORD_ENDLESS SIZE_MAX

/* What is said of what no record can be made of, with what mends it. */
#define RECORD_ENDLESS_TEXT                                                                      \
	"here begins JSON that goes on over more than 4 MiB; make lines of it by: jq -c '.[]', " \
	"or of a saved answer by: jq -c '.result[]'"

/* How many bytes the record has that the `n` bytes at `text` begin with, its line feed counted:
 * a line; or, when it may `span` lines and the line is JSON that goes on in the next, what that
 * takes, less what begins in the line where it ends. `at_end`: nothing follows the `n` bytes. 0:
 * more bytes are needed to tell. RECORD_ENDLESS: it is JSON that goes on over more than RECORD_MAX
 * bytes. A line that is longer ends before the last update that begins in so many bytes, when
 * updates are all that it holds till there; else behind so many bytes, and then the record has
 * RECORD_MAX bytes or more and no line feed. */
size_t record_length(const char *text, size_t n, bool span, bool at_end);

/* Appends the updates of a record of `n` bytes to `out`, as slices of its own bytes: those of a
 * list of objects, or of an answer that holds such a list; of objects, lists and answers behind
 * each other, when all that they hold has an id; else the record itself, whatever it is; nothing
 * if it is blank. 0, or -1 when memory is out: then nothing was changed. */
int record_cut(char *record, size_t n, struct slices *out);

/* What is wrong with a slice that is no object or has no id, as the end of a sentence about it:
 * "is no JSON object". `span`: as above. */
const char *record_fault(const struct slice *s, bool span);

/* What is said of a file that begins with these bytes, when no record can be found in it: it is
 * UTF-16, or compressed; NULL: it may hold records. */
const char *record_foreign(const char *text, size_t n);

#endif
