/* queue/store/sqlite_calls: what is to be sent, in the durable store: calls, the messages that many
 * of them share, the limits of chats, and the chats that have another id now. Operations come in as
 * part of a transaction (sqlite_apply.c); rows go out to callbacks. Invariant: carrying out an
 * operation again changes nothing; a message goes with the last of its calls. */
#include "queue/store/sqlite_internal.h"

/* ---- what changes ---- */

static int add_call(struct sqlite *s, const struct queue_call *c)
{
	sqlite3_stmt *st = SQLITE_BIND(s, S_CALL, c->id, c->group, c->message, c->kind, c->cost,
				       c->flags, c->created, c->expires, c->due, c->tries,
				       c->servers, c->unsures, c->begun);
	sqlite_bind_text(st, 14, c->line);
	sqlite_bind_text(st, 15, c->method);
	sqlite_bind_text(st, 16, c->params);
	if (c->id > s->db.last_call)
		s->db.last_call = c->id;
	return sqlite_run(st);
}

static int replace_call(struct sqlite *s, const struct queue_call *c)
{
	sqlite3_stmt *st = SQLITE_BIND(s, S_CALL_REPLACE, c->id, c->flags);
	sqlite_bind_text(st, 3, c->line);
	sqlite_bind_text(st, 4, c->params);
	return sqlite_run(st);
}

/* To count them anew is to read the table. */
static void count_failed(struct sqlite *s, int64_t more)
{
	if (s->failed_count >= 0)
		s->failed_count += more;
}

static int fail_call(struct sqlite *s, const struct store_op *op)
{
	sqlite3_stmt *st = SQLITE_BIND(s, S_CALL_FAILED, op->seq, op->now, op->code,
				       STORE_CALL_UNSURES(op));
	sqlite_bind_text(st, 5, op->reason);
	if (sqlite_run(st))
		return -1;
	count_failed(s, sqlite3_changes(s->db.handle));
	return 0;
}

static int forget_call(struct sqlite *s, int64_t id, bool failed)
{
	int64_t message = 0;
	int gone = sqlite_number(SQLITE_BIND(s, S_CALL_GONE, id, failed), &message);
	if (gone < 0)
		return -1;
	count_failed(s, failed ? -gone : 0);
	return message ? sqlite_run(SQLITE_BIND(s, S_MESSAGE_FREE, message)) : 0;
}

