/* cli/check_webhook: whether the server of a webhook can be reached, for `tgrun check`. */
#ifndef TGRUN_CLI_CHECK_WEBHOOK_H
#define TGRUN_CLI_CHECK_WEBHOOK_H

#include "base/err.h"
#include "cli/setup/setup.h"

/* Connects to the server of `url`, with TLS where that is https, and sends nothing. 0, or -1 with
 * `err`, which says what a run would do about it (ERR_UNAVAILABLE; ERR_INTERNAL). */
int check_webhook_reach(const struct setup *s, const char *url, struct err *err);

#endif
