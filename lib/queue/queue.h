/* queue: makes updates durable, keeps their order, and says which may run now. The engine knows these verbs only.
 *
 * Local implementation (local.c): the scheduler (sched.c) over a store (sqlite.c or memory.c). Outcomes are
 * collected and carried out by queue_flush(), one transaction for all of a turn. When the disk fails, what could
 * not be written is kept and tried again: nothing is forgotten, and nothing new is handed out meanwhile. */
#ifndef TGRUN_QUEUE_QUEUE_H
#define TGRUN_QUEUE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "queue/store/store.h"
#include "sched/ledger.h"

struct queue;

struct queue_config {
	const struct clock *clock;
	struct store *store;     /* owned by the queue from a successful queue_open() on */
	const char *key_spec;    /* the text of all that decides keys and lanes (key_spec_text, routes) */
	int64_t backlog;         /* unfinished updates at most */
	/* The keys and the lane of a stored update or a retried dead letter, computed anew because `key_spec` may have changed since. Appends to `keys`, sets *lane (0 before); 0, or -1
	 * when memory is out. */
	int (*route_of)(void *arg, const char *body, size_t length, struct buf *keys, unsigned *lane);
	/* The age in milliseconds after which an update of this kind is no longer answerable; 0: never. */
	int64_t (*max_age)(void *arg, const char *kind);
	void *arg;
};

/* Loads what waits. Updates that were running when the last runner died count one more death; with too many they
 * become dead letters (sched/ledger.h). NULL with `err`. */
struct queue *queue_open(const struct queue_config *config, struct err *err);

/* Flushes, closes the store, frees. Updates still claimed are given back as interrupted. 0, or -1 with `err` when
 * the last flush failed. NULL is fine. */
int queue_close(struct queue *q, struct err *err);

/* An update to put. Strings are copied. */
struct queue_put {
	const char *root;      /* the source, for recognising repeats; NULL: this source never repeats */
	bool has_id;
	int64_t update_id;
	const char *kind;      /* "" if none */
	const char *keys;      /* with a space between; "" for none: it waits for nobody */
	unsigned lane;         /* 0 to 63 */
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

/* The same in two steps, so that a thread can do what takes long. 1: *fd, the queue's own, is to be synced by fdatasync(2), and queue_sync_end() to be
 * told 0 or its errno before the next is begun. The queue is not closed while one syncs it; a closed one need not be told. 0: everything is durable already; -1 with `err`. */
int queue_sync_begin(struct queue *q, int *fd, struct err *err);
void queue_sync_end(struct queue *q, int errnum);

/* The source `root` answered a request with this offset: to be called before that answer's updates are put.
 * Flushed later. */
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
	int deaths, interruptions; /* attempts that are charged to nobody, as of sched/ledger.h */
	bool redelivered;    /* an earlier attempt was started */
	bool solo;           /* it was released as RELEASE_SHARED: it is no part of any batch */
	bool expired;        /* no longer answerable: settle it as skipped, do not run it */
	unsigned lane;
	int64_t received;    /* wall clock, milliseconds */
	int64_t first;       /* wall clock, milliseconds: when its first attempt began, perhaps this one */
	int64_t update_id;   /* for logs; 0 until somebody has read the body */
	void *owner;         /* whoever claimed it may keep something here */
	char *keys;          /* with a space between */
	char *body;          /* NUL-terminated */
	size_t length;
};

#define QUEUE_ALL_LANES (~UINT64_C(0))

/* Hands out the update whose turn it is among those of `lanes` (bit 1 << lane); its start is marked, and on disk
 * after the next queue_flush(): start its handler only then. 1: `out` is filled in, free it with claim_free(); 0:
 * none is due; -1 with `err`: the store fails (try again later). What has LEDGER_ALONE deaths is handed out
 * while nothing else runs, and holds up all others of `lanes` then. */
int queue_claim(struct queue *q, uint64_t lanes, struct claim **out, struct err *err);

/* One more for a batch that is being formed: batch[0] was given by queue_claim() and is not settled, the others by
 * this. Of the same lane: one that is ready, else one that waits only for updates of this batch; so the updates of
 * a key stand in the batch as they arrived. Nothing joins a solo claim or one of LEDGER_ALONE deaths, nor
 * does such a one join. Each member keeps its keys until it is settled by itself, in any order; one that is
 * released or retried keeps its place, and comes up when those behind it in the batch are settled too. As
 * queue_claim(). */
int queue_claim_joining(struct queue *q, struct claim *const *batch, size_t n, struct claim **out, struct err *err);
void claim_free(struct claim *c); /* NULL is fine */

/* Settle a claimed update; flushed later. All of the handler's processes must be gone. */
void queue_done(struct queue *q, const struct claim *c);                                   /* it ended well */
void queue_drop(struct queue *q, const struct claim *c);                                   /* skipped, or failed and not to be kept */
void queue_dead(struct queue *q, const struct claim *c, const char *reason, const char *last_stderr);  /* counts this attempt */
void queue_retry(struct queue *q, const struct claim *c, int64_t delay, const char *reason); /* counts this attempt; again in `delay` ms */

/* An end that is charged to nobody. */
struct queue_release {
	enum release_why why;
	bool started;            /* the program may have seen the update */
	int64_t delay;           /* milliseconds that it waits at least, if this runner lives as long */
	const char *reason;      /* a phrase for people; NULL: there is nothing to add to `why` */
	const char *last_stderr; /* NULL or "" if none */
};

