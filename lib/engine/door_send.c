/* engine/door_send: a whole request to the local API becomes a call, waits for its turn in the line
 * of its chat, is sent as it came, and its caller gets what the server said; or it is stored.
 *
 * Invariants: a call is sent again only after a 429, which the server did not carry out, and only
 * while somebody waits for it; a caller who goes before its turn takes it back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/methods.h"
#include "engine/door_internal.h"

enum { PARAMS_MAX = 4 << 20 };

/* Nobody waits for it, and nothing of it is under way. */
static void leave(struct door_call *c)
{
	if (!c->http)
		door_call_free(c);
}

/* ---- sent at once ---- */

static void on_sent(void *arg, const struct verdict *v, char *body, size_t length)
{
	struct door_call *c = arg;
	c->request = NULL;
	log_event(c->door->config.log, LOG_DEBUG,
		  LOG_FIELDS(LOG_STR("method", c->method), LOG_NUM("code", v->code)),
		  "a call of the local API: %s", door_outcome_word(door_outcome_of(v)));
	if (out_live_end(c->live, v)) {
		buf_clear(&c->told);
		buf_add(&c->told, body, length);
		c->stage = DOOR_WAITS;
		if (c->http)
			return;
		out_live_end(c->live, NULL);
	}
	c->live = NULL;
	if (c->file && v->kind == VERDICT_OK && c->http)
		door_file_of_answer(c, body, length);
	else
		door_pass_on(c, v, body, length);
	leave(c);
}

static void on_turn(void *arg)
{
	struct door_call *c = arg;
	c->stage = DOOR_SENDS;
	c->piece = (struct http_piece){ .fd = c->spool };
	if (c->spool < 0)
		c->piece.bytes = buf_str(&c->body);
	c->piece.length = c->length;
	const char *type = c->composed ? "application/json" : httpd_header(c->http, "Content-Type");
	const struct http_body body = { type, &c->piece, 1 };
	c->request = api_send(out_api(c->door->config.out), c->method, &body, on_sent, c);
	if (c->request)
		return;
	out_live_end(c->live, NULL);
	c->live = NULL;
	door_refuse(c, 503, DOOR_LATER, "Service Unavailable: it was not sent: out of memory");
}

static void on_late(void *arg, const char *reason)
{
	struct door_call *c = arg;
	c->live = NULL;
	if (c->told.len) {
		char *body = c->told.data;
		size_t length = c->told.len;
		buf_init(&c->told, c->told.max);
		door_answer(c, 429, DOOR_LATER, body, length);
	} else {
		door_refuse(c, 429, DOOR_LATER, "Too Many Requests: it was not sent: %s", reason);
	}
	leave(c);
}

static void send_live(struct door_call *c, const struct call *call)
{
	c->stage = DOOR_WAITS;
	c->live = out_live_new(c->door->config.out, call, c->patience, on_turn, on_late, c);
	if (!c->live)
		door_refuse(c, 503, DOOR_LATER,
			    "Service Unavailable: it was not sent: out of memory");
}

/* ---- stored ---- */

static void store(struct door_call *c, const struct call *call)
{
	const struct out_policy *policy = c->door->config.policy;
	struct out_counts counts;
	out_counts(c->door->config.out, &counts);
	if ((c->bulk ? counts.bulk : counts.waiting) >= (size_t)policy->limit) {
		door_refuse(c, 503, DOOR_FULL, "Service Unavailable: the outbox is full");
		return;
	}
	struct out_how how = { .lifetime = c->expire,
			       .bulk = c->bulk,
			       .once = policy->unsure == OUT_UNSURE_FAIL };
	c->number = out_add(c->door->config.out, call, &how);
	c->ticket = queue_ticket(c->door->config.queue);
	c->stage = DOOR_STORES;
	if (!c->number)
		door_refuse(c, 503, DOOR_LATER, "Service Unavailable: out of memory");
}

/* ---- the request ---- */

/* Whether it may be called in this way; else it is refused. */
static bool may(struct door_call *c)
{
	if (methods_traits(c->method) & METHOD_OWN)
		door_refuse(c, 409, DOOR_REFUSED,
			    "Conflict: %s would take the bot's updates from tgrun, which receives "
			    "them",
			    methods_find(c->method)->name);
	else if (c->store && c->part_files)
		door_refuse(c, 400, DOOR_REFUSED,
			    "Bad Request: a call with a file cannot be stored");
	else if (c->file && strcasecmp(c->method, "getFile") != 0)
		door_refuse(c, 400, DOOR_REFUSED, "Bad Request: only getFile gives a file out");
	else
		return true;
	return false;
}

void door_send(struct door_call *c)
{
	struct buf params;
	struct call call;
	struct err err = { 0 };
	buf_init(&params, PARAMS_MAX);
	if (!door_body_end(c, &params)) {
		door_refuse(c, c->refused, c->refused >= 500 ? DOOR_LATER : DOOR_REFUSED, "%s",
			    c->why);
	} else if (c->door->closing) {
		door_refuse(c, 503, DOOR_LATER, "Service Unavailable: tgrun is ending");
	} else if (!*c->method) {
		door_file_fetch(c, c->path);
	} else if (!may(c)) {
		/* refused */
	} else if (call_read(c->method, params.data, params.len, &call, &err)) {
		bool bad = err.status != ERR_INTERNAL;
		door_refuse(c, bad ? 400 : 503, bad ? DOOR_REFUSED : DOOR_LATER, "%s: %s",
			    bad ? "Bad Request" : "Service Unavailable", err.text);
	} else {
		if (c->store)
			store(c, &call);
		else
			send_live(c, &call);
		call_release(&call);
	}
	buf_release(&params);
}

void door_take_back(struct door_call *c)
{
	if (c->stage == DOOR_WAITS && c->live) {
		out_live_end(c->live, NULL);
		c->live = NULL;
	} else if (c->stage == DOOR_FETCHES) {
		api_cancel(c->request);
		c->request = NULL;
		c->cut = true;
	}
	if (c->stage != DOOR_SENDS)
		c->stage = DOOR_ENDS;
}
