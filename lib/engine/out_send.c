/* engine/out_send: a call that was marked goes to the server, what the server says comes back, and
 * what follows is recorded. The parameters are read from the queue now, and held until the answer.
 * Invariant: nothing is sent whose mark is not on disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "base/json.h"
#include "engine/out_internal.h"
#include "queue/queue.h"

enum {
	SEND_TOTAL = 120 * 1000, /* milliseconds for a call */
	NO_MEMORY = 1000,        /* milliseconds until a call is tried again */
	PARAMS_MAX = 64 << 20,
};

/* ---- the token is in doubt ---- */

static void on_me(void *arg, struct api_answer *answer)
{
	struct out *o = arg;
	o->asking = NULL;
	if (answer->class == API_OK) {
		o->doubts = false;
		o->config.wake(o->config.arg);
		return;
	}
	log_paced(o->config.log, &o->token_pace, LOG_ERROR, LOG_NONE,
		  "nothing is sent until the server takes the token again: %s", answer->text);
	loop_timer_set(o->doubt_timer, backoff_fail(&o->backoff, backoff_random()));
}

void out_ask_for_token(void *out)
{
	struct out *o = out;
	if (o->asking)
		return;
	o->asking = api_call(o->api, "getMe", "", SEND_TOTAL, SEND_TOTAL, on_me, o);
	if (!o->asking)
		loop_timer_set(o->doubt_timer, NO_MEMORY);
}

/* The server refused the token of a call. It is asked at once whether it means that; if it takes
 * the token, and refuses it again of the next call, after growing pauses. */
static void doubt(struct out *o)
{
	if (o->doubts)
		return;
	bool again = o->backoff.failures > 0;
	int64_t pause = backoff_fail(&o->backoff, backoff_random());
	o->doubts = true;
	if (again)
		loop_timer_set(o->doubt_timer, pause);
	else
		out_ask_for_token(o);
}

/* ---- what the server said ---- */

static void again(struct out_call *c, int64_t delay)
{
	struct out *o = c->out;
	c->sending = false;
	c->call.due = delay > 0 ? out_wall(o, out_now(o) + delay) : 0;
	queue_call_again(o->config.queue, &c->call);
	outbox_again(o->outbox, out_now(o), c->call.id, delay > 0 ? out_now(o) + delay : 0);
}

/* The same call as plain text. */
static int make_plain(struct out_call *c)
{
	struct queue_call call = c->call;
	if (!c->sent || call_plain(c->sent))
		return -1;
	call.flags = (call.flags & ~(unsigned)QUEUE_CALL_PLAIN) | QUEUE_CALL_WHOLE;
	call.params = c->sent->params;
	if (queue_call_replace(c->out->config.queue, &call))
		return -1;
	c->call.flags = call.flags;
	return 0;
}

/* The @name and the id of a chat are one chat, once an answer has shown both. */
static void learn_name(struct out_call *c, const char *body, size_t length)
{
	struct out *o = c->out;
	const char *name = strrchr(c->call.line, '/');
	name = name ? name + 1 : c->call.line;
	if (*name != '@')
		return;
	cJSON *answer = cJSON_ParseWithLength(body, length);
	const cJSON *chat = json_member(json_member(answer, "result"), "chat");
	const char *username = json_text(chat, "username");
	if (json_has_number(chat, "id") && strcasecmp(username, name + 1) == 0) {
		char line[128];
		snprintf(line, sizeof line, "%.*s%.0f", (int)(name - c->call.line), c->call.line,
			 json_number(chat, "id"));
		out_join(o, c->call.line, line);
	}
	cJSON_Delete(answer);
}

