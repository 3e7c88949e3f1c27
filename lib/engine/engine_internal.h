/* engine/engine_internal: what the engine's files share: the engine, its routes and its flights. It
 * holds no policy. Invariant: the files stand above one another, and each calls only those below it
 * (scripts/circles). */
#ifndef TGRUN_ENGINE_ENGINE_INTERNAL_H
#define TGRUN_ENGINE_ENGINE_INTERNAL_H

#include "api/api.h"
#include "base/backoff.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "engine/door.h"
#include "engine/engine.h"
#include "engine/engine_asked_internal.h"
#include "engine/engine_out_internal.h"
#include "engine/figures.h"
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

enum {
	ENGINE_SIGNALS = 8,
	ENGINE_RATE_SECONDS = 60,
	ENGINE_START_TROUBLES = 13,
	ENGINE_CHAT_MAX = 4096
};

/* A copy of a command that the user gave, to be packed again when the bot's name or token
 * changes. */
struct engine_command {
	char ***stages; /* NULL: none */
	char **paths, **env;
	char *dir;
	struct slot_limits limits;
};

/* A route and its pacing. */
struct route {
	struct engine *engine;
	char *match;    /* NULL: the default */
	char *batch_by; /* `chat` or a JSON Pointer; NULL: nothing is gathered. It stays */
	struct handler *handler;
	struct route_policy policy;
	int workers_max; /* those of the start, for which there are slots */
	struct engine_command command;
	char *url;           /* of MODE_WEBHOOK; else NULL */
	struct allow *allow; /* whose updates it handles */
	struct loop_timer *pause_timer, *batch_timer;
	struct breaker breaker;
	struct backoff start_backoff; /* while it cannot be started; failures > 0 says so */
	bool pauses;                  /* no start until pause_timer goes off */
	int room;                     /* of handler_room(), while updates are claimed */
	int claimed;                  /* of that, taken by what is claimed and not started yet */
	/* The one start that engine_probes() allows, while it is under way; NULL: none is. */
	const struct flight *probe;
	struct log_pace breaker_pace, start_paces[ENGINE_START_TROUBLES];
};

/* The queue's lanes: two for each route, the second of what bypasses. */
enum { LANE_ORDERED, LANE_BYPASS, LANE_GROUPS };

/* An update that was claimed: waiting for the mark of its start to be on disk, or running. A batch
 * is a leader and who follows it, and ends as a whole, its members in their order. */
struct flight {
	struct list link; /* in starts.starting or starts.running */
	struct claim *claim;
	struct route *route;
	int group;      /* LANE_ORDERED or LANE_BYPASS */
	bool leader;    /* counts as one process */
	uint64_t batch; /* the number of its batch, which may be of one */
	bool cancelled; /* tgrun cancel has named it */
	bool is_void;   /* another machine may have it: its end counts for nothing */
	int64_t since;  /* monotonic milliseconds */
	struct {
		int64_t due, shown_at; /* monotonic milliseconds; 0: never */
		uint64_t place;        /* a hash of the chat and topic, when it was shown */
	} typing;
};

/* What the source said of its own end: kept until the end of the turn, where all ends are
 * decided. */
struct source_end {
	bool noted;
	int status; /* 0: all was taken; else an exit status */
};

struct engine {
	struct engine_config config;
	struct engine_policy policy; /* its concurrency is at most the next one */
	int concurrency_max;         /* that of the start, for which there are slots */
	struct key_spec *keys;
	struct key_spec *chats;     /* the key that is the chat, whatever --key says */
	struct map_seed group_seed; /* of engine_group_of() */
	char *rule;                 /* all that decides on keys and lanes, as text */
	char *state_path;           /* absolute, for handlers; NULL: there is none */
	struct max_age *max_age;
	char **bypass, **only, **ignore; /* each ends in NULL */
	struct engine_command on_error, on_timeout, on_undelivered, from;
	struct command *on_error_packed, *on_timeout_packed, *on_undelivered_packed, *source_packed;
	char **reply_with;    /* ends in NULL */
	char *webhook_secret; /* NULL: none */
	char *bot_username;   /* NULL: not known yet */
	struct route *routes;
	size_t route_count;

	struct queue *queue;
	struct handlers *handlers;
	struct http *http;
	struct api *api;
	struct source *source;
	struct out *out; /* NULL: there is no token, so nothing can be sent */
	struct control *control;
	struct door *door;           /* NULL: there is no way out, or no directory */
	struct strangers *strangers; /* engine_strangers.c; NULL: none yet */
	char source_root[64];        /* of a file: its name in the store; "": none */

