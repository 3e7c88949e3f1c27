/* queue/local/local_dead: the dead letters of the local queue: they are told one by one, and
 * those that are too many or too old are dropped. They stand in the store only; what people
 * change of them is in local_many.c. */
#include "queue/local/local_internal.h"

enum { TRIMMED_AT_ONCE = 1000 };

/* Who is told of each letter. */
struct reader {
	int (*letter)(void *arg, const struct queue_letter *letter);
	void *arg;
};

static int tell_letter(void *arg, const struct store_dead *d)
{
	const struct reader *r = arg;
	return r->letter(r->arg, &(struct queue_letter){ .number = d->number,
							 .has_id = d->has_id,
							 .update_id = d->update_id,
							 .kind = d->kind_name,
							 .keys = d->keys,
							 .reason = d->reason,
							 .last_stderr = d->last_stderr,
							 .attempts = d->attempts,
							 .received = d->received,
							 .died = d->died,
							 .body = d->body,
							 .length = d->body_length });
}

int local_dead_each(struct queue *queue, int64_t from,
		    int (*letter)(void *arg, const struct queue_letter *letter), void *arg,
		    struct err *err)
{
	struct local *q = local_of(queue);
	struct reader r = { letter, arg };
	struct err why = { 0 };
	/* What just died is to be seen; on a full disk, what can be seen is better than nothing. */
	local_write(q, q->pending.count, false, NULL);
	if (q->store->ops->dead(q->store, from, true, tell_letter, &r, &why) == 0)
		return 0;
	if (why.status == 0)
		return 1; /* the callback had enough */
	if (err)
		*err = why;
	return -1;
}

/* ---- --dead-keep ---- */

struct trim {
	struct local *queue;
	int64_t until, past; /* `past`: how many of the first are one too many */
	int64_t before;      /* wall clock: who died until then is too old; INT64_MIN: nobody */
	int64_t dropped;
	bool full;
};

static int trim_letter(void *arg, const struct store_dead *d)
{
	struct trim *t = arg;
	struct local *q = t->queue;
	const struct clock *clock = q->config.clock;
	if (t->past <= t->dropped && t->before == INT64_MIN)
		return 1;
	t->full = t->dropped == TRIMMED_AT_ONCE ||
		  (d->number > q->trim.from && clock->mono(clock) >= t->until);
	if (t->full) {
		q->trim.from = d->number;
		return 1;
	}
	if (t->dropped < t->past || d->died <= t->before) {
		pending_lend(&q->pending,
			     &(struct store_op){ .kind = STORE_DEAD_DROP, .seq = d->number });
		t->dropped++;
	} else if (d->died < q->trim.oldest) {
		q->trim.oldest = d->died;
	}
	return 0;
}

/* The walk came to the end of the letters: what it has seen holds for all that there are, and for
 * those that are still to die. */
static void trim_ended(struct local *q, bool by_age, int64_t now)
{
	if (by_age)
		q->trim.bound = q->trim.oldest < now ? q->trim.oldest : now;
	q->trim.from = 0;
	q->trim.oldest = INT64_MAX;
}

int local_dead_trim(struct queue *queue, int64_t keep, int64_t max_age, int64_t until,
		    int64_t *dropped, struct err *err)
{
	struct local *q = local_of(queue);
	const struct clock *clock = q->config.clock;
	struct err why = { 0 };
	int64_t now = clock->wall(clock), count = q->store->ops->dead_count(q->store);
	struct trim t = { .queue = q,
			  .until = until,
			  .before = max_age < 0    ? INT64_MIN
				    : max_age == 0 ? INT64_MAX
						   : now - max_age,
			  .past = keep < 0 || count <= keep ? 0 : count - keep };
	*dropped = 0;
	if (count == 0 || (t.past == 0 && (t.before == INT64_MIN || t.before < q->trim.bound)))
		return 0;
	if (local_flush(queue, err))
		return -1;
	if (pending_reserve(&q->pending, TRIMMED_AT_ONCE + q->reserved))
		return err_set(err, ERR_INTERNAL, "out of memory");
	int rc = q->store->ops->dead(q->store, t.before == INT64_MIN ? 0 : q->trim.from, false,
				     trim_letter, &t, &why);
	rc = rc && why.status ? -1 : 0;
	/* No need to wait for the disk: what a power cut brings back is dropped again. */
	if (rc)
		pending_cut(&q->pending, 0);
	else
		rc = local_write(q, 0, false, &why);
	if (rc) {
		q->trim.from = 0;
		if (err)
			*err = why;
		return -1;
	}
	*dropped = t.dropped;
	if (!t.full)
		trim_ended(q, t.before != INT64_MIN, now);
	return t.full;
}
