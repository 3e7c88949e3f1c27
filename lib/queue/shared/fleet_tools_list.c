/* queue/shared/fleet_tools_list: what a shared queue holds, for people: rows of the database's
 * views in, items and letters of queue.h out. Invariant: a list is read in pages, in the order of
 * numbers, so its length costs no memory. */
#include "queue/shared/fleet_tools_internal.h"

#include <string.h>

#include "queue/shared/fleet_text.h"

enum { PAGE = 500, PAGE_WITH_BYTES = 50 };

/* ---- items: updates, and what is to come ---- */

static enum queue_item_state state_of(const char *text)
{
	return strcmp(text, "running") == 0   ? QUEUE_RUNNING
	       : strcmp(text, "behind") == 0  ? QUEUE_BEHIND
	       : strcmp(text, "delayed") == 0 ? QUEUE_DELAYED
					      : QUEUE_READY;
}

/* A time as milliseconds since 1970. */
#define MS(time) "(extract(epoch FROM " time ") * 1000)::bigint"

/* Columns in the order of item_of(). */
#define ITEM                                                                      \
	"number, update_id IS NOT NULL, update_id, kind, keys, lane, state, " MS( \
		"due") ", "                                                       \
		       "failures, deaths, interruptions, " MS("received")
#define LATER \
	"number, false, NULL, kind, keys, 0, 'delayed', " MS("due") ", 0, 0, 0, " MS("created")

enum { BODY = 12 }; /* the column behind them, where bytes are asked for */

static const char *keys_of(struct fleet_tools *t, const char *text)
{
	buf_clear(&t->keys);
	return fleet_keys_read(&t->keys, text) ? text : buf_str(&t->keys);
}

static struct queue_item item_of(struct fleet_tools *t, const struct fleet_answer *a, int row,
				 bool later)
{
	return (struct queue_item){
		.seq = fleet_answer_number(a, row, 0),
		.later = later,
		.has_id = fleet_answer_bool(a, row, 1),
		.update_id = fleet_answer_number(a, row, 2),
		.kind = fleet_answer_text(a, row, 3),
		.keys = keys_of(t, fleet_answer_text(a, row, 4)),
		.lane = (unsigned)fleet_answer_number(a, row, 5),
		.state = state_of(fleet_answer_text(a, row, 6)),
		.due = fleet_answer_number(a, row, 7),
		.failures = (int)fleet_answer_number(a, row, 8),
		.deaths = (int)fleet_answer_number(a, row, 9),
		.interruptions = (int)fleet_answer_number(a, row, 10),
		.received = fleet_answer_number(a, row, 11),
	};
}

/* Pages of items by a statement that takes the first number and how many. */
static int items_each(struct queue *q, const char *sql, bool later, int64_t from,
		      int (*each)(void *arg, const struct queue_item *item), void *arg,
		      struct err *err)
{
	struct fleet_tools *t = fleet_tools_of(q);
	const struct fleet_answer *a;
	for (;;) {
		struct fleet_call call = { .sql = sql };
		fleet_call_number(&call, from);
		fleet_call_number(&call, PAGE);
		if (fleet_tools_ask(t, &call, &a, err))
			return -1;
		int rows = fleet_answer_rows(a);
		for (int i = 0; i < rows; i++) {
			struct queue_item item = item_of(t, a, i, later);
			if (each(arg, &item))
				return 1;
			from = item.seq + 1;
		}
		if (rows < PAGE)
			return 0;
	}
}

static int item_show(struct queue *q, const char *sql, bool later, int64_t number,
		     int (*show)(void *arg, const struct queue_item *item), void *arg,
		     struct err *err)
{
	struct fleet_tools *t = fleet_tools_of(q);
	const struct fleet_answer *a;
	struct fleet_call call = { .sql = sql };
	fleet_call_number(&call, number);
	if (fleet_tools_ask(t, &call, &a, err))
		return -1;
	if (fleet_answer_rows(a) == 0)
		return 0;
	buf_clear(&t->body);
	if (fleet_answer_bytes(a, 0, BODY, &t->body))
		return err_set(err, ERR_INTERNAL, "out of memory");
	struct queue_item item = item_of(t, a, 0, later);
	item.body = buf_str(&t->body);
	item.length = t->body.len;
	show(arg, &item);
	return 1;
}

