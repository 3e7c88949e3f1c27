/* handler/worker_talk: what is said to a worker and by it: updates out as JSON lines, answers in.
 * Invariant: an update is settled once, by the first answer to it; whatever else a worker writes on
 * descriptor 3 is logged, counted and ignored, and costs no memory.
 *
 * Nothing is allocated for an update but room in buffers, and in an update, that stay. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/answer.h"
#include "handler/worker_internal.h"
#include "update/scan.h"
#include "update/update.h"

enum { READ_MAX = 8 * 1024, READS_A_TURN = 128 };

/* ---- to the worker ---- */

size_t worker_room(const struct worker *w)
{
	if (w->leaving || w->solo || w->phase != WORKER_ALIVE || !w->in ||
	    w->pending.len - w->sent >= WORKER_PENDING_MAX)
		return 0;
	return w->capacity > w->count ? (size_t)(w->capacity - w->count) : 0;
}

/* What a process would find in its environment. Whatever has keys was read as an object
 * when it came; what has none may be anything, and is checked. `is_json` tells what came out. */
static int add_members(struct worker *w, const struct claim *c, bool *is_json)
{
	struct pool *p = w->h->pool;
	const char *root = c->body, *end = c->body + c->length;
	struct scan_fault fault;
	if (!c->keys[0])
		root = scan_check(root, end, &fault);
	while (root && scan_is_space(*root))
		root++;
	/* A line feed between two tokens would break the lines of the others. */
	*is_json = root && !memchr(c->body, '\n', c->length);
	if (!*is_json || w->bare || *root != '{')
		return 0;
	struct update *u = update_of_checked(p->update, root, (size_t)(end - root));
	if (!u)
		return -1;
	p->update = u;
	return update_members(u, w->h->bot_username, &w->pending);
}

/* What stands before the update. */
static int add_head(struct worker *w, const struct claim *c, bool *is_json)
{
	const struct clock *clock = w->h->room->config.clock;
	int64_t timeout = w->h->policy.timeout;
	struct buf *b = &w->pending;
	if (buf_adds(b, "{\"v\":1,\"id\":\"") || buf_add_int(b, c->seq) || buf_addc(b, '.') ||
	    buf_add_int(b, c->failures + 1) || buf_adds(b, "\",\"key\":") ||
	    buf_add_json(b, c->keys, strlen(c->keys)) || add_members(w, c, is_json) ||
	    buf_adds(b, ",\"attempt\":") || buf_add_int(b, c->failures + 1) ||
	    buf_adds(b, ",\"redelivered\":") || buf_adds(b, c->redelivered ? "true" : "false"))
		return -1;
	return timeout && (buf_adds(b, ",\"deadline\":") ||
			   buf_add_int(b, (clock->wall(clock) + timeout) / 1000))
		       ? -1
		       : 0;
}

/* What else was gathered with the first, which had keys, so all are objects of a line each. */
static int add_others(struct buf *b, struct claim *const *claims, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (buf_addc(b, ',') || buf_add(b, claims[i]->body, claims[i]->length))
			return -1;
	return 0;
}

/* A worker that takes several together always gets a list. */
static int add_line(struct worker *w, struct claim *const *claims, size_t n)
{
	const struct claim *c = claims[0];
	struct buf *b = &w->pending;
	bool is_json;
	if (add_head(w, c, &is_json))
		return -1;
	/* A dead letter that was no update may be handed out again. */
	if (!is_json)
		return buf_adds(b, w->batch ? ",\"updates\":[null],\"bytes\":"
					    : ",\"update\":null,\"bytes\":") ||
				       buf_add_json(b, c->body, c->length) || buf_adds(b, "}\n")
			       ? -1
			       : 0;
	return buf_adds(b, w->batch ? ",\"updates\":[" : ",\"update\":") ||
			       buf_add(b, c->body, c->length) || add_others(b, claims + 1, n - 1) ||
			       buf_adds(b, w->batch ? "]}\n" : "}\n")
		       ? -1
		       : 0;
}

/* To the beginning of their room. */
static void move_held(struct worker *w)
{
	memmove(w->held_room, w->held, (size_t)w->count * sizeof *w->held);
	w->held = w->held_room;
}

static void hold(struct worker *w, const struct held *u)
{
	if (w->held + w->count == w->held_room + 2 * w->capacity)
		move_held(w);
	w->held[w->count++] = *u;
}

static void let_go(struct worker *w, int i)
{
	w->count--;
	if (i == 0)
		w->held++;
	else
		memmove(&w->held[i], &w->held[i + 1], (size_t)(w->count - i) * sizeof *w->held);
}

