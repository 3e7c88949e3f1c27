/* engine/engine_life: the beginning, the signals and the end. A stop is graceful first: no more asking, handlers may finish; then TERM, then
 * KILL; then the last outcomes are written. Nothing unfinished is lost at any of these steps. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crashpoint.h"
#include "base/duration.h"
#include "engine/engine_internal.h"
#include "source/poll.h"

enum {
	STATUS_EVERY = 5000,  /* between two texts for systemd */
	FRESH_ENOUGH = 3000,  /* an empty answer this young means that nothing waits */
	WRITE_PATIENCE = 5000, /* when all has ended, for outcomes that the disk does not take */
};

static void log_figures(struct engine *e)
{
	struct engine_counts c;
	engine_counts(e, &c);
	log_event(e->config.log, LOG_INFO,
		  LOG_FIELDS(LOG_NUM("received", (int64_t)c.received), LOG_NUM("repeated", (int64_t)c.repeated),
			     LOG_NUM("done", (int64_t)c.done), LOG_NUM("failed", (int64_t)c.failed), LOG_NUM("retried", (int64_t)c.retried),
			     LOG_NUM("dead", (int64_t)c.dead), LOG_NUM("dropped", (int64_t)c.dropped), LOG_NUM("skipped", (int64_t)c.skipped),
			     LOG_NUM("interrupted", (int64_t)c.interrupted), LOG_NUM("running", c.running),
			     LOG_NUM("waiting", (int64_t)c.waiting), LOG_NUM("dead_letters", c.dead_letters),
			     LOG_NUM("polls", (int64_t)c.polls), LOG_NUM("poll_failures", (int64_t)c.poll_failures),
			     LOG_NUM("log_lines_dropped", (int64_t)log_dropped(e->config.log))), "figures");
}

static void on_signal(void *arg, int signo)
{
	struct engine *e = arg;
	switch (signo) {
	case SIGHUP:
		engine_hangup(e);
		break;
	case SIGUSR1:
		log_figures(e);
		break;
	case SIGXCPU:
		/* It comes again each second, and is no order to hurry. */
		if (e->phase != ENGINE_RUNNING)
			break;
		log_event(e->config.log, LOG_ERROR, LOG_NONE,
			  "stopping: SIGXCPU: the processor time that tgrun may use (ulimit -t) is "
			  "used up");
		engine_stop(e, 1, false);
		break;
	default:
		log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_NUM("running", handlers_running(e->handlers))), "stopping: SIG%s%s",
			  sigabbrev_np(signo), e->phase >= ENGINE_DRAINING ? " again, so at once" : "");
		engine_stop(e, 0, e->phase >= ENGINE_DRAINING);
		break;
	}
}

static void on_runtime(void *arg)
{
	struct engine *e = arg;
	log_event(e->config.log, LOG_INFO, LOG_NONE, "stopping: --max-runtime has passed");
	engine_stop(e, 0, false);
}

static void on_watchdog(void *arg)
{
	struct engine *e = arg;
	notify_send(e->config.notify, "WATCHDOG=1");
	loop_timer_set(e->watchdog_timer, notify_watchdog_interval(e->config.notify));
}

/* Ends what still runs. A stop is forced when that cuts handlers, so that their updates are kept; background work of a handler that ended, and
 * a hook, hold nothing. */
static void force(struct engine *e, int signo)
{
	if (e->phase != ENGINE_KILLING)
		e->interrupted_before = e->counts.interrupted;
	e->phase = ENGINE_KILLING;
	handlers_stop(e->handlers, signo);
}

