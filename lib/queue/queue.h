/* queue/queue: makes updates durable, keeps their order, and says which may run now. The engine
 * knows these verbs only.
 *
 * A backend is a table of the verbs (queue_ops.h) and a function that opens it; local/ is the
 * first: the scheduler over a store of this machine. In a store that several machines share
 * (sharing.h), this one has its claims and its roles only for as long as the store says, and
 * answers come later: what a verb cannot answer at once is "on its way", and the event `changed`
 * says when to ask again. A backend calls its events in a turn of the loop, never from within a
 * verb.
 *
 * An outcome (queue_done() and its like) is recorded at once and written by the next
 * queue_flush(), one transaction for all outcomes of a turn. When a write fails, the queue keeps
 * what it could not write for the next try, and hands out no update until a write succeeds. */
#ifndef TGRUN_QUEUE_QUEUE_H
#define TGRUN_QUEUE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "sched/gather.h"
#include "sched/ledger.h"

struct loop;
struct queue;
struct queue_call; /* of calls.h, as the next */
struct queue_line;

enum { QUEUE_LANES = 64 };

/* ---- open and close ---- */

/* What an operator wants of this machine. */
enum queue_wish {
	QUEUE_WISH_RESUME, /* it works as ever: what is said at first need not be said */
	QUEUE_WISH_DRAIN,  /* nothing more is handed out to it: no update starts here */
	QUEUE_WISH_STOP,   /* its program is to end */
};

/* What every backend is opened with. The strings, the clock and the loop stay the caller's and
 * outlive the queue. */
struct queue_config {
	const struct clock *clock;
	struct loop *loop;    /* NULL: no event is called, and no verb says "on its way" */
	const char *key_spec; /* the text of all that decides keys and lanes; NULL: not known */
	int64_t backlog;      /* unfinished updates at most */
	/* Computes the keys and the lane of a stored update or a retried dead letter, since
	 * `key_spec` may have changed. Appends to `keys`, sets *lane (0 before the call).
	 * Returns 0, or -1 when memory is out. NULL: keys and lanes stay as they are stored. */
	int (*route_of)(void *arg, const char *body, size_t length, struct buf *keys,
			unsigned *lane);
	/* How each lane gathers (QUEUE_LANES of them, borrowed while the queue is opened), and the
	 * group of an update of a lane that does: 0, also when memory is out: none. NULL, both:
	 * none gathers. */
	const struct sched_gather *gather;
	uint64_t (*group_of)(void *arg, unsigned lane, const char *body, size_t length);
	/* Appends the key of the chat of an update, whatever decides the keys; nothing if it has
	 * none. In a shared store tgrun cancel names chats by it. 0, or -1 when memory is out. */
	int (*chat_of)(void *arg, const char *body, size_t length, struct buf *out);
	/* Whether an update that was pushed and has come due is wanted; NULL: each is. Only a
	 * shared store asks it; to others it is said by queue_push_ripen(). */
	bool (*wanted)(void *arg, const char *body, size_t length);
	/* The age in milliseconds after which an update of this kind is no longer answerable; 0:
	 * never. NULL: none expires. */
	int64_t (*max_age)(void *arg, const char *kind);

	/* Events. Each may be NULL.
	 *
	 * An answer that was on its way has arrived: ask again the verb that said so. Local: the
	 * sync that queue_durable() began has ended. */
	void (*changed)(void *arg);

	/* Local calls none of the following: its only machine may always ask, from queue_offset()
	 * on, and send, and trust in its claims never ends. In a shared store a machine may do
	 * neither until it is told. */

