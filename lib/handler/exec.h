/* handler/exec: runs one handler process (or pipeline) for one update, with a deadline, and turns its end into a result.
 *
 * Deadlines live here, in the runner: at the timeout TERM goes to everything the handler started, then KILL. */
#ifndef TGRUN_HANDLER_EXEC_H
#define TGRUN_HANDLER_EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "handler/outcome.h"
#include "io/loop.h"
#include "io/slots.h"
#include "queue/queue.h"

enum background { BACKGROUND_WAIT, BACKGROUND_KILL, BACKGROUND_LEAVE };

struct exec_policy {
	int64_t timeout;    /* milliseconds from the handler's start, 0: none */
	int64_t kill_after; /* milliseconds between TERM and KILL */
	enum background background;
	uint64_t max_output; /* bytes */
	struct outcome_policy outcome;
};

enum exec_end {
	EXEC_ENDED,       /* see `outcome` */
	EXEC_UNSTARTABLE, /* could not be executed; see `reason`. The machine's failure or the configuration's, not the update's */
	EXEC_INTERRUPTED, /* killed by exec_stop(), or its slot died: uncounted */
};

struct exec_result {
	enum exec_end end;
	struct outcome outcome;
	const char *reason;      /* EXEC_UNSTARTABLE, EXEC_INTERRUPTED: a phrase */
	const char *last_stderr; /* "" if none */
	bool started;            /* EXEC_INTERRUPTED: the handler had begun */
	int64_t elapsed;         /* milliseconds */
	struct rusage usage;     /* EXEC_ENDED */
	uint64_t dropped;        /* bytes of output that were not logged */
};

struct exec;

struct exec_config {
	struct loop *loop;
	struct slots *slots;     /* exec attaches them to the loop; they stay the caller's */
	struct log *log;
	const struct clock *clock;
	const struct secret *secret; /* redacted from output; NULL: none */
	/* An update's job is over; nothing of it is left. The claim goes back to the owner. */
	void (*done)(void *arg, struct claim *claim, const struct exec_result *result);
	/* A slot may be idle that was not. */
	void (*idle)(void *arg);
	/* A line of a handler's output (`which` 1: stdout, 2: stderr), redacted; `text` ends in a NUL and holds no other. May be NULL. */
	void (*output)(void *arg, const struct claim *claim, int which, const char *text, size_t n);
	void *arg;
};

/* NULL with `err` (ERR_INTERNAL). */
struct exec *exec_new(const struct exec_config *config, struct err *err);
void exec_free(struct exec *x); /* frees what runs without calling back; free the slots first. NULL is fine */

void exec_set_policy(struct exec *x, const struct exec_policy *policy);

/* The command that is run from now on (a reference is taken), and the bot's name for TG_COMMAND (copied; NULL: unknown). */
void exec_set_command(struct exec *x, struct command *command, const char *bot_username);

/* Starts the handler for `claim`, which belongs to exec until `done`. 0; -1 with errno: nothing was started, the claim is still the
 * caller's, and no slot is idle (EAGAIN) or the machine has no room (ENOMEM, EMFILE …). */
int exec_start(struct exec *x, struct claim *claim);

int exec_running(const struct exec *x);

/* How many could be started now. */
int exec_idle(const struct exec *x);

/* The end of tgrun: `signo` SIGTERM or SIGKILL to all that runs. What does not end with 0 then was interrupted. */
void exec_stop(struct exec *x, int signo);

#endif
