/* cli/cmd_dead: list, show, retry, drop dead letters. While a runner works they go through its control socket, so a retried update is
 * handled at once; else straight to the store, under the slots' lock, for which a starting runner waits: this command is no instance. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "cli/cmd.h"
#include "io/control.h"
#include "queue/letter.h"
#include "queue/queue.h"

enum { ANSWER_TIMEOUT = 30000, PATIENCE = 10000, STEP = 50, LINE_MAX_BYTES = 16 << 20, UPDATE_SHOWN = 72 };

enum verb { LIST, SHOW, RETRY, DROP };

struct dead {
	struct setup *setup;
	struct statedir *dir;
	enum verb verb;
	int64_t *numbers;
	size_t count;      /* 0: all (retry, drop), none given */
	size_t shown, missing;
};

static int parse_verb(struct dead *d, struct err *err)
{
	static const char *const verbs[] = { "list", "show", "retry", "drop" };
	const struct texts *args = &d->setup->config.arguments;
	size_t v = 0;
	if (!args->count)
		return err_set(err, ERR_USAGE, "'tgrun dead' wants one of: list, show N, retry [N...], drop [N...]");
	while (v < 4 && strcmp(args->items[0], verbs[v]) != 0)
		v++;
	if (v == 4)
		return err_set(err, ERR_USAGE, "'tgrun dead %s' is not known; there are: list, show N, retry [N...], drop [N...]", args->items[0]);
	d->verb = (enum verb)v;
	d->numbers = calloc(args->count, sizeof *d->numbers);
	if (!d->numbers)
		return err_set(err, ERR_INTERNAL, "out of memory");
	for (size_t i = 1; i < args->count; i++) {
		const char *text = args->items[i];
		size_t digits = strspn(text, "0123456789");
		if (digits == 0 || text[digits] || digits > 15)
			return err_set(err, ERR_USAGE, "'%s' is no number of a dead letter; 'tgrun dead list' shows them", text);
		d->numbers[d->count++] = strtoll(text, NULL, 10);
	}
	if (d->verb == LIST && d->count)
		return err_set(err, ERR_USAGE, "'tgrun dead list' takes no number; use 'tgrun dead show %s'", args->items[1]);
	if (d->verb == SHOW && d->count != 1)
		return err_set(err, ERR_USAGE, "'tgrun dead show' takes one number");
	return 0;
}

/* Prints text that may come from strangers: control characters are shown escaped. */
static void print_safe(const char *text, size_t max)
{
	for (size_t i = 0; text[i] && i < max; i++)
		if (iscntrl((unsigned char)text[i]))
			printf("\\x%02x", (unsigned char)text[i]);
		else
			putchar(text[i]);
	if (strlen(text) > max)
		fputs("...", stdout);
}

static const char *text_of(const cJSON *letter, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(letter, name));
	return text ? text : "";
}

/* Prints the update's own bytes: the last member of the line, without the brace that ends the letter. */
static void print_update(const char *line)
{
	static const char name[] = ",\"update\":";
	const char *at = strstr(line, name);
	char *update = strdup(at ? at + sizeof name - 1 : "");
	if (!update)
		return;
	if (update[0])
		update[strlen(update) - 1] = '\0';
	print_safe(update, SIZE_MAX);
	putchar('\n');
	free(update);
}

static void print_letter(struct dead *d, const char *line, const cJSON *letter)
{
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(letter, "number");
	const cJSON *attempts = cJSON_GetObjectItemCaseSensitive(letter, "attempts");
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(letter, "update_id");
	d->shown++;
	if (d->setup->config.json) {
		puts(line);
		return;
	}
	if (d->verb == SHOW) {
		printf("number    %.0f\n", number ? number->valuedouble : 0);
		if (cJSON_IsNumber(id))
			printf("update    %.0f\n", id->valuedouble);
		printf("kind      %s\nkey       %s\nattempts  %.0f\nreceived  %s\ndied      %s\nreason    ", text_of(letter, "kind"), text_of(letter, "key"),
		       attempts ? attempts->valuedouble : 0, text_of(letter, "received"), text_of(letter, "died"));
		print_safe(text_of(letter, "reason"), SIZE_MAX);
		fputs("\nstderr    ", stdout);
		print_safe(text_of(letter, "stderr"), SIZE_MAX);
		putchar('\n');
		print_update(line);
		return;
	}
	printf("%-5.0f %s  ", number ? number->valuedouble : 0, text_of(letter, "died"));
	printf("%s  %s  ", text_of(letter, "kind"), text_of(letter, "key"));
	print_safe(text_of(letter, "reason"), SIZE_MAX);
	if (text_of(letter, "stderr")[0]) {
		fputs(": ", stdout);
		print_safe(text_of(letter, "stderr"), UPDATE_SHOWN);
	}
	putchar('\n');
}

static void print_change(struct dead *d, int64_t number, bool done)
{
	if (!done) {
		d->missing++;
		fprintf(stderr, "tgrun: there is no dead letter %lld\n", (long long)number);
		return;
	}
	d->shown++;
	if (!d->setup->config.json)
		printf("%lld %s\n", (long long)number, d->verb == RETRY ? "is to be handled again" : "dropped");
	else
		printf("{\"number\":%lld}\n", (long long)number);
}

/* One line of the runner's answer. */
static int on_line(void *arg, const char *line, size_t n)
{
	struct dead *d = arg;
	cJSON *json = cJSON_ParseWithLength(line, n);
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(json, "error");
	const cJSON *ok = cJSON_GetObjectItemCaseSensitive(json, "ok");
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "number");
	int rc = 0;
	if (cJSON_IsString(error)) {
		fprintf(stderr, "tgrun: %s\n", error->valuestring);
		rc = -1;
	} else if (ok && number) {
		print_change(d, (int64_t)number->valuedouble, cJSON_IsTrue(ok));
	} else if (number) {
		print_letter(d, line, json);
	}
	cJSON_Delete(json);
	return rc;
}

