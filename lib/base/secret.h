/* base/secret: the bot's token, and the password of its server. They are shown nowhere; what leaves
 * the program is redacted here.
 *
 * A token reads `123456:AAH…`: the bot's id, a colon, and the secret part. */
#ifndef TGRUN_BASE_SECRET_H
#define TGRUN_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct secret;

enum { SECRET_MIN = 3 }; /* bytes of what can be hidden */

/* A secret that holds a copy of `token` (white space around it is ignored). Checks its shape:
 * digits, a colon, and at least three of A-Z a-z 0-9 _ -; at most 200 bytes. NULL with `err`
 * (ERR_NOPERM, which never quotes the secret part) if it is no token. */
struct secret *secret_new(const char *token, struct err *err);

/* A secret of the token in `text`, of `n` bytes, as people have it: alone, in quotes, behind
 * `NAME=`, `export NAME=` or `bot`, with comments (`#`) around it, behind `/bot` in a URL, in the
 * message that @BotFather sent, with a byte order mark, in UTF-16. NULL with `err` as above when
 * there is none, or more than one outside of comments. */
struct secret *secret_find(const char *text, size_t n, struct err *err);

/* Wipes and frees. NULL is fine. */
void secret_free(struct secret *s);

/* Another secret text, in up to three forms, is hidden from now on wherever the token is. Each has
 * SECRET_MIN to SECRET_ALSO_MAX bytes. 0, or -1 with `err` (ERR_USAGE). */
enum { SECRET_ALSO_MAX = 300 };
int secret_also(struct secret *s, const char *one, const char *two, const char *three,
		struct err *err);

/* What else is hidden: the secret that requests to webhooks carry; the password of the store's
 * server, and as it stands in a URL. */
enum secret_of { SECRET_OF_WEBHOOKS, SECRET_OF_STORE, SECRET_OF_STORE_URL, SECRET_OTHERS };

/* A text is hidden from now on wherever the token is: SECRET_MIN to SECRET_OTHER_MAX bytes, checked
 * by the caller; NULL: there is none. */
enum { SECRET_OTHER_MAX = 256 };
void secret_hide(struct secret *s, enum secret_of of, const char *text);

/* Makes a token of the same bot that is random, and worth nothing at any server: for programs that
 * call tgrun instead. It is hidden wherever the token is. 0, or -1 with `err` (ERR_INTERNAL: no
 * random bytes can be had). */
int secret_hand_out(struct secret *s, struct err *err);

/* That token; NULL: none was made. */
const char *secret_handed(const struct secret *s);

/* Appends the `n` bytes at `text` with the secret part of the handed-out token for that of the
 * token, wherever it stands; the other way round with `back`. 0, or -1 as buf_add(). */
int secret_exchange(const struct secret *s, const char *text, size_t n, bool back, struct buf *out);

/* Makes `s` hold the token that `from` holds, so that all who have `s` use the new one. What `s`
 * hides of servers stays, the webhooks' apart, and so does what it handed out. */
void secret_assign(struct secret *s, const struct secret *from);

/* The whole token, for the API's URL and the handler's environment only. */
const char *secret_token(const struct secret *s);

/* The bot's id: the number before the colon. */
int64_t secret_bot_id(const struct secret *s);

/* What may be shown: `123456:***`. */
const char *secret_shown(const struct secret *s);

/* The length in bytes of the part that redaction looks for. */
size_t secret_length(const struct secret *s);

/* Puts `***` for the secret part, and for what secret_also() and secret_hide() added, wherever
 * they stand in the `n` bytes at `text`. Returns the new length, at most `n`; no NUL is added. NULL
 * secret: does nothing.
 */
size_t secret_redact(const struct secret *s, char *text, size_t n);

/* The same for `hidden`, of SECRET_MIN bytes or more. */
size_t secret_redact_text(const char *hidden, char *text, size_t n);

#endif
