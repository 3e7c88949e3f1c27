/* engine/out_recall: calls that are in the store come to the outbox: at the start, or, where
 * machines share the store, when this one is to send them, and then one by one. What was being sent
 * when the last runner died, or another machine lost its role, may have arrived. Invariant: what is
 * sent again for that is told of, and what was to be sent once only fails. */
#include <stdio.h>

#include "engine/out_internal.h"
#include "queue/queue.h"

enum { LONGEST_DUE = 60000 /* milliseconds: what is longer is a cool-down, and its chat's */ };

static int recall_move(void *arg, const char *from, const char *to)
{
	struct out *o = arg;
	return outbox_move(o->outbox, out_now(o), from, to);
}

static int recall_line(void *arg, const struct queue_line *line)
{
	struct out *o = arg;
	struct outbox_mark mark = { out_mono(o, line->full), out_mono(o, line->cool) };
	return outbox_recall(o->outbox, out_now(o), *line->line ? line->line : NULL, &mark);
}

/* What follows when the last runner died while it sent the call. */
static struct fate fate_of_death(const struct queue_call *call)
{
	const struct verdict unsure = { .kind = VERDICT_UNSURE };
	struct fate_call of = out_fate_call(call);
	return fate_of(&unsure, &of, backoff_random());
}

static int recall_call(void *arg, const struct queue_call *call)
{
	struct out *o = arg;
	struct queue_call now = *call;
	int64_t latest = o->config.clock->wall(o->config.clock) + LONGEST_DUE;
	/* No wait of a call's own is longer, unless the clock was set back since. */
	if (now.due > latest)
		now.due = latest;
	if (call->begun) {
		now.due = o->config.clock->wall(o->config.clock) + fate_of_death(call).delay;
		now.unsures++;
	}
	struct out_call *c = out_enter(o, &now);
	if (c && call->begun)
		list_add_before(&o->recalled, &c->link);
	return c ? 0 : -1;
}

static void give_up(struct out_call *c)
{
	struct out *o = c->out;
	const char *what = o->shared ? "the machine that was sending it lost the store"
				     : "tgrun ended while it was being sent";
	if (c->call.kind != OUTBOX_QUERY)
		o->given_up.group = c->call.group;
	snprintf(o->given_up.why, sizeof o->given_up.why, "%s: it may have arrived", what);
	out_fail(c, NULL, o->given_up.why, NULL, 0);
}

/* They may have arrived. */
void out_recall_begun(struct out *o)
{
	while (!list_empty(&o->recalled)) {
		struct out_call *c = container_of(o->recalled.next, struct out_call, link);
		struct queue_call before = c->call;
		before.unsures--;
		struct fate fate = fate_of_death(&before);
		list_remove(&c->link);
		if (fate.kind != FATE_AGAIN) {
			give_up(c);
		} else if (queue_call_begin(o->config.queue, &c->call, false) == 0) {
			queue_call_again(o->config.queue, &c->call);
			out_tell_repeat(c,
					o->shared ? "the machine that was sending it lost the store"
						  : "tgrun ended while it was being sent");
		}
	}
}

int out_recall(struct out *o, struct err *err)
{
	struct queue *q = o->config.queue;
	if (o->shared)
		return 0;
	int rc = queue_moves_each(q, recall_move, o, err);
	rc = rc ? rc : queue_lines_each(q, recall_line, o, err);
	rc = rc ? rc : queue_calls_each(q, 0, false, false, recall_call, o, err);
	if (rc == 0)
		out_recall_begun(o);
	return rc;
}

/* ---- of a shared store ---- */

/* What somebody waits for is this machine's own, and stays. */
static void forget_stored(struct out *o)
{
	for (size_t i = 0; i < o->calls.cap; i++)
		for (struct map_node *n = o->calls.slots[i], *next; n; n = next) {
			struct out_call *c = container_of(n, struct out_call, node);
			next = n->next;
			if (!c->live)
				out_leave(c);
		}
}

void out_role(struct out *o, bool may_send)
{
	if (!may_send)
		forget_stored(o);
	o->given_up.group = 0;
	o->config.wake(o->config.arg);
}

/* Without memory the server says it again. */
void out_move_came(struct out *o, const char *from, const char *to)
{
	recall_move(o, from, to);
}

void out_line_came(struct out *o, const struct queue_line *line)
{
	recall_line(o, line);
}

int out_call_came(struct out *o, const struct queue_call *call)
{
	/* Told twice is told once. */
	if (out_find(o, call->id))
		return 0;
	if (recall_call(o, call))
		return -1;
	/* The rest of a reply that began in the last answer of the store. */
	if (call->group == o->given_up.group && call->group)
		out_fail_one(out_find(o, call->id), NULL, o->given_up.why);
	o->config.wake(o->config.arg);
	return 0;
}

void out_call_gone(struct out *o, int64_t id)
{
	struct out_call *c = out_find(o, id);
	if (!c || c->live || c->request)
		return;
	o->counts.dropped++;
	out_gone(c);
}
