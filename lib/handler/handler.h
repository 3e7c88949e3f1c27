/* handler/handler: runs updates by the user's program, and turns how that went into results.
 *
 * The room (struct handlers) has the slots; a handler (struct handler) is one route's program, run
 * in one of four modes:
 *
 *   exec    a process for each update, which gets it as stdin and in its environment
 *   batch   a process for several updates, which gets them as JSON lines
 *   worker  processes that stay, get updates as JSON lines and answer on descriptor 3
 *   webhook no process: a server, to which each update is posted
 *
 * A claim that was handed over comes back once, by `done`. Until then its keys must stay locked:
 * what ran for it is running still. (A worker that answered goes on to live; then the answer is the
 * end of the update.) */
#ifndef TGRUN_HANDLER_HANDLER_H
#define TGRUN_HANDLER_HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "handler/outcome.h"
#include "handler/sentence.h"
#include "io/loop.h"
#include "queue/queue.h"
#include "slot/slots.h"

/* How lines of the log name an update: by the server's number, or by tgrun's own if it has none. */
#define CLAIM_LOG_ID(c) \
	((c)->update_id ? LOG_NUM("update", (c)->update_id) : LOG_NUM("number", (c)->seq))

enum background { BACKGROUND_WAIT, BACKGROUND_KILL, BACKGROUND_LEAVE };

/* The modes: the name of each, and the table of operations that its file ends in
 * (handler/mode_internal.h). */
#define HANDLER_MODES(ROW)            \
	ROW(MODE_EXEC, mode_exec)     \
	ROW(MODE_BATCH, mode_batch)   \
	ROW(MODE_WORKER, mode_worker) \
	ROW(MODE_WEBHOOK, mode_webhook)

#define HANDLER_MODE_NAME(name, ops) name,
enum handler_mode { HANDLER_MODES(HANDLER_MODE_NAME) };
#undef HANDLER_MODE_NAME

enum {
	HANDLER_BATCH_MAX = 1000,       /* updates in one batch */
	HANDLER_CONCURRENCY_MAX = 1024, /* updates at once in one worker, whatever it announces */
	HANDLER_HOOKS_MAX = 1000,       /* hooks that wait for a slot */
};

/* What a user of this room must know of a mode. */
struct handler_traits {
	const char *name; /* in the status: `exec` */
	size_t most;      /* updates that one handler_start() may ever take */
	bool own_slots;   /* its processes have slots of their own: handler_slots_for() */
	bool no_slots;    /* it has no processes */
};

struct handler_policy {
	int64_t timeout;    /* milliseconds from the start, or the handing to a worker; 0: none */
	int64_t kill_after; /* milliseconds between TERM and KILL */
	enum background background; /* of a worker: see worker.c; what it leaves is never left */
	uint64_t max_output; /* bytes for a process; of a worker: since it got an update last */
	/* of a process with an update of its own: its stdout is not logged, but handed over with
	 * the result; then max_output bounds each of the two streams */
	bool keep_stdout;
	/* several updates at once are of one chat: a process has the variables of the first of them
	 * and may be answered for, and a worker that asks for it gets them together */
	bool gathered;
	struct outcome_policy outcome;
	/* workers */
	int workers;            /* processes, from 1 */
	bool sticky;            /* a key prefers the worker that had it last */
	int max_requests;       /* updates after which a worker is replaced, 0: never */
	int64_t max_worker_age; /* milliseconds after which it is, 0: never */
};

enum handler_end {
	HANDLER_ENDED,       /* see `outcome` */
	HANDLER_UNSTARTABLE, /* could not be executed, see `reason`: not the update's failure, but
				the machine's or the configuration's */
	/* not known to be the update's doing: uncounted, to be handed out again */
	HANDLER_INTERRUPTED,
	HANDLER_CANCELLED, /* handlers_cancel() ended it, however it went then; see no other member
			      but `elapsed` */
};

struct handler_result {
	enum handler_end end;
	/* of HANDLER_ENDED; of HANDLER_UNSTARTABLE only `status`, which is an errno then */
	struct outcome outcome;
	const char *reason;   /* HANDLER_UNSTARTABLE, HANDLER_INTERRUPTED: a phrase */
	enum release_why why; /* of these two. RELEASE_SHARED: one of several caused the end;
				 hand each out by handler_start_solo() next time */
	/* Of stderr the line that says what went wrong, and the last 2 KiB; "" if there is none, or
	 * if several updates may have caused it. */
	const char *sentence, *last_stderr;
	/* Of an update that was handled, for a reply: the stdout that was kept, or the JSON value
	 * that a worker gave in `reply`. Not redacted, and NULL if there is none. Of several that
	 * were handled together the first has it, and the others an empty one. */
	const char *reply;
	size_t reply_length; /* bytes; no NUL need follow */
	bool reply_is_json;  /* it is the worker's, or a webhook's answer, see the next */
	/* it is the JSON object of one call; if that cannot be sent, the update is done all the
	 * same, and the call is one that failed */
	bool reply_is_answer;
	bool reply_short; /* stdout was longer than max_output */
	bool started;     /* of these two: the update may have been seen by the program */
	int64_t elapsed;  /* milliseconds */
	/* HANDLER_ENDED, not of workers; the first of a batch has it all */
	struct rusage usage;
	uint64_t dropped; /* bytes of output not logged; the first of a batch has all */
};

