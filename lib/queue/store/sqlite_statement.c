/* queue/store/sqlite_statement: the SQL of the store, prepared once, and how it is run. */
#include <stdlib.h>
#include <string.h>

#include "queue/store/sqlite_internal.h"

static const char *const sql[SQLITE_STATEMENTS] = {
	[S_BEGIN] = "BEGIN IMMEDIATE",
	[S_COMMIT] = "COMMIT",
	[S_PUT] =
		"INSERT OR IGNORE INTO updates(seq, root, update_id, hash, lane, ageless, pinned,"
		" received, kind, keys, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[S_STATE] = "UPDATE state SET last_seq = ?1, turn = ?2, root = ?3, next = ?4, highest = ?5,"
		    " last_call = ?6, last_push = ?7, pushes = ?8, lying = ?9, runs = ?10,"
		    " finished = ?11",
	[S_IDENTITY] = "SELECT root, update_id, hash FROM updates WHERE seq = ?1",
	[S_RUN] = "INSERT OR REPLACE INTO runs(seq, first, due) VALUES(?1, ?2, ?3)",
	[S_RUN_OVER] = "DELETE FROM runs WHERE seq = ?1",
	[S_TRY] = "INSERT OR REPLACE INTO tries(seq, failures, deaths, interruptions,"
		  " begun, due, first) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[S_TRY_OVER] = "DELETE FROM tries WHERE seq = ?1",
	[S_FORGET] = "DELETE FROM updates WHERE seq = ?1",
	[S_FORGET_SOME] = "DELETE FROM updates WHERE seq BETWEEN ?1 AND ?2",
	[S_FORGET_ALL] = "DELETE FROM updates",
	[S_OTHERS] = "SELECT EXISTS(SELECT 1 FROM updates WHERE seq < ?1)"
		     " OR EXISTS(SELECT 1 FROM updates WHERE seq > ?2)",
	[S_BURY] =
		"INSERT OR IGNORE INTO dead SELECT seq, update_id, kind, keys, ?2, ?3, ?4, received,"
		" ?5, pinned, body FROM updates WHERE seq = ?1",
	[S_NEXT] = "UPDATE roots SET next = ?2 WHERE id = ?1",
	[S_NEXT_GET] = "SELECT next FROM roots WHERE id = ?1 AND next IS NOT NULL",
	[S_SPILL] =
		"INSERT INTO finished(root, update_id, hash, seq, at) VALUES(?1, ?2, ?3, ?4, ?5)",
	[S_CONFIRMED] = "DELETE FROM finished WHERE root = ?1 AND update_id < ?2 AND seq <= ?3",
	[S_META] = "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)",
	[S_META_GET] = "SELECT value FROM meta WHERE name = ?1",
	[S_DEAD_DROP] = "DELETE FROM dead WHERE number = ?1",
	[S_ROOT] = "SELECT id FROM roots WHERE url = ?1",
	[S_ROOT_NEW] = "INSERT INTO roots(url) VALUES(?1)",
	[S_BODY] = "SELECT max(received, ageless), root, update_id, hash, body FROM updates"
		   " WHERE seq = ?1",
	[S_CALL] =
		"INSERT OR IGNORE INTO calls(id, grp, message, kind, cost, flags, created, expires,"
		" due, tries, servers, unsures, begun, line, method, params) VALUES(?1, ?2, ?3, ?4,"
		" ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
	[S_CALL_STATE] = "UPDATE calls SET due = ?2, tries = ?3, servers = ?4, unsures = ?5,"
			 " begun = ?6 WHERE id = ?1",
	[S_CALL_REPLACE] = "UPDATE calls SET flags = ?2, line = ?3, params = ?4 WHERE id = ?1",
	[S_CALL_FAILED] = "UPDATE calls SET failed = ?2, code = ?3, unsures = ?4, reason = ?5,"
			  " begun = 0 WHERE id = ?1 AND failed = 0",
	[S_CALL_GONE] = "DELETE FROM calls WHERE id = ?1 AND (failed <> 0) = ?2 RETURNING message",
	[S_MESSAGE] = "INSERT OR IGNORE INTO messages(id, params, file_name, file)"
		      " VALUES(?1, ?2, ?3, ?4)",
	[S_MESSAGE_FREE] = "DELETE FROM messages WHERE id = ?1 AND NOT EXISTS"
			   "(SELECT 1 FROM calls WHERE message = ?1 AND message <> 0)",
	[S_MESSAGE_GET] = "SELECT id, params, file_name, file FROM messages WHERE id = ?1",
	[S_LINE] = "INSERT OR REPLACE INTO lines(line, full, cool) VALUES(?3, ?1, ?2)",
	[S_LINE_GONE] = "DELETE FROM lines WHERE line = ?1",
	[S_LINES_REST] = "DELETE FROM lines WHERE full <= ?1 AND cool <= ?1",
	[S_CALLS_CLOCK] = "UPDATE calls SET created = created + ?1,"
			  " due = iif(due = 0, 0, due + ?1),"
			  " expires = iif(expires = 0, 0, expires + ?1) WHERE failed = 0",
	[S_LINES_CLOCK] = "UPDATE lines SET full = iif(full = 0, 0, full + ?1),"
			  " cool = iif(cool = 0, 0, cool + ?1)",
	[S_MOVED] = "INSERT OR REPLACE INTO moves(line, now) VALUES(?1, ?2)",
	[S_JOB] = "INSERT OR REPLACE INTO jobs(number, at, name, chat) VALUES(?1, ?2, ?3, ?4)",
	[S_JOB_GET] = "SELECT number FROM jobs WHERE name = ?1 AND chat = ?2",
	[S_JOBS_REST] = "DELETE FROM jobs WHERE name IN"
			" (SELECT name FROM jobs WHERE chat = '' AND at <= ?1)",
	[S_REKEY] = "UPDATE updates SET keys = iif(pinned, keys, ?2), lane = ?3 WHERE seq = ?1",
	[S_PUSH] =
		"INSERT OR IGNORE INTO later(number, elapsed, pinned, due, created, kind, keys, body)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[S_PUSH_GONE] = "DELETE FROM later WHERE number = ?1",
	[S_PUSH_NEXT] = "SELECT * FROM later WHERE elapsed = ?1 AND (due, number) > (?2, ?3)"
			" ORDER BY due, number LIMIT 1",
};

