/* outbox/outbox: the way of a call: added, handed out, ended or given back. A call that waits
 * stands in its line; one in flight stands in a list of its own, and its line stands still.
 * Invariants: at the end of each verb every line that was touched is where it belongs
 * (outbox_place); a call is in flight exactly while it is counted by its line's `flights`. */
#include "outbox/outbox.h"

#include <stdlib.h>

#include "outbox/outbox_internal.h"

enum { PAID_BURST = 30, PAID_A_SECOND = 1000, SECOND = 1000 };

struct outbox *outbox_new(void)
{
	struct outbox *o = calloc(1, sizeof *o);
	if (!o)
		return NULL;
	o->seed = map_seed();
	o->paid = outbox_bucket((struct outbox_rate){ PAID_A_SECOND, SECOND }, PAID_BURST);
	for (int i = 0; i < OUTBOX_CLASSES; i++)
		list_init(&o->ready[i]);
	list_init(&o->flights);
	return o;
}

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->calls.cap; i++)
		for (struct map_node *n = o->calls.slots[i], *next; n; n = next) {
			struct outbox_call *call = container_of(n, struct outbox_call, node);
			next = n->next;
			/* A line without a name has this one call. */
			if (!*call->line->name)
				free(call->line);
			free(call);
		}
	for (size_t i = 0; i < o->lines.cap; i++)
		for (struct map_node *n = o->lines.slots[i], *next; n; n = next) {
			next = n->next;
			free(container_of(n, struct outbox_line, node));
		}
	map_release(&o->calls);
	map_release(&o->lines);
	heap_release(&o->expiring);
	heap_release(&o->idle);
	heap_release(&o->held[0]);
	heap_release(&o->held[1]);
	free(o);
}

static struct outbox_call *find(const struct outbox *o, int64_t id)
{
	for (struct map_node *n = map_first(&o->calls, map_number(id)); n; n = map_next(n))
		if (container_of(n, struct outbox_call, node)->id == id)
			return container_of(n, struct outbox_call, node);
	return NULL;
}

int outbox_add(struct outbox *o, int64_t now, const struct outbox_entry *entry)
{
	outbox_promote(o, now);
	if (heap_reserve(&o->expiring, o->calls.count + 1))
		return -1;
	struct outbox_call *call = malloc(sizeof *call);
	struct outbox_line *line = outbox_line_get(o, entry->kind,
						   entry->kind == OUTBOX_NONE ? "" : entry->line);
	if (!line) {
		free(call);
		return -1;
	}
	if (!call || map_add(&o->calls, &call->node, map_number(entry->id))) {
		free(call);
		outbox_place(o, now, line, false);
		return -1;
	}
	int cost = entry->cost < OUTBOX_COST_MAX ? entry->cost : OUTBOX_COST_MAX;
	*call = (struct outbox_call){ .node = call->node,
				      .line = line,
				      .id = entry->id,
				      .age = ++o->age,
				      .due = entry->due,
				      .expires = entry->expires,
				      .cost = (uint8_t)(cost > 0 ? cost : 0),
				      .bulk = entry->bulk,
				      .paid = entry->paid };
	line->kind = (uint8_t)entry->kind;
	outbox_line_add(o, call);
	outbox_place(o, now, line, false);
	return 0;
}

/* ---- what waits ---- */

static void forget(struct outbox *o, struct outbox_call *call)
{
	map_remove(&o->calls, &call->node);
	free(call);
}

static void take_out(struct outbox *o, int64_t now, struct outbox_call *call)
{
	struct outbox_line *line = call->line;
	outbox_line_take(o, call);
	forget(o, call);
	outbox_place(o, now, line, false);
}

static struct outbox_call *too_old(const struct outbox *o, int64_t now)
{
	struct heap_node *n = heap_first(&o->expiring);
	return n && n->due <= now ? container_of(n, struct outbox_call, over) : NULL;
}

bool outbox_too_old(struct outbox *o, int64_t now, int64_t *id)
{
	outbox_promote(o, now);
	struct outbox_call *call = too_old(o, now);
	if (!call)
		return false;
	*id = call->id;
	take_out(o, now, call);
	return true;
}

bool outbox_remove(struct outbox *o, int64_t now, int64_t id)
{
	outbox_promote(o, now);
	struct outbox_call *call = find(o, id);
	if (!call || call->flying)
		return false;
	take_out(o, now, call);
	return true;
}

/* ---- whose turn it is ---- */

static struct outbox_line *first_of(const struct outbox *o, enum outbox_class class)
{
	const struct list *l = &o->ready[class];
	return list_empty(l) ? NULL : container_of(l->next, struct outbox_line, turn);
}

/* When places in flight, cool-downs and pauses let any of `class` go; INT64_MAX: not by time. */
static int64_t open_at(const struct outbox *o, enum outbox_class class)
{
	if (o->in_flight >= OUTBOX_FLIGHT)
		return INT64_MAX;
	if (class == OUTBOX_REPLY)
		return o->cool;
	if (o->bulk_flight >= OUTBOX_FLIGHT_BULK || o->trial)
		return INT64_MAX;
	return o->cool > o->pause ? o->cool : o->pause;
}

/* When the first of `class` that has its turn may go; INT64_MAX: none has it, or not by time. */
static int64_t due_of(const struct outbox *o, enum outbox_class class)
{
	struct outbox_line *line = first_of(o, class);
	if (!line)
		return INT64_MAX;
	int64_t open = open_at(o, class), bot = outbox_bot_due(o, class, outbox_head(line));
	return open > bot ? open : bot;
}

