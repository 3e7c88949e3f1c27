/* handler/handler_internal: what the files of the room share.
 *
 * From the bottom: output, answer, outcome, jobs; room.c (slots and counts), given.c (what
 * programs are given) and told.c (what they say); proc.c (one process) under exec.c, hook.c and
 * feed.c; worker.c under worker_talk.c, worker_settle.c, worker_run.c, worker_choose.c and
 * worker_pool.c; webhook_url.c, webhook_answer.c under webhook.c; handler.c calls the modes through
 * mode_internal.h. No file calls one that stands above it. */
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
	struct list procs; /* exec.c, hook.c and feed.c */
	struct list hooks; /* that wait */
	struct loop_timer *flush_timer;
	struct buf vars;      /* variables are built in it; wiped, since they may hold secrets */
	struct proc *feeding; /* feed.c's, NULL: it does not run */
	int running, live;    /* updates; jobs in slots */
	int hooks_running, hooks_waiting;
	size_t hook_bytes;
	uint64_t hooks_dropped;
	uint64_t cancels;          /* calls of handlers_cancel() */
	struct log_pace hook_pace; /* of hooks that are not run */
	bool begun, draining, stopping, looking;
};

struct handler {
	struct list link;
	struct handlers *room;
	enum handler_mode mode;
	const struct mode_ops *ops; /* of the mode */
	char *name;
	struct handler_policy policy;
	struct command *command;
	char *bot_username;
	bool located;      /* handler_set_url() has told where it posts */
	bool retired;      /* by handler_free(): gone with its last job */
	int running, live; /* updates; jobs */
	int slots_used;    /* of those that the room keeps free for it */
	uint64_t starts, deaths, recycled, bad_answers;
	struct log_pace bad_pace; /* of bad answers */
	struct pool *pool;        /* worker_pool.c's; NULL in other modes */
	struct webhook *webhook;  /* webhook.c's; the same */
};

/* An update that a process was started for, or a worker was given. */
struct member {
	struct claim *claim;
	bool cancelled; /* before the process had ended */
};

/* room.c: idle slots that belong to nobody; slots that are kept for workers and for a feed, of
 * those that do not run; slots that `h` needs of its own. */
int room_slots_free(const struct handlers *room);
int room_slots_reserved(const struct handlers *room);
int room_slots_needed(const struct handler *h);
/* An update of `h` is over: gives the claim back to the owner of the room. */
void room_done(struct handler *h, struct claim *c, struct handler_result *r);
/* A job of `h` is over. Frees a retired handler after its last job. */
void room_gone(struct handler *h);
void room_release(struct handler *h); /* frees it, and what it runs, without calling back */

/* told.c: a line of output of a process of `h`, `which` 1 or 2, goes to the log and to the room's
 * `output`. `c` NULL: it may be of any of `batch` updates. */
void told_line(struct handler *h, const struct claim *c, size_t batch, int which, const char *text,
	       size_t n);

/* given.c: appends NAME=VALUE and a NUL. 0, or -1 when `vars` is full. */
int given_var(struct buf *vars, const char *name, int64_t value);
/* Appends TG_NUMBER, the number of the claim in the queue, and the variables of the update.
 * `bot_username` NULL: not known. 0, or -1 when `vars` is full. */
int given_update(struct buf *vars, const struct claim *c, const char *bot_username);
/* A memfd of the claims' bytes, each followed by a line feed: sealed, and at its beginning. So no
 * write to a program can block or fail half-way, and a program that never reads hinders nobody. The
 * caller's to close. -1 with errno. */
int given_stdin(struct claim *const *claims, size_t n);

/* hook.c: starts hooks that wait, while slots are there; forgets all that wait. */
void hook_look(struct handlers *room);
void hook_clear(struct handlers *room);

static inline int64_t handler_now(const struct handlers *room)
{
	return room->config.clock->mono(room->config.clock);
}

#endif
