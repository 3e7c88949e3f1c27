/* cli/client/status: what a runner says of itself comes in; whether that is well, and its metrics,
 * go out. Invariant: to be paused, and each flag of the status that says that something fails, is
 * not well. */
#include "cli/client/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/client/beside.h"
#include "cli/client/client.h"
#include "cli/print.h"

enum { TROUBLE_SHOWN = 200, LINE_MAX_BYTES = 16384, METRICS_MODE = 0644 };

void status_troubles(const cJSON *status, status_told *told, void *arg)
{
	static const struct {
		const char *name, *word, *text;
	} flags[] = {
		{ "breaker_open", "breaker",
		  "the handler fails on everything: one is tried at a time" },
		{ "start_failing", "handler", "the handler cannot be started" },
		{ "store_failing", "store", "the state cannot be written" },
		{ "state_gone", "state", "the state is gone or spoilt: fetching pauses" },
		{ "backlog_full", "backlog", "the backlog is full: fetching pauses" },
		{ "disk_low", "disk", "the disk is almost full: fetching pauses" },
		{ "outbox_full", "outbox", "the outbox is full: no handler starts" },
		{ "token_refused", "token", "nothing is sent: the server refuses the token" },
	};
	const cJSON *source = json_member(status, "source");
	const char *trouble = json_text(source, "trouble");
	char text[TROUBLE_SHOWN + 64];
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (json_true(status, flags[i].name))
			told(arg, flags[i].word, flags[i].text);
	if (!json_true(source, "failing"))
		return;
	snprintf(text, sizeof text, "cannot fetch: %.*s%s", TROUBLE_SHOWN, trouble,
		 strlen(trouble) > TROUBLE_SHOWN ? "..." : "");
	told(arg, "deaf", text);
}

/* ---- --check ---- */

struct check {
	const struct config *config;
	struct buf line; /* what is wrong */
};

static void add(void *arg, const char *word, const char *phrase)
{
	struct check *c = arg;
	(void)word;
	/* Of a line that is full the beginning says enough. */
	if (buf_adds(&c->line, c->line.len ? "; " : "degraded: ") == 0)
		buf_adds(&c->line, phrase);
}

/* Whether an age in seconds is more than --oldest. */
static bool too_old(const struct check *c, double seconds)
{
	return c->config->oldest && seconds * 1000 > (double)c->config->oldest;
}

static void check_ages(struct check *c, const cJSON *status)
{
	char age[CLIENT_SECONDS_MAX], text[128];
	double oldest = json_number(status, "oldest_waiting_seconds");
	double outbox = json_number(status, "outbox_oldest_seconds");
	double letters = json_number(status, "dead_letters");
	if (too_old(c, oldest)) {
		snprintf(text, sizeof text, "the oldest update has waited for %s",
			 client_seconds(oldest, age));
		add(c, "", text);
	}
	/* A message may wait for its chat, which the server told to; not for the server. */
	if (too_old(c, outbox) && json_true(status, "sending_failing")) {
		snprintf(text, sizeof text, "messages cannot be sent, the oldest has waited for %s",
			 client_seconds(outbox, age));
		add(c, "", text);
	}
	if (c->config->max_dead >= 0 && letters > c->config->max_dead) {
		snprintf(text, sizeof text, "%.0f dead letters", letters);
		add(c, "", text);
	}
}

static int on_status(void *arg, const char *text, size_t n)
{
	struct check *c = arg;
	cJSON *status = cJSON_ParseWithLength(text, n);
	if (!status)
		return -1;
	if (json_true(status, "paused"))
		add(c, "", "paused: no handler is started until 'tgrun resume'");
	status_troubles(status, add, c);
	check_ages(c, status);
	cJSON_Delete(status);
	return 0;
}

int status_check(struct setup *s, struct statedir *dir, struct err *err)
{
	struct check c = { .config = &s->config };
	buf_init(&c.line, LINE_MAX_BYTES);
	int64_t patience = s->config.all ? CLIENT_HURRY : 0;
	int rc = client_ask_within(dir, "{\"verb\":\"status\"}", patience, on_status, &c, err);
	bool well = c.line.len == 0;
	if (rc == 0 && !well)
		print_line(stdout, "%s%s%s", s->config.all ? s->state_dir : "",
			   s->config.all ? ": " : "", buf_str(&c.line));
	buf_release(&c.line);
	return rc ? -1 : !well;
}

/* ---- --prometheus ---- */

static int on_metrics(void *arg, const char *text, size_t n)
{
	cJSON *answer = cJSON_ParseWithLength(text, n);
	const char *line = json_text(answer, "text");
	int rc = *line ? 0 : -1;
	for (size_t length; *line; line += length + (line[length] == '\n')) {
		length = strcspn(line, "\n");
		print_line(arg, "%.*s", (int)length, line);
	}
	cJSON_Delete(answer);
	return rc;
}

static int ask_for_metrics(struct statedir *dir, FILE *to, struct err *err)
{
	return client_ask(dir, "{\"verb\":\"metrics\"}", on_metrics, to, err);
}

int status_metrics(struct setup *s, struct statedir *dir, struct err *err)
{
	const char *path = s->config.output;
	struct beside file;
	if (!path || strcmp(path, "-") == 0)
		return ask_for_metrics(dir, stdout, err);
	if (beside_open(&file, path, err))
		return -1;
	/* Who collects it is another user, and it holds no secret. */
	FILE *to = !file.name || fchmod(file.fd, METRICS_MODE) == 0 ? fdopen(dup(file.fd), "w")
								    : NULL;
	int rc = to ? ask_for_metrics(dir, to, err)
		    : err_sys(err, ERR_CANTCREATE, errno, "cannot write '%s'", path);
	if (to && fclose(to) && rc == 0)
		rc = err_sys(err, err_of_disk(errno), errno, "cannot write '%s'", path);
	struct err why;
	if (beside_end(&file, rc == 0, rc ? &why : err))
		rc = -1;
	return rc ? -1 : 0;
}