static void done(struct out_call *c, const struct verdict *v, const char *body, size_t length)
{
	char words[OUT_WORDS];
	struct out *o = c->out;
	int64_t id = c->call.id;
	o->counts.sent++;
	backoff_reset(&o->backoff);
	log_event(o->config.log, LOG_DEBUG,
		  LOG_FIELDS(LOG_NUM("call", id), LOG_STR("method", c->call.method),
			     LOG_STR("chat", c->call.line)),
		  "%s%s", v->kind == VERDICT_SAME ? "done before: " : "sent",
		  v->kind == VERDICT_SAME ? out_words(v->text, words) : "");
	if (body)
		learn_name(c, body, length);
	char line[OUT_NAME], method[OUT_NAME];
	struct queue_call gone = out_copy(c, line, method);
	queue_call_done(o->config.queue, id);
	outbox_end(o->outbox, out_now(o), id);
	out_forget(c);
	o->config.ended(o->config.arg, &gone, OUT_SENT, v, "", body, length);
}

static void count_failure(struct queue_call *call, const struct verdict *v)
{
	call->tries = v->kind == VERDICT_UNSENT ? call->tries + 1 : 0;
	call->servers += v->kind == VERDICT_SERVER;
	call->unsures += v->kind == VERDICT_UNSURE;
}

/* What tgrun says of it, and what the server or the network said. */
static void fail(struct out_call *c, const struct verdict *v, const char *reason, const char *body,
		 size_t length)
{
	char text[sizeof v->text + 256];
	snprintf(text, sizeof text, "%s%s%s", reason ? reason : "", reason && *v->text ? ": " : "",
		 v->text);
	out_fail(c, v, text, body, length);
}

static void settle(struct out_call *c, const struct verdict *v, const char *body, size_t length)
{
	char words[OUT_WORDS];
	struct out *o = c->out;
	struct fate_call of = out_fate_call(&c->call);
	struct fate fate = fate_of(v, &of, backoff_random());
	count_failure(&c->call, v);
	o->counts.failing = v->kind == VERDICT_UNSENT || v->kind == VERDICT_UNSURE ||
			    v->kind == VERDICT_SERVER;
	if (fate.maybe_twice)
		out_tell_repeat(c, v->text);
	switch (fate.kind) {
	case FATE_DONE:
		done(c, v, body, length);
		return;
	case FATE_AGAIN:
		if (!fate.maybe_twice)
			log_paced(o->config.log, &o->network_pace, LOG_WARN,
				  LOG_FIELDS(LOG_NUM("call", c->call.id),
					     LOG_STR("method", c->call.method),
					     LOG_NUM("wait_ms", fate.delay)),
				  "not sent, to be tried again: %s", out_words(v->text, words));
		again(c, fate.delay);
		/* Who cannot be reached cannot be reached by the others either. */
		if (v->kind == VERDICT_UNSENT)
			outbox_cool(o->outbox, out_now(o), NULL, out_now(o) + fate.delay);
		break;
	case FATE_FLOOD:
		out_flood(c, fate.delay, v->text);
		break;
	case FATE_MOVE:
		if (!out_moved(c, v->moved_to)) {
			out_fail(c, v, v->text, body, length);
			return;
		}
		again(c, 0);
		break;
	case FATE_PLAIN:
		log_event(o->config.log, LOG_WARN,
			  LOG_FIELDS(LOG_NUM("call", c->call.id), LOG_STR("chat", c->call.line)),
			  "the server cannot parse it, it is sent as plain text: %s",
			  out_words(v->text, words));
		out_tell(c, "the server cannot parse it, it is sent as plain text", v->text);
		if (make_plain(c)) {
			again(c, NO_MEMORY);
			break;
		}
		again(c, 0);
		break;
	case FATE_TOKEN:
		again(c, 0);
		doubt(o);
		break;
	case FATE_FAILED:
		fail(c, v, fate.reason, body, length);
		return;
	}
	out_cut(c);
	o->config.wake(o->config.arg);
}

static void on_answer(void *arg, const struct verdict *v, char *body, size_t length)
{
	struct out_call *c = arg;
	c->request = NULL;
	CRASHPOINT("out-answered");
	settle(c, v, body, length);
	CRASHPOINT("out-recorded");
}

/* ---- what is sent ---- */

