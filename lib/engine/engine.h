/* engine/engine: connects the rooms. It fills free slots from the queue, starts handlers, settles
 * outcomes, and starts and stops everything else.
 *
 * The engine runs on the caller's loop and never ends the program: it says when it has finished,
 * and with which exit status. */
#ifndef TGRUN_ENGINE_ENGINE_H
#define TGRUN_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/texts.h"
#include "engine/out.h"
#include "handler/handler.h"
#include "io/loop.h"
#include "io/statedir.h"
#include "queue/queue.h"
#include "reply/reply.h"
#include "slot/slots.h"
#include "source/poll.h"

struct notify;

/* How the updates of a route are handled. These are options of the command line that a route may
 * set for itself, and their rows point here (cli/options/options_table.c). */
struct route_policy {
	enum handler_mode mode; /* it stays */
	struct handler_policy handler;
	/* milliseconds before the second attempt, doubling up to 5 min */
	int64_t retry_delay;
	int batch_size; /* updates at most in one batch */
	/* `chat` or a JSON Pointer, borrowed: what of one chat has one value there, and comes in a
	 * burst, is one batch. NULL: batches are of what there is. It stays */
	char *batch_by;
	/* milliseconds that the first of a batch waits for others; with batch_by, since the last
	 * of it came, and at most ten times that */
	int64_t batch_wait;
	enum reply_mode reply; /* what becomes of the stdout of a handler that is done */
	bool reply_to;         /* the answer quotes the message */
	bool typing;           /* who waits sees that the bot writes */
};

/* Where some updates go: a program, and how it is run. */
struct engine_route {
	/* a kind or a /command (update/match.h); NULL: all that no other route takes, the last of
	 * the routes */
	const char *match;
	/* checked ids (update/allow.h); without any, everybody is handled */
	struct texts allow_users, allow_chats;
	/* its `env` without what the engine adds: TG_BOT_ID, TG_BOT_USERNAME, TG_API_URL, TG_TOKEN,
	 * TG_STATE_DIR, TG_DATA_DIR, TG_RUN_ID */
	struct command_spec command;
	/* of MODE_WEBHOOK, instead of a command: where to post; checked (handler/webhook_url.h) */
	const char *url;
	struct route_policy policy;
};

enum { ENGINE_ROUTES_MAX = 32 }; /* two lanes of the queue each */

/* Numbers that the engine keeps as they are. Like the next struct these are options of the command
 * line, and their rows point here. */
struct engine_policy {
	bool hide_token;
	/* handlers get the token that `secret` handed out, and call through tgrun; it stays */
	bool serve_api;
	int breaker; /* failures in a row, 0: off */
	/* processes at most, and as many again for what bypasses; not counting workers. No more
	 * than at first */
	int concurrency;
	int backlog;              /* unfinished updates at which asking pauses */
	int64_t min_free;         /* bytes of the disk, below which it does; 0: not looked at */
	int64_t dead_keep;        /* dead letters, -1: all */
	int64_t dead_keep_age;    /* milliseconds, -1: for ever */
	int64_t shutdown_timeout; /* milliseconds; 0: handlers are killed at once */
	int64_t max_runtime;      /* milliseconds, 0: no limit */
	struct out_policy out;
};

/* Lists, checked; the first two stay. */
struct engine_lists {
	struct texts key;          /* for key_spec_new() */
	struct texts bypass;       /* matches, as the next two (update/match.h) */
	struct texts only, ignore; /* without `only`, all are handled */
	struct texts max_age;      /* for max_age_set() */
	struct texts reply_with;   /* NAME=VALUE, for struct reply_spec */
};

/* What may be changed while it runs (engine_reload), but for what says otherwise. Everything here
 * is borrowed for the duration of the call it is passed to. */
