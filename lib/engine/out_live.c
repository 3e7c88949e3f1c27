/* engine/out_live: calls that somebody waits for: a program on the local API. They take their place
 * in the line of their chat like all others, and are sent by whom they belong to; nothing of them
 * is stored. */
#include <stdlib.h>

#include "engine/out_internal.h"

struct out_live {
	struct out_call *call;
	void (*go)(void *arg);
	void (*late)(void *arg, const char *reason);
	void *arg;
	int64_t until; /* monotonic milliseconds: the end of the patience */
};

struct out_live *out_live_new(struct out *o, const struct call *c, int64_t patience,
			      void (*go)(void *arg), void (*late)(void *arg, const char *reason),
			      void *arg)
{
	struct out_live *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	*l = (struct out_live){ .go = go, .late = late, .arg = arg };
	l->until = out_now(o) + patience;
	struct queue_call call = { .id = --o->last_live,
				   .kind = (int)c->kind,
				   .cost = c->cost,
				   .flags = c->paid ? QUEUE_CALL_PAID : 0,
				   .expires = out_wall(o, l->until),
				   .line = c->line,
				   .method = c->method };
	l->call = out_enter(o, &call);
	if (!l->call) {
		free(l);
		return NULL;
	}
	l->call->live = l;
	o->config.wake(o->config.arg);
	return l;
}

void out_live_go(struct out_live *l)
{
	l->go(l->arg);
}

void out_live_late(struct out_live *l, const char *reason)
{
	struct out_call *c = l->call;
	outbox_end(c->out->outbox, out_now(c->out), c->call.id);
	out_forget(c);
	l->late(l->arg, reason);
	free(l);
}

bool out_live_end(struct out_live *l, const struct verdict *v)
{
	struct out_call *c = l->call;
	struct out *o = c->out;
	o->config.wake(o->config.arg);
	if (v && v->kind == VERDICT_FLOOD) {
		struct fate_call of = out_fate_call(&c->call);
		int64_t delay = fate_of(v, &of, backoff_random()).delay;
		out_flood(c, delay, v->text);
		if (delay < l->until - out_now(o))
			return true;
	} else if (v && v->kind == VERDICT_MOVED) {
		out_moved(c, v->moved_to);
	}
	out_leave(c);
	free(l);
	return false;
}
