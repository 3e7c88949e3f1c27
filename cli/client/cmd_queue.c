/* cli/client/cmd_queue: list, show, skip and clear what waits. While a runner works, the request
 * goes to its control socket, else to the store itself. Both answer by the rows of
 * queue/verbs.h, and all printing is of the lines of such an answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client/client.h"
#include "cli/cmd.h"
#include "cli/print.h"

enum { KEY_SHOWN = 48 };

enum verb { LIST, SHOW, SKIP, CLEAR };

/* As on the command line, and as rows of queue/verbs.h. */
static const char *const verbs[] = { "list", "show", "skip", "clear" };
static const char *const requests[] = { "queue-list", "queue-show", "queue-skip", "queue-clear" };

struct work {
	struct setup *setup;
	enum verb verb;
	int64_t *numbers;
	size_t count;
	long long cleared;
	size_t missing; /* numbers that were nothing to skip or show */
	bool touched;
};

static int parse(struct work *w, struct err *err)
{
	const struct texts *args = &w->setup->config.arguments;
	int v = client_verb(&w->setup->config, verbs, sizeof verbs / sizeof *verbs, err);
	if (v < 0)
		return -1;
	w->verb = (enum verb)v;
	if (client_numbers(args, 1, "an update; 'tgrun queue list' shows them", &w->numbers,
			   &w->count, err))
		return -1;
	if (w->count && (w->verb == LIST || w->verb == CLEAR))
		return err_set(err, ERR_USAGE, "'tgrun queue %s' takes no number", verbs[v]);
	if (w->verb == SHOW && w->count != 1)
		return err_set(err, ERR_USAGE, "'tgrun queue show' takes one number");
	if (w->verb == SKIP && !w->count)
		return err_set(
			err, ERR_USAGE,
			"'tgrun queue skip' takes the numbers of updates; 'tgrun queue clear' skips all");
	return 0;
}

static void print_item(const struct work *w, const char *line, const cJSON *item)
{
	const char *due = json_text(item, "due");
	if (w->verb == LIST) {
		print_part(stdout, "%-6.0f %-8s %s  ", json_number(item, "number"),
			   json_text(item, "state"), json_text(item, "received"));
		print_cut(stdout, json_text(item, "kind"), KEY_SHOWN);
		print_part(stdout, "  ");
		print_cut(stdout, json_text(item, "key"), KEY_SHOWN);
		if (json_number(item, "failures") > 0)
			print_part(stdout, "  failed %.0f times", json_number(item, "failures"));
		print_line(stdout, "%s%s", due[0] ? "  again at " : "", due);
		return;
	}
	print_line(stdout, "number    %.0f", json_number(item, "number"));
	if (json_has_number(item, "update_id"))
		print_line(stdout, "update    %.0f", json_number(item, "update_id"));
	print_line(stdout, "kind      %s", json_text(item, "kind"));
	print_line(stdout, "key       %s", json_text(item, "key"));
	print_line(stdout, "state     %s", json_text(item, "state"));
	print_line(stdout, "failures  %.0f", json_number(item, "failures"));
	print_line(stdout, "deaths    %.0f", json_number(item, "deaths"));
	print_line(stdout, "cut       %.0f", json_number(item, "interruptions"));
	print_line(stdout, "received  %s", json_text(item, "received"));
	if (due[0])
		print_line(stdout, "due       %s", due);
	client_print_last(line, "update");
}

static void print_skipped(struct work *w, long long number, enum queue_fate fate)
{
	if (fate == QUEUE_CHANGED) {
		print_line(stdout,
			   w->setup->config.json ? "{\"number\":%lld,\"ok\":true,\"running\":false}"
						 : "%lld skipped",
			   number);
		return;
	}
	w->missing++;
	if (fate == QUEUE_RUNS)
		print_line(stderr,
			   "tgrun: update %lld is being handled; only what waits can be skipped",
			   number);
	else
		print_line(stderr, "tgrun: no update %lld waits", number);
}

/* One line of the answer. */
static int on_line(void *arg, const char *line, size_t n)
{
	struct work *w = arg;
	cJSON *json = cJSON_ParseWithLength(line, n);
	if (!json)
		return -1;
	w->touched = true;
	if (w->verb == CLEAR)
		w->cleared += (long long)json_number(json, "cleared");
	else if (w->verb == SKIP)
		print_skipped(w, (long long)json_number(json, "number"),
			      json_true(json, "ok")        ? QUEUE_CHANGED
			      : json_true(json, "running") ? QUEUE_RUNS
							   : QUEUE_MISSING);
	else if (w->setup->config.json)
		print_json(line);
	else
		print_item(w, line, json);
	cJSON_Delete(json);
	return 0;
}

/* What was asked for and is not there. */
static void tell_nothing(struct work *w)
{
	for (size_t i = 0; i < w->count; i++)
		print_skipped(w, (long long)w->numbers[i], QUEUE_MISSING);
	if (w->verb == LIST && !w->setup->config.json)
		print_line(stderr, "nothing waits");
}

int cmd_queue(struct setup *s)
{
	struct err err = { 0 };
	struct work w = { .setup = s };
	struct statedir *dir = NULL;
	int rc = parse(&w, &err);
	if (w.verb == LIST || w.verb == SHOW)
		print_with_reader();
	rc = rc || client_open(s, &dir, &err);
	if (rc == 0 && w.verb == LIST)
		rc = client_list(s, dir, requests[LIST], on_line, &w, &err);
	else if (rc == 0 && dir)
		rc = client_work(s, dir,
				 &(struct client_work){ requests[w.verb], w.numbers, w.count,
							on_line, &w, &w.touched },
				 &err);
	if (rc == 0 && !w.touched)
		tell_nothing(&w);
	if (w.verb == CLEAR && (rc == 0 || w.touched))
		print_line(stdout, s->config.json ? "{\"cleared\":%lld}" : "%lld skipped",
			   w.cleared);
	if (rc == 0)
		rc = print_end(&err);
	statedir_close(dir);
	free(w.numbers);
	return rc ? cmd_fail(&err) : w.missing ? 1 : 0;
}
