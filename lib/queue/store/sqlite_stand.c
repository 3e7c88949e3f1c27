/* queue/store/sqlite_stand: whether the files of an open database still stand under their names.
 * In: the directory, and what stood there when they were opened. Out: a yes, or a sentence.
 * Invariant: what is open keeps its inode, so an equal number means the same file. SQLite's own
 * descriptor of the database is found by that number, too, since closing one more would drop its
 * locks. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/store/sqlite_db.h"

static const char *const names[STORE_FILES] = { "queue.db", "queue.db-wal" };

void sqlite_stand_remember(struct sqlite_db *db)
{
	for (int i = 0; i < STORE_FILES; i++) {
		struct stat st;
		db->place[i] = (struct sqlite_place){ 0 };
		if (fstatat(db->dir_fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			db->place[i] = (struct sqlite_place){ .known = true,
							      .dev = st.st_dev,
							      .ino = st.st_ino };
	}
}

static bool is_at(const struct sqlite_place *place, const struct stat *st)
{
	return st->st_dev == place->dev && st->st_ino == place->ino;
}

/* The mark only guards the database: where it is gone, it is made anew. Whether it was. */
static bool mend_mark(struct sqlite_db *db)
{
	struct stat named, open;
	struct mark fresh;
	struct err err;
	if (fstat(db->mark.fd, &open))
		return false;
	if (fstatat(db->dir_fd, "mark", &named, AT_SYMLINK_NOFOLLOW) == 0
		    ? named.st_dev == open.st_dev && named.st_ino == open.st_ino
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
	}
	return mend_mark(db);
}

void sqlite_stand_files(const struct sqlite_db *db, struct store_files *out)
{
	long most = sysconf(_SC_OPEN_MAX);
	for (int i = 0; i < STORE_FILES; i++) {
		out->name[i] = names[i];
		out->fd[i] = -1;
		for (int fd = 0; db->place[i].known && out->fd[i] < 0 && fd < most; fd++) {
			struct stat st;
			if (fstat(fd, &st) == 0 && is_at(&db->place[i], &st))
				out->fd[i] = fd;
		}
	}
}
