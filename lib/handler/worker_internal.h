/* handler/worker_internal: one worker, a process that stays, and the pool of a handler's workers:
 * what the files worker*.c share.
 *
 * A worker knows its pool only as a table of events. */
#ifndef TGRUN_HANDLER_WORKER_INTERNAL_H
#define TGRUN_HANDLER_WORKER_INTERNAL_H

#include "handler/handler_internal.h"
#include "handler/output.h"

enum {
	/* milliseconds: one that has lived so long without a word is taken for one that works */
	WORKER_SETTLES = 2000,
	/* bytes that wait to be written; past them a worker gets no update */
	WORKER_PENDING_MAX = 1 << 20,
	POOL_STICKY = 1 << 14,
};

enum worker_end { WORKER_ENDED, WORKER_UNSTARTABLE, WORKER_DIED };

struct worker;

/* What a worker tells its pool. */
struct worker_events {
	void (*announced)(struct worker *w); /* it said that it is ready */
	void (*answered)(struct worker *w);
	/* It is over, and what it held was given back. It is freed after this call. `errnum` of
	 * WORKER_UNSTARTABLE, else 0. */
	void (*ended)(struct worker *w, enum worker_end how, int errnum);
};

enum worker_phase { WORKER_ALIVE, WORKER_TERMINATING, WORKER_KILLING };

/* An update, or a batch of them, that a worker was given and has not answered. */
struct held {
	struct claim *claim;      /* the first */
	struct member *rest;      /* of a batch; NULL: none */
	int more;                 /* so many */
	int64_t started, timeout; /* monotonic milliseconds; milliseconds, 0: none */
	uint64_t from;            /* bytes of input before it */
	bool timed_out;
	bool cancelled; /* the first was */
};

struct worker {
	struct job job;
	struct list link;      /* of the pool */
	struct list unwritten; /* of the pool */
	struct handler *h;
	const struct worker_events *events;
	struct loop_timer *timer;
	struct loop_watch *in, *out; /* its stdin and its descriptor 3; NULL: closed */
	int in_fd, out_fd;
	int left_fd;        /* for what was left in the pipe when `in` was closed; -1: nothing */
	struct buf pending; /* input from `sent` on is still to be written */
	size_t sent;
	uint64_t given, written; /* bytes of input in all */
	uint64_t read;           /* … that left the pipe, when all of it is gone */
	struct buf line;         /* of answers, not ended yet */
	struct output output;
	struct held *held; /* in the order in which they were given; in `held_room` */
	/* room for twice `capacity`, so that the first leaves without the others being moved */
	struct held *held_room;
	int count, capacity; /* updates or batches in hand, and at most */
	int number;          /* from 1, the lowest free one at its start */
	uint64_t serial, requests;
	int64_t started, grace, leave_by; /* monotonic milliseconds; leave_by 0: it may stay */
	enum worker_phase phase;
	struct slot_end end;
	const char *why;   /* of WORKER_UNSTARTABLE: what could not be executed, and why */
	const char *fault; /* why it was killed, when that is the fault of what it holds */
	int stopped_by;
	uint64_t looked; /* the handlers_cancel() that has looked at it */
	bool ready;      /* it said so, or has answered */
	bool batch;      /* it said that it takes several updates together */
	bool bare;       /* it said that it reads the update itself */
	bool answered;
	bool reading;   /* worker_read() is under way */
	bool skipping;  /* the rest of a line of answers that is too long */
	bool outdated;  /* to be replaced */
	bool asked;     /* to end */
	bool leaving;   /* gets no update any more */
	int broken;     /* the stage, from 1, whose end was that of a pipeline; 0: none */
	bool ended;     /* itself; something it started, or another stage, runs still */
	bool killed;    /* by us, before it ended */
	bool stopped;   /* by handlers_stop(), or since its slot had its time (slots_trust()) */
	bool cancelled; /* by handlers_cancel(), for an update that it held */
	bool unbegun;   /* its end was a failure to start; known since worker_settle() */
	bool unheard;   /* it ended when nobody read tgrun's stdout any more, which it had */
	bool solo;      /* holds one that must be alone */
	bool armed;     /* the timer is set */
	int busy;       /* in a function that goes on using it … */
	bool gone;      /* … so it is freed there */
};

