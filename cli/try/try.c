/* cli/try/try: what happens while tgrun try runs. Events of the engine, of the sandbox and of
 * signals come in; they only print and take notes. What follows is decided in one place, at the end
 * of a turn of the loop: try_on_turn(). */
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "cli/try/chat_prompt.h"
#include "cli/try/try_internal.h"

/* failures to start the handler in a row, when nobody is there to mend it */
enum { STARTS_MAX = 3 };

static void stop(struct try *t, int status)
{
	t->stopped = true;
	chat_prompt_close();
	engine_stop(t->engine, status, false);
}

void try_on_patience(void *arg)
{
	struct try *t = arg;
	if (!t->stopped && t->mode == TRY_TERMINAL)
		SAY(t, CHAT_DIM, "waiting until all is handled; Ctrl-C stops");
}

void try_on_pause(void *arg)
{
	struct try *t = arg;
	t->pausing = false; /* the end of this turn goes on */
}

void try_on_turn(void *arg)
{
	struct try *t = arg;
	if (t->over || t->stopped)
		return;
	try_watch_turn(t);
	if (!t->input_ended)
		try_take_lines(t);
	if (t->write_failed)
		stop(t, ERR_IO);
	else if (t->unstartable >= STARTS_MAX && (t->mode != TRY_TERMINAL || t->input_ended))
		stop(t, ERR_CONFIG);
	else if (t->hung_up || (t->input_ended && try_all_handled(t)))
		stop(t, 0);
}

void try_on_called(void *arg, const struct sandbox_call *call)
{
	struct try *t = arg;
	struct sandbox_stats stats;
	sandbox_stats(t->sandbox, &stats);
	if (stats.polls == 0)
		return; /* the runner itself, which introduces itself */
	if (try_watch_is_second(t, call))
		return;
	chat_show_call(&t->chat, call, &t->out);
	try_record_call(t, call);
	if (strcmp(call->method, "sendChatAction") == 0)
		try_say_fleeting(t);
	else
		try_say(t);
	try_watch_called(t, call);
}

void try_on_started(void *arg, const struct claim *claim)
{
	struct try *t = arg;
	try_watch_started(t, claim);
	if (t->mode == TRY_TERMINAL || claim->failures || claim->redelivered || t->unstartable)
		return;
	chat_show_update(&t->chat, claim->body, claim->length, &t->out);
	try_say(t);
}

void try_on_ignored(void *arg, const char *update, size_t n, const char *why)
{
	struct try *t = arg;
	if (t->mode != TRY_TERMINAL)
		chat_show_update(&t->chat, update, n, &t->out);
	try_say(t);
	chat_put_line(&t->chat, &t->out, CHAT_DIM, "(ignored: %s)", why);
	try_record_add(t, RECORD_END, 0);
	try_say(t);
}

void try_on_output(void *arg, const struct claim *claim, int which, const char *text, size_t n)
{
	struct try *t = arg;
	(void)claim;
	t->printed += which == 1 ? n + 1 : 0;
	chat_show_output(&t->chat, which, text, &t->out);
	try_say(t);
}

void try_on_settled(void *arg, int64_t seq, bool failed)
{
	struct try *t = arg;
	t->unstartable = 0;
	try_watch_settled(t, seq, failed);
}

void try_on_told(void *arg, const char *line, const char *text)
{
	struct try *t = arg;
	SAY(t, CHAT_DIM, "(%s) %s", line, text);
}

void try_on_trouble(void *arg, const struct engine_trouble *trouble)
{
	struct try *t = arg;
	t->unstartable = trouble->unstartable;
	if (trouble->unstartable)
		chat_put_line(&t->chat, &t->out, CHAT_RED, "the handler cannot be started: %s; %s",
			      trouble->reason, trouble->fate);
	else
		chat_put_line(&t->chat, &t->out, CHAT_RED, "handler: %s: %s%s%s%s", trouble->reason,
			      trouble->fate, *trouble->sentence ? " (" : "", trouble->sentence,
			      *trouble->sentence ? ")" : "");
	try_record_add(t, RECORD_END, 0);
	try_say(t);
}

void try_on_finished(void *arg, int status)
{
	struct try *t = arg;
	t->over = true;
	t->status = status;
	loop_stop(t->loop);
}

/* The engine hears of these too, and stops. */
void try_on_signal(void *arg, int signo)
{
	struct try *t = arg;
	struct engine_counts c;
	engine_counts(t->engine, &c);
	if (!t->hung_up && signo != SIGHUP && c.running) {
		chat_prompt_close();
		SAY(t, CHAT_DIM, "stopping when the handler ends; once more: at once");
	}
	t->hung_up = true;
	try_end_input(t);
}
