/* engine/engine: makes the rooms and connects them, starts, turns and frees. This file stands above
 * all others of the engine. At the end of each turn of the loop it has updates claimed and started,
 * what is old dropped, the source asked on, and the end looked for.
 *
 * What belongs to one update settles that update; what belongs to the machine pauses, and touches
 * none. */
#include "engine/engine.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_internal.h"

/* At the end of each turn of the loop. */
static void on_turn(void *arg)
{
	struct engine *e = arg;
	if (e->phase == ENGINE_NEW || e->phase == ENGINE_FINISHED)
		return;
	engine_take_end(e);
	engine_later_turn(e);
	engine_out_turn(e);
	engine_starts(e);
	engine_out_send(e);
	engine_door_stored(e);
	engine_send_stored(e);
	engine_trim_dead(e);
	engine_give_back(e);
	engine_starts_later(e);
	engine_source_check(e);
	engine_control_check(e);
	engine_say_status(e);
	engine_check_end(e);
	loop_timer_set(e->log_timer, log_flush(e->config.log) >= 0 ? 100 : -1);
	e->pulse.slice_ends = 0;
}

static void on_idle(void *arg)
{
	/* Nothing to do: on_turn() runs at the end of this turn of the loop, and claims. */
	(void)arg;
}

static void on_other_timer(void *arg)
{
	(void)arg; /* Nothing to do: on_turn() runs, since the loop did. */
}

static void on_output(void *arg, struct handler *h, const struct claim *c, int which,
		      const char *text, size_t n)
{
	struct engine *e = arg;
	(void)h;
	if (e->config.output)
		e->config.output(e->config.arg, c, which, text, n);
}

static int make_timers(struct engine *e)
{
	struct loop *l = e->config.loop;
	e->starts.delay_timer = loop_timer_new(l, on_other_timer, e);
	e->log_timer = loop_timer_new(l, on_other_timer, e);
	e->typing.timer = loop_timer_new(l, engine_typing_due, e);
	e->later.timer = loop_timer_new(l, on_other_timer, e);
	return !engine_pulse_init(e) && e->starts.delay_timer && e->log_timer && e->typing.timer &&
			       e->later.timer
		       ? 0
		       : -1;
}

static int make_rooms(struct engine *e, struct err *err)
{
	const struct engine_config *c = &e->config;
	struct handlers_config handlers = {
		.loop = c->loop,
		.slots = c->slots,
		.hook_slots = c->options.on_error.stages || c->options.on_timeout.stages ||
					      c->options.on_undelivered.stages
				      ? 2
				      : 0,
		.feed = c->options.source.stages != NULL,
		.log = c->log,
		.clock = c->clock,
		.secret = c->secret,
		.ca_file = c->ca_file,
		.ca_dirs = c->ca_dirs,
		.done = engine_on_done,
		.idle = on_idle,
		.unstartable = engine_on_unstartable,
		.output = on_output,
		.arg = e,
	};
	if (make_timers(e))
		return err_set(err, ERR_INTERNAL, "out of memory");
	e->handlers = handlers_new(&handlers, err);
	if (!e->handlers || engine_routes_make(e, &c->options, err) ||
	    engine_options_take(e, &c->options, err))
		return -1;
	if (c->source_fd >= 0)
		return 0;
	e->http = http_new(c->loop, err);
	e->api = e->http && http_trust(e->http, c->ca_file, c->ca_dirs) == 0
			 ? api_new(e->http, c->api_root, c->api_login, c->secret)
			 : NULL;
	if (e->http && !e->api)
		err_set(err, ERR_INTERNAL, "out of memory");
	return e->api ? 0 : -1;
}