	/* Whether this machine may ask the source for updates, and from which offset on. When it
	 * no longer may, what a request under way brings is not to be put. */
	void (*role)(void *arg, bool may_ask, int64_t offset);
	/* Other machines may take over all that this one has claimed: kill every handler, and let
	 * none of its results count. Nothing that is said of these claims changes anything from now
	 * on; claim_free() is still due for them. */
	void (*void_claims)(void *arg);
	/* Each slot kills its handler at this time of CLOCK_BOOTTIME, in milliseconds, unless a
	 * later time follows; 0: now. */
	void (*trust_until)(void *arg, int64_t boottime);
	/* Whether this machine sends the calls of calls.h. When it does, all that wait come by the
	 * events below: chats' other names, then limits, then calls, then each call that is added,
	 * by whichever machine. When it no longer does, what is being sent is cut when this
	 * returns; all of it is forgotten, and comes anew when it does again. */
	void (*sender)(void *arg, bool may_send);
	void (*move_came)(void *arg, const char *from, const char *to);
	void (*line_came)(void *arg, const struct queue_line *line);
	/* A call is to be sent, behind all that came before: it is in the store, and `begun` says
	 * that another machine was sending it, or this one's last run. Also those that this machine
	 * added itself come only so. 0, or -1 when memory is out: it comes again, a while later,
	 * and those behind it not before. */
	int (*call_came)(void *arg, const struct queue_call *call);
	/* A call that waits was taken back by somebody, and is gone; so is one that was to begin,
	 * when that comes before its ticket is written. */
	void (*call_gone)(void *arg, int64_t id);
	/* This claim is to be ended: tgrun cancel has named it, wherever that was called. Not
	 * known, or over: nothing is to be done. */
	void (*cancel_came)(void *arg, int64_t seq);
	void (*wish)(void *arg, enum queue_wish wish);
	/* The store takes this program no more, for good: it is too old, or its keys and routes are
	 * not those of the others. `err` is the reason, and the exit status. */
	void (*refused)(void *arg, const struct err *err);

	void *arg; /* of all functions above */
};

/* Writes what is pending, closes the store, frees `q` (NULL is fine). Claims that are not settled
 * are given back as RELEASE_STOP; claim_free() is still due for them. Returns 0, or -1 with `err`
 * when the last write failed; `q` is gone then, too. A shared store is waited for some seconds at
 * most. */
int queue_close(struct queue *q, struct err *err);

/* ---- in ---- */

/* An update to put. The queue copies the strings. */
struct queue_put {
	const char *root; /* the source, to recognise repeats; NULL: it never repeats */
	bool has_id;
	int64_t update_id;
	const char *kind; /* "" if none */
	const char *keys; /* with a space between; "" for none: it waits for no other */
	unsigned lane;    /* 0 to 63 */
	const char *body;
	size_t length;
	const char *dead; /* not NULL: it becomes a dead letter at once, for this reason */
};

struct queue_put_result {
	size_t taken, repeated, dead;
};

/* Puts a batch in one transaction, together with all outcomes that wait for queue_flush(). With
 * `root` not NULL, the queue remembers `offset` for it. `result` may be NULL. Returns 0: the batch
 * survives kill -9, and survives a power cut once queue_durable() has returned 0; or -1 with
 * `err`: nothing of the batch was taken. A shared store has the batch only once queue_durable() has
 * returned 0; until then the queue keeps it, and *result has what was put, as if none were known.
 */
int queue_put(struct queue *q, const struct queue_put *puts, size_t count, const char *root,
	      int64_t offset, struct queue_put_result *result, struct err *err);

/* Is every batch on disk, so that the source may forget them? Returns 0: yes; 1: a sync is on its
 * way, `changed` follows; -1 with `err`: the sync failed, and the next call begins another. With
 * `wait`, for the caller who will see no further turn of the loop, the call itself syncs and
 * never returns 1; a shared store never waits, and may return 1 then, too. */
int queue_durable(struct queue *q, bool wait, struct err *err);

/* The source `root` answered a request with this offset, so the server repeats no update below it.
 * To be called before the updates of that answer are put. Written by the next flush. */
void queue_confirmed(struct queue *q, const char *root, int64_t offset);

/* The offset remembered for `root`; 0 if none is. A shared store tells it by `role` alone: 0. */
int64_t queue_offset(struct queue *q, const char *root);

/* A named value that is kept between runs. get: replaces `out` by the value ("" if there is none);
 * 0, or -1 with `err`. set: written by the next flush; without memory the old value stays. */
int queue_meta_get(struct queue *q, const char *name, struct buf *out, struct err *err);
void queue_meta_set(struct queue *q, const char *name, const char *value);

/* ---- out ---- */