	enum engine_phase phase;
	bool paused, draining;
	bool state_gone;  /* what engine_stands() said last */
	bool unreachable; /* a directory that nothing is kept in is gone */
	bool control_due; /* the control socket is to be looked after in this turn */
	bool control_fails, door_fails;
	int64_t started_at; /* monotonic milliseconds */
	struct engine_counts counts;
	struct loop_timer *watchdog_timer, *hangup_timer, *log_timer;
	struct loop_signal *signals[ENGINE_SIGNALS];

	/* What one file keeps. Times are monotonic milliseconds. */
	struct {
		struct loop_timer *timer; /* makes a turn happen */
		int64_t at;               /* when it will; 0: it is not set */
		int64_t slice_ends;       /* of this turn; 0: not asked for yet */
		bool store_fails;
		struct log_pace store_pace;
		char last_error[256];
		int64_t last_error_at; /* wall clock */
	} pulse;
	struct {
		/* of struct flight: their mark is yet to be written; it was */
		struct list starting, running;
		/* of the process that is being formed or started: too large for a small stack */
		struct flight *flights[HANDLER_BATCH_MAX];
		struct claim *claims[HANDLER_BATCH_MAX];
		int processes[LANE_GROUPS];     /* of exec and batch, claimed or running */
		uint64_t batches;               /* how many were formed: their numbers */
		struct loop_timer *delay_timer; /* for the next update that is delayed */
		bool fail;                      /* the store cannot hand out */
		int64_t again_at;               /* when it is asked again */
		struct log_pace pace;
	} starts;
	struct {
		struct backoff backoff; /* failures: of storing a batch, in a row */
		int64_t again_at;       /* when the next is tried */
		struct log_pace pace;
	} put;
	struct {
		bool begun;   /* the source asks for updates */
		bool waits;   /* it was told "not now" */
		bool dry;     /* at dry_at nothing waited there, and nothing came since */
		bool ended;   /* it has no more, and all is taken */
		bool stopped; /* it asks no more */
		struct source_end end;
		int64_t dry_at;
		bool many;    /* the last batch had more than one update */
		bool syncing; /* what was received is about to be durable */
		bool disk_low, backlog_full;
		int64_t room_until, stands_until; /* the disk and the state count as good */
		struct log_pace sync_pace, disk_pace, full_pace;
	} asking;
	struct {
		int fd;    /* where the source's program writes; -1: no program */
		bool torn; /* it may have left half a line */
		struct loop_timer *timer;
		struct backoff backoff;
		int64_t started;
		struct log_pace pace;
	} feed;
	struct {
		bool trimming; /* old dead letters are left for the next slice */
		bool fails;
		struct log_pace pace;
		/* since when nothing is to be done; 0: room was given back */
		int64_t idle_at;
	} tidy;
	struct {
		struct log_pace spent, interrupted;
		/* The batch whose reply could not be recorded: nobody in it is done. */
		uint64_t spoilt; /* its number; 0: none */
		struct err why;
	} settle;
	struct {
		struct loop_timer *timer; /* for the next that comes due */
		bool fails;
		int64_t again_at; /* monotonic milliseconds */
		struct log_pace pace;
	} later;
	struct {
		struct loop_timer *timer;
		int64_t at; /* when it goes off, monotonic milliseconds; 0: it is not set */
	} typing;
	struct {
		uint64_t kinds_told; /* of updates that are not answered; the last bit: unknown */
		int64_t room_until;  /* monotonic milliseconds: the disk is not looked at before */
		bool cramped;        /* it was almost full then */
		struct log_pace full_pace;
	} way_out;
	struct {
		int status;       /* of the exit */
		int drain_status; /* of the exit after a drain; 0: none of its own */
		/* with --once: why it ends before all is handled; NULL: it does not */
		const char *gives_up;
		uint64_t interrupted_before; /* the count when the killing began */
		bool waits_told;
		int64_t quiet_at; /* since when nothing runs; 0: something does */
		int64_t fails_at; /* since when the store fails; 0: it works */
		struct loop_timer *stop_timer, *runtime_timer;
	} end;
	/* Of a store that several machines share; else it is this machine's for ever. */
	struct {
		bool shared, attached;
		bool may_ask, may_send;
		bool leaves;        /* tgrun drain */
		bool holds_back;    /* tgrun fleet drain */
		bool refused;       /* the store takes this program no more: it stops */
		uint64_t unwritten; /* of what could not be written, so much was told */
		int cut; /* handlers that their slots ended since it was trusted last */
		int64_t trust;      /* CLOCK_BOOTTIME, milliseconds: no handler runs from then on */
		struct list sends;  /* of engine_send.c: answered when they are stored */
	} fleet;
	struct {
		int64_t at;
		char text[160];
	} told; /* to the service manager, last */
	struct {
		/* updates handled in each second of the last minute */
		uint64_t done[ENGINE_RATE_SECONDS];
		int64_t second; /* the newest of them */
	} rate;
};

