/* queue/shared/fleet_schema: the schema of a fleet, as text, and the versions that go with it. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_SCHEMA_H
#define TGRUN_QUEUE_SHARED_FLEET_SCHEMA_H

#include <stdint.h>

#include "base/buf.h"

/* That of fleet.sql. A program works with its own; another is `tgrun fleet init`'s to make. */
#define FLEET_SCHEMA 1

/* What this program can do with a schema: one that needs more refuses it. `make FLEET_CLIENT=n`
 * makes an older one, for tests. */
#ifndef FLEET_CLIENT
#define FLEET_CLIENT 1
#endif

/* fleet.sql: `@S@` stands for the schema's name, `@BOT@` for the bot's id. */
extern const char fleet_sql[];

enum { FLEET_SCHEMA_MAX = 32 };

/* The name of a bot's schema: tgrun_123456. */
void fleet_schema_name(int64_t bot_id, char out[FLEET_SCHEMA_MAX]);

/* Appends `sql` with the schema's name and the bot's id in their places. 0, or -1 as buf_add(). */
int fleet_schema_fill(const char *sql, const char *schema, int64_t bot_id, struct buf *out);

#endif