/* An update handed out. The queue's until claim_free(). */
struct claim {
	int64_t seq;
	int failures; /* attempts that failed before this one: TG_ATTEMPT is one more */
	int deaths, interruptions; /* attempts that are charged to nobody, as of sched/ledger.h */
	bool redelivered;          /* an earlier attempt was started */
	bool solo;                 /* released as RELEASE_SHARED before: no other update joins it */
	bool expired;              /* no longer answerable: settle it as skipped, do not run it */
	unsigned lane;
	/* wall clock, milliseconds: when it came into the queue; of a dead letter that was put
	 * again, when that was */
	int64_t arrived;
	/* wall clock, milliseconds: start of its first attempt, perhaps this */
	int64_t first;
	int64_t update_id; /* for logs; 0 if it has none */
	void *owner;       /* free for the use of the claimer */
	char *keys;        /* with a space between */
	char *body;        /* NUL-terminated */
	size_t length;
	void (*free)(struct claim *c); /* for claim_free() only */
};

#define QUEUE_ALL_LANES (~UINT64_C(0))

/* Hands out the update whose turn it is among those of `lanes` (bit 1 << lane), and marks its
 * start; the mark is written by the next queue_flush(). Start the handler only when
 * queue_marked() says that the mark is on disk. Returns 1: *out is the claim, to be settled and
 * freed; 0: no update is due; -1 with `err`: the store fails, try again later. An update with
 * LEDGER_ALONE deaths is handed out only while no other runs, and no other of `lanes` is handed
 * out meanwhile. */
int queue_claim(struct queue *q, uint64_t lanes, struct claim **out, struct err *err);

/* Hands out one more update for a batch: batch[0] came from queue_claim() and is not settled, the
 * other n - 1 came from this verb. The update is of the same lane, and is ready or waits only for
 * updates of this batch, or, in a lane that gathers, was gathered with the first; so the updates of
 * a key stand in the batch in order of arrival. No update
 * joins a solo claim or one with LEDGER_ALONE deaths, nor does such an update join. Each member
 * keeps its keys until it is settled; members are settled one by one, in any order. A member that
 * is released or retried keeps its place, and comes up when those behind it in the batch are
 * settled, too. Returns as queue_claim(). */
int queue_claim_joining(struct queue *q, struct claim *const *batch, size_t n, struct claim **out,
			struct err *err);

/* Is the start of this claim on disk, or on its way to a shared store that handed it out, so that
 * its handler may start? */
bool queue_marked(const struct queue *q, const struct claim *c);

/* Frees a claim, before or after it is settled, or after its queue is closed. NULL is fine. */
void claim_free(struct claim *c);

/* Settle a claimed update when all processes of its handler are gone; written by the next flush.
 * A claim that is settled twice keeps its first outcome. done: the handler ended well. drop: the
 * update is skipped, or failed and is not kept. dead: the update becomes a dead letter; this
 * attempt counts as a failure. retry: the update is handed out again in `delay` milliseconds; this
 * attempt counts as a failure. */
void queue_done(struct queue *q, const struct claim *c);
void queue_drop(struct queue *q, const struct claim *c);
void queue_dead(struct queue *q, const struct claim *c, const char *reason,
		const char *last_stderr);
void queue_retry(struct queue *q, const struct claim *c, int64_t delay, const char *reason);

/* queue_retry() of an update that would be given up if it were proven (queue_proven()): its next
 * attempt comes as soon as an update of other keys ends well, and in `delay` milliseconds at the
 * latest. Only memory remembers the first of these. */
void queue_keep(struct queue *q, const struct claim *c, int64_t delay, const char *reason);

/* An end that is charged to nobody. */
struct queue_release {
	enum release_why why;
	bool started;            /* the program may have seen the update */
	int64_t delay;           /* milliseconds until the next attempt at least, in this run */
	const char *reason;      /* a phrase for people; NULL: `why` says all */
	const char *last_stderr; /* NULL or "" if none */
};

/* Settles a claim without counting a failure. The update is handed out again, or becomes a dead
 * letter if its account in sched/ledger.h is full. Returns NULL, or the letter's reason, which is
 * the queue's until the next call. After RELEASE_SHARED the update runs outside of any batch until
 * it is settled for good; only memory remembers that. */