int worker_give(struct worker *w, struct claim *const *claims, size_t n, bool solo)
{
	size_t before = w->pending.len;
	struct member *rest = n > 1 ? calloc(n - 1, sizeof *rest) : NULL;
	for (size_t i = 1; rest && i < n; i++)
		rest[i - 1].claim = claims[i];
	if ((n > 1 && !rest) || add_line(w, claims, n)) {
		int saved = errno;
		free(rest);
		w->pending.len = before;
		errno = saved;
		return -1;
	}
	/* What it said before the first answer may be why there is none. */
	if (w->count == 0 && w->answered)
		output_forget_stderr(&w->output);
	w->output.total = 0;
	hold(w, &(struct held){ .claim = claims[0],
				.rest = rest,
				.more = (int)n - 1,
				.started = handler_now(w->h->room),
				.timeout = w->h->policy.timeout,
				.from = w->given });
	w->given += w->pending.len - before;
	w->requests += n;
	w->solo = solo;
	if (!w->armed && w->h->policy.timeout) {
		w->armed = true;
		loop_timer_set(w->timer, w->h->policy.timeout);
	}
	return 0;
}

void worker_write(struct worker *w)
{
	while (w->in && w->sent < w->pending.len) {
		ssize_t n = write(w->in_fd, w->pending.data + w->sent, w->pending.len - w->sent);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			loop_watch_set(w->in, LOOP_WRITE);
			return;
		}
		if (n < 0) { /* it reads no more; what it holds it may still answer */
			worker_close_in(w);
			worker_retire(w);
			return;
		}
		w->sent += (size_t)n;
		w->written += (uint64_t)n;
	}
	if (!w->in)
		return;
	buf_clear(&w->pending);
	w->sent = 0;
	if (w->pending.cap > 2 * WORKER_PENDING_MAX)
		buf_release(&w->pending);
	loop_watch_set(w->in, 0);
	if (w->asked)
		worker_retire(w);
}

void worker_on_in(void *worker, int events)
{
	(void)events;
	struct worker *w = worker;
	size_t room = worker_room(w);
	worker_write(w);
	if (worker_room(w) > room)
		w->h->room->config.idle(w->h->room->config.arg);
}

/* ---- from the worker ---- */

/* What it says of a chat in `reply` is a secret of the chat. */
static void tell_bad(struct worker *w, const char *line, size_t n, const char *why)
{
	struct handler *h = w->h;
	const char *reply = memmem(line, n, "\"reply\"", 7);
	if (reply)
		n = (size_t)(reply - line);
	h->bad_answers++;
	log_paced(h->room->config.log, &h->bad_pace, LOG_WARN,
		  LOG_FIELDS(LOG_NUM("worker", w->number),
			     LOG_BYTES("text", line, n < 200 ? n : 200)),
		  "a line on descriptor 3 %s; it is ignored", why);
}

static void take_ready(struct worker *w, const struct answer *a, const char *line, size_t n)
{
	if (w->requests && w->answered) {
		tell_bad(w, line, n, "says that the worker is ready, after answers");
		return;
	}
	if (a->concurrency > w->count) {
		move_held(w);
		struct held *held = reallocarray(w->held, (size_t)a->concurrency, 2 * sizeof *held);
		if (!held) /* one at a time is right for every worker */
			return;
		w->held = w->held_room = held;
		w->capacity = a->concurrency;
	}
	w->batch = a->batch;
	w->bare = a->bare;
	w->events->announced(w);
}

/* The place among those that the worker can know of, -1 if it holds no such. */
static int find(const struct worker *w, const struct answer *a)
{
	for (int i = 0; i < w->count; i++) {
		const struct held *u = &w->held[i];
		if (u->claim->seq == a->seq)
			return u->claim->failures + 1 == a->attempt && u->from < w->written ? i
											    : -1;
	}
	return -1;
}

/* What the answer is to the `i`th of what it is about. When a batch failed, nobody knows for which
 * of them. */
static void answer_one(struct worker *w, const struct held *u, int i, const struct answer *a,
		       struct handler_result *r)
{
	const struct claim *c = held_claim(u, i);
	if (a->kind == ANSWER_OK && a->reply) {
		r->reply = i == 0 ? a->reply : "\"\"";
		r->reply_length = i == 0 ? a->reply_length : 2;
		r->reply_is_json = true;
	}
	if (a->kind == ANSWER_OK)
		return;
	const char *error = a->error[0] ? a->error : "the worker said no reason";
	if (u->more && !a->retry) {
		r->end = HANDLER_INTERRUPTED;
		r->why = RELEASE_SHARED;
		r->reason = error;
		return;
	}
	outcome_answer(a->retry, error, c->failures, &w->h->policy.outcome, &r->outcome);
	r->outcome.after = a->after;
}

