/* queue/sqlite_db: the database behind the SQLite store: opened and checked in sqlite_open.c, used in sqlite.c. */
#ifndef TGRUN_QUEUE_SQLITE_DB_H
#define TGRUN_QUEUE_SQLITE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "queue/mark.h"

/* A name in the table `meta` that is the store's own. */
#define SQLITE_META_BOT_ID ".bot-id"

/* What `application_id` and `user_version` of the database say. Version 1 is that of tgrun 0.1. */
#define SQLITE_APPLICATION_ID 1952936558 /* "tgrn" */
#define SQLITE_TABLES 3

/* Where the database of an older version stays, until the first clean end. */
#define SQLITE_OLD_NAME "queue.db.0.1"

/* All tables of this version, and the two numbers above. */
extern const char sqlite_schema[];

struct sqlite_db {
	sqlite3 *handle;
	char *dir_name;     /* for messages */
	int dir_fd;
	struct mark mark;
	int wal_fd;         /* -1: it could not be opened */
	int64_t last_seq, bot_id;
	bool full_sync;     /* the present setting of `synchronous` */
};

/* Opens dir_fd/queue.db and its mark, makes or migrates the tables, checks that it is whole and the bot's. 0, or -1 with `err` as of sqlite_open(). */
int sqlite_db_open(struct sqlite_db *db, int dir_fd, const char *dir_name, int64_t bot_id, struct err *err);
void sqlite_db_close(struct sqlite_db *db);

/* Fills `err` with what the last call on the database failed of, as a sentence for people. Returns -1. */
int sqlite_db_fail(const struct sqlite_db *db, struct err *err);

/* Runs SQL that gives no rows. 0 or -1 with `err`. */
int sqlite_db_exec(const struct sqlite_db *db, const char *sql, struct err *err);

/* *n is the first number that the query gives, as it was if it gives none. 0 or -1 with `err`. */
int sqlite_db_number(const struct sqlite_db *db, const char *sql, int64_t *n, struct err *err);

/* sqlite_migrate.c: makes a database of this version out of dir_fd/queue.db, which is of `version`
 * and opened by nobody, and puts it in its place. 0, or -1 with `err` (ERR_IO: no room for it,
 * which is looked at before anything is written); until the last step the old one stays as it is. */
int sqlite_migrate(const struct sqlite_db *db, int64_t version, struct err *err);

#endif
