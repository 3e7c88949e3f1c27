/* queue/store/sqlite_apply: how the durable store changes. A list of operations comes in and becomes one transaction. Invariant: all of
 * a list is in the database or nothing of it, and carrying it out again changes nothing, since a commit that failed may
 * have been durable. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "queue/store/sqlite_internal.h"

static const char *const sql[SQLITE_STATEMENTS] = {
	[S_BEGIN] = "BEGIN IMMEDIATE",
	[S_COMMIT] = "COMMIT",
	[S_PUT] = "INSERT OR IGNORE INTO updates(seq, root, update_id, hash, kind, keys, received, ageless, lane)"
		  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[S_PUT_BODY] = "INSERT INTO bodies(seq, body) VALUES(?1, ?2)",
	[S_START] = "UPDATE updates SET failures = ?2, deaths = ?3, interruptions = ?4, due = ?5, first = ?6, state = 1"
		    " WHERE seq = ?1 AND state <> 3",
	[S_STOPPED] = "UPDATE updates SET failures = ?2, deaths = ?3, interruptions = ?4, due = ?5, first = first * ?6, state = 2 * ?6"
		      " WHERE seq = ?1 AND state <> 3",
	[S_RETRY] = "UPDATE updates SET failures = ?2, deaths = ?3, interruptions = ?4, due = ?5, state = 2 WHERE seq = ?1 AND state <> 3",
	[S_ORIGIN] = "SELECT root, update_id FROM updates WHERE seq = ?1",
	[S_FORGET_BODY] = "DELETE FROM bodies WHERE seq = ?1",
	[S_FORGET] = "DELETE FROM updates WHERE seq = ?1",
	[S_KEEP_DONE] = "UPDATE updates SET state = 3, kind = '', keys = '' WHERE seq = ?1",
	[S_BURY] = "INSERT OR IGNORE INTO dead SELECT u.seq, u.update_id, u.kind, u.keys, ?2, ?3, ?4, u.received, ?5,"
		   " ifnull(b.body, x'') FROM updates u LEFT JOIN bodies b USING(seq) WHERE u.seq = ?1 AND u.state <> 3",
	[S_OFFSET] = "INSERT OR REPLACE INTO offsets(root, next) VALUES(?1, ?2)",
	[S_CONFIRMED] = "DELETE FROM updates WHERE seq IN (SELECT seq FROM updates WHERE state = 3"
			" AND root = ?1 AND update_id < ?2 AND seq <= ?3 LIMIT 1000)",
	[S_META] = "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)",
	[S_DEAD_DROP] = "DELETE FROM dead WHERE number = ?1",
	[S_ROOT] = "SELECT id FROM roots WHERE url = ?1",
	[S_ROOT_NEW] = "INSERT INTO roots(url) VALUES(?1)",
	[S_KNOWN] = "SELECT 1 FROM updates WHERE update_id = ?2 AND hash = ?3 AND root = ?1 AND root IS NOT NULL"
		    " AND (state <> 3 OR update_id >= ?4 OR seq > ?5)",
	[S_BODY] = "SELECT u.received, u.first, b.body FROM updates u JOIN bodies b USING(seq) WHERE u.seq = ?1 AND u.state <> 3",
	[S_REKEY] = "UPDATE updates SET keys = ?2, lane = ?3 WHERE seq = ?1 AND state <> 3",
	[S_OFFSET_GET] = "SELECT next FROM offsets WHERE root = ?1",
	[S_META_GET] = "SELECT value FROM meta WHERE name = ?1",
};

/* ---- statements ---- */

int sqlite_prepare_all(struct sqlite *s)
{
	for (int i = 0; i < SQLITE_STATEMENTS; i++)
		if (sqlite3_prepare_v3(s->db.handle, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i], NULL) != SQLITE_OK)
			return -1;
	return 0;
}

void sqlite_bind_text(sqlite3_stmt *st, int at, const char *text)
{
	sqlite3_bind_text(st, at, text ? text : "", -1, SQLITE_STATIC);
}

sqlite3_stmt *sqlite_bind(struct sqlite *s, enum sqlite_statement which, int count, const int64_t *numbers)
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

/* ---- roots ---- */

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

/* ---- apply ---- */

