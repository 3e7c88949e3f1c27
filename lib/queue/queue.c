/* queue/queue: a verb of queue.h, calls.h, later.h or sharing.h comes in, and goes to the backend
 * that the queue was opened by. Nothing is decided here. */
#include "queue/queue_ops.h"

int queue_close(struct queue *q, struct err *err)
{
	return q ? q->ops->close(q, err) : 0;
}

bool queue_shared(const struct queue *q)
{
	return q->ops->fleet;
}

void queue_fleet(const struct queue *q, struct queue_fleet *out)
{
	*out = (struct queue_fleet){ 0 };
	if (q->ops->fleet)
		q->ops->fleet(q, out);
}

int queue_put(struct queue *q, const struct queue_put *puts, size_t count, const char *root,
	      int64_t offset, struct queue_put_result *result, struct err *err)
{
	return q->ops->put(q, puts, count, root, offset, result, err);
}

int queue_durable(struct queue *q, bool wait, struct err *err)
{
	return q->ops->durable(q, wait, err);
}

void queue_confirmed(struct queue *q, const char *root, int64_t offset)
{
	q->ops->confirmed(q, root, offset);
}

int64_t queue_offset(struct queue *q, const char *root)
{
	return q->ops->offset(q, root);
}

int queue_meta_get(struct queue *q, const char *name, struct buf *out, struct err *err)
{
	return q->ops->meta_get(q, name, out, err);
}

void queue_meta_set(struct queue *q, const char *name, const char *value)
{
	q->ops->meta_set(q, name, value);
}

int queue_claim(struct queue *q, uint64_t lanes, struct claim **out, struct err *err)
{
	return q->ops->claim(q, lanes, out, err);
}

int queue_claim_joining(struct queue *q, struct claim *const *batch, size_t n, struct claim **out,
			struct err *err)
{
	return q->ops->claim_joining(q, batch, n, out, err);
}

bool queue_marked(const struct queue *q, const struct claim *c)
{
	return q->ops->marked(q, c);
}

void claim_free(struct claim *c)
{
	if (c)
		c->free(c);
}

void queue_done(struct queue *q, const struct claim *c)
{
	q->ops->done(q, c);
}

void queue_drop(struct queue *q, const struct claim *c)
{
	q->ops->drop(q, c);
}

void queue_dead(struct queue *q, const struct claim *c, const char *reason, const char *last_stderr)
{
	q->ops->dead(q, c, reason, last_stderr);
}

void queue_retry(struct queue *q, const struct claim *c, int64_t delay, const char *reason)
{
	q->ops->retry(q, c, delay, reason);
}

void queue_keep(struct queue *q, const struct claim *c, int64_t delay, const char *reason)
{
	q->ops->keep(q, c, delay, reason);
}

const char *queue_release(struct queue *q, const struct claim *c, const struct queue_release *how)
{
	return q->ops->release(q, c, how);
}

bool queue_proven(const struct queue *q, const struct claim *c)
{
	return q->ops->proven(q, c);
}

int queue_flush(struct queue *q, struct err *err)
{
	return q->ops->flush(q, err);
}

bool queue_dirty(const struct queue *q)
{
	return q->ops->dirty(q);
}

uint64_t queue_ticket(const struct queue *q)
{
	return q->ops->ticket(q);
}

bool queue_written(const struct queue *q, uint64_t ticket)
{
	return q->ops->written(q, ticket);
}

void queue_take(struct queue *q, enum queue_take take)
{
	if (q->ops->take)
		q->ops->take(q, take);
}

int queue_cancel(struct queue *q, const char *keys, const char *chat, const int64_t *numbers,
		 size_t count)
{
	return q->ops->cancel ? q->ops->cancel(q, keys, chat, numbers, count) : 0;
}

int64_t queue_next_due(const struct queue *q, uint64_t lanes)
{
	return q->ops->next_due(q, lanes);
}

size_t queue_ready(const struct queue *q, unsigned lane, int64_t *oldest_ms)
{
	return q->ops->ready(q, lane, oldest_ms);
}

size_t queue_waiting(const struct queue *q, unsigned lane)
{
	return q->ops->waiting(q, lane);
}

int queue_oldest(struct queue *q, int64_t *arrived, struct err *err)
{
	return q->ops->oldest(q, arrived, err);
}

bool queue_batch_full(const struct queue *q, unsigned lane, size_t size)
{
	return q->ops->batch_full(q, lane, size);
}

void queue_counts(const struct queue *q, struct queue_counts *out)
{
	q->ops->counts(q, out);
}

void queue_gather(struct queue *q, unsigned lane, const struct sched_gather *rule)
{
	q->ops->gather(q, lane, rule);
}

void queue_set_backlog(struct queue *q, int64_t backlog)
{
	q->ops->set_backlog(q, backlog);
}

int queue_stands(struct queue *q, struct err *err)
{
	return q->ops->stands(q, err);
}

void queue_files(struct queue *q, struct queue_files *out)
{
	q->ops->files(q, out);
}

int64_t queue_spare_bytes(const struct queue *q)
{
	return q->ops->spare_bytes(q);
}

int queue_give_back(struct queue *q, struct err *err)
{
	return q->ops->give_back(q, err);
}

