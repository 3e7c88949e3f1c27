/* cli/client/cmd_control: status, stop, pause, resume, reload and drain: one request each to the
 * tgrun that runs, and status --all to each of this machine. Invariant: they change nothing when
 * none runs, and say so with status 69. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client/client.h"
#include "cli/client/keyboard.h"
#include "cli/client/place.h"
#include "cli/client/status.h"
#include "cli/client/watch.h"
#include "cli/cmd.h"
#include "cli/print.h"

enum {
	STEP = 50,
	STEPS_TO_ASK = 100,
	WATCH_STEP = 1000,
	KEY_SHOWN = 48,
	RUNNING_SHOWN = 20,
	ERROR_SHOWN = 200
};

static void print_one(void *arg, const char *word, const char *phrase)
{
	(void)arg, (void)word;
	print_line(stdout, "trouble: %s", phrase);
}

/* What keeps it from working as usual. */
static void print_trouble(const cJSON *s)
{
	if (strcmp(json_text(s, "state"), "paused") == 0)
		print_line(
			stdout,
			"paused: fetching goes on, no handler is started; 'tgrun resume' ends it");
	status_troubles(s, print_one, NULL);
	if (json_text(s, "last_error")[0]) {
		print_part(stdout, "last error: %s  ", json_text(s, "last_error_at"));
		print_cut(stdout, json_text(s, "last_error"), ERROR_SHOWN);
		print_line(stdout, "%s", "");
	}
}

static void print_routes(const cJSON *s)
{
	const cJSON *routes = json_member(s, "routes"), *one;
	cJSON_ArrayForEach(one, routes)
	{
		const char *match = json_text(one, "match"), *mode = json_text(one, "mode");
		if (cJSON_GetArraySize(routes) == 1 && strcmp(mode, "exec") == 0)
			return;
		print_part(stdout, "  %-20s %s, %.0f running", match[0] ? match : "(handler)", mode,
			   json_number(one, "running"));
		if (strcmp(mode, "worker") == 0)
			print_part(
				stdout,
				", %.0f processes (%.0f ready), room for %.0f, %.0f died, %.0f replaced",
				json_number(one, "processes"), json_number(one, "ready"),
				json_number(one, "capacity"), json_number(one, "deaths"),
				json_number(one, "recycled"));
		print_line(stdout, "%s", "");
	}
}

static void print_updates(const cJSON *s)
{
	const cJSON *one;
	char took[CLIENT_SECONDS_MAX];
	int shown = 0;
	cJSON_ArrayForEach(one, json_member(s, "running"))
	{
		if (shown++ == RUNNING_SHOWN) {
			print_line(stdout, "  running  and more");
			break;
		}
		print_part(stdout, "  running  ");
		print_part(stdout, "%s", client_seconds(json_number(one, "seconds"), took));
		print_part(stdout, "  update %.0f (number %.0f), attempt %.0f  ",
			   json_number(one, "update_id"), json_number(one, "number"),
			   json_number(one, "attempt"));
		print_cut(stdout, json_text(one, "key"), KEY_SHOWN);
		if (json_member(one, "worker"))
			print_part(stdout, "  worker %.0f", json_number(one, "worker"));
		print_line(stdout, "%s", "");
	}
	cJSON_ArrayForEach(one, json_member(s, "keys"))
	{
		print_part(stdout, "  waiting  %.0f  ", json_number(one, "waiting"));
		print_cut(stdout, json_text(one, "key"), KEY_SHOWN);
		print_line(stdout, "%s", "");
	}
}

