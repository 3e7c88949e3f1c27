/* cli/cmd_control: status, stop, pause, resume and drain: one request to the running tgrun each, over its control socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/options_table.h"

enum { STEP = 50, WATCH_STEP = 1000, KEY_SHOWN = 48, KEYS_SHOWN = 10, ERROR_SHOWN = 200 };

struct talk {
	struct setup *setup;
	bool refused;
};

static void wait_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&ts, NULL);
}

static void print_duration(double seconds)
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

static void print_status(const cJSON *s)
{
	const cJSON *one;
	int shown = 0;
	printf("bot %.0f @%s  process %.0f  up ", client_number(s, "bot_id"), client_text(s, "bot_username"), client_number(s, "pid"));
	print_duration(client_number(s, "uptime"));
	printf("  %s\n", client_text(s, "state"));
	printf("handled %.0f  failed %.0f  retried %.0f  skipped %.0f  ignored %.0f  dead letters %.0f\n", client_number(s, "done"),
	       client_number(s, "failed"), client_number(s, "retried"), client_number(s, "skipped"), client_number(s, "ignored"),
	       client_number(s, "dead_letters"));
	printf("received %.0f  polls %.0f (%.0f failed)  last minute: %.2f handled a second\n", client_number(s, "received"),
	       client_number(s, "polls"), client_number(s, "poll_failures"), client_number(s, "rate"));
	printf("running %.0f of %.0f  waiting %.0f (%.0f ready)\n", client_number(s, "running_count"), client_number(s, "concurrency"),
	       client_number(s, "waiting"), client_number(s, "ready"));
	cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(s, "running")) {
		printf("  running ");
		print_duration(client_number(one, "seconds"));
		printf("  update %.0f  attempt %.0f  ", client_number(one, "update_id"), client_number(one, "attempt"));
		client_print(client_text(one, "key"), KEY_SHOWN);
		putchar('\n');
	}
	cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(s, "keys")) {
		if (shown++ == KEYS_SHOWN)
			break;
		printf("  waiting %-6.0f ", client_number(one, "waiting"));
		client_print(client_text(one, "key"), KEY_SHOWN);
		putchar('\n');
	}
	if (client_text(s, "last_error")[0]) {
		printf("last error: ");
		client_print(client_text(s, "last_error"), ERROR_SHOWN);
		putchar('\n');
	}
}

static int on_line(void *arg, const char *text, size_t n)
{
	struct talk *t = arg;
	cJSON *answer = cJSON_ParseWithLength(text, n);
	const char *error = client_text(answer, "error");
	if (error[0]) {
		fputs("tgrun: ", stderr);
		fprintf(stderr, "%s\n", error);
		t->refused = true;
	} else if (cJSON_GetObjectItemCaseSensitive(answer, "pid")) {
		if (t->setup->config.json)
			puts(text);
		else
			print_status(answer);
	}
	cJSON_Delete(answer);
	return 0;
}

static int watch(struct talk *t, struct statedir *dir, struct err *err)
{
	for (;;) {
		if (!t->setup->config.json && isatty(STDOUT_FILENO))
			fputs("\033[H\033[2J", stdout);
		if (client_ask(dir, "{\"verb\":\"status\"}", on_line, t, err))
			return -1;
		if (fflush(stdout))
			return err_sys(err, ERR_IO, errno, "cannot write the output");
		wait_ms(WATCH_STEP);
	}
}

/* Until the runner and its last slot are gone. */
static int wait_for_end(struct statedir *dir, struct err *err)
{
	pid_t holder;
	int rc;
	while (statedir_runs(dir, &holder) || (rc = statedir_lock_slots(dir, err)) == 0)
		wait_ms(STEP);
	return rc < 0 ? -1 : 0;
}

int cmd_control(struct setup *s)
{
	struct err err = { 0 };
	struct talk talk = { .setup = s };
	struct statedir *dir;
	char request[64];
	snprintf(request, sizeof request, "{\"verb\":\"%s\"}", options_command_name(s->config.command));
	int rc = client_open(s, &dir, &err);
	if (rc == 0 && !dir)
		rc = err_set(&err, ERR_UNAVAILABLE, "no tgrun runs with the state directory '%s'", s->state_dir);
	if (rc == 0)
		rc = s->config.watch ? watch(&talk, dir, &err) : client_ask(dir, request, on_line, &talk, &err);
	if (rc == 0 && !talk.refused && s->config.wait)
		rc = wait_for_end(dir, &err);
	if (rc == 0 && fflush(stdout))
		rc = err_sys(&err, ERR_IO, errno, "cannot write the output");
	statedir_close(dir);
	return rc ? cmd_fail(&err) : talk.refused ? ERR_TEMPFAIL : 0;
}
