/* engine_state: what the engine's files share: engine.c (turns: claim, start, settle), engine_source.c (what the source says), engine_life.c (start, signals, stop),
 * engine_control.c (the control socket's verbs), engine_command.c (the handler's command and its environment). */
#ifndef TGRUN_ENGINE_STATE_H
#define TGRUN_ENGINE_STATE_H

#include "api/api.h"
#include "base/backoff.h"
#include "base/buf.h"
#include "engine.h"
#include "handler/breaker.h"
#include "io/control.h"
#include "io/http.h"
#include "io/notify.h"
#include "queue/queue.h"
#include "source/source.h"
#include "update/kinds.h"
#include "update/update.h"

enum engine_phase { ENGINE_NEW, ENGINE_RUNNING, ENGINE_DRAINING, ENGINE_KILLING, ENGINE_FINISHED };

enum { ENGINE_SIGNALS = 5 };

struct engine {
	struct engine_config config;
	/* copies of what the options say */
	struct exec_policy policy;
	int64_t retry_delay, backlog, min_free, dead_keep, dead_keep_age, shutdown_timeout;
	int concurrency;
	struct key_spec *keys;
	struct max_age *max_age;
	/* the handler's command, kept to be built again when the bot's name becomes known */
	char ***stages;
	char **paths, **env;
	char *dir;
	bool hide_token;
	char *bot_username;

	struct queue *queue;
	struct exec *exec;
	struct http *http;
	struct api *api;
	struct source *source;
	struct control *control;
	struct notify *notify;

	enum engine_phase phase;
	int exit_status;
	bool forced;             /* handlers were killed because of the stop */
	bool source_stopped, source_dry;
	int64_t dry_at, stop_at; /* monotonic milliseconds */

	struct claim **starting; /* claimed, waiting for the mark of their start to be on disk */
	int starting_count;

	struct breaker breaker;
	struct backoff start_backoff; /* while handlers cannot be started; failures > 0 says so */
	bool held;                    /* starting pauses until hold_timer goes off */
	bool store_fails, source_held, disk_low, backlog_full;

	struct loop_timer *turn_timer;  /* makes a turn happen */
	struct loop_timer *hold_timer, *retry_timer, *stop_timer, *runtime_timer, *watchdog_timer, *log_timer;
	struct loop_signal *signals[ENGINE_SIGNALS];
	struct engine_counts counts;
	int64_t status_at;
	char status[160];
};

/* engine.c */
void engine_turn(void *arg);
void engine_hold(struct engine *e, int64_t delay);
void engine_trim_dead(struct engine *e);

/* engine_source.c */
struct source_events engine_source_events(struct engine *e);
void engine_source_check(struct engine *e);
int engine_keys_of(void *arg, const char *body, size_t length, struct buf *out);
int64_t engine_max_age(void *arg, const char *kind);

/* engine_life.c */
void engine_check_end(struct engine *e);
void engine_say_status(struct engine *e);

/* engine_command.c: keeps copies of the options' command; builds the command with the environment of this bot. 0 or -1 with `err`. */
int engine_command_keep(struct engine *e, const struct engine_options *o, struct err *err);
int engine_command_build(struct engine *e, struct err *err);
void engine_command_release(struct engine *e);

/* engine_control.c */
void engine_control_request(void *arg, struct control_client *client, const cJSON *request);

#endif