struct engine *engine_new(const struct engine_config *config, struct err *err)
{
	struct engine *e = calloc(1, sizeof *e);
	if (!e) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	e->config = *config;
	e->feed.fd = -1; /* the caller's until nothing can fail */
	list_init(&e->starts.starting);
	list_init(&e->starts.running);
	list_init(&e->fleet.sends);
	if (make_rooms(e, err))
		goto fail;
	struct sched_gather gather[QUEUE_LANES];
	e->group_seed = map_seed();
	engine_gather_rules(e, gather);
	struct queue_config queue = {
		.clock = config->clock,
		.loop = config->loop,
		.key_spec = e->rule,
		.backlog = e->policy.backlog,
		.route_of = engine_route_bytes,
		.wanted = engine_wanted,
		.gather = gather,
		.group_of = engine_group_of,
		.max_age = engine_max_age,
		.chat_of = engine_chat_bytes,
		.changed = engine_on_changed,
		.arg = e,
	};
	engine_fleet_events(&queue);
	e->queue = config->open_queue(config->arg, &queue, err);
	if (!e->queue)
		goto fail;
	engine_fleet_init(e);
	if (engine_out_open(e, err))
		goto fail;
	e->feed.fd = config->source_feed_fd;
	loop_on_turn(config->loop, on_turn, e);
	return e;
fail:
	engine_free(e, NULL);
	return NULL;
}

static void on_signal(void *arg, int signo)
{
	struct engine *e = arg;
	switch (signo) {
	case SIGHUP:
		engine_hangup(e);
		break;
	case SIGUSR1:
		engine_log_figures(e);
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
		log_event(e->config.log, LOG_INFO,
			  LOG_FIELDS(LOG_NUM("running", handlers_running(e->handlers))),
			  "stopping: SIG%s%s", sigabbrev_np(signo),
			  e->phase >= ENGINE_DRAINING ? " again, so at once" : "");
		engine_stop(e, 0, e->phase >= ENGINE_DRAINING);
		break;
	}
}

static void on_watchdog(void *arg)
{
	struct engine *e = arg;
	notify_send(e->config.notify, "WATCHDOG=1");
	loop_timer_set(e->watchdog_timer, notify_watchdog_interval(e->config.notify));
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
		log_event(e->config.log, LOG_WARN, LOG_NONE,
			  "handlers are not told the bot's name: %s", err.text);
}

int engine_start(struct engine *e, struct err *err)
{
	static const int signals[ENGINE_SIGNALS] = { SIGTERM, SIGINT,  SIGQUIT, SIGHUP,
						     SIGUSR1, SIGALRM, SIGXCPU, SIGPWR };
	struct loop *l = e->config.loop;
	recall_name(e);
	e->started_at = e->tidy.idle_at = e->config.clock->mono(e->config.clock);
	e->source = engine_source_new(e, err);
	if (!e->source)
		return -1;
	e->watchdog_timer = loop_timer_new(l, on_watchdog, e);
	e->hangup_timer = loop_timer_new(l, engine_hangup_timer, e);
	if (engine_life_init(e) || !e->watchdog_timer || !e->hangup_timer)
		return err_set(err, ERR_INTERNAL, "out of memory");
	for (int i = 0; i < ENGINE_SIGNALS; i++) {
		e->signals[i] = loop_signal_new(l, signals[i], on_signal, e);
		if (!e->signals[i])
			return err_set(err, ERR_INTERNAL, "cannot watch signals");
	}
	engine_control_open(e);
	engine_door_open(e);
	int serves = engine_door_serve(e, err);
	if (serves < 0 || (serves && engine_commands_build(e, err)))
		return -1;
	engine_take_runtime(e);
	if (notify_watchdog_interval(e->config.notify))
		on_watchdog(e);
	e->phase = ENGINE_RUNNING;
	if (!e->source->ops->hello)
		handlers_begin(e->handlers);
	e->source->ops->start(e->source);
	return engine_feed_start(e, err);
}

int engine_free(struct engine *e, struct err *err)
{
	int rc = 0;
	if (!e)
		return 0;
	struct loop_timer *timers[] = { e->pulse.timer,    e->starts.delay_timer,
					e->end.stop_timer, e->end.runtime_timer,
					e->watchdog_timer, e->hangup_timer,
					e->log_timer,      e->typing.timer,
					e->later.timer };
	control_free(e->control);
	engine_door_free(e);
	if (e->source)
		e->source->ops->free(e->source);
	api_free(e->api);
	http_free(e->http);
	out_free(e->out);
	handlers_free(e->handlers);
	engine_feed_release(e);
	while (!list_empty(&e->starts.running)) {
		struct flight *f = container_of(e->starts.running.next, struct flight, link);
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