struct engine_options {
	/* the handlers */
	const struct engine_route *routes; /* number, order, matches and modes stay */
	size_t route_count;                /* from 1 to ENGINE_ROUTES_MAX */
	struct command_spec on_error, on_timeout, on_undelivered; /* hooks; `stages` NULL: none */
	/* the program that updates come from; `stages` NULL: none; it stays */
	struct command_spec source;
	struct engine_policy policy;
	struct engine_lists lists;
	const char *webhook_secret; /* for handler_set_url() of each; NULL: none */
};

/* Appends the text of all that decides on keys and lanes: when it differs from the stored one, what
 * waits is keyed anew; machines that share a queue have the same. 0, or -1 with `err`. */
int engine_rule(const struct engine_options *options, struct buf *out, struct err *err);

/* How many slots these options need: to be forked before the engine is made. */
int engine_slots(const struct engine_options *options);

/* Whether this build has the local API (engine/door.h): 0, or -1 with `err` (ERR_CONFIG), which
 * names the library that is missing. */
int engine_door_built(struct err *err);

/* What went wrong with an attempt, or with starting one. Texts are valid during the callback
 * only. */
struct engine_trouble {
	const struct claim *claim; /* NULL: the machine had no room for a start */
	/* `exited with status 3`, `timed out after 60s`, `No such file or directory` */
	const char *reason;
	/* of the update: `now a dead letter`, `to be tried again` …; what to mend, if it could not
	 * be started */
	const char *fate;
	const char *sentence; /* of stderr: what went wrong; "" if none */
	/* the handler could not be started, for the n-th time in a row; 0: it ran */
	int unstartable;
};

struct engine_config {
	struct loop *loop;
	struct log *log;
	const struct clock *clock;
	struct slots *slots; /* stay the caller's; free them after engine_free() */
	/* Opens the queue, which is the engine's then, with `config` as it is. NULL with `err`.
	 * `arg` as below. */
	struct queue *(*open_queue)(void *arg, const struct queue_config *config, struct err *err);
	/* what waits at the end is lost: it is said, and the status is not 0 */
	bool store_forgets;
	struct statedir *dir;        /* the caller's; NULL: nothing is kept on disk */
	const struct secret *secret; /* NULL: no bot, with another source than Telegram */
	/* who is told how things stand; the caller's. NULL: nobody */
	struct notify *notify;
	const char *run_id; /* DIRECTORY.RUN, see slot/leftover.h; "" for none */
	int slot_count;
	/* another source than Telegram: JSON lines from a descriptor, which becomes the engine's;
	 * -1: Telegram */
	int source_fd;
	/* of a program: the other end of the pipe at source_fd, the engine's too; -1: no program */
	int source_feed_fd;
	const char *source_name;
	/* asking */
	/* of an api_root (api/api_root.h); the second NULL: none */
	const char *api_root, *api_login;
	const char *ca_file, *ca_dirs; /* for http_trust() */
	struct poll_options poll;
	const char *allowed_updates; /* JSON, NULL: not sent */
	bool once;
	/* an update whose attempts are used up is given up, though nothing shows that others fare
	 * better; what is left at the end is no loss */
	bool rehearsal;
	struct engine_options options;
	/* It is over; `status` is the exit status. Called once. */
	void (*finished)(void *arg, int status);
	/* it was started from a terminal: a SIGHUP with which that goes is a stop */
	bool terminal;
	/* SIGHUP, or who asked over the control socket: read the configuration again and call
	 * engine_reload(). 0, or -1 with `err`, which is logged already. May be NULL. */
	int (*reload)(void *arg, struct err *err);
	/* An update was settled for good: handled, skipped, cancelled, dropped (failed false) or
	 * failed (dead, or dropped after a failure). May be NULL. */
	void (*settled)(void *arg, int64_t seq, bool failed);
	/* For who shows what happens; each may be NULL, and none may stop the engine. A handler was
	 * started; a line of its output (see handler.h); trouble. */
	void (*started)(void *arg, const struct claim *claim);
	void (*output)(void *arg, const struct claim *claim, int which, const char *text, size_t n);
	void (*trouble)(void *arg, const struct engine_trouble *trouble);
	/* An update of `n` bytes came and is left alone: `why` is a phrase. */
	void (*ignored)(void *arg, const char *update, size_t n, const char *why);
	/* What became of a message on its way to the chat `line`: a phrase. */
	void (*told)(void *arg, const char *line, const char *text);
	void *arg;
};