static void on_stop_timer(void *arg)
{
	struct engine *e = arg;
	struct log *log = e->config.log;
	if (e->phase == ENGINE_RUNNING) { /* the end of engine_drain_for() */
		log_event(log, LOG_WARN, LOG_NONE, "not all was handled in time; the rest is kept");
		engine_stop(e, e->drain_status, false);
	}
	int lingering = handlers_lingering(e->handlers), running = handlers_running(e->handlers) - lingering, hooks = handlers_hooks(e->handlers);
	if (e->phase != ENGINE_DRAINING)
		return;
	if (running)
		log_event(log, LOG_WARN, LOG_FIELDS(LOG_NUM("running", running)),
			  "handlers still run at the shutdown deadline: ending them; their updates are kept");
	if (lingering) {
		char what[256];
		handlers_describe_lingering(e->handlers, what, sizeof what);
		log_event(log, LOG_WARN, LOG_FIELDS(LOG_NUM("updates", lingering)),
			  "background work of handlers that ended still runs at the shutdown deadline: %s; "
			  "ending it, their updates are settled (--background leave would let it run on)", what);
	}
	if (hooks)
		log_event(log, LOG_WARN, LOG_FIELDS(LOG_NUM("hooks", hooks)), "hooks still run at the shutdown deadline: ending them");
	force(e, SIGTERM);
	CRASHPOINT("stop-killing");
}

void engine_say_status(struct engine *e)
{
	char text[sizeof e->status];
	int64_t now = e->config.clock->mono(e->config.clock);
	struct queue_counts c;
	struct source_counts s;
	if (e->phase != ENGINE_RUNNING || now - e->status_at < STATUS_EVERY)
		return;
	queue_counts(e->queue, &c);
	e->source->ops->counts(e->source, &s);
	snprintf(text, sizeof text, "STATUS=%s%llu handled, %d running, %zu waiting, %lld dead letters%s%.60s",
		 e->ready ? "" : "waiting for the server; ", (unsigned long long)e->counts.done, handlers_running(e->handlers), c.waiting,
		 (long long)c.dead, s.failing ? "; " : "", s.failing ? s.trouble : "");
	if (strcmp(text, e->status) == 0)
		return;
	e->status_at = now;
	strcpy(e->status, text);
	notify_send(e->config.notify, text);
}

/* Reads the name that the bot had last time, so that handlers know it before Telegram answers. */
static void recall_name(struct engine *e)
{
	struct buf name;
	struct err err;
	buf_init(&name, 256);
	if (queue_meta_get(e->queue, "bot-username", &name, &err) == 0 && name.len)
		e->bot_username = strdup(name.data);
	buf_release(&name);
	if (e->bot_username && engine_commands_build(e, &err))
		log_event(e->config.log, LOG_WARN, LOG_NONE, "handlers are not told the bot's name: %s", err.text);
}

static struct poll_config poll_config_of(struct engine *e, const struct engine_config *c)
{
	return (struct poll_config){
		.loop = c->loop, .api = e->api, .log = c->log, .clock = c->clock, .events = engine_source_events(e),
		.offset = queue_offset(e->queue, e->config.api_root), .timeout = c->poll_timeout, .limit = c->limit,
		.allowed = c->allowed_updates, .delay = c->poll_delay, .balance = c->poll_balance,
		.max_delay = c->poll_max_delay, .growth = c->retry_growth, .give_up_after = c->give_up_after,
		.drop_pending = c->drop_pending, .delete_webhook = c->delete_webhook, .once = c->once,
	};
}

static struct source *make_poll(struct engine *e, struct err *err)
{
	struct poll_config poll = poll_config_of(e, &e->config);
	return poll_new(&poll, err);
}

int engine_take_polling(struct engine *e, const struct engine_config *fresh, struct err *err)
{
	struct poll_config poll = poll_config_of(e, fresh);
	if (e->api && poll_change(e->source, &poll, err))
		return -1;
	int64_t left = e->started_at + fresh->max_runtime - e->config.clock->mono(e->config.clock);
	loop_timer_set(e->runtime_timer, !fresh->max_runtime ? -1 : left > 0 ? left : 0);
	return 0;
}

