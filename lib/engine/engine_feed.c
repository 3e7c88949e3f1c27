/* engine/engine_feed: keeps the program of --source exec: running. A pipe and a command come in;
 * the lines source reads the pipe's other end, no faster than the backlog allows, so the program
 * waits in write(2).
 *
 * The pipe stays while the program is started again after a failure; it is closed, which ends the
 * source, when the program ended well. Invariant: at most one program writes to it, and half a line
 * of one is never joined with a line of the next. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/duration.h"
#include "engine/engine_internal.h"

enum { FIRST_DELAY = 1000, LAST_DELAY = 60000, KILL_AFTER = 5000, AGAIN = 1000 };

static void close_pipe(struct engine *e)
{
	if (e->feed.fd >= 0)
		close(e->feed.fd);
	e->feed.fd = -1;
}

static void again(struct engine *e, const char *what, const char *reason)
{
	char wait[DURATION_TEXT];
	int64_t now = e->config.clock->mono(e->config.clock);
	/* One that ran for long has no part in the failures before. */
	if (now - e->feed.started >= LAST_DELAY)
		backoff_reset(&e->feed.backoff);
	int64_t delay = backoff_fail(&e->feed.backoff, backoff_random());
	duration_format(delay, wait, sizeof wait);
	log_paced(e->config.log, &e->feed.pace, LOG_WARN, LOG_NONE,
		  "the source's program %s: %s; starting it again in %s", what, reason, wait);
	loop_timer_set(e->feed.timer, delay);
}

static void on_ended(void *arg, const char *reason)
{
	struct engine *e = arg;
	if (e->phase != ENGINE_RUNNING || e->draining || !reason) {
		close_pipe(e);
	} else if (e->config.once) {
		log_event(e->config.log, LOG_ERROR, LOG_NONE,
			  "the source's program failed: %s; with --once it is not started again",
			  reason);
		engine_remember_error(e, reason);
		e->end.drain_status = ERR_UNAVAILABLE;
		close_pipe(e);
	} else {
		e->feed.torn = true;
		again(e, "ended", reason);
	}
}

/* Ends the line that the last program may have left half-written; the source passes over an empty
 * one. Not while the pipe is full: that is a writer's turn to wait, and this process must not. */
static bool mend_line(struct engine *e)
{
	struct pollfd p = { .fd = e->feed.fd, .events = POLLOUT };
	if (e->feed.torn && poll(&p, 1, 0) == 1 && p.revents & POLLOUT &&
	    write(e->feed.fd, "\n", 1) == 1)
		e->feed.torn = false;
	return !e->feed.torn;
}

static void start(struct engine *e)
{
	if (e->feed.fd < 0 || e->phase != ENGINE_RUNNING || e->draining)
		return;
	if (!mend_line(e)) {
		loop_timer_set(e->feed.timer, AGAIN);
		return;
	}
	e->feed.started = e->config.clock->mono(e->config.clock);
	if (handlers_feed(e->handlers, e->source_packed, e->feed.fd, KILL_AFTER, on_ended, e))
		again(e, "cannot be started", strerror(errno));
}

static void on_timer(void *arg)
{
	start(arg);
}

int engine_feed_start(struct engine *e, struct err *err)
{
	if (e->feed.fd < 0)
		return 0;
	e->feed.backoff = (struct backoff){ .first = FIRST_DELAY, .cap = LAST_DELAY };
	e->feed.timer = loop_timer_new(e->config.loop, on_timer, e);
	if (!e->feed.timer)
		return err_set(err, ERR_INTERNAL, "out of memory");
	start(e);
	return 0;
}

void engine_feed_stop(struct engine *e)
{
	if (!e->feed.timer)
		return;
	loop_timer_set(e->feed.timer, -1);
	handlers_feed_stop(e->handlers);
	close_pipe(e);
}

void engine_feed_release(struct engine *e)
{
	loop_timer_free(e->feed.timer);
	close_pipe(e);
}
