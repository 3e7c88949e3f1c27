/* queue/store/sqlite_vfs: SQLite's own way to files but for two steps. A log is written by
 * sqlite_log.c. And a name is taken as it stands: SQLite would resolve /proc/self/fd/N/queue.db,
 * which means the directory that is open, into a path, which may mean another one by the time it is
 * used, or one that this user may not go through (systemd's /var/lib/private). */
#include <string.h>

#include "queue/store/sqlite_db.h"

static sqlite3_vfs *standard;

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *got)
{
	(void)vfs;
	return flags & SQLITE_OPEN_WAL ? sqlite_log_open(standard, name, file, flags, got)
				       : standard->xOpen(standard, name, file, flags, got);
}

static int full_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	(void)vfs;
	size_t n = strlen(name) + 1;
	if (n > (size_t)size)
		return SQLITE_CANTOPEN_FULLPATH;
	memcpy(out, name, n);
	return SQLITE_OK;
}

const char *sqlite_vfs_name(void)
{
	static sqlite3_vfs ours;
	if (!ours.zName) {
		standard = sqlite3_vfs_find(NULL);
		if (!standard)
			return NULL;
		ours = *standard;
		ours.pNext = NULL;
		ours.zName = "tgrun";
		ours.szOsFile = sqlite_log_size(standard);
		ours.xOpen = open_file;
		ours.xFullPathname = full_name;
	}
	return sqlite3_vfs_register(&ours, 0) == SQLITE_OK ? ours.zName : NULL;
}
