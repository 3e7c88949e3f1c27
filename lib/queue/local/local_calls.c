/* queue/local/local_calls: the calls that are to be sent, as the local queue keeps them. Numbers
 * are given here; everything else goes through the list of what is pending to the store, with the
 * outcomes of updates. Invariant: for each call that was begun there is room in that list, so that
 * its end can be recorded even when memory is out by then. */
#include "queue/local/local_internal.h"

#include <stdlib.h>
#include <string.h>

static int record(struct local *q, const struct store_op *op)
{
	return pending_reserve(&q->pending, 1 + q->reserved) || pending_add(&q->pending, op) ? -1
											     : 0;
}

/* The end of one that was begun. */
static void record_end(struct local *q, const struct store_op *op)
{
	pending_add(&q->pending, op);
	q->reserved--;
}

static struct store_op state_of(const struct queue_call *call, bool begun)
{
	return (struct store_op){ .kind = STORE_CALL_STATE,
				  .seq = call->id,
				  .due = call->due,
				  .failures = call->tries,
				  .deaths = call->servers,
				  .interruptions = call->unsures,
				  .begun = begun };
}

static struct store_op failure_of(const struct local *q, const struct queue_call *call)
{
	return (struct store_op){ .kind = STORE_CALL_FAILED,
				  .seq = call->id,
				  .reason = call->reason,
				  .code = call->code,
				  .interruptions = call->unsures,
				  .now = q->config.clock->wall(q->config.clock) };
}

int64_t local_call_next(struct queue *queue, int64_t count)
{
	(void)count;
	return local_of(queue)->last_call + 1;
}

int64_t local_call_add(struct queue *queue, const struct queue_call *call)
{
	struct local *q = local_of(queue);
	struct queue_call numbered = *call;
	numbered.id = q->last_call + 1;
	if (numbered.group == 0)
		numbered.group = numbered.id;
	if (record(q, &(struct store_op){ .kind = STORE_CALL, .call = &numbered }))
		return 0;
	return ++q->last_call;
}

int local_message_add(struct queue *queue, const struct queue_message *message)
{
	return record(local_of(queue),
		      &(struct store_op){ .kind = STORE_MESSAGE, .message = message });
}

int local_call_begin(struct queue *queue, const struct queue_call *call, bool sync)
{
	struct local *q = local_of(queue);
	struct store_op op = state_of(call, true);
	if (pending_reserve(&q->pending, 2 + q->reserved))
		return -1;
	pending_lend(&q->pending, &op);
	q->reserved++;
	q->sync_next = q->sync_next || sync;
	return 0;
}

void local_call_done(struct queue *queue, int64_t id)
{
	record_end(local_of(queue), &(struct store_op){ .kind = STORE_CALL_GONE, .seq = id });
}

void local_call_again(struct queue *queue, const struct queue_call *call)
{
	struct store_op op = state_of(call, false);
	record_end(local_of(queue), &op);
}

void local_call_fail(struct queue *queue, const struct queue_call *call)
{
	struct local *q = local_of(queue);
	struct store_op op = failure_of(q, call);
	record_end(q, &op);
}

int local_call_give_up(struct queue *queue, const struct queue_call *call)
{
	struct local *q = local_of(queue);
	struct store_op op = failure_of(q, call);
	return record(q, &op);
}

int local_call_drop(struct queue *queue, int64_t id, bool failed)
{
	return record(local_of(queue),
		      &(struct store_op){ .kind = failed ? STORE_FAILED_GONE : STORE_CALL_GONE,
					  .seq = id });
}

int local_call_replace(struct queue *queue, const struct queue_call *call)
{
	return record(local_of(queue),
		      &(struct store_op){ .kind = STORE_CALL_REPLACE, .call = call });
}

void local_line_keep(struct queue *queue, const struct queue_line *line)
{
	record(local_of(queue), &(struct store_op){ .kind = STORE_LINE,
						    .keys = line->line,
						    .due = line->full,
						    .now = line->cool });
}

