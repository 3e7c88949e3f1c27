/* queue/store/sqlite_stand: whether the files of an open database still stand under their names,
 * nobody cut them or wrote over their beginnings, and no call met damage. In: the directory, what
 * stood there when they were opened, and each commit. Out: a yes, or a sentence. Invariants: what
 * is open keeps its inode, so an equal number means the same file. SQLite cuts the database to the
 * pages of a commit only, and those become fewer only by sqlite_space.c, so the least of both since
 * the last look is a bound; it never cuts the log below what the last commit left there. What was
 * spoilt once stays so: SQLite writes on behind the gap, and the file looks whole. SQLite's own
 * descriptor of the database is used, or found by the inode, since closing one more would drop its
 * locks. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/store/sqlite_db.h"

enum {
	DATABASE,
	WAL,
	WAL_HEADER = 32,
	FRAME_HEADER = 24,
	CARRIED_AT = 4000, /* frames of the log, as `wal_autocheckpoint` said */
};

/* sqlite.org/fileformat2.html: how each begins; the last bit of the log's is its byte order. */
static const char database_magic[16] = "SQLite format 3";
static const unsigned char wal_magic[4] = { 0x37, 0x7f, 0x06, 0x82 };

static const char *const names[STORE_FILES] = { "queue.db", "queue.db-wal" };

/* A failure to read says nothing; that there is nothing to read does. */
static bool database_begins(const struct sqlite_db *db)
{
	sqlite3_file *file = NULL;
	char head[sizeof database_magic] = "";
	if (sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) || !file ||
	    !file->pMethods)
		return true;
	int rc = file->pMethods->xRead(file, head, sizeof head, 0);
	if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
		return true;
	return memcmp(head, database_magic, sizeof head) == 0;
}

static bool wal_begins(const struct sqlite_db *db)
{
	unsigned char head[sizeof wal_magic] = { 0 };
	if (!db->logged || db->wal_fd < 0 || pread(db->wal_fd, head, sizeof head, 0) < 0)
		return true;
	head[3] &= 0xfe;
	return memcmp(head, wal_magic, sizeof head) == 0;
}

/* Whether what was the last frame is one still. It begins with the number of a page, which is not
 * 0, also when it was written again. What was written behind a cut leaves zeros there. */
static bool wal_goes_on(const struct sqlite_db *db)
{
	static const unsigned char none[4];
	unsigned char head[sizeof none];
	off_t last = db->seen - FRAME_HEADER - db->page;
	if (last < WAL_HEADER || db->seen > db->place[WAL].least || db->wal_fd < 0 ||
	    pread(db->wal_fd, head, sizeof head, last) != (ssize_t)sizeof head)
		return true;
	return memcmp(head, none, sizeof none) != 0;
}

static bool is_at(const struct sqlite_place *place, const struct stat *st)
{
	return st->st_dev == place->dev && st->st_ino == place->ino;
}

