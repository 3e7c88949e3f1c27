/* cli/client/client: a state directory's path or a token in, a conversation out: with the runner over its control socket, or, when none runs, with the store
 * under the slots' lock, for which a starting runner waits: a tool at work is no instance.
 * Invariant: never both at once, and nothing that was begun is begun again. */
#include "cli/client/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/print.h"
#include "io/control.h"
#include "queue/local/local.h"

enum { ANSWER_TIMEOUT = 30000, PATIENCE = 10000, STEP = 50 }; /* milliseconds */
enum { SHORT_LINE = 8192, PAGE_BYTES = 8 << 20, NUMBERS_AT_ONCE = 2000 };

void client_wait(long milliseconds)
{
	struct timespec ts = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	nanosleep(&ts, NULL);
}

int client_open(struct setup *s, struct statedir **dir, struct err *err)
{
	const char *systemd = getenv("STATE_DIRECTORY");
	*dir = NULL;
	if (!s->config.state_dir && !(systemd && systemd[0]) && setup_token(s, err))
		return -1;
	if (setup_state_dir(s, err))
		return -1;
	*err = (struct err){ 0 };
	*dir = statedir_visit(s->state_dir, err);
	return *dir || !err->status ? 0 : -1;
}

struct answer {
	struct buf lines; /* those that are the caller's, each NUL-terminated */
	struct client_rest *rest;
	struct err *err;
	bool ended, refused;
};

/* Whether the line says what is still to be asked. */
static bool is_rest(struct client_rest *rest, const cJSON *json)
{
	const cJSON *next = cJSON_GetObjectItemCaseSensitive(json, "next"),
		    *left = cJSON_GetObjectItemCaseSensitive(json, "left");
	if (!rest || (!cJSON_IsNumber(next) && !cJSON_IsNumber(left)))
		return false;
	*rest = (struct client_rest){ .more = true,
				      .from = (int64_t)client_number(json, "next"),
				      .to = (int64_t)client_number(json, "to"),
				      .left = (size_t)client_number(json, "left") };
	return true;
}

/* Gathers the answer: the runner keeps nothing for who reads slowly, and does not wait for who
 * prints slowly. */
static int on_line(void *arg, const char *text, size_t n)
{
	struct answer *a = arg;
	/* Only a line of this size can be one of these; updates are not parsed here. */
	cJSON *json = n < SHORT_LINE ? cJSON_ParseWithLength(text, n) : NULL;
	const char *error = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "error"));
	int rc = 0;
	if (error) {
		a->refused = true;
		rc = err_set(a->err, ERR_TEMPFAIL, "%s", error);
	} else if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "end"))) {
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

int client_ask(struct statedir *dir, const char *request, client_line *line, void *arg,
	       struct client_rest *rest, struct err *err)
{
	char who[STATEDIR_HOLDER_MAX];
	pid_t holder = 0;
	struct err refusal = { 0 };
	struct answer answer = { .rest = rest, .err = &refusal };
	if (rest)
		*rest = (struct client_rest){ 0 };
	if (!statedir_runs(dir, &holder))
		return err_set(err, ERR_UNAVAILABLE, "no tgrun runs with the state directory '%s'", statedir_path(dir));
	*err = (struct err){ 0 };
	buf_init(&answer.lines, 2 * CONTROL_OUTPUT_MAX);
	int rc = control_call(statedir_fd(dir), request, on_line, &answer, ANSWER_TIMEOUT, err);
	int bad = hand_over(&answer.lines, line, arg);
	rc = rc ? rc : bad;
	buf_release(&answer.lines);
	if (answer.refused)
		*err = refusal;
	else if (rc && !err->status)
		err_set(err, ERR_IO, "the answer of the running tgrun (%s) cannot be understood",
			statedir_holder(holder, who));
	if (rc == 0 && !answer.ended)
		rc = err_set(err, ERR_IO,
			     "the running tgrun (%s) ended in the middle of its answer",
			     statedir_holder(holder, who));
	return rc;
}

/* Works on the store itself. Keys stay as they are stored. */
static int use_store(struct setup *s, struct statedir *dir, const struct client_way *way, struct err *err)
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
	int rc = way->use(way->arg, q, err);
	return queue_close(q, rc ? NULL : err) ? -1 : rc;
}

int client_work(struct setup *s, struct statedir *dir, const struct client_way *way, struct err *err)
{
	char who[STATEDIR_HOLDER_MAX];
	pid_t holder = 0;
	for (int waited = 0;; waited += STEP) {
		int rc = statedir_lock_slots(dir, err);
		if (rc < 0)
			return -1;
		if (rc > 0)
			return use_store(s, dir, way, err);
		if (statedir_runs(dir, &holder)) {
			rc = way->ask(way->arg, dir, err);
			if (rc && err->status == ERR_UNAVAILABLE && *way->touched)
				return err_set(err, ERR_IO, "the running tgrun ended in the middle of its "
					       "answer; what was told is done, the rest is as it was");
			/* A runner that is just starting or ending does not listen. */
			if (rc == 0 || err->status != ERR_UNAVAILABLE)
				return rc;
		}
		if (waited >= PATIENCE)
			return err_set(err, ERR_TEMPFAIL,
				       "the state directory '%s' is in use (%s), and nobody "
				       "answers; try again later",
				       statedir_path(dir), statedir_holder(holder, who));
		client_wait(STEP);
	}
}

/* ---- lists ---- */

struct listing {
	const struct client_list *list;
	struct client_page page;
};

