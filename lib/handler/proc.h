/* handler/proc: one process (or pipeline) with an end: a deadline, TERM, KILL, and output line by
 * line. For exec.c, hook.c and feed.c.
 *
 * Deadlines live here, in the runner: at the timeout TERM goes to everything the process started,
 * then KILL. */
#ifndef TGRUN_HANDLER_PROC_H
#define TGRUN_HANDLER_PROC_H

#include "base/list.h"
#include "handler/handler.h"
#include "handler/jobs.h"
#include "handler/output.h"

struct proc;

enum proc_end {
	PROC_ENDED,   /* by itself, or after the timeout: `end`, `timed_out` */
	PROC_STOPPED, /* not well, after proc_stop() */
	/* not well, perhaps because nobody read tgrun's stdout any more, which it had */
	PROC_UNHEARD,
	PROC_UNSTARTABLE, /* `errnum` */
	PROC_DIED,        /* its slot died */
};

struct proc_ops {
	void (*line)(struct proc *p, int which, const char *text, size_t n);
	/* for the log; `ended`: only background work runs still */
	void (*overdue)(struct proc *p, const char *limit);
	/* nothing of it is left; then it is freed by proc_free() */
	void (*finish)(struct proc *p, enum proc_end how, int errnum);
	void (*free)(struct proc *p);
};

enum proc_phase { PROC_RUNNING, PROC_TERMINATING, PROC_KILLING };

/* The first member of its owner's struct. */
struct proc {
	struct job job;
	struct list link; /* among the procs of the room */
	struct handlers *room;
	const struct proc_ops *ops;
	struct loop_timer *timer;
	struct output output;
	int64_t timeout, kill_after;
	enum background background;
	enum proc_phase phase;
	int stopped_by; /* for who calls proc_stop() */
	bool timed_out; /* before its stages ended */
	bool stopped;   /* by proc_stop() */
	bool unheard;   /* see PROC_UNHEARD */
	bool ended;     /* the stages; `end` holds how */
	bool begun;     /* PROC_DIED, PROC_UNSTARTABLE: something of it may have run */
	struct slot_end end;
	int updates;     /* that it holds; 0 for what is no handler */
	int64_t started; /* monotonic milliseconds */
};

struct proc_spec {
	struct command *command;
	const struct buf *vars;
	int stdin_fd;
	int stdout_fd; /* of the last stage; -1: as all, to be logged. Closed here in every case */
	int64_t timeout, kill_after;
	enum background background;
	uint64_t max_output;
	bool keep_stdout; /* output_keep() */
};

/* Starts `p`, of which `ops` is set and the rest is zero. 0, or -1 with errno; the descriptors are
 * closed in every case. */
int proc_start(struct proc *p, struct handlers *room, const struct proc_spec *spec);

/* SIGTERM or SIGKILL, at the end of tgrun. `p` may be gone afterwards. */
void proc_stop(struct proc *p, int signo);

/* Frees what proc_start() made, and then by ops->free. */
void proc_free(struct proc *p);

#endif