int sqlite_prepare_all(struct sqlite *s)
{
	for (int i = 0; i < SQLITE_STATEMENTS; i++)
		if (sqlite3_prepare_v3(s->db.handle, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &s->statements[i], NULL) != SQLITE_OK)
			return -1;
	return 0;
}

void sqlite_bind_text(sqlite3_stmt *st, int at, const char *text)
{
	sqlite3_bind_text(st, at, text ? text : "", -1, SQLITE_STATIC);
}

sqlite3_stmt *sqlite_bind(struct sqlite *s, enum sqlite_statement which, int count,
			  const int64_t *numbers)
{
	sqlite3_stmt *st = s->statements[which];
	for (int i = 0; i < count; i++)
		sqlite3_bind_int64(st, i + 1, numbers[i]);
	return st;
}

int sqlite_run(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);
	return sqlite3_reset(st) == SQLITE_OK && rc == SQLITE_DONE ? 0 : -1;
}

int sqlite_number(sqlite3_stmt *st, int64_t *out)
{
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	return sqlite3_reset(st) != SQLITE_OK ? -1 : rc == SQLITE_ROW;
}

int sqlite_each(struct sqlite *s, const char *query, int64_t first,
		int (*row)(void *arg, sqlite3_stmt *st), void *arg, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db.handle, query, -1, &st, NULL), stop = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(st, 1, first);
	while (rc == SQLITE_OK && !stop && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		stop = row(arg, st);
		rc = SQLITE_OK;
	}
	if (!stop && rc != SQLITE_DONE)
		stop = sqlite_db_fail(&s->db, err);
	sqlite3_finalize(st);
	return stop ? -1 : 0;
}

const char *sqlite_text(sqlite3_stmt *st, int column)
{
	const char *text = (const char *)sqlite3_column_text(st, column);
	return text ? text : "";
}

struct sqlite_root *sqlite_root_of(struct sqlite *s, const char *url, bool make, bool *failed)
{
	struct sqlite_root *r = s->roots;
	*failed = true;
	while (r && strcmp(r->url, url) != 0)
		r = r->next;
	if (!r) {
		r = calloc(1, sizeof *r + strlen(url) + 1);
		if (!r)
			return NULL;
		strcpy(r->url, url);
		r->next = s->roots;
		s->roots = r;
	}
	if (r->id == 0) {
		sqlite_bind_text(s->statements[S_ROOT], 1, url);
		int found = sqlite_number(s->statements[S_ROOT], &r->id);
		if (found < 0)
			return NULL;
		if (!found && !make) {
			*failed = false;
			return NULL;
		}
		sqlite_bind_text(s->statements[S_ROOT_NEW], 1, url);
		if (!found && sqlite_run(s->statements[S_ROOT_NEW]))
			return NULL;
		if (!found)
			r->id = sqlite3_last_insert_rowid(s->db.handle);
	}
	*failed = false;
	return r;
}
