/* cli/client/client_find: an id of Telegram's in, the numbers of the entries of a list that have it
 * out. */
#include <stdlib.h>

#include "cli/client/client.h"

struct found {
	int64_t id, *numbers;
	size_t count;
};

static int note_if_found(void *arg, const char *line, size_t n)
{
	struct found *f = arg;
	int rc = 0;
	cJSON *json = cJSON_ParseWithLength(line, n);
	if (json_has_number(json, "update_id") && json_has_number(json, "number") &&
	    (int64_t)json_number(json, "update_id") == f->id) {
		int64_t *more = reallocarray(f->numbers, f->count + 1, sizeof *more);
		rc = more ? 0 : -1;
		if (more) {
			f->numbers = more;
			more[f->count++] = (int64_t)json_number(json, "number");
		}
	}
	rc = json ? rc : -1;
	cJSON_Delete(json);
	return rc;
}

int client_find_id(struct setup *s, struct statedir *dir, const char *verb, int64_t id,
		   int64_t **numbers, size_t *count, struct err *err)
{
	struct found f = { .id = id };
	int rc = client_list(s, dir, verb, note_if_found, &f, err);
	*numbers = f.numbers;
	*count = f.count;
	return rc;
}
