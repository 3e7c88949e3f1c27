/* queue/shared/fleet_tools_ask: one statement of a tool: the bottom of its verbs. */
#include "queue/shared/fleet_tools_internal.h"

int fleet_tools_ask(struct fleet_tools *t, const struct fleet_call *call,
		    const struct fleet_answer **out, struct err *err)
{
	const struct fleet_answer *ignored;
	return fleet_db_ask(t->db, call, FLEET_TOOLS_WAIT, out ? out : &ignored, err);
}
