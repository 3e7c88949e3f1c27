/* queue/store/memory_later: what was pushed and is to come, in the store that keeps nothing.
 * Operations come in, rows go out to callbacks. Invariant: each is in the list by number and in one
 * of the two by its time, and the table finds it. */
#include <stdlib.h>
#include <string.h>

#include "queue/store/memory_internal.h"

static struct memory_push *find(struct memory *m, int64_t number)
{
	for (struct map_node *n = map_first(&m->by_push, map_number(number)); n; n = map_next(n)) {
		struct memory_push *p = container_of(n, struct memory_push, by_number);
		/* One that is being made has its place in the table and none in the lists yet. */
		if (p->push.number == number && !list_empty(&p->link))
			return p;
	}
	return NULL;
}

static void free_push(struct memory_push *p)
{
	if (!p)
		return;
	free((char *)p->push.kind_name);
	free((char *)p->push.keys);
	free((char *)p->push.body);
	free(p);
}

static struct memory_push *make(const struct store_push *push)
{
	struct memory_push *p = calloc(1, sizeof *p);
	char *kind = NULL, *keys = NULL, *body = p ? malloc(push->length + 1) : NULL;
	if (!body || memory_copy_text(&kind, push->kind_name) ||
	    memory_copy_text(&keys, push->keys)) {
		free(kind);
		free(body);
		free(p);
		return NULL;
	}
	memcpy(body, push->body, push->length);
	body[push->length] = '\0';
	list_init(&p->link);
	list_init(&p->by_due);
	p->push = *push;
	p->push.kind_name = kind;
	p->push.keys = keys;
	p->push.body = body;
	return p;
}

int memory_later_prepare(struct memory *m, const struct store_op *op, struct memory_made *made)
{
	if (op->kind != STORE_PUSH || find(m, op->push->number))
		return 0;
	made->push = make(op->push);
	if (!made->push ||
	    map_add(&m->by_push, &made->push->by_number, map_number(op->push->number)))
		return -1;
	made->placed = true;
	return 0;
}

void memory_later_unmake(struct memory *m, struct memory_made *made)
{
	if (made->push && made->placed)
		map_remove(&m->by_push, &made->push->by_number);
	free_push(made->push);
}

static bool is_behind(const struct store_push *p, int64_t due, int64_t number)
{
	return p->due > due || (p->due == due && p->number > number);
}

/* Numbers rise; times mostly do. */
static void enter(struct memory *m, struct memory_push *p)
{
	struct list *times = &m->due[p->push.elapsed], *at = times->prev;
	while (at != times && is_behind(&container_of(at, struct memory_push, by_due)->push,
					p->push.due, p->push.number))
		at = at->prev;
	list_add_before(at->next, &p->by_due);
	list_add_before(&m->later, &p->link);
	m->push_count++;
	if (p->push.number > m->last_push)
		m->last_push = p->push.number;
}

static void leave(struct memory *m, struct memory_push *p)
{
	list_remove(&p->link);
	list_remove(&p->by_due);
	map_remove(&m->by_push, &p->by_number);
	m->push_count--;
	free_push(p);
}

void memory_later_carry_out(struct memory *m, const struct store_op *op, struct memory_made *made)
{
	struct memory_push *p = op->kind == STORE_PUSH ? made->push : find(m, op->seq);
	if (op->kind == STORE_PUSH && p)
		enter(m, p);
	else if (p)
		leave(m, p);
	made->push = NULL;
}

void memory_later_close(struct memory *m)
{
	while (!list_empty(&m->later))
		leave(m, container_of(m->later.next, struct memory_push, link));
	map_release(&m->by_push);
}

int64_t memory_last_push(struct store *s)
{
	return memory_of(s)->last_push;
}

int64_t memory_push_count(struct store *s)
{
	return memory_of(s)->push_count;
}

int memory_pushes(struct store *s, int64_t from, bool bodies,
		  int (*each)(void *arg, const struct store_push *push), void *arg, struct err *err)
{
	struct memory *m = memory_of(s);
	struct memory_push *near = find(m, from);
	(void)bodies, (void)err;
	for (struct list *at = near ? &near->link : m->later.next; at != &m->later; at = at->next) {
		const struct store_push *p = &container_of(at, struct memory_push, link)->push;
		if (p->number >= from && each(arg, p))
			return -1;
	}
	return 0;
}

int memory_next_push(struct store *s, bool elapsed, int64_t due, int64_t number, bool bodies,
		     int (*each)(void *arg, const struct store_push *push), void *arg,
		     struct err *err)
{
	struct list *times = &memory_of(s)->due[elapsed];
	(void)bodies, (void)err;
	for (struct list *at = times->next; at != times; at = at->next) {
		const struct store_push *p = &container_of(at, struct memory_push, by_due)->push;
		if (is_behind(p, due, number))
			return each(arg, p) ? -1 : 0;
	}
	return 0;
}