/* The workers of one handler. */
struct pool {
	struct list workers;
	struct list unwritten;    /* those of them that were given something since the last flush */
	struct loop_timer *timer; /* something of worker_pool.c is due */
	struct backoff backoff;   /* of deaths before any answer */
	/* monotonic milliseconds: no worker is started before; 0: at once */
	int64_t start_at;
	bool crashing;  /* workers end before any answer, and the log says so */
	bool announced; /* workers say when they are ready */
	/* A pipeline read an update and never began: until a worker answers, the one that is tried
	 * gets no update before it is ready or has settled. */
	bool careful;
	bool looking;
	/* replaces `old` when it is ready; gets no update before, so that --workers of them have
	 * some */
	struct worker *successor;
	struct worker *old;
	/* kept from new updates until it is empty, so that a solo update can start there */
	struct worker *emptying;
	/* monotonic milliseconds: if no solo update came by then, the worker gets others again */
	int64_t emptying_until;
	uint64_t serial; /* of the worker that was started last */
	/* the worker that had a key last; POOL_STICKY rows, NULL: none was asked for yet */
	struct {
		uint64_t hash, serial;
	} * sticky;
	struct update *update; /* what is read of the one that is handed over; NULL: none was yet */
	/* of workers that end: after an answer, before any, again and again before any; of answers
	 * on the wrong descriptor; that one does not take batches */
	struct log_pace end_pace, early_pace, crash_pace, stray_pace, single_pace;
};

/* worker.c. From worker_enter() to worker_exit() a worker is not freed; worker_exit() returns false
 * if it is gone then. */
void worker_enter(struct worker *w);
bool worker_exit(struct worker *w);
/* Frees it and the claims that it holds, without calling back. */
void worker_free(struct worker *w);
/* Sets the timer to the next deadline of what it holds, or to `leave_by`. */
void worker_arm(struct worker *w);
/* It gets no update any more. When it holds nothing, or can answer no more, `grace` begins; after
 * it the worker gets TERM. */
void worker_retire(struct worker *w);
/* To it and all that it started: SIGTERM, and KILL follows after kill_after (WORKER_TERMINATING);
 * or SIGKILL (WORKER_KILLING). */
void worker_kill(struct worker *w, enum worker_phase phase);
void worker_close_in(struct worker *w);
/* Bytes of its input that it, or what it started, has read until now: an update whose `from` is not
 * below that was not read at all. All that was written, if it cannot be told. */
uint64_t worker_bytes_read(const struct worker *w);

/* Whether it holds this one. */
bool worker_holds(const struct worker *w, const struct claim *c);

/* worker_talk.c: how many updates, or batches, it can take now; hands one over, of `n` updates: 0,
 * or -1 with errno. */
size_t worker_room(const struct worker *w);
int worker_give(struct worker *w, struct claim *const *claims, size_t n, bool solo);
void worker_write(struct worker *w);
void worker_read(struct worker *w);
void worker_on_in(void *worker, int events);
void worker_on_out(void *worker, int events);

/* worker_settle.c: gives back what a worker held that ended; how it ended, as a phrase. */
void worker_settle(struct worker *w, enum worker_end how);
void worker_describe_end(const struct worker *w, char *out, size_t n);

/* worker_run.c: starts worker `number` of `h`, which the caller puts into its list. `serial` is
 * unlike that of any other worker of `h`; `events` outlives the worker. NULL with errno. */
struct worker *worker_start(struct handler *h, int number, uint64_t serial,
			    const struct worker_events *events);
/* The same as worker_retire(), and the end of its input comes when it holds nothing. `grace`:
 * milliseconds. */
void worker_leave(struct worker *w, int64_t grace);
/* The end of tgrun: `signo`, SIGTERM or SIGKILL. `w` may be gone afterwards. */
void worker_stop(struct worker *w, int signo);
/* Of handlers_cancel(). False: it holds nothing that is chosen. Else `w` may be gone. */
bool worker_cancel(struct worker *w, handler_chosen *chosen, void *arg);

/* worker_choose.c: the worker that is tried after a failure, at `now` of the monotonic clock: no
 * other is started until it is ready, or has at least lived for WORKER_SETTLES. NULL: none is. */
const struct worker *worker_choose_probe(const struct pool *p, int64_t now);
/* How many updates all workers of the pool can take now. */
size_t worker_choose_room(const struct handler *h);
/* As handler_most(). */
size_t worker_choose_most(const struct handler *h);
/* The worker that should get `c`, or the batch that it leads. NULL: none has room; if `solo`, one
 * is emptied then. */
struct worker *worker_choose(struct handler *h, const struct claim *c, bool batch, bool solo);
/* Whether it is young, has not said what it takes, and gets nothing before that: what is gathered
 * must not be taken apart for a worker that begins. */
bool worker_choose_waits(const struct worker *w, int64_t now);

/* One that stays and has had its time, its requests or its command (--max-worker-age,
 * --max-requests, a reload), at `now` of the monotonic clock; NULL: there is none. */
struct worker *worker_choose_worn(struct handler *h, int64_t now);

/* It has said that it is ready, or answered. */
static inline bool worker_has_spoken(const struct worker *w)
{
	return w->ready || w->answered;
}

/* The claims of what it holds: the first is 0, and there are 1 + more. */
static inline struct claim *held_claim(const struct held *u, int i)
{
	return i == 0 ? u->claim : u->rest[i - 1].claim;
}

static inline bool held_cancelled(const struct held *u, int i)
{
	return i == 0 ? u->cancelled : u->rest[i - 1].cancelled;
}

static inline struct worker *worker_at(const struct list *l)
{
	return container_of(l, struct worker, link);
}

#endif