struct handlers;
struct handler;

/* In these calls any verb of this room may be used but handlers_free(). */
struct handlers_config {
	struct loop *loop;
	struct slots *slots; /* attached to the loop here; they stay the caller's */
	int hook_slots;      /* of them, kept free for hooks */
	bool feed;           /* one is kept free for handlers_feed() */
	struct log *log;
	const struct clock *clock;
	const struct secret *secret;   /* redacted from output; NULL: none */
	const char *ca_file, *ca_dirs; /* for http_trust(), of webhooks; they outlive the room */
	/* An update is over. The claim goes back to the owner. */
	void (*done)(void *arg, struct handler *h, struct claim *claim,
		     const struct handler_result *result);
	/* handler_room() may have grown. */
	void (*idle)(void *arg);
	/* A worker of `h` could not be executed (`errnum`, `reason`), or ended before it read
	 * anything (0; `reason` says how, and what it said of that). It is tried again with
	 * backoff. No update was touched. */
	void (*unstartable)(void *arg, struct handler *h, const char *reason, int errnum);
	/* A line of output (`which` 1: stdout, 2: stderr), redacted; `text` ends in a NUL and holds
	 * no other. `claim`: of the one update that can have caused it, NULL if there is none or
	 * several. May be NULL. */
	void (*output)(void *arg, struct handler *h, const struct claim *claim, int which,
		       const char *text, size_t n);
	void *arg;
};

/* NULL with `err` (ERR_INTERNAL). */
struct handlers *handlers_new(const struct handlers_config *config, struct err *err);

/* Frees all handlers and what they run, without calling back; free the slots first. NULL is
 * fine. */
void handlers_free(struct handlers *room);

/* From now on workers are started, and kept. Not before the processes of an earlier tgrun are
 * gone. Begun twice is begun once. */
void handlers_begin(struct handlers *room);

/* Writes to the workers what they were given. It happens in the next turn of the loop at the
 * latest; called after the last handler_start() of a turn it is one write for each worker, and at
 * once. */
void handlers_flush(struct handlers *room);

/* Updates in hand, of all handlers. */
int handlers_running(const struct handlers *room);

/* Those of them whose handler ended: only its background work runs. And what that is, for people
 * (procs_describe()). */
int handlers_lingering(const struct handlers *room);
void handlers_describe_lingering(const struct handlers *room, char *out, size_t n);

/* Nothing of any kind runs: no handler, no worker, no hook. */
bool handlers_quiet(const struct handlers *room);

/* The end of tgrun, gently: no update is taken from now on, workers see the end of their input and
 * may finish what they hold; one that holds nothing and does not go gets TERM after kill_after,
 * then KILL. exec and batch go on. No worker is started any more. */
void handlers_drain(struct handlers *room);

/* The end of tgrun: `signo` SIGTERM or SIGKILL to all that runs, hooks too. What does not end well
 * then was interrupted. Drains. */
void handlers_stop(struct handlers *room, int signo);

/* Ends what runs for the claims that `chosen` names: SIGTERM to their processes and to all that
 * these started, SIGKILL after kill_after. They come back as HANDLER_CANCELLED, unless their
 * process had ended, or their worker had answered: then only what is left of it is ended. What else
 * such a process holds is interrupted (RELEASE_OTHER), unless it ends well. `done` may be called
 * from in here; `chosen` may be asked several times, and uses no verb of this room. */
typedef bool handler_chosen(void *arg, const struct claim *c);
void handlers_cancel(struct handlers *room, handler_chosen *chosen, void *arg);

/* A handler of the room in `mode`, which lasts. `name` (copied) is for the log: its route. NULL
 * when memory is out. */
struct handler *handler_new(struct handlers *room, enum handler_mode mode, const char *name);

/* No update goes there any more; what it runs may finish (workers as in handlers_drain()) and calls
 * `done` still. `h` is gone for the caller, except as what `done` and `output` name. NULL is
 * fine. */
void handler_free(struct handler *h);

void handler_set_policy(struct handler *h, const struct handler_policy *policy);

/* The command that is run from now on (a reference is taken), and the bot's name for TG_COMMAND
 * (copied; NULL: unknown). Workers of another command are replaced one by one. */
void handler_set_command(struct handler *h, struct command *command, const char *bot_username);

/* Where MODE_WEBHOOK posts from now on, instead of a command: a checked URL (webhook_url.h), and
 * what is sent as X-Telegram-Bot-Api-Secret-Token, NULL: nothing. Both are copied. 0, or -1 with
 * `err`: all stays as it was. */