int client_add_line(struct client_page *page, int64_t number, const char *text, size_t n)
{
	page->rest.more = page->lines.len >= PAGE_BYTES;
	if (page->rest.more)
		page->rest.from = number;
	else
		page->failed = buf_add(&page->lines, text, n) || buf_addc(&page->lines, '\0');
	return page->rest.more || page->failed;
}

static int add_answer(void *arg, const char *text, size_t n)
{
	struct listing *l = arg;
	return buf_add(&l->page.lines, text, n + 1);
}

static int ask_page(void *arg, struct statedir *dir, struct err *err)
{
	struct listing *l = arg;
	char request[96];
	buf_clear(&l->page.lines);
	snprintf(request, sizeof request, "{\"verb\":\"%s\",\"from\":%lld}", l->list->verb,
		 (long long)l->page.from);
	return client_ask(dir, request, add_answer, l, &l->page.rest, err);
}

static int use_page(void *arg, struct queue *q, struct err *err)
{
	struct listing *l = arg;
	buf_clear(&l->page.lines);
	l->page.rest = (struct client_rest){ 0 };
	if (l->list->fill(q, &l->page, err) < 0)
		return -1;
	return l->page.failed ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

int client_list(struct setup *s, struct statedir *dir, const struct client_list *list, struct err *err)
{
	static const bool again = false; /* a page that was not finished was not handed over */
	struct listing l = { .list = list };
	struct client_way way = { .ask = ask_page, .use = use_page, .touched = &again, .arg = &l };
	int rc;
	buf_init(&l.page.lines, 2 * CONTROL_OUTPUT_MAX);
	do {
		l.page.rest = (struct client_rest){ 0 };
		/* Not kept from a runner that starts meanwhile, however slowly the list is read. */
		rc = dir ? client_work(s, dir, &way, err) : 0;
		if (dir)
			statedir_unlock_slots(dir);
		int bad = hand_over(&l.page.lines, list->line, list->arg);
		if (rc == 0 && bad)
			rc = err_set(err, ERR_IO, "the answer cannot be understood");
		buf_clear(&l.page.lines);
		l.page.from = l.page.rest.from;
	} while (rc == 0 && l.page.rest.more);
	buf_release(&l.page.lines);
	return rc;
}

int client_numbers(const struct texts *arguments, size_t first, const char *what, int64_t **numbers, size_t *count, struct err *err)
{
	*count = 0;
	*numbers = calloc(arguments->count + 1, sizeof **numbers);
	if (!*numbers)
		return err_set(err, ERR_INTERNAL, "out of memory");
	for (size_t i = first; i < arguments->count; i++) {
		const char *text = arguments->items[i];
		size_t digits = strspn(text, "0123456789");
		if (digits == 0 || text[digits] || digits > 15)
			return err_set(err, ERR_USAGE, "'%s' is no number of %s", text, what);
		(*numbers)[(*count)++] = strtoll(text, NULL, 10);
	}
	return 0;
}

/* One request of a work on many, into `request`. */
static int ask_for(struct buf *request, const char *verb, const struct client_many *m, size_t at,
		   const struct client_rest *rest)
{
	size_t n = m->count - at < NUMBERS_AT_ONCE ? m->count - at : NUMBERS_AT_ONCE;
	buf_clear(request);
	int rc = buf_addf(request, "{\"verb\":\"%s\"", verb);
	if (m->count)
		rc = rc || buf_adds(request, ",\"numbers\":[");
	else if (rest->more)
		rc = rc || buf_addf(request, ",\"from\":%lld,\"to\":%lld", (long long)rest->from,
				    (long long)rest->to);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = buf_addf(request, "%s%lld", i ? "," : "", (long long)m->numbers[at + i]);
	if (m->count)
		rc = rc || buf_addc(request, ']');
	return rc || buf_addc(request, '}') ? -1 : (int)n;
}

int client_ask_many(struct statedir *dir, const char *verb, const struct client_many *m,
		    struct err *err)
{
	struct client_rest rest = { 0 };
	struct buf request;
	int rc = 0, n;
	size_t at = 0;
	buf_init(&request, CONTROL_LINE_MAX);
	do {
		n = ask_for(&request, verb, m, at, &rest);
		rc = n < 0 ? err_set(err, ERR_INTERNAL, "out of memory")
			   : client_ask(dir, request.data, m->line, m->arg, &rest, err);
		/* No slice is empty: who is left with all of it is not getting anywhere. */
		if (rc == 0 && rest.left >= (size_t)n && n)
			rc = err_set(err, ERR_IO,
				     "the running tgrun's answer cannot be understood");
		at += rc == 0 ? (size_t)n - rest.left : 0;
	} while (rc == 0 && (rest.more || at < m->count));
	buf_release(&request);
	return rc;
}

void client_print_seconds(double seconds)
{
	long s = (long)seconds;
	if (s >= 86400)
		print_part(stdout, "%ldd %02ldh", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		print_part(stdout, "%ldh %02ldm", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		print_part(stdout, "%ldm %02lds", s / 60, s % 60);
	else
		print_part(stdout, "%.1fs", seconds);
}

const char *client_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
	return text ? text : "";
}

double client_number(const cJSON *object, const char *name)
{
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, name);
	return cJSON_IsNumber(number) ? number->valuedouble : 0;
}

void client_print_update(const char *line)
{
	static const char name[] = ",\"update\":";
	const char *at = strstr(line, name);
	/* Without the brace that ends the line. */
	char *update = at ? strndup(at + sizeof name - 1, strlen(at) - sizeof name) : NULL;
	print_line(stdout, "%s", update ? update : "");
	free(update);
}
