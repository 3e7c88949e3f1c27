/* cli/client/client: a state directory's path or a token in, a conversation out: with the runner
 * over its control socket, or, when none runs, with the store under the slots' lock, for which a
 * starting runner waits: a tool at work is no instance. Invariant: never both at once, and
 * nothing that was begun is begun again. */
#include "cli/client/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/client/place.h"
#include "cli/client/shared.h"
#include "cli/print.h"
#include "io/control.h"
#include "queue/local/local.h"
#include "queue/verbs.h"

enum { ANSWER_TIMEOUT = 30000, PATIENCE = 10000, STEP = 50 }; /* milliseconds */
enum { SHORT_LINE = 8192, PAGE_BYTES = 8 << 20, NUMBERS_AT_ONCE = 2000 };

int client_none_runs(const char *state_dir, struct err *err)
{
	return err_set(err, ERR_UNAVAILABLE, "no tgrun runs with the state directory '%s'",
		       state_dir);
}

void client_tell_nothing(const struct setup *s, const struct statedir *dir, const char *what)
{
	if (dir || shared_is(s))
		print_line(stderr, "%s", what);
	else
		print_line(stderr, "%s: there is no state directory '%s'", what, s->state_dir);
}

int client_open(struct setup *s, struct statedir **dir, struct err *err)
{
	*dir = NULL;
	if (shared_is(s) && s->config.command & CLIENT_SHARED)
		return 0;
	if (place_find(s, err))
		return -1;
	*err = (struct err){ 0 };
	*dir = statedir_visit(s->state_dir, err);
	return *dir || !err->status ? 0 : -1;
}

int client_open_or_make(struct setup *s, struct statedir **dir, struct err *err)
{
	*dir = NULL;
	if (shared_is(s))
		return 0;
	if (place_find_with_token(s, err))
		return -1;
	*err = (struct err){ 0 };
	*dir = statedir_visit(s->state_dir, err);
	if (!*dir && !err->status && s->secret)
		*dir = statedir_open(s->state_dir, err);
	else if (!*dir && !err->status)
		err_set(err, ERR_UNAVAILABLE,
			"there is no state directory '%s'; with a token (--token-file, TGRUN_TOKEN) it "
			"is made",
			s->state_dir);
	return *dir ? 0 : -1;
}

/* What a runner left for the next request: from which number on and up to which, or how many of the
 * numbers that it was given; and how many were changed until then, where it says that. */
struct rest {
	bool more;
	int64_t from, to, changed;
	size_t left;
};

struct answer {
	struct buf lines; /* those that are the caller's, each NUL-terminated */
	struct rest *rest;
	struct err *err;
	bool ended, refused;
};

/* Whether the line says what is still to be asked. */
static bool is_rest(struct rest *rest, const cJSON *json)
{
	if (!rest || (!json_has_number(json, "next") && !json_has_number(json, "left")))
		return false;
	*rest = (struct rest){ .more = true,
			       .from = (int64_t)json_number(json, "next"),
			       .to = (int64_t)json_number(json, "to"),
			       .changed = (int64_t)json_number(json, "changed"),
			       .left = (size_t)json_number(json, "left") };
	return true;
}

/* Gathers the answer: the runner keeps nothing for who reads slowly, and does not wait for who
 * prints slowly. */
static int on_line(void *arg, const char *text, size_t n)
{
	struct answer *a = arg;
	/* Only a line of this size can be one of these; updates are not parsed here. */
	cJSON *json = n < SHORT_LINE ? cJSON_ParseWithLength(text, n) : NULL;
	const char *error = cJSON_GetStringValue(json_member(json, "error"));
	int rc = 0;
	if (error) {
		a->refused = true;
		rc = err_set(a->err, ERR_TEMPFAIL, "%s", error);
	} else if (json_true(json, "end")) {
		a->ended = true;
	} else if (!is_rest(a->rest, json)) {
		rc = buf_add(&a->lines, text, n + 1);
	}
	cJSON_Delete(json);
	return rc;
}

