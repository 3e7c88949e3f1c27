/* queue/store/sqlite_schema: the tables. What each update needs is in `updates` and in the one row
 * of `state`; all other tables hold exceptions. Times are milliseconds since 1970. */
#include "queue/store/sqlite_db.h"

const char sqlite_schema[] =
	/* Where updates come from: the server's URL, a file. `next`: the offset to ask from, but of
	 * the one that `state` names. */
	"CREATE TABLE roots(id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, next INTEGER);"
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	/* What waits or runs, in the order of arrival; what has ended may lie there for a while, as
	 * `state` says. `root` 0: the source never repeats it.
	 * `ageless` not 0: it was a dead letter, and has no age limit; when it was put again. The
	 * bytes stand last, so that a walk over the others reads no overflow pages. */
	"CREATE TABLE updates(seq INTEGER PRIMARY KEY, root INTEGER NOT NULL, update_id INTEGER,"
	" hash INTEGER NOT NULL, lane INTEGER NOT NULL, ageless INTEGER NOT NULL,"
	" pinned INTEGER NOT NULL, received INTEGER NOT NULL, kind TEXT NOT NULL, keys TEXT NOT NULL, body BLOB NOT NULL);"
	/* One row, written anew by each transaction, whose number is `turn`. `runs`: of each
	 * running update its number, when its first attempt began, and when it is due again if this
	 * program is killed, 24 bytes. `finished`: what has ended and the server may still repeat:
	 * id, hash, root and number, 32 bytes each; of the last ones, `lying` of them, the rows in
	 * `updates` are still there, and those with the root 0 are remembered for nothing else.
	 * Little-endian. */
	"CREATE TABLE state(last_seq INTEGER NOT NULL DEFAULT 0,"
	" last_call INTEGER NOT NULL DEFAULT 0, last_push INTEGER NOT NULL DEFAULT 0,"
	" pushes INTEGER NOT NULL DEFAULT 0, turn INTEGER NOT NULL DEFAULT 0,"
	" root INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL DEFAULT 0,"
	" highest INTEGER NOT NULL DEFAULT -1, runs BLOB NOT NULL DEFAULT x'',"
	" finished BLOB NOT NULL DEFAULT x'', lying INTEGER NOT NULL DEFAULT 0);"
	/* What finds no room there. */
	"CREATE TABLE runs(seq INTEGER PRIMARY KEY, first INTEGER NOT NULL, due INTEGER NOT NULL);"
	"CREATE TABLE finished(root INTEGER NOT NULL, update_id INTEGER NOT NULL,"
	" hash INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL);"
	/* Updates that were tried before. */
	"CREATE TABLE tries(seq INTEGER PRIMARY KEY, failures INTEGER NOT NULL,"
	" deaths INTEGER NOT NULL, interruptions INTEGER NOT NULL, begun INTEGER NOT NULL,"
	" due INTEGER NOT NULL, first INTEGER NOT NULL);"
	"CREATE TABLE dead(number INTEGER PRIMARY KEY, update_id INTEGER, kind TEXT NOT NULL,"
	" keys TEXT NOT NULL, reason TEXT NOT NULL, last_stderr TEXT NOT NULL,"
	" attempts INTEGER NOT NULL, received INTEGER NOT NULL, died INTEGER NOT NULL,"
	" pinned INTEGER NOT NULL, body BLOB NOT NULL);"
	/* What is pushed and not due yet; `elapsed`: in which of the two times. */
	"CREATE TABLE later(number INTEGER PRIMARY KEY, elapsed INTEGER NOT NULL,"
	" pinned INTEGER NOT NULL, due INTEGER NOT NULL, created INTEGER NOT NULL,"
	" kind TEXT NOT NULL, keys TEXT NOT NULL, body BLOB NOT NULL);"
	"CREATE INDEX later_due ON later(elapsed, due);"
	/* What is to be sent (`failed` 0), and what could not be. `params` stand last, as the bytes
	 * of an update do. */
	"CREATE TABLE calls(id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, message INTEGER NOT NULL,"
	" kind INTEGER NOT NULL, cost INTEGER NOT NULL, flags INTEGER NOT NULL,"
	" created INTEGER NOT NULL, expires INTEGER NOT NULL, due INTEGER NOT NULL,"
	" tries INTEGER NOT NULL, servers INTEGER NOT NULL, unsures INTEGER NOT NULL,"
	" begun INTEGER NOT NULL, failed INTEGER NOT NULL DEFAULT 0,"
	" code INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', line TEXT NOT NULL,"
	" method TEXT NOT NULL, params TEXT NOT NULL);"
	"CREATE INDEX calls_failed ON calls(id) WHERE failed;"
	"CREATE INDEX calls_message ON calls(message) WHERE message <> 0;"
	/* What many of them have in common. */
	"CREATE TABLE messages(id INTEGER PRIMARY KEY, params TEXT NOT NULL, file_name TEXT,"
	" file BLOB);"
	/* The limits of chats that are not at rest; "" is the whole bot. */
	"CREATE TABLE lines(line TEXT PRIMARY KEY, full INTEGER NOT NULL, cool INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	/* Chats that have another id now. */
	"CREATE TABLE moves(line TEXT PRIMARY KEY, now TEXT NOT NULL) WITHOUT ROWID;"
	/* What `tgrun send --job` has sent: of each chat the first call; of "" the message's hash,
	 * and when a chat was added last. */
	"CREATE TABLE jobs(name TEXT NOT NULL, chat TEXT NOT NULL, number INTEGER NOT NULL,"
	" at INTEGER NOT NULL, PRIMARY KEY(name, chat)) WITHOUT ROWID;"
	"PRAGMA application_id = 1952936558; PRAGMA user_version = 5;";
