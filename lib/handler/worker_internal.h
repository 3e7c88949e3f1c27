/* handler/worker_internal: one worker, a process that stays: what the files worker*.c share. */
#ifndef TGRUN_HANDLER_WORKER_INTERNAL_H
#define TGRUN_HANDLER_WORKER_INTERNAL_H

#include "handler/handler_internal.h"
#include "handler/output.h"

enum {
	WORKER_PENDING_MAX = 1 << 20, /* bytes that wait to be written; past them a worker gets no update */
	POOL_STICKY = 1 << 14,
};

enum worker_phase { WORKER_ALIVE, WORKER_TERMINATING, WORKER_KILLING };

/* An update in a worker's hand. */
struct held {
	struct claim *claim;
	int64_t started, timeout; /* monotonic milliseconds; milliseconds, 0: none */
	uint64_t from;            /* bytes of input before it */
	bool timed_out;
};

struct worker {
	struct job job;
	struct list link;      /* of the pool */
	struct list unwritten; /* of the room */
	struct handler *h;
	struct loop_timer *timer;
	struct loop_watch *in, *out; /* its stdin and its descriptor 3; NULL: closed */
	int in_fd, out_fd;
	int left_fd;           /* what was left in the pipe when its input was closed before it answered; -1: not kept */
	struct buf pending;    /* input from `sent` on is still to be written */
	size_t sent;
	uint64_t given, written; /* bytes of input in all */
	struct buf line;       /* of answers, not ended yet */
	struct output output;
	struct held *held;     /* in the order in which they were given */
	int count, capacity;   /* updates in hand, and at most */
	int number;            /* from 1, the lowest free one at its start */
	uint64_t serial, requests;
	int64_t started, grace, leave_by; /* monotonic milliseconds; leave_by 0: it may stay */
	enum worker_phase phase;
	struct slot_end end;
	const char *fault;     /* why it was killed, when that is the fault of what it holds */
	int stopped_by;
	bool ready;            /* it said so, or has answered */
	bool answered;
	bool reading;          /* worker_read() is under way */
	bool skipping;         /* the rest of a line of answers that is too long */
	bool outdated;         /* to be replaced */
	bool asked;            /* to end */
	bool leaving;          /* gets no update any more */
	bool ended;            /* itself; something it started runs still */
	bool killed;           /* by us, before it ended */
	bool unread;           /* it is gone with all that it started, and none of them read anything of its input */
	bool stopped;          /* by handlers_stop() */
	bool unheard;          /* it ended when nobody read tgrun's stdout any more, which it had */
	bool solo;             /* holds one that must be alone */
	bool armed;            /* the timer is set */
	int busy;              /* in a function that goes on using it … */
	bool gone;             /* … so it is freed there */
};

/* worker.c: starts a worker; NULL with errno. */
struct worker *worker_start(struct handler *h);
void worker_free(struct worker *w);
/* It gets no update any more and, when it holds nothing, the end of its input; then it may stay
 * for `grace` milliseconds. */
void worker_leave(struct worker *w, int64_t grace);
void worker_retire(struct worker *w); /* the same, of its own doing: gets no update any more */
void worker_kill(struct worker *w, enum worker_phase phase);
void worker_stop(struct worker *w, int signo);
void worker_arm(struct worker *w);
void worker_enter(struct worker *w);  /* it is not freed before … */
bool worker_exit(struct worker *w);   /* false: it is gone */

/* worker_settle.c: what the end of a worker means for what it holds. */
void worker_settle(struct worker *w, enum worker_end how, int errnum);
void worker_describe_end(const struct worker *w, char *out, size_t n);

/* worker_talk.c */
size_t worker_room(const struct worker *w);
int worker_give(struct worker *w, struct claim *c, bool solo); /* 0, or -1 with errno */
void worker_write(struct worker *w);
void worker_read(struct worker *w);
void worker_on_in(void *worker, int events);
void worker_on_out(void *worker, int events);
void worker_close_in(struct worker *w);
bool worker_has_read(const struct worker *w); /* anything of its input until now, or it cannot be told */

#endif
