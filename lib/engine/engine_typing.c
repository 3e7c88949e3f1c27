/* engine/engine_typing: --typing: whoever waits for a handler sees that the bot writes. The starts
 * and ends of handlers come in, chat actions go out. Invariant: a chat or a topic gets one sign at
 * a time, however many handlers run for it, and a sign costs no update anything. */
#include <stdlib.h>
#include <string.h>

#include "api/methods.h"
#include "base/hash.h"
#include "engine/engine_internal.h"
#include "reply/target.h"

enum {
	TYPING_FIRST = 500,             /* milliseconds after the start */
	TYPING_EVERY = 5000,            /* a sign is seen for so long */
	TYPING_LONGEST = 5 * 60 * 1000, /* after the start nobody believes it any more */
	PARAMS_MAX = 4096,
};

/* The sign for an update, where it is one that is answered in a chat. 0, or -1: there is none. */
static int make_sign(struct engine *e, const struct claim *c, struct call *out)
{
	struct target target;
	struct err err;
	struct buf params;
	struct update *u = update_parse(c->body, c->length, NULL);
	int rc = -1;
	if (!u)
		return -1;
	buf_init(&params, PARAMS_MAX);
	target_of(u, secret_bot_id(e->config.secret), &target);
	if (target.way == TARGET_CHAT && buf_addc(&params, '{') == 0 &&
	    target_fill(&target, methods_traits("sendChatAction"), NULL, &params) == 0 &&
	    buf_adds(&params, ",\"action\":\"typing\"}") == 0)
		rc = call_read("sendChatAction", params.data, params.len, out, &err);
	buf_release(&params);
	update_free(u);
	return rc;
}

/* Another handler for the same place has shown it. */
static bool is_shown(const struct engine *e, const struct flight *f, int64_t now)
{
	for (struct list *l = e->starts.running.next; l != &e->starts.running; l = l->next) {
		const struct flight *other = container_of(l, struct flight, link);
		if (other != f && other->typing.place == f->typing.place &&
		    other->typing.shown_at && now < other->typing.shown_at + TYPING_EVERY)
			return true;
	}
	return false;
}

static void show(struct engine *e, struct flight *f, int64_t now)
{
	struct call sign;
	f->typing.due = now + TYPING_EVERY;
	if (now - f->since >= TYPING_LONGEST || make_sign(e, f->claim, &sign)) {
		f->typing.due = 0;
		return;
	}
	f->typing.place = hash_bytes(sign.params, sign.length);
	if (is_shown(e, f, now)) {
		call_release(&sign);
		return;
	}
	f->typing.shown_at = now;
	out_action(e->out, &sign);
}

static void set_timer(struct engine *e, int64_t due)
{
	int64_t now = e->config.clock->mono(e->config.clock);
	if (e->typing.at && e->typing.at <= due)
		return;
	e->typing.at = due;
	loop_timer_set(e->typing.timer, due > now ? due - now : 0);
}

void engine_typing_due(void *arg)
{
	struct engine *e = arg;
	int64_t now = e->config.clock->mono(e->config.clock), next = INT64_MAX;
	e->typing.at = 0;
	for (struct list *l = e->starts.running.next; l != &e->starts.running; l = l->next) {
		struct flight *f = container_of(l, struct flight, link);
		if (f->typing.due && f->typing.due <= now)
			show(e, f, now);
		if (f->typing.due && f->typing.due < next)
			next = f->typing.due;
	}
	if (next < INT64_MAX)
		set_timer(e, next);
}

void engine_typing_start(struct engine *e, struct flight *f)
{
	if (!f->route->policy.typing || !e->out)
		return;
	f->typing.due = f->since + TYPING_FIRST;
	set_timer(e, f->typing.due);
}
