/* outbox/outbox_lines: lines, and whose turn it is. A line comes in when something of it has
 * changed; it goes to the list of what has its turn, to the heap of what has it later, or, when it
 * is empty, to the heap of what will be forgotten. Invariants: a line has its turn exactly
 * while its head may go as far as the line's own limits go; each list is in the order of its
 * tickets; the heaps have room for all lines, so that no line is ever lost. */
#include <stdlib.h>
#include <string.h>

#include "outbox/outbox_internal.h"

/* ---- names ---- */

static struct outbox_line *of_name(const struct outbox *o, const char *name, uint64_t hash)
{
	for (struct map_node *n = map_first(&o->lines, hash); n; n = map_next(n)) {
		struct outbox_line *line = container_of(n, struct outbox_line, node);
		if (strcmp(line->name, name) == 0)
			return line;
	}
	return NULL;
}

struct outbox_line *outbox_line_find(const struct outbox *o, const char *name)
{
	struct outbox_line *line = of_name(o, name, map_hash(&o->seed, name, strlen(name)));
	while (line && line->to)
		line = line->to;
	return line;
}

struct outbox_line *outbox_line_get(struct outbox *o, enum outbox_kind kind, const char *name)
{
	struct outbox_line *line = *name ? outbox_line_find(o, name) : NULL;
	size_t n = strlen(name), lines = o->lines.count + o->nameless + 1;
	if (line)
		return line;
	if (heap_reserve(&o->idle, lines) || heap_reserve(&o->held[0], lines) ||
	    heap_reserve(&o->held[1], lines))
		return NULL;
	line = calloc(1, sizeof *line + n + 1);
	if (!line)
		return NULL;
	line->kind = (uint8_t)kind;
	list_init(&line->calls);
	memcpy(line->name, name, n);
	if (*name && map_add(&o->lines, &line->node, map_hash(&o->seed, name, n))) {
		free(line);
		return NULL;
	}
	o->nameless += !*name;
	return line;
}

static void forget(struct outbox *o, struct outbox_line *line)
{
	if (*line->name)
		map_remove(&o->lines, &line->node);
	else
		o->nameless--;
	free(line);
}

/* ---- calls of a line ---- */

struct outbox_call *outbox_head(const struct outbox_line *line)
{
	return list_empty(&line->calls) ? NULL
					: container_of(line->calls.next, struct outbox_call, next);
}

void outbox_line_add(struct outbox *o, struct outbox_call *call)
{
	struct outbox_line *line = call->line;
	struct list *at = line->calls.next;
	/* It is the last one when it is new, else one of the first. */
	if (call->age == o->age)
		at = &line->calls;
	while (at != &line->calls && container_of(at, struct outbox_call, next)->age < call->age)
		at = at->next;
	list_add_before(at, &call->next);
	line->replies += !call->bulk;
	o->waiting[call->bulk]++;
	if (call->expires != INT64_MAX)
		heap_add(&o->expiring, &call->over, call->expires);
}

void outbox_line_take(struct outbox *o, struct outbox_call *call)
{
	list_remove(&call->next);
	heap_remove(&o->expiring, &call->over);
	call->line->replies -= !call->bulk;
	o->waiting[call->bulk]--;
}

/* ---- places ---- */

void outbox_unplace(struct outbox *o, struct outbox_line *line)
{
	switch ((enum outbox_place)line->place) {
	case OUTBOX_NOWHERE:
		break;
	case OUTBOX_IDLE:
		heap_remove(&o->idle, &line->at);
		break;
	case OUTBOX_LATER:
		heap_remove(&o->held[line->class != OUTBOX_REPLY], &line->at);
		break;
	case OUTBOX_TURN:
		list_remove(&line->turn);
		break;
	}
	line->place = OUTBOX_NOWHERE;
}

static void place_empty(struct outbox *o, int64_t now, struct outbox_line *line)
{
	int64_t full = outbox_bucket_full(line->tat);
	int64_t until = full > line->cool ? full : line->cool;
	if (line->named)
		return;
	if (!*line->name || until <= now) {
		forget(o, line);
		return;
	}
	line->at = (struct heap_node){ 0 };
	line->place = OUTBOX_IDLE;
	heap_add(&o->idle, &line->at, until);
}

static void give_turn(struct outbox *o, struct outbox_line *line, bool first)
{
	struct list *l = &o->ready[line->class];
	line->place = OUTBOX_TURN;
	line->ticket = first ? --o->front : ++o->back;
	list_add_before(first ? l->next : l, &line->turn);
}

static enum outbox_class class_of(const struct outbox_line *line, const struct outbox_call *head)
{
	return line->replies ? OUTBOX_REPLY : head->paid ? OUTBOX_PAID : OUTBOX_BULK;
}

void outbox_place(struct outbox *o, int64_t now, struct outbox_line *line, bool first)
{
	struct outbox_call *head = outbox_head(line);
	if (!head || line->flights) {
		outbox_unplace(o, line);
		if (!line->flights)
			place_empty(o, now, line);
		return;
	}
	enum outbox_class class = class_of(line, head);
	int64_t due = outbox_line_due(o, head);
	/* Who has a turn keeps it. */
	if (line->place == OUTBOX_TURN && due <= now && class == line->class && !first)
		return;
	outbox_unplace(o, line);
	line->class = (uint8_t) class;
	if (due <= now) {
		give_turn(o, line, first);
		return;
	}
	line->at = (struct heap_node){ 0 };
	line->place = OUTBOX_LATER;
	heap_add(&o->held[class != OUTBOX_REPLY], &line->at, due);
}

void outbox_promote(struct outbox *o, int64_t now)
{
	struct heap_node *n;
	while ((n = heap_first(&o->idle)) && n->due <= now) {
		struct outbox_line *line = container_of(n, struct outbox_line, at);
		heap_remove(&o->idle, n);
		forget(o, line);
	}
	for (;;) {
		struct heap_node *bulk = heap_first(&o->held[1]);
		n = heap_first(&o->held[0]);
		if (!n || (bulk && bulk->due < n->due))
			n = bulk;
		if (!n || n->due > now)
			return;
		struct outbox_line *line = container_of(n, struct outbox_line, at);
		outbox_unplace(o, line);
		give_turn(o, line, false);
	}
}