int engine_start(struct engine *e, struct err *err)
{
	static const int signals[ENGINE_SIGNALS] = { SIGTERM, SIGINT,  SIGQUIT, SIGHUP,
						     SIGUSR1, SIGALRM, SIGXCPU, SIGPWR };
	struct loop *l = e->config.loop;
	recall_name(e);
	e->started_at = e->idle_at = e->config.clock->mono(e->config.clock);
	e->source = e->config.source_fd >= 0 ? engine_file_open(e, err) : make_poll(e, err);
	if (!e->source)
		return -1;
	e->stop_timer = loop_timer_new(l, on_stop_timer, e);
	e->runtime_timer = loop_timer_new(l, on_runtime, e);
	e->watchdog_timer = loop_timer_new(l, on_watchdog, e);
	e->hangup_timer = loop_timer_new(l, engine_hangup_timer, e);
	if (!e->stop_timer || !e->runtime_timer || !e->watchdog_timer || !e->hangup_timer)
		return err_set(err, ERR_INTERNAL, "out of memory");
	for (int i = 0; i < ENGINE_SIGNALS; i++) {
		e->signals[i] = loop_signal_new(l, signals[i], on_signal, e);
		if (!e->signals[i])
			return err_set(err, ERR_INTERNAL, "cannot watch signals");
	}
	engine_open_control(e);
	if (e->config.max_runtime)
		loop_timer_set(e->runtime_timer, e->config.max_runtime);
	if (notify_watchdog_interval(e->config.notify))
		on_watchdog(e);
	e->phase = ENGINE_RUNNING;
	if (!e->source->ops->hello)
		handlers_begin(e->handlers);
	e->source->ops->start(e->source);
	return engine_feed_start(e, err);
}

void engine_stop(struct engine *e, int status, bool now)
{
	if (e->phase == ENGINE_FINISHED)
		return;
	if (e->phase == ENGINE_RUNNING) {
		e->phase = ENGINE_DRAINING;
		e->exit_status = status;
		notify_stopping(e->config.notify);
		while (!list_empty(&e->starting)) {
			struct flight *f = container_of(e->starting.next, struct flight, link);
			queue_release(e->queue, f->claim, &(struct queue_release){ .why = RELEASE_NO_START });
			claim_free(f->claim);
			engine_land(e, f);
		}
		if (!e->source_stopped)
			e->source->ops->stop(e->source);
		engine_feed_stop(e);
		CRASHPOINT("stop-begun");
		handlers_drain(e->handlers);
		loop_timer_set(e->stop_timer, e->shutdown_timeout);
	}
	if (now && !handlers_quiet(e->handlers))
		force(e, SIGKILL);
	engine_turn_in(e, 0);
}

void engine_drain(struct engine *e)
{
	if (e->phase != ENGINE_RUNNING || e->draining)
		return;
	e->draining = true;
	if (!e->source_stopped) {
		log_event(e->config.log, LOG_INFO, LOG_NONE, "draining: nothing more is asked for");
		e->source->ops->stop(e->source);
	}
	engine_feed_stop(e);
	engine_turn_in(e, 0);
}

void engine_drain_for(struct engine *e, int64_t limit, int status)
{
	char text[32];
	if (e->phase != ENGINE_RUNNING)
		return;
	duration_format(limit, text, sizeof text);
	log_event(e->config.log, LOG_INFO, LOG_NONE, "draining for at most %s; what is left is kept", text);
	e->drain_status = status;
	loop_timer_set(e->stop_timer, limit);
	engine_drain(e);
}

void engine_pause(struct engine *e, bool paused)
{
	if (e->paused != paused)
		log_event(e->config.log, LOG_INFO, LOG_NONE, paused ? "paused: no handler is started" : "resumed");
	e->paused = paused;
	engine_turn_in(e, 0);
}

