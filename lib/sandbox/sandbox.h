/* sandbox/sandbox: a Bot API on loopback, for `tgrun try` and for the tests. It runs on the
 * program's own loop and keeps the server's rules for getUpdates: an offset confirms, one long poll
 * at a time, webhook or polling.
 *
 * Updates are queued byte for byte and leave only when a request's offset confirms them. */
#ifndef TGRUN_SANDBOX_SANDBOX_H
#define TGRUN_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/clock.h"
#include "base/err.h"
#include "io/loop.h"

struct sandbox;
struct sandbox_hooks;

/* An answered call of any method but getUpdates. Everything is valid during the callback only. */
struct sandbox_call {
	/* as the server spells it if known, else as it was asked for: letters and digits, at most
	 * 63 */
	const char *method;
	/* an object. From a form or a query, values are strings; from a JSON body, what was sent;
	 * an uploaded file is {"file_name":…,"file_size":…,"cksum":…}, as cksum(1) has it */
	const cJSON *params;
	int status; /* of HTTP: 200 when it was carried out */
	/* JSON of the answer's `result`, e.g. the Message that was sent; NULL when refused */
	const char *result;
	const char *description; /* why it was refused, else NULL */
	int64_t chat;            /* to which it went; 0: to none, or it was refused before */
};

/* An answered getUpdates. */
struct sandbox_poll {
	const cJSON *params; /* as it was asked for */
	int64_t offset;
	int limit, timeout;      /* after the server's rules were applied; seconds */
	int status;              /* of HTTP; 0: its client left before it was answered */
	size_t count;            /* of updates in the answer */
	int64_t lowest, highest; /* their ids; meaningless without any */
	const char *fault;       /* what a hook noted of the request; "" for nothing */
};

struct sandbox_config {
	const char *token;    /* as secret.h wants it; copied */
	bool any_token;       /* whatever the token of a call is, it is this bot's */
	const char *username; /* of the bot; NULL: sandbox_bot; copied */
	int64_t first_id;     /* of the first update; 0: 1 */
	int port;             /* on 127.0.0.1; 0: any that is free */
	/* bytes of a request with its files; 0: 51 MiB, a file of 50 MB and what stands around it
	 */
	size_t upload_max;
	/* leave out what the server does to clients that ask too often: limit 1 and timeout 3 when
	 * an offset comes again within 0.5 and 3 s, the second 409 within 3 s comes 3 s late */
	bool no_penalties;
	const struct clock *clock; /* NULL: the machine's */
	/* Called from the loop; any may be NULL. They may push, not free the sandbox. */
	void (*called)(void *arg, const struct sandbox_call *call);
	void (*polled)(void *arg, const struct sandbox_poll *poll);
	/* A test's; see sandbox/sandbox_internal.h. NULL: none. It outlives the sandbox. */
	const struct sandbox_hooks *hooks;
	void *arg;
};

/* Listens. NULL with `err` (ERR_INTERNAL; ERR_UNAVAILABLE: the port is taken; ERR_NOPERM: not a
 * token). */
struct sandbox *sandbox_new(struct loop *loop, const struct sandbox_config *config,
			    struct err *err);

/* Ends all connections and frees. NULL is fine. */
void sandbox_free(struct sandbox *s);

/* "http://127.0.0.1:PORT", without the token. */
const char *sandbox_url(const struct sandbox *s);

/* Queues {"update_id":N,"KIND":OBJECT} with the next id, and answers an open poll. Messages in it
 * are remembered, so that a bot can reply to, forward and copy them. Returns the id; 0 when the bot
 * does not want this kind (allowed_updates); -1 when `kind` is no name, or with memory or the
 * queue's bounds (two million updates, 1 GiB) at their end. */
int64_t sandbox_push(struct sandbox *s, const char *kind, const char *object);

/* Queues the `n` bytes as they are, whatever they are; an integer update_id in them, which must
 * stand first if they are no JSON, moves the next id past it. 0 or -1 as above. No allowed_updates
 * filter. */
