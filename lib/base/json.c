/* base/json: a name and a value in, a member of a JSON object out, and back. No values but those
 * that tgrun writes: texts, whole numbers, times. Invariant: after an error the buffer is as it
 * was. */
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

/* Takes back what was added since `before`, if `rc` says that not all of it was. */
static int all_or_nothing(struct buf *out, size_t before, int rc)
{
	if (rc && out->data) {
		out->len = before;
		out->data[before] = '\0';
	}
	return rc ? -1 : 0;
}

int json_add_name(struct buf *out, const char *name)
{
	bool first = out->len && out->data[out->len - 1] == '{';
	return buf_addf(out, "%s\"%s\":", first ? "" : ",", name);
}

int json_add_text(struct buf *out, const char *name, const char *value)
{
	size_t before = out->len;
	return all_or_nothing(out, before,
			      json_add_name(out, name) || buf_add_json(out, value, strlen(value)));
}

int json_add_number(struct buf *out, const char *name, int64_t value)
{
	size_t before = out->len;
	return all_or_nothing(out, before, json_add_name(out, name) || buf_add_int(out, value));
}

int json_add_null(struct buf *out, const char *name)
{
	size_t before = out->len;
	return all_or_nothing(out, before, json_add_name(out, name) || buf_adds(out, "null"));
}

int json_add_time(struct buf *out, const char *name, int64_t wall)
{
	char text[CLOCK_TEXT_MAX];
	clock_text(wall, false, text);
	return json_add_text(out, name, text);
}

const cJSON *json_member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *json_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(json_member(object, name));
	return text ? text : "";
}

double json_number(const cJSON *object, const char *name)
{
	const cJSON *number = json_member(object, name);
	return cJSON_IsNumber(number) ? number->valuedouble : 0;
}

bool json_true(const cJSON *object, const char *name)
{
	return cJSON_IsTrue(json_member(object, name));
}

bool json_has_number(const cJSON *object, const char *name)
{
	return cJSON_IsNumber(json_member(object, name));
}
