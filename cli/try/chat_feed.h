/* cli/try/chat_feed: lines from a descriptor, taken one by one when their reader wants the next. */
#ifndef TGRUN_CLI_TRY_CHAT_FEED_H
#define TGRUN_CLI_TRY_CHAT_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/loop.h"

enum { CHAT_FEED_LINE_MAX = 16 << 20 };

struct chat_feed;

/* Lines of `fd`, which stays the caller's and keeps its flags; with `records` those of
 * update/record.h instead, which span lines in a regular file. Whenever there is more, a turn of
 * the loop happens: ask again at its end. NULL with `err` (ERR_INTERNAL). */
struct chat_feed *chat_feed_new(struct loop *loop, int fd, bool records, struct err *err);
void chat_feed_free(struct chat_feed *f); /* NULL is fine */

/* The next line, without its line feed and a carriage return before it, and with a NUL at its end;
 * or the next record as it is. It may be changed, and is valid until the next call. The last line
 * needs no line feed. *number gets the line that it begins in, or would begin in, from 1. 1: there
 * is one; 0: not yet; -1: there are no more
 * (*trouble gets why if it is not simply the end, else NULL). */
int chat_feed_line(struct chat_feed *f, char **line, size_t *n, int64_t *number,
		   const char **trouble);

#endif
