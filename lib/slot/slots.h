/* slot/slots: the runner's side of the slots.
 *
 * A slot is a small process, a child subreaper, that keeps one job at a time: a handler's pipeline
 * and everything that it starts. Slots are forked before the loop, curl and SQLite exist, and
 * replaced when one dies. Slots hold no policy: deadlines, retries and the meaning of an end are
 * the runner's. See slot/slot.c for the process itself and DESIGN.md, "Runner and slots".
 *
 * The life of a job: slots_start() → [ended] → over, or → failed (could not be started), or → died
 * (the slot itself died; by then everything it kept is gone). After `over`, `failed` or `died` the
 * slot may be idle again; before, its key must stay locked. */
#ifndef TGRUN_SLOT_SLOTS_H
#define TGRUN_SLOT_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/err.h"
#include "io/loop.h"
#include "io/procs.h"

enum {
	SLOT_STAGES_MAX = 16,
	SLOT_VARS_MAX = 64 * 1024,
	SLOT_DESCRIPTORS_MAX = 2,
	SLOTS_MAX = 1 << 16
};

/* What a slot runs; immutable; shared by all slots; counted. */
struct command;

/* What each process of a command may use, set between fork and exec; see setrlimit(2). 0: as tgrun
 * itself has it. */
struct slot_limits {
	uint64_t memory;    /* bytes of address space */
	uint64_t cpu;       /* seconds of processor time until SIGXCPU; one more, and SIGKILL */
	uint64_t files;     /* open descriptors */
	uint64_t processes; /* all those of the user */
	int64_t nice;       /* added to the niceness */
};

struct command_spec {
	/* NULL-terminated: the pipeline's stages, each an argv that ends in NULL. argv[0] is what
	 * the program sees; `paths` says what is executed */
	const char *const *const *stages;
	const char *const *paths; /* one absolute path for each stage */
	/* NAME=VALUE, NULL-terminated: what every job's environment begins with */
	const char *const *env;
	/* working directory, NULL: the slot's own, which is tgrun's */
	const char *dir;
	struct slot_limits limits;
};

/* Packs a command into a sealed memfd. NULL with `err` (ERR_INTERNAL; ERR_CONFIG when there are too
 * many stages). One reference. */
struct command *command_new(const struct command_spec *spec, struct err *err);
struct command *command_ref(struct command *c);
void command_unref(struct command *c); /* NULL is fine */

/* Whether the kernel takes each stage's arguments and environment when no job adds to them:
 * execve(2), "Limits on size of arguments and environment". For after a start that was refused as
 * too large (E2BIG): then it was for the job's own size. True also when memory is out. */
bool command_fits(const struct command *c);

struct slots;
struct slot;

struct slots_config {
	int count;        /* of slots, from 1 */
	int lock_fd;      /* an open file description whose lock lives as long as any slot does, and
			     whose file has their list (io/roster.h); -1: none. Duplicated */
	const char *mark; /* an entry that every job has in its environment, NULL: there is none.
			     Process 1 gets children from elsewhere, too, and leaves those alone
			     that do not have it. Copied */
	/* where the jobs' stdout goes: -1 to the runner (captured), else this descriptor (inherit,
	 * discard), which is duplicated */
	int stdout_fd;
	/* RLIMIT_NOFILE that jobs get (tgrun may have raised its own); rlim_cur 0: the slot's own
	 */
	struct rlimit nofile;
};

/* How the stages of a job ended. */
struct slot_end {
	int stages;
	int status[SLOT_STAGES_MAX]; /* as of waitpid(2), raw, in the pipeline's order */
	/* ru_utime, ru_stime, ru_maxrss of all that the job's slot has reaped for it until now */
	struct rusage usage;
	/* The slot killed it, or never began it (then each status is a death by SIGKILL), since the
	 * time of slots_trust() had passed. */
	bool expired;
};

/* In these calls slots_job() is the job's tag still, and any verb but slots_free() may be used: a
 * job may be started in the very slot. */
struct slots_events {
	/* Stage `stage` of the job has ended, others still run; `end` has the statuses of all that
	 * ended so far, and 0 for those that run. Only if the job has `tell_stages`. */
	void (*stage_ended)(void *arg, struct slot *slot, int stage, const struct slot_end *end);
	/* All stages of the job have ended; something it started still runs. Not called when
	 * nothing does: then `over` alone. */
	void (*ended)(void *arg, struct slot *slot, const struct slot_end *end);
	/* Nothing of the job is left. The slot is idle from now on. */
	void (*over)(void *arg, struct slot *slot, const struct slot_end *end);
	/* Stage `stage` could not be executed (`errnum`), or not all stages could be forked
	 * (`stage` -1; none executed anything). Nothing of the job is left. The slot is idle, or
	 * with `stage` -1 it is being replaced. Not the update's fault. */
	void (*failed)(void *arg, struct slot *slot, int stage, int errnum);
	/* The slot was killed, and all of its job is gone; `started` says whether its handler had
	 * begun. The slot is being replaced; it will be idle later. Called also for a slot without
	 * a job (slots_job() is NULL). */
	void (*died)(void *arg, struct slot *slot, bool started);
	/* Bytes that the job wrote; `which` is 1 or 2. The bytes may be changed. All output
	 * comes before `over`. */
	void (*output)(void *arg, struct slot *slot, int which, char *bytes, size_t n);
	/* A slot became idle by another way than the above (a replacement is ready). */
	void (*idle)(void *arg);
	/* Something to tell the user: a slot that cannot be forked, a process that cannot be
	 * killed. `warn` else debug. */
	void (*note)(void *arg, struct slot *slot, bool warn, const char *text);
};

