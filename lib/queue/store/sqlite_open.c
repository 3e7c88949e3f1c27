/* queue/store/sqlite_open: opens the database. A directory comes in, a database that is whole, the
 * bot's own and of this version goes out, or a sentence that says what to do. Invariant: what is
 * damaged, cut, another bot's or a newer tgrun's is left as it is: updates that were confirmed to
 * the server exist nowhere else. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/crashpoint.h"
#include "queue/store/sqlite_db.h"

enum {
	/* bytes in use of a database that is checked whole at the start */
	CHECKED_BELOW = 64 << 20,
	/* bytes of the -wal kept, so that outcomes can be written on a full disk */
	RESERVED = 8 << 20,
	/* bytes that the database grows by at a time, for the same reason */
	GROWS_BY = 1 << 20,
	BUSY_PATIENCE = 1000, /* ms to wait for a `tgrun dead` that is at work */
};

#define DONE_KEPT \
	(INT64_C(48) * 3600 * 1000) /* ms; the server keeps no update for longer than 24 hours */

static int lost(const struct sqlite_db *db, const char *what, struct err *err)
{
	return err_set(
		err, ERR_IO,
		"%s: '%s/mark' says that update %" PRId64
		" was on disk, and the database ends at %" PRId64
		"; restore queue.db and queue.db-wal (from a backup: remove 'mark' too), or move the directory away and"
		" lose what it held",
		what, db->dir_name, db->mark.seq, db->last_seq);
}

/* What is at `name` must be a file of this user and no link, and is made private if `mend`; the
 * file itself is not opened, since closing it would drop the locks of another connection of this
 * process. *size is -1 if there is none. */
static int check_file(const char *dir_name, int dir_fd, const char *name, bool mend, int64_t *size,
		      struct err *err)
{
	struct stat st;
	*size = -1;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno == ENOENT)
			return 0;
		return err_sys(err, ERR_CANTCREATE, errno, "cannot use '%s/%s'", dir_name, name);
	}
	if (S_ISLNK(st.st_mode))
		return err_set(
			err, ERR_CANTCREATE,
			"'%s/%s' is a symbolic link; tgrun follows none here: put the file itself"
			" there",
			dir_name, name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CANTCREATE, "'%s/%s' is not a file; remove it", dir_name,
			       name);
	if (st.st_uid != geteuid())
		return err_set(
			err, ERR_CANTCREATE,
			"'%s/%s' belongs to user %u; it must be tgrun's own: run 'chown %u' on it",
			dir_name, name, (unsigned)st.st_uid, (unsigned)geteuid());
	if (mend && (st.st_mode & 077) && fchmodat(dir_fd, name, 0600, 0))
		return err_sys(err, ERR_CANTCREATE, errno, "cannot make '%s/%s' private", dir_name,
			       name);
	*size = st.st_size;
	return 0;
}

int sqlite_db_check_files(struct sqlite_db *db, int dir_fd, bool mend, int64_t *size,
			  struct err *err)
{
	int64_t side;
	if (check_file(db->dir_name, dir_fd, "queue.db", mend, size, err) ||
	    check_file(db->dir_name, dir_fd, "queue.db-wal", mend, &side, err) ||
	    check_file(db->dir_name, dir_fd, "queue.db-journal", mend, &side, err))
		return -1;
	/* SQLite removes the -wal of an empty database: so look before it does. */
	if (*size <= 0 && db->mark.seq > 0)
		return lost(db,
			    *size < 0 ? "the database is missing"
				      : "the database was cut to nothing",
			    err);
	return 0;
}