static void print_status(const cJSON *s)
{
	const char *name = json_text(s, "bot_username");
	char age[CLIENT_SECONDS_MAX];
	print_part(stdout, "%s: bot %.0f%s", json_text(s, "state"), json_number(s, "bot_id"),
		   name[0] ? " @" : "");
	print_cut(stdout, name, KEY_SHOWN);
	print_line(stdout, ", process %.0f, up %s", json_number(s, "pid"),
		   client_seconds(json_number(s, "uptime"), age));
	print_line(stdout,
		   "received %.0f (%.0f repeated, %.0f ignored, %.0f of strangers), "
		   "%.0f polls (%.0f failed)",
		   json_number(s, "received"), json_number(s, "repeated"),
		   json_number(s, "ignored"), json_number(s, "strangers"), json_number(s, "polls"),
		   json_number(s, "poll_failures"));
	print_line(
		stdout,
		"done %.0f, failed %.0f, retried %.0f, skipped %.0f, cancelled %.0f, dead letters %.0f; %.2f handled a second",
		json_number(s, "done"), json_number(s, "failed"), json_number(s, "retried"),
		json_number(s, "skipped"), json_number(s, "cancelled"),
		json_number(s, "dead_letters"), json_number(s, "rate"));
	print_part(stdout, "running %.0f of %.0f, waiting %.0f (%.0f ready)",
		   json_number(s, "running_count"), json_number(s, "concurrency"),
		   json_number(s, "waiting"), json_number(s, "ready"));
	if (json_number(s, "oldest_waiting_seconds") > 0)
		print_part(stdout, ", the oldest for %s",
			   client_seconds(json_number(s, "oldest_waiting_seconds"), age));
	print_line(stdout, "%s", "");
	print_routes(s);
	print_updates(s);
	print_trouble(s);
}

/* The status as the runner tells it, one of several: whose it is comes first. */
static int print_json_of(const char *state_dir, const char *text, size_t n)
{
	struct buf line;
	buf_init(&line, SIZE_MAX);
	int rc = buf_addc(&line, '{') || json_add_text(&line, "state_dir", state_dir) ||
				 buf_addc(&line, ',') || buf_add(&line, text + 1, n - 1)
			 ? -1
			 : 0;
	if (rc == 0)
		print_json(line.data);
	buf_release(&line);
	return rc;
}

static int on_line(void *arg, const char *text, size_t n)
{
	const struct setup *s = arg;
	int rc = 0;
	cJSON *answer = cJSON_ParseWithLength(text, n);
	if (!answer)
		return -1;
	if (s->config.json && s->config.all) {
		rc = print_json_of(s->state_dir, text, n);
	} else if (s->config.json) {
		print_json(text);
	} else {
		if (s->config.all)
			print_line(stdout, "==> %s <==", s->state_dir);
		print_status(answer);
	}
	cJSON_Delete(answer);
	return rc;
}

/* The configuration was refused: why, and with which status a start would end. */
static int on_refusal(void *arg, const char *text, size_t n)
{
	struct err *refusal = arg;
	cJSON *answer = cJSON_ParseWithLength(text, n);
	const char *why = json_text(answer, "refused");
	int rc = *why ? 0 : -1;
	if (rc == 0)
		err_set(refusal, (int)json_number(answer, "status"),
			"the configuration is refused, and the old one stays: %s", why);
	cJSON_Delete(answer);
	return rc;
}

static int reload(struct statedir *dir, struct err *err)
{
	struct err refusal = { 0 };
	if (client_ask(dir, "{\"verb\":\"reload\"}", on_refusal, &refusal, err))
		return -1;
	return refusal.status ? err_set(err, refusal.status, "%s", refusal.text) : 0;
}

/* Until the runner ends, or whoever watches has seen enough. */
static int watch(struct setup *s, struct statedir *dir, struct err *err)
{
	if (!s->config.json && keyboard_can())
		return watch_run(dir, err);
	for (;;) {
		if (client_ask(dir, "{\"verb\":\"status\"}", on_line, s, err) || print_end(err))
			return -1;
		client_wait(WATCH_STEP);
	}
}

/* Until the runner and the last of its slots are gone, or it does not answer any more. */
static int wait_for_end(struct statedir *dir, struct err *err)
{
	pid_t holder;
	int rc = 0;
	for (int step = 1; statedir_runs(dir, &holder) || (rc = statedir_lock_slots(dir, err)) == 0;
	     step++) {
		if (step % STEPS_TO_ASK == 0 &&
		    client_ask(dir, "{\"verb\":\"status\"}", NULL, NULL, err) &&
		    err->status == ERR_TEMPFAIL)
			return -1;
		client_wait(STEP);
	}
	return rc < 0 ? -1 : 0;
}