int fleet_tools_each(struct queue *q, int64_t from,
		     int (*each)(void *arg, const struct queue_item *item), void *arg,
		     struct err *err)
{
	return items_each(q,
			  "SELECT " ITEM
			  " FROM @S@.queue WHERE number >= $1 ORDER BY number LIMIT $2",
			  false, from, each, arg, err);
}

int fleet_tools_show(struct queue *q, int64_t seq,
		     int (*show)(void *arg, const struct queue_item *item), void *arg,
		     struct err *err)
{
	return item_show(q, "SELECT " ITEM ", bytes FROM @S@.queue WHERE number = $1", false, seq,
			 show, arg, err);
}

int fleet_tools_push_each(struct queue *q, int64_t from,
			  int (*each)(void *arg, const struct queue_item *item), void *arg,
			  struct err *err)
{
	return items_each(q,
			  "SELECT " LATER
			  " FROM @S@.pushes WHERE number >= $1 ORDER BY number LIMIT $2",
			  true, from, each, arg, err);
}

int fleet_tools_push_show(struct queue *q, int64_t number,
			  int (*show)(void *arg, const struct queue_item *item), void *arg,
			  struct err *err)
{
	return item_show(q, "SELECT " LATER ", bytes FROM @S@.pushes WHERE number = $1", true,
			 number, show, arg, err);
}

/* ---- letters ---- */

static int letter_of(struct fleet_tools *t, const struct fleet_answer *a, int row,
		     struct queue_letter *out, struct err *err)
{
	buf_clear(&t->body);
	if (fleet_answer_bytes(a, row, 10, &t->body))
		return err_set(err, ERR_INTERNAL, "out of memory");
	*out = (struct queue_letter){
		.number = fleet_answer_number(a, row, 0),
		.has_id = fleet_answer_bool(a, row, 1),
		.update_id = fleet_answer_number(a, row, 2),
		.kind = fleet_answer_text(a, row, 3),
		.keys = keys_of(t, fleet_answer_text(a, row, 4)),
		.reason = fleet_answer_text(a, row, 5),
		.last_stderr = fleet_answer_text(a, row, 6),
		.attempts = (int)fleet_answer_number(a, row, 7),
		.received = fleet_answer_number(a, row, 8),
		.died = fleet_answer_number(a, row, 9),
		.body = buf_str(&t->body),
		.length = t->body.len,
	};
	return 0;
}

int fleet_tools_dead_each(struct queue *q, int64_t from,
			  int (*letter)(void *arg, const struct queue_letter *letter), void *arg,
			  struct err *err)
{
	struct fleet_tools *t = fleet_tools_of(q);
	const struct fleet_answer *a;
	struct queue_letter one;
	for (;;) {
		struct fleet_call call = {
			.sql = "SELECT number, update_id IS NOT NULL, update_id, kind, keys, "
			       "reason, last_stderr, attempts, " MS("received") ", " MS(
				       "died") ", "
					       "bytes FROM @S@.letters WHERE number >= $1 ORDER BY number LIMIT $2"
		};
		fleet_call_number(&call, from);
		fleet_call_number(&call, PAGE_WITH_BYTES);
		if (fleet_tools_ask(t, &call, &a, err))
			return -1;
		int rows = fleet_answer_rows(a);
		for (int i = 0; i < rows; i++) {
			if (letter_of(t, a, i, &one, err))
				return -1;
			if (letter(arg, &one))
				return 1;
			from = one.number + 1;
		}
		if (rows < PAGE_WITH_BYTES)
			return 0;
	}
}

/* ---- calls ---- */

#define CALL                                                               \
	"number, grp, message, kind, cost, flags, " MS("created") ", " MS( \
		"expires") ", CASE WHEN "                                  \
			   "due > 'epoch' THEN " MS(                       \
				   "due") " END, tries, servers, unsures, begun, line, method, " MS("failed") ", code, reason"

