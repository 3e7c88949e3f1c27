/* queue/shared/fleet_tools: a URL and a bot in, a queue for tools out. Invariant: each verb is one
 * statement or a walk of them, so a tool that is killed leaves nothing half done, and no lock is
 * held while it thinks. */
#include "queue/shared/fleet_schema.h"
#include "queue/shared/fleet_tools_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAMED = 20 /* bots that a sentence names */ };

/* ---- whose it is ---- */

static int name_them(const struct fleet_db *db, const struct fleet_answer *a, struct err *err)
{
	char list[24 * NAMED + 8] = "";
	int n = fleet_answer_rows(a);
	for (int i = 0, at = 0; i < n && i < NAMED; i++)
		at += snprintf(list + at, sizeof list - (size_t)at, "%s%" PRId64, i ? ", " : "",
			       fleet_answer_number(a, i, 0));
	return err_set(err, ERR_USAGE,
		       "%s has the queues of several bots (%s%s); name one by its "
		       "token",
		       fleet_db_name(db), list, n > NAMED ? ", …" : "");
}

int fleet_tools_bot(const char *url, int64_t *bot_id, struct err *err)
{
	struct fleet_call call = {
		.sql = "SELECT substring(nspname FROM 7)::bigint FROM pg_namespace WHERE nspname ~ "
		       "'^tgrun_[0-9]{1,18}$' AND has_schema_privilege(oid, 'USAGE') ORDER BY 1"
	};
	const struct fleet_answer *a;
	struct fleet_db *db = fleet_db_open(url, "public", FLEET_TOOLS_WAIT, err);
	int rc = db ? fleet_db_ask(db, &call, FLEET_TOOLS_WAIT, &a, err) : -1;
	if (rc == 0 && fleet_answer_rows(a) == 0)
		rc = err_set(err, ERR_CONFIG,
			     "%s has no queue of a bot that this user may use; 'tgrun fleet init' "
			     "makes one",
			     fleet_db_name(db));
	else if (rc == 0 && fleet_answer_rows(a) > 1)
		rc = name_them(db, a, err);
	else if (rc == 0)
		*bot_id = fleet_answer_number(a, 0, 0);
	fleet_db_free(db);
	return rc;
}

/* ---- open and close ---- */

static int close_it(struct queue *q, struct err *err)
{
	struct fleet_tools *t = fleet_tools_of(q);
	int rc = fleet_tools_flush(q, err);
	fleet_db_free(t->db);
	fleet_ops_release(&t->ops);
	buf_release(&t->keys);
	buf_release(&t->body);
	buf_release(&t->file);
	free(t);
	return rc;
}

/* A tool has no role. */
static void no_fleet(const struct queue *q, struct queue_fleet *out)
{
	(void)q;
	*out = (struct queue_fleet){ 0 };
}

/* Who asks for counts wants to see something; nothing is there where the server does not answer. */
static int64_t total(const struct queue *q, const char *sql)
{
	struct fleet_call call = { .sql = sql };
	const struct fleet_answer *a;
	struct err ignored;
	return fleet_tools_ask(fleet_tools_of(q), &call, &a, &ignored)
		       ? 0
		       : fleet_answer_number(a, 0, 0);
}

static void count(const struct queue *q, struct queue_counts *out)
{
	*out = (struct queue_counts){
		.waiting = (size_t)total(q, "SELECT unfinished - held FROM @S@.totals"),
		.dead = total(q, "SELECT dead FROM @S@.totals"),
		.later = total(q, "SELECT pushes FROM @S@.totals"),
	};
}

static int64_t count_failed(const struct queue *q)
{
	return total(q, "SELECT failed FROM @S@.totals");
}

static int64_t no_bytes(const struct queue *q)
{
	(void)q;
	return 0;
}

/* A name is kept by no tool. */
static int get_nothing(struct queue *q, const char *name, struct buf *out, struct err *err)
{
	(void)q, (void)name, (void)err;
	buf_clear(out);
	return 0;
}

/* What handles updates, and what sends, has verbs that no tool calls. */
static const struct queue_ops ops = {
	.close = close_it,
	.meta_get = get_nothing,
	.fleet = no_fleet,
	.flush = fleet_tools_flush,
	.dirty = fleet_tools_dirty,
	.counts = count,
	.spare_bytes = no_bytes,
	.each = fleet_tools_each,
	.show = fleet_tools_show,
	.dead_each = fleet_tools_dead_each,
	.many = fleet_tools_many,
	.call_add = fleet_tools_call_add,
	.call_next = fleet_tools_call_next,
	.message_add = fleet_tools_message_add,
	.call_drop = fleet_tools_call_drop,
	.calls_each = fleet_tools_calls_each,
	.lines_each = fleet_tools_lines_each,
	.moves_each = fleet_tools_moves_each,
	.call_show = fleet_tools_call_show,
	.job_get = fleet_tools_job_get,
	.job_keep = fleet_tools_job_keep,
	.jobs_rest = fleet_tools_jobs_rest,
	.calls_failed = count_failed,
	.push = fleet_tools_push,
	.push_each = fleet_tools_push_each,
	.push_show = fleet_tools_push_show,
};

struct queue *fleet_tools_open(const char *url, int64_t bot_id, const struct clock *clock,
			       struct err *err)
{
	char schema[FLEET_SCHEMA_MAX];
	struct fleet_tools *t = calloc(1, sizeof *t);
	if (!t) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	fleet_schema_name(bot_id, schema);
	t->queue.ops = &ops;
	t->clock = clock;
	t->last_call = -1;
	fleet_ops_init(&t->ops);
	buf_init(&t->keys, SIZE_MAX / 2);
	buf_init(&t->body, SIZE_MAX / 2);
	buf_init(&t->file, SIZE_MAX / 2);
	t->db = fleet_db_open(url, schema, FLEET_TOOLS_WAIT, err);
	if (t->db)
		return &t->queue;
	free(t);
	return NULL;
}
