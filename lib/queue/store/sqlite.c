/* queue/store/sqlite: the durable store: what waits, what died and what may be repeated is read
 * here; what changes them is in sqlite_apply.c, and how the database is opened and checked in
 * sqlite_open.c. Invariant: what is kept in memory (sqlite_state.c) is what the tables say, and is
 * read anew when a transaction failed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "queue/store/sqlite_internal.h"

/* ---- what is read ---- */

static int sqlite_known(struct store *store, const struct store_op *put, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	bool failed;
	if (sqlite_state_see(s, err))
		return -1;
	if (put->update_id >
	    s->state.highest) /* as nearly always: spares the look-up of the root */
		return 0;
	struct sqlite_root *root = sqlite_root_of(s, put->root, false, &failed);
	if (!root)
		return failed ? sqlite_db_fail(&s->db, err) : 0;
	struct sqlite_identity id = { 0, root->id, put->update_id, put->hash };
	int rc = sqlite_known_find(s, &id);
	if (rc == 0) {
		/* What 0.1.0 took in has the other hash. */
		id.hash = hash_bytes(put->body, put->body_length);
		rc = sqlite_known_find(s, &id);
	}
	return rc < 0 ? sqlite_db_fail(&s->db, err) : rc;
}

struct load {
	struct sqlite *store;
	int (*row)(void *arg, const struct store_row *row);
	int (*letter)(void *arg, const struct store_dead *d);
	bool bodies;
	void *arg;
};

static int load_row(void *arg, sqlite3_stmt *st)
{
	const struct load *l = arg;
	int64_t lane = sqlite3_column_int64(st, 5);
	int64_t seq = sqlite3_column_int64(st, 0);
	const struct sqlite_live *live = sqlite_live_known(l->store, seq);
	struct store_row row = { .seq = seq,
				 .has_id = sqlite3_column_type(st, 1) != SQLITE_NULL,
				 .update_id = sqlite3_column_int64(st, 1),
				 .lane = lane >= 0 && lane < 64 ? (unsigned)lane : 0,
				 .kind_name = sqlite_text(st, 2),
				 .keys = sqlite_text(st, 3),
				 .received = sqlite3_column_int64(st, 4),
				 .again = sqlite3_column_int64(st, 6),
				 .started = live && live->running,
				 .redelivered = live && (live->running || live->begun) };
	if (live) {
		row.failures = live->failures;
		row.deaths = live->deaths;
		row.interruptions = live->interruptions;
		row.due = live->running ? live->due_if_killed : live->due;
	}
	return sqlite_ended(l->store, seq) ? 0 : l->row(l->arg, &row);
}

static int sqlite_load(struct store *store, int64_t from,
		       int (*row)(void *arg, const struct store_row *row), void *arg,
		       struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	struct load l = { .store = s, .row = row, .arg = arg };
	if (sqlite_state_see(s, err))
		return -1;
	return sqlite_each(
		s,
		"SELECT seq, update_id, kind, keys, received, lane, ageless FROM updates WHERE seq >= ?1"
		" ORDER BY seq",
		from, load_row, &l, err);
}

static int sqlite_body(struct store *store, int64_t seq, struct buf *out, struct store_facts *facts,
		       struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	if (sqlite_state_see(s, err))
		return -1;
	sqlite3_stmt *st = SQLITE_BIND(s, S_BODY, seq);
	int rc = sqlite3_step(st), full = 0;
	bool there = rc == SQLITE_ROW && !sqlite_ended(s, seq);
	if (there) {
		const struct sqlite_live *live = sqlite_live_known(s, seq);
		*facts = (struct store_facts){ .arrived = sqlite3_column_int64(st, 0),
					       .first = live ? live->first : 0,
					       .update_id = sqlite3_column_int64(st, 2) };
		const void *body = sqlite3_column_blob(st, 4);
		buf_clear(out);
		full = buf_add(out, body, (size_t)sqlite3_column_bytes(st, 4));
		sqlite_seen(s, &(struct sqlite_identity){ seq, sqlite3_column_int64(st, 1),
							  sqlite3_column_int64(st, 2),
							  (uint64_t)sqlite3_column_int64(st, 3) });
	}
	if (sqlite3_reset(st) != SQLITE_OK)
		return sqlite_db_fail(&s->db, err);
	/* No update is without bytes; an older tgrun may have lost them. */
	return full ? err_set(err, ERR_INTERNAL, "out of memory") : there && out->len > 0;
}

static int sqlite_rekey(struct store *store, int64_t seq, const char *keys, unsigned lane,
			struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	if (sqlite3_get_autocommit(s->db.handle) && sqlite_run(s->statements[S_BEGIN]))
		return sqlite_undo(s, err);
	sqlite3_stmt *st = SQLITE_BIND(s, S_REKEY, seq);
	sqlite_bind_text(st, 2, keys);
	sqlite3_bind_int64(st, 3, lane);
	return sqlite_run(st) ? sqlite_undo(s, err) : 0;
}

static int sqlite_rekey_end(struct store *store, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	if (!sqlite3_get_autocommit(s->db.handle) && sqlite_run(s->statements[S_COMMIT]))
		return sqlite_undo(s, err);
	return 0;
}

static int sqlite_offset(struct store *store, const char *url, int64_t *offset, bool *found,
			 struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	bool failed;
	*found = false;
	if (sqlite_state_see(s, err))
		return -1;
	struct sqlite_root *root = sqlite_root_of(s, url, false, &failed);
	if (!root)
		return failed ? sqlite_db_fail(&s->db, err) : 0;
	if (root->id == s->state.root) {
		*found = true;
		*offset = s->state.next;
		return 0;
	}
	int rc = sqlite_number(SQLITE_BIND(s, S_NEXT_GET, root->id), offset);
	*found = rc == 1;
	return rc < 0 ? sqlite_db_fail(&s->db, err) : 0;
}

