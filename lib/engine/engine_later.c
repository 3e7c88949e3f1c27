/* engine/engine_later: what was pushed and has come due becomes updates, in slices, in time. The
 * queue knows what is due; here is decided when it is looked at, and whether it is wanted.
 * Invariant: what cannot become an update now, for want of room or a store that fails, waits where
 * it is. */
#include "engine/engine_internal.h"
#include "engine/pushing.h"
#include "engine/sending.h"
#include "queue/later.h"

enum { FAILED_AGAIN = 1000 /* milliseconds */ };

bool engine_wanted(void *arg, const char *body, size_t length)
{
	struct engine *e = arg;
	struct update *u = update_parse(body, length, NULL);
	bool wants = !u || !engine_left_out(e, u);
	update_free(u);
	return wants;
}

static bool is_full(const struct engine *e)
{
	struct queue_counts c;
	queue_counts(e->queue, &c);
	return c.full;
}

bool engine_later_due(const struct engine *e)
{
	return queue_push_due(e->queue) == 0 && !is_full(e);
}

/* A slice of what is due. Whether there is more, and room for it. */
static bool ripen(struct engine *e)
{
	struct queue_ripe ripe;
	struct err err;
	int rc = queue_push_ripen(e->queue, engine_slice(e), engine_wanted, e, &ripe, &err);
	if (rc < 0 && (!e->later.fails || log_pace_owes(e->config.log, &e->later.pace)))
		log_paced(e->config.log, &e->later.pace, LOG_ERROR, LOG_NONE,
			  "what was pushed and is due cannot be taken: %s; it is tried again",
			  err.text);
	if (rc < 0 && !e->later.fails)
		engine_remember_error(e, err.text);
	if (rc >= 0 && e->later.fails)
		log_event(e->config.log, log_pace_end(&e->later.pace), LOG_NONE,
			  "what was pushed is taken again");
	e->later.fails = rc < 0;
	if (rc < 0)
		e->later.again_at = e->config.clock->mono(e->config.clock) + FAILED_AGAIN;
	e->counts.received += ripe.taken;
	e->counts.ignored += ripe.ignored;
	return rc > 0 && !is_full(e);
}

void engine_later_turn(struct engine *e)
{
	int64_t left = e->later.fails ? e->later.again_at - e->config.clock->mono(e->config.clock)
				      : 0;
	if (e->phase != ENGINE_RUNNING)
		return;
	if (left <= 0 && engine_later_due(e) && ripen(e))
		engine_turn_in(e, 0);
	if (e->later.fails)
		left = e->later.again_at - e->config.clock->mono(e->config.clock);
	else
		left = queue_push_due(e->queue);
	/* What is due and has no room comes when something ends, which makes a turn. */
	loop_timer_set(e->later.timer, left > 0 ? left : -1);
}

/* Whether there is room for it. 0, or -1 with `err` (ERR_CANTCREATE). */
static int has_room(struct engine *e, int64_t bytes, struct err *err)
{
	struct queue_counts c;
	queue_counts(e->queue, &c);
	if (e->config.store_forgets && c.later >= e->policy.backlog)
		return err_set(err, ERR_CANTCREATE,
			       "with --store memory no more than --backlog may be to come, and "
			       "nothing was kept");
	if (!engine_disk_has(e, bytes))
		return err_set(err, ERR_CANTCREATE,
			       "the disk is almost full (--min-free), and nothing was kept");
	return 0;
}

static int take(struct engine *e, const cJSON *request, int fd, int64_t *number, struct err *err)
{
	if (e->pulse.store_fails)
		return err_set(err, ERR_IO, "the running tgrun cannot write its state");
	return has_room(e, pushing_size(fd), err) ||
			       pushing_take(e->queue, e->config.clock, request, fd, number, err)
		       ? -1
		       : 0;
}

void engine_push(struct engine *e, struct control_client *client, const cJSON *request)
{
	struct err err = { 0 };
	int64_t number = 0;
	struct buf line;
	buf_init(&line, SENDING_BYTES_MAX);
	int rc = take(e, request, control_descriptor(client), &number, &err)
			 ? sending_told_failure(&err, &line)
			 : pushing_told(number, &line);
	if (rc == 0)
		control_reply(client, line.data, line.len);
	buf_release(&line);
}
