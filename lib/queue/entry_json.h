/* queue/entry_json: a call that is to be sent, or failed, as JSON for people and their programs. */
#ifndef TGRUN_QUEUE_ENTRY_JSON_H
#define TGRUN_QUEUE_ENTRY_JSON_H

#include "base/buf.h"
#include "queue/calls.h"

/* Appends an object without its last brace, so that members may follow: who is written to, and how
 * it stands, but nothing of what is said. 0, or -1 as buf_add(). */
int entry_json_open(const struct queue_call *call, struct buf *out);

/* Appends what it says, and the brace: "file" and "common" where `message` is not NULL, "params"
 * last. 0, or -1 as buf_add(). */
int entry_json_close(const struct queue_call *call, const struct queue_message *message,
		     struct buf *out);

#endif
