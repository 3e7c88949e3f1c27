/* engine/engine_take: what this machine takes of a store that machines share: all, nothing more, or
 * its roles are given up, too. Where it stops or is to, comes in; the queue is told. Invariant: a
 * role is given up only when nothing of it is under way. */
#include "engine/engine_internal.h"
#include "queue/sharing.h"

void engine_take_change(struct engine *e)
{
	bool stops = e->phase != ENGINE_RUNNING, leaves = stops || e->fleet.leaves;
	/* Another machine sends what waits: nothing more is begun here, and what is being sent ends
	 * before the role is given up, or it would be sent twice. */
	if (stops && e->fleet.shared)
		engine_out_stop(e);
	bool may_leave = e->asking.stopped && !(stops && engine_out_sending(e));
	enum queue_take take = leaves && may_leave                          ? QUEUE_LEAVES
			       : leaves || e->paused || e->fleet.holds_back ? QUEUE_PAUSES
									    : QUEUE_TAKES;
	queue_take(e->queue, take);
}