const char *queue_release(struct queue *q, const struct claim *c, const struct queue_release *how);

/* Has an update of other keys ended well since the first attempt of this one began, also under an
 * earlier runner? */
bool queue_proven(const struct queue *q, const struct claim *c);

/* Writes the marks and outcomes since the last flush, in one transaction. Returns 0: all is
 * written, or there was nothing to write; 1: on its way, or to go when what is on its way has
 * arrived: `changed` follows; -1 with `err`: the queue keeps them for the next flush. */
int queue_flush(struct queue *q, struct err *err);

/* Is anything recorded that is not written yet? What is on its way is not. */
bool queue_dirty(const struct queue *q);

/* Names all that was recorded so far; is that written? A ticket stays valid, and what is written
 * stays so. */
uint64_t queue_ticket(const struct queue *q);
bool queue_written(const struct queue *q, uint64_t ticket);

/* ---- what waits ---- */

/* Milliseconds until an update of `lanes` becomes due by time alone: 0 if one can be claimed
 * now, -1 if none will. */
int64_t queue_next_due(const struct queue *q, uint64_t lanes);

/* How many updates of a lane have their turn now (of a chat, at most one); *oldest_ms, which may be
 * NULL, gets for how many milliseconds the first of them has had it (0 if there is none). */
size_t queue_ready(const struct queue *q, unsigned lane, int64_t *oldest_ms);

/* How many updates of a lane are unfinished and do not run; in a shared store: that this machine
 * holds. */
size_t queue_waiting(const struct queue *q, unsigned lane);

/* When the update arrived that waits the longest, as struct claim has it; what runs does not wait,
 * and waits again since its arrival when it is given back. For people, who ask now and then: reads
 * the store. Returns 1: *arrived has it, in milliseconds of the wall clock; 0: none waits; -1 with
 * `err`. */
int queue_oldest(struct queue *q, int64_t *arrived, struct err *err);

/* Would a batch of the lane that began now have `size` updates? Those that are delayed, or wait for
 * updates that run, do not count. */
bool queue_batch_full(const struct queue *q, unsigned lane, size_t size);

/* Changes how long a lane that gathers waits, at once, and how much it gathers, of what comes. */
void queue_gather(struct queue *q, unsigned lane, const struct sched_gather *rule);

/* In a shared store `waiting`, `running`, `ready` and `gathering` are those that this machine
 * holds, the others those of all. */
struct queue_counts {
	size_t waiting; /* unfinished and not running: ready, behind another, delayed */
	size_t running, ready;
	size_t gathering; /* groups that wait for more of them */
	int64_t dead;
	int64_t later; /* that were pushed and are not due yet (later.h) */
	bool full;     /* the backlog is reached: stop asking the source */
};
void queue_counts(const struct queue *q, struct queue_counts *out);

/* Changes the limit of unfinished updates. */
void queue_set_backlog(struct queue *q, int64_t backlog);

/* ---- the store's files ---- */

/* Do the store's files stand under their names, so that the next run will find what was put?
 * Returns 0: yes; 1: yes, but a file that only guards them had been removed, and was made anew; -1
 * with `err`: no. */
int queue_stands(struct queue *q, struct err *err);

/* The open files that are the store, for who wants to save what they hold. `fd` and `name` stay the
 * queue's. */
enum { QUEUE_FILES = 2 };
struct queue_files {
	int fd[QUEUE_FILES];           /* -1: there is none */
	const char *name[QUEUE_FILES]; /* under which the next run looks for it */
};
void queue_files(struct queue *q, struct queue_files *out);

/* Bytes on the disk that the store holds already and may fill again: they count as free. */
int64_t queue_spare_bytes(const struct queue *q);

/* Gives a little of the store's unused space back to the disk, in some milliseconds. Returns 1:
 * there is more to give, 0: there is not, -1 with `err`. */
int queue_give_back(struct queue *q, struct err *err);

/* ---- for people ---- */

enum queue_item_state {
	QUEUE_READY,
	QUEUE_RUNNING,
	QUEUE_BEHIND,  /* waits for another update of its keys */
	QUEUE_DELAYED, /* waits until `due` */
};