int sandbox_push_raw(struct sandbox *s, const char *update, size_t n);

/* Updates not yet confirmed. */
size_t sandbox_pending(const struct sandbox *s);

/* Whether a long poll waits for updates. */
bool sandbox_polling(const struct sandbox *s);

/* Takes the next message id of a chat, for a message to be pushed. */
int64_t sandbox_message_id(struct sandbox *s, int64_t chat);

/* A message that the bot sent or that was pushed, NULL if it is not known (any more: the last 4096
 * are kept). Valid until the next turn. */
const cJSON *sandbox_message(const struct sandbox *s, int64_t chat, int64_t message_id);

/* The newest messages of `user` in the chat: the `nth`, from 1; NULL if it is not known. As above.
 */
const cJSON *sandbox_message_of(const struct sandbox *s, int64_t chat, int64_t user, int64_t nth);

/* A file that somebody sends, of `size` bytes: what a message tells of it as a `kind` (photo,
 * document …), the caller's; NULL when memory is out. The bot can fetch it; `bytes` is copied, and
 * may be NULL where the file is larger than what the server hands out (SANDBOX_FILE_MAX). */
enum { SANDBOX_FILE_MAX = 20 << 20 };
cJSON *sandbox_file(struct sandbox *s, const char *kind, const char *name, const char *bytes,
		    uint64_t size);

/* What becomes of a call to a chat. */
enum sandbox_chat_state {
	SANDBOX_CHAT_OPEN,
	SANDBOX_CHAT_BLOCKED, /* 403: its user has blocked the bot */
	SANDBOX_CHAT_KICKED,  /* 403: the bot was thrown out of the group */
	SANDBOX_CHAT_UNKNOWN, /* 400: chat not found */
	SANDBOX_CHAT_MOVED,   /* 400 with migrate_to_chat_id: it is a supergroup now */
};

/* From now on calls to `chat` end so. `moved_to` is the supergroup's id, for SANDBOX_CHAT_MOVED
 * only. 0, or -1 when memory is out. */
int sandbox_chat_set(struct sandbox *s, int64_t chat, enum sandbox_chat_state state,
		     int64_t moved_to);

/* So many messages in so many milliseconds, and `burst` at once before that counts; `count` 0: no
 * limit. */
struct sandbox_rate {
	int64_t count, period, burst;
};

/* How much the bot may send, counted in messages (an album: its length; edits and forwards count):
 * into one chat; into one group (an id below 0, a name) instead; in all; in all with
 * allow_paid_broadcast, instead of the other three. More is refused: 429 with retry_after.
 * `grace`, in milliseconds: who was told to wait is not blamed for a request that began so much
 * later, since he may not have read the answer. */
struct sandbox_limits {
	struct sandbox_rate chat, group, bulk, paid;
	int64_t grace;
};

/* Copied; NULL: none, as at the start. */
void sandbox_limit(struct sandbox *s, const struct sandbox_limits *limits);

/* Calls to `chat` (0: all calls) are refused for `ms` milliseconds from now on with 429, and
 * counted as violations. 0, or -1 when memory is out. */
int sandbox_cool(struct sandbox *s, int64_t chat, int64_t ms);

struct sandbox_stats {
	uint64_t polls;                     /* getUpdates that came */
	uint64_t pushed, served, confirmed; /* updates; served counts repeats */
	uint64_t conflicts;                 /* answers of 409 */
	uint64_t limited;                   /* answers of 429 */
	/* calls that came although the bot was told to wait: none, from one that keeps the rules */
	uint64_t violations;
	int64_t offset;  /* of the newest getUpdates */
	int64_t last_id; /* of the newest update pushed, 0 if none */
	size_t pending;
	int open_polls;
};
void sandbox_stats(const struct sandbox *s, struct sandbox_stats *out);

#endif
