/* queue: makes updates durable, keeps their order, and says which may run now. The engine knows these verbs only.
 *
 * Local implementation (local.c): the scheduler (sched.c) over a store (sqlite.c or memory.c). Outcomes are collected and carried out by queue_flush(), one transaction for
 * all of a turn. When the disk fails, what could not be written is kept and tried again: nothing is forgotten, and nothing new is handed out meanwhile. */
#ifndef TGRUN_QUEUE_QUEUE_H
#define TGRUN_QUEUE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "queue/store.h"

struct queue;

struct queue_config {
	const struct clock *clock;
	struct store *store;     /* owned by the queue from a successful queue_open() on */
	const char *key_spec;    /* the text of the key specification (key_spec_text) */
	int64_t backlog;         /* unfinished updates at most */
	/* The keys of a stored update, computed anew because the key specification changed since. Appends to `out`; 0 or -1. */
	int (*keys_of)(void *arg, const char *body, size_t length, struct buf *out);
	/* The age in milliseconds after which an update of this kind is no longer answerable; 0: never. */
	int64_t (*max_age)(void *arg, const char *kind);
	void *arg;
};

/* Loads what waits. Updates that were running when the last runner died count one more death; with five they become dead
 * letters. NULL with `err`. */
struct queue *queue_open(const struct queue_config *config, struct err *err);

/* Flushes, closes the store, frees. Updates still claimed are given back as interrupted. 0, or -1 with `err` when the
 * last flush failed. NULL is fine. */
int queue_close(struct queue *q, struct err *err);

/* An update to put. Strings are copied. */
struct queue_put {
	const char *root;      /* the source, for recognising repeats; NULL: this source never repeats */
	bool has_id;
	int64_t update_id;
	const char *kind;      /* "" if none */
	const char *keys;      /* with a space between; "" for none */
	const char *body;
	size_t length;
	const char *dead;      /* not NULL: it becomes a dead letter at once, for this reason */
};

struct queue_put_result {
	size_t taken, repeated, dead;
};

/* Puts a batch in one transaction, together with all that waits to be flushed. With `root` not NULL, `offset` is
 * remembered for it. After 0 all of it survives kill -9; before the source may confirm it, queue_sync() must have
 * returned 0. -1 with `err`: nothing of the batch was taken. */
int queue_put(struct queue *q, const struct queue_put *puts, size_t count, const char *root, int64_t offset,
	      struct queue_put_result *result, struct err *err);

/* Everything put so far survives a power cut when it returns 0. Does nothing when that is so already. -1 with `err`. */
int queue_sync(struct queue *q, struct err *err);

/* The source `root` answered a request with this offset: to be called before that answer's updates are put. Flushed later. */
void queue_confirmed(struct queue *q, const char *root, int64_t offset);

/* The offset remembered for `root`; 0 if none. */
int64_t queue_offset(struct queue *q, const char *root);

/* A named value kept between runs ("" if none). Strings. */
int queue_meta_get(struct queue *q, const char *name, struct buf *out, struct err *err);
void queue_meta_set(struct queue *q, const char *name, const char *value);

/* An update handed out. */
struct claim {
	int64_t seq;
	int failures;        /* attempts that failed before this one: TG_ATTEMPT is one more */
	int deaths;
	bool redelivered;    /* an earlier attempt was started */
	bool expired;        /* no longer answerable: settle it as skipped, do not run it */
	int64_t received;    /* wall clock, milliseconds */
	int64_t update_id;   /* for logs; 0 until somebody has read the body */
	char *keys;          /* with a space between */
	char *body;          /* NUL-terminated */
	size_t length;
};

/* Hands out the update whose turn it is; its start is marked, and on disk after the next queue_flush(): start its
 * handler only then. 1: `out` is filled in, free it with claim_free(); 0: none is due; -1 with `err`: the store fails
 * (try again later). */
int queue_claim(struct queue *q, struct claim **out, struct err *err);
void claim_free(struct claim *c); /* NULL is fine */

/* Settle a claimed update; flushed later. All of the handler's processes must be gone. */
void queue_done(struct queue *q, const struct claim *c);                                   /* handled, skipped or dropped */
void queue_dead(struct queue *q, const struct claim *c, const char *reason, const char *last_stderr);  /* counts this attempt */
void queue_retry(struct queue *q, const struct claim *c, int64_t delay, const char *reason); /* counts this attempt; again in `delay` ms */
/* Uncounted: it could not be started (`started` false: as if it had never been handed out), or it was interrupted by
 * tgrun's own doing. Its turn comes at once, or in `delay` ms. */
void queue_release(struct queue *q, const struct claim *c, bool started, int64_t delay);

/* Writes what was collected, in one transaction. 0 (also when nothing was), or -1 with `err`: kept for the next call. */
int queue_flush(struct queue *q, struct err *err);
bool queue_dirty(const struct queue *q);

/* Milliseconds until something comes up by itself: 0 if something is ready now, -1 if nothing will. */
int64_t queue_next_due(const struct queue *q);

struct queue_counts {
	size_t waiting; /* unfinished and not running: ready, behind another, delayed */
	size_t running, ready;
	int64_t dead;
	bool full;      /* the backlog is reached: stop asking the source */
};
void queue_counts(const struct queue *q, struct queue_counts *out);

/* Dead letters. */
int queue_dead_each(struct queue *q, int64_t number, int (*letter)(void *arg, const struct store_dead *d), void *arg, struct err *err);
/* A letter's number is that of its update, rising. Makes letter `number` a new update behind all others (fresh counts,
 * no age limit), or forgets it; durable when it returns. 1 done, 0 there is no such letter, -1 with `err`. */
int queue_dead_retry(struct queue *q, int64_t number, struct err *err);
int queue_dead_drop(struct queue *q, int64_t number, struct err *err);
int queue_dead_trim(struct queue *q, int64_t keep, int64_t max_age, int64_t *dropped, struct err *err);

#endif