/* Lets slots call themselves `tg-slot` in their command line too, so that `pkill -f tgrun` spares
 * them. `argv` is main's, as the kernel gave it; to be called before slots_fork() and before an
 * argument is changed in length. */
void slots_set_title_area(char **argv);

/* Forks `config->count` slots (at most SLOTS_MAX). A slot costs three descriptors here; raise
 * RLIMIT_NOFILE before. Call before anything large is allocated and before any thread exists.
 * Remembers the children that this process already has: they are left alone for good. NULL with
 * `err` (ERR_INTERNAL; ERR_CONFIG when the limits do not allow that many). */
struct slots *slots_fork(const struct slots_config *config, struct err *err);

/* Another file for the slots' lock, since somebody removed the one there was: slots that are forked
 * from now on hold this. Those that live keep the old one, and are in the new one's list. 0, or -1
 * with errno. */
int slots_relock(struct slots *s, int lock_fd);

/* Puts the slots on the loop. `events` and `arg` outlive the slots. 0 or -1 with `err`. */
int slots_attach(struct slots *s, struct loop *loop, const struct slots_events *events, void *arg,
		 struct err *err);

/* Kills everything that runs, waits until all of it is gone, ends the slots and frees. What the
 * kernel cannot kill is not waited for beyond 10 s: its slot goes on killing, and keeps the lock,
 * when this process has ended. NULL is fine. Does not call back. */
void slots_free(struct slots *s);

/* Until when the slots may have jobs, in milliseconds of CLOCK_BOOTTIME; 0: they may not,
 * INT64_MAX, as at first: for ever. Each slot keeps to that by itself, also while this process is
 * stopped: when the time has passed, it kills its job with all that it started, as slots_signal()
 * does with SIGKILL, and begins none. What slots_leave() left behind is no job any more. A later
 * time makes jobs possible again (`idle` tells), and counts for those that run. */
void slots_trust(struct slots *s, int64_t until);

/* How many slots are idle. */
int slots_idle_count(const struct slots *s);

/* An idle slot, NULL if there is none. The one that was used last comes first. */
struct slot *slots_idle(struct slots *s);

struct slot_job {
	void *tag;               /* the owner's, see slots_job() */
	struct command *command; /* referenced by the slot as long as needed */
	/* NAME=VALUE, each ended by a NUL: added to the command's environment, before it (first
	 * wins) */
	const char *vars;
	size_t vars_length; /* bytes, at most SLOT_VARS_MAX */
	int stdin_fd;       /* given to the slot; closed here in every case */
	/* becomes descriptor 3 of the job; -1: none; closed here in every case */
	int extra_fd;
	bool extra_is_stdout; /* it becomes the last stage's stdout instead */
	bool tell_stages;     /* `stage_ended` is wanted */
};

/* Starts a job in an idle slot. Returns 0, or -1 with errno: then nothing was started, the slot is
 * still idle (or dying, in which case `died` follows), and it is the machine's failure (EAGAIN,
 * ENOBUFS, ENOMEM …), or the time of slots_trust() has passed (EAGAIN). */
int slots_start(struct slot *slot, const struct slot_job *job);

/* The tag of the job in the slot; NULL when the slot has none. */
void *slots_job(const struct slot *slot);

/* How many stages the command has that the slot was given last; 0: it had none yet. */
int slots_stages(const struct slot *slot);

/* The number of the slot, from 1, for logs. */
int slots_number(const struct slot *slot);

/* The process id of the first stage of the slot's job; 0 if it is not known. */
int slots_pid(const struct slot *slot);

/* Whether the slot's job, or the one that was just over, writes to an inherited stdout that
 * nobody reads any more: who writes there is sent SIGPIPE. Looks, and from then on has the jobs
 * that start captured; what has no job is replaced for that. Never so with another stdout. */
bool slots_stdout_lost(struct slot *slot);

/* Appends what the slot's job has started and runs still. 0, or -1 with errno. */
int slots_descendants(const struct slot *slot, struct procs *out);

/* TERM (or another signal) goes to everything the job started, once. SIGKILL begins a sweep that
 * goes on until nothing is left. */
void slots_signal(struct slot *slot, int signo);

/* The job's leftovers are no longer tgrun's business (--background leave): the slot becomes
 * their keeper, which releases the lock, outlives the runner, and reads what they write and
 * throws it away; another is forked in its place (`idle` tells). They cost this process no
 * descriptor. Only between `ended` and `over`. */
void slots_leave(struct slot *slot);

/* Takes in what the slot has already said but the loop has not yet delivered, so that a deadline
 * does not overtake an end. */
void slots_catch_up(struct slot *slot);

#endif