/* The files stand above one another, in this order: each calls those before it, and none after
 * it. */

/* engine_pulse.c: when the next turn happens, and what stands in its way. */
int engine_pulse_init(struct engine *e); /* 0, or -1 when memory is out */
/* A turn happens in `delay` milliseconds, or sooner if that was asked for. */
void engine_turn_in(struct engine *e, int64_t delay);
/* When, in monotonic milliseconds, work that has no end of its own leaves the rest to the next
 * turn. */
int64_t engine_slice(struct engine *e);
/* The store could be written, which is news where pulse.store_fails says otherwise: while it does,
 * nothing is asked for or started. */
void engine_store_works(struct engine *e);
/* For `tgrun status`. `text` is copied. */
void engine_remember_error(struct engine *e, const char *text);

/* Whether handlers may run now, as far as other machines are concerned. */
bool engine_trusted(const struct engine *e);

/* engine_take.c: tells the queue what this machine takes, by what was asked of it. */
void engine_take_change(struct engine *e);

/* engine_stand.c: whether what was written still stands under its name; at the end, with a last
 * word where it does not. Without a directory, always. */
bool engine_stands(struct engine *e);
bool engine_ends_well(struct engine *e);

/* Is there room on the disk for so many bytes beyond --min-free? */
bool engine_disk_has(const struct engine *e, int64_t bytes);

/* engine_command.c */
/* Replaces *out by a copy of `spec`. 0, or -1 with `err`: *out stays as it was. */
int engine_command_keep(struct engine_command *out, const struct command_spec *spec,
			struct err *err);
void engine_command_release(struct engine_command *c);
/* Packs every command anew, with the bot's name and token as they are now, and hands them to their
 * handlers. 0 or -1 with `err`. */
int engine_commands_build(struct engine *e, struct err *err);
/* Replaces *out, which is overwritten, by a copy of `text`, or by NULL. 0, or -1 when memory is
 * out: *out stays. */
int engine_secret_keep(char **out, const char *text);
/* A copy of `n` strings, ended by NULL, with room for `more`; NULL when memory is out. Freeing
 * overwrites. */
char **engine_strings_copy(const char *const *strings, size_t n, size_t more);
void engine_strings_free(char **strings);

/* engine_strangers.c */
/* Whether the update is of somebody whom the route does not allow; counts and tells of it. */
bool engine_is_stranger(struct engine *e, const struct route *r, const struct update *u);
void engine_strangers_release(struct engine *e);

/* engine_route.c */
/* What stays as it is at the start. 0 or -1 with `err`. */
int engine_routes_make(struct engine *e, const struct engine_options *o, struct err *err);
void engine_routes_release(struct engine *e);
struct route *engine_route_of(struct engine *e, const struct handler *h);
/* `u` NULL: of what is no update. */
unsigned engine_lane(const struct engine *e, const struct update *u, bool *bypass);
/* Appends the key of the update's chat, whatever --key is, and whether or not it bypasses; nothing
 * if it is no update. Business and guest chats have names of their own. 0, or -1 when memory is
 * out. */
int engine_chat_of(const struct engine *e, const struct claim *c, struct buf *out);
/* The same, as queue_config.chat_of. */
int engine_chat_bytes(void *arg, const char *body, size_t length, struct buf *out);
/* Why --only or --ignore leaves it out, a phrase; NULL: it is left in. */
const char *engine_left_out(const struct engine *e, const struct update *u);
/* Whether it is handled at all; counts what is not, and *why gets a phrase. */
bool engine_wants(struct engine *e, const struct update *u, const char **why);
/* The handler does not work: one is started at a time, until one works. */
bool engine_probes(const struct route *r);

/* engine_later.c */
/* What was pushed and is due becomes updates; a timer is set for the next. */
void engine_later_turn(struct engine *e);
/* Something is due, and there is room for it. */
bool engine_later_due(const struct engine *e);
/* Whether what was pushed is to become an update: --only and --ignore say so. */
bool engine_wanted(void *arg, const char *body, size_t length);
/* Answers the request of tgrun push; control_end() is the caller's. */
void engine_push(struct engine *e, struct control_client *client, const cJSON *request);

/* engine_out.c, engine_typing.c, engine_door.c, engine_send.c: engine_out_internal.h */

