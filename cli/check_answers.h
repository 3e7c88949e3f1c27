/* cli/check_answers: for tgrun check: the way that answers take. */
#ifndef TGRUN_CLI_CHECK_ANSWERS_H
#define TGRUN_CLI_CHECK_ANSWERS_H

#include <stddef.h>

#include "cli/setup/setup.h"

/* Whereto what handlers print and call goes, as `n` bytes of text at most. After setup_handler(),
 * with a token. */
void check_answers_way(const struct setup *s, char *out, size_t n);

#endif
