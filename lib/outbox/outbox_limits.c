/* outbox/outbox_limits: the limits. A bucket is one number: when it will be full again. So it fills
 * by itself, and what is stored of it holds over a restart. Calls come in; the time at which
 * their buckets let them through goes out, and what was handed out is counted. Invariant: what
 * waits for a bucket leaves it with no more taken than it had, but for a call that costs more
 * than a full one holds; what only counts in it (replies in the bulk bucket) leaves no debt. */
#include "outbox/outbox_internal.h"

enum { FLOOD_WINDOW = 10 * 1000, MICRO = 1000 };

#define LONGEST (INT64_C(24) * 3600 * 1000 * MICRO)

struct outbox_bucket outbox_bucket(struct outbox_rate rate, int64_t burst)
{
	if (rate.count <= 0 || rate.period <= 0)
		return (struct outbox_bucket){ 0, burst };
	if (rate.period / rate.count >= LONGEST / MICRO)
		return (struct outbox_bucket){ LONGEST, burst };
	int64_t period = rate.period < INT64_MAX / MICRO ? rate.period * MICRO : INT64_MAX;
	return (struct outbox_bucket){ (period - 1) / rate.count + 1, burst };
}

/* Up to the next millisecond. */
static int64_t milli(int64_t micro)
{
	return micro > 0 ? (micro - 1) / MICRO + 1 : micro / MICRO;
}

int64_t outbox_bucket_due(struct outbox_bucket b, int64_t tat, int cost)
{
	if (b.each == 0)
		return INT64_MIN;
	return milli(cost < b.burst ? tat - (b.burst - cost) * b.each : tat);
}

int64_t outbox_bucket_full(int64_t tat)
{
	return milli(tat);
}

void outbox_bucket_take(struct outbox_bucket b, int64_t now, int64_t *tat, int cost, bool debt)
{
	int64_t from = *tat > now * MICRO ? *tat : now * MICRO;
	int64_t to = from + cost * b.each, empty = now * MICRO + b.burst * b.each;
	if (b.each == 0)
		return;
	if (!debt && to > empty)
		to = from > empty ? from : empty;
	*tat = to;
}

int64_t outbox_bucket_limit(struct outbox_bucket b, int64_t now, int64_t full)
{
	int64_t farthest = now * MICRO + OUTBOX_COST_MAX * b.each;
	return full < farthest / MICRO ? full * MICRO : farthest;
}

void outbox_bucket_change(struct outbox_bucket from, struct outbox_bucket to, int64_t now,
			  int64_t *tat)
{
	int64_t ahead = *tat - now * MICRO;
	if (from.each && to.each && from.each != to.each && ahead > 0)
		*tat = now * MICRO + (int64_t)((double)ahead / (double)from.each * (double)to.each);
}

void outbox_bucket_pour(int64_t now, int64_t from, int64_t *tat)
{
	if (from <= now * MICRO)
		return;
	*tat = (*tat > now * MICRO ? *tat : now * MICRO) + from - now * MICRO;
}

/* ---- calls ---- */

static bool counts(const struct outbox_call *call)
{
	return call->cost && !call->counted && call->line->kind != OUTBOX_QUERY;
}

int64_t outbox_line_due(const struct outbox *o, const struct outbox_call *call)
{
	const struct outbox_line *line = call->line;
	int64_t due = call->due > line->cool ? call->due : line->cool;
	if (!counts(call) || call->paid || line->kind == OUTBOX_NONE)
		return due;
	int64_t bucket = outbox_bucket_due(o->bucket[line->kind], line->tat, call->cost);
	return due > bucket ? due : bucket;
}

int64_t outbox_bot_due(const struct outbox *o, enum outbox_class class,
		       const struct outbox_call *call)
{
	if (!counts(call))
		return INT64_MIN;
	if (call->paid)
		return outbox_bucket_due(o->paid, o->paid_tat, call->cost);
	return class == OUTBOX_BULK ? outbox_bucket_due(o->bulk, o->bulk_tat, call->cost)
				    : INT64_MIN;
}

void outbox_count(struct outbox *o, int64_t now, struct outbox_call *call)
{
	struct outbox_line *line = call->line;
	if (!counts(call))
		return;
	if (call->paid) {
		outbox_bucket_take(o->paid, now, &o->paid_tat, call->cost, true);
		return;
	}
	outbox_bucket_take(o->bulk, now, &o->bulk_tat, call->cost, call->as_bulk);
	if (line->kind != OUTBOX_NONE)
		outbox_bucket_take(o->bucket[line->kind], now, &line->tat, call->cost, true);
}

void outbox_flooded(struct outbox *o, int64_t now, const struct outbox_line *line, int64_t until)
{
	struct outbox_flood *f = o->floods;
	int kept = 0;
	/* Of each chat the last one; with this one there are three at most. */
	for (int i = 0; i < o->flood_count; i++)
		if (f[i].line != line->node.hash && now - f[i].at <= FLOOD_WINDOW)
			f[kept++] = f[i];
	f[kept++] = (struct outbox_flood){ line->node.hash, now, until - now };
	o->flood_count = kept;
	if (kept < OUTBOX_FLOODS)
		return;
	int64_t wait = f[0].wait;
	for (int i = 1; i < OUTBOX_FLOODS; i++)
		wait = f[i].wait < wait ? f[i].wait : wait;
	if (now + wait > o->pause)
		o->pause = now + wait;
	o->trying = true;
	o->flood_count = 0;
}
