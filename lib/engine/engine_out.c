/* engine/engine_out: the way out, as the engine has it: what a done handler printed becomes calls,
 * in the transaction that settles its update; what could not be delivered starts a hook. Results of
 * handlers come in, calls go to engine/out. Invariant: an update is settled with its whole reply or
 * not at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_internal.h"
#include "queue/calls.h"
#include "reply/reply.h"
#include "update/scan.h"

enum {
	REPLY_LIFETIME = 60 * 60 * 1000, /* milliseconds after which a reply is too old */
	FAILED_KEEP = 10000,             /* calls that failed and are kept */
	HOOK_TIMEOUT = 60 * 1000,
	HOOK_KILL_AFTER = 5000,
	LOOK_AGAIN = 1000,     /* milliseconds between two looks at the disk */
	LAST_WAIT = 60 * 1000, /* milliseconds that the end waits for a reply's turn */
};

/* ---- the hook of --on-undelivered ---- */

static void run_hook(struct engine *e, const struct queue_call *call, const char *reason, int code)
{
	const char *chat = strrchr(call->line, '/');
	char digits[16] = "";
	if (code)
		snprintf(digits, sizeof digits, "%d", code);
	const struct hook_text vars[] = {
		{ "TG_CHAT_ID", chat ? chat + 1 : call->line },
		{ "TG_METHOD", call->method },
		{ "TG_REASON", reason },
		{ "TG_ERROR_CODE", digits },
	};
	struct hook hook = { .name = "on-undelivered",
			     .command = e->on_undelivered_packed,
			     .call = call->id,
			     .body = call->params ? call->params : "",
			     .body_length = call->params ? strlen(call->params) : 0,
			     .texts = vars,
			     .text_count = sizeof vars / sizeof vars[0],
			     .timeout = HOOK_TIMEOUT,
			     .kill_after = HOOK_KILL_AFTER };
	handlers_hook(e->handlers, &hook);
}

/* ---- replies ---- */

/* Each kind of update that is not answered is named once. */
static void tell_kind(struct engine *e, const struct update *u, enum reply_mode mode)
{
	size_t count;
	const char *name = update_kind(u);
	const struct kind *kind = kinds_find(name, strlen(name));
	uint64_t bit = UINT64_C(1) << (kind ? kind - kinds_all(&count) : 63);
	if (e->way_out.kinds_told & bit)
		return;
	e->way_out.kinds_told |= bit;
	log_event(e->config.log, LOG_INFO, LOG_FIELDS(LOG_STR("kind", name)),
		  "what is printed for an update of this kind is no answer to it with --reply %s "
		  "(with --reply api it can be): it is logged",
		  reply_mode_name(mode));
}

/* Records the calls of a reply. 0, or -1 when memory is out: none of them is recorded. */
static int add_calls(struct engine *e, const struct reply *r)
{
	const struct out_how how = { .lifetime = REPLY_LIFETIME,
				     .once = e->policy.out.unsure == OUT_UNSURE_FAIL };
	int64_t first = 0, id = 0;
	for (size_t i = 0; i < r->count; i++) {
		struct out_how this = how;
		this.group = first;
		id = out_add(e->out, &r->calls[i], &this);
		if (!id)
			break;
		first = first ? first : id;
	}
	if (id || r->count == 0)
		return 0;
	/* Those that were added have numbers without a gap, and none follows them. */
	for (id = first; first && out_drop(e->out, id); id++)
		continue;
	return -1;
}

/* What a worker gave in `reply`: a text, or calls. 0, or -1 when memory is out. */
static int read_value(const struct handler_result *r, enum reply_mode *mode, char **text, size_t *n)
{
	bool nul;
	if (*r->reply != '"') {
		*mode = REPLY_API;
		return 0;
	}
	if (*mode == REPLY_NONE || *mode == REPLY_API)
		*mode = REPLY_TEXT;
	*text = malloc(r->reply_length + 1);
	if (!*text)
		return -1;
	*n = scan_decode(r->reply, *text, &nul);
	return 0;
}

static void on_told(void *arg, const char *line, const char *text)
{
	struct engine *e = arg;
	if (e->config.told)
		e->config.told(e->config.arg, line, text);
}