static int add_message(struct sqlite *s, const struct queue_message *m)
{
	sqlite3_stmt *st = SQLITE_BIND(s, S_MESSAGE, m->id);
	sqlite_bind_text(st, 2, m->params);
	sqlite3_bind_text(st, 3, m->file_name, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(st, 4, m->file, m->file_length, SQLITE_STATIC);
	return sqlite_run(st);
}

static int set_line(struct sqlite *s, const struct store_op *op)
{
	bool at_rest = !op->due && !op->now;
	sqlite3_stmt *st = at_rest ? s->statements[S_LINE_GONE]
				   : SQLITE_BIND(s, S_LINE, op->due, op->now);
	sqlite_bind_text(st, at_rest ? 1 : 3, op->keys);
	return sqlite_run(st);
}

static int set_move(struct sqlite *s, const struct store_op *op)
{
	sqlite_bind_text(s->statements[S_MOVED], 1, op->kind_name);
	sqlite_bind_text(s->statements[S_MOVED], 2, op->keys);
	return sqlite_run(s->statements[S_MOVED]);
}

static int set_job(struct sqlite *s, const struct store_op *op)
{
	sqlite3_stmt *st = SQLITE_BIND(s, S_JOB, op->seq, op->now);
	sqlite_bind_text(st, 3, op->kind_name);
	sqlite_bind_text(st, 4, op->keys);
	return sqlite_run(st);
}

int sqlite_calls_apply(struct sqlite *s, const struct store_op *op)
{
	switch (op->kind) {
	case STORE_CALL:
		return add_call(s, op->call);
	case STORE_CALL_STATE:
		return sqlite_run(SQLITE_BIND(s, S_CALL_STATE, op->seq, op->due,
					      STORE_CALL_TRIES(op), STORE_CALL_SERVERS(op),
					      STORE_CALL_UNSURES(op), op->begun));
	case STORE_CALL_REPLACE:
		return replace_call(s, op->call);
	case STORE_CALL_FAILED:
		return fail_call(s, op);
	case STORE_CALL_GONE:
	case STORE_FAILED_GONE:
		return forget_call(s, op->seq, op->kind == STORE_FAILED_GONE);
	case STORE_MESSAGE:
		return add_message(s, op->message);
	case STORE_LINE:
		return set_line(s, op);
	case STORE_LINES_REST:
		return sqlite_run(SQLITE_BIND(s, S_LINES_REST, op->now));
	case STORE_CLOCK:
		return sqlite_run(SQLITE_BIND(s, S_CALLS_CLOCK, op->due)) ||
				       sqlite_run(SQLITE_BIND(s, S_LINES_CLOCK, op->due))
			       ? -1
			       : 0;
	case STORE_JOB:
		return set_job(s, op);
	case STORE_JOBS_REST:
		return sqlite_run(SQLITE_BIND(s, S_JOBS_REST, op->now));
	default:
		return set_move(s, op);
	}
}

/* ---- what is read ---- */

int64_t sqlite_last_call(struct store *store)
{
	return sqlite_of(store)->db.last_call;
}

int64_t sqlite_failed_count(struct store *store)
{
	struct sqlite *s = sqlite_of(store);
	int64_t count = 0;
	if (s->failed_count < 0 &&
	    sqlite_db_number(&s->db, "SELECT count(*) FROM calls WHERE failed", &count, NULL) == 0)
		s->failed_count = count;
	return s->failed_count < 0 ? 0 : s->failed_count;
}

struct reader {
	bool params;
	int (*call)(void *arg, const struct queue_call *call);
	int (*line)(void *arg, const struct queue_line *line);
	int (*move)(void *arg, const char *from, const char *to);
	int (*job)(void *arg, const char *name, const char *chat, int64_t number);
	void *arg;
};

static int read_call(void *arg, sqlite3_stmt *st)
{
	const struct reader *r = arg;
	struct queue_call c = { .id = sqlite3_column_int64(st, 0),
				.group = sqlite3_column_int64(st, 1),
				.message = sqlite3_column_int64(st, 2),
				.kind = sqlite3_column_int(st, 3),
				.cost = sqlite3_column_int(st, 4),
				.flags = (unsigned)sqlite3_column_int(st, 5),
				.created = sqlite3_column_int64(st, 6),
				.expires = sqlite3_column_int64(st, 7),
				.due = sqlite3_column_int64(st, 8),
				.tries = sqlite3_column_int(st, 9),
				.servers = sqlite3_column_int(st, 10),
				.unsures = sqlite3_column_int(st, 11),
				.begun = sqlite3_column_int(st, 12),
				.failed = sqlite3_column_int64(st, 13),
				.code = sqlite3_column_int(st, 14),
				.reason = sqlite_text(st, 15),
				.line = sqlite_text(st, 16),
				.method = sqlite_text(st, 17),
				.params = r->params ? sqlite_text(st, 18) : NULL };
	return r->call(r->arg, &c);
}

int sqlite_calls(struct store *store, int64_t from, bool failed, bool params,
		 int (*each)(void *arg, const struct queue_call *call), void *arg, struct err *err)
{
	struct reader r = { .params = params, .call = each, .arg = arg };
	return sqlite_each(sqlite_of(store),
			   failed ? "SELECT * FROM calls INDEXED BY calls_failed"
				    " WHERE failed AND id >= ?1 ORDER BY id"
				  : "SELECT * FROM calls WHERE NOT failed AND id >= ?1 ORDER BY id",
			   from, read_call, &r, err);
}

static int read_line(void *arg, sqlite3_stmt *st)
{
	const struct reader *r = arg;
	return r->line(r->arg,
		       &(struct queue_line){ sqlite_text(st, 0), sqlite3_column_int64(st, 1),
					     sqlite3_column_int64(st, 2) });
}

int sqlite_lines(struct store *store, int (*each)(void *arg, const struct queue_line *line),
		 void *arg, struct err *err)
{
	struct reader r = { .line = each, .arg = arg };
	return sqlite_each(sqlite_of(store), "SELECT line, full, cool FROM lines WHERE ?1 = 0", 0,
			   read_line, &r, err);
}

static int read_move(void *arg, sqlite3_stmt *st)
{
	const struct reader *r = arg;
	return r->move(r->arg, sqlite_text(st, 0), sqlite_text(st, 1));
}

int sqlite_moves(struct store *store, int (*each)(void *arg, const char *from, const char *to),
		 void *arg, struct err *err)
{
	struct reader r = { .move = each, .arg = arg };
	return sqlite_each(sqlite_of(store), "SELECT line, now FROM moves WHERE ?1 = 0", 0,
			   read_move, &r, err);
}

int sqlite_job(struct store *store, const char *name, const char *chat, int64_t *number,
	       struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	sqlite3_stmt *st = s->statements[S_JOB_GET];
	sqlite_bind_text(st, 1, name);
	sqlite_bind_text(st, 2, chat);
	int rc = sqlite_number(st, number);
	return rc < 0 ? sqlite_db_fail(&s->db, err) : rc;
}

static int read_job(void *arg, sqlite3_stmt *st)
{
	const struct reader *r = arg;
	return r->job(r->arg, sqlite_text(st, 0), sqlite_text(st, 1), sqlite3_column_int64(st, 2));
}

int sqlite_jobs(struct store *store,
		int (*each)(void *arg, const char *name, const char *chat, int64_t number),
		void *arg, struct err *err)
{
	struct reader r = { .job = each, .arg = arg };
	return sqlite_each(sqlite_of(store), "SELECT name, chat, number FROM jobs WHERE ?1 = 0", 0,
			   read_job, &r, err);
}

int sqlite_message(struct store *store, int64_t id,
		   void (*show)(void *arg, const struct queue_message *message), void *arg,
		   struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	sqlite3_stmt *st = SQLITE_BIND(s, S_MESSAGE_GET, id);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		show(arg,
		     &(struct queue_message){ .id = id,
					      .params = sqlite_text(st, 1),
					      .file_name = (const char *)sqlite3_column_text(st, 2),
					      .file = sqlite3_column_blob(st, 3),
					      .file_length = (size_t)sqlite3_column_bytes(st, 3) });
	if (sqlite3_reset(st) != SQLITE_OK)
		return sqlite_db_fail(&s->db, err);
	return rc == SQLITE_ROW;
}
