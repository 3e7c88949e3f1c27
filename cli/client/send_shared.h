/* cli/client/send_shared: `tgrun send` where several machines share the queue: it stores, and the
 * machine that polls sends. */
#ifndef TGRUN_CLI_CLIENT_SEND_SHARED_H
#define TGRUN_CLI_CLIENT_SEND_SHARED_H

#include "cli/client/send.h"

/* Stores what the request and its file `fd` (-1: none) say, in one transaction. 0, or -1 with
 * `err`: nothing is stored, unless the connection was lost, of which the sentence tells. */
int send_shared(struct setup *s, const char *request, int fd, struct sending_taken *taken,
		struct err *err);

#endif
