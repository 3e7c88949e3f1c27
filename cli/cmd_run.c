/* cli/cmd_run: the main job. The order of the start is the order of this file: the locks, what an
 * earlier run left, the slots while this process is still small, and only then the loop, the store
 * and the engine. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/backoff.h"
#include "cli/cmd.h"
#include "cli/setup/setup_store.h"
#include "cli/setup/start.h"
#include "cli/signals.h"
#include "io/control.h"
#include "io/journal.h"
#include "io/notify.h"
#include "io/procs.h"
#include "io/roster.h"
#include "io/terminal.h"
#include "queue/store/store.h"
#include "slot/leftover.h"

enum {
	LOCK_STEP = 20, /* milliseconds between two looks at the lock of an earlier run's slots */
	TELL_AFTER = 1000,
	KILL_AFTER = 5000,
	TELL_EVERY = 60000,
	SENDER_EVERY = 1000,    /* milliseconds between two requests to end */
	SENDER_PATIENCE = 1000, /* for its answer */
	DYING_PATIENCE = 2000,  /* milliseconds for a killed run to give back its lock */
	LEFTOVER_PATIENCE = 10000,
};

#define NO_PLACE "memory" /* the name of runs without a state directory */

struct run {
	struct setup *setup;
	struct log *log;
	struct statedir *dir;
	struct slots *slots;
	int slot_count;
	/* of another source than Telegram, and the end of the pipe that its program writes; -1:
	 * none, or the engine's */
	int source_fd, feed_fd;
	struct loop *loop;
	struct engine *engine;
	struct notify *notify;
	bool terminal; /* it was started from one, whose hang-up is a stop */
	char *cwd;
	char run_id[96];
	int status;
};

static void pause_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&ts, NULL);
}

static void log_warnings(struct log *log, const struct config *c)
{
	for (size_t i = 0; i < c->warning_count; i++)
		log_event(log, LOG_WARN, LOG_NONE, "%s", c->warnings[i]);
}

/* What an earlier run left may be ended while nobody else has the database: then it is this
 * state's, and its run is over. Does one step of that. -1 with `err`. */
static int wake_slots(struct run *r, const struct roster *roster, bool end, struct err *err)
{
	int fd, rc = sqlite_hold(statedir_fd(r->dir), statedir_path(r->dir), &fd, err);
	if (rc > 0) {
		roster_wake(roster, end);
		close(fd);
	}
	return rc;
}

static void tell_waiting(struct run *r, const struct roster *roster, bool end)
{
	static const char waiting[] =
		"waiting until the last handler of the previous run, or a sub-command, is gone";
	char names[512];
	roster_name(roster, names, sizeof names);
	log_event(r->log, end ? LOG_WARN : LOG_INFO, LOG_FIELDS(LOG_STR("processes", names)), "%s",
		  end ? "the last handlers of the previous run do not end: killing them" : waiting);
	notify_busy(r->notify, waiting);
}

static int no_line(void *arg, const char *text, size_t n)
{
	(void)arg, (void)text, (void)n;
	return 0;
}

/* The run lock is ours: who listens in spite of that is a `tgrun send` that does what a runner
 * would do, and ends when it is asked to. */
static void end_sender(struct run *r)
{
	struct err none;
	control_call(statedir_fd(r->dir), "{\"verb\":\"stop\"}", -1, no_line, NULL, SENDER_PATIENCE,
		     &none);
}

/* Waits until the last slot of an earlier run is gone, and sees to it. */
static int wait_for_slots(struct run *r, const char *id, struct err *err)
{
	struct roster roster = { 0 };
	int rc = 0;
	for (long waited = 0;; waited += LOCK_STEP) {
		rc = statedir_lock_slots(r->dir, err);
		if (rc >= 0 && roster_read(&roster, statedir_slots_fd(r->dir), id))
			rc = err_set(err, ERR_INTERNAL, "out of memory");
		if (rc < 0 || (rc > 0 && roster.count == 0))
			break;
		if (roster.count && wake_slots(r, &roster, waited >= KILL_AFTER, err) < 0) {
			rc = -1;
			break;
		}
		if (waited % SENDER_EVERY == 0)
			end_sender(r);
		if (waited == TELL_AFTER || waited % TELL_EVERY == KILL_AFTER)
			tell_waiting(r, &roster, waited >= KILL_AFTER && roster.count);
		log_flush(r->log);
		pause_ms(LOCK_STEP);
	}
	roster_release(&roster);
	return rc < 0 ? -1 : 0;
}

