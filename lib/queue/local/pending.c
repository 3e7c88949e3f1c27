/* queue/local/pending: outcomes come in one by one, a whole list goes out to the store. Room is
 * reserved when an update is handed out, so that its outcome can be recorded even when memory is
 * out by then. */
#include "queue/local/pending.h"

#include <stdlib.h>
#include <string.h>

void pending_init(struct pending *p)
{
	*p = (struct pending){ 0 };
}

void pending_release(struct pending *p)
{
	pending_clear(p);
	free(p->ops);
	free(p->owned);
	pending_init(p);
}

int pending_reserve(struct pending *p, size_t n)
{
	size_t cap = p->cap ? p->cap : 64;
	while (cap < p->count + n)
		cap *= 2;
	if (cap == p->cap)
		return 0;
	struct store_op *ops = realloc(p->ops, cap * sizeof *ops);
	if (!ops)
		return -1;
	p->ops = ops;
	char **owned = realloc(p->owned, cap * sizeof *owned);
	if (!owned)
		return -1;
	p->owned = owned;
	p->cap = cap;
	return 0;
}

enum { STRINGS = 5 };

/* Where the strings of an operation are; those that it cannot do without come first. */
static void strings_of(struct store_op *op, const char **out[STRINGS])
{
	out[0] = &op->root;
	out[1] = &op->kind_name;
	out[2] = &op->keys;
	out[3] = &op->reason;
	out[4] = &op->last_stderr;
}

/* A copy of `text` at *at, which moves behind it. */
static const char *copy_text(char **at, const char *text)
{
	if (!text)
		return NULL;
	char *copy = *at;
	*at = stpcpy(copy, text) + 1;
	return copy;
}

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static void *copy_call(const struct queue_call *call)
{
	struct queue_call *copy = malloc(sizeof *copy + size_of(call->line) +
					 size_of(call->method) + size_of(call->params) +
					 size_of(call->reason));
	if (!copy)
		return NULL;
	char *at = (char *)(copy + 1);
	*copy = *call;
	copy->line = copy_text(&at, call->line);
	copy->method = copy_text(&at, call->method);
	copy->params = copy_text(&at, call->params);
	copy->reason = copy_text(&at, call->reason);
	return copy;
}

static void *copy_message(const struct queue_message *message)
{
	struct queue_message *copy = malloc(sizeof *copy + size_of(message->params) +
					    size_of(message->file_name) + message->file_length);
	if (!copy)
		return NULL;
	char *at = (char *)(copy + 1);
	*copy = *message;
	copy->params = copy_text(&at, message->params);
	copy->file_name = copy_text(&at, message->file_name);
	if (message->file)
		copy->file = memcpy(at, message->file, message->file_length);
	return copy;
}

/* What goes out, in one block. */
static int add_outgoing(struct pending *p, const struct store_op *op)
{
	struct store_op copy = *op;
	void *block = op->call ? copy_call(op->call) : copy_message(op->message);
	if (!block)
		return -1;
	if (op->call)
		copy.call = block;
	else
		copy.message = block;
	p->owned[p->count] = block;
	p->ops[p->count++] = copy;
	return 0;
}

int pending_add(struct pending *p, const struct store_op *op)
{
	if (op->call || op->message)
		return add_outgoing(p, op);
	struct store_op copy = *op;
	const char **strings[STRINGS];
	size_t size = 0;
	strings_of(&copy, strings);
	for (int i = 0; i < STRINGS; i++)
		size += *strings[i] ? strlen(*strings[i]) + 1 : 0;
	char *block = size ? malloc(size) : NULL, *at = block;
	if (size && !block && (copy.root || copy.kind_name || copy.keys))
		return -1;
	for (int i = 0; i < STRINGS; i++)
		if (*strings[i] && block) {
			size_t n = strlen(*strings[i]) + 1;
			memcpy(at, *strings[i], n);
			*strings[i] = at;
			at += n;
		} else if (*strings[i])
			*strings[i] = "";
	p->owned[p->count] = block;
	p->ops[p->count++] = copy;
	return 0;
}

void pending_lend(struct pending *p, const struct store_op *op)
{
	p->owned[p->count] = NULL;
	p->ops[p->count++] = *op;
}

void pending_cut(struct pending *p, size_t count)
{
	while (p->count > count)
		free(p->owned[--p->count]);
}

void pending_clear(struct pending *p)
{
	pending_cut(p, 0);
}
