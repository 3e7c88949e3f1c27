/* cli/client/watch: `tgrun status --watch` on a terminal: one screen, drawn anew each second. */
#ifndef TGRUN_CLI_CLIENT_WATCH_H
#define TGRUN_CLI_CLIENT_WATCH_H

#include "cli/client/client.h"

/* Shows the status of the runner that has `dir` until `q` is pressed: 0; or until the runner ends
 * (ERR_UNAVAILABLE), or has not answered for half a minute: -1 with `err`. */
int watch_run(struct statedir *dir, struct err *err);

#endif
