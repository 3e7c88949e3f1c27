/* queue/item: an unfinished update as one line of JSON, for `tgrun queue` and the control socket. */
#ifndef TGRUN_QUEUE_ITEM_H
#define TGRUN_QUEUE_ITEM_H

#include "base/buf.h"
#include "queue/queue.h"

/* Appends {"number":…,"update_id":…,"kind":…,"key":…,"state":…,"failures":…,"deaths":…,"interruptions":…,"received":…} and, as they apply, "due":…
 * and "update":…, without a line feed. `state` is ready, running, behind or delayed; times are strings as of RFC 3339; `update` comes
 * last and is as of letter_add_update(). 0, or -1 when the buffer is full. */
int item_json(const struct queue_item *item, struct buf *out);

#endif
