/* queue/store/sqlite_db: what every file of the durable store asks of the open database: SQL that
 * is run seldom, its size, and what a failure of SQLite means to people. Invariant: each failure
 * passes here, so damage that any call meets is known from then on (sqlite_stand.c). */
#include "queue/store/sqlite_db.h"

#include <string.h>

int sqlite_db_fail(struct sqlite_db *db, struct err *err)
{
	const char *dir = db->dir_name;
	int code = sqlite3_extended_errcode(db->handle), why = sqlite3_system_errno(db->handle);
	switch (code & 0xff) {
	case SQLITE_FULL:
		return err_set(
			err, ERR_IO,
			"the disk is full: cannot write '%s/queue.db'; make room, nothing is lost",
			dir);
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		db->damaged = true;
		return err_set(
			err, ERR_IO,
			"the database '%s/queue.db' is damaged (%s); restore it from a backup, or move the"
			" directory away and lose what it held",
			dir, sqlite3_errmsg(db->handle));
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(err, ERR_TEMPFAIL,
			       "the database '%s/queue.db' is used by another process", dir);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return err_set(err, ERR_CANTCREATE, "cannot write the database '%s/queue.db': %s",
			       dir, why ? strerror(why) : sqlite3_errmsg(db->handle));
	case SQLITE_NOMEM:
	case SQLITE_OK: /* it was not SQLite that failed */
	case SQLITE_ROW:
	case SQLITE_DONE:
		return err_set(err, ERR_INTERNAL, "out of memory");
	default:
		return err_set(err, ERR_IO, "the database '%s/queue.db' fails: %s%s%s", dir,
			       sqlite3_errmsg(db->handle), why ? ": " : "",
			       why ? strerror(why) : "");
	}
}

int sqlite_db_exec(struct sqlite_db *db, const char *sql, struct err *err)
{
	return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : sqlite_db_fail(db, err);
}

int sqlite_db_number(struct sqlite_db *db, const char *sql, int64_t *n, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
		*n = sqlite3_column_int64(st, 0);
	rc = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : sqlite_db_fail(db, err);
	sqlite3_finalize(st);
	return rc;
}

int sqlite_db_sizes(struct sqlite_db *db, int64_t *page, int64_t *pages, int64_t *free_pages,
		    struct err *err)
{
	*page = *pages = *free_pages = 0;
	if (sqlite_db_number(db, "PRAGMA page_size", page, err) ||
	    sqlite_db_number(db, "PRAGMA page_count", pages, err) ||
	    sqlite_db_number(db, "PRAGMA freelist_count", free_pages, err))
		return -1;
	return 0;
}

int sqlite_db_used(struct sqlite_db *db, int64_t *bytes, struct err *err)
{
	int64_t page, pages, free_pages;
	if (sqlite_db_sizes(db, &page, &pages, &free_pages, err))
		return -1;
	/* A damaged header may say anything. */
	*bytes = (free_pages < pages ? pages - free_pages : pages) * page;
	return 0;
}
