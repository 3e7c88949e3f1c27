/* queue/entry_json: a call in, its JSON out. Invariant: what it says stands in no line but in that
 * of who asked for it by number. */
#include "queue/entry_json.h"

#include <string.h>

#include "base/json.h"
#include "queue/letter.h"

int entry_json_open(const struct queue_call *call, struct buf *out)
{
	const char *state = call->failed ? "failed" : call->begun ? "sending" : "waiting";
	int rc = buf_addc(out, '{') || json_add_number(out, "number", call->id) ||
		 json_add_text(out, "state", state) || json_add_text(out, "chat", call->line) ||
		 json_add_text(out, "method", call->method) ||
		 json_add_time(out, "created", call->created);
	if (call->flags & QUEUE_CALL_BULK)
		rc = rc || json_add_name(out, "bulk") || buf_adds(out, "true");
	if (call->due && !call->failed)
		rc = rc || json_add_time(out, "due", call->due);
	if (call->expires && !call->failed)
		rc = rc || json_add_time(out, "expires", call->expires);
	if (call->failed)
		rc = rc || json_add_time(out, "failed", call->failed) ||
		     json_add_text(out, "reason", call->reason);
	if (call->failed && call->unsures)
		rc = rc || json_add_name(out, "unsure") || buf_adds(out, "true");
	if (call->code)
		rc = rc || json_add_number(out, "code", call->code);
	return rc ? -1 : 0;
}

static int add_file(const struct queue_message *message, struct buf *out)
{
	return json_add_name(out, "file") || buf_addc(out, '{') ||
	       json_add_text(out, "name", message->file_name) ||
	       json_add_number(out, "bytes", (int64_t)message->file_length) || buf_addc(out, '}');
}

int entry_json_close(const struct queue_call *call, const struct queue_message *message,
		     struct buf *out)
{
	int rc = message && message->file_name ? add_file(message, out) : 0;
	if (message && strcmp(message->params, "{}") != 0)
		rc = rc || json_add_name(out, "common") ||
		     letter_add_update(out, message->params, strlen(message->params));
	rc = rc || json_add_name(out, "params") ||
	     letter_add_update(out, call->params, strlen(call->params));
	return rc || buf_addc(out, '}') ? -1 : 0;
}
