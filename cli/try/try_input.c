/* cli/try/try_input: the input of tgrun try. Lines that are typed, or read as if typed, become
 * whole inputs, and each is carried out when its turn has come (try_act.c); a file of updates is
 * handed to the sandbox. Invariant: what was read is carried out in its order, and a line that can
 * do nothing is named. */
#include "cli/try/try_internal.h"

#include <inttypes.h>
#include <string.h>

#include "cli/try/chat_prompt.h"
#include "update/record.h"

enum { AHEAD = 200 }; /* updates of a file that are given to the sandbox before it hands them out */

void try_show_prompt(struct try *t)
{
	struct buf text;
	if (t->input.open) {
		chat_prompt_set("... ");
		return;
	}
	buf_init(&text, 4096);
	chat_prompt(&t->chat, &text);
	chat_prompt_set(buf_str(&text));
	buf_release(&text);
}

/* ---- lines ---- */

void try_typed(void *arg, const char *text)
{
	struct try *t = arg;
	t->fleeting = false; /* it stands above what was typed now */
	if (!text)
		t->typed_ended = true;
	else if (buf_add(&t->typed, text, strlen(text) + 1))
		try_bad_line(t, "out of memory");
	try_take_lines(t);
}

/* The next line, of `n` bytes in a feed: 1; 0: not yet; -1: there are no more, and *trouble says
 * why if that is not simply the end. */
static int next_line(struct try *t, char **line, size_t *n, const char **trouble)
{
	*trouble = NULL;
	if (t->mode == TRY_REPLAY)
		return (*line = chat_record_line(t->record, &t->line_number)) ? 1 : -1;
	if (t->mode != TRY_TERMINAL)
		return chat_feed_line(t->feed, line, n, &t->line_number, trouble);
	*line = t->typed.data;
	return t->typed.len ? 1 : -t->typed_ended;
}

/* Reads on until an input is whole. 1, 0 or -1 as above. */
static int next_input(struct try *t, const char **trouble)
{
	char *line;
	int whole = 0;
	while (!whole) {
		size_t n = 0;
		int rc = next_line(t, &line, &n, trouble);
		if (rc < 0 && !*trouble && t->input.open) {
			*trouble = "the text that begins with " CHAT_QUOTES " has no end";
			t->line_number = t->input_line;
		}
		if (rc <= 0)
			return rc;
		if (n > strlen(line)) {
			try_bad_line(t, "it holds a NUL");
			continue;
		}
		if (!t->input.open)
			t->input_line = t->line_number;
		if (t->record &&
		    (buf_adds(&t->typed_lines, line) || buf_addc(&t->typed_lines, '\n')))
			buf_clear(&t->typed_lines);
		whole = chat_input_add(&t->input, line);
		if (whole < 0)
			try_bad_line(t, "it is too long, or memory is out");
		whole = whole > 0;
		if (t->mode == TRY_TERMINAL)
			buf_consume(&t->typed, strlen(line) + 1);
		try_show_prompt(t);
	}
	return 1;
}

/* The words of before went over to the bot: that is said to who does not know. */
static void tell_old_word(struct try *t)
{
	const char *now = t->input.said ? NULL : chat_word_of_old(buf_str(&t->input.text));
	if (!now || t->old_word_told)
		return;
	t->old_word_told = true;
	SAY(t, CHAT_DIM, "what begins with a slash is the bot's; here it is %s (see :help)", now);
}

/* Whether what comes next is to wait. In the terminal a person sees for what to wait, and behind
 * :wait it was waited for long enough. */
static bool is_early(struct try *t)
{
	if ((t->mode == TRY_TERMINAL && !t->record) || t->waited || try_all_handled(t))
		return false;
	if (t->mode == TRY_TERMINAL && !t->early_told && t->ready)
		SAY(t, CHAT_DIM,
		    "to be recorded a line waits for the one before; :wait 1s in front lets it go");
	t->early_told = t->early_told || t->ready;
	return true;
}

static void end(struct try *t, const char *trouble)
{
	if (trouble)
		try_bad_line(t, trouble);
	try_end_input(t);
}

/* Carries out one input if its turn has come. false: there is none, or it has not. */
static bool take_input(struct try *t)
{
	struct chat_line line;
	struct err err;
	const char *trouble = NULL;
	int rc = t->ready ? 1 : next_input(t, &trouble);
	t->ready = rc > 0;
	if (rc < 0 && !is_early(t))
		end(t, trouble);
	if (rc <= 0)
		return false;
	bool parsed = chat_parse(buf_str(&t->input.text), t->input.said, &line, &err) == 0;
	bool counts = parsed && line.verb != CHAT_NOTHING && line.verb != CHAT_HELP;
	/* What is in no record waits for nothing, and nothing waits for it: there it is missing. */
	if ((counts || !t->record) && is_early(t) && !(parsed && line.verb == CHAT_WAIT))
		return false;
	t->ready = false;
	if (counts)
		t->waited = line.verb == CHAT_WAIT ||
			    (t->waited && (line.verb == CHAT_AS || line.verb == CHAT_IN));
	tell_old_word(t);
	try_record_begin(t, counts && line.verb != CHAT_QUIT);
	if (parsed)
		try_act(t, &line);
	else
		try_bad_line(t, err.text);
	try_show_prompt(t);
	return true;
}

/* ---- updates ---- */

static void give_record(struct try *t, char *record, size_t n)
{
	struct slices s = { 0 };
	if (record_cut(record, n, &s))
		try_bad_line(t, "out of memory");
	for (size_t i = 0; i < s.count; i++)
		try_give_update(t, s.items[i].bytes, s.items[i].length);
	slices_release(&s);
}

static bool take_record(struct try *t)
{
	char *line;
	size_t n;
	const char *trouble;
	if (sandbox_pending(t->sandbox) >= AHEAD)
		return false;
	int rc = chat_feed_line(t->feed, &line, &n, &t->line_number, &trouble);
	if (rc < 0)
		end(t, trouble);
	if (rc > 0)
		give_record(t, line, n);
	return rc > 0;
}

void try_take_lines(struct try *t)
{
	while (!t->input_ended && !t->pausing &&
	       (t->mode == TRY_UPDATES ? take_record(t) : take_input(t)))
		continue;
}
