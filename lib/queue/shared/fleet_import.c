/* queue/shared/fleet_import: rows of a store in, statements of one transaction out. Rows are sent
 * in slices, so that a long queue costs no memory. Invariant: what the transaction does not hold is
 * in the store as before, whose files are not touched here. */
#include "queue/shared/fleet_import.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/shared/fleet_db.h"
#include "queue/shared/fleet_ops.h"
#include "queue/shared/fleet_schema.h"
#include "queue/shared/fleet_text.h"

enum {
	SLICE = 200,           /* rows of a statement */
	SLICE_BYTES = 8 << 20, /* of what they hold */
	WAIT = 60 * 1000,      /* milliseconds for an answer */
	LISTS = 20,
};

struct import {
	const struct fleet_import *from;
	struct fleet_imported *out;
	struct fleet_db *db;
	struct buf rule;
	struct err *err;
	int64_t wall, first_call; /* the number that call 1 of the store gets */
	bool failed;
	bool asked; /* whether anything may be imported, by the first slice, which is empty */
	/* of the slice */
	struct fleet_list lists[LISTS];
	struct buf bytes, body;
	struct fleet_ops ops;
	size_t count;
};

static int ask(struct import *i, const struct fleet_call *call, const struct fleet_answer **out)
{
	return fleet_db_ask(i->db, call, WAIT, out, i->err);
}

static int run(struct import *i, const char *sql)
{
	struct fleet_call call = { .sql = sql };
	return ask(i, &call, NULL);
}

static int no_memory(struct import *i)
{
	return err_set(i->err, ERR_INTERNAL, "out of memory");
}

/* ---- a slice ---- */

static void begin_slice(struct import *i)
{
	for (size_t k = 0; k < LISTS; k++)
		fleet_list_clear(&i->lists[k]);
	buf_clear(&i->bytes);
	i->count = 0;
}

/* Sends the slice: the rule, `lists` arrays, and all bytes. */
static int send_slice(struct import *i, const char *sql, size_t lists)
{
	struct fleet_call call = { .sql = sql };
	fleet_call_text(&call, buf_str(&i->rule));
	for (size_t k = 0; k < lists; k++) {
		const char *text = fleet_list_end(&i->lists[k]);
		if (!text || i->lists[k].failed)
			return no_memory(i);
		fleet_call_text(&call, text);
	}
	fleet_call_bytes(&call, buf_str(&i->bytes), i->bytes.len);
	int rc = i->count || !i->asked ? ask(i, &call, NULL) : 0;
	i->asked = true;
	begin_slice(i);
	return rc;
}

static bool slice_is_full(const struct import *i)
{
	return i->count >= SLICE || i->bytes.len >= SLICE_BYTES;
}

/* How long ago a time of the wall clock was; 0 if it is to come. */
static int64_t ago(const struct import *i, int64_t time)
{
	return time < i->wall ? i->wall - time : 0;
}

/* ---- updates ---- */

static const char updates_sql[] =
	"SELECT @S@.import_updates($1, $2::bool[], $3::bigint[], $4::text[], $5::text[], "
	"$6::text[], $7::bool[], $8::smallint[], $9::int[], $10::int[], $11::int[], $12::bool[], "
	"$13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::int[], $18)";
enum { UPDATE_LISTS = 16 };

static int add_update(void *arg, const struct store_row *row)
{
	struct import *i = arg;
	struct fleet_list *l = i->lists;
	struct store_facts facts;
	const struct store_ops *ops = i->from->store->ops;
	fleet_list_bool(&l[0], row->has_id);
	fleet_list_number(&l[1], row->update_id);
	fleet_list_text(&l[2], row->kind_name);
	fleet_list_keys(&l[3], row->keys, strlen(row->keys));
	fleet_list_text(&l[4], "");
	fleet_list_bool(&l[5], false);
	fleet_list_number(&l[6], row->lane);
	fleet_list_number(&l[7], row->failures);
	fleet_list_number(&l[8], row->deaths);
	fleet_list_number(&l[9], row->interruptions);
	fleet_list_bool(&l[10], row->redelivered);
	int rc = i->failed ? -1 : ops->body(i->from->store, row->seq, &i->body, &facts, i->err);
	if (rc <= 0 || buf_add(&i->bytes, buf_str(&i->body), i->body.len)) {
		i->failed = true;
		return rc == 0  ? err_set(i->err, ERR_IO,
					  "the bytes of update %lld are missing in the store",
					  (long long)row->seq)
		       : rc > 0 ? no_memory(i)
				: -1;
	}
	fleet_list_number(&l[11], facts.first ? ago(i, facts.first) : -1);
	fleet_list_number(&l[12], row->due > i->wall ? row->due - i->wall : 0);
	fleet_list_number(&l[13], ago(i, row->received));
	fleet_list_number(&l[14], row->again ? ago(i, row->again) : -1);
	fleet_list_number(&l[15], (int64_t)i->body.len);
	i->count++;
	i->out->updates++;
	i->failed = slice_is_full(i) && send_slice(i, updates_sql, UPDATE_LISTS);
	return i->failed;
}

