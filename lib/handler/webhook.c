/* handler/webhook: claims in, each posted to a server as Telegram's own sender does it, results
 * out. What an answer means is read by webhook_answer.c; here are the requests, their deadline and
 * their connections.
 *
 * Invariants: a body is never sent twice but by a second request that this file makes, once, when
 * the first crossed the end of an old connection. What the server does with an update cannot be
 * ended: at the deadline, a stop or a cancel its connection is closed, and no more. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "handler/handler_internal.h"
#include "handler/mode_internal.h"
#include "handler/webhook_answer.h"
#include "io/http.h"

#define NO_LIMIT (INT64_C(366) * 86400 * 1000)

enum { BODY_MAX = 1 << 20 /* bytes */ };

struct webhook {
	struct http *http; /* NULL until handler_set_url() */
	char *url;
	char *header;  /* with the secret; NULL: none */
	size_t secret; /* where that begins in it */
	struct list posts;
	struct loop_timer *hang_up; /* nothing was posted for so long that no connection serves */
	int rest;                   /* seconds */
	bool parts_told;
};

/* An update on its way. */
struct post {
	struct list link;
	struct handler *h;
	struct claim *claim;
	struct http_request *request;
	int64_t started, timeout; /* milliseconds; as in struct handler_policy */
	bool again;               /* it is posted for the second time */
};

static void post_free(struct post *p)
{
	list_remove(&p->link);
	http_cancel(p->request);
	free(p);
}

/* The update is over. */
static void finish(struct post *p, struct handler_result *r)
{
	struct handler *h = p->h;
	struct claim *c = p->claim;
	r->elapsed = handler_now(h->room) - p->started;
	post_free(p);
	if (list_empty(&h->webhook->posts))
		loop_timer_set(h->webhook->hang_up, h->webhook->rest * 1000);
	h->room->live--;
	room_done(h, c, r);
	room_gone(h);
}

static void on_response(void *arg, struct http_response *response);

/* 0, or -1 when memory is out. */
static int send_post(struct post *p)
{
	const struct webhook *w = p->h->webhook;
	int64_t left = p->timeout ? p->started + p->timeout - handler_now(p->h->room) : NO_LIMIT;
	const struct http_piece piece = { .bytes = p->claim->body, .length = p->claim->length };
	const struct http_body body = { "application/json", &piece, 1 };
	const struct http_call call = {
		.url = w->url,
		.body = &body,
		.silence = left > 0 ? left : 1,
		.total = !p->timeout ? 0
			 : left > 0  ? left
				     : 1,
		.max = BODY_MAX,
		.header = w->header,
		.idle = w->rest,
		.fresh = p->again,
		.http1 = true,
	};
	p->request = http_post(w->http, &call, on_response, p);
	return p->request ? 0 : -1;
}

static struct log_field *fields_of(const struct post *p, struct log_field fields[2])
{
	fields[0] = CLAIM_LOG_ID(p->claim);
	fields[1] = LOG_STR("key", p->claim->keys);
	return fields;
}

/* It was handled: what the answer's body holds goes into the result. `call` outlives that. */
static void read_body(struct post *p, struct http_response *response, struct buf *call,
		      struct handler_result *r)
{
	struct log *log = p->h->room->config.log;
	struct log_field f[2];
	switch (webhook_answer_call(response, call)) {
	case WEBHOOK_CALL:
		r->reply = call->data;
		r->reply_length = call->len;
		r->reply_is_json = r->reply_is_answer = true;
		return;
	case WEBHOOK_MEMORY:
		r->end = HANDLER_UNSTARTABLE;
		r->reason = "there is no memory for its answer";
		r->outcome.status = ENOMEM;
		return;
	case WEBHOOK_PARTS:
		log_event(
			log, p->h->webhook->parts_told ? LOG_DEBUG : LOG_WARN, fields_of(p, f), 2,
			"a webhook answers with a file (multipart/form-data), which is not sent; it has to call the Bot API for that");
		p->h->webhook->parts_told = true;
		return;
	case WEBHOOK_NO_CALL:
		if (response->length)
			log_event(log, LOG_DEBUG, fields_of(p, f), 2,
				  "the body of the answer holds no call, and is ignored");
		return;
	}
}

