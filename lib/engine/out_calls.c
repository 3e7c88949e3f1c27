/* engine/out_calls: the calls that are known, one by one: how one comes in and leaves, how it
 * fails, and what is stored of its chat's limits. The bottom of the way out. Invariant: what the
 * outbox knows is in the table by its number, and what leaves the one leaves the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/out_internal.h"
#include "queue/queue.h"

enum { FLOOD_SPARE = 200 /* milliseconds beyond what a 429 tells */ };

int64_t out_now(const struct out *o)
{
	return o->config.clock->mono(o->config.clock);
}

int64_t out_offset(const struct out *o)
{
	return o->config.clock->wall(o->config.clock) - out_now(o);
}

int64_t out_wall(const struct out *o, int64_t mono)
{
	return mono ? mono + o->offset : 0;
}

int64_t out_mono(const struct out *o, int64_t wall)
{
	return wall ? wall - o->offset : 0;
}

struct out_call *out_find(const struct out *o, int64_t id)
{
	for (struct map_node *n = map_first(&o->calls, map_number(id)); n; n = map_next(n))
		if (container_of(n, struct out_call, node)->call.id == id)
			return container_of(n, struct out_call, node);
	return NULL;
}

struct fate_call out_fate_call(const struct queue_call *call)
{
	return (struct fate_call){ .method = call->method,
				   .fail_unsure = call->flags & QUEUE_CALL_ONCE,
				   .paid = call->flags & QUEUE_CALL_PAID,
				   .may_be_plain = call->flags & QUEUE_CALL_PLAIN,
				   .tries = call->tries,
				   .servers = call->servers,
				   .unsures = call->unsures };
}

void out_tell(const struct out_call *c, const char *text, const char *reason)
{
	const struct out_config *config = &c->out->config;
	char phrase[640];
	snprintf(phrase, sizeof phrase, "%s: %s", text, reason);
	if (config->told)
		config->told(config->arg, c->call.line, phrase);
}

const char *out_words(const char *text, char out[OUT_WORDS])
{
	char *at = out;
	bool quoted = false;
	for (const char *p = text; *p && at < out + OUT_WORDS - 4; p++) {
		if (!quoted || *p == '"')
			*at++ = *p;
		if (*p == '"' && !quoted)
			at = stpcpy(at, "…");
		quoted = quoted != (*p == '"');
	}
	*at = '\0';
	return out;
}

void out_tell_repeat(struct out_call *c, const char *reason)
{
	char words[OUT_WORDS];
	struct out *o = c->out;
	out_tell(c, "may arrive twice: it is sent again", reason);
	o->counts.repeated++;
	log_event(o->config.log, LOG_WARN,
		  LOG_FIELDS(LOG_NUM("call", c->call.id), LOG_STR("method", c->call.method),
			     LOG_STR("chat", c->call.line)),
		  "may arrive twice: it is sent again: %s", out_words(reason, words));
}

/* ---- in and out ---- */

void out_cut(struct out_call *c)
{
	api_cancel(c->request);
	c->request = NULL;
	api_form_free(c->form);
	c->form = NULL;
	if (c->sent)
		call_release(c->sent);
	free(c->sent);
	c->sent = NULL;
}

struct queue_call out_copy(const struct out_call *c, char line[OUT_NAME], char method[OUT_NAME])
{
	struct queue_call copy = c->call;
	snprintf(line, OUT_NAME, "%s", c->call.line);
	snprintf(method, OUT_NAME, "%s", c->call.method);
	copy.line = line;
	copy.method = method;
	return copy;
}

static void call_free(struct out_call *c)
{
	free((char *)c->call.line);
	free((char *)c->call.method);
	free(c);
}

void out_forget(struct out_call *c)
{
	out_cut(c);
	map_remove(&c->out->calls, &c->node);
	list_remove(&c->link);
	list_remove(&c->age);
	call_free(c);
}

struct out_call *out_enter(struct out *o, const struct queue_call *call)
{
	struct out_call *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	list_init(&c->link);
	list_init(&c->age);
	c->out = o;
	c->call = *call;
	c->call.params = c->call.reason = NULL;
	c->call.line = strdup(call->line);
	c->call.method = strdup(call->method);
	struct outbox_entry entry = {
		.id = call->id,
		.kind = (enum outbox_kind)call->kind,
		.line = c->call.line,
		.cost = call->cost,
		.bulk = call->flags & QUEUE_CALL_BULK,
		.paid = call->flags & QUEUE_CALL_PAID,
		.due = out_mono(o, call->due),
		.expires = call->expires ? out_mono(o, call->expires) : INT64_MAX,
	};
	if (!c->call.line || !c->call.method || map_add(&o->calls, &c->node, map_number(call->id)))
		goto fail;
	if (outbox_add(o->outbox, out_now(o), &entry) == 0) {
		if (call->id > 0 && !entry.bulk)
			list_add_before(&o->ages, &c->age);
		return c;
	}
	map_remove(&o->calls, &c->node);
fail:
	call_free(c);
	return NULL;
}

