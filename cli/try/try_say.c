/* cli/try/try_say: what the parts of tgrun try say and ask in common. Text in `out` goes to the
 * terminal, with the token hidden and the prompt out of the way; what is wrong with a line;
 * whether all is handled; the end of the input. Nothing is decided here. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/try/chat_prompt.h"
#include "cli/try/try_internal.h"

enum {
	PATIENCE = 1000,    /* milliseconds until it is told what is waited for */
	FLEETING_MAX = 120, /* bytes of a line that is surely one on the screen, colours included */
};

#define INDENT  "     " /* the width of `bot: ` */
#define LINE_UP "\033[A\033[2K"

static int print(const struct buf *text)
{
	for (size_t at = 0, n; at < text->len; at += n + 1) {
		const char *indent = memchr(text->data + at, CHAT_INDENT, text->len - at);
		n = indent ? (size_t)(indent - text->data) - at : text->len - at;
		if (fwrite(text->data + at, 1, n, stdout) != n ||
		    (indent && fputs(INDENT, stdout) < 0))
			return -1;
	}
	return fflush(stdout);
}

static void say(struct try *t, bool fleeting)
{
	if (t->mode == TRY_REPLAY)
		buf_clear(&t->out); /* it was kept, and the difference is what is shown */
	if (!t->out.len)
		return;
	t->out.len = secret_redact(t->setup->secret, t->out.data, t->out.len);
	chat_prompt_hide();
	if (t->fleeting)
		fputs(LINE_UP, stdout);
	t->write_failed = print(&t->out) || t->write_failed;
	t->fleeting = fleeting;
	chat_prompt_show();
	buf_clear(&t->out);
}

void try_say(struct try *t)
{
	say(t, false);
}

void try_say_fleeting(struct try *t)
{
	say(t, t->mode == TRY_TERMINAL && !t->input_ended && t->chat.colour &&
		       t->out.len < FLEETING_MAX);
}

void try_bad_line(struct try *t, const char *why)
{
	t->bad_lines++;
	if (t->mode == TRY_TERMINAL)
		SAY(t, CHAT_RED, "%s", why);
	else
		SAY(t, CHAT_RED, "line %" PRId64 ": %s", t->line_number, why);
}

bool try_all_handled(const struct try *t)
{
	struct engine_counts c;
	engine_counts(t->engine, &c);
	return sandbox_pending(t->sandbox) == 0 && engine_idle(t->engine) && c.waiting == 0 &&
	       c.outbox == 0 && c.sending == 0;
}

void try_end_input(struct try *t)
{
	t->input_ended = true;
	chat_prompt_close();
	loop_timer_set(t->patience, PATIENCE);
}