static int prepare_files(struct sqlite_db *db, int dir_fd, int64_t *size, struct err *err)
{
	if (sqlite_db_check_files(db, dir_fd, true, size, err))
		return -1;
	if (*size >= 0)
		return 0;
	int fd = openat(dir_fd, "queue.db", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	if (fd < 0)
		return err_sys(err, err_of_disk(errno), errno, "cannot make '%s/queue.db'",
			       db->dir_name);
	close(fd);
	CRASHPOINT("database-made");
	fsync(dir_fd);
	*size = 0;
	return 0;
}

static int connect_file(struct sqlite_db *db, int dir_fd, struct err *err)
{
	char path[64];
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
		    SQLITE_OPEN_EXRESCODE;
	/* It counts its memory, under a lock for each allocation, and nobody asks. Once it is at
	 * work it refuses this, and the first call holds. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d/queue.db", dir_fd);
	const char *vfs = sqlite_vfs_name();
	if (!vfs)
		return err_set(err, ERR_INTERNAL, "out of memory");
	if (sqlite3_open_v2(path, &db->handle, flags, vfs) != SQLITE_OK) {
		if (!db->handle)
			return err_set(err, ERR_INTERNAL, "out of memory");
		return sqlite_db_fail(db, err);
	}
	sqlite3_busy_timeout(db->handle, BUSY_PATIENCE);
	/* Pages of 1 KB: an update that comes alone changes two of them at each step. Their size
	 * and how the file shrinks come before the log, with which a new file gets its shape.
	 * EXCLUSIVE before WAL: no shared memory, and other processes are kept out. The WAL is
	 * carried over and begun anew, which waits for the disk, when half of what is reserved for
	 * it is full. 16 MB of pages: those that the turns of a million waiting updates go through,
	 * in no order. */
	if (sqlite_db_exec(
		    db,
		    "PRAGMA page_size = 1024; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA locking_mode = EXCLUSIVE;"
		    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;"
		    "PRAGMA journal_size_limit = 8388608; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;",
		    err))
		return -1;
	int64_t wal = 0;
	if (sqlite_db_number(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &wal, err))
		return -1;
	if (wal != 1)
		return err_set(err, ERR_CANTCREATE,
			       "the file system of '%s' does not let SQLite keep a write-ahead log",
			       db->dir_name);
	return 0;
}

static int check_version(struct sqlite_db *db, int64_t *version, struct err *err)
{
	int64_t application = 0, tables = 1;
	*version = 0;
	if (sqlite_db_number(db, "PRAGMA application_id", &application, err) ||
	    sqlite_db_number(db, "PRAGMA user_version", version, err) ||
	    sqlite_db_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err))
		return -1;
	bool fresh = application == 0 && *version == 0 && tables == 0;
	if (!fresh && application != SQLITE_APPLICATION_ID)
		return err_set(
			err, ERR_CONFIG,
			"'%s/queue.db' is a database, but not of tgrun; choose another --state-dir",
			db->dir_name);
	if (*version > SQLITE_TABLES)
		return err_set(
			err, ERR_CONFIG,
			"the state in '%s' was written by a newer tgrun (its version is %" PRId64
			", this one knows %d); use that one",
			db->dir_name, *version, SQLITE_TABLES);
	if (!fresh && *version != SQLITE_TABLES && *version != SQLITE_TABLES_0_1)
		return err_set(
			err, ERR_CONFIG,
			"the state in '%s' was written by a tgrun between two releases (its version is %" PRId64
			"); empty it with that one, or choose another --state-dir",
			db->dir_name, *version);
	return 0;
}

