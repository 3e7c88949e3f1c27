/* cli/try/chat_prompt: the line that is typed in a terminal. The only room that sees readline.
 * There is one terminal, so there is one prompt. */
#ifndef TGRUN_CLI_TRY_CHAT_PROMPT_H
#define TGRUN_CLI_TRY_CHAT_PROMPT_H

#include <stdbool.h>

#include "base/err.h"
#include "io/loop.h"

/* Shows the prompt on stdout and reads stdin, both of which are terminals. `line(arg, text)` gets
 * each line, NULL at the end (Ctrl-D, or the terminal is gone); it may close the prompt. 0 or -1
 * with `err` (ERR_INTERNAL). */
int chat_prompt_open(struct loop *loop, const char *text, bool colour,
		     void (*line)(void *arg, const char *text), void *arg, struct err *err);

/* Takes the prompt away and gives the terminal back as it was. Closing twice is fine. */
void chat_prompt_close(void);

/* Changes the text in front. */
void chat_prompt_set(const char *text);

/* Around everything else that is printed on the terminal: the line that is being typed makes room,
 * and comes back unharmed. Without a prompt, they do nothing. */
void chat_prompt_hide(void);
void chat_prompt_show(void);

#endif
