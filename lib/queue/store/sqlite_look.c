/* queue/store/sqlite_look: a state directory in; what an open of its database would find, or
 * refuse, out. For `tgrun check`.
 *
 * Invariant: nothing is written, made, locked or removed. The database is opened read-only and
 * without locks; SQLite itself would make a missing -wal and roll back a journal, so without a -wal
 * the file is taken as it stands, and one with a journal is left alone. Two runners' locks are the
 * caller's to look at: here nobody is kept out. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "queue/store/sqlite_db.h"
#include "queue/store/store.h"

static int64_t size_of(int dir_fd, const char *name)
{
	struct stat st;
	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) ? -1 : st.st_size;
}

static int connect_file(struct sqlite_db *db, int dir_fd, struct err *err)
{
	char uri[96];
	bool log = size_of(dir_fd, "queue.db-wal") > 0;
	/* The heap, not a shared file, holds the index of the -wal: the locking mode. It is read,
	 * since it is there; without locks: the "none". */
	snprintf(uri, sizeof uri, "file:/proc/self/fd/%d/queue.db%s", dir_fd,
		 log ? "" : "?immutable=1");
	if (sqlite3_open_v2(uri, &db->handle,
			    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
				    SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE,
			    log ? "unix-none" : NULL) != SQLITE_OK) {
		if (!db->handle)
			return err_set(err, ERR_INTERNAL, "out of memory");
		return sqlite_db_fail(db, err);
	}
	return sqlite_db_exec(
		db,
		"PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
		"PRAGMA temp_store = MEMORY",
		err);
}

int sqlite_look(int dir_fd, const char *dir_name, int64_t bot_id, struct store_look *out,
		struct err *err)
{
	struct sqlite_db db = { .mark = { .fd = -1, .seq = mark_read(dir_fd) },
				.wal_fd = -1,
				.dir_fd = -1,
				.dir_name = strdup(dir_name) };
	int64_t size, version = 0;
	*out = (struct store_look){ 0 };
	if (!db.dir_name)
		return err_set(err, ERR_INTERNAL, "out of memory");
	int rc = sqlite_db_check_files(&db, dir_fd, false, &size, err);
	if (rc == 0 && size > 0 && size_of(dir_fd, "queue.db-journal") <= 0) {
		rc = connect_file(&db, dir_fd, err) ||
				     sqlite_db_check(&db, true, bot_id, &version, err)
			     ? -1
			     : 0;
		out->there = rc == 0 && version > 0;
	}
	if (out->there &&
	    (sqlite_db_number(&db, "SELECT count(*) FROM dead", &out->dead, err) ||
	     sqlite_db_number(&db,
			      version == SQLITE_TABLES_0_1
				      ? "SELECT count(*) FROM updates WHERE state <> 3"
				      : "SELECT count(*) - (SELECT lying FROM state) FROM updates",
			      &out->waiting, err) ||
	     sqlite_db_number(
		     &db,
		     "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size",
		     &out->spare, err)))
		rc = -1;
	sqlite_db_close(&db);
	return rc;
}
