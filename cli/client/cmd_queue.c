/* cli/client/cmd_queue: list, show, skip and clear what waits. While a runner works, the request
 * goes to its control socket, else to the store itself. Both answer by the rows of
 * queue/verbs.h, and all printing is of the lines of such an answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/client/consent.h"
#include "cli/client/listing.h"
#include "cli/client/shared.h"
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
	size_t missing; /* numbers that were nothing to skip or show */
	size_t shown;
	bool by_id; /* show: the updates with Telegram's `id` */
	int64_t id;
	struct listing list;
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
	const struct texts *args = &w->setup->config.arguments;
	w->verb = (enum verb)v;
	if (listing_check(&w->setup->config, w->verb == LIST, "queue", verbs[v], err))
		return -1;
	w->by_id = w->verb == SHOW && args->count == 2 && client_read_id(args->items[1], &w->id);
	if (!w->by_id && read_numbers(w, err))
		return -1;
	size_t count = w->count[UPDATES] + w->count[LATER];
	if (count && (w->verb == LIST || w->verb == CLEAR))
		return err_set(err, ERR_USAGE, "'tgrun queue %s' takes no number", verbs[v]);
	if (w->verb == SHOW && !w->by_id && count != 1)
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

/* What its time means, before that or before its age. One that is over is no promise: it waits for
 * room, or for a tgrun that runs. */
static const char *due_words(const cJSON *item, const char *due, bool age)
{
	static const char *const words[][2] = { { "due since ", "due " },
						{ "comes at ", "comes " },
						{ "gathers until ", "sets out " },
						{ "again at ", "again " } };
	int64_t wall;
	/* the time is cut to its second */
	if (clock_read(due, &wall, NULL) == 0 && wall + 1000 <= clock_system.wall(&clock_system))
		return words[0][age];
	return *json_text(item, "number")   ? words[1][age]
	       : json_true(item, "gathers") ? words[2][age]
					    : words[3][age];
}

static void list_item(struct work *w, const char *number, const cJSON *item)
{
	static const char *const heads[] = { "NUMBER", "STATE", "RECEIVED", "KIND", "KEY", "" };
	const struct listing *l = &w->list;
	const size_t widths[] = { listing_width(l, 8, 7),   listing_width(l, 9, 9),
				  listing_width(l, 10, 22), listing_width(l, 16, 0),
				  listing_width(l, 22, 0),  0 };
	const char *due = json_text(item, "due");
	char time[LISTING_TIME_MAX];
	struct row r;
	listing_head(l, heads, widths, 6);
	row_begin(&r, l->columns);
	row_add(&r, widths[0], SIZE_MAX, number);
	row_add(&r, widths[1], SIZE_MAX, json_text(item, "state"));
	row_add(&r, widths[2], SIZE_MAX, listing_time(l, json_text(item, "received"), time));
	row_add(&r, widths[3], KEY_SHOWN, json_text(item, "kind"));
	row_add(&r, widths[4], KEY_SHOWN, json_text(item, "key"));
	if (json_number(item, "failures") > 0)
		row_addf(&r, 0, "failed %.0f times", json_number(item, "failures"));
	if (due[0])
		row_addf(&r, 0, "%s%s", due_words(item, due, l->columns > 0),
			 listing_time(l, due, time));
	print_row(&r, "\n");
}

static void show_item(const char *number, const char *line, const cJSON *item)
{
	const char *due = json_text(item, "due");
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

static void print_item(struct work *w, const char *line, const cJSON *item)
{
	char number[32];
	if (w->verb == LIST && !listing_wants(&w->list, item))
		return;
	w->shown++;
	number_text(w, item, number);
	if (w->setup->config.json)
		print_json(line);
	else if (w->verb == LIST)
		list_item(w, number, item);
	else
		show_item(number, line, item);
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
	if (fate == QUEUE_HELD)
		print_line(stderr,
			   "tgrun: update %s is with a machine that does not answer, and stays; 'tgrun "
			   "fleet status' tells how long ago each did",
			   number);
	else if (fate == QUEUE_RUNS)
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
	if (w->verb == CLEAR && !json_true(json, "held"))
		w->cleared += (long long)json_number(json, "cleared");
	else if (w->verb == SKIP || w->verb == CLEAR)
		print_skipped(w, number,
			      json_true(json, "ok")        ? QUEUE_CHANGED
			      : json_true(json, "running") ? QUEUE_RUNS
			      : json_true(json, "held")    ? QUEUE_HELD
							   : QUEUE_MISSING);
	else
		print_item(w, line, json);
	cJSON_Delete(json);
	return w->verb == LIST && listing_full(&w->list);
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
	int rc = client_work(w->setup, dir,
			     &(struct client_work){ request, w->numbers[series], count, on_line, w,
						    &w->touched },
			     err);
	if (rc == 0 && !w->touched)
		tell_nothing(w);
	return rc;
}

/* Telegram may use an id again: each of them is shown. */
static int show_by_id(struct work *w, struct statedir *dir, struct err *err)
{
	int rc = client_find_id(w->setup, dir, requests[UPDATES][LIST], w->id, &w->numbers[UPDATES],
				&w->count[UPDATES], err);
	for (size_t i = 0; rc == 0 && i < w->count[UPDATES]; i++) {
		struct client_work show = {
			requests[UPDATES][SHOW], w->numbers[UPDATES] + i, 1, on_line, w, &w->touched
		};
		rc = client_work(w->setup, dir, &show, err);
	}
	if (rc == 0 && !w->shown) {
		w->missing++;
		print_line(stderr, "tgrun: no update %lld of Telegram's waits", (long long)w->id);
	}
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
	if (w->by_id)
		return show_by_id(w, dir, err);
	for (int i = 0; i < SERIES && rc == 0; i++)
		rc = ask(w, dir, (enum series)i, err);
	if (rc == 0 && w->verb == LIST && !w->shown && !json)
		client_tell_nothing(w->setup, dir,
				    listing_filters(&w->list) ? "nothing of that waits"
							      : "nothing waits");
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
	listing_begin(&w.list, &s->config,
		      &(struct listing_names){ "key", "kind", "received", "" });
	if (w.verb == LIST || w.verb == SHOW)
		print_with_reader();
	rc = rc || client_open(s, &dir, &err) || act(&w, dir, &err) || print_end(&err);
	statedir_close(dir);
	for (int i = 0; i < SERIES; i++)
		free(w.numbers[i]);
	return rc ? cmd_fail(&err) : w.missing || w.refused ? 1 : 0;
}
