/* queue/store/sqlite_migrate: a database of tgrun 0.1 in, one of this version out, beside it: made
 * whole, synced, and only then put in its place by one rename(2). Invariant: at every instant
 * `queue.db` is one of the two, whole; the old one keeps a second name until tgrun has ended well
 * once. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/crashpoint.h"
#include "queue/store/sqlite_db.h"

#define NEW_NAME "queue.db.new"

enum { SPARE = 16 << 20 /* bytes beside the copy: the new log, and what else goes on */ };

/* Version 1 kept bodies in a table of their own, and a state of each update: 0 new, 1 running, 2
 * begun before, 3 finished. */
static const char copy_1[] =
	"BEGIN EXCLUSIVE;"
	"INSERT INTO roots SELECT r.id, r.url, o.next FROM old.roots r LEFT JOIN old.offsets o ON o.root = r.id;"
	"INSERT INTO meta SELECT name, value FROM old.meta WHERE name <> '.last-seq';"
	"INSERT INTO updates SELECT u.seq, iif(u.update_id IS NULL, 0, ifnull(u.root, 0)), u.update_id, u.hash,"
	" u.lane, u.ageless, 0, u.received, u.kind, u.keys, ifnull(b.body, x'')"
	" FROM old.updates u LEFT JOIN old.bodies b USING(seq) WHERE u.state <> 3 ORDER BY u.seq;"
	"INSERT INTO runs SELECT seq, received, 0 FROM old.updates WHERE state = 1;"
	"INSERT INTO tries SELECT seq, failures, deaths, 0, state = 2, due, iif(state = 2, received, 0)"
	" FROM old.updates"
	" WHERE state = 2 OR (state < 3 AND (failures > 0 OR deaths > 0 OR due > 0));"
	"INSERT INTO finished SELECT root, update_id, hash, seq, received FROM old.updates"
	" WHERE state = 3 AND root IS NOT NULL AND update_id IS NOT NULL;"
	"INSERT INTO dead SELECT number, update_id, kind, keys, reason, last_stderr, attempts, received, died, 0,"
	" body FROM old.dead;"
	"INSERT INTO state(last_seq, highest) SELECT"
	" ifnull((SELECT value + 0 FROM old.meta WHERE name = '.last-seq'), 0),"
	" ifnull((SELECT max(update_id) FROM old.updates WHERE root IS NOT NULL), -1);"
	"COMMIT; DETACH old";

static int64_t size_of(const struct sqlite_db *db, const char *name)
{
	struct stat st;
	return fstatat(db->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) ? 0 : st.st_size;
}

static int check_room(const struct sqlite_db *db, struct err *err)
{
	struct statvfs fs;
	int64_t wanted = size_of(db, "queue.db") + size_of(db, "queue.db-wal") + SPARE;
	if (fstatvfs(db->dir_fd, &fs))
		return err_sys(err, ERR_IO, errno, "cannot tell how much room there is in '%s'",
			       db->dir_name);
	int64_t room = (int64_t)(fs.f_bavail * fs.f_frsize);
	if (room >= wanted)
		return 0;
	return err_set(err, ERR_IO,
		       "the state in '%s' is of an older tgrun, and to renew it takes %" PRId64
		       " MB of disk, of"
		       " which %" PRId64 " are free; make room, nothing was changed",
		       db->dir_name, (wanted >> 20) + 1, room >> 20);
}

/* A fresh file, private from its first instant. */
static int make_file(const struct sqlite_db *db, struct err *err)
{
	if (unlinkat(db->dir_fd, NEW_NAME, 0) && errno != ENOENT)
		return err_sys(err, ERR_CANTCREATE, errno, "cannot remove '%s/" NEW_NAME "'",
			       db->dir_name);
	int fd = openat(db->dir_fd, NEW_NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	if (fd < 0)
		return err_sys(err,
			       errno == ENOSPC || errno == EDQUOT || errno == EIO ? ERR_IO
										  : ERR_CANTCREATE,
			       errno, "cannot make '%s/" NEW_NAME "'", db->dir_name);
	close(fd);
	return 0;
}

/* The copy needs no journal: if it is cut off, it is made again. */
static int copy(const struct sqlite_db *db, struct err *err)
{
	struct sqlite_db fresh = { .dir_name = db->dir_name };
	char path[64], attach[96];
	snprintf(path, sizeof path, "/proc/self/fd/%d/" NEW_NAME, db->dir_fd);
	snprintf(attach, sizeof attach, "ATTACH '/proc/self/fd/%d/queue.db' AS old", db->dir_fd);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
		    SQLITE_OPEN_EXRESCODE;
	const char *vfs = sqlite_vfs_name();
	if (!vfs)
		return err_set(err, ERR_INTERNAL, "out of memory");
	int rc = sqlite3_open_v2(path, &fresh.handle, flags, vfs) == SQLITE_OK
			 ? 0
			 : sqlite_db_fail(&fresh, err);
	rc = rc ||
	     sqlite_db_exec(
		     &fresh,
		     "PRAGMA page_size = 1024; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA locking_mode = EXCLUSIVE;"
		     "PRAGMA trusted_schema = OFF; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY",
		     err) ||
	     sqlite_db_exec(&fresh, sqlite_schema, err) || sqlite_db_exec(&fresh, attach, err) ||
	     sqlite_db_exec(&fresh, copy_1, err);
	sqlite3_close(fresh.handle);
	return rc ? -1 : 0;
}

static int sync_file(const struct sqlite_db *db, struct err *err)
{
	int fd = openat(db->dir_fd, NEW_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) ? err_sys(err, ERR_IO, errno, "cannot sync '%s/" NEW_NAME "'",
					       db->dir_name)
				     : 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

static int swap(const struct sqlite_db *db, struct err *err)
{
	/* A log of the old database would be taken for one of the new. SQLite has carried it over
	 * and removed it. */
	if (size_of(db, "queue.db-wal") > 0)
		return err_set(err, ERR_IO,
			       "'%s/queue.db-wal' could not be carried over into the database",
			       db->dir_name);
	if (unlinkat(db->dir_fd, SQLITE_OLD_NAME, 0) && errno != ENOENT)
		return err_sys(err, ERR_CANTCREATE, errno, "cannot remove '%s/" SQLITE_OLD_NAME "'",
			       db->dir_name);
	if (linkat(db->dir_fd, "queue.db", db->dir_fd, SQLITE_OLD_NAME, 0))
		return err_sys(err, ERR_CANTCREATE, errno,
			       "cannot keep the old database as '%s/" SQLITE_OLD_NAME "'",
			       db->dir_name);
	CRASHPOINT("migration-linked");
	if (fsync(db->dir_fd) || renameat(db->dir_fd, NEW_NAME, db->dir_fd, "queue.db") ||
	    fsync(db->dir_fd))
		return err_sys(err, ERR_IO, errno,
			       "cannot put the new database in its place in '%s'", db->dir_name);
	CRASHPOINT("migration-renamed");
	return 0;
}

int sqlite_migrate(const struct sqlite_db *db, struct err *err)
{
	if (check_room(db, err) || make_file(db, err))
		return -1;
	CRASHPOINT("before-migration");
	if (copy(db, err) || sync_file(db, err) || swap(db, err)) {
		unlinkat(db->dir_fd, NEW_NAME, 0);
		return -1;
	}
	return 0;
}
