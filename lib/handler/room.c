/* handler/room: the counts of the room: which slots are free, and for whom; how many updates and
 * jobs a handler has.
 *
 * An update, or a job, that is over comes in from the modes; the claim goes back to the owner.
 * Invariant: a slot that a worker, a hook or a feed may need is given to no update of another
 * handler, so none of them can starve. */
#include <signal.h>
#include <stdlib.h>

#include "handler/handler_internal.h"
#include "handler/mode_internal.h"

int room_slots_needed(const struct handler *h)
{
	return h->ops->slots_needed ? h->ops->slots_needed(&h->policy) : 0;
}

int room_slots_reserved(const struct handlers *room)
{
	int reserved = room->config.feed && !room->feeding;
	for (const struct list *l = room->handlers.next; l != &room->handlers; l = l->next) {
		const struct handler *h = container_of(l, struct handler, link);
		int missing = h->retired ? 0 : room_slots_needed(h) - h->slots_used;
		reserved += missing > 0 ? missing : 0;
	}
	return reserved;
}

int room_slots_free(const struct handlers *room)
{
	int hooks = room->config.hook_slots - room->hooks_running;
	int n = slots_idle_count(room->config.slots) - room_slots_reserved(room);
	n -= hooks > 0 ? hooks : 0;
	return n > 0 ? n : 0;
}

void room_done(struct handler *h, struct claim *c, struct handler_result *r)
{
	int64_t now = handler_now(h->room);
	h->running--;
	h->room->running--;
	/* By the kernel's SIGKILL, or a shell that says this of its child. */
	if (r->end == HANDLER_ENDED && r->outcome.status == 128 + SIGKILL &&
	    oom_struck(&h->room->oom, now - r->elapsed, now))
		outcome_add(&r->outcome, ": out of memory");
	h->room->config.done(h->room->config.arg, h, c, r);
}

void room_release(struct handler *h)
{
	list_remove(&h->link);
	if (h->ops->release)
		h->ops->release(h);
	command_unref(h->command);
	free(h->bot_username);
	free(h->name);
	free(h);
}

void room_gone(struct handler *h)
{
	h->live--;
	if (h->retired && h->live == 0)
		room_release(h);
}