/* Takes the lock of the one that runs. Who was killed holds it still while it gives back what it
 * has: that is waited for. 1, 0: another runs, -1. */
static int take_run_lock(struct run *r, pid_t *holder, struct err *err)
{
	int rc = statedir_lock_run(r->dir, holder, err);
	struct procs_stat stat;
	for (long waited = 0; rc == 0 && *holder > 0 && waited < DYING_PATIENCE &&
			      (procs_stat(*holder, &stat) || stat.dying);
	     waited += LOCK_STEP) {
		if (waited == 0)
			log_event(r->log, LOG_INFO, LOG_NONE,
				  "waiting until process %ld, which was killed, is gone",
				  (long)*holder);
		pause_ms(LOCK_STEP);
		rc = statedir_lock_run(r->dir, holder, err);
	}
	return rc;
}

/* Ends what has the mark of an earlier run of this state, as wake_slots() may. A state without a
 * database has had no run. */
static int end_leftovers(struct run *r, const char *id, struct err *err)
{
	int fd, killed = 0, rc = sqlite_hold(statedir_fd(r->dir), statedir_path(r->dir), &fd, err);
	if (rc <= 0)
		return rc;
	killed = leftover_kill(id, r->run_id + strlen(id) + 1, LEFTOVER_PATIENCE, err);
	close(fd);
	if (killed > 0)
		log_event(r->log, LOG_WARN, LOG_FIELDS(LOG_NUM("killed", killed)),
			  "ended processes that a killed run had left behind");
	return killed;
}

/* What marks the handlers of this run, see slot/leftover.h. */
static void name_run(struct run *r, const char *place)
{
	snprintf(r->run_id, sizeof r->run_id, "%s.%08x%08x", place, backoff_random(),
		 backoff_random());
}

/* Takes the locks and ends what a run that was killed left behind. 1: another tgrun runs; its pid
 * is in *holder. */
static int take_state(struct run *r, pid_t *holder, struct err *err)
{
	char id[STATEDIR_ID_MAX];
	r->dir = statedir_open(r->setup->state_dir, err);
	if (!r->dir)
		return -1;
	int rc = take_run_lock(r, holder, err);
	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	statedir_id(r->dir, id);
	name_run(r, id);
	if (wait_for_slots(r, id, err) || end_leftovers(r, id, err) < 0)
		return -1;
	roster_begin(statedir_slots_fd(r->dir), id);
	return 0;
}

/* The state directory, and the locks in it: 1: another tgrun has it, 0, -1. Without a store it
 * holds the control socket only, which no update needs. */
static int take_place(struct run *r, pid_t *holder, struct err *err)
{
	struct setup *s = r->setup;
	if (setup_store(&s->config)->lasts)
		return take_state(r, holder, err);
	int rc = setup_state_dir(s, err) ? -1 : take_state(r, holder, err);
	if (rc < 0 && strncmp(r->run_id, NO_PLACE ".", sizeof NO_PLACE) == 0 &&
	    (err->status == ERR_CANTCREATE || err->status == ERR_USAGE || err->status == ERR_IO)) {
		log_event(r->log, LOG_INFO, LOG_NONE, "no other command can speak to this run: %s",
			  err->text);
		statedir_close(r->dir);
		r->dir = NULL;
		rc = 0;
	}
	return rc;
}

static void on_finished(void *arg, int status)
{
	struct run *r = arg;
	r->status = status;
	loop_stop(r->loop);
}

