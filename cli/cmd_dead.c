/* cli/cmd_dead: list, show, retry, drop dead letters. While a runner works they go through its control socket, so a retried update is
 * handled at once; else straight to the store. Both answer in the same lines of JSON, and all printing is of such lines. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/client.h"
#include "cli/cmd.h"
#include "io/control.h"
#include "queue/letter.h"

enum { LINE_MAX_BYTES = 16 << 20, REASON_SHOWN = 160 };

enum verb { LIST, SHOW, RETRY, DROP };

struct dead {
	struct setup *setup;
	enum verb verb;
	int64_t *numbers;
	size_t count;      /* 0: all (retry, drop), none given */
	size_t shown, missing;
	bool touched;
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
	if (client_numbers(args, 1, "a dead letter; 'tgrun dead list' shows them", &d->numbers, &d->count, err))
		return -1;
	if (d->verb == LIST && d->count)
		return err_set(err, ERR_USAGE, "'tgrun dead list' takes no number; use 'tgrun dead show %s'", args->items[1]);
	if (d->verb == SHOW && d->count != 1)
		return err_set(err, ERR_USAGE, "'tgrun dead show' takes one number");
	return 0;
}

/* A text of several lines: those after the first behind `indent`. */
static void print_lines(const char *text, const char *indent)
{
	for (const char *lf; (lf = strchr(text, '\n')); text = lf + 1) {
		char *one = strndup(text, (size_t)(lf - text));
		client_print(one ? one : "", SIZE_MAX);
		free(one);
		printf("\n%s", indent);
	}
	client_print(text, SIZE_MAX);
	putchar('\n');
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
		fputs("kind      ", stdout);
		client_print(client_text(letter, "kind"), SIZE_MAX);
		fputs("\nkey       ", stdout);
		client_print(client_text(letter, "key"), SIZE_MAX);
		printf("\nattempts  %.0f\nreceived  %s\ndied      %s\nreason    ", attempts ? attempts->valuedouble : 0, client_text(letter, "received"), client_text(letter, "died"));
		client_print(client_text(letter, "reason"), SIZE_MAX);
		fputs("\nstderr    ", stdout);
		print_lines(client_text(letter, "stderr"), "          ");
		client_print_update(line);
		return;
	}
	printf("%-5.0f %s  ", number ? number->valuedouble : 0, client_text(letter, "died"));
	client_print(client_text(letter, "kind"), SIZE_MAX);
	fputs("  ", stdout);
	client_print(client_text(letter, "key"), SIZE_MAX);
	fputs("  ", stdout);
	client_print(client_text(letter, "reason"), REASON_SHOWN);
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

/* One line of the answer. */
static int on_line(void *arg, const char *line, size_t n)
{
	struct dead *d = arg;
	cJSON *json = cJSON_ParseWithLength(line, n);
	const cJSON *ok = cJSON_GetObjectItemCaseSensitive(json, "ok");
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "number");
	if (!json)
		return -1;
	d->touched = true;
	if (ok && number)
		print_change(d, (int64_t)number->valuedouble, cJSON_IsTrue(ok));
	else if (number)
		print_letter(d, line, json);
	cJSON_Delete(json);
	return 0;
}

static int ask_runner(void *arg, struct statedir *dir, struct err *err)
{
	static const char *const verbs[] = { "dead-list", "dead-show", "dead-retry", "dead-drop" };
	struct dead *d = arg;
	struct buf request;
	buf_init(&request, CONTROL_LINE_MAX);
	int rc = buf_addf(&request, "{\"verb\":\"%s\"", verbs[d->verb]);
	if (d->verb == SHOW)
		rc = rc || buf_addf(&request, ",\"number\":%lld", (long long)d->numbers[0]);
	if (d->verb >= RETRY && d->count)
		rc = rc || client_add_numbers(&request, d->numbers, d->count);
	rc = rc || buf_addc(&request, '}');
	rc = rc ? err_set(err, ERR_USAGE, "too many numbers at once") : client_ask(dir, request.data, on_line, d, err);
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

static int use_store(void *arg, struct queue *q, struct err *err)
{
	struct dead *d = arg;
	return d->verb >= RETRY ? change_all(d, q, err) : queue_dead_each(q, d->verb == SHOW ? d->numbers[0] : 0, on_letter, d, err);
}

int cmd_dead(struct setup *s)
{
	struct err err = { 0 };
	struct dead d = { .setup = s };
	struct client_way way = { .ask = ask_runner, .use = use_store, .touched = &d.touched, .arg = &d };
	struct statedir *dir = NULL;
	int rc = parse_verb(&d, &err) || client_open(s, &dir, &err);
	if (rc == 0 && dir)
		rc = client_work(s, dir, &way, &err);
	if (rc == 0 && d.verb == SHOW && !d.shown && !d.missing)
		print_change(&d, d.numbers[0], false);
	if (rc == 0 && d.verb != SHOW && !d.shown && !d.missing && !s->config.json)
		fputs("no dead letters\n", stderr);
	if (rc == 0 && fflush(stdout))
		rc = err_sys(&err, ERR_IO, errno, "cannot write the output");
	int status = rc ? cmd_fail(&err) : d.missing ? 1 : 0;
	statedir_close(dir);
	free(d.numbers);
	return status;
}
