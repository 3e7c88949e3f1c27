/* slot/slot: what the two sides of a slot say to each other; for slot*.c and command.c only.
 *
 * Over a SOCK_SEQPACKET pair, a message is one struct of fixed size (a start has the job's
 * variables after it). Each side checks what it gets; what is malformed ends the slot. The page is
 * shared memory, one for each slot. */
#ifndef TGRUN_SLOT_SLOT_H
#define TGRUN_SLOT_SLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "slot/slots.h"

enum slot_what {
	/* runner to slot */
	SLOT_COMMAND = 1, /* + the command's memfd: what is run from now on */
	SLOT_START,       /* + stdin (+ the extra descriptor), + variables */
	SLOT_SIGNAL,
	SLOT_TRUST, /* the page's deadline is sooner than it was */
	SLOT_LEAVE, /* + the runner's ends of the job's stdout (if captured) and stderr */
	/* slot to runner */
	SLOT_ENDED,  /* all stages ended; something still runs */
	SLOT_OVER,   /* nothing is left; the first report of most jobs */
	SLOT_FAILED, /* a stage could not be executed; nothing is left */
	SLOT_STAGE,  /* a stage ended, others run; only where the order wants it */
};

/* A second descriptor that comes along, and what it becomes. */
enum slot_extra { SLOT_EXTRA_NONE, SLOT_EXTRA_3, SLOT_EXTRA_STDOUT };

struct slot_order {
	uint32_t what;
	int32_t signo;
	uint64_t job;
	uint32_t vars_length;
	uint32_t extra;        /* enum slot_extra */
	uint32_t tells_stages; /* not 0: SLOT_STAGE is wanted */
	uint32_t reserved;
};

struct slot_report {
	uint32_t what;
	int32_t stage;  /* SLOT_FAILED, SLOT_STAGE */
	int32_t errnum; /* SLOT_FAILED */
	uint32_t reserved;
	uint64_t job;
	struct slot_end end; /* status 0 of what runs still */
};

/* But for the first member: written by the slot and its children before they execute anything; read
 * by the runner. */
struct slot_page {
	/* Of slots_trust(): written by the runner, read by the slot at each start, at the order
	 * SLOT_TRUST, and when the deadline has passed that it knew. */
	_Alignas(64) _Atomic int64_t trust;
	/* The number of the last job whose stages all were forked: they may have run. */
	_Alignas(64) _Atomic uint64_t started;
	_Atomic int32_t pid;       /* of its first stage */
	_Atomic uint32_t orders;   /* SLOT_SIGNAL orders taken up */
	_Atomic int32_t denied;    /* a process that the slot may not kill; 0: none */
	_Atomic uint32_t sweeping; /* the slot kills all it has */
	_Atomic uint32_t gate;     /* not 0: all stages were forked and may execute */
	_Atomic int32_t exec_errno[SLOT_STAGES_MAX];
};

struct slot_setup {
	struct slot_page *page;
	struct rlimit nofile;
	int sock;    /* to the runner */
	int lock_fd; /* -1: none */
};

/* The slot's whole life; 0 is /dev/null, 1 and 2 are the jobs' own. Every signal is blocked, every
 * disposition default. */
_Noreturn void slot_main(const struct slot_setup *setup);

/* A command as it was packed by command_new(): the runner's side … */
int command_fd(const struct command *c);
int command_stages(const struct command *c);

/* … and the slot's. All pointers lead into `map` or `list`. */
struct command_view {
	void *map;
	size_t size;
	const char **list; /* one allocation for all vectors below */
	int stages;
	const char *path[SLOT_STAGES_MAX];
	char **argv[SLOT_STAGES_MAX];
	char **env;
	size_t env_count;
	const char *dir; /* NULL: none */
	struct slot_limits limits;
};

/* Reads a command from `fd`, which stays the caller's. 0, or -1 with errno (EINVAL: malformed,
 * unsealed or too large). */
int command_open(int fd, struct command_view *out);
void command_close(struct command_view *v); /* also of one that is all zero */

/* What a stage needs between fork and exec. */
struct slot_exec {
	struct slot_page *page;
	const struct command_view *command;
	char **envp;
	size_t vars;          /* how many of them, the first ones, are the job's own */
	struct rlimit nofile; /* rlim_cur 0: as it is */
	pid_t slot;           /* the parent; if it is another, the slot has died */
	int extra_fd;         /* -1: none */
	bool extra_is_stdout;
};

/* The job's variables in `vars` (each NAME=VALUE ends in NUL), *count of them, then those of the
 * command that the job does not have. To be freed; NULL when malformed or out of memory. */
char **slot_exec_environment(const struct command_view *command, char *vars, size_t length,
			     size_t *count);

/* The child: sets up stage `stage` and executes it; what fails goes to the page. If the kernel
 * refuses the size of its environment, it is executed without those of the job's variables that are
 * long; where that is TG_TEXT, TG_TEXT_TRUNCATED=1 says so. */
_Noreturn void slot_exec_stage(const struct slot_exec *x, int stage);

/* slot_deadline.c: the time that slots_trust() has written into the page. */
struct slot_deadline {
	int fd;        /* a timer, for poll(2); -1: none was needed yet */
	int64_t armed; /* when it goes off, CLOCK_BOOTTIME; INT64_MAX: it is not set */
};
void slot_deadline_init(struct slot_deadline *d);
/* Whether the time has passed. Else the timer goes off when it has, or sooner. Ends this process
 * where there can be no timer. */
bool slot_deadline_passed(struct slot_deadline *d, const struct slot_page *page);
/* The timer went off: whether the time has passed is another question. */
void slot_deadline_rang(struct slot_deadline *d);
void slot_deadline_close(struct slot_deadline *d);

/* slot_stages.c: the processes that a job's pipeline consists of. */
struct pipeline;
struct slot_stages {
	struct pipeline *pipeline; /* of several; else NULL */
	pid_t pid[SLOT_STAGES_MAX];
	bool ended[SLOT_STAGES_MAX];
	bool collected; /* all of them ended, and were waited for */
	/* of those that ended; and what was used, when they were collected */
	struct slot_end end;
	/* of all children so far, kept from one job to the next; when they started */
	struct rusage spent, before;
};

/* Forks the stages of `job`; the first one's stdin is `stdin_fd`, which is closed here. They may
 * execute when this returns. A refused fork ends this process. */
void slot_stages_start(struct slot_stages *s, const struct slot_exec *x, uint64_t job,
		       int stdin_fd);

/* Looks which stages have ended, without waiting for them. `peak` gets what one of them used, if
 * that had more memory. Returns whether all have ended. */
bool slot_stages_look(struct slot_stages *s, struct rusage *peak);

/* Waits for the stages, all of which have ended. `peak`: from slot_stages_look(). */
void slot_stages_collect(struct slot_stages *s, const struct rusage *peak);

/* Enters what a child `of` the slot used that was waited for. Times are those of all such children
 * since the start, the peak of memory is the largest of any. */
void slot_stages_add_usage(struct slot_stages *s, const struct rusage *of);

/* Whether the process is one of the stages, ended or not. */
bool slot_stages_have(const struct slot_stages *s, pid_t pid);

/* The first stage that ended because it could not be executed; -1: there is none. */
int slot_stages_unexecuted(const struct slot_stages *s, const struct slot_page *page);

/* Lets the stages of a pipeline go on: all of them were forked. */
void slot_exec_open_gate(struct slot_page *page);

#endif
