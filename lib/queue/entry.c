/* queue/entry: a number comes in, changes of calls go to the queue, and to who has their order.
 * Invariant: an entry is changed whole or not at all, and nothing waits in the queue that the
 * sender does not know. */
#include "queue/entry.h"

/* The calls of an entry. */
struct entry {
	bool found, failed, begun;
	int64_t group;
	int64_t ids[ENTRY_CALLS_MAX];
	size_t count;
};

static void note_one(void *arg, const struct queue_call *call, const struct queue_message *message)
{
	struct entry *e = arg;
	(void)message;
	e->found = true;
	e->failed = call->failed != 0;
	e->begun = call->begun;
	e->group = call->group;
}

/* The numbers of a reply's calls follow one another. */
static int note_failed(void *arg, const struct queue_call *call)
{
	struct entry *e = arg;
	if (call->group != e->group || e->count == ENTRY_CALLS_MAX)
		return 1;
	e->ids[e->count++] = call->id;
	return 0;
}

/* 1, 0: there is none, -1 with `err`. */
static int find(struct queue *q, int64_t id, struct entry *e, struct err *err)
{
	*e = (struct entry){ 0 };
	if (queue_call_show(q, id, note_one, e, err) < 0)
		return -1;
	if (e->found && !e->failed)
		e->ids[e->count++] = id;
	else if (e->found && queue_calls_each(q, e->group, true, false, note_failed, e, err) < 0)
		return -1;
	return e->found;
}

int entry_show(struct queue *q, int64_t id,
	       void (*show)(void *arg, const struct queue_call *call,
			    const struct queue_message *message),
	       void *arg, struct err *err)
{
	struct entry e;
	int rc = find(q, id, &e, err);
	for (size_t i = 0; i < e.count && rc >= 0; i++)
		rc = queue_call_show(q, e.ids[i], show, arg, err);
	return rc < 0 ? -1 : (int)e.count;
}

static int out_of_memory(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "out of memory");
}

int entry_drop(struct queue *q, const struct queue_sender *sender, int64_t id, struct err *err)
{
	struct entry e;
	int rc = find(q, id, &e, err);
	if (rc <= 0)
		return rc < 0 ? -1 : ENTRY_MISSING;
	bool waits = !e.failed && sender;
	if (waits && !sender->waits(sender->arg, id))
		return ENTRY_SENDING;
	for (size_t i = 0; i < e.count; i++)
		if (queue_call_drop(q, e.ids[i], e.failed))
			return out_of_memory(err);
	/* Only now: what the sender forgets, and the queue has, would wait for ever. */
	if (waits)
		sender->leave(sender->arg, id);
	return ENTRY_CHANGED;
}

/* ---- once more ---- */

struct again {
	struct queue *queue;
	const struct queue_sender *sender;
	int64_t wall, first; /* `first`: the number of the first new one; 0: none yet */
	bool failed;
};

static void add_again(void *arg, const struct queue_call *call, const struct queue_message *message)
{
	struct again *a = arg;
	struct queue_call fresh = *call;
	(void)message;
	fresh.id = queue_call_next(a->queue, a->first ? 1 : ENTRY_CALLS_MAX);
	fresh.group = a->first ? a->first : fresh.id;
	fresh.expires = call->expires ? a->wall + (call->expires - call->created) : 0;
	fresh.created = a->wall;
	fresh.due = fresh.failed = 0;
	fresh.tries = fresh.servers = fresh.unsures = fresh.code = 0;
	fresh.begun = false;
	fresh.reason = "";
	a->failed = a->sender && a->sender->enter(a->sender->arg, &fresh);
	if (a->failed)
		return;
	if (queue_call_add(a->queue, &fresh) == 0) {
		a->failed = true;
		if (a->sender)
			a->sender->leave(a->sender->arg, fresh.id);
	} else if (!a->first) {
		a->first = fresh.id;
	}
}

/* Takes back what was added. */
static void forget_new(struct again *a)
{
	int64_t end = queue_call_next(a->queue, 1);
	for (int64_t id = a->first; id && id < end; id++) {
		if (a->sender)
			a->sender->leave(a->sender->arg, id);
		queue_call_drop(a->queue, id, false);
	}
}

int entry_retry(struct queue *q, const struct queue_sender *sender, int64_t wall, int64_t id,
		int64_t *fresh, struct err *err)
{
	struct again a = { .queue = q, .sender = sender, .wall = wall };
	struct entry e;
	int rc = find(q, id, &e, err);
	if (rc < 0)
		return -1;
	if (rc == 0 || !e.failed)
		return ENTRY_MISSING;
	for (size_t i = 0; i < e.count && rc > 0 && !a.failed; i++)
		rc = queue_call_show(q, e.ids[i], add_again, &a, err);
	if (rc <= 0 || a.failed) {
		forget_new(&a);
		return rc < 0 ? -1 : out_of_memory(err);
	}
	for (size_t i = 0; i < e.count; i++)
		if (queue_call_drop(q, e.ids[i], true))
			return out_of_memory(err);
	*fresh = a.first;
	return ENTRY_CHANGED;
}
