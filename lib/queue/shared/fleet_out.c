/* queue/shared/fleet_out: the way out: each verb of calls.h becomes an operation, and all
 * operations of a turn are carried out in their order, in one transaction with the outcomes of it.
 * Numbers of calls come in blocks, so that one is at hand at once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/shared/fleet_verbs_internal.h"

/* Records what was made in `made`; `rc`: of the making. 0 or -1. */
static int record(struct fleet *q, struct fleet_ops *made, int rc)
{
	return fleet_op_record(q, made, rc, false) ? 0 : -1;
}

/* The same of what only a sender may say; another says nothing. */
static int say(struct fleet *q, struct fleet_ops *made, int rc)
{
	if (q->sender.sends)
		return fleet_op_record(q, made, rc, true) ? 0 : -1;
	fleet_ops_release(made);
	return 0;
}

/* ---- numbers ---- */

int64_t fleet_call_next(struct queue *queue, int64_t count)
{
	struct fleet *q = fleet_of(queue);
	if (q->out.end - q->out.next < count && q->out.spare_end > q->out.spare_next) {
		q->out.next = q->out.spare_next;
		q->out.end = q->out.spare_end;
		q->out.spare_next = q->out.spare_end = 0;
	}
	return q->out.end - q->out.next < count ? 0 : q->out.next;
}

int fleet_out_wants(const struct fleet *q)
{
	return q->out.spare_end > q->out.spare_next ? 0 : FLEET_IDS;
}

void fleet_out_numbers(struct fleet *q, int64_t from, int64_t to)
{
	if (to < from)
		return;
	if (q->out.next == q->out.end) {
		q->out.next = from;
		q->out.end = to + 1;
	} else if (q->out.spare_next == q->out.spare_end) {
		q->out.spare_next = from;
		q->out.spare_end = to + 1;
	}
}

/* ---- named values ---- */

int fleet_named_take(struct fleet *q, const char *name, const char *value)
{
	size_t n = strlen(name) + 1, m = strlen(value) + 1;
	struct fleet_named *named = malloc(sizeof *named + n + m);
	if (!named)
		return -1;
	named->name = memcpy(named->text, name, n);
	named->value = memcpy(named->text + n, value, m);
	struct fleet_named **at = &q->named, *was;
	while ((was = *at) && strcmp(was->name, name) != 0)
		at = &was->next;
	if (was)
		*at = was->next;
	free(was);
	named->next = q->named;
	q->named = named;
	return 0;
}

/* ---- from every node ---- */

int64_t fleet_call_add(struct queue *queue, const struct queue_call *call)
{
	struct fleet *q = fleet_of(queue);
	struct queue_call numbered = *call;
	struct fleet_ops made;
	fleet_ops_init(&made);
	numbered.id = fleet_call_next(queue, 1);
	if (!numbered.id)
		return 0;
	if (numbered.group == 0)
		numbered.group = numbered.id;
	if (record(q, &made, fleet_ops_call(&made, &numbered, fleet_wall(q))))
		return 0;
	return q->out.next++;
}

int fleet_message_add(struct queue *queue, const struct queue_message *message)
{
	return fleet_op_message(fleet_of(queue), message);
}

int fleet_call_drop(struct queue *queue, int64_t id, bool failed)
{
	struct fleet_ops made;
	fleet_ops_init(&made);
	return record(fleet_of(queue), &made, fleet_ops_drop(&made, id, failed));
}

int fleet_job_keep(struct queue *queue, const char *name, const char *chat, int64_t number,
		   int64_t at)
{
	struct fleet_ops made;
	(void)at; /* the server's clock says when */
	fleet_ops_init(&made);
	return record(fleet_of(queue), &made, fleet_ops_job(&made, name, chat, number));
}

void fleet_jobs_rest(struct queue *queue, int64_t wall)
{
	struct fleet *q = fleet_of(queue);
	struct fleet_ops made;
	fleet_ops_init(&made);
	record(q, &made, fleet_ops_jobs_rest(&made, fleet_wall(q) - wall));
}

void fleet_meta_set(struct queue *queue, const char *name, const char *value)
{
	struct fleet *q = fleet_of(queue);
	struct fleet_ops made;
	fleet_ops_init(&made);
	if (record(q, &made, fleet_ops_value(&made, name, value)) == 0)
		fleet_named_take(q, name, value); /* without memory the old one is read */
}

/* ---- from a sender ---- */

int fleet_call_begin(struct queue *queue, const struct queue_call *call, bool sync)
{
	struct fleet *q = fleet_of(queue);
	struct fleet_ops made;
	(void)sync; /* a transaction of a server is on its disk */
	if (!q->sender.sends || fleet_op_keep(q, call->id))
		return -1;
	fleet_ops_init(&made);
	int rc = fleet_ops_begin(&made, call, fleet_wall(q));
	struct fleet_op *op = fleet_op_record(q, &made, rc, true);
	if (!op)
		return -1;
	op->begins = call->id;
	return 0;
}