/* engine_start_failure.c */
void engine_on_unstartable(void *arg, struct handler *h, const char *reason, int errnum);
/* A start failed that `began` at so many monotonic milliseconds: starts of the route pause. `c`
 * NULL: it is of no one update. `errnum` 0: it started, and ended at once. */
void engine_cannot_start(struct route *r, const struct claim *c, int64_t began, const char *reason,
			 int errnum);
/* No handler of the route starts for so many milliseconds. */
void engine_pause_starts(struct route *r, int64_t delay);
/* Tells the user's trouble function, if there is one: `fate`, what becomes of it; `sentence` of the
 * standard error, NULL: none; `unstartable`, failures of starts in a row. */
void engine_tell_trouble(struct engine *e, const struct claim *c, const char *reason,
			 const char *fate, const char *sentence, int unstartable);

/* engine_settle.c */
void engine_on_done(void *arg, struct handler *h, struct claim *c, const struct handler_result *r);
/* The attempt ended, and its update is not charged for that; `r` as of HANDLER_INTERRUPTED. */
void engine_uncharged(struct engine *e, const struct claim *c, const struct handler_result *r);
/* It is settled by tgrun cancel, `elapsed` milliseconds after its start. */
void engine_cancelled(struct engine *e, const struct claim *c, int64_t elapsed);
/* Frees the flight, which is over. Its claim is the caller's. */
void engine_land(struct engine *e, struct flight *f);

/* engine_starts.c */
/* Claims what may run, has starts and outcomes written, and starts. */
void engine_starts(struct engine *e);
/* Sets the timer for the next update that is delayed. */
void engine_starts_later(struct engine *e);

/* engine_gather.c: what is gathered with what, and for how long. */
/* Fills in how each lane of the queue gathers. */
void engine_gather_rules(const struct engine *e, struct sched_gather rules[QUEUE_LANES]);
/* The policy of the routes, or the phase, or whether the source has more, is another. */
void engine_gather_change(struct engine *e);
/* Nothing waits at the source (engine.asking.dry), or something came from there. */
void engine_dry(struct engine *e, bool dry);
/* As queue_config.group_of. */
uint64_t engine_group_of(void *arg, unsigned lane, const char *body, size_t length);

/* engine_file.c: a file of updates, read from where the last run was interrupted. */
struct source *engine_file_open(struct engine *e, const struct source_events *events,
				struct err *err);
/* Its lines up to the position, in bytes, are about to be stored. */
void engine_file_note(struct engine *e, int64_t position);
/* It was read to its end, and is read from its beginning next time. */
void engine_file_forget(struct engine *e);

/* engine_batch.c */
/* The source's name in the store; NULL: it has none. */
const char *engine_root(const struct engine *e);
/* For struct queue_config: the keys and the lane of an update that is keyed anew, and after how
 * many milliseconds one of the kind is too old. */
int engine_route_bytes(void *arg, const char *body, size_t length, struct buf *keys,
		       unsigned *lane);
int64_t engine_max_age(void *arg, const char *kind);
/* As source_events.batch. */
int engine_batch_put(void *arg, const struct slice *items, size_t count, int64_t offset,
		     size_t *fresh);
/* Whether the next try to store a batch is still to wait; then the timer is set for it. */
bool engine_put_waits(struct engine *e);

/* engine_source.c */
/* NULL with `err`. */
struct source *engine_source_new(struct engine *e, struct err *err);
/* Asks as `fresh` says from the next request on. 0 or -1 with `err`. */
int engine_source_change(struct engine *e, const struct engine_config *fresh, struct err *err);
/* As queue_config.changed. */
void engine_on_changed(void *arg);
/* At the end of a turn: asks on when what held it back has gone. */
void engine_source_check(struct engine *e);
/* Why the source may not ask, where nothing but later retries or other people can change that, with
 * the exit status for it; NULL: it may, or will. */
const char *engine_source_stuck(const struct engine *e, int *status);

/* engine_feed.c: nothing without a program. */
int engine_feed_start(struct engine *e, struct err *err);
void engine_feed_stop(struct engine *e);
void engine_feed_release(struct engine *e);

/* engine_tidy.c: a slice of work, if there is any. */
void engine_trim_dead(struct engine *e);
void engine_give_back(struct engine *e);

/* engine_life.c */
int engine_life_init(struct engine *e); /* 0, or -1 when memory is out */
/* The policy's longest run counts from now on. */
void engine_take_runtime(struct engine *e);
/* What the source noted of its end becomes a drain or a stop. */
void engine_take_end(struct engine *e);
void engine_check_end(struct engine *e);

/* engine_cancel.c, engine_metrics.c, engine_status.c, engine_control.c, engine_fleet.c,
 * engine_hangup.c, engine_reload.c: engine_asked_internal.h */

#endif
