/* queue/shared/fleet_op: operations of the way out, from their record until the turn that carries
 * them is committed, and what is kept of calls that are being sent. Invariant: for each call that
 * was begun there is an operation in reserve, so that its end can be recorded even when memory is
 * out by then. */
#include <stdlib.h>
#include <string.h>

#include "queue/shared/fleet_internal.h"

/* ---- operations ---- */

static struct fleet_op *op_new(size_t room)
{
	struct fleet_op *op = calloc(1, sizeof *op + room + 1);
	if (op)
		list_init(&op->link);
	return op;
}

static void op_free(struct fleet_op *op)
{
	list_remove(&op->link);
	free(op->params);
	free(op->file_name);
	free(op->file);
	free(op);
}

static void free_all(struct list *ops)
{
	while (!list_empty(ops))
		op_free(container_of(ops->next, struct fleet_op, link));
}

struct fleet_op *fleet_op_record(struct fleet *q, struct fleet_ops *made, int rc, bool sender)
{
	struct fleet_op *op = rc ? NULL : op_new(made->json.len);
	if (op) {
		op->sender = sender;
		op->length = made->json.len;
		memcpy(op->json, buf_str(&made->json), op->length);
		list_add_before(&q->out.ops, &op->link);
	}
	fleet_ops_release(made);
	return op;
}

static char *copy_text(const char *text, bool *failed)
{
	char *copy = text ? strdup(text) : NULL;
	*failed = *failed || (text && !copy);
	return copy;
}

int fleet_op_message(struct fleet *q, const struct queue_message *message)
{
	struct fleet_op *op = op_new(0);
	bool failed = !op;
	if (op) {
		op->message = *message;
		op->message.params = op->params = copy_text(message->params, &failed);
		op->message.file_name = op->file_name = copy_text(message->file_name, &failed);
		if (message->file && (op->file = malloc(message->file_length + 1)))
			memcpy(op->file, message->file, message->file_length);
		op->message.file = op->file;
		failed = failed || (message->file && !op->file);
	}
	if (failed) {
		if (op)
			op_free(op);
		return -1;
	}
	list_add_before(&q->out.ops, &op->link);
	return 0;
}

/* ---- calls that were begun ---- */

struct fleet_call_kept *fleet_op_kept(const struct fleet *q, int64_t id)
{
	for (struct map_node *n = map_first(&q->sender.begun, map_number(id)); n; n = map_next(n))
		if (container_of(n, struct fleet_call_kept, node)->id == id)
			return container_of(n, struct fleet_call_kept, node);
	return NULL;
}

static void kept_clear(struct fleet_call_kept *k)
{
	free(k->method);
	free(k->params);
	free(k->common);
	free(k->file_name);
	free(k->file);
	k->method = k->params = k->common = k->file_name = k->file = NULL;
	k->written = false;
}

void fleet_op_let_go(struct fleet *q, struct fleet_call_kept *k)
{
	map_remove(&q->sender.begun, &k->node);
	kept_clear(k);
	free(k->end);
	free(k);
}

void fleet_op_spare(struct fleet *q, struct fleet_call_kept *k, const char *json)
{
	struct fleet_op *op = k->end;
	k->end = NULL;
	op->sender = true;
	op->length = strlen(json);
	memcpy(op->json, json, op->length);
	list_add_before(&q->out.ops, &op->link);
}

int fleet_op_keep(struct fleet *q, int64_t id)
{
	struct fleet_call_kept *k = fleet_op_kept(q, id);
	if (k)
		return 0;
	k = calloc(1, sizeof *k);
	if (!k || !(k->end = op_new(FLEET_OP_RESERVE)) ||
	    map_add(&q->sender.begun, &k->node, map_number(id))) {
		if (k)
			free(k->end);
		free(k);
		return -1;
	}
	k->id = id;
	return 0;
}

static char *copy(const struct fleet_answer *a, int row, int column, bool *failed)
{
	char *text = fleet_answer_null(a, row, column) ? NULL
						       : strdup(fleet_answer_text(a, row, column));
	*failed = *failed || (!text && !fleet_answer_null(a, row, column));
	return text;
}

void fleet_op_shown(struct fleet *q, const struct fleet_answer *a, int row)
{
	enum { O_ID = 1, O_METHOD = 13, O_PARAMS, O_COMMON, O_NAME, O_FILE };
	struct fleet_call_kept *k = fleet_op_kept(q, fleet_answer_number(a, row, O_ID));
	struct buf file;
	bool failed = false;
	if (!k)
		return;
	kept_clear(k);
	buf_init(&file, SIZE_MAX / 4);
	k->method = copy(a, row, O_METHOD, &failed);
	k->params = copy(a, row, O_PARAMS, &failed);
	k->common = copy(a, row, O_COMMON, &failed);
	k->file_name = copy(a, row, O_NAME, &failed);
	if (k->file_name) {
		failed = fleet_answer_bytes(a, row, O_FILE, &file) || buf_reserve(&file, 0) ||
			 failed;
		k->file = file.data;
		k->file_length = file.len;
	}
	k->written = !failed;
}

/* ---- the list of operations ---- */

static int add_op(const struct fleet_op *op, struct fleet_ops *out)
{
	if (op->params)
		return fleet_ops_message(out, &op->message);
	size_t before = out->json.len;
	if ((out->count && buf_addc(&out->json, ',')) ||
	    buf_add(&out->json, op->json, op->length)) {
		out->json.len = before;
		return -1;
	}
	out->count++;
	return 0;
}

int fleet_op_list(struct fleet *q, struct fleet_ops *out)
{
	for (struct list *l = q->out.ops.next; l != &q->out.ops; l = l->next)
		if (add_op(container_of(l, struct fleet_op, link), out))
			return -1;
	return 0;
}

static void move_all(struct list *from, struct list *before)
{
	while (!list_empty(from)) {
		struct list *first = from->next;
		list_remove(first);
		list_add_before(before, first);
	}
}

void fleet_op_fly(struct fleet *q)
{
	move_all(&q->out.ops, &q->out.flying);
}

void fleet_op_written(struct fleet *q)
{
	free_all(&q->out.flying);
}

void fleet_op_unwritten(struct fleet *q)
{
	move_all(&q->out.flying, q->out.ops.next);
}

void fleet_op_begins_again(struct fleet *q)
{
	for (struct list *l = q->out.flying.next, *next; l != &q->out.flying; l = next) {
		struct fleet_op *op = container_of(l, struct fleet_op, link);
		next = l->next;
		if (!op->begins || !fleet_op_kept(q, op->begins))
			continue;
		list_remove(&op->link);
		list_add_before(q->out.ops.next, &op->link);
	}
	free_all(&q->out.flying);
}

void fleet_op_resign(struct fleet *q)
{
	for (struct list *l = q->out.ops.next, *next; l != &q->out.ops; l = next) {
		struct fleet_op *op = container_of(l, struct fleet_op, link);
		next = l->next;
		if (op->sender)
			op_free(op);
	}
	for (size_t i = 0; i < q->sender.begun.cap; i++)
		while (q->sender.begun.slots[i])
			fleet_op_let_go(q, container_of(q->sender.begun.slots[i],
							struct fleet_call_kept, node));
}

void fleet_op_forget(struct fleet *q)
{
	free_all(&q->out.ops);
	free_all(&q->out.flying);
	fleet_op_resign(q);
}