static bool is_too_late(const struct held *u)
{
	bool late = u->timed_out;
	for (int i = 0; i <= u->more; i++)
		late = late || held_cancelled(u, i);
	return late;
}

static void take_answer(struct worker *w, struct answer *a, const char *line, size_t n)
{
	int i = find(w, a);
	if (i < 0) {
		tell_bad(
			w, line, n,
			"answers for an update that the worker does not hold, or for the second time");
		return;
	}
	struct held u = w->held[i];
	if (is_too_late(&u))
		return;
	struct handler *h = w->h;
	struct handler_result common = { .end = HANDLER_ENDED,
					 .started = true,
					 .elapsed = handler_now(h->room) - u.started,
					 .sentence = "",
					 .last_stderr = w->count == 1 && !u.more
								? output_last_stderr(&w->output)
								: "",
					 .dropped = w->output.dropped };
	if (a->kind == ANSWER_FAILED && a->reply)
		log_paced(h->room->config.log, &h->bad_pace, LOG_WARN,
			  LOG_FIELDS(LOG_NUM("worker", w->number), CLAIM_LOG_ID(u.claim)),
			  "a reply beside \"ok\":false is not sent");
	if (a->kind == ANSWER_FAILED)
		a->error[secret_redact(h->room->config.secret, a->error, strlen(a->error))] = '\0';
	w->output.dropped = 0;
	let_go(w, i);
	if (w->count == 0)
		w->solo = false;
	w->answered = true;
	w->events->answered(w);
	for (int k = 0; k <= u.more; k++) {
		struct handler_result r = common;
		answer_one(w, &u, k, a, &r);
		room_done(h, held_claim(&u, k), &r);
		common.dropped = 0;
	}
	free(u.rest);
}

static void take_line(struct worker *w, const char *line, size_t n)
{
	struct answer a;
	if (n == 0)
		return;
	answer_parse(line, n, &a);
	switch (a.kind) {
	case ANSWER_OK:
	case ANSWER_FAILED:
		take_answer(w, &a, line, n);
		return;
	case ANSWER_READY:
		take_ready(w, &a, line, n);
		return;
	case ANSWER_BAD:
		tell_bad(w, line, n, a.why);
		return;
	}
}

/* Keeps the beginning of a line until its end comes; of one that is too long, nothing. A line with
 * a reply may be as long as the output of a process. */
static void keep(struct worker *w, const char *bytes, size_t n)
{
	uint64_t most = w->h->policy.max_output;
	if (most < ANSWER_LINE_MAX)
		most = ANSWER_LINE_MAX;
	if (w->skipping)
		return;
	if (w->line.len + n <= most && !buf_add(&w->line, bytes, n))
		return;
	w->skipping = true;
	tell_bad(w, w->line.len ? w->line.data : bytes, w->line.len ? w->line.len : n,
		 "is too long");
	buf_release(&w->line);
}

static void take_bytes(struct worker *w, const char *bytes, size_t n)
{
	const char *end = bytes + n, *lf;
	while (bytes < end && (lf = memchr(bytes, '\n', (size_t)(end - bytes)))) {
		if (w->line.len || w->skipping) {
			keep(w, bytes, (size_t)(lf - bytes));
			if (!w->skipping)
				take_line(w, w->line.data, w->line.len);
			w->skipping = false;
			buf_clear(&w->line);
		} else {
			take_line(w, bytes, (size_t)(lf - bytes));
		}
		bytes = lf + 1;
	}
	if (bytes < end)
		keep(w, bytes, (size_t)(end - bytes));
}

static void close_out(struct worker *w)
{
	loop_watch_free(w->out, 1);
	w->out = NULL;
	w->out_fd = -1;
	worker_retire(w);
}

void worker_read(struct worker *w)
{
	char bytes[READ_MAX];
	int count = w->count;
	if (w->reading)
		return;
	w->reading = true;
	worker_enter(w);
	for (int reads = 0; w->out && reads < READS_A_TURN; reads++) {
		ssize_t n = read(w->out_fd, bytes, sizeof bytes);
		if (n > 0)
			take_bytes(w, bytes, (size_t)n);
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			close_out(w);
		if (n < (ssize_t)sizeof bytes)
			break;
	}
	w->reading = false;
	struct handlers *room = w->h->room;
	bool fewer = w->count < count;
	if (worker_exit(w) && fewer && w->count == 0 && w->leaving && !w->gone)
		worker_retire(w);
	if (fewer)
		room->config.idle(room->config.arg);
}

void worker_on_out(void *worker, int events)
{
	(void)events;
	worker_read(worker);
}
