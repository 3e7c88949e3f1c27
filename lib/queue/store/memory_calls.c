/* queue/store/memory_calls: what is to be sent, in the memory store: calls that wait and calls that
 * failed, each in a list by number and in one table; messages, lines and moves in lists. Operations
 * come in as part of a list that is carried out whole or not at all (memory_apply.c). Invariant: a
 * call is in the table and in one of the two lists; a message counts the calls that have it, and
 * goes with the last. */
#include <stdlib.h>
#include <string.h>

#include "queue/store/memory_internal.h"

static void call_free(struct memory_call *c)
{
	if (!c)
		return;
	free((char *)c->call.line);
	free((char *)c->call.method);
	free((char *)c->call.params);
	free((char *)c->call.reason);
	free(c);
}

static void message_free(struct memory_message *m)
{
	if (!m)
		return;
	free((char *)m->message.params);
	free((char *)m->message.file_name);
	free((char *)m->message.file);
	free(m);
}

static struct memory_call *find(struct memory *m, int64_t id)
{
	for (struct map_node *n = map_first(&m->by_call, map_number(id)); n; n = map_next(n)) {
		struct memory_call *c = container_of(n, struct memory_call, by_number);
		if (c->call.id == id && !list_empty(&c->link))
			return c;
	}
	return NULL;
}

static struct memory_message *find_message(struct memory *m, int64_t id)
{
	for (struct list *at = m->messages.next; at != &m->messages; at = at->next)
		if (container_of(at, struct memory_message, link)->message.id == id)
			return container_of(at, struct memory_message, link);
	return NULL;
}

/* ---- what is made beforehand ---- */

static struct memory_call *make_call(const struct queue_call *from)
{
	struct memory_call *c = calloc(1, sizeof *c);
	char *line = NULL, *method = NULL, *params = NULL, *reason = NULL;
	if (!c || memory_copy_text(&line, from->line) || memory_copy_text(&method, from->method) ||
	    memory_copy_text(&params, from->params) || memory_copy_text(&reason, "")) {
		free(line);
		free(method);
		free(params);
		free(c);
		return NULL;
	}
	list_init(&c->link);
	c->call = *from;
	c->call.line = line;
	c->call.method = method;
	c->call.params = params;
	c->call.reason = reason;
	return c;
}

static struct memory_message *make_message(const struct queue_message *from)
{
	struct memory_message *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	list_init(&m->link);
	m->message = (struct queue_message){ .id = from->id, .file_length = from->file_length };
	m->message.params = strdup(from->params);
	m->message.file_name = from->file_name ? strdup(from->file_name) : NULL;
	char *file = from->file ? malloc(from->file_length + 1) : NULL;
	m->message.file = file;
	if (!m->message.params || (from->file_name && !m->message.file_name) ||
	    (from->file && !file)) {
		message_free(m);
		return NULL;
	}
	if (file)
		memcpy(file, from->file, from->file_length);
	return m;
}

int memory_calls_prepare(struct memory *m, const struct store_op *op, struct memory_made *made)
{
	switch (op->kind) {
	case STORE_CALL:
		if (find(m, op->call->id))
			return 0;
		made->call = make_call(op->call);
		if (made->call &&
		    map_add(&m->by_call, &made->call->by_number, map_number(op->call->id))) {
			call_free(made->call);
			made->call = NULL;
		}
		made->placed = made->call != NULL;
		return made->call ? 0 : -1;
	case STORE_CALL_REPLACE:
		return (made->call = make_call(op->call)) ? 0 : -1;
	case STORE_CALL_FAILED:
		return memory_copy_text(&made->reason, op->reason);
	case STORE_MESSAGE:
		if (find_message(m, op->message->id))
			return 0;
		return (made->message = make_message(op->message)) ? 0 : -1;
	case STORE_LINE:
		return (made->named = memory_named_make(op->keys, "")) ? 0 : -1;
	case STORE_JOB:
		return (made->named = memory_jobs_make(op)) ? 0 : -1;
	case STORE_MOVED:
		return (made->named = memory_named_make(op->kind_name, op->keys)) ? 0 : -1;
	default:
		return 0;
	}
}

