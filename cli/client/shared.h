/* cli/client/shared: for who works on a queue that several machines share (--store
 * postgresql://…): there no runner is asked, but the database. */
#ifndef TGRUN_CLI_CLIENT_SHARED_H
#define TGRUN_CLI_CLIENT_SHARED_H

#include "cli/setup/setup.h"
#include "queue/queue.h"

/* Whether --store names such a queue. */
bool shared_is(const struct setup *s);

/* Which bot is meant: that of the token, or, without a token, the only one of the database. 0 with
 * *bot_id, or -1 with `err`. */
int shared_bot(struct setup *s, int64_t *bot_id, struct err *err);

/* Its queue, for tools. NULL with `err`. */
struct queue *shared_open(struct setup *s, struct err *err);

#endif