/* Hands the lines over, also those of an answer that was not finished: they are so. */
static int hand_over(const struct buf *lines, client_line *line, void *arg)
{
	int rc = 0;
	for (size_t at = 0, n; line && rc == 0 && at < lines->len; at += n + 1) {
		n = strlen(lines->data + at);
		rc = line(arg, lines->data + at, n);
	}
	return rc;
}

/* Whom a request goes to. */
struct peer {
	struct statedir *dir;
	struct queue *queue; /* NULL: to the runner that has `dir` */
	int passed;          /* an open file that goes with the request; -1: none */
	int64_t patience;    /* milliseconds for an answer; 0: ANSWER_TIMEOUT */
};

/* Carries out a request of the queue itself, by the rows by which a runner does. */
static int ask_queue(struct queue *q, const char *text, struct answer *answer, struct err *err)
{
	struct verbs_slice slice = {
		.clock = &clock_system, .until = INT64_MAX, .items = SIZE_MAX, .bytes = PAGE_BYTES
	};
	struct verbs_done done;
	cJSON *request = cJSON_Parse(text);
	const char *verb = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "verb"));
	const struct verbs_row *row = verb ? verbs_find(verb) : NULL;
	int rc = row ? verbs_run(row, q, NULL, request, &slice, on_line, answer, &done, err)
		     : err_set(err, ERR_INTERNAL, "out of memory");
	answer->ended = rc == 0;
	cJSON_Delete(request);
	return rc;
}

static int ask(const struct peer *peer, const char *request, client_line *line, void *arg,
	       struct rest *rest, struct err *err)
{
	char who[STATEDIR_HOLDER_MAX];
	pid_t holder = 0;
	struct err refusal = { 0 };
	struct answer answer = { .rest = rest, .err = &refusal };
	if (rest)
		*rest = (struct rest){ 0 };
	*err = (struct err){ 0 };
	buf_init(&answer.lines, 2 * CONTROL_OUTPUT_MAX);
	int rc = peer->queue ? ask_queue(peer->queue, request, &answer, err)
			     : control_call(statedir_fd(peer->dir), request, peer->passed, on_line,
					    &answer,
					    peer->patience ? peer->patience : ANSWER_TIMEOUT, err);
	int bad = hand_over(&answer.lines, line, arg);
	rc = rc ? rc : bad;
	buf_release(&answer.lines);
	if (answer.refused)
		*err = refusal;
	else if (rc && !err->status)
		err_set(err, ERR_IO, "the answer of the running tgrun (%s) cannot be understood",
			(statedir_runs(peer->dir, &holder), statedir_holder(holder, who)));
	if (rc == 0 && !answer.ended)
		rc = err_set(err, ERR_IO,
			     "the running tgrun (%s) ended in the middle of its answer",
			     statedir_holder(holder, who));
	return rc;
}

int client_ask(struct statedir *dir, const char *request, client_line *line, void *arg,
	       struct err *err)
{
	return client_ask_within(dir, request, 0, line, arg, err);
}

int client_ask_within(struct statedir *dir, const char *request, int64_t patience,
		      client_line *line, void *arg, struct err *err)
{
	pid_t holder;
	if (!statedir_runs(dir, &holder))
		return client_none_runs(statedir_path(dir), err);
	return ask(&(struct peer){ .dir = dir, .passed = -1, .patience = patience }, request, line,
		   arg, NULL, err);
}

/* ---- whoever has the queue ---- */

/* One thing to do, with a runner or with the queue itself. */
struct work {
	int (*ask)(void *arg, const struct peer *peer, struct err *err);
	void *arg;
	const bool *touched; /* something was done or printed: it is not begun again */
};

/* Works on the store itself. Keys stay as they are stored. */
static int use_store(struct setup *s, struct statedir *dir, const struct work *work,
		     struct err *err)
{
	/* A run with --store memory leaves a directory and no store: none is made to say so. */
	if (faccessat(statedir_fd(dir), "queue.db", F_OK, 0) && errno == ENOENT)
		return 0;
	long long bot = s->secret ? (long long)secret_bot_id(s->secret) : 0;
	struct store *store = sqlite_open(statedir_fd(dir), statedir_path(dir), bot, err);
	if (!store)
		return -1;
	struct queue_config config = { .clock = &clock_system, .backlog = INT32_MAX };
	struct queue *q = local_open(&config, store, err);
	if (!q) {
		store->ops->close(store);
		return -1;
	}
	int rc = work->ask(work->arg, &(struct peer){ .dir = dir, .queue = q, .passed = -1 }, err);
	return queue_close(q, rc ? NULL : err) ? -1 : rc;
}

