/* engine/engine_hangup: SIGHUP comes in, which has two meanings; a stop or a reload goes out. The
 * hang-up of the terminal that tgrun was started from is a stop, as for any program; every other
 * SIGHUP asks for the configuration to be read again. Invariant: a hang-up stops gracefully, and
 * however often it is told (by the shell, and by the kernel when the shell is gone), it hurries
 * nothing. */
#include "engine/engine_internal.h"
#include "io/terminal.h"

enum {
	SETTLES = 1000 /* milliseconds: a shell that ends hangs its jobs up, and only then is the
			  terminal gone */
};

/* Whether the terminal is gone; stops if it is. */
static bool hung_up(struct engine *e)
{
	if (!e->config.terminal || terminal_look() != TERMINAL_NONE)
		return false;
	if (e->phase == ENGINE_RUNNING) {
		log_event(e->config.log, LOG_INFO,
			  LOG_FIELDS(LOG_NUM("running", handlers_running(e->handlers))),
			  "stopping: SIGHUP, and the terminal is gone");
		engine_stop(e, 0, false);
	}
	return true;
}

void engine_hangup_timer(void *arg)
{
	hung_up(arg);
}

int engine_read_again(struct engine *e, struct err *err)
{
	notify_reloading(e->config.notify);
	int rc = e->config.reload ? e->config.reload(e->config.arg, err) : 0;
	if (e->source->ops->hello)
		e->source->ops->hello(e->source);
	notify_reloaded(e->config.notify);
	return rc;
}

void engine_hangup(struct engine *e)
{
	struct err logged;
	if (hung_up(e))
		return;
	engine_read_again(e, &logged);
	loop_timer_set(e->hangup_timer, SETTLES);
}
