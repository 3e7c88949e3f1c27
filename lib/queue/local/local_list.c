/* queue/local/local_list: what is unfinished, for people: list and show. What an update is comes
 * from the store, what becomes of it from the scheduler. Nothing changes here. */
#include "queue/local/local_internal.h"

/* One after the other, of which a callback is told. */
struct walk {
	struct local *queue;
	int (*each)(void *arg, const struct queue_item *item);
	void *arg;
	int64_t only; /* its number; 0: all */
	struct buf *body;
	struct err *err;
	int rc;
};

static int walk_row(void *arg, const struct store_row *row)
{
	struct walk *w = arg;
	struct local *q = w->queue;
	struct sched_entry e;
	enum sched_state state;
	struct store_facts facts;
	if (w->only && row->seq != w->only)
		return -1;
	/* What was settled and is not yet written is finished. */
	if (!sched_look(q->sched, row->seq, &e, &state))
		return w->only ? -1 : 0;
	struct queue_item item = { .seq = row->seq,
				   .has_id = row->has_id,
				   .update_id = row->update_id,
				   .kind = row->kind_name,
				   .keys = row->keys,
				   .lane = e.lane,
				   .failures = e.failures,
				   .deaths = e.deaths,
				   .interruptions = e.interruptions,
				   .received = row->received };
	switch (state) {
	case SCHED_RUNNING:
		item.state = QUEUE_RUNNING;
		break;
	case SCHED_BLOCKED:
		item.state = QUEUE_BEHIND;
		break;
	case SCHED_DELAYED:
		item.state = QUEUE_DELAYED;
		item.due = local_row_wall(q, e.due);
		item.gathers = e.gathers;
		break;
	case SCHED_READY:
		item.state = QUEUE_READY;
		break;
	}
	if (w->body) {
		w->rc = q->store->ops->body(q->store, row->seq, w->body, &facts, w->err);
		if (w->rc < 0)
			return -1;
		item.body = buf_str(w->body);
		item.length = w->body->len;
	}
	w->rc = 1;
	return w->each(w->arg, &item) || w->only ? -1 : 0;
}

struct eldest {
	const struct local *queue;
	int64_t arrived; /* 0: none was found */
};

/* Numbers rise in the order of arrival, so the first one that waits is the oldest. What is passed
 * over before it runs, or was settled in this turn: not many. */
static int eldest_row(void *arg, const struct store_row *row)
{
	struct eldest *e = arg;
	bool running;
	if (!sched_has(e->queue->sched, row->seq, &running) || running)
		return 0;
	e->arrived = store_arrived(row->received, row->again);
	return 1;
}

int local_oldest(struct queue *queue, int64_t *arrived, struct err *err)
{
	struct local *q = local_of(queue);
	struct eldest e = { .queue = q };
	struct err why = { 0 };
	bool none = sched_count(q->sched) == sched_running(q->sched);
	if (!none && q->store->ops->load(q->store, 0, eldest_row, &e, &why) && why.status) {
		if (err)
			*err = why;
		return -1;
	}
	*arrived = e.arrived;
	return e.arrived != 0;
}

int local_each(struct queue *queue, int64_t from,
	       int (*each)(void *arg, const struct queue_item *item), void *arg, struct err *err)
{
	struct local *q = local_of(queue);
	struct walk w = { .queue = q, .each = each, .arg = arg };
	struct err why = { 0 };
	if (q->store->ops->load(q->store, from, walk_row, &w, &why) == 0)
		return 0;
	if (why.status == 0)
		return 1; /* the callback had enough */
	if (err)
		*err = why;
	return -1;
}

int local_show(struct queue *queue, int64_t seq,
	       int (*show)(void *arg, const struct queue_item *item), void *arg, struct err *err)
{
	struct local *q = local_of(queue);
	struct buf body;
	struct err why = { 0 };
	struct walk w = {
		.queue = q, .each = show, .arg = arg, .only = seq, .body = &body, .err = &why
	};
	if (seq <= 0)
		return 0;
	buf_init(&body, SIZE_MAX / 2);
	int rc = q->store->ops->load(q->store, seq, walk_row, &w, &why);
	buf_release(&body);
	if (rc && why.status) {
		if (err)
			*err = why;
		return -1;
	}
	return w.rc;
}
