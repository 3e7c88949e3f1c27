/* queue/shared/fleet_ops: calls and what is known of chats come in, text for the database goes out.
 * Invariant: the list is whole JSON after each call, also after one that found no memory. */
#include "queue/shared/fleet_ops.h"

#include "base/json.h"

void fleet_ops_init(struct fleet_ops *o)
{
	buf_init(&o->json, SIZE_MAX / 2);
	buf_init(&o->files, SIZE_MAX / 2);
	o->count = 0;
}

void fleet_ops_release(struct fleet_ops *o)
{
	buf_release(&o->json);
	buf_release(&o->files);
	fleet_ops_init(o);
}

void fleet_ops_clear(struct fleet_ops *o)
{
	buf_clear(&o->json);
	buf_clear(&o->files);
	o->count = 0;
}

/* Back to `length` bytes. */
static void cut(struct buf *b, size_t length)
{
	if (b->data) {
		b->len = length;
		b->data[length] = '\0';
	}
}

/* Begins an object. */
static int open_op(struct fleet_ops *o, const char *name)
{
	return (o->count && buf_addc(&o->json, ',')) || buf_addc(&o->json, '{') ||
			       json_add_text(&o->json, "op", name)
		       ? -1
		       : 0;
}

/* Ends the object that began when the list had `before` bytes; `rc` is not 0 when it could not be
 * written, and nothing is left of it then. */
static int close_op(struct fleet_ops *o, size_t before, int rc)
{
	if (rc || buf_addc(&o->json, '}')) {
		cut(&o->json, before);
		return -1;
	}
	o->count++;
	return 0;
}

/* Milliseconds from `wall` until `time`; 0: it has come. */
static int64_t until(int64_t time, int64_t wall)
{
	return time > wall ? time - wall : 0;
}

int fleet_ops_call(struct fleet_ops *o, const struct queue_call *call, int64_t wall)
{
	struct buf *out = &o->json;
	size_t before = out->len;
	int rc = open_op(o, "call") || json_add_number(out, "id", call->id) ||
		 json_add_number(out, "group", call->group) ||
		 json_add_number(out, "message", call->message) ||
		 json_add_number(out, "kind", call->kind) ||
		 json_add_number(out, "cost", call->cost) ||
		 json_add_number(out, "flags", call->flags) ||
		 (call->expires && json_add_number(out, "expires", until(call->expires, wall))) ||
		 json_add_number(out, "due", until(call->due, wall)) ||
		 (call->tries && json_add_number(out, "tries", call->tries)) ||
		 (call->servers && json_add_number(out, "servers", call->servers)) ||
		 (call->unsures && json_add_number(out, "unsures", call->unsures)) ||
		 (call->begun && (json_add_name(out, "begun") || buf_adds(out, "true"))) ||
		 json_add_text(out, "line", call->line) ||
		 json_add_text(out, "method", call->method) ||
		 json_add_text(out, "params", call->params);
	return close_op(o, before, rc);
}

int fleet_ops_message(struct fleet_ops *o, const struct queue_message *message)
{
	struct buf *out = &o->json;
	size_t before = out->len, files = o->files.len;
	int rc = open_op(o, "message") || json_add_number(out, "id", message->id) ||
		 json_add_text(out, "params", message->params);
	if (message->file)
		rc = rc || json_add_text(out, "name", message->file_name) ||
		     json_add_number(out, "at", (int64_t)files) ||
		     json_add_number(out, "length", (int64_t)message->file_length) ||
		     buf_add(&o->files, message->file, message->file_length);
	rc = close_op(o, before, rc);
	if (rc)
		cut(&o->files, files);
	return rc;
}

/* The counts of a call that is sent, or waits again. */
static int add_state(struct fleet_ops *o, const char *name, const struct queue_call *call,
		     int64_t wall)
{
	struct buf *out = &o->json;
	size_t before = out->len;
	int rc = open_op(o, name) || json_add_number(out, "id", call->id) ||
		 json_add_number(out, "due", until(call->due, wall)) ||
		 json_add_number(out, "tries", call->tries) ||
		 json_add_number(out, "servers", call->servers) ||
		 json_add_number(out, "unsures", call->unsures);
	return close_op(o, before, rc);
}

