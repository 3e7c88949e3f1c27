/* queue/shared/fleet_schema: the schema of a fleet, as text, and the versions that go with it. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_SCHEMA_H
#define TGRUN_QUEUE_SHARED_FLEET_SCHEMA_H

/* That of fleet.sql. A program works with its own; another is `tgrun fleet init`'s to make. */
#define FLEET_SCHEMA 1

/* What this program can do with a schema: one that needs more refuses it. `make FLEET_CLIENT=n`
 * makes an older one, for tests. */
#ifndef FLEET_CLIENT
#define FLEET_CLIENT 1
#endif

/* fleet.sql: `@S@` stands for the schema's name, `@BOT@` for the bot's id. */
extern const char fleet_sql[];

#endif