/* The failure that the answer means. */
static void read_failure(const struct post *p, struct webhook_answer *a, bool timed_out,
			 struct handler_result *r)
{
	const struct outcome_policy *policy = &p->h->policy.outcome;
	int failures = p->claim->failures;
	switch (a->meaning) {
	case WEBHOOK_LATER:
	case WEBHOOK_REFUSED:
		outcome_answer(a->meaning == WEBHOOK_LATER, a->reason, failures, policy,
			       &r->outcome);
		r->outcome.after = a->after;
		break;
	case WEBHOOK_FAILED:
		outcome_again(a->reason, timed_out ? -1 : EX_TEMPFAIL, failures, policy,
			      &r->outcome);
		r->outcome.cause = timed_out ? CAUSE_TIMEOUT : CAUSE_STATUS;
		break;
	case WEBHOOK_CROSSED: /* and there was no memory to post it again */
	case WEBHOOK_UNREACHED:
		r->end = HANDLER_UNSTARTABLE;
		r->outcome.status = a->meaning == WEBHOOK_CROSSED ? ENOMEM : ECONNREFUSED;
		r->reason = a->reason;
		break;
	case WEBHOOK_DONE:
		break;
	}
}

/* The secret may be in what the server says of a request. */
static void hide(const struct handler *h, char *text)
{
	const struct webhook *w = h->webhook;
	text[secret_redact(h->room->config.secret, text, strlen(text))] = '\0';
	if (w->header)
		text[secret_redact_text(w->header + w->secret, text, strlen(text))] = '\0';
}

static void on_response(void *arg, struct http_response *response)
{
	struct post *p = arg;
	struct webhook *w = p->h->webhook;
	struct webhook_answer a;
	struct buf call;
	struct log_field f[2];
	p->request = NULL;
	webhook_answer_read(response, p->again, p->timeout, &a);
	if (a.meaning == WEBHOOK_CROSSED) {
		p->again = true;
		log_event(p->h->room->config.log, LOG_DEBUG, fields_of(p, f), 2,
			  "posted once more, over a new connection: %s", a.reason);
		if (send_post(p) == 0)
			return;
	}
	if (response->failure == HTTP_OK)
		w->rest = webhook_answer_rest(response);
	hide(p->h, a.sentence);
	struct handler_result r = {
		.end = HANDLER_ENDED,
		.outcome = { .kind = OUTCOME_DONE, .after = -1 },
		.sentence = a.sentence,
		.last_stderr = a.sentence,
		.started = response->asked || p->again,
	};
	buf_init(&call, 8 * BODY_MAX);
	if (a.meaning == WEBHOOK_DONE)
		read_body(p, response, &call, &r);
	else
		read_failure(p, &a, response->timed_out, &r);
	finish(p, &r);
	buf_release(&call);
}

/* ---- the mode ---- */

static void on_hang_up(void *arg)
{
	const struct handler *h = arg;
	if (h->webhook->http)
		http_hang_up(h->webhook->http);
}

static int init(struct handler *h)
{
	struct webhook *w = h->webhook = calloc(1, sizeof *w);
	if (!w)
		return -1;
	list_init(&w->posts);
	w->rest = WEBHOOK_REST;
	w->hang_up = loop_timer_new(h->room->config.loop, on_hang_up, h);
	return w->hang_up ? 0 : -1;
}

static void forget_header(struct webhook *w)
{
	if (w->header)
		explicit_bzero(w->header, strlen(w->header));
	free(w->header);
	w->header = NULL;
}

