/* engine/out: the way out of tgrun. Calls of the Bot API come in, from replies and from other
 * programs. They are written to the queue (queue/calls.h) and sent when the outbox says so
 * (outbox/outbox.h): a chat's in order, one at a time, within the limits, over connections of their
 * own. What the server says of each decides what follows (outbox/fate.h).
 *
 * Invariants: a call is marked as begun on disk before a byte of it is sent; so after a kill it is
 * known which calls may have arrived. A call that may have arrived is never sent again without a
 * line in the log. No text of a call stands in any log.
 *
 * In a store that machines share, each records its calls, and one of them sends all: calls come to
 * that one by the events of the queue (queue.h), with their place among those of all machines.
 *
 * A turn of the owner: out_turn(), then queue_flush(), then out_send(). */
#ifndef TGRUN_ENGINE_OUT_H
#define TGRUN_ENGINE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/verdict.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "io/loop.h"
#include "outbox/outbox.h"
#include "queue/calls.h"
#include "queue/entry.h"
#include "reply/call.h"

struct api;
struct http;
struct out;

/* What becomes of a call that may have arrived, and is not harmless twice. */
enum out_unsure { OUT_UNSURE_RETRY, OUT_UNSURE_FAIL };

/* Options of the command line; their rows point here (cli/options/options_table.c). */
struct out_policy {
	struct outbox_rates rates;
	int limit; /* replies that wait, at which no handler starts */
	enum out_unsure unsure;
};

/* How a call ended. */
enum out_end {
	OUT_SENT,   /* the server took it, or had it already */
	OUT_FAILED, /* it is kept as failed */
	OUT_GONE,   /* it was dropped by somebody */
};

struct out_config {
	struct loop *loop;
	struct log *log;
	const struct clock *clock;
	struct queue *queue;
	/* of an api_root (api/api_root.h); the second NULL: none */
	const char *api_root, *api_login;
	const char *ca_file, *ca_dirs; /* for http_trust() */
	const struct secret *secret;
	struct outbox_rates rates;
	/* What became of a call, a phrase for who watches; `line`: its chat. May be NULL. */
	void (*told)(void *arg, const char *line, const char *text);
	/* A turn is wanted. */
	void (*wake)(void *arg);
	/* A call ended for good, the one that the server spoke of (without parameters, valid during
	 * the call); the others of its reply end with it when it failed. `v` NULL: the server was
	 * not asked (`reason` says why); `body`, valid during the call only: the server's answer,
	 * NULL: none. */
	void (*ended)(void *arg, const struct queue_call *call, enum out_end how,
		      const struct verdict *v, const char *reason, const char *body, size_t length);
	void *arg;
};

/* Opens the outbox and reads what waits. What was being sent when the last runner died counts as
 * unsure. The strings, the secret and the queue stay the caller's and outlive it. NULL with
 * `err`. */
struct out *out_new(const struct out_config *config, struct err *err);

/* Ends what is being sent without waiting: the queue has it as begun. NULL is fine. */
void out_free(struct out *o);

void out_set_rates(struct out *o, const struct outbox_rates *rates);

/* How a call is to be sent. */
struct out_how {
	int64_t group;    /* the number of its reply's first call; 0: it is the first */
	int64_t lifetime; /* milliseconds from now; a shorter one of the call's own counts */
	int64_t due;      /* wall clock, milliseconds, before which it is not sent; 0: at once */
	bool bulk, once;  /* once: --on-unsure fail */
	int64_t message;  /* whose recipient it is: its parameters stand behind the call's own */
};

/* As queue_call_next(). */
int64_t out_next(const struct out *o, int64_t count);

/* Records what calls will have in common, under the number of the first of them: the parameters of
 * `c`, and its file. 0, or -1 when memory is out. */
int out_share(struct out *o, const struct call *c, int64_t id);

/* ---- of a shared store: the events of struct queue_config that have these names ---- */

/* At first this machine does not send. When it no longer does, what was being sent is cut, and
 * stays begun in the store. */
void out_role(struct out *o, bool may_send);
void out_move_came(struct out *o, const char *from, const char *to);
void out_line_came(struct out *o, const struct queue_line *line);
int out_call_came(struct out *o, const struct queue_call *call);
void out_call_gone(struct out *o, int64_t id);

/* ---- */

/* Records a call, to be written by the next queue_flush(), behind all of its chat. Returns its
 * number, or 0 when memory is out. `c` stays the caller's. */
int64_t out_add(struct out *o, const struct call *c, const struct out_how *how);

/* Records a call that is not to be sent, as one that failed for that reason, to be written by the
 * next queue_flush(); it is logged, and `ended` is not called. Its number, or 0 when memory is out.
 * `c` stays the caller's. */
int64_t out_refuse(struct out *o, const struct call *c, const char *reason);

/* Takes back a call that waits, before it was ever sent. false: it is being sent, or not known. */
bool out_drop(struct out *o, int64_t id);

/* For who changes entries of the queue (queue/entry.h); valid as long as `o` is. */
struct queue_sender out_sender(struct out *o);

/* What may go now is marked as begun, what is too old fails. */
void out_turn(struct out *o);

/* Sends what was marked and is on disk. */
void out_send(struct out *o);

/* No stored call is begun from now on; those that somebody waits for are. */
void out_stop(struct out *o);

struct out_counts {
	size_t waiting, bulk; /* replies and the like, and bulk, that are not being sent */
	size_t sending;
	/* wall clock, milliseconds: when the oldest that waits was added, but for bulk, which is
	 * meant to take its time; 0: none waits */
	int64_t oldest;
	/* the last call that the server could not be asked about, or could not take, was followed
	 * by none that it answered */
	bool failing;
	/* since the start; `repeated`: perhaps twice; `dropped`: by people */
	uint64_t sent, failed, repeated, dropped;
};
void out_counts(const struct out *o, struct out_counts *out);

/* Whether a reply waits that will go within `milliseconds`, a call is being sent, or the server is
 * being asked whether the token is good. */
bool out_busy(struct out *o, int64_t milliseconds);

/* Whether nothing is sent since the server refused the token. */
bool out_doubts(const struct out *o);

/* Whether the server has told the chat, or the whole bot, to wait. */
bool out_cools(const struct out *o, const char *line);

/* Sends a call of which nothing is kept, unless its chat cools down or too much of the kind is on
 * its way. `c` is released here. */
void out_action(struct out *o, struct call *c);

/* For callers that send what the outbox does not keep. */
struct api *out_api(struct out *o);

/* ---- calls that somebody waits for, and that are stored nowhere ---- */

struct out_live;

/* Takes a place in the line of `c`, which stays the caller's. `go(arg)` is called once, from
 * out_send(), when it may be sent; `late(arg, reason)` instead when that will not be before
 * `patience` milliseconds are over; then it is gone. NULL when memory is out. */
struct out_live *out_live_new(struct out *o, const struct call *c, int64_t patience,
			      void (*go)(void *arg), void (*late)(void *arg, const char *reason),
			      void *arg);

/* It was sent, and the server said `v`; or, with `v` NULL, nobody waits for it any more, sent or
 * not. Returns true if it will be tried again: `go` follows, or `late`. Else it is gone. */
bool out_live_end(struct out_live *l, const struct verdict *v);

#endif