/* Works on the queue that several machines share. */
static int use_shared(struct setup *s, const struct work *work, struct err *err)
{
	struct queue *q = shared_open(s, err);
	if (!q)
		return -1;
	int rc = work->ask(work->arg, &(struct peer){ .queue = q, .passed = -1 }, err);
	return queue_close(q, rc ? NULL : err) ? -1 : rc;
}

/* Waits a little for a runner that begins or ends. Returns 1: nobody has the state, and the slots'
 * lock is this process's; 0: who has it was asked; -1 with `err`. */
static int find_owner(const struct peer *peer, const struct work *work, struct err *err)
{
	char who[STATEDIR_HOLDER_MAX];
	pid_t holder = 0;
	for (int waited = 0;; waited += STEP) {
		int rc = statedir_lock_slots(peer->dir, err);
		if (rc < 0 || (rc > 0 && !statedir_runs(peer->dir, &holder)))
			return rc;
		/* A runner that starts goes first. */
		statedir_unlock_slots(peer->dir);
		rc = work->ask(work->arg, peer, err);
		if (rc && err->status == ERR_UNAVAILABLE && *work->touched)
			return err_set(err, ERR_IO,
				       "the running tgrun ended in the middle of its "
				       "answer; what was told is done, the rest is as it was");
		/* A runner that is just starting or ending does not listen. */
		if (rc == 0 || err->status != ERR_UNAVAILABLE)
			return rc;
		if (waited >= PATIENCE) {
			statedir_runs(peer->dir, &holder);
			return err_set(err, ERR_TEMPFAIL,
				       "the state directory '%s' is in use (%s), and nobody "
				       "answers; try again later",
				       statedir_path(peer->dir), statedir_holder(holder, who));
		}
		client_wait(STEP);
	}
}

static int do_work(struct setup *s, struct statedir *dir, const struct work *work, struct err *err)
{
	if (!dir)
		return shared_is(s) ? use_shared(s, work, err) : 0;
	int rc = find_owner(&(struct peer){ .dir = dir, .passed = -1 }, work, err);
	return rc > 0 ? use_store(s, dir, work, err) : rc;
}

/* One request, as it is. */
struct handed {
	const char *request;
	client_line *line;
	void *arg;
	bool touched;
};

static int on_handed(void *arg, const char *text, size_t n)
{
	struct handed *h = arg;
	h->touched = true;
	return h->line(h->arg, text, n);
}

static int ask_handed(void *arg, const struct peer *peer, struct err *err)
{
	struct handed *h = arg;
	return ask(peer, h->request, on_handed, h, NULL, err);
}

int client_hand_over(struct setup *s, struct statedir *dir, const char *request, int passed,
		     client_line *line, void *arg, struct err *err)
{
	struct handed h = { request, line, arg, false };
	struct work work = { .ask = ask_handed, .arg = &h, .touched = &h.touched };
	if (!dir && shared_is(s))
		return use_shared(s, &work, err);
	return find_owner(&(struct peer){ .dir = dir, .passed = passed }, &work, err);
}

/* ---- lists ---- */

struct listing {
	const char *verb;
	int64_t from, to; /* to 0: to the last */
	struct rest rest;
	struct buf lines; /* of a page, each NUL-terminated */
};

static int add_line(void *arg, const char *text, size_t n)
{
	struct listing *l = arg;
	return buf_add(&l->lines, text, n + 1);
}

static int ask_page(void *arg, const struct peer *peer, struct err *err)
{
	struct listing *l = arg;
	char request[96];
	buf_clear(&l->lines);
	snprintf(request, sizeof request, "{\"verb\":\"%s\",\"from\":%lld,\"to\":%lld}", l->verb,
		 (long long)l->from, (long long)l->to);
	return ask(peer, request, add_line, l, &l->rest, err);
}

