/* cli/client/cmd_outbox: list, show, retry and drop what is to be sent, and what could not be.
 * While a runner works, the request goes to its control socket, else to the store itself. Both
 * answer by the rows of queue/verbs.h, and all printing is of the lines of such an answer.
 * Invariant: what a message says is printed by `show` alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client/consent.h"
#include "cli/client/listing.h"
#include "cli/cmd.h"
#include "cli/print.h"

enum { CHAT_SHOWN = 48, REASON_SHOWN = 160 };

enum verb { LIST, SHOW, RETRY, DROP };

static const char *const verbs[] = { "list", "show", "retry", "drop" };
static const char *const states[] = { "waiting", "sending", "failed" }; /* of STATE_* */

struct outbox {
	struct setup *setup;
	enum verb verb;
	int64_t *numbers;
	size_t count;
	struct listing list;
	size_t shown, missing;
	bool touched, refused; /* all are not to go */
};

/* Whether entries of this state are meant: one of STATE_*. */
static bool wants(const struct outbox *o, int state)
{
	const struct config *c = &o->setup->config;
	return config_origin(c, &c->state) == ORIGIN_DEFAULT || c->state == state;
}

static const struct consent all_failed = {
	"outbox drop", "drop", "failed", "messages that failed",
	"numbers, or --all: all that failed; 'tgrun outbox list' shows them"
};

/* All that failed are meant by --all, what waits by its number only. */
static int check_many(const struct outbox *o, struct err *err)
{
	const struct config *c = &o->setup->config;
	const char *verb = verbs[o->verb];
	if (o->verb == LIST || o->verb == SHOW)
		return c->all ? err_set(err, ERR_USAGE, "'tgrun outbox %s' takes no --all", verb)
			      : 0;
	if (!wants(o, STATE_FAILED))
		return err_set(
			err, ERR_USAGE,
			o->verb == RETRY
				? "'tgrun outbox %s' takes what failed: all else is sent anyway"
				: "'tgrun outbox %s' takes what waits by its number only",
			verb);
	if (o->verb == DROP)
		return consent_check(c, o->count, &all_failed, err);
	if (c->all == (o->count > 0))
		return err_set(err, ERR_USAGE, "'tgrun outbox %s' takes %s", verb,
			       all_failed.takes);
	return 0;
}

static int parse(struct outbox *o, struct err *err)
{
	const struct config *c = &o->setup->config;
	int v = client_verb(c, verbs, sizeof verbs / sizeof *verbs, err);
	if (v < 0)
		return -1;
	o->verb = (enum verb)v;
	if (listing_check(c, o->verb == LIST, "outbox", verbs[v], err))
		return -1;
	if (client_numbers(&c->arguments, 1, "a message; 'tgrun outbox list' shows them",
			   &o->numbers, &o->count, err))
		return -1;
	if (o->verb == LIST && o->count)
		return err_set(err, ERR_USAGE,
			       "'tgrun outbox list' takes no number; use 'tgrun outbox show %s'",
			       c->arguments.items[1]);
	if (o->verb == SHOW && o->count != 1)
		return err_set(err, ERR_USAGE, "'tgrun outbox show' takes one number");
	if (o->verb == SHOW && config_origin(c, &c->state) != ORIGIN_DEFAULT)
		return err_set(err, ERR_USAGE, "'tgrun outbox show' takes no --state");
	return check_many(o, err);
}

/* ---- what is printed ---- */

static void list_entry(struct outbox *o, const cJSON *entry)
{
	static const char *const heads[] = { "NUMBER", "STATE", "MADE", "METHOD", "CHAT", "" };
	const struct listing *l = &o->list;
	const size_t widths[] = { listing_width(l, 8, 7),   listing_width(l, 9, 8),
				  listing_width(l, 10, 22), listing_width(l, 20, 0),
				  listing_width(l, 16, 0),  0 };
	char time[LISTING_TIME_MAX];
	struct row r;
	listing_head(l, heads, widths, 6);
	row_begin(&r, l->columns);
	row_addf(&r, widths[0], "%.0f", json_number(entry, "number"));
	row_add(&r, widths[1], SIZE_MAX, json_text(entry, "state"));
	row_add(&r, widths[2], SIZE_MAX, listing_time(l, json_text(entry, "created"), time));
	row_add(&r, widths[3], SIZE_MAX, json_text(entry, "method"));
	row_add(&r, widths[4], CHAT_SHOWN, json_text(entry, "chat"));
	if (json_true(entry, "bulk"))
		row_add(&r, 0, SIZE_MAX, "bulk");
	if (json_number(entry, "calls") > 1)
		row_addf(&r, 0, "with %.0f more", json_number(entry, "calls") - 1);
	if (json_text(entry, "due")[0])
		row_addf(&r, 0, "%s%s", l->columns ? "" : "not before ",
			 listing_time(l, json_text(entry, "due"), time));
	row_add(&r, 0, REASON_SHOWN, json_text(entry, "reason"));
	print_row(&r, "\n");
}

static void show_text(const char *name, const cJSON *entry, const char *member)
{
	const char *text = json_text(entry, member);
	if (text[0])
		print_line(stdout, "%-9s %s", name, text);
}

