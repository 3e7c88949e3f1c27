/* cli/check_answers: for tgrun check: the way that answers take, and handlers that leave it. */
#ifndef TGRUN_CLI_CHECK_ANSWERS_H
#define TGRUN_CLI_CHECK_ANSWERS_H

#include <stddef.h>

#include "base/err.h"
#include "cli/setup/setup.h"

/* Whereto what handlers print and call goes, as `n` bytes of text at most. After setup_handler(),
 * with a token. */
void check_answers_way(const struct setup *s, char *out, size_t n);

/* Whether a command, as words, calls Telegram's servers past the local API: its words or a script
 * among them name api.telegram.org and nothing of what --serve-api gives. 0; -1 with `err`, whose
 * status says nothing. What cannot be read as a text is not looked at. */
int check_answers_stray(const struct setup *s, const struct words *w, struct err *err);

#endif