static void release(struct handler *h)
{
	struct webhook *w = h->webhook;
	if (!w)
		return;
	while (!list_empty(&w->posts)) {
		struct post *p = container_of(w->posts.next, struct post, link);
		claim_free(p->claim);
		post_free(p);
	}
	http_free(w->http);
	loop_timer_free(w->hang_up);
	forget_header(w);
	free(w->url);
	free(w);
}

static int set_url(struct handler *h, const char *url, const char *secret, struct err *err)
{
	static const char name[] = "X-Telegram-Bot-Api-Secret-Token: ";
	const struct handlers_config *config = &h->room->config;
	struct webhook *w = h->webhook;
	if (!w->http) {
		w->http = http_new(config->loop, err);
		if (!w->http)
			return -1;
		if (http_trust(w->http, config->ca_file, config->ca_dirs))
			return err_set(err, ERR_INTERNAL, "out of memory");
	}
	char *copy = strdup(url);
	char *header = secret ? malloc(sizeof name + strlen(secret)) : NULL;
	if (!copy || (secret && !header)) {
		free(copy);
		free(header);
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	if (header)
		stpcpy(stpcpy(header, name), secret);
	forget_header(w);
	free(w->url);
	w->url = copy;
	w->header = header;
	w->secret = sizeof name - 1;
	w->rest = WEBHOOK_REST;
	return 0;
}

static int start_solo(struct handler *h, struct claim *c)
{
	struct post *p = calloc(1, sizeof *p);
	if (!p)
		return -1;
	p->h = h;
	p->claim = c;
	p->started = handler_now(h->room);
	p->timeout = h->policy.timeout;
	if (send_post(p)) {
		free(p);
		errno = ENOMEM;
		return -1;
	}
	list_add_before(&h->webhook->posts, &p->link);
	loop_timer_set(h->webhook->hang_up, -1);
	h->live++;
	h->room->live++;
	log_event(h->room->config.log, LOG_DEBUG,
		  LOG_FIELDS(CLAIM_LOG_ID(c), LOG_STR("key", c->keys),
			     LOG_NUM("attempt", c->failures + 1)),
		  "posted");
	return 0;
}

static int start(struct handler *h, struct claim *const *claims, size_t n)
{
	(void)n;
	return start_solo(h, claims[0]);
}

static size_t room_of(const struct handler *h)
{
	(void)h;
	return INT_MAX;
}

/* The connection of each is closed, whatever the server does with it then. */
static void stop(struct handler *h, int signo)
{
	struct webhook *w = h->webhook;
	(void)signo;
	h->live++; /* so that it is not freed on the way */
	while (!list_empty(&w->posts)) {
		struct handler_result r = { .end = HANDLER_INTERRUPTED,
					    .why = RELEASE_STOP,
					    .reason = ledger_row(RELEASE_STOP)->phrase,
					    .sentence = "",
					    .last_stderr = "",
					    .started = true };
		finish(container_of(w->posts.next, struct post, link), &r);
	}
	room_gone(h);
}

static void cancel(struct handler *h, handler_chosen *chosen, void *arg)
{
	struct webhook *w = h->webhook;
	struct list these;
	list_init(&these);
	for (struct list *l = w->posts.next, *next; l != &w->posts; l = next) {
		next = l->next;
		if (!chosen(arg, container_of(l, struct post, link)->claim))
			continue;
		list_remove(l);
		list_add_before(&these, l);
	}
	while (!list_empty(&these)) {
		struct handler_result r = { .end = HANDLER_CANCELLED,
					    .sentence = "",
					    .last_stderr = "" };
		finish(container_of(these.next, struct post, link), &r);
	}
}

static void counts(const struct handler *h, struct handler_counts *out)
{
	(void)h;
	out->processes = 0;
}

const struct mode_ops mode_webhook = {
	.traits = { .name = "webhook", .most = 1, .no_slots = true },
	.init = init,
	.start = start,
	.start_solo = start_solo,
	.room = room_of,
	.stop = stop,
	.cancel = cancel,
	.release = release,
	.set_url = set_url,
	.counts = counts,
};