/* An unfinished update. Valid during the callback only. */
struct queue_item {
	int64_t seq;
	bool later; /* it is none yet, and `seq` a number of later.h */
	bool has_id;
	int64_t update_id;
	const char *kind, *keys; /* "" if none */
	unsigned lane;
	enum queue_item_state state;
	int64_t due;  /* DELAYED: wall clock, milliseconds */
	bool gathers; /* DELAYED: until `due` at most, for more of its batch */
	int failures, deaths, interruptions;
	int64_t received; /* wall clock, milliseconds */
	const char *body; /* queue_show(): NUL-terminated; else NULL */
	size_t length;
};

/* Calls back for each unfinished update from number `from` on, in the order of numbers; the walk
 * gathers nothing, so a long list can be told in parts. Returns 0: the last one was told; 1: the
 * callback ended the walk by not returning 0; -1 with `err`. The callback calls no verb. */
int queue_each(struct queue *q, int64_t from, int (*each)(void *arg, const struct queue_item *item),
	       void *arg, struct err *err);

/* Calls back for the unfinished update number `seq`, with its bytes. Returns 1: told; 0: no such
 * update is unfinished; -1 with `err`. The callback calls no verb. */
int queue_show(struct queue *q, int64_t seq, int (*show)(void *arg, const struct queue_item *item),
	       void *arg, struct err *err);

/* A dead letter. Valid during the callback only. */
struct queue_letter {
	int64_t number; /* that of its update */
	bool has_id;
	int64_t update_id;
	const char *kind, *keys; /* "" if none */
	const char *reason, *last_stderr;
	int attempts;
	int64_t received, died; /* wall clock, milliseconds */
	const char *body;
	size_t length;
};

/* Calls back for each dead letter from number `from` on, in the order of numbers, with its bytes.
 * Returns as queue_each(); the callback calls no verb. */
int queue_dead_each(struct queue *q, int64_t from,
		    int (*letter)(void *arg, const struct queue_letter *letter), void *arg,
		    struct err *err);

enum queue_change {
	QUEUE_RETRY, /* dead letters become updates behind all others: fresh counts, no age limit */
	QUEUE_DROP,  /* dead letters are forgotten */
	QUEUE_SKIP,  /* updates that wait are settled as done, and what waited for them goes on */
	QUEUE_TAKE_BACK, /* those of later.h are forgotten; by number only */
};

enum queue_fate {
	QUEUE_CHANGED,
	QUEUE_MISSING, /* there is no such letter, no such update is unfinished or to come */
	QUEUE_RUNS,    /* SKIP: the update runs, and was left alone */
	QUEUE_HELD,    /* SKIP: a machine of a fleet holds it, and did not give it back; likewise */
};

/* What is still to be changed: these numbers, or with `all` every one from `from` to `to` but for
 * what runs. */
struct queue_many {
	enum queue_change change;
	bool all;
	const int64_t *numbers; /* the caller's */
	size_t count;
	int64_t from, to; /* 0: from the first; to the last at the first slice */
};

/* Changes a slice of `m`, in one transaction that is on disk when the call returns, and moves
 * `m` on. A slice has at least one number and at most some hundred, and ends when the monotonic
 * clock of the queue says `until` (milliseconds; INT64_MAX: never). Then `told`, which may be
 * NULL, is called for each number of the slice; it calls no verb. Returns 1: there is more to
 * change; 0: that was all; -1 with `err`: nothing of the slice was changed, or, if a write was
 * carried out and said to have failed, all of it. */
int queue_many(struct queue *q, struct queue_many *m, int64_t until,
	       void (*told)(void *arg, int64_t number, enum queue_fate fate), void *arg,
	       struct err *err);

/* Forgets a slice of the dead letters: all but the last `keep` (-1: no limit), and those that died
 * `max_age` milliseconds ago or earlier (0: every one; -1: no limit). Costs no look at the store
 * when there are none. The slice ends as that of queue_many(). *dropped gets how many were
 * forgotten. Returns 1: there may be more, 0: that was all, -1 with `err`. */
int queue_dead_trim(struct queue *q, int64_t keep, int64_t max_age, int64_t until, int64_t *dropped,
		    struct err *err);

#endif