static int put(struct sqlite *s, const struct store_op *op)
{
	bool failed = false;
	struct sqlite_root *root = op->root ? sqlite_root_of(s, op->root, true, &failed) : NULL;
	if (failed)
		return -1;
	sqlite3_stmt *st = SQLITE_BIND(s, S_PUT, op->seq, root ? root->id : 0, op->update_id, (int64_t)op->hash, 0, 0, op->received,
				op->ageless, op->lane);
	if (!root)
		sqlite3_bind_null(st, 2);
	if (!op->has_id)
		sqlite3_bind_null(st, 3);
	sqlite_bind_text(st, 5, op->kind_name);
	sqlite_bind_text(st, 6, op->keys);
	if (sqlite_run(st))
		return -1;
	if (op->seq > s->db.last_seq)
		s->db.last_seq = op->seq;
	if (root && op->has_id && op->update_id > s->highest)
		s->highest = op->update_id; /* stays when this is rolled back: a bound all the same */
	if (sqlite3_changes(s->db.handle) == 0)
		return 0;
	st = SQLITE_BIND(s, S_PUT_BODY, op->seq);
	sqlite3_bind_blob64(st, 2, op->body ? op->body : "", op->body_length, SQLITE_STATIC);
	return sqlite_run(st);
}

/* Whether a repeat may come: the server has not yet confirmed that it forgot the update. */
static bool may_repeat(const struct sqlite *s, int64_t root, int64_t update_id, int64_t seq)
{
	for (const struct sqlite_root *r = s->roots; r; r = r->next)
		if (r->id == root)
			return update_id >= r->confirmed || seq > r->up_to;
	return true;
}

/* The update waits no longer; a row that recognises its repeat may stay. */
static int finish(struct sqlite *s, int64_t seq)
{
	sqlite3_stmt *st = SQLITE_BIND(s, S_ORIGIN, seq);
	int rc = sqlite3_step(st);
	bool keep = rc == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL &&
		    sqlite3_column_type(st, 1) != SQLITE_NULL &&
		    may_repeat(s, sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1), seq);
	if (sqlite3_reset(st) != SQLITE_OK)
		return -1;
	if (rc == SQLITE_DONE)
		return 0;
	return sqlite_run(SQLITE_BIND(s, S_FORGET_BODY, seq)) || sqlite_run(SQLITE_BIND(s, keep ? S_KEEP_DONE : S_FORGET, seq)) ? -1 : 0;
}

/* To count them anew is to read the table. What sqlite_undo() takes back is counted anew. */
static void count_dead(struct sqlite *s, int more)
{
	if (s->dead_count >= 0)
		s->dead_count += more;
}

static int bury(struct sqlite *s, const struct store_op *op)
{
	sqlite3_stmt *st = SQLITE_BIND(s, S_BURY, op->seq, 0, 0, op->failures + op->deaths + op->interruptions, op->now);
	sqlite_bind_text(st, 2, op->reason);
	sqlite_bind_text(st, 3, op->last_stderr);
	if (sqlite_run(st))
		return -1;
	count_dead(s, sqlite3_changes(s->db.handle));
	return finish(s, op->seq);
}

static int from_root(struct sqlite *s, const struct store_op *op)
{
	bool failed;
	struct sqlite_root *root = sqlite_root_of(s, op->root, true, &failed);
	if (!root)
		return -1;
	if (op->kind == STORE_OFFSET)
		return sqlite_run(SQLITE_BIND(s, S_OFFSET, root->id, op->offset));
	root->confirmed = op->offset;
	root->up_to = op->seq;
	return sqlite_forget_confirmed(s, root) < 0 ? -1 : 0;
}

/* So many at once: the rest are not known any more, and go when there is time. */
int sqlite_forget_confirmed(struct sqlite *s, const struct sqlite_root *root)
{
	if (sqlite_run(SQLITE_BIND(s, S_CONFIRMED, root->id, root->confirmed, root->up_to)))
		return -1;
	return sqlite3_changes(s->db.handle);
}

static int set_meta(struct sqlite *s, const char *name, const char *value)
{
	sqlite_bind_text(s->statements[S_META], 1, name);
	sqlite_bind_text(s->statements[S_META], 2, value);
	return sqlite_run(s->statements[S_META]);
}

