/* cli/client/cmd_dead: list, show, retry, drop dead letters. While a runner works, the request
 * goes to its control socket, so a retried update is handled at once; else to the store itself.
 * Both answer by the rows of queue/verbs.h, and all printing is of the lines of such an answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client/consent.h"
#include "cli/client/listing.h"
#include "cli/cmd.h"
#include "cli/print.h"

enum { KEY_SHOWN = 48, REASON_SHOWN = 160 };

enum verb { LIST, SHOW, RETRY, DROP };

/* As on the command line, and as rows of queue/verbs.h. */
static const char *const verbs[] = { "list", "show", "retry", "drop" };
static const char *const requests[] = { "dead-list", "dead-show", "dead-retry", "dead-drop" };

struct dead {
	struct setup *setup;
	enum verb verb;
	int64_t *numbers;
	size_t count; /* 0: all (retry, drop), none given */
	bool by_id;   /* show: the letters of the update `id` of Telegram's */
	int64_t id;
	struct listing list;
	size_t shown, missing;
	bool touched, refused; /* all are not to go */
};

static const struct consent all_letters = {
	"dead drop", "drop", "dead", "dead letters",
	"numbers, or --all: all dead letters, which 0.1.0 dropped without it; 'tgrun dead list' "
	"shows them"
};

/* All are meant by --all; of `retry` also without it. */
static int check_all(const struct dead *d, struct err *err)
{
	const struct config *c = &d->setup->config;
	if (d->verb == DROP)
		return consent_check(c, d->count, &all_letters, err);
	if (!c->all || (d->verb == RETRY && !d->count))
		return 0;
	return err_set(err, ERR_USAGE,
		       d->verb == RETRY ? "'tgrun dead %s' takes numbers, or --all"
					: "'tgrun dead %s' takes no --all",
		       verbs[d->verb]);
}

static int parse_verb(struct dead *d, struct err *err)
{
	const struct texts *args = &d->setup->config.arguments;
	int v = client_verb(&d->setup->config, verbs, sizeof verbs / sizeof *verbs, err);
	if (v < 0)
		return -1;
	d->verb = (enum verb)v;
	if (listing_check(&d->setup->config, d->verb == LIST, "dead", verbs[v], err))
		return -1;
	d->by_id = d->verb == SHOW && args->count == 2 && client_read_id(args->items[1], &d->id);
	if (d->by_id)
		return check_all(d, err);
	if (client_numbers(args, 1, "a dead letter; 'tgrun dead list' shows them", &d->numbers,
			   &d->count, err))
		return -1;
	if (d->verb == LIST && d->count)
		return err_set(err, ERR_USAGE,
			       "'tgrun dead list' takes no number; use 'tgrun dead show %s'",
			       args->items[1]);
	if (d->verb == SHOW && d->count != 1)
		return err_set(err, ERR_USAGE, "'tgrun dead show' takes one number");
	return check_all(d, err);
}

static void list_letter(struct dead *d, const cJSON *letter)
{
	static const char *const heads[] = { "NUMBER", "DIED", "KIND", "KEY", "REASON" };
	const struct listing *l = &d->list;
	const size_t widths[] = { listing_width(l, 8, 6), listing_width(l, 10, 22),
				  listing_width(l, 16, 0), listing_width(l, 22, 0), 0 };
	char time[LISTING_TIME_MAX];
	struct row r;
	listing_head(l, heads, widths, 5);
	row_begin(&r, l->columns);
	row_addf(&r, widths[0], "%.0f", json_number(letter, "number"));
	row_add(&r, widths[1], SIZE_MAX, listing_time(l, json_text(letter, "died"), time));
	row_add(&r, widths[2], KEY_SHOWN, json_text(letter, "kind"));
	row_add(&r, widths[3], l->columns ? KEY_SHOWN : SIZE_MAX, json_text(letter, "key"));
	row_add(&r, 0, REASON_SHOWN, json_text(letter, "reason"));
	print_row(&r, "\n");
}

/* A text of several lines: those after the first behind `indent`. */
static void print_lines(const char *text, const char *indent)
{
	for (const char *lf; (lf = strchr(text, '\n')); text = lf + 1) {
		print_line(stdout, "%.*s", (int)(lf - text), text);
		print_part(stdout, "%s", indent);
	}
	print_line(stdout, "%s", text);
}