/* A call of a message has its own parameters, then the message's. */
static int merge(const char *own, const char *shared, struct buf *out)
{
	size_t n = strlen(own);
	bool empty = n <= 2 || strlen(shared) <= 2;
	return buf_add(out, own, n <= 2 ? 1 : n - 1) || (!empty && buf_addc(out, ',')) ||
			       buf_adds(out, shared + 1)
		       ? -1
		       : 0;
}

static int attach(struct call *c, const struct queue_message *message)
{
	c->file.name = strdup(message->file_name);
	c->file.bytes = malloc(message->file_length + 1);
	if (!c->file.name || !c->file.bytes)
		return -1;
	memcpy(c->file.bytes, message->file, message->file_length);
	c->file.length = message->file_length;
	return 0;
}

/* A call that is read from the store, and why it is none that can be sent. */
struct reading {
	struct out_call *call;
	struct err err;
};

static void read_call(void *arg, const struct queue_call *call, const struct queue_message *message)
{
	struct reading *r = arg;
	struct out_call *c = r->call;
	struct buf params;
	buf_init(&params, PARAMS_MAX);
	bool whole = !message || call->flags & QUEUE_CALL_WHOLE;
	c->sent = calloc(1, sizeof *c->sent);
	if (!c->sent || merge(call->params, whole ? "{}" : message->params, &params) ||
	    call_read(call->method, params.data, params.len, c->sent, &r->err)) {
		free(c->sent);
		c->sent = NULL;
		buf_release(&params);
		return;
	}
	c->sent->plain = call->flags & QUEUE_CALL_PLAIN;
	if (message && message->file_name && attach(c->sent, message)) {
		call_release(c->sent);
		free(c->sent);
		c->sent = NULL;
	}
	buf_release(&params);
}

/* To the chat as it is called now. */
static int follow_move(struct out_call *c)
{
	const char *now = outbox_name(c->out->outbox, c->call.line);
	const char *slash = strrchr(now, '/');
	if (strcmp(now, c->call.line) == 0 || strchr(c->call.line, '@'))
		return 0;
	return call_move(c->sent, strtoll(slash ? slash + 1 : now, NULL, 10));
}

static struct api_request *request(struct out_call *c)
{
	const struct call_file *file = &c->sent->file;
	struct err err;
	if (file->name) {
		const struct api_file files = { file->name,
						file->name,
						{ .bytes = file->bytes, .length = file->length } };
		c->form = api_form_new(c->sent->params, c->sent->length, &files, 1, &err);
		return c->form ? api_send(c->out->api, c->sent->method, api_form_body(c->form),
					  on_answer, c)
			       : NULL;
	}
	const struct http_piece piece = { .bytes = c->sent->params, .length = c->sent->length };
	const struct http_body body = { "application/json", &piece, 1 };
	return api_send(c->out->api, c->sent->method, &body, on_answer, c);
}

/* 0, or -1 with `v`: it is not sent. */
static int try_to_send(struct out_call *c, struct verdict *v)
{
	struct err err = { 0 };
	struct reading reading = { .call = c };
	*v = (struct verdict){ .kind = VERDICT_UNSENT, .text = "out of memory" };
	int found = queue_call_show(c->out->config.queue, c->call.id, read_call, &reading, &err);
	if (reading.err.status == ERR_IO) {
		v->kind = VERDICT_REFUSED;
		snprintf(v->text, sizeof v->text, "%.*s", (int)sizeof v->text - 1,
			 reading.err.text);
	}
	if (found == 0)
		*v = (struct verdict){ .kind = VERDICT_REFUSED,
				       .text = "its parameters cannot be read in the store" };
	if (found < 0)
		snprintf(v->text, sizeof v->text, "%.*s", (int)sizeof v->text - 1, err.text);
	if (found <= 0 || !c->sent || follow_move(c))
		return -1;
	c->request = request(c);
	return c->request ? 0 : -1;
}

void out_send_one(struct out_call *c)
{
	struct out *o = c->out;
	struct verdict v;
	if (try_to_send(c, &v) == 0)
		return;
	settle(c, &v, NULL, 0);
	o->config.wake(o->config.arg);
}