static int carry_out(struct sqlite *s, const struct store_op *op)
{
	switch (op->kind) {
	case STORE_PUT:
		return put(s, op);
	case STORE_START:
		return sqlite_run(SQLITE_BIND(s, S_START, op->seq, op->failures, op->deaths, op->interruptions, op->due, op->first));
	case STORE_STOPPED:
		return sqlite_run(SQLITE_BIND(s, S_STOPPED, op->seq, op->failures, op->deaths, op->interruptions, op->due, op->begun));
	case STORE_RETRY:
		return sqlite_run(SQLITE_BIND(s, S_RETRY, op->seq, op->failures, op->deaths, op->interruptions, op->due));
	case STORE_DONE:
		return finish(s, op->seq);
	case STORE_DEAD:
		return bury(s, op);
	case STORE_OFFSET:
	case STORE_CONFIRMED:
		return from_root(s, op);
	case STORE_META:
		return set_meta(s, op->kind_name, op->keys);
	case STORE_DEAD_RETRY:
	case STORE_DEAD_DROP:
		if (sqlite_run(SQLITE_BIND(s, S_DEAD_DROP, op->seq)))
			return -1;
		count_dead(s, -sqlite3_changes(s->db.handle));
		return 0;
	}
	return -1;
}

int sqlite_undo(struct sqlite *s, int64_t last_seq, struct err *err)
{
	int why = errno;
	sqlite_db_fail(&s->db, err);
	/* SQLite keeps no errno for a COMMIT. */
	if (err && why && (sqlite3_extended_errcode(s->db.handle) & 0xff) == SQLITE_IOERR && !sqlite3_system_errno(s->db.handle)) {
		struct err said = *err;
		err_sys(err, said.status, why, "%s", said.text);
	}
	if (!sqlite3_get_autocommit(s->db.handle))
		sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
	s->db.last_seq = last_seq;
	s->dead_count = -1;
	for (struct sqlite_root *r = s->roots; r; r = r->next)
		r->id = 0;
	return -1;
}

int sqlite_set_sync(struct sqlite *s, bool full, struct err *err)
{
	if (full == s->db.full_sync)
		return 0;
	if (sqlite_db_exec(&s->db, full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err))
		return -1;
	s->db.full_sync = full;
	return 0;
}

/* After a sync that failed the kernel takes for written what it could not write, and says so of each later one. The pages are still
 * right in its memory: they are copied into the database, and that is synced. */
static int carry_over(struct sqlite *s)
{
	if (s->doubtful && sqlite3_wal_checkpoint_v2(s->db.handle, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL) != SQLITE_OK)
		return -1;
	s->doubtful = false;
	return 0;
}

void sqlite_raise_mark(struct sqlite *s, int64_t seq)
{
	CRASHPOINT("before-mark");
	if (seq > s->db.mark.seq || s->db.bot_id != s->db.mark.bot_id)
		mark_set(&s->db.mark, seq > s->db.mark.seq ? seq : s->db.mark.seq, s->db.bot_id);
}

int sqlite_apply(struct store *store, const struct store_op *ops, size_t count, bool sync, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	int64_t last_seq = s->db.last_seq;
	char text[32];
	if (sqlite_set_sync(s, sync, err))
		return -1;
	errno = 0; /* for sqlite_undo() */
	if (sqlite_run(s->statements[S_BEGIN]))
		return sqlite_undo(s, last_seq, err);
	for (size_t i = 0; i < count; i++) {
		CRASHPOINT("in-transaction");
		if (carry_out(s, &ops[i]))
			return sqlite_undo(s, last_seq, err);
	}
	snprintf(text, sizeof text, "%" PRId64, s->db.last_seq);
	bool failed = s->db.last_seq != last_seq && set_meta(s, SQLITE_META_LAST_SEQ, text);
	CRASHPOINT("before-commit");
	if (failed || sqlite_run(s->statements[S_COMMIT])) {
		s->doubtful = s->doubtful || sync;
		return sqlite_undo(s, last_seq, err);
	}
	CRASHPOINT("after-commit");
	if (sync && carry_over(s))
		return sqlite_db_fail(&s->db, err);
	if (sync)
		sqlite_raise_mark(s, s->db.last_seq);
	return 0;
}
