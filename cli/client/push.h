/* cli/client/push: what is pushed where no tgrun runs, by who has the store. */
#ifndef TGRUN_CLI_CLIENT_PUSH_H
#define TGRUN_CLI_CLIENT_PUSH_H

#include "engine/pushing.h"
#include "io/statedir.h"

/* Keeps what the request and the file `fd` say, as pushing_take() does, if that leaves `min_free`
 * bytes of the disk (0: not looked at). 0 with its number, or -1 with `err` (ERR_CANTCREATE: there
 * is no room). */
int push_store(struct queue *q, const struct statedir *dir, int64_t min_free, const cJSON *request,
	       int fd, int64_t *number, struct err *err);

#endif
