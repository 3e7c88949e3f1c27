/* queue/store/sqlite_space: what the durable store gives back to the disk when a backlog has been
 * worked off, and how large it is. A slice moves some pages from the end of the file into its gaps
 * and cuts the file there. Invariant: some free pages stay in the file, so that a dead letter can
 * be written when others have filled the disk. */
#include <inttypes.h>
#include <stdio.h>

#include "queue/store/sqlite_internal.h"

enum {
	PAGES_AT_ONCE = 1024,
	KEPT_FREE = 4 << 20, /* bytes */
};

int64_t sqlite_spare(struct store *store)
{
	int64_t page, pages, free_pages;
	if (sqlite_db_sizes(&sqlite_of(store)->db, &page, &pages, &free_pages, NULL))
		return 0;
	return free_pages * page;
}

int sqlite_give_back(struct store *store, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	int64_t page, pages, free_pages;
	char text[64];
	if (sqlite_set_sync(s, false, err))
		return -1;
	if (sqlite_db_sizes(&s->db, &page, &pages, &free_pages, err))
		return -1;
	int64_t more = free_pages - KEPT_FREE / page;
	if (more > 0) {
		snprintf(text, sizeof text, "PRAGMA incremental_vacuum(%d)",
			 more < PAGES_AT_ONCE ? (int)more : (int)PAGES_AT_ONCE);
		int rc = sqlite_db_exec(&s->db, text, err);
		sqlite_stand_shrunk(&s->db);
		if (rc)
			return -1;
		s->gave = true;
		return 1;
	}
	/* The file itself is cut when the log is carried over. */
	int full = SQLITE_CHECKPOINT_FULL;
	if (s->gave && sqlite3_wal_checkpoint_v2(s->db.handle, NULL, full, NULL, NULL) != SQLITE_OK)
		return sqlite_db_fail(&s->db, err);
	s->gave = false;
	return 0;
}
