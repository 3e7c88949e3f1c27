/* cli/try/chat_update: a line of a file of updates, or what is typed, as an update for the sandbox.
 * Pure. */
#ifndef TGRUN_CLI_TRY_CHAT_UPDATE_H
#define TGRUN_CLI_TRY_CHAT_UPDATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends the update that the `n` bytes at `line` mean: a whole one with its update_id, byte for
 * byte; or one without, such as {"message":{…}}, which gets `next_id` and is else left as it is. A
 * blank line: nothing. 0, or -1 with `err` (ERR_USAGE): it is neither. */
int chat_update(const char *line, size_t n, int64_t next_id, struct buf *out, struct err *err);

/* Whether chat_update() takes what a person typed, not only blanks, which is JSON to the letter. 0,
 * or -1 with `err` (ERR_USAGE): what is wrong, and where. */
int chat_update_typed(const char *text, struct err *err);

#endif
