/* handler/proc: one command (a process or a pipeline) that is run once, to its end, with a deadline
 * and with its output line by line. For exec.c, hook.c and feed.c, which embed struct proc.
 *
 * At the deadline SIGTERM goes to the command and to all that it started, and SIGKILL after
 * `kill_after`. It is over when none of these is left, so background work delays its end; the one
 * exception is BACKGROUND_LEAVE. */
#ifndef TGRUN_HANDLER_PROC_H
#define TGRUN_HANDLER_PROC_H

#include "base/list.h"
#include "handler/handler.h"
#include "handler/jobs.h"
#include "handler/output.h"

struct proc;

enum proc_end {
	/* Its stages ended, well or not, by themselves or at the deadline: see `end` and
	 * `timed_out`. */
	PROC_ENDED,
	/* They did not end well, after proc_stop(). */
	PROC_STOPPED,
	/* They did not end well, and had a standard output (--stdout inherit) whose reader is
	 * gone: perhaps they died of SIGPIPE. */
	PROC_UNHEARD,
	/* They did not end well, after the time of slots_trust() had passed; `begun` says whether
	 * they began at all. */
	PROC_CUT,
	/* A stage could not be executed, or not all could be forked. */
	PROC_UNSTARTABLE,
	/* Its slot was killed, and it with the slot. */
	PROC_DIED,
};

/* What the owner does about it; none is NULL. */
struct proc_ops {
	/* A line of output, as output_init() describes it. */
	void (*line)(struct proc *p, int which, const char *text, size_t n);
	/* The deadline has passed, and SIGTERM follows. With `ended` set only background work is
	 * ended by it. `limit`: the timeout as text, such as `60s`. */
	void (*overdue)(struct proc *p, const char *limit);
	/* It is over. The last call but `free`, which follows. `errnum`: of PROC_UNSTARTABLE, else
	 * 0. */
	void (*finish)(struct proc *p, enum proc_end how, int errnum);
	/* Frees the struct that `p` is embedded in. Called by proc_free(). */
	void (*free)(struct proc *p);
};

enum proc_phase { PROC_RUNNING, PROC_TERMINATING, PROC_KILLING };

/* The owner sets `ops` before proc_start() and `updates` behind it, and reads the rest. */
struct proc {
	struct job job;
	struct list link;      /* in the room's `procs`, from proc_start() to proc_free() */
	struct handlers *room; /* where it runs */
	const struct proc_ops *ops;
	struct loop_timer *timer;    /* of the deadline, then of SIGKILL */
	struct output output;        /* what it wrote */
	int64_t timeout, kill_after; /* as in struct proc_spec */
	enum background background;
	enum proc_phase phase;
	/* the rank of the signal that handlers_stop() sent last: 0 none, 1 SIGTERM, 2 SIGKILL */
	int stopped_by;
	bool timed_out; /* the deadline passed before its stages had ended */
	bool stopped;   /* proc_stop() was called before they had */
	bool unheard;   /* its standard output has lost its reader, see PROC_UNHEARD */
	bool ended;     /* its stages have ended, and `end` says how; background work may run */
	/* of PROC_DIED, PROC_UNSTARTABLE and PROC_CUT: a stage may have executed */
	bool begun;
	struct slot_end end;
	const char *why; /* of PROC_UNSTARTABLE, in `finish`: what could not be executed, and why */
	int updates;     /* updates that it was started for; 0 for hooks and sources */
	int64_t started; /* monotonic milliseconds */
};

struct proc_spec {
	struct command *command; /* a reference is taken while it is needed */
	const struct buf *vars;  /* the job's variables, see struct slot_job; copied */
	int stdin_fd;            /* what the first stage reads */
	int stdout_fd;           /* what the last stage writes to; -1: its output comes as lines */
	int64_t timeout;         /* milliseconds from the start to the deadline; 0: none */
	int64_t kill_after;      /* milliseconds between SIGTERM and SIGKILL */
	enum background background; /* what becomes of what runs on when the stages have ended */
	uint64_t max_output;        /* bytes, see output_init() */
	bool keep_stdout;           /* output_keep() */
};

/* Starts `p`, whose `ops` is set and whose other members are zero, in an idle slot of the room.
 * Both descriptors of `spec` are closed here in every case. 0: `finish` follows, in a later turn of
 * the loop; or -1 with errno (EAGAIN: no slot is idle; else as slots_start()): nothing was started,
 * and `p` is the caller's to free. */
int proc_start(struct proc *p, struct handlers *room, const struct proc_spec *spec);

/* Sends SIGTERM, or SIGKILL, to `p` and all that it started, once each; SIGKILL follows SIGTERM
 * after `kill_after`. `p` may be over, and freed, when this returns. */
void proc_stop(struct proc *p, int signo);

/* Frees what proc_start() made, and by ops->free the rest. For the end of the room: what is over
 * frees itself. Does not end what runs. */
void proc_free(struct proc *p);

#endif
