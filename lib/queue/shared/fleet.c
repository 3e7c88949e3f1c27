/* queue/shared/fleet: the start and the end of the shared queue, what is written of it, and the
 * table of its verbs. What people ask of a queue they ask the database itself (fleet_tools.h): here
 * it is only said how. Invariant: a ticket is the number of the turn that has what was recorded
 * before, so it is written when that turn, or a later one, is committed. */
#include <string.h>

#include "queue/shared/fleet_verbs_internal.h"

/* ---- what is written ---- */

bool fleet_dirty(const struct queue *queue)
{
	const struct fleet *q = fleet_of(queue);
	return fleet_owes(q);
}

int fleet_flush(struct queue *queue, struct err *err)
{
	struct fleet *q = fleet_of(queue);
	fleet_calls_next(q);
	if (!fleet_calls_outage(q) && !q->node.refused)
		return fleet_dirty(queue);
	if (err)
		*err = q->node.failure;
	return -1;
}

uint64_t fleet_ticket(const struct queue *queue)
{
	const struct fleet *q = fleet_of(queue);
	return q->turn.recorded + (fleet_turn_dirty(q) || q->turn.follows);
}

bool fleet_written(const struct queue *queue, uint64_t ticket)
{
	const struct fleet *q = fleet_of(queue);
	bool lost = ticket > q->turn.lost_from && ticket <= q->turn.lost_to;
	return q->turn.done >= ticket && !lost;
}

/* ---- where it stands ---- */

void fleet_figures(const struct queue *queue, struct queue_fleet *out)
{
	const struct fleet *q = fleet_of(queue);
	bool loads = q->role.polls && q->config.sender && q->sender.stage != FLEET_SENDS_CALLS;
	*out = (struct queue_fleet){
		.attached = q->node.attached,
		.more = q->turn.wake || q->turn.full || q->turn.done < q->turn.recorded ||
			q->step == &fleet_send_calls || fleet_dirty(queue) || q->sender.more ||
			loads || !list_empty(&q->in.batches),
		.asks = q->role.polls,
		.sends = q->sender.sends,
		.beat_age = q->node.beat_answered ? fleet_mono(q) - q->node.beat_answered : -1,
		.held = q->held.count,
		.calls = q->totals.calls,
		.bulk = q->totals.bulk,
		.cut_offs = q->cut_offs,
		.takeovers = q->takeovers,
		.refusals = q->refusals,
		.unwritten = q->unwritten,
	};
}

void fleet_counts(const struct queue *queue, struct queue_counts *out)
{
	const struct fleet *q = fleet_of(queue);
	size_t all = sched_count(q->sched);
	*out = (struct queue_counts){ .waiting = all - sched_running(q->sched),
				      .running = sched_running(q->sched),
				      .ready = sched_ready(q->sched, SCHED_ALL_LANES),
				      .gathering = sched_gathering(q->sched),
				      .dead = q->totals.dead,
				      .later = q->totals.later,
				      .full = q->unfinished >= q->config.backlog };
}

void fleet_set_backlog(struct queue *queue, int64_t backlog)
{
	fleet_of(queue)->config.backlog = backlog;
}

int64_t fleet_offset(struct queue *queue, const char *root)
{
	struct fleet *q = fleet_of(queue);
	if (!q->role.root)
		q->role.root = strdup(root); /* without memory it never asks for updates */
	return 0;
}

void fleet_take(struct queue *queue, enum queue_take take)
{
	struct fleet *q = fleet_of(queue);
	q->turn.refuses = take != QUEUE_TAKES;
	q->role.leaves = take == QUEUE_LEAVES;
	fleet_soon(q);
}

int fleet_cancel(struct queue *queue, const char *keys, const char *chat, const int64_t *numbers,
		 size_t count)
{
	struct fleet *q = fleet_of(queue);
	return fleet_node_cancels(q, keys, chat, numbers, count);
}

