/* cli/client/cmd_list: the bots of this machine: the states in the usual places in, a line for each
 * out, with what the tgrun that runs there says of itself. Invariant: nothing is changed or made,
 * and one that does not answer keeps no other from being listed. */
#include <stdio.h>

#include "base/buf.h"
#include "cli/client/client.h"
#include "cli/client/place.h"
#include "cli/cmd.h"
#include "cli/print.h"

enum { LINE_MAX_BYTES = 16384 };

/* What is told of one. */
struct bot {
	const char *path, *state, *why; /* why: "", unless it could not be asked */
	cJSON *status;                  /* NULL: none runs */
};

static int on_status(void *arg, const char *text, size_t n)
{
	struct bot *b = arg;
	cJSON_Delete(b->status);
	b->status = cJSON_ParseWithLength(text, n);
	return b->status ? 0 : -1;
}

static int make_json(const struct bot *b, struct buf *out)
{
	static const char *const numbers[] = { "bot_id", "pid", "waiting", "dead_letters" };
	int rc = buf_addc(out, '{') || json_add_text(out, "state_dir", b->path) ||
		 json_add_text(out, "state", b->state);
	for (size_t i = 0; b->status && i < sizeof numbers / sizeof *numbers; i++)
		rc = rc ||
		     json_add_number(out, numbers[i], (int64_t)json_number(b->status, numbers[i]));
	if (b->status)
		rc = rc ||
		     json_add_text(out, "bot_username", json_text(b->status, "bot_username")) ||
		     json_add_name(out, "uptime") ||
		     buf_addf(out, "%.3f", json_number(b->status, "uptime"));
	if (*b->why)
		rc = rc || json_add_text(out, "error", b->why);
	return rc || buf_addc(out, '}') ? -1 : 0;
}

static const size_t widths[] = { 10, 10, 8, 6 };

static void tell_row(const struct bot *b)
{
	static const char *const numbers[] = { "waiting", "dead_letters" };
	char up[CLIENT_SECONDS_MAX];
	const char *name = json_text(b->status, "bot_username");
	struct row r;
	row_begin(&r, row_terminal());
	row_add(&r, widths[0], SIZE_MAX, b->state);
	row_add(&r, widths[1], SIZE_MAX,
		b->status ? client_seconds(json_number(b->status, "uptime"), up) : "");
	for (int i = 0; i < 2; i++)
		if (b->status)
			row_addf(&r, widths[2 + i], "%.0f", json_number(b->status, numbers[i]));
		else
			row_add(&r, widths[2 + i], 0, "");
	row_add(&r, 0, SIZE_MAX, b->path);
	if (b->status && json_number(b->status, "bot_id") > 0)
		row_addf(&r, 0, "%.0f", json_number(b->status, "bot_id"));
	if (*name)
		row_addf(&r, 0, "@%s", name);
	row_add(&r, 0, SIZE_MAX, b->why);
	print_row(&r, "\n");
}

static void tell_head(void)
{
	static const char *const heads[] = { "STATE", "UP", "WAITING", "DEAD" };
	struct row r;
	row_begin(&r, row_terminal());
	for (size_t i = 0; i < 4; i++)
		row_add(&r, widths[i], SIZE_MAX, heads[i]);
	row_add(&r, 0, SIZE_MAX, "DIRECTORY, BOT");
	print_row(&r, "\n");
}

static void tell(const struct setup *s, const struct bot *b)
{
	struct buf line;
	if (!s->config.json) {
		tell_row(b);
		return;
	}
	buf_init(&line, LINE_MAX_BYTES);
	if (make_json(b, &line) == 0)
		print_json(line.data);
	buf_release(&line);
}

/* Asks the one in `path` and tells of it: the exit status. */
static int list_one(void *arg, const char *path)
{
	const struct setup *s = arg;
	struct err err = { 0 };
	struct bot b = { .path = path, .state = "stopped", .why = "" };
	struct statedir *dir = statedir_visit(path, &err);
	int rc = dir ? client_ask_within(dir, "{\"verb\":\"status\"}", CLIENT_HURRY, on_status, &b,
					 &err)
		     : -1;
	if (rc && err.status && err.status != ERR_UNAVAILABLE) {
		b.state = "unknown";
		b.why = err.text;
	} else if (rc == 0) {
		b.state = json_text(b.status, "state");
	}
	tell(s, &b);
	cJSON_Delete(b.status);
	statedir_close(dir);
	return print_end(&err) ? cmd_fail(&err) : 0;
}

int cmd_list(struct setup *s)
{
	struct err err = { 0 };
	struct texts found = { 0 };
	print_with_reader();
	int rc = place_look(&found, &err);
	if (rc == 0 && !found.count && !s->config.json)
		print_line(stderr, "no bot has its state in one of the usual places");
	if (rc == 0 && found.count && !s->config.json && row_terminal())
		tell_head();
	for (size_t i = 0; rc == 0 && i < found.count; i++)
		rc = place_apart(list_one, s, found.items[i], &err);
	if (rc == 0)
		rc = print_end(&err);
	place_release(&found);
	return rc < 0 ? cmd_fail(&err) : rc;
}
