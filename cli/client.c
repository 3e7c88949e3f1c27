/* cli/client: a state directory's path or a token in, a conversation out: with the runner over its control socket, or, when none runs, with the store
 * under the slots' lock, for which a starting runner waits: a tool at work is no instance.
 * Invariant: never both at once, and nothing that was begun is begun again. */
#include "cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "io/control.h"

enum { ANSWER_TIMEOUT = 30000, PATIENCE = 10000, STEP = 50, SHORT_LINE = 8192 };

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
	client_line *line;
	void *arg;
	struct err *err;
	bool ended, refused;
};

static int on_line(void *arg, const char *text, size_t n)
{
	struct answer *a = arg;
	/* Only a line of this size can be one of these two; updates are not parsed here. */
	cJSON *json = n < SHORT_LINE ? cJSON_ParseWithLength(text, n) : NULL;
	const char *error = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "error"));
	int rc = 0;
	if (error) {
		a->refused = true;
		rc = err_set(a->err, ERR_TEMPFAIL, "%s", error);
	} else if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "end"))) {
		a->ended = true;
	} else {
		rc = a->line ? a->line(a->arg, text, n) : 0;
	}
	cJSON_Delete(json);
	return rc;
}

int client_ask(struct statedir *dir, const char *request, client_line *line, void *arg, struct err *err)
{
	char who[STATEDIR_HOLDER_MAX];
	pid_t holder = 0;
	struct err refusal = { 0 };
	struct answer answer = { .line = line, .arg = arg, .err = &refusal };
	if (!statedir_runs(dir, &holder))
		return err_set(err, ERR_UNAVAILABLE, "no tgrun runs with the state directory '%s'", statedir_path(dir));
	*err = (struct err){ 0 };
	int rc = control_call(statedir_fd(dir), request, on_line, &answer, ANSWER_TIMEOUT, err);
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
	long long bot = s->secret ? (long long)secret_bot_id(s->secret) : 0;
	struct store *store = sqlite_open(statedir_fd(dir), statedir_path(dir), bot, err);
	if (!store)
		return -1;
	struct queue_config config = { .clock = &clock_system, .store = store, .backlog = INT32_MAX };
	struct queue *q = queue_open(&config, err);
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
			/* A runner that is just starting or ending does not listen. */
			if (rc == 0 || err->status != ERR_UNAVAILABLE || *way->touched)
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

int client_add_numbers(struct buf *request, const int64_t *numbers, size_t count)
{
	int rc = buf_adds(request, ",\"numbers\":[");
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = buf_addf(request, "%s%lld", i ? "," : "", (long long)numbers[i]);
	return rc || buf_addc(request, ']') ? -1 : 0;
}

void client_print(const char *text, size_t max)
{
	size_t n = strlen(text), i = 0;
	for (size_t step; i < n && i < max; i += step) {
		size_t length = utf8_length(text + i, n - i);
		step = length ? length : 1;
		unsigned code = length ? utf8_code(text + i, length) : (unsigned char)text[i];
		if (length && !utf8_is_control(code))
			fwrite(text + i, 1, length, stdout);
		else
			printf(length && code > 0x7f ? "\\u%04x" : "\\x%02x", code);
	}
	if (i < n)
		fputs("...", stdout);
}

void client_print_seconds(double seconds)
{
	long s = (long)seconds;
	if (s >= 86400)
		printf("%ldd %02ldh", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		printf("%ldh %02ldm", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		printf("%ldm %02lds", s / 60, s % 60);
	else
		printf("%.1fs", seconds);
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
	if (update)
		client_print(update, SIZE_MAX);
	putchar('\n');
	free(update);
}
