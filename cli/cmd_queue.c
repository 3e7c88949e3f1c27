/* cli/cmd_queue: list, show, skip and clear what waits: over the control socket while a runner works, else on the store itself. Both answer in
 * the same lines of JSON, and all printing is of such lines. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/client.h"
#include "cli/cmd.h"
#include "io/control.h"
#include "queue/item.h"

enum { LINE_MAX_BYTES = 16 << 20, KEY_SHOWN = 48 };

enum verb { LIST, SHOW, SKIP, CLEAR };
static const char *const verbs[] = { "list", "show", "skip", "clear" };

struct work {
	struct setup *setup;
	enum verb verb;
	int64_t *numbers;
	size_t count;
	int64_t next;      /* of a list that comes in parts */
	size_t missing;    /* numbers that were nothing to skip or show */
	bool touched;
};

static int parse(struct work *w, struct err *err)
{
	const struct texts *args = &w->setup->config.arguments;
	size_t v = 0;
	if (!args->count)
		return err_set(err, ERR_USAGE, "'tgrun queue' wants one of: list, show N, skip N..., clear");
	while (v < 4 && strcmp(args->items[0], verbs[v]) != 0)
		v++;
	if (v == 4)
		return err_set(err, ERR_USAGE, "'tgrun queue %s' is not known; there are: list, show N, skip N..., clear", args->items[0]);
	w->verb = (enum verb)v;
	if (client_numbers(args, 1, "an update; 'tgrun queue list' shows them", &w->numbers, &w->count, err))
		return -1;
	if (w->count && (w->verb == LIST || w->verb == CLEAR))
		return err_set(err, ERR_USAGE, "'tgrun queue %s' takes no number", verbs[v]);
	if (w->verb == SHOW && w->count != 1)
		return err_set(err, ERR_USAGE, "'tgrun queue show' takes one number");
	if (w->verb == SKIP && !w->count)
		return err_set(err, ERR_USAGE, "'tgrun queue skip' takes the numbers of updates; 'tgrun queue clear' skips all");
	return 0;
}

static void print_item(const struct work *w, const char *line, const cJSON *item)
{
	const char *due = client_text(item, "due");
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(item, "update_id");
	if (w->verb == LIST) {
		printf("%-6.0f %-8s %s  ", client_number(item, "number"), client_text(item, "state"), client_text(item, "received"));
		client_print(client_text(item, "kind"), KEY_SHOWN);
		fputs("  ", stdout);
		client_print(client_text(item, "key"), KEY_SHOWN);
		if (client_number(item, "failures") > 0)
			printf("  failed %.0f times", client_number(item, "failures"));
		printf("%s%s\n", due[0] ? "  again at " : "", due);
		return;
	}
	printf("number    %.0f\n", client_number(item, "number"));
	if (cJSON_IsNumber(id))
		printf("update    %.0f\n", id->valuedouble);
	fputs("kind      ", stdout);
	client_print(client_text(item, "kind"), SIZE_MAX);
	fputs("\nkey       ", stdout);
	client_print(client_text(item, "key"), SIZE_MAX);
	printf("\nstate     %s\nfailures  %.0f\ndeaths    %.0f\ncut       %.0f\nreceived  %s\n", client_text(item, "state"),
	       client_number(item, "failures"), client_number(item, "deaths"), client_number(item, "interruptions"), client_text(item, "received"));
	if (due[0])
		printf("due       %s\n", due);
	client_print_update(line);
}

static void print_skipped(struct work *w, const char *line, const cJSON *answer)
{
	long long number = (long long)client_number(answer, "number");
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok"))) {
		if (w->setup->config.json)
			puts(line);
		else
			printf("%lld skipped\n", number);
		return;
	}
	w->missing++;
	fprintf(stderr, cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "running"))
				? "tgrun: update %lld is being handled; only what waits can be skipped\n"
				: "tgrun: no update %lld waits\n", number);
}

/* One line of the answer. */
static int on_line(void *arg, const char *line, size_t n)
{
	struct work *w = arg;
	cJSON *json = cJSON_ParseWithLength(line, n);
	const cJSON *next = cJSON_GetObjectItemCaseSensitive(json, "next");
	if (!json)
		return -1;
	w->touched = true;
	if (cJSON_IsNumber(next)) {
		w->next = (int64_t)next->valuedouble;
	} else if (w->verb == SKIP) {
		print_skipped(w, line, json);
	} else if (w->setup->config.json) {
		puts(line);
	} else if (w->verb == CLEAR) {
		printf("%.0f skipped\n", client_number(json, "cleared"));
	} else {
		print_item(w, line, json);
	}
	cJSON_Delete(json);
	return 0;
}