void out_leave(struct out_call *c)
{
	struct out *o = c->out;
	if (!outbox_remove(o->outbox, out_now(o), c->call.id))
		outbox_end(o->outbox, out_now(o), c->call.id);
	out_forget(c);
}

void out_gone(struct out_call *c)
{
	struct out *o = c->out;
	char line[OUT_NAME], method[OUT_NAME];
	struct queue_call gone = out_copy(c, line, method);
	out_leave(c);
	o->config.ended(o->config.arg, &gone, OUT_GONE, NULL, "dropped", NULL, 0);
}

/* ---- what failed ---- */

void out_fail_one(struct out_call *c, const struct verdict *v, const char *reason)
{
	struct out *o = c->out;
	c->call.reason = reason;
	c->call.code = v ? v->code : 0;
	if (c->sending)
		queue_call_fail(o->config.queue, &c->call);
	else
		queue_call_give_up(o->config.queue, &c->call);
	o->counts.failed++;
	out_leave(c);
}

/* The numbers of a reply's calls follow one another; some may have been sent, or dropped. */
static void fail_rest(struct out *o, int64_t group, int64_t after, const char *reason)
{
	for (int64_t id = after + 1; id < group + ENTRY_CALLS_MAX; id++) {
		struct out_call *c = out_find(o, id);
		if (c && c->call.group == group && !c->sending)
			out_fail_one(c, NULL, reason);
	}
}

void out_tell_failure(const struct out_call *c, const char *reason)
{
	char words[OUT_WORDS];
	log_event(c->out->config.log, LOG_WARN,
		  LOG_FIELDS(LOG_NUM("call", c->call.id), LOG_STR("method", c->call.method),
			     LOG_STR("chat", c->call.line)),
		  "not delivered: %s", out_words(reason, words));
	out_tell(c, "not delivered", reason);
}

void out_fail(struct out_call *c, const struct verdict *v, const char *reason, const char *body,
	      size_t length)
{
	struct out *o = c->out;
	int64_t id = c->call.id, group = c->call.group;
	char line[OUT_NAME], method[OUT_NAME];
	struct queue_call gone = out_copy(c, line, method);
	/* Who presses a button that answers too late still wants the message. */
	bool alone = c->call.kind == OUTBOX_QUERY;
	char why[512];
	snprintf(why, sizeof why, "%s", reason);
	out_tell_failure(c, why);
	out_fail_one(c, v, why);
	if (!alone)
		fail_rest(o, group, id, why);
	o->config.ended(o->config.arg, &gone, OUT_FAILED, v, why, body, length);
}

/* ---- limits ---- */

void out_keep_line(struct out *o, const char *line)
{
	struct outbox_mark mark = { 0 };
	bool kept = outbox_mark(o->outbox, out_now(o), line, &mark);
	struct queue_line keep = { .line = line ? outbox_name(o->outbox, line) : "" };
	if (kept) {
		keep.full = out_wall(o, mark.full);
		keep.cool = out_wall(o, mark.cool);
	}
	queue_line_keep(o->config.queue, &keep);
}

void out_flood(struct out_call *c, int64_t delay, const char *text)
{
	char words[OUT_WORDS];
	struct out *o = c->out;
	int64_t until = out_now(o) + delay + FLOOD_SPARE;
	log_paced(o->config.log, &o->flood_pace, LOG_WARN,
		  LOG_FIELDS(LOG_NUM("call", c->call.id), LOG_STR("chat", c->call.line),
			     LOG_NUM("wait_ms", delay)),
		  "the server asks to wait: %s", out_words(text, words));
	out_tell(c, "the server asks to wait", text);
	outbox_flood(o->outbox, out_now(o), c->call.id, until);
	c->sending = false;
	if (!c->live) {
		c->call.due = out_wall(o, until);
		queue_call_again(o->config.queue, &c->call);
	}
	out_keep_line(o, c->call.line[0] && c->call.kind != OUTBOX_QUERY ? c->call.line : NULL);
}

bool out_moved(struct out_call *c, int64_t to)
{
	struct out *o = c->out;
	char line[64];
	const char *slash = strrchr(c->call.line, '/');
	int prefix = slash ? (int)(slash + 1 - c->call.line) : 0;
	snprintf(line, sizeof line, "%.*s%lld", prefix, c->call.line, (long long)to);
	/* A chat that moved back would be followed in a circle. */
	if (strcmp(outbox_name(o->outbox, c->call.line), line) == 0 ||
	    strcmp(outbox_name(o->outbox, line), line) != 0)
		return false;
	log_event(o->config.log, LOG_INFO,
		  LOG_FIELDS(LOG_STR("chat", c->call.line), LOG_STR("now", line)),
		  "the chat has another id now");
	out_tell(c, "the chat has another id now", line);
	out_join(o, c->call.line, line);
	return true;
}

void out_join(struct out *o, const char *from, const char *to)
{
	/* Without memory the server says it again. */
	if (outbox_move(o->outbox, out_now(o), from, to) == 0)
		queue_move_keep(o->config.queue, from, to);
}

bool out_cools(const struct out *o, const char *line)
{
	return o->doubts || outbox_cools(o->outbox, out_now(o), line);
}
