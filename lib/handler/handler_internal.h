/* handler/handler_internal: what the files of the room share: handler.c (room and handlers), exec.c
 * (a process for one update, or a batch), worker.c (the life of a worker), worker_talk.c (what
 * is said to and by it), worker_pool.c (how many there are, and who gets what), hook.c, feed.c
 * (the program that updates come from). What all of them read of a program is output.c's, and
 * sentence.c's. */
#ifndef TGRUN_HANDLER_HANDLER_INTERNAL_H
#define TGRUN_HANDLER_HANDLER_INTERNAL_H

#include "base/backoff.h"
#include "base/buf.h"
#include "base/list.h"
#include "handler/handler.h"
#include "handler/jobs.h"
#include "slot/oom.h"

struct proc;

struct handlers {
	struct handlers_config config;
	struct jobs jobs;
	struct oom oom;
	struct list handlers;
	struct list procs;     /* exec.c, hook.c and feed.c */
	struct list hooks;     /* that wait */
	struct list unwritten; /* workers that were given something since the last handlers_flush() */
	struct loop_timer *flush_timer;
	struct buf vars;       /* room to build variables in; holds the token's neighbours, so it is wiped */
	struct proc *feeding;  /* feed.c's, NULL: it does not run */
	int running, live;     /* updates; jobs in slots */
	int hooks_running, hooks_waiting;
	size_t hook_bytes;
	uint64_t hooks_dropped;
	struct log_pace hook_pace; /* of hooks that are not run */
	bool begun, draining, stopping, looking;
};

struct worker;

enum worker_end { WORKER_ENDED, WORKER_UNSTARTABLE, WORKER_DIED };

/* The workers of one handler. */
struct pool {
	struct list workers;
	int count;                /* in slots, leaving ones too */
	struct loop_timer *timer; /* something of worker_pool.c is due */
	struct backoff backoff;   /* of deaths before any answer */
	int64_t start_at;         /* monotonic: not before; 0: at once */
	bool crashing;            /* they end before any answer, and the log says so */
	bool announced;           /* they say when they are ready */
	bool looking;
	struct worker *successor; /* replaces `old` when it is ready */
	struct worker *old;
	struct worker *emptying;  /* gets nothing until it is empty, for an update that must be alone … */
	int64_t emptying_until;   /* … that should have come by then */
	uint64_t serial;
	struct { uint64_t hash, serial; } *sticky; /* who had a key last; POOL_STICKY rows, NULL: not wanted yet */
	struct log_pace bad_pace; /* of bad answers */
	struct log_pace end_pace, early_pace, crash_pace; /* of workers that end: after an answer, before any, again and again before any */
};

struct handler {
	struct list link;
	struct handlers *room;
	enum handler_mode mode;
	char *name;
	struct handler_policy policy;
	struct command *command;
	char *bot_username;
	bool retired;       /* by handler_free(): gone with its last job */
	int running, live;  /* updates; jobs */
	uint64_t starts, deaths, recycled, bad_answers;
	struct pool pool;
};

/* handler.c */
int handler_slots_free(const struct handlers *room);     /* idle slots that are nobody's in particular */
int handler_slots_reserved(const struct handlers *room); /* by workers, and a feed, that do not run */
int handler_add_var(struct buf *vars, const char *name, int64_t value);
/* The update's own variables and TG_NUMBER, the queue's; finds out the update's number on the
 * way. */
int handler_update_vars(struct buf *vars, struct claim *c, const char *bot_username);
/* A memfd of the claims' bytes, each with a line feed, sealed: no write can block or fail half-way, and who never reads hinders nobody. At its
 * beginning, or -1. */
int handler_stdin(struct claim *const *claims, size_t n);
void handler_mask_nul(char *text, size_t n);             /* a NUL would end a sentence */
void handler_done(struct handler *h, struct claim *c, struct handler_result *r);
void handler_gone(struct handler *h);                    /* a job of it is over: frees a retired one after its last */

/* exec.c */
int exec_start(struct handler *h, struct claim *const *claims, size_t n);

/* hook.c: starts what waits while slots are there; forgets all that waits. */
void hook_look(struct handlers *room);
void hook_clear(struct handlers *room);

/* worker_pool.c */
int pool_init(struct handler *h);
void pool_release(struct handler *h);   /* frees the workers too */
void pool_look(struct handler *h);      /* starts, replaces and sets the timer */
size_t pool_room(const struct handler *h);
int pool_start(struct handler *h, struct claim *c, bool solo);
void pool_outdate(struct handler *h);
void pool_drain(struct handler *h);
void pool_stop(struct handler *h, int signo);
void pool_ended(struct worker *w, enum worker_end how, int errnum); /* a worker has ended */
void pool_ready(struct worker *w);      /* it said so, or it answered */

static inline int64_t handler_now(const struct handlers *room)
{
	return room->config.clock->mono(room->config.clock);
}

#endif