/* The end of one that was begun: what was made, or without memory what is in reserve, as `spare`
 * says it. */
static void end(struct fleet *q, int64_t id, struct fleet_ops *made, int rc, const char *spare)
{
	struct fleet_call_kept *k = fleet_op_kept(q, id);
	if (!k) /* it sends no more */
		fleet_ops_release(made);
	else if (!fleet_op_record(q, made, rc, true))
		fleet_op_spare(q, k, spare);
	if (k)
		fleet_op_let_go(q, k);
}

void fleet_call_done(struct queue *queue, int64_t id)
{
	struct fleet_ops made;
	char spare[FLEET_OP_RESERVE];
	fleet_ops_init(&made);
	snprintf(spare, sizeof spare, "{\"op\":\"done\",\"id\":%" PRId64 "}", id);
	end(fleet_of(queue), id, &made, fleet_ops_done(&made, id), spare);
}

void fleet_call_again(struct queue *queue, const struct queue_call *call)
{
	struct fleet *q = fleet_of(queue);
	struct fleet_ops made;
	char spare[FLEET_OP_RESERVE];
	int64_t wall = fleet_wall(q), due = call->due > wall ? call->due - wall : 0;
	fleet_ops_init(&made);
	snprintf(spare, sizeof spare,
		 "{\"op\":\"again\",\"id\":%" PRId64 ",\"due\":%" PRId64
		 ",\"tries\":%d,\"servers\":%d,\"unsures\":%d}",
		 call->id, due, call->tries, call->servers, call->unsures);
	end(q, call->id, &made, fleet_ops_again(&made, call, wall), spare);
}

void fleet_call_fail(struct queue *queue, const struct queue_call *call)
{
	struct fleet_ops made;
	char spare[FLEET_OP_RESERVE];
	fleet_ops_init(&made);
	snprintf(spare, sizeof spare,
		 "{\"op\":\"fail\",\"id\":%" PRId64 ",\"code\":%d,\"reason\":\"\",\"unsures\":%d}",
		 call->id, call->code, call->unsures);
	end(fleet_of(queue), call->id, &made, fleet_ops_fail(&made, call), spare);
}

int fleet_call_give_up(struct queue *queue, const struct queue_call *call)
{
	struct fleet *q = fleet_of(queue);
	struct fleet_ops made;
	fleet_ops_init(&made);
	/* What was added in this very turn may fail wherever that was. */
	int rc = fleet_ops_fail(&made, call);
	return q->sender.sends ? say(q, &made, rc) : record(q, &made, rc);
}

int fleet_call_replace(struct queue *queue, const struct queue_call *call)
{
	struct fleet_ops made;
	fleet_ops_init(&made);
	return say(fleet_of(queue), &made, fleet_ops_replace(&made, call));
}

void fleet_line_keep(struct queue *queue, const struct queue_line *line)
{
	struct fleet *q = fleet_of(queue);
	struct fleet_ops made;
	fleet_ops_init(&made);
	say(q, &made, fleet_ops_line(&made, line, fleet_wall(q)));
}

void fleet_lines_rest(struct queue *queue, int64_t wall)
{
	struct fleet_ops made;
	(void)wall; /* the server's clock says which */
	fleet_ops_init(&made);
	say(fleet_of(queue), &made, fleet_ops_lines_rest(&made));
}

void fleet_clock_set(struct queue *queue, int64_t by)
{
	(void)queue, (void)by; /* the server's was not */
}

int fleet_move_keep(struct queue *queue, const char *from, const char *to)
{
	struct fleet_ops made;
	fleet_ops_init(&made);
	return say(fleet_of(queue), &made, fleet_ops_move(&made, from, to));
}

/* ---- what is shown of a call that was begun ---- */

int fleet_call_show(struct queue *queue, int64_t id,
		    void (*show)(void *arg, const struct queue_call *call,
				 const struct queue_message *message),
		    void *arg, struct err *err)
{
	struct fleet *q = fleet_of(queue);
	const struct fleet_call_kept *k = fleet_op_kept(q, id);
	if (!k)
		return 0;
	if (!k->written)
		return err_set(err, ERR_INTERNAL, "out of memory");
	struct queue_call call = { .id = id,
				   .begun = true,
				   .line = "",
				   .method = k->method,
				   .params = k->params,
				   .reason = "" };
	struct queue_message message = { .params = k->common,
					 .file_name = k->file_name,
					 .file = k->file,
					 .file_length = k->file_length };
	show(arg, &call, k->common ? &message : NULL);
	return 1;
}