/* 0: no bot, with another source than Telegram. */
static int64_t bot_id(const struct setup *s)
{
	return s->secret ? secret_bot_id(s->secret) : 0;
}

/* What cannot change while running is named, and kept; of routes, workers and concurrency the
 * engine does so. */
static void name_the_fixed(struct run *r, const struct setup *fresh)
{
	const char *names[CONFIG_OPTIONS_MAX];
	size_t n = options_fixed(&r->setup->config, &fresh->config, names);
	if (bot_id(fresh) != bot_id(r->setup))
		log_event(
			r->log, LOG_WARN, LOG_NONE,
			"another token's id: the bot cannot change while running: the old one stays until a restart");
	for (size_t i = 0; i < n; i++)
		log_event(r->log, LOG_WARN, LOG_NONE,
			  "'%s' cannot change while running: the old value stays until a restart",
			  names[i]);
}

/* The queue of this machine, over the store that the options name. */
static struct queue *open_queue(void *arg, const struct queue_config *config, struct err *err)
{
	struct run *r = arg;
	const struct setup *s = r->setup;
	const struct store_place place = { .config = &s->config,
					   .dir = r->dir,
					   .bot_id = bot_id(s),
					   .log = r->log };
	return setup_store(&s->config)->open(&place, config, err);
}

/* What the engine takes of a setup: the first, or one of a reload. */
static struct engine_config engine_config_of(struct run *r, const struct setup *s)
{
	const struct config *c = &s->config, *first = &r->setup->config;
	struct engine_config config = {
		.loop = r->loop,
		.log = r->log,
		.clock = &clock_system,
		.slots = r->slots,
		.open_queue = open_queue,
		.store_forgets = !setup_store(c)->lasts,
		.dir = r->dir,
		.notify = r->notify,
		.secret = r->setup->secret,
		.run_id = r->run_id,
		.slot_count = r->slot_count,
		.api_root = s->api.url,
		.api_login = s->api.login,
		.ca_file = s->ca_file,
		.ca_dirs = s->ca_dirs,
		.poll = c->poll,
		.allowed_updates = s->allowed_updates,
		.source_fd = r->source_fd,
		.source_feed_fd = r->feed_fd,
		.source_name = c->source,
		.once = first->once,
		.options = setup_engine_options(s),
		.finished = on_finished,
		.arg = r,
	};
	if (config_origin(c, &c->poll.give_up_after) == ORIGIN_DEFAULT)
		config.poll.give_up_after = first->once ? CONFIG_ONCE_GIVE_UP : 0;
	return config;
}

static int on_reload(void *arg, struct err *err)
{
	struct run *r = arg;
	struct setup fresh;
	int rc = setup_options(&fresh, r->setup->argv, r->setup->envp, err);
	fresh.reload = true;
	rc = rc || setup_token(&fresh, err) || setup_webhook(&fresh, err) ||
	     setup_handler(&fresh, r->cwd, err) || setup_api(&fresh, err);
	if (rc == 0) {
		struct engine_config config = engine_config_of(r, &fresh);
		log_warnings(r->log, &fresh.config);
		name_the_fixed(r, &fresh);
		if (fresh.secret && r->setup->secret && bot_id(&fresh) == bot_id(r->setup))
			secret_assign(r->setup->secret, fresh.secret);
		rc = engine_reload(r->engine, &config, err);
	}
	if (rc) {
		log_event(r->log, LOG_ERROR, LOG_NONE,
			  "cannot reload: %s; everything stays as it was", err->text);
	} else {
		log_set(r->log, (enum log_level)fresh.config.log_level,
			(enum log_format)fresh.config.log_format);
		log_event(r->log, LOG_INFO, LOG_NONE, "configuration reloaded");
	}
	setup_release(&fresh);
	return rc ? -1 : 0;
}

static int start_engine(struct run *r, struct err *err)
{
	struct setup *s = r->setup;
	r->loop = loop_new(err);
	if (!r->loop)
		return -1;
	notify_busy(r->notify, "opening the queue");
	struct engine_config config = engine_config_of(r, s);
	config.reload = on_reload;
	config.terminal = r->terminal;
	r->engine = engine_new(&config, err);
	if (!r->engine)
		return -1;
	r->source_fd = r->feed_fd = -1;
	return engine_start(r->engine, err);
}

