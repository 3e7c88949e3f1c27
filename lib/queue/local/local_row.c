/* queue/local/local_row: a row of the store comes in, and becomes an entry of the scheduler.
 * Times in the store are of the wall clock, those of the scheduler of the monotonic one; they
 * are converted here and nowhere else. */
#include "queue/local/local_internal.h"

/* No retry waits for longer (5 min and jitter): beyond, the wall clock was set back. */
enum { DUE_MAX = 330 * 1000 };

/* The age limit of an update as a time of the monotonic clock. */
static int64_t expires_of(const struct local *q, const char *kind, bool ageless, int64_t received)
{
	const struct clock *clock = q->config.clock;
	int64_t limit = ageless || !q->config.max_age ? 0 : q->config.max_age(q->config.arg, kind);
	if (limit <= 0)
		return INT64_MAX;
	int64_t age = clock->wall(clock) - received;
	return clock->mono(clock) + limit - (age > 0 ? age : 0);
}

static int64_t due_of(const struct local *q, int64_t due)
{
	const struct clock *clock = q->config.clock;
	int64_t left = due ? due - clock->wall(clock) : 0;
	return left <= 0 ? 0 : clock->mono(clock) + (left < DUE_MAX ? left : DUE_MAX);
}

int64_t local_row_wall(const struct local *q, int64_t mono)
{
	const struct clock *clock = q->config.clock;
	return clock->wall(clock) + (mono - clock->mono(clock));
}

/* The group of an update; 0: none. That its bytes cannot be read is found out when it is claimed.
 */
static uint64_t group_of(struct local *q, const struct store_row *row, const char *body,
			 size_t length)
{
	struct store_facts facts;
	if (row->lane >= QUEUE_LANES || !(q->gathers >> row->lane & 1))
		return 0;
	if (!body && q->store->ops->body(q->store, row->seq, &q->body, &facts, NULL) > 0) {
		body = buf_str(&q->body);
		length = q->body.len;
	}
	return body ? q->config.group_of(q->config.arg, row->lane, body, length) : 0;
}

int local_row_add(struct local *q, const struct store_row *row, const char *body, size_t length)
{
	struct sched_entry e = {
		.seq = row->seq,
		.due = due_of(q, row->due),
		.failures = row->failures,
		.deaths = row->deaths,
		.interruptions = row->interruptions,
		.lane = row->lane,
		.group = group_of(q, row, body, length),
		.redelivered = row->redelivered,
		.expires = expires_of(q, row->kind_name, row->again != 0, row->received),
	};
	return sched_add(q->sched, q->config.clock->mono(q->config.clock), &e, row->keys);
}