int fleet_ops_begin(struct fleet_ops *o, const struct queue_call *call, int64_t wall)
{
	return add_state(o, "begin", call, wall);
}

int fleet_ops_again(struct fleet_ops *o, const struct queue_call *call, int64_t wall)
{
	return add_state(o, "again", call, wall);
}

/* An operation that has a number only. */
static int add_number(struct fleet_ops *o, const char *name, const char *member, int64_t number)
{
	size_t before = o->json.len;
	return close_op(o, before, open_op(o, name) || json_add_number(&o->json, member, number));
}

int fleet_ops_done(struct fleet_ops *o, int64_t id)
{
	return add_number(o, "done", "id", id);
}

int fleet_ops_drop(struct fleet_ops *o, int64_t id, bool failed)
{
	return add_number(o, failed ? "failed_drop" : "drop", "id", id);
}

int fleet_ops_fail(struct fleet_ops *o, const struct queue_call *call)
{
	struct buf *out = &o->json;
	size_t before = out->len;
	int rc = open_op(o, "fail") || json_add_number(out, "id", call->id) ||
		 json_add_text(out, "reason", call->reason ? call->reason : "") ||
		 json_add_number(out, "code", call->code) ||
		 json_add_number(out, "unsures", call->unsures);
	return close_op(o, before, rc);
}

int fleet_ops_replace(struct fleet_ops *o, const struct queue_call *call)
{
	struct buf *out = &o->json;
	size_t before = out->len;
	int rc = open_op(o, "replace") || json_add_number(out, "id", call->id) ||
		 json_add_text(out, "line", call->line) ||
		 json_add_text(out, "params", call->params) ||
		 json_add_number(out, "flags", call->flags);
	return close_op(o, before, rc);
}

int fleet_ops_line(struct fleet_ops *o, const struct queue_line *line, int64_t wall)
{
	struct buf *out = &o->json;
	size_t before = out->len;
	int rc = open_op(o, "line") || json_add_text(out, "line", line->line) ||
		 json_add_number(out, "full", until(line->full, wall)) ||
		 json_add_number(out, "cool", until(line->cool, wall));
	return close_op(o, before, rc);
}

int fleet_ops_lines_rest(struct fleet_ops *o)
{
	size_t before = o->json.len;
	return close_op(o, before, open_op(o, "lines_rest"));
}

int fleet_ops_move(struct fleet_ops *o, const char *from, const char *to)
{
	size_t before = o->json.len;
	int rc = open_op(o, "move") || json_add_text(&o->json, "from", from) ||
		 json_add_text(&o->json, "to", to);
	return close_op(o, before, rc);
}

int fleet_ops_job(struct fleet_ops *o, const char *name, const char *chat, int64_t number)
{
	size_t before = o->json.len;
	int rc = open_op(o, "job") || json_add_text(&o->json, "name", name) ||
		 json_add_text(&o->json, "chat", chat) ||
		 json_add_number(&o->json, "number", number);
	return close_op(o, before, rc);
}

int fleet_ops_jobs_rest(struct fleet_ops *o, int64_t age)
{
	return add_number(o, "jobs_rest", "age", age);
}

int fleet_ops_value(struct fleet_ops *o, const char *name, const char *value)
{
	size_t before = o->json.len;
	int rc = open_op(o, "value") || json_add_text(&o->json, "name", name) ||
		 json_add_text(&o->json, "value", value);
	return close_op(o, before, rc);
}

int fleet_ops_list(const struct fleet_ops *o, struct buf *out)
{
	return buf_addc(out, '[') || buf_add(out, buf_str(&o->json), o->json.len) ||
			       buf_addc(out, ']')
		       ? -1
		       : 0;
}