int queue_each(struct queue *q, int64_t from, int (*each)(void *arg, const struct queue_item *item),
	       void *arg, struct err *err)
{
	return q->ops->each(q, from, each, arg, err);
}

int queue_show(struct queue *q, int64_t seq, int (*show)(void *arg, const struct queue_item *item),
	       void *arg, struct err *err)
{
	return q->ops->show(q, seq, show, arg, err);
}

int queue_dead_each(struct queue *q, int64_t from,
		    int (*letter)(void *arg, const struct queue_letter *letter), void *arg,
		    struct err *err)
{
	return q->ops->dead_each(q, from, letter, arg, err);
}

int queue_many(struct queue *q, struct queue_many *m, int64_t until,
	       void (*told)(void *arg, int64_t number, enum queue_fate fate), void *arg,
	       struct err *err)
{
	return q->ops->many(q, m, until, told, arg, err);
}

int queue_dead_trim(struct queue *q, int64_t keep, int64_t max_age, int64_t until, int64_t *dropped,
		    struct err *err)
{
	return q->ops->dead_trim(q, keep, max_age, until, dropped, err);
}

int64_t queue_call_add(struct queue *q, const struct queue_call *call)
{
	return q->ops->call_add(q, call);
}

int64_t queue_call_next(struct queue *q, int64_t count)
{
	return q->ops->call_next(q, count);
}

int queue_message_add(struct queue *q, const struct queue_message *message)
{
	return q->ops->message_add(q, message);
}

int queue_call_begin(struct queue *q, const struct queue_call *call, bool sync)
{
	return q->ops->call_begin(q, call, sync);
}

void queue_call_done(struct queue *q, int64_t id)
{
	q->ops->call_done(q, id);
}

void queue_call_again(struct queue *q, const struct queue_call *call)
{
	q->ops->call_again(q, call);
}

void queue_call_fail(struct queue *q, const struct queue_call *call)
{
	q->ops->call_fail(q, call);
}

int queue_call_give_up(struct queue *q, const struct queue_call *call)
{
	return q->ops->call_give_up(q, call);
}

int queue_call_drop(struct queue *q, int64_t id, bool failed)
{
	return q->ops->call_drop(q, id, failed);
}

int queue_call_replace(struct queue *q, const struct queue_call *call)
{
	return q->ops->call_replace(q, call);
}

void queue_line_keep(struct queue *q, const struct queue_line *line)
{
	q->ops->line_keep(q, line);
}

void queue_lines_rest(struct queue *q, int64_t wall)
{
	q->ops->lines_rest(q, wall);
}

void queue_clock_set(struct queue *q, int64_t by)
{
	q->ops->clock_set(q, by);
}

int queue_move_keep(struct queue *q, const char *from, const char *to)
{
	return q->ops->move_keep(q, from, to);
}

int queue_calls_each(struct queue *q, int64_t from, bool failed, bool params,
		     int (*each)(void *arg, const struct queue_call *call), void *arg,
		     struct err *err)
{
	return q->ops->calls_each(q, from, failed, params, each, arg, err);
}

int queue_lines_each(struct queue *q, int (*each)(void *arg, const struct queue_line *line),
		     void *arg, struct err *err)
{
	return q->ops->lines_each(q, each, arg, err);
}

int queue_moves_each(struct queue *q, int (*each)(void *arg, const char *from, const char *to),
		     void *arg, struct err *err)
{
	return q->ops->moves_each(q, each, arg, err);
}

int queue_job_get(struct queue *q, const char *name, const char *chat, int64_t *number,
		  struct err *err)
{
	return q->ops->job_get(q, name, chat, number, err);
}

int queue_job_keep(struct queue *q, const char *name, const char *chat, int64_t number, int64_t at)
{
	return q->ops->job_keep(q, name, chat, number, at);
}

void queue_jobs_rest(struct queue *q, int64_t wall)
{
	q->ops->jobs_rest(q, wall);
}

int queue_call_show(struct queue *q, int64_t id,
		    void (*show)(void *arg, const struct queue_call *call,
				 const struct queue_message *message),
		    void *arg, struct err *err)
{
	return q->ops->call_show(q, id, show, arg, err);
}

int64_t queue_calls_failed(const struct queue *q)
{
	return q->ops->calls_failed(q);
}

int queue_push(struct queue *q, const struct queue_push *push, int64_t *number, struct err *err)
{
	return q->ops->push(q, push, number, err);
}

int64_t queue_push_due(struct queue *q)
{
	return q->ops->push_due(q);
}

int queue_push_ripen(struct queue *q, int64_t until,
		     bool (*wanted)(void *arg, const char *body, size_t length), void *arg,
		     struct queue_ripe *out, struct err *err)
{
	return q->ops->push_ripen(q, until, wanted, arg, out, err);
}

int queue_push_each(struct queue *q, int64_t from,
		    int (*each)(void *arg, const struct queue_item *item), void *arg,
		    struct err *err)
{
	return q->ops->push_each(q, from, each, arg, err);
}

int queue_push_show(struct queue *q, int64_t number,
		    int (*show)(void *arg, const struct queue_item *item), void *arg,
		    struct err *err)
{
	return q->ops->push_show(q, number, show, arg, err);
}
