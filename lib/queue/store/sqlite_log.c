/* queue/store/sqlite_log: the file of SQLite's log. SQLite writes each frame in two pieces, a head
 * of 24 bytes and a page; here all that a transaction appends comes in, and one write goes out.
 *
 * Invariants: what a commit wrote has left for the kernel before the call that wrote its last byte
 * returns, and that call fails if it could not; nothing else is done to the file while pieces are
 * held; pieces go out in the order in which they came. So only what no commit followed may be
 * missing, and the log ends before it in any case (sqlite.org/walformat.html: a frame whose head
 * names no size of the database is no end of a transaction). */
#include <stdlib.h>
#include <string.h>

#include "queue/store/sqlite_db.h"

enum {
	HEAD = 24, /* of a frame */
	ROOM = 64 * 1024,
};

/* SQLite allocates it, sqlite_log_size() bytes; the standard file stands behind it. */
struct log {
	sqlite3_file file;
	char *held;
	int length;        /* bytes held */
	sqlite3_int64 end; /* where the last write ended; -1: there was none */
	bool last;         /* the head that came last says: with this frame the transaction ends */
};

static struct log *log_of(sqlite3_file *file)
{
	return (struct log *)(void *)file;
}

static sqlite3_file *standard_of(sqlite3_file *file)
{
	return (sqlite3_file *)(void *)(log_of(file) + 1);
}

/* What could not be written out is lost, and with it the transaction: SQLite begins it again, from
 * where the one before ended. */
static int write_out(sqlite3_file *file)
{
	struct log *l = log_of(file);
	sqlite3_file *standard = standard_of(file);
	int n = l->length;
	l->length = 0;
	return n ? standard->pMethods->xWrite(standard, l->held, n, l->end - n) : SQLITE_OK;
}

static bool ends_transaction(const char *head)
{
	static const char none[4];
	return memcmp(head + 4, none, sizeof none) != 0;
}

static int log_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	struct log *l = log_of(file);
	sqlite3_file *standard = standard_of(file);
	/* Elsewhere SQLite mends what stands there, perhaps the head of the last frame. */
	bool append = at == l->end && n <= ROOM;
	int rc = append && l->length + n <= ROOM ? SQLITE_OK : write_out(file);
	if (rc == SQLITE_OK && !append)
		rc = standard->pMethods->xWrite(standard, bytes, n, at);
	l->end = rc == SQLITE_OK ? at + n : -1;
	if (rc != SQLITE_OK)
		return rc;
	if (append) {
		memcpy(l->held + l->length, bytes, (size_t)n);
		l->length += n;
	}
	if (n == HEAD)
		l->last = ends_transaction(bytes);
	else if (l->last)
		rc = write_out(file);
	return rc;
}

static int log_close(sqlite3_file *file)
{
	struct log *l = log_of(file);
	sqlite3_file *standard = standard_of(file);
	free(l->held);
	return standard->pMethods->xClose(standard);
}

static int log_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 at)
{
	sqlite3_file *standard = standard_of(file);
	int rc = write_out(file);
	return rc ? rc : standard->pMethods->xRead(standard, bytes, n, at);
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	sqlite3_file *standard = standard_of(file);
	int rc = write_out(file);
	return rc ? rc : standard->pMethods->xTruncate(standard, size);
}

static int log_sync(sqlite3_file *file, int flags)
{
	sqlite3_file *standard = standard_of(file);
	int rc = write_out(file);
	return rc ? rc : standard->pMethods->xSync(standard, flags);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size)
{
	sqlite3_file *standard = standard_of(file);
	int rc = write_out(file);
	return rc ? rc : standard->pMethods->xFileSize(standard, size);
}

static int log_control(sqlite3_file *file, int what, void *arg)
{
	sqlite3_file *standard = standard_of(file);
	int rc = write_out(file);
	return rc ? rc : standard->pMethods->xFileControl(standard, what, arg);
}

/* A log is locked by the locks of its database. */
static int log_lock(sqlite3_file *file, int lock)
{
	(void)file, (void)lock;
	return SQLITE_OK;
}

static int log_is_reserved(sqlite3_file *file, int *is)
{
	(void)file;
	*is = 0;
	return SQLITE_OK;
}

static int log_sector(sqlite3_file *file)
{
	sqlite3_file *standard = standard_of(file);
	return standard->pMethods->xSectorSize(standard);
}

static int log_device(sqlite3_file *file)
{
	sqlite3_file *standard = standard_of(file);
	return standard->pMethods->xDeviceCharacteristics(standard);
}

static const sqlite3_io_methods log_methods = {
	.iVersion = 1,
	.xClose = log_close,
	.xRead = log_read,
	.xWrite = log_write,
	.xTruncate = log_truncate,
	.xSync = log_sync,
	.xFileSize = log_size,
	.xLock = log_lock,
	.xUnlock = log_lock,
	.xCheckReservedLock = log_is_reserved,
	.xFileControl = log_control,
	.xSectorSize = log_sector,
	.xDeviceCharacteristics = log_device,
};

int sqlite_log_size(const sqlite3_vfs *standard)
{
	return (int)sizeof(struct log) + standard->szOsFile;
}

int sqlite_log_open(sqlite3_vfs *standard, const char *name, sqlite3_file *file, int flags,
		    int *got)
{
	struct log *l = log_of(file);
	*l = (struct log){ .end = -1 };
	l->held = malloc(ROOM);
	int rc = l->held ? standard->xOpen(standard, name, standard_of(file), flags, got)
			 : SQLITE_NOMEM;
	if (rc == SQLITE_OK)
		l->file.pMethods = &log_methods;
	else
		free(l->held);
	return rc;
}
