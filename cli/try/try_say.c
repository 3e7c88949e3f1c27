/* cli/try/try_say: what the parts of tgrun try say and ask in common. Text in `out` goes to the
 * terminal, with the token hidden and the prompt out of the way; whether all is handled; the end of
 * the input. Nothing is decided here. */
#include <stdio.h>

#include "cli/try/chat_prompt.h"
#include "cli/try/try_internal.h"

enum { PATIENCE = 1000 }; /* milliseconds until it is told what is waited for */

void try_say(struct try *t)
{
	if (!t->out.len)
		return;
	t->out.len = secret_redact(t->setup->secret, t->out.data, t->out.len);
	chat_prompt_hide();
	if (fwrite(t->out.data, 1, t->out.len, stdout) != t->out.len || fflush(stdout))
		t->write_failed = true;
	chat_prompt_show();
	buf_clear(&t->out);
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
