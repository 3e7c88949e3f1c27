/* update/update: one update as it came: a slice of bytes, and what can be read from it. The bytes
 * are never rewritten: JSON is parsed for reading only (cJSON's numbers are doubles), so ids are
 * read from the bytes themselves. */
#ifndef TGRUN_UPDATE_UPDATE_H
#define TGRUN_UPDATE_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct update; /* a parsed update; opaque */

/* Parses the `n` bytes at `json`, which must outlive the result. NULL with `err` when it is no JSON
 * object or nested too deeply (ERR_IO), or when memory is out (ERR_INTERNAL). An update without an
 * id or with a strange kind parses. */
struct update *update_parse(const char *json, size_t n, struct err *err);

/* The same of bytes that begin with the brace of an object and that scan_check() has accepted, as
 * those of a slice that is an object. `old`, an update that is needed no longer (or NULL), becomes
 * the new one. NULL when memory is out: `old` is still the caller's to free. */
struct update *update_of_checked(struct update *old, const char *json, size_t n);
void update_free(struct update *u); /* NULL is fine */

/* Whether there is an integer update_id that fits 64 bits, and which. */
bool update_id(const struct update *u, int64_t *id);

/* The kind: the name of the first member whose value is an object and which is not update_id; "" if
 * there is none. Cut to 64 bytes. Characters other than [a-z0-9_] make it "" too, so a kind is safe
 * in a log, a key and an environment. */
const char *update_kind(const struct update *u);

/* Ids exact to 64 bits. false when the update has none. What was done in the name of a chat (by
 * an anonymous administrator, a channel) has a sender chat and no user: the user that the server
 * names there is a stand-in that all such senders share. */
bool update_chat(const struct update *u, int64_t *id);
bool update_user(const struct update *u, int64_t *id);
bool update_sender_chat(const struct update *u, int64_t *id);
bool update_message_id(const struct update *u, int64_t *id);

/* Of an update without a chat, or without chat and user: the path of an id that would be that, such
 * as `chat.id`, of `*length` bytes, where a number stands that is in quotes or not whole; NULL:
 * there is none. A slip of who wrote it. */
const char *update_odd_id(const struct update *u, size_t *length);

/* The private chat with who asks to join a chat, which is not that of update_chat(). */
bool update_user_chat(const struct update *u, int64_t *id);

/* Whether a bot wrote it: this one, whose id is `bot_id`, also by a post of its own in a channel;
 * one in the name of a business account; or any other. Anonymous administrators and who speaks as
 * a channel bear the mark of a bot, too, and are none. */
bool update_by_bot(const struct update *u, int64_t bot_id);

/* The topic that an answer belongs to, as the server marks it: a topic of a forum, any thread of
 * a private chat, or one writer's messages to a channel. A thread of replies in a group without
 * topics is none. */
enum update_thread { THREAD_NONE, THREAD_TOPIC, THREAD_DIRECT };
enum update_thread update_thread(const struct update *u, int64_t *id);

/* Strings, NULL when absent: the chat's type; id of the business connection the chat belongs to; of
 * a poll; of a callback, inline, shipping or pre-checkout query; text, caption, query or callback
 * data. A string that holds U+0000 counts as absent. */
const char *update_chat_type(const struct update *u);
const char *update_business(const struct update *u);
bool update_is_guest(const struct update *u);
const char *update_poll_id(const struct update *u);
const char *update_query_id(const struct update *u);
const char *update_text(const struct update *u);

/* More of them: the business connection that this is about or belongs to; the query that answers
 * a guest message; the message that an inline bot sent. */
const char *update_connection(const struct update *u);
const char *update_guest_query(const struct update *u);
const char *update_inline_message(const struct update *u);

/* The string or integer that a JSON Pointer (RFC 6901) finds in the update, as text appended to
 * `out`. 1 found, 0 not found (or it is neither), -1 memory. */
int update_pointer(const struct update *u, const char *pointer, struct buf *out);

/* Whether `pointer` is a JSON Pointer that update_pointer() can follow: "" or parts that begin with
 * `/`, `~` only in `~0` and `~1`, at most 500 bytes. */
bool update_pointer_is_valid(const char *pointer);

/* Grows whenever the same bytes get another key or command than before: what waits is then keyed
 * anew. */
enum { UPDATE_READING = 2 };

/* keys: what an update waits for. */
struct key_spec;

/* From the values of --key (without any: `chat`), each `chat`, `topic`, `user`, `none` or a JSON
 * Pointer (which starts with `/`); several in one value are separated by commas. NULL with `err`
 * (ERR_USAGE, with the nearest name). */
struct key_spec *key_spec_new(const char *const *values, size_t count, struct err *err);
void key_spec_free(struct key_spec *k); /* NULL is fine */

/* A text that is the same for the same specification, to see at start whether stored keys still
 * hold. */
const char *key_spec_text(const struct key_spec *k);

/* Appends the update's keys to `out`, a space between, in the form of TG_KEY: chat:-100123,
 * topic:-100123:7, user:42, sender:-100123, business:CONN:42, guest:-100123, poll:ID,
 * pointer:/path:VALUE. Bytes of values that are white space, control characters or `%` are
 * percent-encoded; a key longer than 200 bytes ends in its hash; no topic is the chat's main
 * topic, topic:-100123; a business or guest chat has no topics. No key is named twice; at most
 * 16. Returns 0, or -1 when memory is out. */
int update_keys(const struct update *u, const struct key_spec *spec, struct buf *out);

/* The command that the update's text or caption begins with: `/start`, `/start@bot` if that is
 * this bot (without a known `bot_username`, which may be NULL, it is not). Where the server
 * marked the text, its mark says whether one is there and how long it is; else white space ends
 * it. What was edited is no command: it ran when it was sent. Returns where it stands in
 * update_text(), with its length without `@bot` and the rest behind white space; NULL if there
 * is none. */
const char *update_command(const struct update *u, const char *bot_username, size_t *length,
			   const char **args);

/* vars: the handler's environment for one update. */
struct vars_context {
	const char *bot_username; /* NULL: not known */
	const char *key;          /* TG_KEY, "" when there is none */
	bool pushed;              /* an update_id in it is not one that the server gave it */
};

/* Appends NAME=VALUE and a NUL for each scalar the update itself gives (TG_UPDATE_ID,
 * TG_UPDATE_KIND, TG_CHAT_ID, TG_CHAT_TYPE, TG_THREAD_ID, TG_THREAD_TYPE, TG_USER_ID,
 * TG_USER_CHAT_ID,
 * TG_SENDER_CHAT_ID, TG_MESSAGE_ID, TG_QUERY_ID, TG_GUEST_QUERY_ID, TG_BUSINESS_ID,
 * TG_INLINE_MESSAGE_ID, TG_COMMAND, TG_ARGS, TG_TEXT, TG_TEXT_TRUNCATED, TG_KEY); absent when
 * they do not apply. At most 32 KiB. 0, or -1 when memory is out. */
int update_vars(const struct update *u, const struct vars_context *context, struct buf *out);

/* Appends, each after a comma, what a worker's line has of those, by the same rules: the members
 * `kind`, `chat_id`, `thread_id`, `user_id`, `command`, `args` and `text`; the ids are numbers.
 * `bot_username` as above. At most 100 KiB. 0, or -1 when memory is out. */
int update_members(const struct update *u, const char *bot_username, struct buf *out);

#endif
