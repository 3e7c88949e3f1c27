/* queue/store/sqlite_db: the database behind the SQLite store: opened and checked in sqlite_open.c,
 * used in sqlite.c. */
#ifndef TGRUN_QUEUE_STORE_SQLITE_DB_H
#define TGRUN_QUEUE_STORE_SQLITE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "queue/store/mark.h"
#include "queue/store/store.h"

/* A name in the table `meta` that is the store's own. */
#define SQLITE_META_BOT_ID ".bot-id"

/* What `application_id` and `user_version` of the database say. Version 1 is that of tgrun 0.1. */
#define SQLITE_APPLICATION_ID 1952936558 /* "tgrn" */
#define SQLITE_TABLES         5
#define SQLITE_TABLES_0_1     1

/* Where the database of an older version stays, until the first clean end. */
#define SQLITE_OLD_NAME "queue.db.0.1"

/* All tables of this version, and the two numbers above. */
extern const char sqlite_schema[];

/* What stood at a name when it was opened, and how long it is at least while nobody cuts it. */
struct sqlite_place {
	bool known;
	dev_t dev;
	ino_t ino;
	int64_t least;
};

struct sqlite_db {
	sqlite3 *handle;
	int dir_fd;
	char *dir_name; /* for messages */
	struct sqlite_place place[STORE_FILES];
	struct mark mark;
	int wal_fd;         /* -1: it could not be opened */
	int64_t page;       /* bytes */
	int64_t seen;       /* bytes of the log at the last look; 0: none */
	bool logged;        /* there was a commit: the log is not empty */
	bool damaged;       /* a call met a page that is none */
	const char *spoilt; /* the file that somebody cut or wrote over, or damage; NULL: none */
	int64_t last_seq, last_call, last_push, pushes, bot_id;
	bool unchecked; /* it is too large to be looked through for damage at each start */
	bool full_sync; /* the present setting of `synchronous` */
};

/* Opens dir_fd/queue.db and its mark, makes or migrates the tables, checks that it is whole and the
 * bot's. 0, or -1 with `err` as of sqlite_open(). */
int sqlite_db_open(struct sqlite_db *db, int dir_fd, const char *dir_name, int64_t bot_id,
		   struct err *err);
void sqlite_db_close(struct sqlite_db *db);

/* sqlite_migrate.c: makes a database of this version out of dir_fd/queue.db, which is of tgrun 0.1
 * and opened by nobody, and puts it in its place. 0, or -1 with `err` (ERR_IO: no room for it,
 * which is looked at before anything is written); until the last step the old one stays as it is.
 */
int sqlite_migrate(const struct sqlite_db *db, struct err *err);

/* What an open looks at before it changes anything. The files: each is this user's own, or not
 * there, and the database not lost; modes are mended if `mend`; *size of the database, -1 if there
 * is none. What the open database says: tgrun's own, of a version that this one knows
 * (*version, 0: no tables yet), undamaged (read if `whole`), as new as its mark, and this bot's (0:
 * any) or nobody's. 0, or -1 with `err` as of sqlite_open(). */
int sqlite_db_check_files(struct sqlite_db *db, int dir_fd, bool mend, int64_t *size,
			  struct err *err);
int sqlite_db_check(struct sqlite_db *db, bool whole, int64_t bot_id, int64_t *version,
		    struct err *err);
/* sqlite_stand.c: the files of the database are open now, and `db` stays where it is. What is
 * committed from now on is counted, and the log is carried over in time, unless a file is
 * spoilt. */
void sqlite_stand_remember(struct sqlite_db *db);
/* The database may be shorter from now on: pages of it were given back. */
void sqlite_stand_shrunk(struct sqlite_db *db);

/* As store_ops.stands and store_ops.files. */
int sqlite_stand(struct sqlite_db *db, struct err *err);
void sqlite_stand_files(const struct sqlite_db *db, struct store_files *out);

/* sqlite_vfs.c: the name by which SQLite knows a file system that takes names as they stand. NULL
 * when memory is out. */
const char *sqlite_vfs_name(void);

/* sqlite_log.c: opens a log, whose writes of a transaction become one, by the standard way to
 * files; as xOpen of a sqlite3_vfs. How many bytes the struct of an open file needs for it. */
int sqlite_log_open(sqlite3_vfs *standard, const char *name, sqlite3_file *file, int flags,
		    int *got);
int sqlite_log_size(const sqlite3_vfs *standard);

/* sqlite_db.c */

/* Fills `err` with what the last call on the database failed of, as a sentence for people, and
 * remembers when that was damage. Returns -1. */
int sqlite_db_fail(struct sqlite_db *db, struct err *err);

/* Runs SQL that gives no rows. 0 or -1 with `err`. */
int sqlite_db_exec(struct sqlite_db *db, const char *sql, struct err *err);

/* The bytes of a page, the pages of the file, and how many of them are free; how many bytes are in
 * use. 0 or -1 with `err`. */
int sqlite_db_sizes(struct sqlite_db *db, int64_t *page, int64_t *pages, int64_t *free_pages,
		    struct err *err);
int sqlite_db_used(struct sqlite_db *db, int64_t *bytes, struct err *err);

/* *n is the first number that the query gives, as it was if it gives none. 0 or -1 with `err`. */
int sqlite_db_number(struct sqlite_db *db, const char *sql, int64_t *n, struct err *err);

#endif
