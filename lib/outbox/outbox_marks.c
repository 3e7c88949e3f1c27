/* outbox/outbox_marks: what is known of chats beside their calls: rates, cool-downs, second names,
 * and the marks by which the limits hold over a restart. Invariant: a limit only grows stricter
 * by what is told here, but for new rates. */
#include "outbox/outbox_internal.h"

enum { BURST_CHAT = 5, BURST_GROUP = 5, BURST_BULK = 30 };

#define DAY (INT64_C(24) * 3600 * 1000)

void outbox_set_rates(struct outbox *o, int64_t now, const struct outbox_rates *rates)
{
	struct outbox_bucket bulk = o->bulk, old[OUTBOX_QUERY] = { o->bucket[0], o->bucket[1] };
	outbox_promote(o, now);
	o->bucket[OUTBOX_CHAT] = outbox_bucket(rates->chat, BURST_CHAT);
	o->bucket[OUTBOX_GROUP] = outbox_bucket(rates->group, BURST_GROUP);
	o->bulk = outbox_bucket(rates->bulk, BURST_BULK);
	outbox_bucket_change(bulk, o->bulk, now, &o->bulk_tat);
	for (size_t i = 0; i < o->lines.cap; i++)
		for (struct map_node *n = o->lines.slots[i], *next; n; n = next) {
			struct outbox_line *line = container_of(n, struct outbox_line, node);
			next = n->next;
			if (line->to || line->kind >= OUTBOX_QUERY)
				continue;
			outbox_bucket_change(old[line->kind], o->bucket[line->kind], now,
					     &line->tat);
			outbox_place(o, now, line, false);
		}
}

/* ---- second names ---- */

const char *outbox_name(const struct outbox *o, const char *line)
{
	const struct outbox_line *known = outbox_line_find(o, line);
	return known ? known->name : line;
}

/* Its calls, those in flight, too, and its limits are those of `to` from now on. */
static void pour(struct outbox *o, int64_t now, struct outbox_line *from, struct outbox_line *to)
{
	struct outbox_call *call;
	struct list *at = to->calls.next;
	while ((call = outbox_head(from))) {
		while (at != &to->calls &&
		       container_of(at, struct outbox_call, next)->age < call->age)
			at = at->next;
		list_remove(&call->next);
		list_add_before(at, &call->next);
		call->line = to;
	}
	for (struct list *f = o->flights.next; f != &o->flights; f = f->next)
		if (container_of(f, struct outbox_call, next)->line == from)
			container_of(f, struct outbox_call, next)->line = to;
	outbox_bucket_pour(now, from->tat, &to->tat);
	to->cool = from->cool > to->cool ? from->cool : to->cool;
	to->replies += from->replies;
	to->flights += from->flights;
	from->replies = 0;
	from->flights = 0;
}

int outbox_move(struct outbox *o, int64_t now, const char *from_name, const char *to_name)
{
	outbox_promote(o, now);
	struct outbox_line *from = outbox_line_get(o, OUTBOX_GROUP, from_name), *to;
	if (!from)
		return -1;
	to = outbox_line_get(o, (enum outbox_kind)from->kind, to_name);
	if (to && to != from) {
		pour(o, now, from, to);
		outbox_unplace(o, from);
		from->to = to;
		to->named = true;
	}
	outbox_place(o, now, to ? to : from, false);
	return to ? 0 : -1;
}

/* ---- cool-downs and marks ---- */

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The limits of `name` grow to these. */
static int grow(struct outbox *o, int64_t now, const char *name, int64_t tat, int64_t cool)
{
	outbox_promote(o, now);
	if (!name) {
		o->bulk_tat = larger(o->bulk_tat, tat);
		o->cool = larger(o->cool, cool);
		return 0;
	}
	struct outbox_line *line = outbox_line_get(o, OUTBOX_CHAT, name);
	if (!line)
		return -1;
	line->tat = larger(line->tat, tat);
	line->cool = larger(line->cool, cool);
	outbox_place(o, now, line, false);
	return 0;
}

int outbox_cool(struct outbox *o, int64_t now, const char *name, int64_t until)
{
	return grow(o, now, name, 0, until);
}

int outbox_recall(struct outbox *o, int64_t now, const char *name, const struct outbox_mark *mark)
{
	/* Before the first call to a chat nobody knows its kind. */
	struct outbox_bucket chat = o->bucket[OUTBOX_CHAT], group = o->bucket[OUTBOX_GROUP];
	struct outbox_bucket bucket = !name ? o->bulk : chat.each > group.each ? chat : group;
	return grow(o, now, name, outbox_bucket_limit(bucket, now, mark->full),
		    mark->cool < now + DAY ? mark->cool : now + DAY);
}

bool outbox_cools(const struct outbox *o, int64_t now, const char *name)
{
	const struct outbox_line *line = name ? outbox_line_find(o, name) : NULL;
	return o->cool > now || (line && line->cool > now);
}

bool outbox_mark(const struct outbox *o, int64_t now, const char *name, struct outbox_mark *mark)
{
	const struct outbox_line *line = name ? outbox_line_find(o, name) : NULL;
	int64_t full = name ? (line ? outbox_bucket_full(line->tat) : 0)
			    : outbox_bucket_full(o->bulk_tat);
	int64_t cool = name ? (line ? line->cool : 0) : o->cool;
	mark->full = full > now ? full : 0;
	mark->cool = cool > now ? cool : 0;
	return mark->full || mark->cool;
}

size_t outbox_lines(const struct outbox *o)
{
	return o->lines.count;
}
