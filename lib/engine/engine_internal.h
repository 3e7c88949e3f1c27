/* engine/engine_internal: what the engine's files share: engine.c (turns: claim, start), engine_settle.c
 * (what ends, and what follows), engine_route.c (routes, their commands and room),
 * engine_reload.c (options that change), engine_source.c (what the source says), engine_file.c (how
 * far a file was read), engine_strangers.c (whose updates are left alone), engine_life.c (start,
 * signals, stop), engine_control.c (the control socket's verbs), engine_status.c (the figures of
 * tgrun status), engine_stand.c (whether the state still stands), engine_tidy.c (what is dropped
 * and given back by and by), engine_hangup.c (SIGHUP). */
#ifndef TGRUN_ENGINE_ENGINE_INTERNAL_H
#define TGRUN_ENGINE_ENGINE_INTERNAL_H

#include "api/api.h"
#include "base/backoff.h"
#include "base/buf.h"
#include "base/list.h"
#include "engine/engine.h"
#include "handler/breaker.h"
#include "io/control.h"
#include "io/http.h"
#include "io/notify.h"
#include "queue/queue.h"
#include "source/source.h"
#include "update/allow.h"
#include "update/kinds.h"
#include "update/match.h"
#include "update/update.h"

enum engine_phase { ENGINE_NEW, ENGINE_RUNNING, ENGINE_DRAINING, ENGINE_KILLING, ENGINE_FINISHED };

enum { ENGINE_SIGNALS = 8, ENGINE_RATE_SECONDS = 60, ENGINE_START_TROUBLES = 12 };

/* A copy of a command that the user gave, to be packed again when the bot's name or token changes. */
struct engine_command {
	char ***stages; /* NULL: none */
	char **paths, **env;
	char *dir;
	struct slot_limits limits;
};

/* A route and its pacing. */
struct route {
	struct engine *engine;
	char *match;           /* NULL: the default */
	struct handler *handler;
	struct handler_policy policy;
	int workers_max;       /* those of the start, for which there are slots */
	struct engine_command command;
	struct allow *allow;   /* whose updates it handles */
	int64_t retry_delay, batch_wait;
	int batch_size;
	struct loop_timer *hold_timer, *batch_timer;
	struct breaker breaker;
	struct backoff start_backoff; /* while it cannot be started; failures > 0 says so */
	bool held;                    /* starting pauses until hold_timer goes off */
	const struct flight *probe;   /* the one start that engine_probes() allows, as long as it is under way; NULL: none is */
	struct log_pace breaker_pace, start_paces[ENGINE_START_TROUBLES];
};

/* The queue's lanes: two for each route, the second of what bypasses. */
enum { LANE_ORDERED, LANE_BYPASS, LANE_GROUPS };

/* An update that was claimed: waiting for the mark of its start to be on disk, or running. A batch is a leader and who follows it. */
struct flight {
	struct list link;      /* in engine.starting or engine.running */
	struct claim *claim;
	struct route *route;
	int group;             /* LANE_ORDERED or LANE_BYPASS */
	bool leader;           /* counts as one process */
	int64_t since;         /* monotonic milliseconds */
};

struct engine {
	struct engine_config config;
	/* copies of what the options say */
	int64_t backlog, min_free, dead_keep, dead_keep_age, shutdown_timeout;
	int concurrency, concurrency_max, breaker_limit; /* the most is that of the start, for which there are slots */
	struct key_spec *keys;
	struct key_spec *chats; /* the key that is the chat, whatever --key says */
	char *rule;             /* all that decides on keys and lanes, as text */
	char *state_path;       /* absolute, for handlers; NULL: there is none */
	struct max_age *max_age;
	char **bypass, **only, **ignore; /* each ends in NULL */
	bool hide_token;
	struct engine_command on_error, on_timeout, from;
	struct command *on_error_packed, *on_timeout_packed, *source_packed;
	char *bot_username;
	struct route *routes;
	size_t route_count;

	struct queue *queue;
	struct handlers *handlers;
	struct http *http;
	struct api *api;
	struct source *source;
	struct control *control;
	int feed_fd;             /* engine_feed.c: where the source's program writes; -1: no program */
	bool feed_torn;          /* it may have left half a line */
	struct loop_timer *feed_timer;
	struct backoff feed_backoff;
	int64_t feed_started;    /* monotonic milliseconds */
	char source_root[64];    /* of a file: its name in the store; "": none */

	enum engine_phase phase;
	int exit_status;
	uint64_t interrupted_before; /* the count when the killing began */
	bool paused, draining;
	bool source_stopped, source_dry, source_ended, waits_told;
	bool source_asked;      /* asking has begun */
	int drain_status;       /* of the exit after a drain; 0: none of its own */
	bool ready;             /* polling has begun */
	int64_t dry_at, quiet_at, started_at; /* monotonic milliseconds */

	struct list starting, running; /* of struct flight */
	struct flight *flights[HANDLER_BATCH_MAX]; /* of the process that is being formed or
						      started: too large for a small stack */
	struct claim *claims[HANDLER_BATCH_MAX];
	int processes[LANE_GROUPS];    /* of exec and batch, claimed or running */

	struct strangers *strangers;   /* engine_strangers.c; NULL: none yet */

	bool store_fails, claims_fail, trimming, trim_fails, source_held, syncing, disk_low, backlog_full, state_gone,
		control_fails;
	int64_t claim_at;           /* monotonic milliseconds: when claiming, which failed, is tried again */
	const char *gives_up;       /* with --once: why it ends before all is handled; NULL: it does not */
	struct backoff put_backoff; /* failures: of storing a batch, in a row */
	struct log_pace store_pace, claim_pace, put_pace, sync_pace, disk_pace, full_pace, feed_pace, trim_pace;
	int64_t put_at;             /* monotonic milliseconds: when the next is tried */

