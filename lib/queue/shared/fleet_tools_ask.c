/* queue/shared/fleet_tools_ask: one statement of a tool: the bottom of its verbs. */
#include <string.h>

#include "queue/shared/fleet_tools_internal.h"

int fleet_tools_ask_db(struct fleet_db *db, const struct fleet_call *call,
		       const struct fleet_answer **out, struct err *err)
{
	/* no such schema, table, function: there is none, or it is an older one */
	static const char *const missing[] = { "3F000", "42P01", "42883" };
	const struct fleet_answer *a = NULL;
	int rc = fleet_db_ask(db, call, FLEET_TOOLS_WAIT, &a, err);
	const struct fleet_fault *fault = rc && a ? fleet_answer_fault(a) : NULL;
	for (size_t i = 0; fault && i < sizeof missing / sizeof *missing; i++)
		if (strcmp(fault->state, missing[i]) == 0)
			err_set(err, ERR_CONFIG,
				"the %s has no queue of this bot, or one of an older tgrun; 'tgrun "
				"fleet init' makes or renews it",
				fleet_db_name(db));
	if (out)
		*out = a;
	return rc;
}

int fleet_tools_ask(struct fleet_tools *t, const struct fleet_call *call,
		    const struct fleet_answer **out, struct err *err)
{
	return fleet_tools_ask_db(t->db, call, out, err);
}
