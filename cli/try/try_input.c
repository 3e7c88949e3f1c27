/* cli/try/try_input: the input of tgrun try. A line that is typed, or read as if typed, becomes a
 * message, a pressed button or a change of who speaks and where; a line of a file of updates
 * becomes an update. What they do is told to the sandbox, and a line that can do nothing is named.
 */
#include "cli/try/try_internal.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "cli/try/chat_prompt.h"
#include "cli/try/chat_update.h"
#include "update/record.h"

enum { AHEAD = 200 }; /* updates of a file that are given to the sandbox before it hands them out */

/* A line that cannot be carried out. Nobody is there to see it when lines are read: then it counts.
 */
static void bad_line(struct try *t, const char *why)
{
	t->bad_lines++;
	if (t->mode == TRY_TERMINAL)
		SAY(t, CHAT_RED, "%s", why);
	else
		SAY(t, CHAT_RED, "line %" PRId64 ": %s", t->line_number, why);
}

static void show_prompt(struct try *t)
{
	struct buf text;
	buf_init(&text, 4096);
	chat_prompt(&t->chat, &text);
	chat_prompt_set(buf_str(&text));
	buf_release(&text);
}

static int send_text(struct try *t, const char *text)
{
	struct buf message;
	buf_init(&message, CHAT_FEED_LINE_MAX);
	int64_t id = sandbox_message_id(t->sandbox, t->chat.chat_id);
	int rc = chat_message(&t->chat, id, clock_system.wall(&clock_system) / 1000, text,
			      &message) ||
		 sandbox_push(t->sandbox, "message", buf_str(&message)) <= 0;
	buf_release(&message);
	return rc;
}

static int press_data(struct try *t, const struct chat_button *b)
{
	struct buf query;
	const cJSON *message = sandbox_message(t->sandbox, t->chat.keyboard_chat,
					       t->chat.keyboard_message);
	char *json = message ? cJSON_PrintUnformatted(message) : NULL;
	if (!json)
		return -1;
	buf_init(&query, CHAT_SHOW_MAX);
	int rc = chat_callback(&t->chat, b, ++t->query_id, json, &query) ||
		 sandbox_push(t->sandbox, "callback_query", buf_str(&query)) <= 0;
	buf_release(&query);
	cJSON_free(json);
	return rc;
}

static void press(struct try *t, int64_t number)
{
	const struct chat_button *b = chat_button(&t->chat, number);
	int rc = 0;
	if (!b) {
		bad_line(t, "there is no such button");
		return;
	}
	switch (b->kind) {
	case BUTTON_DATA:
		rc = press_data(t, b);
		break;
	case BUTTON_TEXT:
		rc = send_text(t, b->text);
		break;
	case BUTTON_URL:
		SAY(t, CHAT_DIM, "it opens %s", b->value);
		break;
	case BUTTON_OTHER:
		SAY(t, CHAT_DIM, "it does what there is none of here: %s", b->value);
		break;
	}
	if (rc)
		bad_line(t, "the button cannot be pressed: its message is gone, or memory is out");
}

static void act(struct try *t, const char *text)
{
	struct chat_line line = chat_parse(text);
	switch (line.verb) {
	case CHAT_NOTHING:
		break;
	case CHAT_SAY:
		if (send_text(t, line.text))
			bad_line(t, "the message cannot be sent: it is too long, or memory is out");
		break;
	case CHAT_AS:
		chat_as(&t->chat, line.id, line.text);
		break;
	case CHAT_IN:
		chat_in(&t->chat, line.id, line.thread, line.text);
		break;
	case CHAT_PRESS:
		press(t, line.id);
		break;
	case CHAT_QUIT:
		try_end_input(t);
		break;
	case CHAT_HELP:
		buf_adds(&t->out, chat_help);
		try_say(t);
		break;
	case CHAT_WRONG:
		bad_line(t, line.text);
		break;
	}
	show_prompt(t);
}

void try_typed(void *arg, const char *text)
{
	struct try *t = arg;
	if (text)
		act(t, text);
	else
		try_end_input(t);
}

static void give_update(struct try *t, const struct slice *s)
{
	struct err err;
	struct sandbox_stats stats;
	struct buf made;
	sandbox_stats(t->sandbox, &stats);
	buf_init(&made, CHAT_FEED_LINE_MAX + 64);
	if (chat_update(s->bytes, s->length, stats.last_id + 1, &made, &err))
		bad_line(t, err.text);
	else if (made.len && sandbox_push_raw(t->sandbox, made.data, made.len))
		bad_line(t, "out of memory");
	buf_release(&made);
}

static void give_record(struct try *t, char *record, size_t n)
{
	struct slices s = { 0 };
	if (record_cut(record, n, &s))
		bad_line(t, "out of memory");
	for (size_t i = 0; i < s.count; i++)
		give_update(t, &s.items[i]);
	slices_release(&s);
}

void try_take_lines(struct try *t)
{
	char *line;
	size_t n;
	const char *trouble;
	while (!t->input_ended && (t->mode == TRY_UPDATES ? sandbox_pending(t->sandbox) < AHEAD
							  : try_all_handled(t))) {
		int rc = chat_feed_line(t->feed, &line, &n, &t->line_number, &trouble);
		if (rc == 0)
			return;
		if (trouble)
			bad_line(t, trouble);
		if (rc < 0)
			try_end_input(t);
		else if (t->mode == TRY_UPDATES)
			give_record(t, line, n);
		else
			act(t, line);
	}
}
