/* queue/store/sqlite_internal: what the files of the SQLite store share: sqlite.c (what is read, open and
 * close), sqlite_apply.c (what is changed) and sqlite_space.c (its size). */
#ifndef TGRUN_QUEUE_STORE_SQLITE_INTERNAL_H
#define TGRUN_QUEUE_STORE_SQLITE_INTERNAL_H

#include "base/list.h"
#include "queue/store/sqlite_db.h"
#include "queue/store/store.h"

/* The statements, prepared once. */
enum sqlite_statement {
	S_BEGIN, S_COMMIT, S_PUT, S_PUT_BODY, S_START, S_STOPPED, S_RETRY, S_ORIGIN, S_FORGET_BODY, S_FORGET, S_KEEP_DONE,
	S_BURY, S_OFFSET, S_CONFIRMED, S_META, S_DEAD_DROP, S_ROOT, S_ROOT_NEW, S_KNOWN, S_BODY, S_REKEY, S_OFFSET_GET,
	S_META_GET, SQLITE_STATEMENTS
};

struct sqlite_root {
	struct sqlite_root *next;
	int64_t id;                 /* 0: not looked up */
	int64_t confirmed, up_to;   /* ids below, of updates up to this number, will not be repeated */
	char url[];
};

struct sqlite {
	struct store store;
	struct sqlite_db db;
	sqlite3_stmt *statements[SQLITE_STATEMENTS];
	struct sqlite_root *roots;
	int64_t dead_count;         /* -1: to be counted */
	bool gave;                  /* pages were given back, and the file is not yet shorter */
	bool doubtful;              /* a sync of the -wal failed: later ones prove nothing of what was written to it before */
	int64_t highest;            /* no update that may be repeated has a higher id */
};

static inline struct sqlite *sqlite_of(struct store *s)
{
	return container_of(s, struct sqlite, store);
}

/* Prepares all statements. 0, or -1; why is in the handle, as for all below. */
int sqlite_prepare_all(struct sqlite *s);

void sqlite_bind_text(sqlite3_stmt *st, int at, const char *text);

/* The statement with its first parameters bound to numbers. */
sqlite3_stmt *sqlite_bind(struct sqlite *s, enum sqlite_statement which, int count, const int64_t *numbers);

#define SQLITE_BIND(s, which, ...) \
	sqlite_bind(s, which, (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), (int64_t[]){ __VA_ARGS__ })

/* Runs a statement that gives no rows. 0 or -1. */
int sqlite_run(sqlite3_stmt *st);

/* The first row's first number: 1 with *out, 0: no row, -1. */
int sqlite_number(sqlite3_stmt *st, int64_t *out);

/* The root, its row made if `make`. NULL with *failed false: it has none. */
struct sqlite_root *sqlite_root_of(struct sqlite *s, const char *url, bool make, bool *failed);

/* Forgets some of what the server confirmed that it will not repeat. How many, or -1. */
int sqlite_forget_confirmed(struct sqlite *s, const struct sqlite_root *root);

/* `synchronous` can be set outside of transactions only. 0 or -1 with `err`. */
int sqlite_set_sync(struct sqlite *s, bool full, struct err *err);

/* Ends a transaction that failed, takes back what was remembered of it, and fills in `err`. Returns -1. */
int sqlite_undo(struct sqlite *s, int64_t last_seq, struct err *err);

/* Updates up to `seq` are on disk. */
void sqlite_raise_mark(struct sqlite *s, int64_t seq);

/* As store_ops.spare, store_ops.give_back. */
int64_t sqlite_spare(struct store *store);
int sqlite_give_back(struct store *store, struct err *err);

/* As store_ops.apply. */
int sqlite_apply(struct store *store, const struct store_op *ops, size_t count, bool sync, struct err *err);

#endif
