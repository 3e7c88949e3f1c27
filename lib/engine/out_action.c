/* engine/out_action: what is sent for the moment and kept nowhere: a typing sign. A call comes in;
 * whatever becomes of it is forgotten, but that the server told its chat to wait. Invariant: none
 * is sent while its chat, or the bot, cools down, and no more than a few at once. */
#include <stdlib.h>

#include "engine/out_internal.h"

enum { ACTIONS_MAX = 8 };

struct action {
	struct list link;
	struct out *out;
	struct api_request *request;
	struct call call;
};

static void action_free(struct action *a)
{
	a->out->action_count--;
	list_remove(&a->link);
	call_release(&a->call);
	free(a);
}

static void on_answer(void *arg, const struct verdict *v, char *body, size_t length)
{
	struct action *a = arg;
	(void)body, (void)length;
	if (v->kind == VERDICT_FLOOD) {
		struct out *o = a->out;
		outbox_cool(o->outbox, out_now(o), a->call.line,
			    out_now(o) + v->retry_after * 1000);
	}
	action_free(a);
}

void out_action(struct out *o, struct call *c)
{
	struct action *a = o->action_count < ACTIONS_MAX && !out_cools(o, c->line) && !o->stopped
				   ? calloc(1, sizeof *a)
				   : NULL;
	if (!a) {
		call_release(c);
		return;
	}
	a->out = o;
	a->call = *c;
	o->action_count++;
	list_add_before(&o->actions, &a->link);
	const struct http_piece piece = { .bytes = a->call.params, .length = a->call.length };
	const struct http_body body = { "application/json", &piece, 1 };
	a->request = api_send(o->api, a->call.method, &body, on_answer, a);
	if (!a->request)
		action_free(a);
}

void out_actions_free(struct out *o)
{
	while (!list_empty(&o->actions)) {
		struct action *a = container_of(o->actions.next, struct action, link);
		api_cancel(a->request);
		action_free(a);
	}
}
