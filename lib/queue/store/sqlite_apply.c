/* queue/store/sqlite_apply: how the durable store changes. A list of operations comes in and
 * becomes one transaction. Invariant: all of a list is in the database or nothing of it, and
 * carrying it out again changes nothing, since a commit that failed may have been durable. */
#include <errno.h>
#include <string.h>

#include "base/crashpoint.h"
#include "queue/store/sqlite_internal.h"

/* ---- updates ---- */

static int put(struct sqlite *s, const struct store_op *op)
{
	bool failed = false, repeats = op->root && op->has_id;
	struct sqlite_root *root = repeats ? sqlite_root_of(s, op->root, true, &failed) : NULL;
	struct sqlite_identity id = { op->seq, root ? root->id : 0, op->update_id, op->hash };
	if (failed)
		return -1;
	sqlite3_stmt *st = SQLITE_BIND(s, S_PUT, op->seq, id.root, op->update_id, (int64_t)op->hash,
				       op->lane, op->again, op->pinned, op->received);
	if (!op->has_id)
		sqlite3_bind_null(st, 3);
	sqlite_bind_text(st, 9, op->kind_name);
	sqlite_bind_text(st, 10, op->keys);
	sqlite3_bind_blob64(st, 11, op->body ? op->body : "", op->body_length, SQLITE_STATIC);
	if (sqlite_run(st))
		return -1;
	if (op->seq > s->db.last_seq)
		s->db.last_seq = op->seq;
	if (sqlite3_changes(s->db.handle)) {
		sqlite_known_add(s, &id);
		sqlite_seen(s, &id);
	}
	return 0;
}

/* 1, 0: the update has ended before, -1. */
static int live(struct sqlite *s, const struct store_op *op, struct sqlite_live **out)
{
	return sqlite_live_find(s, op->seq, out);
}

static int start(struct sqlite *s, const struct store_op *op)
{
	struct sqlite_live *l;
	int rc = live(s, op, &l);
	return rc > 0 ? sqlite_live_run(s, l, op->first, op->due) : rc;
}

/* The attempt is over, and the update waits again. */
static int rest(struct sqlite *s, const struct store_op *op, bool begun)
{
	struct sqlite_live *l;
	int rc = live(s, op, &l);
	if (rc <= 0)
		return rc;
	return sqlite_live_tried(s, l, op, begun) || sqlite_live_rest(s, l) ? -1 : 0;
}

/* The update waits no longer; its repeat may still be recognised. */
static int finish(struct sqlite *s, int64_t seq)
{
	struct sqlite_live *l;
	int rc = sqlite_live_find(s, seq, &l);
	if (rc <= 0)
		return rc;
	struct sqlite_identity id = l->id;
	return sqlite_live_end(s, l) || sqlite_known_finish(s, &id) ? -1 : 0;
}

/* To count them anew is to read the table. What sqlite_undo() takes back is counted anew. */
static void count_dead(struct sqlite *s, int more)
{
	if (s->dead_count >= 0)
		s->dead_count += more;
}

static int bury(struct sqlite *s, const struct store_op *op)
{
	int attempts = op->failures + op->deaths + op->interruptions;
	struct sqlite_live *l;
	int rc = live(s, op, &l);
	if (rc <= 0)
		return rc;
	sqlite3_stmt *st = SQLITE_BIND(s, S_BURY, op->seq, 0, 0, attempts, op->now);
	sqlite_bind_text(st, 2, op->reason);
	sqlite_bind_text(st, 3, op->last_stderr);
	if (sqlite_run(st))
		return -1;
	count_dead(s, sqlite3_changes(s->db.handle));
	return finish(s, op->seq);
}

/* ---- sources ---- */

/* The row of the state has the offset of the root that was asked last; the others have theirs in
 * `roots`. */