static struct outbox_line *choose(const struct outbox *o, int64_t now)
{
	struct outbox_line *bulk = first_of(o, OUTBOX_BULK), *paid = first_of(o, OUTBOX_PAID);
	if (due_of(o, OUTBOX_REPLY) <= now)
		return first_of(o, OUTBOX_REPLY);
	if (due_of(o, OUTBOX_BULK) > now)
		bulk = NULL;
	if (due_of(o, OUTBOX_PAID) > now)
		paid = NULL;
	return bulk && (!paid || bulk->ticket < paid->ticket) ? bulk : paid;
}

bool outbox_next(struct outbox *o, int64_t now, int64_t *id)
{
	outbox_promote(o, now);
	struct outbox_line *line = too_old(o, now) ? NULL : choose(o, now);
	if (!line)
		return false;
	struct outbox_call *call = outbox_head(line);
	call->as_bulk = line->class != OUTBOX_REPLY;
	outbox_line_take(o, call);
	list_add_before(&o->flights, &call->next);
	call->flying = true;
	line->flights++;
	o->in_flight++;
	o->bulk_flight += call->as_bulk;
	if (o->trying && call->as_bulk)
		o->trial = call;
	outbox_count(o, now, call);
	outbox_place(o, now, line, false);
	*id = call->id;
	return true;
}

int64_t outbox_due(struct outbox *o, int64_t now)
{
	outbox_promote(o, now);
	struct heap_node *n = heap_first(&o->expiring);
	int64_t due = n ? n->due : INT64_MAX;
	for (int c = 0; c < OUTBOX_CLASSES; c++) {
		int64_t of = due_of(o, (enum outbox_class)c);
		due = of < due ? of : due;
	}
	for (int i = 0; i < 2; i++) {
		int64_t open = open_at(o, i ? OUTBOX_BULK : OUTBOX_REPLY);
		n = heap_first(&o->held[i]);
		if (n && n->due > open)
			open = n->due;
		due = n && open < due ? open : due;
	}
	return due > now ? due : now;
}

int64_t outbox_due_reply(struct outbox *o, int64_t now)
{
	outbox_promote(o, now);
	struct heap_node *n = heap_first(&o->held[OUTBOX_REPLY]);
	int64_t due = first_of(o, OUTBOX_REPLY) ? now : n ? n->due : INT64_MAX;
	return due > o->cool ? due : o->cool;
}

/* ---- ends ---- */

/* The call `id`, which lands; NULL if it is not in flight. Its line is to be placed. */
static struct outbox_call *land(struct outbox *o, int64_t now, int64_t id)
{
	outbox_promote(o, now);
	struct outbox_call *call = find(o, id);
	if (!call || !call->flying)
		return NULL;
	list_remove(&call->next);
	call->flying = false;
	call->line->flights--;
	o->in_flight--;
	o->bulk_flight -= call->as_bulk;
	return call;
}

/* Was it the one that shows whether the pause of bulk is over? */
static bool was_trial(struct outbox *o, const struct outbox_call *call)
{
	if (o->trial != call)
		return false;
	o->trial = NULL;
	return true;
}

static void give_back(struct outbox *o, struct outbox_call *call, int64_t due, bool counted)
{
	was_trial(o, call);
	call->due = due;
	call->counted = counted;
	outbox_line_add(o, call);
}

void outbox_end(struct outbox *o, int64_t now, int64_t id)
{
	struct outbox_call *call = land(o, now, id);
	if (!call)
		return;
	struct outbox_line *line = call->line;
	if (was_trial(o, call))
		o->trying = false;
	forget(o, call);
	outbox_place(o, now, line, false);
}

void outbox_again(struct outbox *o, int64_t now, int64_t id, int64_t due)
{
	struct outbox_call *call = land(o, now, id);
	if (!call)
		return;
	give_back(o, call, due, due <= now);
	outbox_place(o, now, call->line, due <= now);
}

void outbox_flood(struct outbox *o, int64_t now, int64_t id, int64_t until)
{
	struct outbox_call *call = land(o, now, id);
	if (!call)
		return;
	struct outbox_line *line = call->line;
	bool to_chat = line->kind == OUTBOX_CHAT || line->kind == OUTBOX_GROUP;
	int64_t *cool = to_chat ? &line->cool : &o->cool;
	if (until > *cool)
		*cool = until;
	if (to_chat)
		outbox_flooded(o, now, line, until);
	if (was_trial(o, call) && until > o->pause)
		o->pause = until;
	give_back(o, call, 0, false);
	outbox_place(o, now, line, false);
}

/* ---- what is asked ---- */

size_t outbox_waiting(const struct outbox *o, bool bulk)
{
	return o->waiting[bulk];
}

size_t outbox_in_flight(const struct outbox *o)
{
	return o->in_flight;
}

bool outbox_look(struct outbox *o, int64_t now, int64_t id, enum outbox_state *state,
		 int64_t *until)
{
	outbox_promote(o, now);
	const struct outbox_call *call = find(o, id);
	*until = 0;
	if (!call)
		return false;
	if (call->flying)
		*state = OUTBOX_SENDING;
	else if (call != outbox_head(call->line) || call->line->flights)
		*state = OUTBOX_BEHIND;
	else if (call->line->place == OUTBOX_TURN)
		*state = OUTBOX_READY;
	else {
		*state = OUTBOX_HELD;
		*until = call->line->at.due;
	}
	return true;
}