static int run(struct run *r, struct err *err)
{
	const struct config *c = &r->setup->config;
	char who[STATEDIR_HOLDER_MAX];
	pid_t holder = 0;
	r->notify = notify_open();
	notify_busy(r->notify, "starting");
	signals_write_always();
	name_run(r, NO_PLACE); /* take_state() knows a better name */
	int rc = procs_check(err) ? -1 : take_place(r, &holder, err);
	if (rc > 0 && c->unless_running) {
		r->status = 0;
		return 0; /* without a word, not even of what else there is to warn of */
	}
	log_warnings(r->log, c);
	if (rc < 0)
		return -1;
	if (rc > 0)
		return err_set(
			err, ERR_TEMPFAIL,
			"another tgrun (%s) already runs this bot with the state directory '%s'; "
			"stop it, or use --unless-running in cron",
			statedir_holder(holder, who), r->setup->state_dir);
	struct engine_options options = setup_engine_options(r->setup);
	r->slot_count = engine_slots(&options);
	r->slots = start_slots(c, r->slot_count, r->dir ? statedir_slots_fd(r->dir) : -1, r->run_id,
			       err);
	if (!r->slots || setup_source_open(c, &r->source_fd, &r->feed_fd, err) ||
	    start_engine(r, err))
		return -1;
	signals_release();
	loop_run(r->loop);
	return 0;
}

/* With --serve-api, the token that handlers get. */
static int hand_out(struct setup *s, struct err *err)
{
	if (!s->config.engine.serve_api)
		return 0;
	if (engine_door_built(err))
		return -1;
	return s->secret ? secret_hand_out(s->secret, err)
			 : err_set(err, ERR_USAGE, "--serve-api serves nothing without a token");
}

int cmd_run(struct setup *s)
{
	struct err err = { 0 };
	const struct config *c = &s->config;
	struct run r = { .setup = s,
			 .source_fd = -1,
			 .feed_fd = -1,
			 .terminal = !s->nohup && terminal_look() == TERMINAL_HERE,
			 .cwd = getcwd(NULL, 0) };
	if (!r.cwd)
		return cmd_fail(
			(err_sys(&err, ERR_CONFIG, errno, "cannot tell the working directory"),
			 &err));
	if (setup_token(s, &err) || setup_webhook(s, &err) || hand_out(s, &err) ||
	    setup_api(s, &err) || setup_handler(s, r.cwd, &err) ||
	    (setup_store(c)->lasts && setup_state_dir(s, &err))) {
		free(r.cwd);
		cmd_warn(c);
		return cmd_fail(&err);
	}
	r.log = log_new(STDERR_FILENO, (enum log_level)c->log_level, (enum log_format)c->log_format,
			&clock_system);
	if (!r.log) {
		free(r.cwd);
		return cmd_fail((err_set(&err, ERR_INTERNAL, "out of memory"), &err));
	}
	log_set_secret(r.log, s->secret);
	log_set_journal(r.log, journal_is(STDERR_FILENO));
	int rc = run(&r, &err);
	/* What is still to be done is short, and nobody watches for signals any more. */
	signals_hold();
	if (rc) {
		log_event(r.log, LOG_ERROR, LOG_NONE, "%s", err.text);
		r.status = err.status;
	}
	if (engine_free(r.engine, &err)) {
		log_event(r.log, LOG_ERROR, LOG_NONE, "%s", err.text);
		r.status = err.status;
	}
	slots_free(r.slots);
	loop_free(r.loop);
	if (r.source_fd >= 0)
		close(r.source_fd);
	if (r.feed_fd >= 0)
		close(r.feed_fd);
	statedir_end(r.dir);
	notify_close(r.notify);
	log_free(r.log);
	free(r.cwd);
	return r.status;
}