int client_list(struct setup *s, struct statedir *dir, const char *verb, client_line *line,
		void *arg, struct err *err)
{
	return client_list_range(s, dir, verb, 0, 0, line, arg, err);
}

int client_list_range(struct setup *s, struct statedir *dir, const char *verb, int64_t from,
		      int64_t to, client_line *line, void *arg, struct err *err)
{
	static const bool again = false; /* a page that was not finished was not handed over */
	struct listing l = { .verb = verb, .from = from, .to = to };
	struct work work = { .ask = ask_page, .arg = &l, .touched = &again };
	int rc;
	buf_init(&l.lines, 2 * CONTROL_OUTPUT_MAX);
	do {
		l.rest = (struct rest){ 0 };
		/* Not kept from a runner that starts meanwhile, however slowly the list is read. */
		rc = do_work(s, dir, &work, err);
		if (dir)
			statedir_unlock_slots(dir);
		int end = hand_over(&l.lines, line, arg);
		if (rc == 0 && end < 0)
			rc = err_set(err, ERR_IO, "the answer cannot be understood");
		buf_clear(&l.lines);
		l.from = l.rest.from;
		l.rest.more = l.rest.more && end == 0;
	} while (rc == 0 && l.rest.more);
	buf_release(&l.lines);
	return rc;
}

/* ---- show and change ---- */

static int ask_show(void *arg, const struct peer *peer, struct err *err)
{
	const struct client_work *w = arg;
	char request[96];
	snprintf(request, sizeof request, "{\"verb\":\"%s\",\"number\":%lld}", w->verb,
		 (long long)w->numbers[0]);
	return ask(peer, request, w->line, w->arg, NULL, err);
}

/* One request of a work on many, into `request`. */
static int ask_for(struct buf *request, const struct client_work *w, size_t at,
		   const struct rest *rest)
{
	size_t n = w->count - at < NUMBERS_AT_ONCE ? w->count - at : NUMBERS_AT_ONCE;
	buf_clear(request);
	int rc = buf_addf(request, "{\"verb\":\"%s\"", w->verb);
	if (w->count)
		rc = rc || buf_adds(request, ",\"numbers\":[");
	else if (rest->more)
		rc = rc ||
		     buf_addf(request, ",\"from\":%lld,\"to\":%lld,\"changed\":%lld",
			      (long long)rest->from, (long long)rest->to, (long long)rest->changed);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = buf_addf(request, "%s%lld", i ? "," : "", (long long)w->numbers[at + i]);
	if (w->count)
		rc = rc || buf_addc(request, ']');
	return rc || buf_addc(request, '}') ? -1 : (int)n;
}

static int ask_many(void *arg, const struct peer *peer, struct err *err)
{
	const struct client_work *w = arg;
	struct rest rest = { 0 };
	struct buf request;
	int rc = 0, n;
	size_t at = 0;
	buf_init(&request, CONTROL_LINE_MAX);
	do {
		n = ask_for(&request, w, at, &rest);
		rc = n < 0 ? err_set(err, ERR_INTERNAL, "out of memory")
			   : ask(peer, request.data, w->line, w->arg, &rest, err);
		/* No slice is empty: who is left with all of it is not getting anywhere. */
		if (rc == 0 && rest.left >= (size_t)n && n)
			rc = err_set(err, ERR_IO,
				     "the running tgrun's answer cannot be understood");
		at += rc == 0 ? (size_t)n - rest.left : 0;
	} while (rc == 0 && (rest.more || at < w->count));
	buf_release(&request);
	return rc;
}

int client_work(struct setup *s, struct statedir *dir, const struct client_work *w, struct err *err)
{
	const struct verbs_row *row = verbs_find(w->verb);
	struct client_work copy = *w;
	struct work work = { .ask = row->slices ? ask_many : ask_show,
			     .arg = &copy,
			     .touched = w->touched };
	return do_work(s, dir, &work, err);
}
