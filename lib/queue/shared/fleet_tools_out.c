/* queue/shared/fleet_tools_out: what tools give a shared queue to be sent. Changes come in one by
 * one and go out as one statement at the next flush, so a message for many chats is stored whole or
 * not at all. Invariant: numbers of calls are drawn from the database in blocks, and no number is
 * given twice. */
#include "queue/shared/fleet_tools_internal.h"

enum { NUMBERS = 128 /* that are drawn at once, at least */ };

int fleet_tools_flush(struct queue *q, struct err *err)
{
	struct fleet_tools *t = fleet_tools_of(q);
	struct fleet_call call = { .sql = "SELECT @S@.store($1, $2)" };
	struct buf list;
	if (!t->ops.count)
		return 0;
	buf_init(&list, SIZE_MAX / 2);
	int rc = fleet_ops_list(&t->ops, &list) ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
	fleet_call_text(&call, buf_str(&list));
	fleet_call_bytes(&call, buf_str(&t->ops.files), t->ops.files.len);
	rc = rc || fleet_tools_ask(t, &call, NULL, err) ? -1 : 0;
	buf_release(&list);
	if (rc == 0)
		fleet_ops_clear(&t->ops);
	return rc;
}

bool fleet_tools_dirty(const struct queue *q)
{
	return fleet_tools_of(q)->ops.count > 0;
}

/* Draws numbers, so that `count` follow one another. */
static int draw(struct fleet_tools *t, int64_t count)
{
	struct fleet_call call = { .sql = "SELECT @S@.ids($1)" };
	const struct fleet_answer *a;
	int64_t drawn = count < NUMBERS ? NUMBERS : count;
	struct err ignored;
	fleet_call_number(&call, drawn);
	if (fleet_tools_ask(t, &call, &a, &ignored))
		return -1;
	t->next_call = fleet_answer_number(a, 0, 0);
	t->last_call = t->next_call + drawn - 1;
	return 0;
}

int64_t fleet_tools_call_next(struct queue *q, int64_t count)
{
	struct fleet_tools *t = fleet_tools_of(q);
	bool enough = t->last_call - t->next_call + 1 >= count;
	return enough || draw(t, count) == 0 ? t->next_call : 0;
}

int64_t fleet_tools_call_add(struct queue *q, const struct queue_call *call)
{
	struct fleet_tools *t = fleet_tools_of(q);
	struct queue_call one = *call;
	one.id = fleet_tools_call_next(q, 1);
	if (!one.group)
		one.group = one.id;
	if (!one.id || fleet_ops_call(&t->ops, &one, t->clock->wall(t->clock)))
		return 0;
	return t->next_call++;
}

int fleet_tools_message_add(struct queue *q, const struct queue_message *message)
{
	return fleet_ops_message(&fleet_tools_of(q)->ops, message);
}

int fleet_tools_call_drop(struct queue *q, int64_t id, bool failed)
{
	return fleet_ops_drop(&fleet_tools_of(q)->ops, id, failed);
}

/* ---- jobs ---- */

int fleet_tools_job_get(struct queue *q, const char *name, const char *chat, int64_t *number,
			struct err *err)
{
	struct fleet_call call = {
		.sql = "SELECT number FROM @S@.jobs WHERE name = $1 AND chat = $2"
	};
	const struct fleet_answer *a;
	fleet_call_text(&call, name);
	fleet_call_text(&call, chat);
	if (fleet_tools_ask(fleet_tools_of(q), &call, &a, err))
		return -1;
	if (fleet_answer_rows(a) == 0)
		return 0;
	*number = fleet_answer_number(a, 0, 0);
	return 1;
}

int fleet_tools_job_keep(struct queue *q, const char *name, const char *chat, int64_t number,
			 int64_t at)
{
	(void)at; /* now, by the server's clock */
	return fleet_ops_job(&fleet_tools_of(q)->ops, name, chat, number);
}

void fleet_tools_jobs_rest(struct queue *q, int64_t wall)
{
	struct fleet_tools *t = fleet_tools_of(q);
	fleet_ops_jobs_rest(&t->ops, t->clock->wall(t->clock) - wall);
}

/* A tool sends nothing, so it wants no limits of chats and no moves. */
int fleet_tools_lines_each(struct queue *q, int (*each)(void *arg, const struct queue_line *line),
			   void *arg, struct err *err)
{
	(void)q, (void)each, (void)arg, (void)err;
	return 0;
}

int fleet_tools_moves_each(struct queue *q,
			   int (*each)(void *arg, const char *from, const char *to), void *arg,
			   struct err *err)
{
	(void)q, (void)each, (void)arg, (void)err;
	return 0;
}
