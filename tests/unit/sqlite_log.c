/* tests/unit/sqlite_log: the writes of a transaction to SQLite's log are one; what a commit wrote
 * is there for everybody, whatever came before it in the log: what did not fit into memory, was
 * written twice, or taken back. */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/store/sqlite_db.h"
#include "tests/tap.h"

static char dir[] = "/tmp/tgrun-log-XXXXXX";

static const char *in(const char *name)
{
	static char paths[4][64];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", dir, name);
	return path;
}

static bool run(sqlite3 *db, const char *sql)
{
	bool worked = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
	if (!worked)
		diag("%s: %s", sql, sqlite3_errmsg(db));
	return worked;
}

/* What a query says, one value. */
static const char *value(sqlite3 *db, const char *sql)
{
	static char texts[2][100];
	static int next;
	char *text = texts[next++ % 2];
	sqlite3_stmt *st = NULL;
	snprintf(text, sizeof texts[0], "nothing");
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		snprintf(text, sizeof texts[0], "%s", (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	return text;
}

static sqlite3 *open_database(const char *name, const char *vfs)
{
	sqlite3 *db = NULL;
	if (sqlite3_open_v2(in(name), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs))
		diag("%s: %s", name, sqlite3_errmsg(db));
	return db;
}

/* Ten pages in memory: nearly all of a transaction goes to the log before its commit. */
static sqlite3 *open_small(void)
{
	sqlite3 *db = open_database("db", sqlite_vfs_name());
	run(db,
	    "PRAGMA page_size = 1024; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
	    "PRAGMA synchronous = NORMAL; PRAGMA cache_size = 10; PRAGMA cache_spill = 10;"
	    "PRAGMA wal_autocheckpoint = 1000;"
	    "CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB)");
	return db;
}

static bool copy(const char *from, const char *to)
{
	static char bytes[1 << 16];
	int in_fd = open(in(from), O_RDONLY | O_CLOEXEC);
	int out_fd = open(in(to), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;
	while ((n = read(in_fd, bytes, sizeof bytes)) > 0)
		if (write(out_fd, bytes, (size_t)n) != n)
			break;
	close(in_fd);
	close(out_fd);
	return n == 0;
}

#define ALL "SELECT count(*) || ' rows, sum ' || total(n * length(body)) FROM t"

/* What another program finds after a kill -9 in this instant is what `db` says. */
static bool found_by_others(sqlite3 *db)
{
	unlink(in("copy-wal"));
	if (!copy("db", "copy") || !copy("db-wal", "copy-wal"))
		return false;
	sqlite3 *other = open_database("copy", NULL);
	run(other, "PRAGMA synchronous = OFF");
	const char *whole = value(other, "PRAGMA integrity_check");
	bool same = strcmp(whole, "ok") == 0 && strcmp(value(other, ALL), value(db, ALL)) == 0;
	if (!same)
		diag("%s; there: %s, here: %s", value(other, "PRAGMA integrity_check"),
		     value(other, ALL), value(db, ALL));
	sqlite3_close(other);
	return same;
}

static uint32_t seed = 1;

static int below(int n)
{
	seed = seed * 1664525 + 1013904223;
	return (int)((seed >> 8) % (uint32_t)n);
}

static bool change(sqlite3 *db)
{
	static const char *const changes[] = {
		"INSERT INTO t (body) VALUES (zeroblob(?1))",
		"UPDATE t SET body = zeroblob(?1) WHERE n % 7 = 3",
		"DELETE FROM t WHERE n % 50 = ?1 % 50",
		"INSERT INTO t (body) SELECT zeroblob(?1) FROM t LIMIT 100",
	};
	sqlite3_stmt *st = NULL;
	sqlite3_prepare_v2(db, changes[below(4)], -1, &st, NULL);
	sqlite3_bind_int(st, 1, below(700));
	bool worked = sqlite3_step(st) == SQLITE_DONE;
	if (!worked)
		diag("%s: %s", sqlite3_sql(st), sqlite3_errmsg(db));
	sqlite3_finalize(st);
	return worked;
}

static bool changes(sqlite3 *db, int count)
{
	while (count > 0 && change(db))
		count--;
	return count == 0;
}

/* Some of it is taken back, or all. */
static bool transaction(sqlite3 *db)
{
	char before[100];
	snprintf(before, sizeof before, "%s", value(db, ALL));
	bool worked = run(db, "BEGIN") && changes(db, 1 + below(12));
	if (below(4) == 0)
		worked = worked && run(db, "SAVEPOINT s") && changes(db, 1 + below(6)) &&
			 run(db, "ROLLBACK TO s");
	if (below(5))
		return worked && run(db, "COMMIT");
	return worked && run(db, "ROLLBACK") && strcmp(value(db, ALL), before) == 0;
}

static void all_sorts(void)
{
	enum { TRANSACTIONS = 60 };
	sqlite3 *db = open_small();
	int worked = 0, found = 0;
	while (worked < TRANSACTIONS && transaction(db)) {
		worked++;
		found += found_by_others(db);
	}
	is_num(worked, TRANSACTIONS, "transactions that are larger than the memory for them work");
	is_num(found, TRANSACTIONS,
	       "after each, who reads the files finds what was committed, and no more");
	sqlite3_close(db);
}

int main(void)
{
	char command[100];
	if (!mkdtemp(dir))
		return 1;
	RUN(all_sorts);
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command) || done_testing();
}
