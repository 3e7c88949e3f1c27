/* engine/sending_answer: the answer to a request of tgrun send, written by who has the outbox and
 * read by who asked: which numbers the calls got, or why there are none. Invariant: what was taken
 * is never told as refused. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/sending.h"

int sending_told(const struct sending_taken *t, struct buf *out)
{
	int rc = buf_addc(out, '{') || json_add_number(out, "first", t->first) ||
		 json_add_number(out, "last", t->last) || json_add_number(out, "calls", t->calls);
	if (t->chats)
		rc = rc || json_add_text(out, "chats", t->chats);
	return rc || buf_addc(out, '}') ? -1 : 0;
}

int sending_told_failure(const struct err *err, struct buf *out)
{
	return buf_addc(out, '{') || json_add_number(out, "status", err->status) ||
			       json_add_text(out, "why", err->text) || buf_addc(out, '}')
		       ? -1
		       : 0;
}

int sending_answer(const cJSON *answer, struct sending_taken *t, struct err *err)
{
	if (json_has_number(answer, "status"))
		return err_set(err, (int)json_number(answer, "status"), "%s",
			       json_text(answer, "why"));
	const char *chats = cJSON_GetStringValue(json_member(answer, "chats"));
	*t = (struct sending_taken){ .first = (int64_t)json_number(answer, "first"),
				     .last = (int64_t)json_number(answer, "last"),
				     .calls = (int64_t)json_number(answer, "calls"),
				     .chats = chats ? strdup(chats) : NULL };
	return chats && !t->chats ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}
