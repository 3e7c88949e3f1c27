/* queue/letter: a dead letter as one line of JSON, for `tgrun dead list --json`, `show` and the
 * control socket. */
#ifndef TGRUN_QUEUE_LETTER_H
#define TGRUN_QUEUE_LETTER_H

#include "base/buf.h"
#include "queue/queue.h"

/* Appends an object without a line feed: "number", "update_id" (or null), "kind", "key",
 * "attempts", "reason", "stderr", "received", "died", and "update" as of letter_add_update(), the
 * last member. Times are strings as of RFC 3339. 0, or -1 when the buffer is full. */
int letter_json(const struct queue_letter *letter, struct buf *out);

/* Appends an update as JSON on one line: its own bytes, a string if they are no JSON object as
 * cJSON knows it (Telegram's own reader takes more), null if the buffer has no room for either.
 * 0, or -1 when it has not even that. */
int letter_add_update(struct buf *out, const char *body, size_t length);

#endif
