/* tests/unit/upgrade: a database of tgrun 0.1.0, made here from its SQL as that version wrote
 * it, is upgraded in place when it is opened. */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/local/local.h"
#include "tests/tap.h"

/* Its tables, and what a run left that was killed: 1 was handled and may be repeated, 2 is to be
 * tried again, 3 and 4 ran, 3 for the fifth time, 5 was never tried, 6 is a dead letter. */
static const char made_by_0_1_0[] =
	"PRAGMA journal_mode = WAL;"
	"CREATE TABLE roots(id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE);"
	"CREATE TABLE offsets(root INTEGER PRIMARY KEY, next INTEGER NOT NULL);"
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE updates(seq INTEGER PRIMARY KEY, root INTEGER, update_id INTEGER, hash INTEGER NOT NULL,"
	" kind TEXT NOT NULL, keys TEXT NOT NULL, lane INTEGER NOT NULL, received INTEGER NOT NULL, ageless INTEGER NOT NULL,"
	" due INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0,"
	" state INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX known ON updates(update_id, hash) WHERE root IS NOT NULL;"
	"CREATE INDEX done ON updates(root, update_id) WHERE state = 3;"
	"CREATE TABLE bodies(seq INTEGER PRIMARY KEY, body BLOB NOT NULL);"
	"CREATE TABLE dead(number INTEGER PRIMARY KEY, update_id INTEGER, kind TEXT NOT NULL, keys TEXT NOT NULL,"
	" reason TEXT NOT NULL, last_stderr TEXT NOT NULL, attempts INTEGER NOT NULL, received INTEGER NOT NULL,"
	" died INTEGER NOT NULL, body BLOB NOT NULL);"
	"PRAGMA application_id = 1952936558; PRAGMA user_version = 1;"
	"INSERT INTO roots VALUES(1, 'https://api.telegram.org'); INSERT INTO offsets VALUES(1, 106);"
	"INSERT INTO meta VALUES('.last-seq', '6'), ('.bot-id', '42'), ('key-spec', 'chat'), ('synced', '6'), ('bot-username', 'old_bot');"
	"INSERT INTO updates VALUES"
	" (1, 1, 101, 11, '', '', 0, strftime('%s', 'now') * 1000, 0, 0, 0, 0, 3),"
	" (2, 1, 102, 12, 'message', 'chat:2', 0, strftime('%s', 'now') * 1000, 0, (strftime('%s', 'now') + 60) * 1000, 3, 0, 2),"
	" (3, 1, 103, 13, 'message', 'chat:3', 0, strftime('%s', 'now') * 1000, 0, 0, 0, 4, 1),"
	" (4, 1, 104, 14, 'message', 'chat:4', 0, strftime('%s', 'now') * 1000, 0, 0, 1, 0, 1),"
	" (5, 1, 105, 15, 'message', 'chat:4', 0, strftime('%s', 'now') * 1000, 0, 0, 0, 0, 0);"
	"INSERT INTO bodies SELECT seq, '{\"update_id\":' || update_id || '}' FROM updates WHERE state <> 3;"
	"INSERT INTO dead VALUES(6, 106, 'message', 'chat:6', 'exited with status 1', 'oops', 1, 5, 6, '{\"update_id\":106}');";

static char dir[] = "/tmp/tgrun-upgrade-XXXXXX";

static sqlite3 *connect_to(void)
{
	char path[100];
	sqlite3 *db = NULL;
	snprintf(path, sizeof path, "%s/queue.db", dir);
	sqlite3_open(path, &db);
	return db;
}

static void sql(const char *text)
{
	char *message = NULL;
	sqlite3 *db = connect_to();
	if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
		diag("%s", message);
	sqlite3_free(message);
	sqlite3_close(db);
}

static int number(const char *query)
{
	sqlite3 *db = connect_to();
	sqlite3_stmt *st = NULL;
	int n = sqlite3_prepare_v2(db, query, -1, &st, NULL) == SQLITE_OK &&
				sqlite3_step(st) == SQLITE_ROW
			? sqlite3_column_int(st, 0)
			: -1;
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static struct queue *start(void)
{
	struct err err = { 0 };
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct store *s = sqlite_open(fd, dir, 42, &err);
	struct queue_config config = { .clock = &clock_system, .key_spec = "chat", .backlog = 100 };
	struct queue *q = s ? local_open(&config, s, &err) : NULL;
	close(fd);
	if (!q)
		diag("%s", err.text);
	return q;
}

static char text[1000];

static int letter(void *arg, const struct queue_letter *d)
{
	(void)arg;
	sprintf(text + strlen(text), "[%d %d %s]", (int)d->number, d->attempts, d->reason);
	return 0;
}

static int item(void *arg, const struct queue_item *i)
{
	(void)arg;
	sprintf(text + strlen(text), "[%d %d %d %d]", (int)i->update_id, i->failures, i->deaths,
		i->interruptions);
	return 0;
}

static void is_all_there(struct queue *q)
{
	text[0] = '\0';
	queue_each(q, 0, item, NULL, NULL);
	is_str(text, "[102 3 0 0][104 1 1 0][105 0 0 0]",
	       "what waited still does, with its counts, and a death for what ran");
	text[0] = '\0';
	queue_dead_each(q, 0, letter, NULL, NULL);
	is_str(text,
	       "[3 5 given up after 5 deaths, at last: tgrun died while it ran][6 1 exited with status 1]",
	       "so do the letters, and one more");
}

static void test_upgrade(void)
{
	struct claim *c, *none;
	struct queue *q = start();
	if (!ok(q != NULL, "it is opened"))
		return;
	is_all_there(q);
	is_num(queue_offset(q, "https://api.telegram.org"), 106, "the offset is known");
	ok(queue_claim(q, QUEUE_ALL_LANES, &c, NULL) == 1 && c->seq == 4 && c->failures == 1 &&
		   c->redelivered,
	   "what ran is handed out again");
	is_num(queue_claim(q, QUEUE_ALL_LANES, &none, NULL), 0,
	       "before what waits behind it, and what waits for its time");
	queue_release(q, c, &(struct queue_release){ .why = RELEASE_OTHER, .started = true });
	claim_free(c);
	queue_close(q, NULL);
	is_num(number("PRAGMA user_version"), 5, "the database says which version it is of");
	is_num(number("SELECT interruptions * 10 + (first > 0) FROM tries WHERE seq = 4"), 11,
	       "and keeps what is new in it");
	is_num(number("SELECT count(*) FROM finished WHERE seq = 1"), 1,
	       "what recognises a repeat is there");
	q = start();
	ok(q != NULL, "it is opened again");
	queue_close(q, NULL);
}

int main(void)
{
	char command[100];
	if (!mkdtemp(dir))
		return 1;
	sql(made_by_0_1_0);
	char path[100];
	snprintf(path, sizeof path, "%s/queue.db", dir);
	chmod(path, 0600);
	RUN(test_upgrade);
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command) || done_testing();
}
