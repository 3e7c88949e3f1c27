/* cli/try/chat_record: a recorded conversation: a text that people read and edit, in which lines
 * that begin with `> ` were typed, `#` begins a comment, and all else is what the bot did. Pure.
 *
 * It is made by what happens, or read and then held against what happens. It goes by inputs: what
 * the bot does between two of them is of the first. There it stands in an order that does not
 * depend on who was faster: answers to queries, the chat in which one is, other chats by their ids,
 * calls without a chat, and last what became of updates. */
#ifndef TGRUN_CLI_TRY_CHAT_RECORD_H
#define TGRUN_CLI_TRY_CHAT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { CHAT_RECORD_MAX = 64 << 20 }; /* bytes */

/* Where within its input something stands. */
enum chat_order { RECORD_QUERY, RECORD_HERE, RECORD_CHAT, RECORD_NO_CHAT, RECORD_END };

struct chat_record;

/* One in which nothing happened yet. NULL when memory is out. */
struct chat_record *chat_record_new(void);
void chat_record_free(struct chat_record *r); /* NULL is fine */

/* One that was recorded, of `n` bytes. NULL with `err`: ERR_USAGE, which names the line, when what
 * is typed there cannot be understood, or nothing is. */
struct chat_record *chat_record_read(const char *text, size_t n, struct err *err);

/* Of one that was read: the next line that was typed, without the `> `, and its number, from 1;
 * NULL behind the last. It may be changed. */
char *chat_record_line(struct chat_record *r, int64_t *number);

/* An input begins, and what is added is of it from now on. `typed`: its lines, each with its line
 * feed; of a record that was read they are known, and not looked at. 0, or -1 when memory is out.
 */
int chat_record_begin(struct chat_record *r, const char *typed);

/* Whether no input has begun. */
bool chat_record_is_empty(const struct chat_record *r);

/* Something happened, as chat.h shows it: lines, each with its line feed. `chat` orders those of
 * RECORD_CHAT. 0, or -1 when memory is out. */
int chat_record_add(struct chat_record *r, enum chat_order order, int64_t chat, const char *text);

/* Appends the record as it is now: what was read, but for what came out otherwise. 0 or -1. */
int chat_record_write(struct chat_record *r, struct buf *out);

/* Appends what differs from what was read, as a unified diff whose files are `name` and "now". 1:
 * something does; 0: nothing; -1: memory is out. */
int chat_record_diff(struct chat_record *r, const char *name, struct buf *out);

#endif