static void show_letter(const char *line, const cJSON *letter)
{
	print_line(stdout, "number    %.0f", json_number(letter, "number"));
	if (json_has_number(letter, "update_id"))
		print_line(stdout, "update    %.0f", json_number(letter, "update_id"));
	print_line(stdout, "kind      %s", json_text(letter, "kind"));
	print_line(stdout, "key       %s", json_text(letter, "key"));
	print_line(stdout, "attempts  %.0f", json_number(letter, "attempts"));
	print_line(stdout, "received  %s", json_text(letter, "received"));
	print_line(stdout, "died      %s", json_text(letter, "died"));
	print_line(stdout, "reason    %s", json_text(letter, "reason"));
	print_part(stdout, "stderr    ");
	print_lines(json_text(letter, "stderr"), "          ");
	client_print_last(line, "update");
}

static void print_letter(struct dead *d, const char *line, const cJSON *letter)
{
	if (d->verb == LIST && !listing_wants(&d->list, letter))
		return;
	d->shown++;
	if (d->setup->config.json)
		print_json(line);
	else if (d->verb == SHOW)
		show_letter(line, letter);
	else
		list_letter(d, letter);
}

static void print_change(struct dead *d, int64_t number, bool done)
{
	if (!done) {
		d->missing++;
		print_line(stderr, "tgrun: there is no dead letter %lld", (long long)number);
		return;
	}
	d->shown++;
	if (!d->setup->config.json)
		print_line(stdout, "%lld %s", (long long)number,
			   d->verb == RETRY ? "is to be handled again" : "dropped");
	else
		print_line(stdout, "{\"number\":%lld}", (long long)number);
}

/* One line of the answer. */
static int on_line(void *arg, const char *line, size_t n)
{
	struct dead *d = arg;
	cJSON *json = cJSON_ParseWithLength(line, n);
	const cJSON *ok = json_member(json, "ok");
	const cJSON *number = json_member(json, "number");
	if (!json)
		return -1;
	d->touched = true;
	if (ok && number)
		print_change(d, (int64_t)number->valuedouble, cJSON_IsTrue(ok));
	else if (number)
		print_letter(d, line, json);
	cJSON_Delete(json);
	return d->verb == LIST && listing_full(&d->list);
}

/* What was named and is not there, when there is no store to say so. */
static void tell_missing(struct dead *d, const struct statedir *dir)
{
	for (size_t i = 0; i < d->count; i++)
		print_change(d, d->numbers[i], false);
	if (d->by_id && !d->count) {
		d->missing++;
		print_line(stderr, "tgrun: there is no dead letter of update %lld",
			   (long long)d->id);
	} else if (!d->count && !d->setup->config.json) {
		client_tell_nothing(d->setup, dir,
				    listing_filters(&d->list) ? "no such dead letters"
							      : "no dead letters");
	}
}

/* Telegram may use an id again: each of them is shown. */
static int show_by_id(struct dead *d, struct statedir *dir, struct client_work work,
		      struct err *err)
{
	int rc = client_find_id(d->setup, dir, requests[LIST], d->id, &d->numbers, &d->count, err);
	for (size_t i = 0; rc == 0 && i < d->count; i++) {
		work.numbers = d->numbers + i;
		rc = client_work(d->setup, dir, &work, err);
	}
	return rc;
}

/* Does it, if that is meant. 0, or -1 with `err`. */
static int act(struct dead *d, struct statedir *dir, struct err *err)
{
	struct client_work work = {
		requests[d->verb], d->numbers, d->count, on_line, d, &d->touched
	};
	int rc = d->verb == DROP && !d->count ? consent_ask(d->setup, dir, &all_letters, err) : 0;
	d->refused = rc > 0;
	if (rc)
		return rc < 0 ? -1 : 0;
	if (d->by_id)
		rc = show_by_id(d, dir, work, err);
	else if (d->verb == LIST)
		rc = client_list(d->setup, dir, requests[LIST], on_line, d, err);
	else
		rc = client_work(d->setup, dir, &work, err);
	if (rc == 0 && !d->shown && !d->missing)
		tell_missing(d, dir);
	return rc;
}

int cmd_dead(struct setup *s)
{
	struct err err = { 0 };
	struct dead d = { .setup = s };
	struct statedir *dir = NULL;
	int rc = parse_verb(&d, &err);
	listing_begin(&d.list, &s->config,
		      &(struct listing_names){ "key", "kind", "died", "reason" });
	if (d.verb == LIST || d.verb == SHOW)
		print_with_reader();
	rc = rc || client_open(s, &dir, &err) || act(&d, dir, &err) || print_end(&err);
	int status = rc ? cmd_fail(&err) : d.missing || d.refused ? 1 : 0;
	statedir_close(dir);
	free(d.numbers);
	return status;
}