/* What `status` prints is one thing. 0, or -1 with `err`. */
static int check_options(const struct config *c, struct err *err)
{
	bool ages = config_origin(c, &c->oldest) != ORIGIN_DEFAULT ||
		    config_origin(c, &c->max_dead) != ORIGIN_DEFAULT;
	if (c->check + c->prometheus + c->watch > 1 || (c->json && (c->check || c->prometheus)))
		return err_set(err, ERR_USAGE,
			       "of --check, --prometheus and --watch one can be given, and --json "
			       "goes with neither of the first two");
	if (ages && !c->check)
		return err_set(err, ERR_USAGE, "--oldest and --max-dead are of --check");
	if (c->output && !c->prometheus)
		return err_set(err, ERR_USAGE, "--output is of --prometheus");
	if (c->all && (c->watch || c->prometheus))
		return err_set(err, ERR_USAGE,
			       "--all goes with neither --watch nor --prometheus; 'tgrun list' "
			       "tells of all bots, tgrun-metrics.socket has the metrics of all");
	const void *const names[] = { &c->state_dir, &c->token, &c->token_file };
	for (size_t i = 0; c->all && i < sizeof names / sizeof *names; i++)
		if (config_origin(c, names[i]) == ORIGIN_ARGUMENT)
			return err_set(
				err, ERR_USAGE,
				"--all is of all bots of this machine: name none besides it");
	return 0;
}

/* Asks the runner of the bot that is meant: the exit status. */
static int ask_one(struct setup *s)
{
	struct err err = { 0 };
	struct statedir *dir;
	char request[64];
	bool well = true;
	int64_t patience = s->config.all ? CLIENT_HURRY : 0;
	snprintf(request, sizeof request, "{\"verb\":\"%s\"}",
		 options_command_name(s->config.command));
	int rc = client_open(s, &dir, &err);
	if (rc == 0 && !dir)
		rc = client_none_runs(s->state_dir, &err);
	if (rc == 0)
		rc = s->config.watch        ? watch(s, dir, &err)
		     : s->config.check      ? status_check(s, dir, &err)
		     : s->config.prometheus ? status_metrics(s, dir, &err)
		     : s->config.command == COMMAND_RELOAD
			     ? reload(dir, &err)
			     : client_ask_within(dir, request, patience, on_line, s, &err);
	if (s->config.check && rc > 0) {
		well = false;
		rc = 0;
	}
	if (rc == 0 && s->config.wait)
		rc = wait_for_end(dir, &err);
	if (rc == 0)
		rc = print_end(&err);
	statedir_close(dir);
	if (rc && s->config.all && s->state_dir) {
		struct err why = err;
		err_set(&err, why.status, "%s: %s", s->state_dir, why.text);
	}
	return rc ? cmd_fail(&err) : well ? 0 : 1;
}

/* The one in `path`; the process ends then. */
static int ask_in(void *arg, const char *path)
{
	struct setup *s = arg;
	s->config.state_dir = (char *)path;
	return ask_one(s);
}

/* One after the other; one that is not well keeps no other from being asked. The highest of their
 * exit statuses. */
static int ask_all(struct setup *s)
{
	struct err err = { 0 };
	struct texts found = { 0 };
	int worst = 0, rc = place_look(&found, &err);
	if (rc == 0 && !found.count)
		rc = err_set(&err, ERR_UNAVAILABLE,
			     "no bot has its state in one of the usual places");
	for (size_t i = 0; rc == 0 && i < found.count && worst < 128; i++) {
		int status = place_apart(ask_in, s, found.items[i], &err);
		rc = status < 0 ? -1 : 0;
		worst = status > worst ? status : worst;
	}
	place_release(&found);
	return rc ? cmd_fail(&err) : worst;
}

int cmd_control(struct setup *s)
{
	struct err err = { 0 };
	if (s->config.command == COMMAND_STATUS)
		print_with_reader();
	if (check_options(&s->config, &err))
		return cmd_fail(&err);
	return s->config.all ? ask_all(s) : ask_one(s);
}