/* The size of a file; -1: it does not stand under its name, or cannot be looked at. */
static int64_t size_of(const struct sqlite_db *db, int i)
{
	struct stat st;
	return fstatat(db->dir_fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			       is_at(&db->place[i], &st)
		       ? st.st_size
		       : -1;
}

/* Whether a file that stands under its name, and has this size, is not what was written to it. */
static bool is_spoilt(struct sqlite_db *db, const int64_t size[STORE_FILES])
{
	if (db->damaged && !db->spoilt)
		db->spoilt = names[DATABASE];
	for (int i = 0; i < STORE_FILES && !db->spoilt; i++) {
		if (!db->place[i].known)
			continue;
		bool cut = size[i] >= 0 && size[i] < db->place[i].least;
		if (cut ||
		    !(i == DATABASE ? database_begins(db) : wal_begins(db) && wal_goes_on(db)))
			db->spoilt = names[i];
	}
	return db->spoilt;
}

/* In place of SQLite's own, which only carries the log over. From a log that was cut it would carry
 * zeros over what is still whole. */
static int on_commit(void *arg, sqlite3 *handle, const char *name, int frames)
{
	struct sqlite_db *db = arg;
	db->logged = frames > 0;
	db->place[WAL].least = frames ? WAL_HEADER + frames * (FRAME_HEADER + db->page) : 0;
	if (frames < CARRIED_AT)
		return SQLITE_OK;
	const int64_t size[STORE_FILES] = { size_of(db, DATABASE), size_of(db, WAL) };
	if (!is_spoilt(db, size))
		sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

static void bound(struct sqlite_db *db, int64_t most)
{
	int64_t page, pages, free_pages;
	struct sqlite_place *place = &db->place[DATABASE];
	if (sqlite_db_sizes(db, &page, &pages, &free_pages, NULL))
		return;
	db->page = page;
	place->least = pages * page < most ? pages * page : most;
}

void sqlite_stand_shrunk(struct sqlite_db *db)
{
	bound(db, db->place[DATABASE].least);
}

void sqlite_stand_remember(struct sqlite_db *db)
{
	for (int i = 0; i < STORE_FILES; i++) {
		struct stat st;
		db->place[i] = (struct sqlite_place){ 0 };
		if (fstatat(db->dir_fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			db->place[i] = (struct sqlite_place){ .known = true,
							      .dev = st.st_dev,
							      .ino = st.st_ino };
		if (db->place[i].known && i == DATABASE)
			bound(db, st.st_size);
	}
	sqlite3_wal_hook(db->handle, on_commit, db);
}

/* The mark only guards the database: where it is gone, it is made anew. Whether it was. */
static bool mend_mark(struct sqlite_db *db)
{
	struct stat named;
	struct mark fresh;
	struct err err;
	if (fstatat(db->dir_fd, "mark", &named, AT_SYMLINK_NOFOLLOW) == 0
		    ? named.st_dev == db->mark.dev && named.st_ino == db->mark.ino
		    : !err_says_gone(errno))
		return false;
	if (mark_open(&fresh, db->dir_fd, db->dir_name, &err))
		return false;
	int64_t seq = db->mark.seq;
	mark_close(&db->mark);
	db->mark = fresh;
	mark_set(&db->mark, seq, db->bot_id);
	return true;
}

int sqlite_stand(struct sqlite_db *db, struct err *err)
{
	int64_t size[STORE_FILES] = { -1, -1 };
	for (int i = 0; i < STORE_FILES; i++) {
		struct stat st;
		if (!db->place[i].known)
			continue;
		if (fstatat(db->dir_fd, names[i], &st, AT_SYMLINK_NOFOLLOW)) {
			if (err_says_gone(errno))
				return err_set(err, ERR_IO, "'%s/%s' is gone", db->dir_name,
					       names[i]);
			continue; /* a refusal to look says nothing of the file */
		}
		if (!is_at(&db->place[i], &st))
			return err_set(err, ERR_IO, "'%s/%s' is another file than it was",
				       db->dir_name, names[i]);
		size[i] = st.st_size;
	}
	if (is_spoilt(db, size))
		return err_set(err, ERR_IO,
			       db->damaged ? "'%s/%s' is damaged"
					   : "'%s/%s' was cut or written over by another program",
			       db->dir_name, db->spoilt);
	if (size[DATABASE] >= 0)
		bound(db, size[DATABASE]);
	db->seen = db->place[WAL].least;
	return mend_mark(db);
}

void sqlite_stand_files(const struct sqlite_db *db, struct store_files *out)
{
	long most = sysconf(_SC_OPEN_MAX);
	for (int i = 0; i < STORE_FILES; i++) {
		out->name[i] = names[i];
		out->fd[i] = -1;
		for (int fd = 0; db->place[i].known && !db->spoilt && out->fd[i] < 0 && fd < most;
		     fd++) {
			struct stat st;
			if (fstat(fd, &st) == 0 && is_at(&db->place[i], &st))
				out->fd[i] = fd;
		}
	}
}
