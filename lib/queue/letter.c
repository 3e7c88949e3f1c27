/* queue/letter: a dead letter in, its JSON out. The update goes in as the bytes that came, so
 * nothing of it is changed by the way. */
#include "queue/letter.h"

#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

int letter_time(int64_t wall, struct buf *out)
{
	char text[32];
	struct tm tm;
	time_t seconds = (time_t)(wall / 1000);
	if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return buf_adds(out, "?");
	return buf_adds(out, text);
}

int letter_add_string(struct buf *out, const char *name, const char *value)
{
	return buf_addf(out, ",\"%s\":", name) || buf_add_json(out, value, strlen(value)) ? -1 : 0;
}

int letter_add_time(struct buf *out, const char *name, int64_t wall)
{
	int rc = buf_addf(out, ",\"%s\":\"", name) || letter_time(wall, out);
	return rc || buf_addc(out, '"') ? -1 : 0;
}

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
	int rc = is_object(body, length) ? buf_add(out, body, length) : buf_add_json(out, body, length);
	if (rc == 0 && buf_reserve(out, 1) == 0)
		return 0;
	/* The rest of the line is worth more than nothing. */
	if (out->data)
		out->len = before;
	return buf_adds(out, "null");
}

int letter_json(const struct queue_letter *letter, struct buf *out)
{
	int rc = buf_addf(out, "{\"number\":%lld,\"update_id\":", (long long)letter->number);
	rc = rc || (letter->has_id ? buf_addf(out, "%lld", (long long)letter->update_id)
				   : buf_adds(out, "null"));
	rc = rc || letter_add_string(out, "kind", letter->kind);
	rc = rc || letter_add_string(out, "key", letter->keys);
	rc = rc || buf_addf(out, ",\"attempts\":%d", letter->attempts);
	rc = rc || letter_add_string(out, "reason", letter->reason);
	rc = rc || letter_add_string(out, "stderr", letter->last_stderr);
	rc = rc || letter_add_time(out, "received", letter->received);
	rc = rc || letter_add_time(out, "died", letter->died);
	rc = rc || buf_adds(out, ",\"update\":");
	rc = rc || letter_add_update(out, letter->body, letter->length);
	return rc || buf_addc(out, '}') ? -1 : 0;
}