	int64_t slice_ends;         /* engine_slice() of this turn; 0: not asked for yet */
	int64_t idle_at;            /* monotonic milliseconds: since when nothing is to be done; 0: room was given back */
	struct loop_timer *turn_timer;  /* makes a turn happen: engine_turn_in() */
	int64_t turn_at;                /* monotonic milliseconds: when it will; 0: it is not set */
	struct loop_timer *retry_timer, *stop_timer, *runtime_timer, *watchdog_timer, *hangup_timer, *log_timer;
	struct loop_signal *signals[ENGINE_SIGNALS];
	struct engine_counts counts;
	int64_t status_at;
	char status[160];
	/* for `tgrun status` */
	uint64_t rate_done[ENGINE_RATE_SECONDS]; /* handled in each second of the last minute */
	int64_t rate_second;                     /* the newest of them */
	char last_error[256];
	int64_t last_error_at;                   /* wall clock, milliseconds */
};

/* engine.c */
void engine_turn(void *arg);
void engine_turn_in(struct engine *e, int64_t delay); /* a turn happens in so many milliseconds, or sooner if that was asked for */
int64_t engine_slice(struct engine *e); /* when, by the monotonic clock, this turn is to go on */
void engine_store_works(struct engine *e); /* it did what it had failed to do */

/* engine_tidy.c */
void engine_trim_dead(struct engine *e);
void engine_give_back(struct engine *e);

/* engine_settle.c */
void engine_on_done(void *arg, struct handler *h, struct claim *c, const struct handler_result *r);
void engine_on_unstartable(void *arg, struct handler *h, const char *reason, int errnum);
void engine_cannot_start(struct route *r, const struct claim *c, int64_t began, const char *reason, int errnum);
void engine_uncharged(struct engine *e, const struct claim *c, const struct handler_result *r); /* HANDLER_INTERRUPTED */
void engine_land(struct engine *e, struct flight *f);
void engine_count_rate(struct engine *e, uint64_t done);
void engine_remember_error(struct engine *e, const char *text);

/* engine_reload.c: 0 or -1 with `err`. */
int engine_options_take(struct engine *e, const struct engine_options *o, struct err *err); /* all of them, checked before */
int engine_routes_take(struct engine *e, const struct engine_options *o, struct err *err);

/* engine_route.c: 0 or -1 with `err`. */
int engine_routes_set(struct engine *e, const struct engine_options *o, struct err *err);
int engine_command_keep(struct engine_command *out, const struct command_spec *spec, struct err *err); /* replaces it by a copy */
int engine_commands_build(struct engine *e, struct err *err);
void engine_routes_release(struct engine *e);
struct route *engine_route_of(struct engine *e, const struct handler *h);
unsigned engine_lane(const struct engine *e, const struct update *u, bool *bypass);
bool engine_wants(struct engine *e, const struct update *u); /* counts what it does not */
bool engine_probes(const struct route *r); /* it does not work: one is started at a time, until one works */
int engine_room(const struct route *r, int group);

/* engine_strangers.c: whether the update is of somebody whom the route does not allow; counts
 * and tells of it. */
bool engine_is_stranger(struct engine *e, const struct route *r, const struct update *u);
void engine_strangers_release(struct engine *e);

/* engine_source.c */
struct source_events engine_source_events(struct engine *e);
/* queue_config.changed */
void engine_on_changed(void *arg);
void engine_source_check(struct engine *e);
const char *engine_root(const struct engine *e); /* the source's name in the store; NULL: it has none */
int engine_route_bytes(void *arg, const char *body, size_t length, struct buf *keys, unsigned *lane);
int64_t engine_max_age(void *arg, const char *kind);

/* engine_file.c: a file of updates, read from where the last run was interrupted; that its lines up
 * to a position are about to be stored; that it was read to its end, and is read from its beginning
 * next time. */
struct source *engine_file_open(struct engine *e, struct err *err);
void engine_file_note(struct engine *e, int64_t position);
void engine_file_forget(struct engine *e);

/* engine_stand.c: whether what was written still stands under its name; at the end, with a last
 * word where it does not. Without a directory, always. */
bool engine_stands(struct engine *e);
bool engine_ends_well(struct engine *e);
void engine_open_control(struct engine *e); /* the control socket, if it is not there */

/* engine_feed.c: nothing without a program. */
int engine_feed_start(struct engine *e, struct err *err);
void engine_feed_stop(struct engine *e);
void engine_feed_release(struct engine *e);

/* engine_life.c */
int engine_take_polling(struct engine *e, const struct engine_config *fresh, struct err *err); /* and the longest run time. 0 or -1 */
void engine_check_end(struct engine *e);
/* A drain of so many milliseconds at most, then a stop; `status` is that of the exit. */
void engine_drain_for(struct engine *e, int64_t limit, int status);
void engine_say_status(struct engine *e);

/* engine_hangup.c: SIGHUP came; the timer looks once more, a moment later. */
void engine_hangup(struct engine *e);
void engine_hangup_timer(void *arg);

/* engine_status.c: appends the object of `tgrun status`. 0, or -1 when the buffer is full. */
int engine_status_json(struct engine *e, struct buf *b);

/* engine_control.c */
void engine_control_request(void *arg, struct control_client *client, const cJSON *request);

#endif
