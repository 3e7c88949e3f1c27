/* cli/client/send_host: where no tgrun runs, `tgrun send` has the outbox itself, for as long as it
 * takes: it sends what is due, and listens on the control socket, so that another `send` hands its
 * message over, and a starting runner can ask it to end. */
#ifndef TGRUN_CLI_CLIENT_SEND_HOST_H
#define TGRUN_CLI_CLIENT_SEND_HOST_H

#include "cli/client/send.h"

struct send_host;

enum send_host_end {
	SEND_HOST_DONE,  /* nothing waits any more of what it was to send */
	SEND_HOST_TIME,  /* some of that waits still: it is stored for whoever sends next */
	SEND_HOST_ASKED, /* a starting runner wants the state: that sends the rest */
};

/* Opens the outbox of `dir`, whose slots' lock this process has. `s` has no token: it stores, and
 * sends nothing. NULL with `err`. */
struct send_host *send_host_new(struct setup *s, struct statedir *dir, struct err *err);

/* Stores what the request and its file `fd` say. 0, or -1 with `err`. */
int send_host_take(struct send_host *h, const char *request, int fd, struct sending_taken *taken,
		   struct err *err);

/* Sends what is due: until `taken` has ended, and without `wait` for half a minute at most. */
enum send_host_end send_host_run(struct send_host *h, const struct sending_taken *taken, bool wait);

/* Closes all of it, and gives the lock back. 0, or -1 with `err`: the last outcomes could not be
 * written. NULL is fine. */
int send_host_free(struct send_host *h, struct err *err);

#endif
