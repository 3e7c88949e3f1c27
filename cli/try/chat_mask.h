/* cli/try/chat_mask: what a bot says differs from one run to the next where it tells the time. In a
 * recorded conversation a word in angle brackets stands for that. Pure. */
#ifndef TGRUN_CLI_TRY_CHAT_MASK_H
#define TGRUN_CLI_TRY_CHAT_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* What differs in this run. */
struct chat_masks {
	int64_t from, to; /* seconds since 1970, in which what is said was made */
	long offset;      /* of the local time from UTC, seconds */
	struct {
		const char *text, *name; /* `text` reads `name` then; NULL: none */
	} words[2];
};

/* Appends `text` with <time> for times and dates that are those of `masks`, local or UTC, as
 * date(1), RFC 3339, many locales and unix times have them; all else is a bot's own, and stays. 0,
 * or -1 when memory is out. */
int chat_mask(const struct chat_masks *masks, const char *text, struct buf *out);

/* Whether a line is as it was expected. In `want`, <number> stands for digits, <time> and <any> for
 * any text but none, and each for itself where the whole line does; blanks at the ends are no
 * difference. */
bool chat_mask_same(const char *want, const char *got);

/* The first of these words in a text; NULL: none is there. */
const char *chat_mask_wild(const char *text);

#endif