/* ---- letters ---- */

static const char letters_sql[] =
	"SELECT @S@.import_letters($1, $2::bool[], $3::bigint[], $4::text[], $5::text[], "
	"$6::text[], $7::bool[], $8::smallint[], $9::int[], $10::text[], $11::text[], "
	"$12::bigint[], $13::bigint[], $14::int[], $15)";
enum { LETTER_LISTS = 13 };

static int add_letter(void *arg, const struct store_dead *d)
{
	struct import *i = arg;
	struct fleet_list *l = i->lists;
	fleet_list_bool(&l[0], d->has_id);
	fleet_list_number(&l[1], d->update_id);
	fleet_list_text(&l[2], d->kind_name);
	fleet_list_keys(&l[3], d->keys, strlen(d->keys));
	fleet_list_text(&l[4], "");
	fleet_list_bool(&l[5], d->pinned);
	/* no letter knows its lane: a machine finds it before it is retried */
	fleet_list_number(&l[6], -1);
	fleet_list_number(&l[7], d->attempts);
	fleet_list_text(&l[8], d->reason);
	fleet_list_text(&l[9], d->last_stderr);
	fleet_list_number(&l[10], ago(i, d->received));
	fleet_list_number(&l[11], ago(i, d->died));
	fleet_list_number(&l[12], (int64_t)d->body_length);
	if (buf_add(&i->bytes, d->body, d->body_length))
		i->failed = no_memory(i) != 0;
	i->count++;
	i->out->letters++;
	if (!i->failed)
		i->failed = slice_is_full(i) && send_slice(i, letters_sql, LETTER_LISTS);
	return i->failed;
}

/* ---- what is to come ---- */

static int add_push(void *arg, const struct store_push *p)
{
	struct import *i = arg;
	struct fleet_call call = {
		.sql = "SELECT @S@.push($1, $2, $3, $4, '', $5, (-1)::smallint, $6)"
	};
	struct buf keys;
	buf_init(&keys, SIZE_MAX / 2);
	int64_t left = p->due > i->wall ? p->due - i->wall : 0;
	fleet_call_bool(&call, p->elapsed);
	fleet_call_number(&call, p->elapsed ? left : p->due);
	fleet_call_text(&call, p->kind_name);
	i->failed = fleet_keys_add(&keys, p->keys) && no_memory(i);
	fleet_call_text(&call, buf_str(&keys));
	fleet_call_bool(&call, p->pinned);
	fleet_call_bytes(&call, p->body, p->length);
	i->failed = i->failed || ask(i, &call, NULL);
	buf_release(&keys);
	i->out->pushes++;
	return i->failed;
}

/* ---- what is to be sent ---- */

static int send_ops(struct import *i)
{
	struct fleet_call call = { .sql = "SELECT @S@.store($1, $2)" };
	struct buf list;
	if (!i->ops.count)
		return 0;
	buf_init(&list, SIZE_MAX / 2);
	int rc = fleet_ops_list(&i->ops, &list) ? no_memory(i) : 0;
	fleet_call_text(&call, buf_str(&list));
	fleet_call_bytes(&call, buf_str(&i->ops.files), i->ops.files.len);
	rc = rc ? rc : ask(i, &call, NULL);
	buf_release(&list);
	fleet_ops_clear(&i->ops);
	return rc;
}

static int64_t renumber(const struct import *i, int64_t id)
{
	return id ? i->first_call + id - 1 : 0;
}

/* The messages come before their calls; each once. */
struct seen {
	struct import *import;
	int64_t *ids;
	size_t count, cap;
};

static void on_message(void *arg, const struct queue_message *message)
{
	struct import *i = arg;
	struct queue_message one = *message;
	one.id = renumber(i, message->id);
	i->failed = fleet_ops_message(&i->ops, &one) && no_memory(i);
}

static bool was_seen(struct seen *s, int64_t id)
{
	for (size_t k = s->count; k-- > 0;)
		if (s->ids[k] == id)
			return true;
	if (s->count == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		int64_t *more = reallocarray(s->ids, cap, sizeof *more);
		if (!more) {
			s->import->failed = no_memory(s->import) != 0;
			return true;
		}
		s->ids = more;
		s->cap = cap;
	}
	s->ids[s->count++] = id;
	return false;
}