struct engine;

/* Opens the queue and connects everything. NULL with `err`, whose status is the exit status. */
struct engine *engine_new(const struct engine_config *config, struct err *err);

/* Begins to ask for updates and to run handlers. 0 or -1 with `err`. */
int engine_start(struct engine *e, struct err *err);

/* Stops gracefully: no more asking, handlers may finish for the shutdown timeout, then they are
 * killed. `status`: of the exit, when nothing had to be forced. A second call with `now` kills at
 * once. */
void engine_stop(struct engine *e, int status, bool now);

/* Takes over what may change of `fresh`: its options, how the server is asked (poll,
 * allowed_updates). Of these, it names in the log what cannot change while running
 * after all: routes and their modes, more workers or slots than at the start. All else of `fresh`
 * is the caller's to name. 0, or -1 with `err`: everything stays as it was. */
int engine_reload(struct engine *e, const struct engine_config *fresh, struct err *err);

/* Handles what waits and is due, asks for nothing more, then stops with status 0. */
void engine_drain(struct engine *e);

/* No handler is started while paused; asking goes on. */
void engine_pause(struct engine *e, bool paused);

/* How often something took how long: in buckets by the time, whose bounds stand in
 * engine_figures.c; the last one has no bound. */
enum { ENGINE_BUCKETS = 15 };
struct engine_histogram {
	uint64_t buckets[ENGINE_BUCKETS + 1];
	uint64_t sum; /* milliseconds */
};

/* The figures. Those that count begin with 0 at the start and never fall; the others say how it is
 * now. Ages are milliseconds, times milliseconds of the wall clock, 0: there is none, UINT64_MAX:
 * not known; flags are 0 or 1. What each means stands in the table of engine_figures.c. */
struct engine_counts {
	uint64_t received, repeated, ignored, strangers;
	uint64_t done, failed, retried, dead, skipped, dropped, interrupted, cancelled;
	uint64_t failed_by[OUTCOME_CAUSES], start_failures;
	struct engine_histogram handler_duration, queue_delay;
	uint64_t polls, poll_failures, poll_failed[API_CLASSES], hooks_dropped, log_lines_dropped;
	uint64_t sent, undelivered, calls_dropped, perhaps_twice;
	/* now */
	uint64_t concurrency, running, waiting, ready, later, dead_letters, hooks;
	uint64_t handlers_running, handler_slots, oldest_waiting, last_poll;
	uint64_t outbox, outbox_oldest, sending, failed_calls;
	uint64_t paused, breaker_open, start_failing, store_failing, backlog_full, disk_low;
	uint64_t state_gone, outbox_full, sending_failing, token_refused;
	/* of a store that machines share; else 0 */
	uint64_t fleet_asks, fleet_sends, fleet_held, fleet_beat_age;
	uint64_t fleet_cut_offs, fleet_takeovers, fleet_refusals; /* since the start */
};
void engine_counts(const struct engine *e, struct engine_counts *out);

/* Nothing runs, and nothing that waits is due. */
bool engine_idle(const struct engine *e);

/* The updates whose handler ended while its background work runs on and holds their chats; 0: none.
 * `out` gets what that is, for people. */
int engine_lingering(const struct engine *e, char *out, size_t n);

/* Flushes and frees. 0, or -1 with `err` when outcomes could not be written: their updates will be
 * handed out again. */
int engine_free(struct engine *e, struct err *err);

#endif
