/* queue/letter: a dead letter in, its JSON out. The update goes in as the bytes that came, so
 * nothing of it is changed by the way. */
#include "queue/letter.h"

#include "base/json.h"

/* Whether the bytes may stand in a line of JSON as they are. */
static int is_object(const char *body, size_t length)
{
	const char *end;
	/* cJSON takes raw control characters in strings; a terminal, too. */
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)body[i] < 0x20 && body[i] != '\t')
			return 0;
	cJSON *json = cJSON_ParseWithLengthOpts(body, length, &end, 0);
	int whole = cJSON_IsObject(json);
	for (; whole && end < body + length; end++)
		whole = *end == ' ' || *end == '\t';
	cJSON_Delete(json);
	return whole;
}

int letter_add_update(struct buf *out, const char *body, size_t length)
{
	size_t before = out->len;
	int rc = is_object(body, length) ? buf_add(out, body, length)
					 : buf_add_json(out, body, length);
	if (rc == 0 && buf_reserve(out, 1) == 0)
		return 0;
	/* The rest of the line is worth more than nothing. */
	if (out->data)
		out->len = before;
	return buf_adds(out, "null");
}

int letter_json(const struct queue_letter *letter, struct buf *out)
{
	int rc = buf_addc(out, '{') || json_add_number(out, "number", letter->number);
	rc = rc || (letter->has_id ? json_add_number(out, "update_id", letter->update_id)
				   : json_add_null(out, "update_id"));
	rc = rc || json_add_text(out, "kind", letter->kind);
	rc = rc || json_add_text(out, "key", letter->keys);
	rc = rc || json_add_number(out, "attempts", letter->attempts);
	rc = rc || json_add_text(out, "reason", letter->reason);
	rc = rc || json_add_text(out, "stderr", letter->last_stderr);
	rc = rc || json_add_time(out, "received", letter->received);
	rc = rc || json_add_time(out, "died", letter->died);
	rc = rc || json_add_name(out, "update");
	rc = rc || letter_add_update(out, letter->body, letter->length);
	return rc || buf_addc(out, '}') ? -1 : 0;
}