void local_lines_rest(struct queue *queue, int64_t wall)
{
	record(local_of(queue), &(struct store_op){ .kind = STORE_LINES_REST, .now = wall });
}

void local_clock_set(struct queue *queue, int64_t by)
{
	record(local_of(queue), &(struct store_op){ .kind = STORE_CLOCK, .due = by });
}

int local_move_keep(struct queue *queue, const char *from, const char *to)
{
	return record(local_of(queue),
		      &(struct store_op){ .kind = STORE_MOVED, .kind_name = from, .keys = to });
}

int local_job_keep(struct queue *queue, const char *name, const char *chat, int64_t number,
		   int64_t at)
{
	return record(local_of(queue), &(struct store_op){ .kind = STORE_JOB,
							   .kind_name = name,
							   .keys = chat,
							   .seq = number,
							   .now = at });
}

void local_jobs_rest(struct queue *queue, int64_t wall)
{
	record(local_of(queue), &(struct store_op){ .kind = STORE_JOBS_REST, .now = wall });
}

/* ---- what is read ---- */

/* That a callback ended the walk is no failure. */
static int walked(int rc, const struct err *why, struct err *err)
{
	if (rc == 0)
		return 0;
	if (why->status == 0)
		return 1;
	if (err)
		*err = *why;
	return -1;
}

int local_calls_each(struct queue *queue, int64_t from, bool failed, bool params,
		     int (*each)(void *arg, const struct queue_call *call), void *arg,
		     struct err *err)
{
	struct store *s = local_of(queue)->store;
	struct err why = { 0 };
	return walked(s->ops->calls(s, from, failed, params, each, arg, &why), &why, err);
}

int local_lines_each(struct queue *queue, int (*each)(void *arg, const struct queue_line *line),
		     void *arg, struct err *err)
{
	struct store *s = local_of(queue)->store;
	struct err why = { 0 };
	return walked(s->ops->lines(s, each, arg, &why), &why, err);
}

int local_moves_each(struct queue *queue, int (*each)(void *arg, const char *from, const char *to),
		     void *arg, struct err *err)
{
	struct store *s = local_of(queue)->store;
	struct err why = { 0 };
	return walked(s->ops->moves(s, each, arg, &why), &why, err);
}

int local_job_get(struct queue *queue, const char *name, const char *chat, int64_t *number,
		  struct err *err)
{
	struct store *s = local_of(queue)->store;
	return s->ops->job(s, name, chat, number, err);
}

struct shown {
	struct store *store;
	int64_t id;
	void (*show)(void *arg, const struct queue_call *call, const struct queue_message *message);
	void *arg;
	const struct queue_call *call;
	int found;
	struct err *err;
};

static void show_message(void *arg, const struct queue_message *message)
{
	struct shown *s = arg;
	s->show(s->arg, s->call, message);
}

static int show_call(void *arg, const struct queue_call *call)
{
	struct shown *s = arg;
	if (call->id != s->id)
		return 1;
	s->call = call;
	s->found = 1;
	if (call->message)
		s->found = s->store->ops->message(s->store, call->message, show_message, s, s->err);
	if (!call->message || s->found == 0)
		s->show(s->arg, call, NULL);
	s->found = s->found < 0 ? -1 : 1;
	return 1;
}

int local_call_show(struct queue *queue, int64_t id,
		    void (*show)(void *arg, const struct queue_call *call,
				 const struct queue_message *message),
		    void *arg, struct err *err)
{
	struct local *q = local_of(queue);
	struct err why = { 0 };
	struct shown s = { q->store, id, show, arg, .err = &why };
	for (int failed = 0; failed < 2 && !s.found && !why.status; failed++)
		q->store->ops->calls(q->store, id, failed, true, show_call, &s, &why);
	if (!why.status)
		return s.found;
	if (err)
		*err = why;
	return -1;
}

int64_t local_calls_failed(const struct queue *queue)
{
	const struct local *q = local_of(queue);
	return q->store->ops->failed_count(q->store);
}
