/* queue/store/sqlite_later: what was pushed and is to come, in the durable store. Operations come
 * in as part of a transaction (sqlite_apply.c); rows go out to callbacks. Invariant: carrying out
 * an operation again changes nothing; how many there are is in the row of `state`. */
#include "queue/store/sqlite_internal.h"

static int add_push(struct sqlite *s, const struct store_push *p)
{
	sqlite3_stmt *st = SQLITE_BIND(s, S_PUSH, p->number, p->elapsed, p->pinned, p->due,
				       p->created);
	sqlite_bind_text(st, 6, p->kind_name);
	sqlite_bind_text(st, 7, p->keys);
	sqlite3_bind_blob64(st, 8, p->body, p->length, SQLITE_STATIC);
	if (sqlite_run(st))
		return -1;
	s->db.pushes += sqlite3_changes(s->db.handle);
	if (p->number > s->db.last_push)
		s->db.last_push = p->number;
	return 0;
}

int sqlite_later_apply(struct sqlite *s, const struct store_op *op)
{
	if (op->kind == STORE_PUSH)
		return add_push(s, op->push);
	if (sqlite_run(SQLITE_BIND(s, S_PUSH_GONE, op->seq)))
		return -1;
	s->db.pushes -= sqlite3_changes(s->db.handle);
	return 0;
}

int64_t sqlite_last_push(struct store *store)
{
	struct sqlite *s = sqlite_of(store);
	sqlite_state_see(s, NULL);
	return s->db.last_push;
}

int64_t sqlite_push_count(struct store *store)
{
	struct sqlite *s = sqlite_of(store);
	sqlite_state_see(s, NULL);
	return s->db.pushes;
}

struct reader {
	bool bodies;
	int (*each)(void *arg, const struct store_push *push);
	void *arg;
};

static int read_push(void *arg, sqlite3_stmt *st)
{
	const struct reader *r = arg;
	/* What is not asked for is not read from the disk. */
	const void *body = r->bodies ? sqlite3_column_blob(st, 7) : NULL;
	return r->each(r->arg, &(struct store_push){
				       .number = sqlite3_column_int64(st, 0),
				       .elapsed = sqlite3_column_int(st, 1),
				       .pinned = sqlite3_column_int(st, 2),
				       .due = sqlite3_column_int64(st, 3),
				       .created = sqlite3_column_int64(st, 4),
				       .kind_name = sqlite_text(st, 5),
				       .keys = sqlite_text(st, 6),
				       .body = body ? body : "",
				       .length = body ? (size_t)sqlite3_column_bytes(st, 7) : 0 });
}

int sqlite_pushes(struct store *store, int64_t from, bool bodies,
		  int (*each)(void *arg, const struct store_push *push), void *arg, struct err *err)
{
	struct reader r = { bodies, each, arg };
	return sqlite_each(sqlite_of(store),
			   "SELECT * FROM later WHERE number >= ?1 ORDER BY number", from,
			   read_push, &r, err);
}

int sqlite_next_push(struct store *store, bool elapsed, int64_t due, int64_t number, bool bodies,
		     int (*each)(void *arg, const struct store_push *push), void *arg,
		     struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	struct reader r = { bodies, each, arg };
	sqlite3_stmt *st = SQLITE_BIND(s, S_PUSH_NEXT, elapsed, due, number);
	int stop = sqlite3_step(st) == SQLITE_ROW && read_push(&r, st);
	if (sqlite3_reset(st) != SQLITE_OK)
		return sqlite_db_fail(&s->db, err);
	return stop ? -1 : 0;
}