static int ask_runner(void *arg, struct statedir *dir, struct err *err)
{
	struct work *w = arg;
	struct buf request;
	int rc = 0;
	buf_init(&request, CONTROL_LINE_MAX);
	do {
		buf_clear(&request);
		rc = buf_addf(&request, "{\"verb\":\"queue-%s\"", verbs[w->verb]);
		if (w->verb == LIST)
			rc = rc || buf_addf(&request, ",\"from\":%lld", (long long)w->next);
		if (w->verb == SHOW)
			rc = rc || buf_addf(&request, ",\"number\":%lld", (long long)w->numbers[0]);
		if (w->verb == SKIP)
			rc = rc || client_add_numbers(&request, w->numbers, w->count);
		rc = rc || buf_addc(&request, '}');
		w->next = 0;
		rc = rc ? err_set(err, ERR_USAGE, "too many numbers at once") : client_ask(dir, buf_str(&request), on_line, w, err);
	} while (rc == 0 && w->next);
	buf_release(&request);
	return rc;
}

static int on_item(void *arg, const struct queue_item *item)
{
	struct buf line;
	buf_init(&line, LINE_MAX_BYTES);
	if (item_json(item, &line) == 0)
		on_line(arg, line.data, line.len);
	buf_release(&line);
	return 0;
}

static int skip_in_store(struct work *w, struct queue *q, struct err *err)
{
	char line[96];
	for (size_t i = 0; i < w->count; i++) {
		int rc = queue_skip(q, w->numbers[i], err);
		if (rc < 0)
			return -1;
		int n = snprintf(line, sizeof line, "{\"number\":%lld,\"ok\":%s,\"running\":%s}", (long long)w->numbers[i],
				 rc == 1 ? "true" : "false", rc == 2 ? "true" : "false");
		on_line(w, line, (size_t)n);
	}
	return 0;
}

static int use_store(void *arg, struct queue *q, struct err *err)
{
	struct work *w = arg;
	char line[64];
	int64_t count = 0;
	switch (w->verb) {
	case LIST:
		return queue_each(q, 0, on_item, w, err) < 0 ? -1 : 0;
	case SHOW:
		return queue_show(q, w->numbers[0], on_item, w, err) < 0 ? -1 : 0;
	case SKIP:
		return skip_in_store(w, q, err);
	case CLEAR:
		if (queue_clear(q, &count, err) < 0)
			return -1;
		on_line(w, line, (size_t)snprintf(line, sizeof line, "{\"cleared\":%lld}", (long long)count));
		return 0;
	}
	return 0;
}

/* What was asked for and is not there. */
static void tell_nothing(struct work *w, bool any_state)
{
	if (w->verb == SHOW || (w->verb == SKIP && !any_state)) {
		for (size_t i = 0; i < w->count; i++)
			fprintf(stderr, "tgrun: no update %lld waits\n", (long long)w->numbers[i]);
		w->missing += w->count;
	} else if (w->verb == LIST && !w->setup->config.json) {
		fputs("nothing waits\n", stderr);
	} else if (w->verb == CLEAR) {
		on_line(w, "{\"cleared\":0}", strlen("{\"cleared\":0}"));
	}
}

int cmd_queue(struct setup *s)
{
	struct err err = { 0 };
	struct work w = { .setup = s };
	struct client_way way = { .ask = ask_runner, .use = use_store, .touched = &w.touched, .arg = &w };
	struct statedir *dir = NULL;
	int rc = parse(&w, &err) || client_open(s, &dir, &err);
	if (rc == 0 && dir)
		rc = client_work(s, dir, &way, &err);
	if (rc == 0 && !w.touched)
		tell_nothing(&w, dir != NULL);
	if (rc == 0 && fflush(stdout))
		rc = err_sys(&err, ERR_IO, errno, "cannot write the output");
	statedir_close(dir);
	free(w.numbers);
	return rc ? cmd_fail(&err) : w.missing ? 1 : 0;
}
