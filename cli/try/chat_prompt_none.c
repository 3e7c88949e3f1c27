/* cli/try/chat_prompt_none: stands for chat_prompt.c in a build without readline (WITHOUT= of the
 * Makefile). Invariant: there is never a prompt, so there is none to close, change or hide. */
#include "cli/try/chat_prompt.h"

int chat_prompt_open(struct loop *loop, const char *text, bool colour,
		     void (*line)(void *arg, const char *text), void *arg, struct err *err)
{
	(void)loop, (void)text, (void)colour, (void)line, (void)arg;
	return err_set(
		err, ERR_CONFIG,
		"this tgrun was built without readline, and has no prompt to type at; what comes through a pipe it takes: cat | tgrun try ...");
}

void chat_prompt_close(void)
{
}

void chat_prompt_set(const char *text)
{
	(void)text;
}

void chat_prompt_hide(void)
{
}

void chat_prompt_show(void)
{
}