void memory_calls_unmake(struct memory *m, struct memory_made *made)
{
	if (made->call && made->placed)
		map_remove(&m->by_call, &made->call->by_number);
	call_free(made->call);
	message_free(made->message);
	free(made->reason);
}

/* ---- what changes ---- */

/* Into the list, at the place of its number: nearly always the end. */
static void insert(struct list *l, struct memory_call *c)
{
	struct list *at = l->prev;
	while (at != l && container_of(at, struct memory_call, link)->call.id > c->call.id)
		at = at->prev;
	list_add_before(at->next, &c->link);
}

/* It goes with the last of its calls. */
static void count_message(struct memory *m, int64_t id, int more)
{
	struct memory_message *message = id ? find_message(m, id) : NULL;
	if (!message || (message->calls += more) > 0)
		return;
	list_remove(&message->link);
	message_free(message);
}

static void drop(struct memory *m, struct memory_call *c)
{
	count_message(m, c->call.message, -1);
	m->failed_count -= c->call.failed != 0;
	list_remove(&c->link);
	map_remove(&m->by_call, &c->by_number);
	call_free(c);
}

static void drop_named(struct list *l, const char *name)
{
	struct memory_named *n = memory_named_find(l, name);
	if (n)
		list_remove(&n->link);
	memory_named_free(n);
}

static void rest_lines(struct memory *m, int64_t now)
{
	for (struct list *at = m->lines.next, *next; at != &m->lines; at = next) {
		struct memory_named *n = container_of(at, struct memory_named, link);
		next = at->next;
		if (n->full > now || n->cool > now)
			continue;
		list_remove(&n->link);
		memory_named_free(n);
	}
}

static void move_time(int64_t *time, int64_t by)
{
	if (*time)
		*time += by;
}

static void set_clock(struct memory *m, int64_t by)
{
	for (struct list *at = m->calls.next; at != &m->calls; at = at->next) {
		struct queue_call *call = &container_of(at, struct memory_call, link)->call;
		call->created += by;
		move_time(&call->due, by);
		move_time(&call->expires, by);
	}
	for (struct list *at = m->lines.next; at != &m->lines; at = at->next) {
		struct memory_named *line = container_of(at, struct memory_named, link);
		move_time(&line->full, by);
		move_time(&line->cool, by);
	}
}

static void swap(const char **a, const char **b)
{
	const char *was = *a;
	*a = *b;
	*b = was;
}

static void change_call(struct memory *m, const struct store_op *op, struct memory_made *made,
			struct memory_call *c)
{
	switch (op->kind) {
	case STORE_CALL_STATE:
		c->call.due = op->due;
		c->call.tries = STORE_CALL_TRIES(op);
		c->call.servers = STORE_CALL_SERVERS(op);
		c->call.unsures = STORE_CALL_UNSURES(op);
		c->call.begun = op->begun;
		break;
	case STORE_CALL_REPLACE:
		c->call.flags = op->call->flags;
		swap(&c->call.line, &made->call->call.line);
		swap(&c->call.params, &made->call->call.params);
		break;
	case STORE_CALL_FAILED:
		if (c->call.failed)
			break;
		c->call.failed = op->now;
		c->call.code = op->code;
		c->call.unsures = STORE_CALL_UNSURES(op);
		c->call.begun = false;
		free((char *)c->call.reason);
		c->call.reason = made->reason;
		made->reason = NULL;
		list_remove(&c->link);
		insert(&m->failed, c);
		m->failed_count++;
		break;
	default: /* STORE_CALL_GONE, STORE_FAILED_GONE */
		if ((op->kind == STORE_FAILED_GONE) == (c->call.failed != 0))
			drop(m, c);
		break;
	}
}

