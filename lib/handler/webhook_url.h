/* handler/webhook_url: a handler that is a URL: which text is one, and what may be done with it. */
#ifndef TGRUN_HANDLER_WEBHOOK_URL_H
#define TGRUN_HANDLER_WEBHOOK_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { WEBHOOK_SHOWN_MAX = 256 }; /* bytes of what is shown */

/* Whether `text` is meant as a URL, and not as a command: it begins with http:// or https://. */
bool webhook_url_is(const char *text);

/* Whether such a text is a URL that updates may be posted to. 0, or -1 with `err` (ERR_USAGE),
 * which quotes nothing that may be secret. */
int webhook_url_check(const char *text, struct err *err);

/* Of a checked one: whether all can be read on the way (http to another machine). */
bool webhook_url_plain(const char *url);

/* Of a checked one: what may be shown: scheme and host. A path is "/…", since many have a secret in
 * theirs. */
void webhook_url_show(const char *url, char out[WEBHOOK_SHOWN_MAX]);

#endif