static void show_call(const char *line, const cJSON *call)
{
	const cJSON *file = json_member(call, "file"), *common = json_member(call, "common");
	print_line(stdout, "number    %.0f", json_number(call, "number"));
	show_text("state", call, "state");
	show_text("chat", call, "chat");
	show_text("method", call, "method");
	show_text("created", call, "created");
	show_text("due", call, "due");
	show_text("expires", call, "expires");
	show_text("failed", call, "failed");
	show_text("reason", call, "reason");
	if (json_has_number(call, "code"))
		print_line(stdout, "code      %.0f", json_number(call, "code"));
	if (file)
		print_line(stdout, "file      %s, %.0f bytes", json_text(file, "name"),
			   json_number(file, "bytes"));
	char *text = common ? cJSON_PrintUnformatted(common) : NULL;
	if (text)
		print_line(stdout, "common    %s", text);
	cJSON_free(text);
	client_print_last(line, "params");
}

static void print_entry(struct outbox *o, const char *line, const cJSON *entry)
{
	int state = STATE_FAILED;
	while (state > 0 && strcmp(json_text(entry, "state"), states[state]) != 0)
		state--;
	if (!wants(o, state) || (o->verb == LIST && !listing_wants(&o->list, entry)))
		return;
	if (o->setup->config.json)
		print_json(line);
	else if (o->verb == LIST)
		list_entry(o, entry);
	else
		show_call(line, entry);
	o->shown++;
}

static void print_change(struct outbox *o, const char *line, long long number, const cJSON *answer)
{
	bool retry = o->verb == RETRY, json = o->setup->config.json;
	if (!json_true(answer, "ok")) {
		o->missing++;
		if (json_true(answer, "sending"))
			print_line(stderr, "tgrun: message %lld is being sent", number);
		else
			print_line(stderr,
				   retry ? "tgrun: no message %lld failed"
					 : "tgrun: there is no message %lld",
				   number);
		return;
	}
	o->shown++;
	if (json)
		print_json(line);
	else if (retry)
		print_line(stdout, "%lld is to be sent again, as %.0f", number,
			   json_number(answer, "now"));
	else
		print_line(stdout, "%lld dropped", number);
}

/* One line of the answer. */
static int on_line(void *arg, const char *line, size_t n)
{
	struct outbox *o = arg;
	cJSON *json = cJSON_ParseWithLength(line, n);
	if (!json)
		return -1;
	o->touched = true;
	if (json_member(json, "ok"))
		print_change(o, line, (long long)json_number(json, "number"), json);
	else
		print_entry(o, line, json);
	cJSON_Delete(json);
	return o->verb == LIST && listing_full(&o->list);
}

/* What was named and is not there, or that there is nothing. */
static void tell_nothing(struct outbox *o, const struct statedir *dir)
{
	for (size_t i = 0; i < o->count; i++)
		print_change(o, "", (long long)o->numbers[i], NULL);
	if (!o->count && !o->setup->config.json)
		client_tell_nothing(o->setup, dir,
				    o->verb != LIST             ? "nothing failed"
				    : listing_filters(&o->list) ? "nothing of that is in the outbox"
								: "the outbox is empty");
}

/* ---- what is asked ---- */

static int list(struct outbox *o, struct statedir *dir, struct err *err)
{
	int rc = 0;
	if (wants(o, STATE_WAITING) || wants(o, STATE_SENDING))
		rc = client_list(o->setup, dir, "outbox-list", on_line, o, err);
	if (rc == 0 && wants(o, STATE_FAILED) && !listing_full(&o->list))
		rc = client_list(o->setup, dir, "outbox-failed", on_line, o, err);
	return rc;
}

static int work(struct outbox *o, struct statedir *dir, struct err *err)
{
	static const char *const requests[] = { "", "outbox-show", "outbox-retry", "outbox-drop" };
	const struct client_work work = { requests[o->verb], o->numbers, o->count,
					  on_line,           o,          &o->touched };
	return client_work(o->setup, dir, &work, err);
}

/* Does it, if that is meant. 0, or -1 with `err`. */
static int act(struct outbox *o, struct statedir *dir, struct err *err)
{
	int rc = o->verb == DROP && !o->count ? consent_ask(o->setup, dir, &all_failed, err) : 0;
	o->refused = rc > 0;
	if (rc)
		return rc < 0 ? -1 : 0;
	if (o->verb == LIST)
		rc = list(o, dir, err);
	else
		rc = work(o, dir, err);
	if (rc == 0 && !o->shown && !o->missing)
		tell_nothing(o, dir);
	return rc;
}

int cmd_outbox(struct setup *s)
{
	struct err err = { 0 };
	struct outbox o = { .setup = s };
	struct statedir *dir = NULL;
	int rc = parse(&o, &err);
	listing_begin(&o.list, &s->config,
		      &(struct listing_names){ "chat", "method", "created", "reason" });
	if (o.verb == LIST || o.verb == SHOW)
		print_with_reader();
	rc = rc || client_open(s, &dir, &err) || act(&o, dir, &err) || print_end(&err);
	statedir_close(dir);
	free(o.numbers);
	return rc ? cmd_fail(&err) : o.missing || o.refused ? 1 : 0;
}