static void finish(struct engine *e)
{
	struct engine_counts c;
	engine_counts(e, &c);
	bool cut = e->phase == ENGINE_KILLING && e->counts.interrupted > e->interrupted_before;
	e->phase = ENGINE_FINISHED;
	CRASHPOINT("stop-finished");
	bool lost = e->config.store_forgets && c.waiting;
	int status = e->exit_status ? e->exit_status : cut || lost || !engine_ends_well(e) ? 1 : 0;
	if (lost)
		log_event(e->config.log, LOG_ERROR, LOG_FIELDS(LOG_NUM("waiting", (int64_t)c.waiting)),
			  "updates that were not handled are lost: --store memory keeps nothing");
	log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_NUM("done", (int64_t)c.done), LOG_NUM("failed", (int64_t)c.failed),
		  LOG_NUM("waiting", (int64_t)c.waiting), LOG_NUM("dead_letters", c.dead_letters)), "stopped");
	e->config.finished(e->config.arg, status);
}

/* At the end of the source there may be updates that are due later. They are waited for: no other run need come. */
static bool waits_for_retries(struct engine *e)
{
	struct queue_counts c;
	if (!e->source_ended || e->config.once || queue_next_due(e->queue, QUEUE_ALL_LANES) < 0)
		return false;
	queue_counts(e->queue, &c);
	if (!e->waits_told)
		log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_NUM("waiting", (int64_t)c.waiting)),
			  "the source has ended: waiting for the updates that are to be tried again");
	e->waits_told = true;
	return true;
}

/* At the end of a turn: is there a reason to stop, has the stop come to its end? */
void engine_check_end(struct engine *e)
{
	int64_t now = e->config.clock->mono(e->config.clock);
	if (e->phase == ENGINE_RUNNING) {
		if (e->gives_up) {
			log_event(e->config.log, LOG_ERROR, LOG_NONE, "%s: with --once this is the end, and the rest is left for another run",
				  e->gives_up);
			engine_stop(e, 1, false);
			return;
		}
		if (e->config.once && e->state_gone)
			engine_stop(e, 1, false);
		else if (e->config.once && e->source_dry && engine_idle(e) &&
			 now - e->dry_at < FRESH_ENOUGH)
			engine_stop(e, 0, false);
		if (e->draining && e->source_stopped && engine_idle(e) && !waits_for_retries(e)) {
			engine_file_forget(e);
			engine_stop(e, e->drain_status, false);
		}
		return;
	}
	if (e->phase == ENGINE_FINISHED)
		return;
	if (!handlers_quiet(e->handlers) || !e->source_stopped) {
		e->quiet_at = 0;
		return;
	}
	if (!e->quiet_at)
		e->quiet_at = now;
	if (!queue_dirty(e->queue)) {
		finish(e);
	} else if (now - e->quiet_at > WRITE_PATIENCE) {
		log_event(e->config.log, LOG_ERROR, LOG_NONE, "the last outcomes cannot be written; their updates will be handed out again");
		e->exit_status = ERR_IO;
		finish(e);
	} else {
		engine_turn_in(e, 1000);
	}
}

int engine_free(struct engine *e, struct err *err)
{
	int rc = 0;
	if (!e)
		return 0;
	struct loop_timer *timers[] = { e->turn_timer, e->retry_timer, e->stop_timer, e->runtime_timer,
					e->watchdog_timer, e->hangup_timer, e->log_timer };
	control_free(e->control);
	if (e->source)
		e->source->ops->free(e->source);
	api_free(e->api);
	http_free(e->http);
	handlers_free(e->handlers);
	engine_feed_release(e);
	while (!list_empty(&e->running)) {
		struct flight *f = container_of(e->running.next, struct flight, link);
		list_remove(&f->link);
		free(f);
	}
	if (e->queue)
		rc = queue_close(e->queue, err);
	engine_routes_release(e);
	for (size_t i = 0; i < sizeof timers / sizeof *timers; i++)
		loop_timer_free(timers[i]);
	for (int i = 0; i < ENGINE_SIGNALS; i++)
		loop_signal_free(e->signals[i]);
	max_age_free(e->max_age);
	free(e->bot_username);
	free(e);
	return rc;
}