/* What is to be said of a reply as it was composed of `text`. */
static void tell_note(struct engine *e, struct route *route, const struct claim *c,
		      const struct update *u, enum reply_mode mode, const struct reply *reply,
		      const char *text, size_t n)
{
	if (reply->note == REPLY_KIND && n)
		tell_kind(e, u, mode);
	if (reply->note == REPLY_LOST)
		log_event(e->config.log, LOG_WARN,
			  LOG_FIELDS(CLAIM_LOG_ID(c), LOG_STR("key", c->keys)),
			  "the update names no chat that can be read: what was printed is no "
			  "answer, and is logged");
	if (reply->note != REPLY_WHOLE && reply->note != REPLY_CUT)
		handler_tell_stdout(route->handler, c, text, n);
	if (reply->note == REPLY_CUT)
		log_event(e->config.log, LOG_WARN,
			  LOG_FIELDS(CLAIM_LOG_ID(c), LOG_STR("key", c->keys)),
			  "the reply is longer than what can be sent here, and is cut");
	/* The answer to a button is no part of what is said. */
	size_t said = reply->count - (reply->count && reply->calls[0].kind == CALL_QUERY);
	if (said > 1 && mode != REPLY_API) {
		char parts[64];
		snprintf(parts, sizeof parts, "the answer goes out in %zu parts", said);
		on_told(e, reply->calls[reply->count - 1].line, parts);
	}
}

/* Keeps the answer of a webhook that cannot be sent, for `why`, as a call that failed. 0, or -1
 * with `err` (ERR_INTERNAL). */
