/* queue/shared/fleet_schema: a bot's id in, the name of its schema out; statements in, the same for
 * that schema out. */
#include "queue/shared/fleet_schema.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

void fleet_schema_name(int64_t bot_id, char out[FLEET_SCHEMA_MAX])
{
	snprintf(out, FLEET_SCHEMA_MAX, "tgrun_%" PRId64, bot_id);
}

int fleet_schema_fill(const char *sql, const char *schema, int64_t bot_id, struct buf *out)
{
	for (const char *mark; (mark = strchr(sql, '@')); sql = mark) {
		bool name = strncmp(mark, "@S@", 3) == 0, bot = strncmp(mark, "@BOT@", 5) == 0;
		if (buf_add(out, sql, (size_t)(mark - sql)))
			return -1;
		if (name  ? buf_adds(out, schema)
		    : bot ? buf_add_int(out, bot_id)
			  : buf_addc(out, '@'))
			return -1;
		mark += name ? 3 : bot ? 5 : 1;
	}
	return buf_adds(out, sql);
}
