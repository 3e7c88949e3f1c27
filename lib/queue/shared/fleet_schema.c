/* queue/shared/fleet_schema: a bot's id in, the name of its schema out; statements in, the same for
 * that schema out; and the whole text of it, with the rights of a role. */
#include "queue/shared/fleet_schema.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "queue/shared/fleet_admin.h"

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

/* A text as a literal of SQL. */
static int add_literal(struct buf *out, const char *text)
{
	int rc = buf_addc(out, '\'');
	for (; *text && rc == 0; text++)
		rc = (*text == '\'' && buf_addc(out, '\'')) || buf_addc(out, *text);
	return rc || buf_addc(out, '\'') ? -1 : 0;
}

int fleet_admin_script(int64_t bot_id, const char *role, struct buf *out)
{
	char schema[FLEET_SCHEMA_MAX];
	fleet_schema_name(bot_id, schema);
	int rc = buf_adds(out, "BEGIN;\n") || fleet_schema_fill(fleet_sql, schema, bot_id, out);
	if (role)
		rc = rc || buf_addf(out, "\nSELECT %s.grant_to_(", schema) ||
		     add_literal(out, role) || buf_adds(out, ");\n");
	return rc || buf_adds(out, "COMMIT;\n") ? -1 : 0;
}