enum { PARAMS = 18 }; /* the column behind them */

static struct queue_call call_of(const struct fleet_answer *a, int row, bool params)
{
	return (struct queue_call){
		.id = fleet_answer_number(a, row, 0),
		.group = fleet_answer_number(a, row, 1),
		.message = fleet_answer_number(a, row, 2),
		.kind = (int)fleet_answer_number(a, row, 3),
		.cost = (int)fleet_answer_number(a, row, 4),
		.flags = (unsigned)fleet_answer_number(a, row, 5),
		.created = fleet_answer_number(a, row, 6),
		.expires = fleet_answer_number(a, row, 7),
		.due = fleet_answer_number(a, row, 8),
		.tries = (int)fleet_answer_number(a, row, 9),
		.servers = (int)fleet_answer_number(a, row, 10),
		.unsures = (int)fleet_answer_number(a, row, 11),
		.begun = fleet_answer_bool(a, row, 12),
		.line = fleet_answer_text(a, row, 13),
		.method = fleet_answer_text(a, row, 14),
		.failed = fleet_answer_number(a, row, 15),
		.code = (int)fleet_answer_number(a, row, 16),
		.reason = fleet_answer_text(a, row, 17),
		.params = params ? fleet_answer_text(a, row, PARAMS) : NULL,
	};
}

int fleet_tools_calls_each(struct queue *q, int64_t from, bool failed, bool params,
			   int (*each)(void *arg, const struct queue_call *call), void *arg,
			   struct err *err)
{
	struct fleet_tools *t = fleet_tools_of(q);
	const struct fleet_answer *a;
	for (;;) {
		struct fleet_call call = {
			.sql = params ? "SELECT " CALL
					", params FROM @S@.outbox WHERE number >= $1 "
					"AND (failed IS NOT NULL) = $2 ORDER BY number LIMIT $3"
				      : "SELECT " CALL " FROM @S@.outbox WHERE number >= $1 AND "
					"(failed IS NOT NULL) = $2 ORDER BY number LIMIT $3"
		};
		int page = params ? PAGE_WITH_BYTES : PAGE;
		fleet_call_number(&call, from);
		fleet_call_bool(&call, failed);
		fleet_call_number(&call, page);
		if (fleet_tools_ask(t, &call, &a, err))
			return -1;
		int rows = fleet_answer_rows(a);
		for (int i = 0; i < rows; i++) {
			struct queue_call one = call_of(a, i, params);
			if (each(arg, &one))
				return 1;
			from = one.id + 1;
		}
		if (rows < page)
			return 0;
	}
}

/* The message that a call is a recipient of stands in the same row. */
int fleet_tools_call_show(struct queue *q, int64_t id,
			  void (*show)(void *arg, const struct queue_call *call,
				       const struct queue_message *message),
			  void *arg, struct err *err)
{
	struct fleet_tools *t = fleet_tools_of(q);
	const struct fleet_answer *a;
	struct fleet_call call = { .sql = "SELECT " CALL
					  ", params, message_params, file_name, file "
					  "FROM @S@.outbox WHERE number = $1" };
	fleet_call_number(&call, id);
	if (fleet_tools_ask(t, &call, &a, err))
		return -1;
	if (fleet_answer_rows(a) == 0)
		return 0;
	struct queue_call one = call_of(a, 0, true);
	struct queue_message message = { .id = one.message,
					 .params = fleet_answer_text(a, 0, PARAMS + 1) };
	if (!fleet_answer_null(a, 0, PARAMS + 2)) {
		buf_clear(&t->file);
		if (fleet_answer_bytes(a, 0, PARAMS + 3, &t->file))
			return err_set(err, ERR_INTERNAL, "out of memory");
		message.file_name = fleet_answer_text(a, 0, PARAMS + 2);
		message.file = buf_str(&t->file);
		message.file_length = t->file.len;
	}
	show(arg, &one, one.message ? &message : NULL);
	return 1;
}