int fleet_meta_get(struct queue *queue, const char *name, struct buf *out, struct err *err)
{
	struct fleet *q = fleet_of(queue);
	const struct fleet_named *n = q->named;
	while (n && strcmp(n->name, name) != 0)
		n = n->next;
	buf_clear(out);
	return n && buf_adds(out, n->value) ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

/* ---- the disk: it is the server's ---- */

int fleet_stands(struct queue *queue, struct err *err)
{
	(void)queue, (void)err;
	return 0;
}

void fleet_files(struct queue *queue, struct queue_files *out)
{
	(void)queue;
	for (int i = 0; i < QUEUE_FILES; i++)
		out->fd[i] = -1;
}

int64_t fleet_spare_bytes(const struct queue *queue)
{
	(void)queue;
	return 0;
}

int fleet_give_back(struct queue *queue, struct err *err)
{
	(void)queue, (void)err;
	return 0;
}

/* ---- for people ---- */

static int ask_it(const char *what, const char *command, struct err *err)
{
	return err_set(err, ERR_USAGE, "%s in PostgreSQL: ask that, by '%s --store URL'", what,
		       command);
}

int fleet_oldest(struct queue *queue, int64_t *arrived, struct err *err)
{
	(void)queue, (void)arrived;
	return ask_it("the queue is", "tgrun fleet status", err);
}

int fleet_each(struct queue *queue, int64_t from,
	       int (*each)(void *arg, const struct queue_item *item), void *arg, struct err *err)
{
	(void)queue, (void)from, (void)each, (void)arg;
	return ask_it("the queue is", "tgrun queue", err);
}

int fleet_dead_each(struct queue *queue, int64_t from,
		    int (*letter)(void *arg, const struct queue_letter *letter), void *arg,
		    struct err *err)
{
	(void)queue, (void)from, (void)letter, (void)arg;
	return ask_it("dead letters are", "tgrun dead", err);
}

int fleet_many(struct queue *queue, struct queue_many *m, int64_t until,
	       void (*told)(void *arg, int64_t number, enum queue_fate fate), void *arg,
	       struct err *err)
{
	bool letters = m->change == QUEUE_RETRY || m->change == QUEUE_DROP;
	(void)queue, (void)until, (void)told, (void)arg;
	return letters ? ask_it("dead letters are", "tgrun dead", err)
		       : ask_it("the queue is", "tgrun queue", err);
}

int fleet_dead_trim(struct queue *queue, int64_t keep, int64_t max_age, int64_t until,
		    int64_t *dropped, struct err *err)
{
	(void)until, (void)err;
	struct fleet *q = fleet_of(queue);
	q->trim.keep = keep;
	q->trim.age = max_age;
	*dropped = 0;
	return 0;
}

int fleet_calls_each(struct queue *queue, int64_t from, bool failed, bool params,
		     int (*each)(void *arg, const struct queue_call *call), void *arg,
		     struct err *err)
{
	(void)queue, (void)from, (void)failed, (void)params, (void)each, (void)arg;
	return ask_it("the outbox is", "tgrun outbox", err);
}

int fleet_lines_each(struct queue *queue, int (*each)(void *arg, const struct queue_line *line),
		     void *arg, struct err *err)
{
	(void)queue, (void)each, (void)arg;
	return ask_it("the outbox is", "tgrun outbox", err);
}

int fleet_moves_each(struct queue *queue, int (*each)(void *arg, const char *from, const char *to),
		     void *arg, struct err *err)
{
	(void)queue, (void)each, (void)arg;
	return ask_it("the outbox is", "tgrun outbox", err);
}

int fleet_job_get(struct queue *queue, const char *name, const char *chat, int64_t *number,
		  struct err *err)
{
	(void)queue, (void)name, (void)chat, (void)number;
	return ask_it("jobs are", "tgrun send", err);
}

int64_t fleet_calls_failed(const struct queue *queue)
{
	return fleet_of(queue)->totals.failed;
}