static int keep_refused(struct engine *e, const struct handler_result *r, const char *why,
			struct err *err)
{
	struct call call;
	if (call_keep(r->reply, r->reply_length, &call, err))
		return -1;
	int64_t id = out_refuse(e->out, &call, why);
	if (id && e->on_undelivered_packed)
		run_hook(e,
			 &(struct queue_call){ .id = id,
					       .line = call.line,
					       .method = call.method,
					       .params = call.params },
			 why, 0);
	if (id)
		engine_remember_error(e, why);
	call_release(&call);
	return id ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

/* Answers `u` by `text`, of `n` bytes. As engine_reply(). */
static int answer(struct engine *e, struct route *route, const struct claim *c,
		  const struct update *u, enum reply_mode mode, const char *text, size_t n,
		  bool bare, struct err *err)
{
	struct reply reply = { 0 };
	size_t with = 0;
	while (e->reply_with[with])
		with++;
	const struct reply_spec spec = { .mode = mode,
					 .quote = route->policy.reply_to,
					 .with = (const char *const *)e->reply_with,
					 .with_count = with,
					 .bare = bare };
	int rc = reply_compose(&spec, u, secret_bot_id(e->config.secret), e->config.secret, text, n,
			       &reply, err);
	if (rc == 0) {
		tell_note(e, route, c, u, mode, &reply, text, n);
		if (add_calls(e, &reply))
			rc = err_set(err, ERR_INTERNAL, "out of memory");
	}
	reply_release(&reply);
	return rc;
}

static int compose(struct engine *e, struct route *route, const struct claim *c,
		   const struct handler_result *r, struct err *err)
{
	enum reply_mode mode = route->policy.reply;
	char *decoded = NULL;
	size_t n = r->reply_length;
	if (r->reply_is_json && read_value(r, &mode, &decoded, &n))
		return err_set(err, ERR_INTERNAL, "out of memory");
	struct update *u = update_parse(c->body, c->length, err);
	/* A dead letter that was no update and was handed out again answers nobody. */
	int rc = u ? answer(e, route, c, u, mode, decoded ? decoded : r->reply, n,
			    r->reply_is_answer, err)
		 : err->status == ERR_INTERNAL ? -1
					       : 0;
	if (rc && r->reply_is_answer && err->status == ERR_IO) {
		struct err why = *err;
		rc = keep_refused(e, r, why.text, err);
	}
	update_free(u);
	free(decoded);
	return rc;
}

int engine_reply(struct engine *e, struct route *route, const struct claim *c,
		 const struct handler_result *r, struct err *err)
{
	if (!r->reply)
		return 0;
	if (!e->out && r->reply_is_answer) {
		log_event(e->config.log, LOG_INFO,
			  LOG_FIELDS(CLAIM_LOG_ID(c), LOG_STR("key", c->keys)),
			  "its answer is a call, and without a token nothing is sent");
		return 0;
	}
	/* Without a bot there is nobody to answer; a reload may have taken the mode away. */
	if (!e->out || (!r->reply_is_json && route->policy.reply == REPLY_NONE)) {
		handler_tell_stdout(route->handler, c, r->reply, r->reply_length);
		return 0;
	}
	if (r->reply_short)
		return err_set(err, ERR_IO, "its reply is longer than --max-output");
	return compose(e, route, c, r, err);
}

/* ---- what could not be delivered ---- */

struct undelivered {
	struct engine *engine;
	const char *reason;
	int code;
};

static void on_shown(void *arg, const struct queue_call *call, const struct queue_message *message)
{
	const struct undelivered *n = arg;
	(void)message;
	run_hook(n->engine, call, n->reason, n->code);
}

struct oldest {
	int64_t numbers[64];
	size_t count;
};

static int note_oldest(void *arg, const struct queue_call *call)
{
	struct oldest *o = arg;
	o->numbers[o->count++] = call->id;
	return o->count == sizeof o->numbers / sizeof o->numbers[0];
}

/* Of those that failed the newest are kept. */
static void trim_failed(struct engine *e)
{
	struct oldest o = { .count = 0 };
	int64_t more = queue_calls_failed(e->queue) - FAILED_KEEP;
	if (more <= 0 || queue_calls_each(e->queue, 0, true, false, note_oldest, &o, NULL) < 0)
		return;
	for (size_t i = 0; i < o.count && more-- > 0; i++)
		queue_call_drop(e->queue, o.numbers[i], true);
}

static void on_ended(void *arg, const struct queue_call *call, enum out_end how,
		     const struct verdict *v, const char *reason, const char *body, size_t length)
{
	struct engine *e = arg;
	(void)body, (void)length;
	if (how != OUT_FAILED)
		return;
	struct undelivered n = { e, reason, v ? v->code : 0 };
	engine_remember_error(e, reason);
	if (e->on_undelivered_packed && queue_call_show(e->queue, call->id, on_shown, &n, NULL) < 1)
		run_hook(e, call, reason, n.code);
	trim_failed(e);
}

/* ---- its place in the engine ---- */

static void on_wake(void *arg)
{
	engine_turn_in(arg, 0);
}

int engine_out_open(struct engine *e, struct err *err)
{
	const struct engine_config *c = &e->config;
	if (!c->secret)
		return 0;
	struct out_config config = {
		.loop = c->loop,
		.log = c->log,
		.clock = c->clock,
		.queue = e->queue,
		.api_root = c->api_root,
		.api_login = c->api_login,
		.ca_file = c->ca_file,
		.ca_dirs = c->ca_dirs,
		.secret = c->secret,
		.rates = e->policy.out.rates,
		.told = on_told,
		.wake = on_wake,
		.ended = on_ended,
		.arg = e,
	};
	e->out = out_new(&config, err);
	return e->out ? 0 : -1;
}

void engine_out_change(struct engine *e)
{
	if (e->out)
		out_set_rates(e->out, &e->policy.out.rates);
}

void engine_out_turn(struct engine *e)
{
	/* What somebody waits for asks nothing of a shared store. */
	if (e->out && (!e->pulse.store_fails || e->fleet.shared))
		out_turn(e->out);
}

void engine_out_stop(struct engine *e)
{
	if (e->out)
		out_stop(e->out);
}

void engine_out_send(struct engine *e)
{
	if (e->out)
		out_send(e->out);
}

/* Answers that wait on a disk that is almost full make room when they are sent; others would take
 * the last of it. */
static bool is_cramped(struct engine *e, size_t waiting)
{
	int64_t now = e->config.clock->mono(e->config.clock);
	if (waiting && !e->fleet.shared && now >= e->way_out.room_until) {
		e->way_out.cramped = !engine_disk_has(e, 0);
		e->way_out.room_until = now + LOOK_AGAIN;
	}
	return waiting && e->way_out.cramped;
}

bool engine_out_full(struct engine *e)
{
	struct out_counts counts;
	if (!e->out)
		return false;
	out_counts(e->out, &counts);
	size_t waiting = counts.waiting + counts.sending;
	bool cramped = is_cramped(e, waiting);
	if (cramped)
		engine_turn_in(e, LOOK_AGAIN);
	bool full = cramped || (int64_t)counts.waiting >= e->policy.out.limit;
	if (full)
		log_paced(
			e->config.log, &e->way_out.full_pace, LOG_WARN,
			LOG_FIELDS(LOG_NUM("waiting", (int64_t)waiting)),
			cramped ? "the disk is almost full: no handler starts until answers have been sent"
				: "the outbox is full: no handler starts until replies have been sent");
	return full;
}

bool engine_out_busy(struct engine *e)
{
	/* Who asks for updates is soon told to send, too. */
	bool will_send = e->fleet.shared && e->config.once && e->fleet.may_ask &&
			 !e->fleet.may_send;
	return e->out && (will_send || out_busy(e->out, LAST_WAIT));
}

void engine_out_count(const struct engine *e, struct engine_counts *c)
{
	struct out_counts counts = { 0 };
	if (e->out)
		out_counts(e->out, &counts);
	c->outbox = counts.waiting + counts.bulk;
	c->outbox_oldest = (uint64_t)counts.oldest;
	c->outbox_full = e->out && ((int64_t)counts.waiting >= e->policy.out.limit ||
				    (counts.waiting && e->way_out.cramped));
	c->sending_failing = counts.failing;
	c->token_refused = e->out && out_doubts(e->out);
	c->calls_dropped = counts.dropped;
	c->sending = counts.sending;
	c->sent = counts.sent;
	c->undelivered = counts.failed;
	c->perhaps_twice = counts.repeated;
	c->failed_calls = e->queue ? (uint64_t)queue_calls_failed(e->queue) : 0;
}

bool engine_out_sending(const struct engine *e)
{
	struct engine_counts c;
	engine_out_count(e, &c);
	return c.sending > 0;
}