static int ask_runner(struct dead *d, struct err *err)
{
	static const char *const verbs[] = { "dead-list", "dead-show", "dead-retry", "dead-drop" };
	struct buf request;
	buf_init(&request, CONTROL_LINE_MAX);
	int rc = buf_addf(&request, "{\"verb\":\"%s\"", verbs[d->verb]);
	if (d->verb == SHOW)
		rc |= buf_addf(&request, ",\"number\":%lld", (long long)d->numbers[0]);
	if (d->verb >= RETRY && d->count) {
		for (size_t i = 0; i < d->count; i++)
			rc |= buf_addf(&request, "%s%lld", i ? "," : ",\"numbers\":[", (long long)d->numbers[i]);
		rc |= buf_addc(&request, ']');
	}
	rc |= buf_addc(&request, '}');
	*err = (struct err){ .status = ERR_IO, .text = "the runner could not do it" };
	rc = rc ? err_set(err, ERR_USAGE, "too many numbers at once") :
		control_call(statedir_fd(d->dir), request.data, on_line, d, ANSWER_TIMEOUT, err);
	buf_release(&request);
	return rc;
}

static int on_letter(void *arg, const struct store_dead *letter)
{
	struct dead *d = arg;
	struct buf line;
	buf_init(&line, LINE_MAX_BYTES);
	if (letter_json(letter, &line) == 0)
		on_line(d, line.data, line.len);
	buf_release(&line);
	return 0;
}

static int collect(void *arg, const struct store_dead *letter)
{
	return buf_add(arg, &letter->number, sizeof letter->number);
}

static int change_all(struct dead *d, struct queue *q, struct err *err)
{
	struct buf all;
	int rc = 0;
	buf_init(&all, LINE_MAX_BYTES);
	if (d->count)
		rc = buf_add(&all, d->numbers, d->count * sizeof *d->numbers);
	else
		rc = queue_dead_each(q, 0, collect, &all, err);
	for (size_t i = 0; rc == 0 && i < all.len; i += sizeof(int64_t)) {
		int64_t number;
		memcpy(&number, all.data + i, sizeof number);
		int done = d->verb == RETRY ? queue_dead_retry(q, number, err) : queue_dead_drop(q, number, err);
		if (done < 0)
			rc = -1;
		else
			print_change(d, number, done > 0);
	}
	buf_release(&all);
	return rc;
}

/* Works on the store itself. Keys stay as they are stored. */
static int use_store(struct dead *d, struct err *err)
{
	long long bot = d->setup->secret ? (long long)secret_bot_id(d->setup->secret) : 0;
	struct store *store = sqlite_open(statedir_fd(d->dir), statedir_path(d->dir), bot, err);
	if (!store)
		return -1;
	struct queue_config config = { .clock = &clock_system, .store = store, .backlog = INT32_MAX };
	struct queue *q = queue_open(&config, err);
	if (!q) {
		store->ops->close(store);
		return -1;
	}
	int rc = d->verb >= RETRY ? change_all(d, q, err)
				  : queue_dead_each(q, d->verb == SHOW ? d->numbers[0] : 0, on_letter, d, err);
	return queue_close(q, rc ? NULL : err) ? -1 : rc;
}

/* Whoever is at work decides the way: the runner's socket, or the store under the slots' lock. */
static int work(struct dead *d, struct err *err)
{
	struct timespec step = { 0, STEP * 1000000L };
	pid_t holder = 0;
	for (int waited = 0;; waited += STEP) {
		int rc = statedir_lock_slots(d->dir, err);
		if (rc < 0)
			return -1;
		if (rc > 0)
			return use_store(d, err);
		if (statedir_runs(d->dir, &holder)) {
			rc = ask_runner(d, err);
			/* A runner that is just starting or ending does not listen. */
			if (rc == 0 || err->status != ERR_UNAVAILABLE || d->shown || d->missing)
				return rc;
		}
		if (waited >= PATIENCE)
			return err_set(err, ERR_TEMPFAIL, "the state directory '%s' is in use (process %ld), and nobody answers; try again later",
				       statedir_path(d->dir), (long)holder);
		nanosleep(&step, NULL);
	}
}

int cmd_dead(struct setup *s)
{
	struct err err = { 0 };
	struct dead d = { .setup = s };
	int rc = parse_verb(&d, &err);
	if (rc == 0 && !s->config.state_dir && !(getenv("STATE_DIRECTORY") && getenv("STATE_DIRECTORY")[0]))
		rc = setup_token(s, &err);
	if (rc == 0)
		rc = setup_state_dir(s, &err);
	if (rc == 0) {
		d.dir = statedir_open_existing(s->state_dir, &err);
		rc = d.dir ? work(&d, &err) : err.status ? -1 : 0;
		if (rc == 0 && d.verb == SHOW && !d.shown && !d.missing)
			print_change(&d, d.numbers[0], false);
		if (rc == 0 && d.verb != SHOW && !d.shown && !d.missing && !s->config.json)
			fputs("no dead letters\n", stderr);
	}
	if (rc == 0 && fflush(stdout))
		rc = err_sys(&err, ERR_IO, errno, "cannot write the output");
	int status = rc ? cmd_fail(&err) : d.missing ? 1 : 0;
	statedir_close(d.dir);
	free(d.numbers);
	return status;
}