/* Hands it out again, uncounted as a failure, or buries it when that has happened too often (sched/ledger.h): then the letter's reason, the
 * queue's until the next call; else NULL. What is RELEASE_SHARED runs outside of any batch until it is settled; remembered in memory only. */
const char *queue_release(struct queue *q, const struct claim *c, const struct queue_release *how);

/* Whether an update of other keys ended well since the first attempt of this one began, also under an earlier runner. */
bool queue_proven(const struct queue *q, const struct claim *c);

/* Writes what was collected, in one transaction. 0 (also when nothing was), or -1 with `err`: kept for the next
 * call. */
int queue_flush(struct queue *q, struct err *err);
bool queue_dirty(const struct queue *q);

/* Milliseconds until something comes up by itself: 0 if something of `lanes` could be claimed now, -1 if nothing
 * will. */
int64_t queue_next_due(const struct queue *q, uint64_t lanes);

/* How many updates of a lane have their turn now (of a chat, at most one), and for how many milliseconds the first
 * of them has had it (0 if none; `oldest_ms` may be NULL). How many of it are unfinished and not running. */
size_t queue_ready(const struct queue *q, unsigned lane, int64_t *oldest_ms);
size_t queue_waiting(const struct queue *q, unsigned lane);

/* Whether a batch of the lane that began now would be full, with `size` updates: not with what is behind others that run, or delayed. */
bool queue_batch_full(const struct queue *q, unsigned lane, size_t size);

struct queue_counts {
	size_t waiting; /* unfinished and not running: ready, behind another, delayed */
	size_t running, ready;
	int64_t dead;
	bool full;      /* the backlog is reached: stop asking the source */
};
void queue_counts(const struct queue *q, struct queue_counts *out);

/* Whether what was put will be found by the next run, and the open files that it is in: as
 * store_ops.stands and store_ops.files. */
int queue_stands(struct queue *q, struct err *err);
void queue_files(struct queue *q, struct store_files *out);

/* Bytes on the disk that the store holds already and may fill again: they count as free. */
int64_t queue_spare_bytes(const struct queue *q);

/* Another limit of unfinished updates from now on. */
void queue_set_backlog(struct queue *q, int64_t backlog);

/* What is unfinished, for people. */
enum queue_item_state { QUEUE_READY, QUEUE_RUNNING, QUEUE_BEHIND /* waits for another */, QUEUE_DELAYED };

struct queue_item {
	int64_t seq;
	bool has_id;
	int64_t update_id;
	const char *kind, *keys; /* "" if none */
	unsigned lane;
	enum queue_item_state state;
	int64_t due;             /* DELAYED: wall clock, milliseconds */
	int failures, deaths, interruptions;
	int64_t received;        /* wall clock, milliseconds */
	const char *body;        /* queue_show(): NUL-terminated; else NULL */
	size_t length;
};

/* Calls back for each unfinished update from number `from` on, in the order of numbers; nothing is gathered, so a
 * long list can be told in parts. 0: that was the last; 1: the callback ended it by not returning 0; -1 with
 * `err`. The callback calls nothing of the queue. */
int queue_each(struct queue *q, int64_t from, int (*each)(void *arg, const struct queue_item *item), void *arg, struct err *err);

/* The same for one update, with its bytes. 1, 0: no such update is unfinished, -1 with `err`. */
int queue_show(struct queue *q, int64_t seq, int (*show)(void *arg, const struct queue_item *item), void *arg, struct err *err);

/* The same for dead letters, with their bytes. A letter's number is that of its update. */
int queue_dead_each(struct queue *q, int64_t from,
		    int (*letter)(void *arg, const struct store_dead *d), void *arg,
		    struct err *err);

/* What people change of many: dead letters become new updates behind all others (fresh counts, no
 * age limit), or are forgotten; updates that wait are settled as done, and what waited for them
 * goes on. */
enum queue_change { QUEUE_RETRY, QUEUE_DROP, QUEUE_SKIP };

enum queue_fate {
	QUEUE_CHANGED,
	QUEUE_MISSING, /* there is no such letter, no such update is unfinished */
	QUEUE_RUNS,    /* SKIP: nothing was done */
};

/* What is still to be done: these numbers, or all from `from` to `to` but for what runs. */
struct queue_many {
	enum queue_change change;
	bool all;
	const int64_t *numbers;
	size_t count;
	int64_t from, to; /* 0: from the first; to the last that there is at the first slice */
};

/* Does a slice of it and moves `m` on: one transaction, durable when it returns; until the
 * monotonic clock of the queue says `until` (INT64_MAX: never), one at least and some hundred at
 * most. Then `told`, unless it is NULL, is told what became of each; it calls nothing of the queue.
 * 1: there is more, 0: that was all, -1 with `err`: nothing of the slice was done, or, on a disk
 * that fails to say so, all of it. */
int queue_many(struct queue *q, struct queue_many *m, int64_t until,
	       void (*told)(void *arg, int64_t number, enum queue_fate fate), void *arg,
	       struct err *err);

/* Forgets a slice of the dead letters that are more than the last `keep` (-1: any number), or that
 * died `max_age` milliseconds ago or earlier (0: all, -1: of any age); cheap when there are none.
 * *dropped gets how many. 1: there may be more, 0: that was all, -1 with `err`. */
int queue_dead_trim(struct queue *q, int64_t keep, int64_t max_age, int64_t until, int64_t *dropped,
		    struct err *err);

/* Gives a little of the store's unused space back to the disk, in some milliseconds. 1: there is
 * more, 0: there is not, -1 with `err`. */
int queue_give_back(struct queue *q, struct err *err);

#endif
