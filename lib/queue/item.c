/* queue/item: an unfinished update in, its JSON out. The update goes in as it does in a dead
 * letter's line. */
#include "queue/item.h"

#include <stdio.h>

#include "base/json.h"
#include "queue/letter.h"

static const char *state_name(enum queue_item_state state)
{
	switch (state) {
	case QUEUE_READY:
		return "ready";
	case QUEUE_RUNNING:
		return "running";
	case QUEUE_BEHIND:
		return "behind";
	case QUEUE_DELAYED:
		return "delayed";
	}
	return "";
}

int item_json(const struct queue_item *item, struct buf *out)
{
	char number[32];
	snprintf(number, sizeof number, "p%lld", (long long)item->seq);
	int rc = buf_addc(out, '{') || (item->later ? json_add_text(out, "number", number)
						    : json_add_number(out, "number", item->seq));
	rc = rc || (item->has_id ? json_add_number(out, "update_id", item->update_id)
				 : json_add_null(out, "update_id"));
	rc = rc || json_add_text(out, "kind", item->kind);
	rc = rc || json_add_text(out, "key", item->keys);
	rc = rc || json_add_text(out, "state", state_name(item->state));
	rc = rc || json_add_number(out, "failures", item->failures);
	rc = rc || json_add_number(out, "deaths", item->deaths);
	rc = rc || json_add_number(out, "interruptions", item->interruptions);
	rc = rc || json_add_time(out, "received", item->received);
	if (item->state == QUEUE_DELAYED)
		rc = rc || json_add_time(out, "due", item->due);
	if (item->gathers)
		rc = rc || json_add_name(out, "gathers") || buf_adds(out, "true");
	if (item->body)
		rc = rc || json_add_name(out, "update") ||
		     letter_add_update(out, item->body, item->length);
	return rc || buf_addc(out, '}') ? -1 : 0;
}
