/* sandbox/sandbox_push: updates come in from the sandbox's owner; they go into its queue, their
 * messages and chats into its memory, and an open poll is answered.
 *
 * An update is queued as it came, byte for byte, or not at all. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/sandbox_internal.h"

int64_t sandbox_push(struct sandbox *s, const char *kind, const char *object)
{
	size_t n = strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789_");
	if (n == 0 || n > 64 || kind[n])
		return -1;
	if (!sandbox_updates_wanted(s, kind))
		return 0;
	struct buf update;
	buf_init(&update, SANDBOX_BODY_MAX);
	int64_t id = s->next_id;
	if (buf_addf(&update, "{\"update_id\":%lld,\"%s\":%s}", (long long)id, kind, object)) {
		buf_release(&update);
		return -1;
	}
	if (sandbox_updates_add(s, true, id, update.data, update.len))
		return -1;
	cJSON *json = cJSON_Parse(object);
	sandbox_messages_note(s, kind, json);
	cJSON_Delete(json);
	sandbox_updates_wake(s);
	return id;
}

int sandbox_push_raw(struct sandbox *s, const char *update, size_t n)
{
	static const char opening[] = "{\"update_id\":";
	cJSON *json = cJSON_ParseWithLength(update, n);
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "update_id"), *item;
	bool has_id = cJSON_IsNumber(id) && id->valuedouble > -9.2e18 && id->valuedouble < 9.2e18 &&
		      (double)(int64_t)id->valuedouble == id->valuedouble;
	char *copy = malloc(n + 1);
	if (copy) {
		memcpy(copy, update, n);
		copy[n] = '\0';
	}
	int64_t number = has_id ? (int64_t)id->valuedouble : 0;
	/* The server knows the id of what no client can read. */
	if (copy && !json && strncmp(copy, opening, sizeof opening - 1) == 0 &&
	    isdigit((unsigned char)copy[sizeof opening - 1])) {
		has_id = true;
		number = strtoll(copy + sizeof opening - 1, NULL, 10);
	}
	int rc = sandbox_updates_add(s, has_id, number, copy, n);
	if (rc == 0 && cJSON_IsObject(json))
		cJSON_ArrayForEach(item, json) if (cJSON_IsObject(item))
			sandbox_messages_note(s, item->string, item);
	cJSON_Delete(json);
	if (rc == 0)
		sandbox_updates_wake(s);
	return rc;
}