void memory_calls_carry_out(struct memory *m, const struct store_op *op, struct memory_made *made)
{
	struct memory_named *n;
	struct memory_call *c;
	switch (op->kind) {
	case STORE_CALL:
		if (op->call->id > m->last_call)
			m->last_call = op->call->id;
		if (made->call) {
			insert(&m->calls, made->call);
			count_message(m, made->call->call.message, 1);
		}
		made->call = NULL;
		break;
	case STORE_MESSAGE:
		if (made->message)
			list_add_before(&m->messages, &made->message->link);
		made->message = NULL;
		break;
	case STORE_LINE:
		if (!op->due && !op->now) {
			drop_named(&m->lines, op->keys);
			break;
		}
		n = memory_named_settle(&m->lines, &made->named);
		n->full = op->due;
		n->cool = op->now;
		break;
	case STORE_LINES_REST:
		rest_lines(m, op->now);
		break;
	case STORE_CLOCK:
		set_clock(m, op->due);
		break;
	case STORE_JOB:
		n = memory_named_settle(&m->jobs, &made->named);
		n->full = op->seq;
		n->cool = op->now;
		break;
	case STORE_JOBS_REST:
		memory_jobs_rest(m, op->now);
		break;
	case STORE_MOVED:
		drop_named(&m->moves, op->kind_name);
		memory_named_settle(&m->moves, &made->named);
		break;
	default:
		c = find(m, op->call ? op->call->id : op->seq);
		if (c)
			change_call(m, op, made, c);
		break;
	}
}

void memory_calls_close(struct memory *m)
{
	struct list *both[] = { &m->calls, &m->failed };
	for (int i = 0; i < 2; i++)
		while (!list_empty(both[i]))
			drop(m, container_of(both[i]->next, struct memory_call, link));
	while (!list_empty(&m->messages)) {
		struct memory_message *message = container_of(m->messages.next,
							      struct memory_message, link);
		list_remove(&message->link);
		message_free(message);
	}
	map_release(&m->by_call);
}

/* ---- what is read ---- */

int64_t memory_last_call(struct store *s)
{
	return memory_of(s)->last_call;
}

int64_t memory_failed_count(struct store *s)
{
	return memory_of(s)->failed_count;
}

int memory_calls(struct store *s, int64_t from, bool failed, bool params,
		 int (*each)(void *arg, const struct queue_call *call), void *arg, struct err *err)
{
	struct memory *m = memory_of(s);
	struct list *l = failed ? &m->failed : &m->calls;
	struct memory_call *near = find(m, from);
	struct list *at = near && (near->call.failed != 0) == failed ? &near->link : l->next;
	(void)params, (void)err;
	for (; at != l; at = at->next) {
		const struct memory_call *c = container_of(at, struct memory_call, link);
		if (c->call.id >= from && each(arg, &c->call))
			return -1;
	}
	return 0;
}

int memory_lines(struct store *s, int (*each)(void *arg, const struct queue_line *line), void *arg,
		 struct err *err)
{
	struct memory *m = memory_of(s);
	(void)err;
	for (struct list *at = m->lines.next; at != &m->lines; at = at->next) {
		const struct memory_named *n = container_of(at, struct memory_named, link);
		if (each(arg, &(struct queue_line){ n->name, n->full, n->cool }))
			return -1;
	}
	return 0;
}

int memory_moves(struct store *s, int (*each)(void *arg, const char *from, const char *to),
		 void *arg, struct err *err)
{
	struct memory *m = memory_of(s);
	(void)err;
	for (struct list *at = m->moves.next; at != &m->moves; at = at->next) {
		const struct memory_named *n = container_of(at, struct memory_named, link);
		if (each(arg, n->name, n->value))
			return -1;
	}
	return 0;
}

int memory_message(struct store *s, int64_t id,
		   void (*show)(void *arg, const struct queue_message *message), void *arg,
		   struct err *err)
{
	const struct memory_message *m = find_message(memory_of(s), id);
	(void)err;
	if (m)
		show(arg, &m->message);
	return m != NULL;
}
