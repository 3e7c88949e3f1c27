/* slot/slots_internal: what slots*.c share. A slot goes VACANT → IDLE → BUSY → LINGERS → IDLE …,
 * and from anywhere → DEAD → VACANT. */
#ifndef TGRUN_SLOT_SLOTS_INTERNAL_H
#define TGRUN_SLOT_SLOTS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/backoff.h"
#include "base/list.h"
#include "io/loop.h"
#include "io/procs.h"
#include "slot/slot.h"
#include "slot/slots.h"

enum slot_state {
	SLOT_VACANT, /* no process: to be forked */
	SLOT_IDLE,
	SLOT_BUSY,    /* the job's stages run */
	SLOT_LINGERS, /* they ended, background work runs */
	SLOT_DEAD,    /* the process died or was condemned; what it kept is being killed */
};

struct slot {
	struct slots *slots;
	int number;
	enum slot_state state;
	pid_t pid;                   /* 0: none, or waited for */
	int wait_status;             /* of the process, once it was waited for */
	int64_t forked;              /* monotonic milliseconds */
	int sock, out[2];            /* to the process; its stdout and stderr. -1: none */
	struct loop_watch *watch[3]; /* of sock and out */
	struct slot_page *page;
	struct list link;        /* in slots->idle */
	uint64_t job;            /* the number of the last job */
	void *tag;               /* NULL: no job */
	bool tell_stages;        /* of the last job */
	struct command *command; /* that the process has */
	struct slot_end end;
	/* its stdout lost its reader: replaced as soon as it has no job */
	bool stale;
	uint32_t signals; /* SLOT_SIGNAL orders sent to the process */
	/* when SIGKILL was ordered, monotonic milliseconds; 0: it was not */
	int64_t killed;
	bool complained;
};

/* A process that was a slot, and keeps what was left behind. Nothing of it is here but that it
 * is to be waited for. */
struct slots_keeper {
	struct list link;
	pid_t pid;
};

/* A child that this process had before there were slots. */
struct slots_known {
	pid_t pid;
	uint64_t start;
};

struct slots {
	struct slots_config config;
	struct loop *loop; /* NULL: not attached yet */
	const struct slots_events *events;
	void *arg;
	struct slot *slot; /* config.count of them */
	struct slot_page *pages;
	uint64_t jobs; /* numbers given */
	int64_t trust; /* of slots_trust() */
	struct list idle, keepers;
	int idle_count;
	struct slots_known *known;
	size_t known_count;
	struct procs found;
	struct loop_signal *sigchld;
	struct loop_timer *timer;
	struct backoff fork_again, sweep_again;
	int64_t fork_at;    /* not before, monotonic milliseconds */
	bool fork_failed;   /* and it was said; until a slot has reported something */
	int64_t dead_since; /* the oldest sweep for dead slots; 0: none */
	bool dead_complained;
	int64_t woken_at; /* when it was last said that a stopped slot is continued; 0: never */
};

/* slots_talk.c: the bottom of the four files. */
int64_t slots_now(void); /* monotonic milliseconds */
/* Tells the owner of the slots, if he has attached; `slot` may be NULL. */
void slots_note(struct slots *s, struct slot *slot, bool warn, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void slots_mend_soon(struct slots *s);   /* has slots_mend() called in the next turn of the loop */
void slots_drain(struct slot *slot);     /* reads all output there is */
void slots_make_idle(struct slot *slot); /* or condemns it, when it is stale */
void slots_not_idle(struct slot *slot);  /* takes an idle slot out of the idle ones */
/* Kills the process: the slot is dead from now on, and slots_mend() follows. */
void slots_condemn(struct slot *slot);
/* Looks whether the inherited stdout has lost its reader. A pipe's write end, or a socket, is in
 * error then; a file never is. Slots that hold it are stale from then on. */
void slots_look_at_stdout(struct slots *s);
/* Puts a slot's descriptors on the loop: 0, or -1 when memory is out; takes them off, and closes
 * them. */
int slots_watch(struct slot *slot);
void slots_unwatch(struct slot *slot);

/* slots_fork.c: forks the process of a vacant slot: 0, or -1 with errno; of all: 0, or -1 with
 * `err` (ERR_INTERNAL). */
int slots_spawn(struct slot *slot);
int slots_spawn_all(struct slots *s, struct err *err);

/* slots_mend.c: waits for dead slots, kills what they left, reports, forks anew; complains of what
 * cannot be killed. For the loop's timer, hence void. */
void slots_mend(void *slots);
/* Waits for all slots to end, and for what the dead among them left; at most ten seconds. */
void slots_wait_for_all(struct slots *s);
/* Whether there are children that a slot left behind; they are killed if `kill_them`. */
bool slots_sweep_strays(struct slots *s, bool kill_them);

#endif
