/* cli/client/cmd_queue: list, show, skip and clear what waits. While a runner works, the request
 * goes to its control socket, else to the store itself. Both answer by the rows of
 * queue/verbs.h, and all printing is of the lines of such an answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/client/consent.h"
#include "cli/cmd.h"
#include "cli/print.h"

enum { KEY_SHOWN = 48 };

enum verb { LIST, SHOW, SKIP, CLEAR };

static const char *const verbs[] = { "list", "show", "skip", "clear" };

/* Updates, and those that are to come: numbers of two series, each with rows of queue/verbs.h; one
 * list has both. */
enum series { UPDATES, LATER, SERIES };
static const char *const requests[SERIES][CLEAR + 1] = {
	{ "queue-list", "queue-show", "queue-skip", "queue-clear" },
	{ NULL, "later-show", "later-skip", NULL },
};
static const char *const prefixes[SERIES] = { "", "p" };

struct work {
	struct setup *setup;
	enum verb verb;
	enum series series; /* that is asked for now */
	int64_t *numbers[SERIES];
	size_t count[SERIES];
	long long cleared;
	size_t missing;        /* numbers that were nothing to skip or show */
	bool touched, refused; /* all are not to go */
};

/* The arguments behind the verb: p7 is a number of what is to come. */
static int read_numbers(struct work *w, struct err *err)
{
	const struct texts *args = &w->setup->config.arguments;
	int rc = 0;
	for (int i = 0; i < SERIES && rc == 0; i++) {
		struct texts own = { .items = calloc(args->count + 1, sizeof *own.items) };
		if (!own.items)
			return err_set(err, ERR_INTERNAL, "out of memory");
		for (size_t j = 1; j < args->count; j++)
			if ((args->items[j][0] == 'p') == (i == LATER))
				own.items[own.count++] = args->items[j] + strlen(prefixes[i]);
		rc = client_numbers(&own, 0, "an update; 'tgrun queue list' shows them",
				    &w->numbers[i], &w->count[i], err);
		free(own.items);
	}
	return rc;
}

static const struct consent all_updates = {
	"queue clear", "skip", "waiting", "updates that wait",
	"--all: all updates that wait, which 0.1.0 skipped without it"
};

static int parse(struct work *w, struct err *err)
{
	int v = client_verb(&w->setup->config, verbs, sizeof verbs / sizeof *verbs, err);
	if (v < 0)
		return -1;
	w->verb = (enum verb)v;
	if (read_numbers(w, err))
		return -1;
	size_t count = w->count[UPDATES] + w->count[LATER];
	if (count && (w->verb == LIST || w->verb == CLEAR))
		return err_set(err, ERR_USAGE, "'tgrun queue %s' takes no number", verbs[v]);
	if (w->verb == SHOW && count != 1)
		return err_set(err, ERR_USAGE, "'tgrun queue show' takes one number");
	if (w->verb == SKIP && !count)
		return err_set(
			err, ERR_USAGE,
			"'tgrun queue skip' takes the numbers of updates; 'tgrun queue clear' skips all");
	if (w->verb == CLEAR)
		return consent_check(&w->setup->config, 0, &all_updates, err);
	if (w->setup->config.all)
		return err_set(err, ERR_USAGE, "'tgrun queue %s' takes no --all", verbs[v]);
	return 0;
}

/* As people write it. */
static void number_text(const struct work *w, const cJSON *item, char out[32])
{
	const char *text = json_text(item, "number");
	if (text[0])
		snprintf(out, 32, "%.31s", text);
	else
		snprintf(out, 32, "%s%.0f", prefixes[w->series], json_number(item, "number"));
}

/* What its time means. One that is over is no promise: it waits for room, or for a tgrun that runs.
 */
static const char *due_words(const cJSON *item, const char *due)
{
	int64_t wall;
	if (!due[0])
		return "";
	/* the time is cut to its second */
	if (clock_read(due, &wall, NULL) == 0 && wall + 1000 <= clock_system.wall(&clock_system))
		return "  due since ";
	return *json_text(item, "number")   ? "  comes at "
	       : json_true(item, "gathers") ? "  gathers until "
					    : "  again at ";
}

