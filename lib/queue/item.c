/* queue/item: an unfinished update in, its JSON out. The update goes in as it does in a dead
 * letter's line. */
#include "queue/item.h"

#include "queue/letter.h"

static const char *state_name(enum queue_item_state state)
{
	switch (state) {
	case QUEUE_READY: return "ready";
	case QUEUE_RUNNING: return "running";
	case QUEUE_BEHIND: return "behind";
	case QUEUE_DELAYED: return "delayed";
	}
	return "";
}

int item_json(const struct queue_item *item, struct buf *out)
{
	int rc = buf_addf(out, "{\"number\":%lld,\"update_id\":", (long long)item->seq);
	rc = rc || (item->has_id ? buf_addf(out, "%lld", (long long)item->update_id)
				 : buf_adds(out, "null"));
	rc = rc || letter_add_string(out, "kind", item->kind);
	rc = rc || letter_add_string(out, "key", item->keys);
	rc = rc || letter_add_string(out, "state", state_name(item->state));
	rc = rc || buf_addf(out, ",\"failures\":%d,\"deaths\":%d,\"interruptions\":%d",
			    item->failures, item->deaths, item->interruptions);
	rc = rc || letter_add_time(out, "received", item->received);
	if (item->state == QUEUE_DELAYED)
		rc = rc || letter_add_time(out, "due", item->due);
	if (item->body)
		rc = rc || buf_adds(out, ",\"update\":") ||
		     letter_add_update(out, item->body, item->length);
	return rc || buf_addc(out, '}') ? -1 : 0;
}