static int set_offset(struct sqlite *s, const struct sqlite_root *root, int64_t offset)
{
	struct sqlite_state *state = &s->state;
	if (state->root && state->root != root->id &&
	    sqlite_run(SQLITE_BIND(s, S_NEXT, state->root, state->next)))
		return -1;
	state->root = root->id;
	state->next = offset;
	return 0;
}

static int from_root(struct sqlite *s, const struct store_op *op)
{
	bool failed;
	struct sqlite_root *root = sqlite_root_of(s, op->root, true, &failed);
	if (!root)
		return -1;
	if (op->kind == STORE_OFFSET)
		return set_offset(s, root, op->offset);
	root->confirmed = op->offset;
	root->up_to = op->seq;
	return sqlite_known_confirm(s, root);
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
		return start(s, op);
	case STORE_STOPPED:
		return rest(s, op, op->begun);
	case STORE_RETRY:
		return rest(s, op, true);
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
	case STORE_CALL:
	case STORE_CALL_STATE:
	case STORE_CALL_REPLACE:
	case STORE_CALL_FAILED:
	case STORE_CALL_GONE:
	case STORE_FAILED_GONE:
	case STORE_MESSAGE:
	case STORE_LINE:
	case STORE_LINES_REST:
	case STORE_CLOCK:
	case STORE_MOVED:
	case STORE_JOB:
	case STORE_JOBS_REST:
		return sqlite_calls_apply(s, op);
	case STORE_PUSH:
	case STORE_PUSH_GONE:
		return sqlite_later_apply(s, op);
	}
	return -1;
}

int sqlite_undo(struct sqlite *s, struct err *err)
{
	int why = errno;
	sqlite_db_fail(&s->db, err);
	/* SQLite keeps no errno for a COMMIT. */
	if (err && why && (sqlite3_extended_errcode(s->db.handle) & 0xff) == SQLITE_IOERR &&
	    !sqlite3_system_errno(s->db.handle)) {
		struct err said = *err;
		err_sys(err, said.status, why, "%s", said.text);
	}
	if (!sqlite3_get_autocommit(s->db.handle))
		sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
	s->dead_count = s->failed_count = -1;
	s->state.blind = true;
	for (struct sqlite_root *r = s->roots; r; r = r->next)
		r->id = 0;
	return -1;
}

int sqlite_set_sync(struct sqlite *s, bool full, struct err *err)
{
	if (full == s->db.full_sync)
		return 0;
	if (sqlite_db_exec(&s->db,
			   full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err))
		return -1;
	s->db.full_sync = full;
	return 0;
}

/* After a sync that failed the kernel takes for written what it could not write, and says so of
 * each later one. The pages are still right in its memory: they are copied into the database, and
 * that is synced. */
static int carry_over(struct sqlite *s)
{
	if (s->doubtful && sqlite3_wal_checkpoint_v2(s->db.handle, NULL, SQLITE_CHECKPOINT_FULL,
						     NULL, NULL) != SQLITE_OK)
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

int sqlite_apply(struct store *store, const struct store_op *ops, size_t count, bool sync,
		 struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	if (sqlite_state_see(s, err) || sqlite_set_sync(s, sync, err))
		return -1;
	errno = 0; /* for sqlite_undo() */
	if (sqlite_run(s->statements[S_BEGIN]))
		return sqlite_undo(s, err);
	for (size_t i = 0; i < count; i++) {
		CRASHPOINT("in-transaction");
		if (carry_out(s, &ops[i]))
			return sqlite_undo(s, err);
	}
	int failed = sqlite_state_write(s);
	CRASHPOINT("before-commit");
	if (failed || sqlite_run(s->statements[S_COMMIT])) {
		s->doubtful = s->doubtful || sync;
		return sqlite_undo(s, err);
	}
	CRASHPOINT("after-commit");
	if (sync && carry_over(s))
		return sqlite_db_fail(&s->db, err);
	if (sync)
		sqlite_raise_mark(s, s->db.last_seq);
	return 0;
}