static void print_item(const struct work *w, const char *line, const cJSON *item)
{
	const char *due = json_text(item, "due");
	char number[32];
	number_text(w, item, number);
	if (w->verb == LIST) {
		print_part(stdout, "%-6s %-8s %s  ", number, json_text(item, "state"),
			   json_text(item, "received"));
		print_cut(stdout, json_text(item, "kind"), KEY_SHOWN);
		print_part(stdout, "  ");
		print_cut(stdout, json_text(item, "key"), KEY_SHOWN);
		if (json_number(item, "failures") > 0)
			print_part(stdout, "  failed %.0f times", json_number(item, "failures"));
		print_line(stdout, "%s%s", due_words(item, due), due);
		return;
	}
	print_line(stdout, "number    %s", number);
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
		print_line(stdout, "%s%s",
			   json_true(item, "gathers") ? "gathers   until " : "due       ", due);
	client_print_last(line, "update");
}

static void print_skipped(struct work *w, const char *number, enum queue_fate fate)
{
	const char *quote = w->series == LATER ? "\"" : "";
	if (fate == QUEUE_CHANGED && w->setup->config.json) {
		print_line(stdout, "{\"number\":%s%s%s,\"ok\":true,\"running\":false}", quote,
			   number, quote);
		return;
	}
	if (fate == QUEUE_CHANGED) {
		print_line(stdout, "%s skipped", number);
		return;
	}
	w->missing++;
	if (fate == QUEUE_RUNS)
		print_line(stderr,
			   "tgrun: update %s is being handled; only what waits can be skipped",
			   number);
	else
		print_line(stderr, "tgrun: no update %s waits", number);
}

/* One line of the answer. */
static int on_line(void *arg, const char *line, size_t n)
{
	struct work *w = arg;
	char number[32];
	cJSON *json = cJSON_ParseWithLength(line, n);
	if (!json)
		return -1;
	w->touched = true;
	number_text(w, json, number);
	if (w->verb == CLEAR)
		w->cleared += (long long)json_number(json, "cleared");
	else if (w->verb == SKIP)
		print_skipped(w, number,
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
	char number[32];
	for (size_t i = 0; i < w->count[w->series]; i++) {
		snprintf(number, sizeof number, "%s%lld", prefixes[w->series],
			 (long long)w->numbers[w->series][i]);
		print_skipped(w, number, QUEUE_MISSING);
	}
}

/* Asks for the updates, or for those that are to come. */
static int ask(struct work *w, struct statedir *dir, enum series series, struct err *err)
{
	const char *request = requests[series][w->verb];
	size_t count = w->count[series];
	bool whole = w->verb == LIST || w->verb == CLEAR;
	if (!request || (!whole && !count))
		return 0;
	w->series = series;
	w->touched = false;
	if (w->verb == LIST)
		return client_list(w->setup, dir, request, on_line, w, err);
	int rc = dir ? client_work(w->setup, dir,
				   &(struct client_work){ request, w->numbers[series], count,
							  on_line, w, &w->touched },
				   err)
		     : 0;
	if (rc == 0 && !w->touched)
		tell_nothing(w);
	return rc;
}

/* Does it, if that is meant. 0, or -1 with `err`. */
static int act(struct work *w, struct statedir *dir, struct err *err)
{
	int rc = w->verb == CLEAR ? consent_ask(w->setup, dir, &all_updates, err) : 0;
	bool json = w->setup->config.json;
	w->refused = rc > 0;
	if (rc)
		return rc < 0 ? -1 : 0;
	for (int i = 0; i < SERIES && rc == 0; i++)
		rc = ask(w, dir, (enum series)i, err);
	if (rc == 0 && w->verb == LIST && !w->touched && !json)
		print_line(stderr, "nothing waits");
	if (w->verb == CLEAR && (rc == 0 || w->touched))
		print_line(stdout, json ? "{\"cleared\":%lld}" : "%lld skipped", w->cleared);
	return rc;
}

int cmd_queue(struct setup *s)
{
	struct err err = { 0 };
	struct work w = { .setup = s };
	struct statedir *dir = NULL;
	int rc = parse(&w, &err);
	if (w.verb == LIST || w.verb == SHOW)
		print_with_reader();
	rc = rc || client_open(s, &dir, &err) || act(&w, dir, &err) || print_end(&err);
	statedir_close(dir);
	for (int i = 0; i < SERIES; i++)
		free(w.numbers[i]);
	return rc ? cmd_fail(&err) : w.missing || w.refused ? 1 : 0;
}
