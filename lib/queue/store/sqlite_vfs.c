/* queue/store/sqlite_vfs: SQLite's own way to files but for one step: a name is taken as it stands.
 * SQLite would resolve /proc/self/fd/N/queue.db, which means the directory that is open, into a
 * path, which may mean another one by the time it is used, or one that this user may not go through
 * (systemd's /var/lib/private). */
#include <string.h>

#include "queue/store/sqlite_db.h"

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
		const sqlite3_vfs *standard = sqlite3_vfs_find(NULL);
		if (!standard)
			return NULL;
		ours = *standard;
		ours.pNext = NULL;
		ours.zName = "tgrun";
		ours.xFullPathname = full_name;
	}
	return sqlite3_vfs_register(&ours, 0) == SQLITE_OK ? ours.zName : NULL;
}