static int quick_check(struct sqlite_db *db, struct err *err)
{
	sqlite3_stmt *st = NULL;
	const char *found;
	int rc = 0;
	if (sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		rc = sqlite_db_fail(db, err);
	else if (!(found = (const char *)sqlite3_column_text(st, 0)))
		rc = err_set(err, ERR_INTERNAL, "out of memory");
	else if (sqlite3_system_errno(db->handle) &&
		 strstr(found,
			"unable to get the page")) /* it reports what it could not read as damage */
		rc = err_sys(err, ERR_IO, sqlite3_system_errno(db->handle),
			     "the database '%s/queue.db' cannot be read", db->dir_name);
	else if (strcmp(found, "ok") != 0)
		rc = err_set(
			err, ERR_IO,
			"the database '%s/queue.db' is damaged (%s); restore it from a backup, or move the"
			" directory away and lose what it held",
			db->dir_name, found);
	sqlite3_finalize(st);
	return rc;
}

static int make_tables(struct sqlite_db *db, struct err *err)
{
	CRASHPOINT("before-tables");
	if (sqlite_db_exec(db, "BEGIN IMMEDIATE", err) || sqlite_db_exec(db, sqlite_schema, err))
		return -1;
	return sqlite_db_exec(db, "INSERT INTO state DEFAULT VALUES; COMMIT", err);
}

int sqlite_db_check(struct sqlite_db *db, bool whole, int64_t bot_id, int64_t *version,
		    struct err *err)
{
	if (check_version(db, version, err) || (whole && quick_check(db, err)))
		return -1;
	const char *last_seq = *version == SQLITE_TABLES_0_1
				       ? "SELECT value + 0 FROM meta WHERE name = '.last-seq'"
				       : "SELECT last_seq FROM state";
	if (*version > 0 &&
	    (sqlite_db_number(db, last_seq, &db->last_seq, err) ||
	     sqlite_db_number(db,
			      "SELECT value + 0 FROM meta WHERE name = '" SQLITE_META_BOT_ID "'",
			      &db->bot_id, err)))
		return -1;
	if (db->last_seq < db->mark.seq)
		return lost(
			db,
			"the database or its -wal file was cut, removed or put back from an older time",
			err);
	if (bot_id && db->bot_id && bot_id != db->bot_id)
		return err_set(err, ERR_CONFIG,
			       "the state in '%s' belongs to bot %" PRId64 ", not to %" PRId64
			       "; choose another --state-dir",
			       db->dir_name, db->bot_id, bot_id);
	return 0;
}

/* Writes down whose state this is, when it is nobody's yet. */
static int bind_bot(struct sqlite_db *db, int64_t bot_id, struct err *err)
{
	char sql[128];
	if (!bot_id || db->bot_id)
		return 0;
	db->bot_id = bot_id;
	snprintf(sql, sizeof sql,
		 "INSERT INTO meta VALUES('" SQLITE_META_BOT_ID "', '%" PRId64 "')", bot_id);
	return sqlite_db_exec(db, sql, err);
}

/* Room for outcomes on a disk that others fill: advisory, so failures are passed over. */
static void reserve(struct sqlite_db *db, int dir_fd)
{
	int chunk = GROWS_BY;
	sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk);
	/* SQLite locks the database, not its log: this may be opened and closed. */
	db->wal_fd = openat(dir_fd, "queue.db-wal", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (db->wal_fd >= 0 && posix_fallocate(db->wal_fd, 0, RESERVED) == 0)
		fdatasync(db->wal_fd);
}

/* Tables of tgrun 0.1 become a new file, which takes the place of the old one. */
static int renew(struct sqlite_db *db, struct err *err)
{
	sqlite3_close(db->handle);
	db->handle = NULL;
	return sqlite_migrate(db, err) || connect_file(db, db->dir_fd, err) ? -1 : 0;
}

static int prepare_tables(struct sqlite_db *db, int64_t bot_id, struct err *err)
{
	char sql[128];
	int64_t version, used;
	/* Before anything is written: a damaged or foreign file stays as it is. */
	if (sqlite_db_used(db, &used, err))
		return -1;
	db->unchecked = used >= CHECKED_BELOW;
	if (sqlite_db_check(db, !db->unchecked, bot_id, &version, err))
		return -1;
	int rc = version == 0                   ? make_tables(db, err)
		 : version == SQLITE_TABLES_0_1 ? renew(db, err)
						: 0;
	if (rc || bind_bot(db, bot_id, err))
		return -1;
	snprintf(sql, sizeof sql, "DELETE FROM finished WHERE at < %" PRId64,
		 (int64_t)time(NULL) * 1000 - DONE_KEPT);
	return sqlite_db_exec(db, sql, err);
}

int sqlite_db_open(struct sqlite_db *db, int dir_fd, const char *dir_name, int64_t bot_id,
		   struct err *err)
{
	int64_t size;
	*db = (struct sqlite_db){ .mark.fd = -1,
				  .wal_fd = -1,
				  .dir_name = strdup(dir_name),
				  .dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) };
	int rc = db->dir_name ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
	if (rc == 0 && db->dir_fd < 0)
		rc = err_sys(err, ERR_CANTCREATE, errno, "cannot use '%s'", dir_name);
	dir_fd = db->dir_fd;
	if (rc || mark_open(&db->mark, dir_fd, dir_name, err) ||
	    prepare_files(db, dir_fd, &size, err) || connect_file(db, dir_fd, err) ||
	    prepare_tables(db, bot_id, err)) {
		sqlite_db_close(db);
		return -1;
	}
	CRASHPOINT("tables-made");
	/* The tables themselves are in the database file before anything else is. */
	sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL);
	reserve(db, dir_fd);
	sqlite_stand_remember(db);
	sqlite3_busy_timeout(db->handle, 0);
	return 0;
}

void sqlite_db_close(struct sqlite_db *db)
{
	int keep = 1;
	CRASHPOINT("before-close");
	/* SQLite removes the log by its name, which may be another database's by now. */
	if (db->handle && sqlite_stand(db, NULL) < 0)
		sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	/* What is left of a file that somebody cut is not made less by what the other lost. */
	if (db->handle && db->spoilt)
		sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	bool whole = db->handle && sqlite3_close(db->handle) == SQLITE_OK;
	/* A clean end took the log with it: what the tables were made of is not needed any more. */
	if (whole && db->dir_fd >= 0 && faccessat(db->dir_fd, "queue.db-wal", F_OK, 0))
		unlinkat(db->dir_fd, SQLITE_OLD_NAME, 0);
	if (db->wal_fd >= 0)
		close(db->wal_fd);
	mark_close(&db->mark);
	if (db->dir_fd >= 0)
		close(db->dir_fd);
	free(db->dir_name);
}
