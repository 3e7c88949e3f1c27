/* engine/door: the local API: programs of this user call methods of the Bot API through a socket in
 * the state directory, and tgrun sends them as it sends its own: in the order of their chat, within
 * the limits, over a warm connection, never twice unseen.
 *
 *   POST /METHOD       parameters as JSON, a form or multipart/form-data, or in the URL: the
 *                      server's answer comes back, the token hidden in it
 *   GET /file/PATH     a file of the server, by the `file_path` that getFile told
 *
 * What a caller may add to a request (headers):
 *   X-Tgrun-Patience   milliseconds that it waits for its turn, 429 included; else 60,000
 *   X-Tgrun-Queue      `reply` or `bulk`: the call is stored, to be sent when its turn comes; the
 *                      answer says that it is on disk, {"ok":true,"result":{"number":7}}
 *   X-Tgrun-Expire     of those: milliseconds after which it is too old; else a day
 *   X-Tgrun-File       of getFile: the answer is the file itself
 * Each answer has X-Tgrun-Outcome, a word of enum door_outcome.
 *
 * Invariants: a call that may have arrived is never sent again. A caller that hangs up before its
 * turn takes its call back. No caller holds up another, or costs more memory than a bound. */
#ifndef TGRUN_ENGINE_DOOR_H
#define TGRUN_ENGINE_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "engine/out.h"
#include "io/loop.h"
#include "io/statedir.h"

struct door;

/* What became of a call, for whoever has to decide what follows. */
enum door_outcome {
	DOOR_OK,        /* "ok": done, or done before, or stored */
	DOOR_REFUSED,   /* "refused": for good */
	DOOR_LATER,     /* "later": it surely has not arrived, and may succeed another time */
	DOOR_UNSURE,    /* "unsure": it may have arrived */
	DOOR_FORBIDDEN, /* "forbidden": the chat, or the server, lets this bot do nothing */
	DOOR_FULL,      /* "full": there is no room to store it */
};

/* The word, and back: a word that is none is DOOR_UNSURE. */
const char *door_outcome_word(enum door_outcome outcome);
enum door_outcome door_outcome_read(const char *word);

/* What follows from what the server said. */
enum door_outcome door_outcome_of(const struct verdict *v);

struct door_config {
	struct loop *loop;
	struct log *log;
	const struct clock *clock;
	struct out *out;
	const struct queue *queue; /* of `out` */
	struct statedir *dir;
	const struct secret *secret;
	/* read whenever they count, so that they may change */
	const struct out_policy *policy;
	const int64_t *min_free; /* bytes of the disk that large bodies leave free */
	int connections;         /* at once */
	uint64_t body_max;       /* bytes of a request */
};

/* Opens the socket `api`; with a token that was handed out (secret_handed()) also a port on
 * 127.0.0.1, where the paths are /bot<that token>/METHOD and /file/bot<that token>/PATH, and
 * answers hold that token where the server's hold the true one. All of the config is the caller's
 * and outlives it. NULL with `err` (ERR_CANTCREATE, ERR_INTERNAL). */
struct door *door_new(const struct door_config *config, struct err *err);

/* Whether its socket still stands under its name; makes it anew: 0, or -1 with `err`. */
bool door_stands(const struct door *d);
int door_open_again(struct door *d, struct err *err);

/* The port; 0: there is none. */
int door_port(const struct door *d);

/* Something may be on disk by now: those are answered who wait for that. */
void door_stored(struct door *d);

/* What was to be stored may be, or may never be: those are answered who wait for that. */
void door_lost(struct door *d);

/* Nobody is let in any more; who waits is told so, and what is being sent may end. */
void door_close(struct door *d);

/* Ends everything. Before the way out is freed. NULL is fine. */
void door_free(struct door *d);

#endif
