/* queue/item: an unfinished update as one line of JSON, for `tgrun queue` and the control
 * socket. */
#ifndef TGRUN_QUEUE_ITEM_H
#define TGRUN_QUEUE_ITEM_H

#include "base/buf.h"
#include "queue/queue.h"

/* Appends an object without a line feed: "number" (a string such as p7 of one that is to come),
 * "update_id" (or null), "kind", "key", "state"
 * (ready, running, behind, delayed), "failures", "deaths", "interruptions", "received"; if it is
 * delayed, "due", and if that is to gather more, "gathers":true; and if its bytes are there,
 * "update" as of letter_add_update(), the last member. Times are strings as of RFC 3339. 0, or -1
 * when the buffer is full. */
int item_json(const struct queue_item *item, struct buf *out);

#endif