static int add_call(void *arg, const struct queue_call *call)
{
	struct seen *s = arg;
	struct import *i = s->import;
	struct queue_call one = *call;
	const struct store_ops *ops = i->from->store->ops;
	one.id = renumber(i, call->id);
	one.group = renumber(i, call->group);
	one.message = renumber(i, call->message);
	if (call->message && !was_seen(s, call->message) &&
	    ops->message(i->from->store, call->message, on_message, i, i->err) < 0)
		i->failed = true;
	if (!i->failed)
		i->failed = (fleet_ops_call(&i->ops, &one, i->wall) ||
			     (call->failed && fleet_ops_fail(&i->ops, &one))) &&
			    no_memory(i);
	*(call->failed ? &i->out->failed : &i->out->calls) += 1;
	if (!i->failed && (i->ops.count >= SLICE || i->ops.files.len >= SLICE_BYTES))
		i->failed = send_ops(i) != 0;
	return i->failed;
}

/* What is its own is no number of a call. */
static int add_job(void *arg, const char *name, const char *chat, int64_t number)
{
	struct import *i = arg;
	i->failed = fleet_ops_job(&i->ops, name, chat, *chat ? renumber(i, number) : number) &&
		    no_memory(i);
	if (!i->failed && i->ops.count >= SLICE)
		i->failed = send_ops(i) != 0;
	return i->failed;
}

static int add_calls(struct import *i)
{
	struct store *store = i->from->store;
	struct fleet_call call = { .sql = "SELECT @S@.ids($1)" };
	const struct fleet_answer *a;
	struct seen seen = { .import = i };
	int64_t last = store->ops->last_call(store);
	if (last == 0)
		return 0;
	fleet_call_number(&call, last);
	int rc = ask(i, &call, &a);
	if (rc == 0) {
		i->first_call = fleet_answer_number(a, 0, 0);
		rc = store->ops->calls(store, 0, false, true, add_call, &seen, i->err) ||
		     store->ops->calls(store, 0, true, true, add_call, &seen, i->err) ||
		     store->ops->jobs(store, add_job, i, i->err) || send_ops(i);
	}
	free(seen.ids);
	return rc ? -1 : 0;
}

/* ---- all of it ---- */

/* Refuses what was imported before; else it is marked so. */
static int mark(struct import *i)
{
	struct fleet_call call = { .sql = "SELECT 1 FROM @S@.named WHERE name = $1" };
	const struct fleet_answer *a;
	fleet_call_text(&call, i->from->mark);
	if (ask(i, &call, &a))
		return -1;
	if (fleet_answer_rows(a))
		return err_set(i->err, ERR_REFUSED,
			       "this queue is in the shared one already: it was imported before; "
			       "its queue.db can be moved away");
	return fleet_ops_value(&i->ops, i->from->mark, "imported") ? no_memory(i) : send_ops(i);
}

static int move_source(struct import *i)
{
	struct store *store = i->from->store;
	struct fleet_call call = { .sql = "SELECT @S@.import_source($1, $2)" };
	int64_t offset = 0;
	bool found = false;
	if (store->ops->offset(store, i->from->root, &offset, &found, i->err))
		return -1;
	fleet_call_text(&call, i->from->root);
	fleet_call_number(&call, offset);
	return found ? ask(i, &call, NULL) : 0;
}

static int move(struct import *i)
{
	struct store *store = i->from->store;
	const struct store_ops *ops = store->ops;
	begin_slice(i);
	return ops->meta(store, "key-spec", &i->rule, i->err) || run(i, "BEGIN") || mark(i) ||
			       send_slice(i, updates_sql, UPDATE_LISTS) ||
			       ops->load(store, 0, add_update, i, i->err) ||
			       send_slice(i, updates_sql, UPDATE_LISTS) ||
			       ops->dead(store, 0, true, add_letter, i, i->err) ||
			       send_slice(i, letters_sql, LETTER_LISTS) ||
			       ops->pushes(store, 0, true, add_push, i, i->err) || add_calls(i) ||
			       move_source(i) || run(i, "COMMIT")
		       ? -1
		       : 0;
}

int fleet_import(const struct fleet_import *from, struct fleet_imported *out, struct err *err)
{
	char schema[FLEET_SCHEMA_MAX];
	struct import i = {
		.from = from, .out = out, .err = err, .wall = clock_system.wall(&clock_system)
	};
	*out = (struct fleet_imported){ 0 };
	fleet_schema_name(from->bot_id, schema);
	i.db = fleet_db_open(from->url, schema, WAIT, err);
	if (!i.db)
		return -1;
	buf_init(&i.rule, SIZE_MAX / 2);
	buf_init(&i.bytes, SIZE_MAX / 2);
	buf_init(&i.body, SIZE_MAX / 2);
	fleet_ops_init(&i.ops);
	for (size_t k = 0; k < LISTS; k++)
		fleet_list_init(&i.lists[k]);
	int rc = move(&i);
	for (size_t k = 0; k < LISTS; k++)
		fleet_list_release(&i.lists[k]);
	fleet_ops_release(&i.ops);
	buf_release(&i.rule);
	buf_release(&i.bytes);
	buf_release(&i.body);
	fleet_db_free(i.db);
	return rc;
}
