/* update/record: updates as people have them in a file: JSON lines; objects that are indented
 * over many lines; lists of them; saved answers of getUpdates; with carriage returns and byte
 * order marks. */
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
#define RECORD_UTF16_TEXT "it is UTF-16; make UTF-8 of it by: iconv -f UTF-16 -t UTF-8"

/* How many bytes the record has that the `n` bytes at `text` begin with, its line feed counted:
 * a line; or, when it may `span` lines and the line is JSON that goes on in the next, what that
 * takes. `at_end`: nothing follows the `n` bytes. 0: more bytes are needed to tell.
 * RECORD_ENDLESS: it is JSON that goes on over more than RECORD_MAX bytes. A line that is longer
 * ends there or behind it, without a line feed. */
size_t record_length(const char *text, size_t n, bool span, bool at_end);

/* Appends the updates of a record of `n` bytes to `out`, as slices of its own bytes: those of a
 * list of objects, or of an answer that holds such a list; else the record itself, whatever it
 * is; nothing if it is blank. 0, or -1 when memory is out: then nothing was changed. */
int record_cut(char *record, size_t n, struct slices *out);

/* What is wrong with a slice that is no object or has no id, as the end of a sentence about it:
 * "is no JSON object". `span`: as above. */
const char *record_fault(const struct slice *s, bool span);

/* Whether the bytes begin as UTF-16 does, which is no JSON that anything here reads. */
bool record_is_utf16(const char *text, size_t n);

#endif