static int64_t sqlite_last_seq(struct store *store)
{
	return sqlite_of(store)->db.last_seq;
}

static int sqlite_meta(struct store *store, const char *name, struct buf *out, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	sqlite3_stmt *st = s->statements[S_META_GET];
	sqlite_bind_text(st, 1, name);
	buf_clear(out);
	int full = sqlite3_step(st) == SQLITE_ROW && buf_adds(out, sqlite_text(st, 0));
	if (sqlite3_reset(st) != SQLITE_OK)
		return sqlite_db_fail(&s->db, err);
	return full ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

/* ---- dead letters ---- */

static int dead_row(void *arg, sqlite3_stmt *st)
{
	const struct load *l = arg;
	/* What is not asked for is not read from the disk. */
	const void *body = l->bodies ? sqlite3_column_blob(st, 10) : NULL;
	struct store_dead d = { .number = sqlite3_column_int64(st, 0),
				.has_id = sqlite3_column_type(st, 1) != SQLITE_NULL,
				.update_id = sqlite3_column_int64(st, 1),
				.kind_name = sqlite_text(st, 2),
				.keys = sqlite_text(st, 3),
				.reason = sqlite_text(st, 4),
				.last_stderr = sqlite_text(st, 5),
				.attempts = sqlite3_column_int(st, 6),
				.received = sqlite3_column_int64(st, 7),
				.died = sqlite3_column_int64(st, 8),
				.pinned = sqlite3_column_int(st, 9),
				.body = body ? body : "",
				.body_length = body ? (size_t)sqlite3_column_bytes(st, 10) : 0 };
	return l->letter(l->arg, &d);
}

static int sqlite_dead(struct store *store, int64_t from, bool bodies,
		       int (*letter)(void *arg, const struct store_dead *d), void *arg,
		       struct err *err)
{
	struct load l = { .letter = letter, .bodies = bodies, .arg = arg };
	return sqlite_each(sqlite_of(store),
			   "SELECT * FROM dead WHERE number >= ?1 ORDER BY number", from, dead_row,
			   &l, err);
}

static int sqlite_sync_fd(struct store *store)
{
	return sqlite_of(store)->db.wal_fd;
}

static void sqlite_synced(struct store *store, int64_t seq, bool worked)
{
	struct sqlite *s = sqlite_of(store);
	if (worked)
		sqlite_raise_mark(s, seq);
	else
		s->doubtful = true;
}

static int sqlite_stands(struct store *store, struct err *err)
{
	return sqlite_stand(&sqlite_of(store)->db, err);
}

static void sqlite_files(struct store *store, struct store_files *out)
{
	sqlite_stand_files(&sqlite_of(store)->db, out);
}

static int64_t sqlite_dead_count(struct store *store)
{
	struct sqlite *s = sqlite_of(store);
	int64_t count = 0;
	if (s->dead_count < 0 &&
	    sqlite_db_number(&s->db, "SELECT count(*) FROM dead", &count, NULL) == 0)
		s->dead_count = count;
	return s->dead_count < 0 ? 0 : s->dead_count;
}

/* ---- open and close ---- */

static void sqlite_close(struct store *store)
{
	struct sqlite *s = sqlite_of(store);
	for (int i = 0; i < SQLITE_STATEMENTS; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite_state_release(s);
	sqlite_db_close(&s->db);
	for (struct sqlite_root *r = s->roots, *next; r; r = next) {
		next = r->next;
		free(r);
	}
	free(s);
}

static const struct store_ops sqlite_ops = {
	.apply = sqlite_apply,
	.known = sqlite_known,
	.load = sqlite_load,
	.body = sqlite_body,
	.rekey = sqlite_rekey,
	.rekey_end = sqlite_rekey_end,
	.offset = sqlite_offset,
	.last_seq = sqlite_last_seq,
	.meta = sqlite_meta,
	.dead = sqlite_dead,
	.dead_count = sqlite_dead_count,
	.last_call = sqlite_last_call,
	.failed_count = sqlite_failed_count,
	.calls = sqlite_calls,
	.lines = sqlite_lines,
	.moves = sqlite_moves,
	.job = sqlite_job,
	.jobs = sqlite_jobs,
	.message = sqlite_message,
	.last_push = sqlite_last_push,
	.push_count = sqlite_push_count,
	.pushes = sqlite_pushes,
	.next_push = sqlite_next_push,
	.sync_fd = sqlite_sync_fd,
	.synced = sqlite_synced,
	.spare = sqlite_spare,
	.give_back = sqlite_give_back,
	.stands = sqlite_stands,
	.files = sqlite_files,
	.close = sqlite_close,
};

bool sqlite_unchecked(struct store *store)
{
	return sqlite_of(store)->db.unchecked;
}

struct store *sqlite_open(int dir_fd, const char *dir_name, int64_t bot_id, struct err *err)
{
	struct sqlite *s = calloc(1, sizeof *s);
	if (!s) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	s->store.ops = &sqlite_ops;
	s->dead_count = s->failed_count = -1;
	if (sqlite_db_open(&s->db, dir_fd, dir_name, bot_id, err)) {
		free(s);
		return NULL;
	}
	int rc = sqlite_prepare_all(s) ? sqlite_db_fail(&s->db, err) : sqlite_state_load(s, err);
	if (rc) {
		sqlite_close(&s->store);
		return NULL;
	}
	return &s->store;
}
