/* engine/out: what waits to be sent. Calls come in from replies, from other programs, and from the
 * last run; in a turn those that may go are marked as begun, and those that are too old fail.
 * Invariant: what the outbox knows is in the queue, with its number, or somebody waits for it
 * (out_live.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "engine/out_internal.h"
#include "queue/queue.h"
#include "queue/sharing.h"

enum {
	AGAIN = 1000,        /* milliseconds, when memory is out */
	SWEEP_EVERY = 60000, /* milliseconds between two looks for limits that are at rest */
	FIRST_DOUBT = 1000,  /* milliseconds before the server is asked of the token again */
	LAST_DOUBT = 60000,
	CLOCK_STEP = 60000, /* milliseconds by which the wall clock is set, not corrected */
};

/* ---- what comes in ---- */

static int64_t sooner(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static int share(struct out *o, const struct call *c, const char *params, int64_t id)
{
	return queue_message_add(o->config.queue,
				 &(struct queue_message){ .id = id,
							  .params = params,
							  .file_name = c->file.name,
							  .file = c->file.bytes,
							  .file_length = c->file.length });
}

int out_share(struct out *o, const struct call *c, int64_t id)
{
	return share(o, c, c->params, id);
}

int64_t out_next(const struct out *o, int64_t count)
{
	return queue_call_next(o->config.queue, count);
}

int64_t out_add(struct out *o, const struct call *c, const struct out_how *how)
{
	int64_t wall = out_wall(o, out_now(o));
	int64_t lifetime = sooner(how->lifetime, c->lifetime);
	struct queue_call call = {
		.id = out_next(o, how->group ? 1 : ENTRY_CALLS_MAX),
		.group = how->group,
		.kind = (int)c->kind,
		.cost = c->cost,
		.flags = (how->bulk ? QUEUE_CALL_BULK : 0U) | (how->once ? QUEUE_CALL_ONCE : 0U) |
			 (c->paid ? QUEUE_CALL_PAID : 0U) | (c->plain ? QUEUE_CALL_PLAIN : 0U),
		.created = wall,
		.expires = lifetime ? (how->due > wall ? how->due : wall) + lifetime : 0,
		.due = how->due,
		.line = c->line,
		.method = c->method,
		.params = c->params,
	};
	if (call.id == 0)
		return 0;
	if (call.group == 0)
		call.group = call.id;
	call.message = c->file.name ? call.id : how->message;
	/* In a shared store it comes back with its place behind those of other machines. */
	struct out_call *known = o->shared ? NULL : out_enter(o, &call);
	if (!known && !o->shared)
		return 0;
	if ((c->file.name && share(o, c, "{}", call.id)) ||
	    queue_call_add(o->config.queue, &call) == 0) {
		if (known)
			out_leave(known);
		return 0;
	}
	o->config.wake(o->config.arg);
	return call.id;
}

int64_t out_refuse(struct out *o, const struct call *c, const char *reason)
{
	int64_t id = out_add(o, c, &(struct out_how){ 0 });
	struct out_call *known = id ? out_find(o, id) : NULL;
	struct out_call unknown = {
		.out = o,
		.call = { .id = id, .line = c->line, .method = c->method, .reason = reason }
	};
	if (!id)
		return 0;
	out_tell_failure(known ? known : &unknown, reason);
	if (known) {
		out_fail_one(known, NULL, reason);
		return id;
	}
	o->counts.failed++;
	return queue_call_give_up(o->config.queue, &unknown.call) ? 0 : id;
}

/* ---- what people change ---- */

static int enter(void *arg, const struct queue_call *call)
{
	struct out *o = arg;
	if (!out_enter(o, call))
		return -1;
	o->config.wake(o->config.arg);
	return 0;
}

static bool waits(void *arg, int64_t id)
{
	const struct out_call *c = out_find(arg, id);
	return c && !c->live && !c->sending;
}

static bool take_back(struct out *o, int64_t id)
{
	struct out_call *c = out_find(o, id);
	if (!waits(o, id))
		return false;
	out_gone(c);
	return true;
}

static bool leave(void *arg, int64_t id)
{
	struct out *o = arg;
	bool left = take_back(o, id);
	o->counts.dropped += left;
	return left;
}

struct queue_sender out_sender(struct out *o)
{
	return (struct queue_sender){ enter, waits, leave, o };
}

bool out_drop(struct out *o, int64_t id)
{
	return (o->shared || take_back(o, id)) && queue_call_drop(o->config.queue, id, false) == 0;
}

/* ---- a turn ---- */

/* Marks a call that the outbox has handed out, with the limits as they are then. */
static void begin(struct out_call *c)
{
	struct out *o = c->out;
	struct fate_call of = out_fate_call(&c->call);
	CRASHPOINT("out-begin");
	if (!c->live && queue_call_begin(o->config.queue, &c->call, fate_needs_sync(&of))) {
		outbox_again(o->outbox, out_now(o), c->call.id, out_now(o) + AGAIN);
		return;
	}
	if (c->call.kind == OUTBOX_CHAT || c->call.kind == OUTBOX_GROUP)
		out_keep_line(o, c->call.line);
	c->sending = true;
	c->ticket = c->live ? 0 : queue_ticket(o->config.queue);
	list_add_before(&o->begun, &c->link);
}

/* Limits that are at rest again need no place in the store. */
static void sweep(struct out *o, int64_t now)
{
	if (now < o->swept_at + SWEEP_EVERY)
		return;
	o->swept_at = now;
	queue_lines_rest(o->config.queue, out_wall(o, now));
}

static void move_time(int64_t *time, int64_t by)
{
	if (*time)
		*time += by;
}

/* Whoever waits does so by the monotonic clock; what is stored of that, for the next run, is the
 * wall clock's, and goes along when that is set: a bot that began before the machine knew the time
 * must not find all answers too old. */
static void watch_clock(struct out *o)
{
	int64_t by = out_offset(o) - o->offset;
	if (by < CLOCK_STEP && by > -CLOCK_STEP)
		return;
	o->offset += by;
	queue_clock_set(o->config.queue, by);
	for (size_t i = 0; i < o->calls.cap; i++)
		for (struct map_node *n = o->calls.slots[i]; n; n = n->next) {
			struct queue_call *call = &container_of(n, struct out_call, node)->call;
			call->created += by;
			move_time(&call->due, by);
			move_time(&call->expires, by);
		}
}

void out_turn(struct out *o)
{
	int64_t id, now = out_now(o);
	struct out_call *c;
	watch_clock(o);
	out_recall_begun(o);
	while (outbox_too_old(o->outbox, now, &id)) {
		c = out_find(o, id);
		if (c->live)
			out_live_late(c->live, "its turn did not come in time");
		else
			out_fail(c, NULL, "too old", NULL, 0);
	}
	bool any = false;
	while (!o->doubts && outbox_next(o->outbox, now, &id)) {
		c = out_find(o, id);
		if (o->stopped && !c->live) {
			/* It stays before all of its chat. */
			outbox_again(o->outbox, now, id, INT64_MAX);
			continue;
		}
		begin(c);
		any = true;
	}
	if (any) {
		out_keep_line(o, NULL);
		sweep(o, now);
	}
	int64_t due = o->doubts ? INT64_MAX : outbox_due(o->outbox, now);
	loop_timer_set(o->timer, due == INT64_MAX ? -1 : due > now ? due - now : 0);
}

void out_send(struct out *o)
{
	struct list go;
	list_init(&go);
	for (struct list *l = o->begun.next, *next; l != &o->begun; l = next) {
		struct out_call *c = container_of(l, struct out_call, link);
		next = l->next;
		if (!queue_written(o->config.queue, c->ticket))
			continue;
		list_remove(l);
		list_add_before(&go, l);
	}
	while (!list_empty(&go)) {
		struct out_call *c = container_of(go.next, struct out_call, link);
		list_remove(&c->link);
		list_init(&c->link);
		CRASHPOINT("out-begun");
		if (c->live)
			out_live_go(c->live);
		else
			out_send_one(c);
		CRASHPOINT("out-sent");
	}
}

static void on_timer(void *arg)
{
	struct out *o = arg;
	o->config.wake(o->config.arg);
}

/* ---- what is asked ---- */

/* When the oldest was added that waits; few stand before it, which are being sent. */
static int64_t oldest(const struct out *o)
{
	for (const struct list *at = o->ages.next; at != &o->ages; at = at->next) {
		const struct out_call *c = container_of(at, struct out_call, age);
		if (!c->sending)
			return c->call.created;
	}
	return 0;
}

void out_counts(const struct out *o, struct out_counts *out)
{
	*out = o->counts;
	out->waiting = outbox_waiting(o->outbox, false);
	out->bulk = outbox_waiting(o->outbox, true);
	if (o->shared) {
		struct queue_fleet fleet;
		queue_fleet(o->config.queue, &fleet);
		out->waiting = fleet.calls;
		out->bulk = fleet.bulk;
	}
	out->sending = outbox_in_flight(o->outbox);
	out->oldest = oldest(o);
}

bool out_busy(struct out *o, int64_t milliseconds)
{
	int64_t now = out_now(o);
	int64_t due = o->doubts ? INT64_MAX : outbox_due_reply(o->outbox, now);
	return outbox_in_flight(o->outbox) > 0 || o->asking ||
	       (due != INT64_MAX && due - now < milliseconds);
}

bool out_doubts(const struct out *o)
{
	return o->doubts;
}

struct api *out_api(struct out *o)
{
	return o->api;
}

void out_stop(struct out *o)
{
	o->stopped = true;
}

void out_set_rates(struct out *o, const struct outbox_rates *rates)
{
	outbox_set_rates(o->outbox, out_now(o), rates);
}

/* ---- the start and the end ---- */

struct out *out_new(const struct out_config *config, struct err *err)
{
	struct out *o = calloc(1, sizeof *o);
	if (!o) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	o->config = *config;
	o->shared = queue_shared(config->queue);
	map_init(&o->calls);
	list_init(&o->begun);
	list_init(&o->recalled);
	list_init(&o->ages);
	list_init(&o->actions);
	o->offset = out_offset(o);
	o->outbox = outbox_new();
	o->timer = loop_timer_new(config->loop, on_timer, o);
	o->doubt_timer = loop_timer_new(config->loop, out_ask_for_token, o);
	o->backoff = (struct backoff){ .first = FIRST_DOUBT, .cap = LAST_DOUBT };
	o->http = http_new(config->loop, err);
	o->api = o->http && http_trust(o->http, config->ca_file, config->ca_dirs) == 0
			 ? api_new(o->http, config->api_root, config->api_login, config->secret)
			 : NULL;
	if (!o->outbox || !o->timer || !o->doubt_timer || !o->api)
		goto memory;
	outbox_set_rates(o->outbox, out_now(o), &config->rates);
	int rc = out_recall(o, err);
	if (rc > 0)
		goto memory;
	if (rc == 0)
		return o;
	out_free(o);
	return NULL;
memory:
	out_free(o);
	err_set(err, ERR_INTERNAL, "out of memory");
	return NULL;
}

void out_free(struct out *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->calls.cap; i++)
		while (o->calls.slots[i])
			out_forget(container_of(o->calls.slots[i], struct out_call, node));
	out_actions_free(o);
	api_cancel(o->asking);
	map_release(&o->calls);
	outbox_free(o->outbox);
	loop_timer_free(o->timer);
	loop_timer_free(o->doubt_timer);
	api_free(o->api);
	http_free(o->http);
	free(o);
}