int handler_set_url(struct handler *h, const char *url, const char *secret, struct err *err);

/* The traits of a mode. */
const struct handler_traits *handler_mode_traits(enum handler_mode mode);

/* Slots that a handler in `mode` with `policy` needs of its own, and that the room keeps free for
 * it: its workers, and a spare in which a worker is replaced without a gap. 0 in a mode without
 * own_slots. */
int handler_slots_for(enum handler_mode mode, const struct handler_policy *policy);

/* How many more calls of handler_start() would find a process now: an idle slot, or a worker that
 * takes another update. A server has no bound. */
size_t handler_room(const struct handler *h);

/* How many claims one handler_start() takes now, from 1: as many as its mode ever takes, or fewer
 * where workers do not want as many. */
size_t handler_most(const struct handler *h);

/* Starts a process for `n` claims, or hands them to a worker; `n` is 1 to handler_most(), also as
 * it was in an earlier turn. 0: the claims belong to the handler until `done` gives each of them
 * back, never before this call returns, and those of one call in their order, one after the
 * other. -1 with errno: nothing was started, and the claims stay the caller's. EAGAIN:
 * handler_room() is 0. Else the machine refused (ENOMEM, EMFILE …), or the size of the update
 * (EFBIG). */
int handler_start(struct handler *h, struct claim *const *claims, size_t n);

/* The same for one claim whose last result was RELEASE_SHARED: it gets a process of its own, or a
 * worker that holds nothing else, and that gets nothing else before this one is over. -1 with
 * EAGAIN: no worker is empty. One of them then gets no other update for a second; call again within
 * that second. */
int handler_start_solo(struct handler *h, struct claim *claim);

/* Logs a stdout that was kept, and tells `output` of it, line by line, as if it had come now. */
void handler_tell_stdout(struct handler *h, const struct claim *c, const char *text, size_t n);

/* Updates in hand. */
int handler_running(const struct handler *h);

enum handler_mode handler_mode(const struct handler *h);

/* Those of its mode. */
const struct handler_traits *handler_traits(const struct handler *h);

/* The number, as in the log and in TG_WORKER, of the worker that holds the claim; 0: none does. */
int handler_worker(const struct handler *h, const struct claim *c);

struct handler_counts {
	int running;          /* updates in hand */
	int processes;        /* that live now, workers that leave among them */
	int ready;            /* workers that have announced themselves, or answered */
	int capacity;         /* updates the live workers take at once */
	uint64_t starts;      /* processes started */
	uint64_t deaths;      /* workers that ended without being asked to */
	uint64_t recycled;    /* workers replaced by age, requests, or a restart */
	uint64_t bad_answers; /* lines of workers that were no answer, or to nothing they hold */
	int64_t paused;       /* milliseconds until a worker is started again; 0: no pause */
};
void handler_counts(const struct handler *h, struct handler_counts *out);

struct hook_text {
	const char *name, *text; /* of a variable; left out when the text is "" */
};

/* A command that is told of something, and its end changes nothing. With `claim` it is told of an
 * update, which it gets on stdin; else of what `body` and `texts` say. */
struct hook {
	const char *name;          /* for the log: `on-error` */
	struct command *command;   /* a reference is taken */
	const struct claim *claim; /* copied; NULL: the next members count instead */
	int64_t call;              /* the number of the call that it is about, for the log */
	const char *body;          /* for stdin; copied */
	size_t body_length;        /* bytes */
	const struct hook_text *texts;
	size_t text_count;
	/* of an update */
	const char *bot_username;
	int64_t max_attempts;        /* TG_MAX_ATTEMPTS */
	const char *reason;          /* TG_REASON */
	int status;                  /* TG_STATUS; below 0: there is none */
	const char *sentence;        /* TG_STDERR, absent when "" */
	int64_t timeout, kill_after; /* milliseconds; timeout 0: none */
};

/* Runs it when a slot is there for it. 0, or -1 when it was dropped: too many wait, or memory is
 * out (counted and logged). */
int handlers_hook(struct handlers *room, const struct hook *hook);

/* The program that updates come from is over, with all that it started. `reason`: a phrase that
 * is valid during the call; NULL if the program ended well. Any verb of this room may be used in
 * this call but handlers_free(). */
typedef void feed_ended(void *arg, const char *reason);

/* Starts it in the slot that is kept for it: stdin is /dev/null, stdout is `fd`, which stays the
 * caller's, and stderr is logged. Not while it runs. 0, or -1 with errno. */
int handlers_feed(struct handlers *room, struct command *command, int fd, int64_t kill_after,
		  feed_ended *ended, void *arg);

/* SIGTERM to it and all that it started, and SIGKILL after `kill_after` milliseconds. `ended`
 * comes, perhaps from in here. */
void handlers_feed_stop(struct handlers *room);

/* Hooks that run or wait; those that were dropped since the start. */
int handlers_hooks(const struct handlers *room);
uint64_t handlers_hooks_dropped(const struct handlers *room);

#endif
