/* cli/client/place: which bot a sub-command means, and where on this machine bots keep their
 * states. */
#ifndef TGRUN_CLI_CLIENT_PLACE_H
#define TGRUN_CLI_CLIENT_PLACE_H

#include "base/texts.h"
#include "cli/setup/setup.h"

/* Sets s->state_dir, and s->secret where that was needed. What names a bot wins: --state-dir,
 * --token and --token-file; then the handler that this runs in (TG_STATE_DIR), the service manager
 * (STATE_DIRECTORY, CREDENTIALS_DIRECTORY), and then the one state that place_look() finds. 0, or
 * -1 with `err`: ERR_USAGE when there is none or more than one, which are named then. */
int place_find(struct setup *s, struct err *err);

/* The same, and the token besides where there is one, for who sends with it. */
int place_find_with_token(struct setup *s, struct err *err);

/* Appends the paths of the states in the usual places (those that tgrun itself takes, and those
 * that the unit and the container take: /var/lib/tgrun, /var/lib/tgrun-NAME, /var/lib/tgrun/NAME)
 * which this user may look into, sorted. 0, or -1 with `err`; place_release() frees the items in
 * both cases. */
int place_look(struct texts *out, struct err *err);
void place_release(struct texts *t);

/* Calls `one` for the state in `path`, in a process of its own: who looks into another user's state
 * becomes that user, for good. Returns the exit status that `one` returns, 128 + N when signal N
 * ended it, or -1 with `err`. */
int place_apart(int (*one)(void *arg, const char *path), void *arg, const char *path,
		struct err *err);

#endif
