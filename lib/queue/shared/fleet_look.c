/* queue/shared/fleet_look: is there a schema of ours, made for this bot, by a tgrun that this one
 * can work with? What the database says of itself comes in; a sentence that says what to do goes
 * out. Pure. */
#include <inttypes.h>
#include <string.h>

#include "queue/shared/fleet_internal.h"

int fleet_look_fault(const struct fleet_fault *f, const char *schema, struct err *err)
{
	*err = f->err;
	if (strncmp(f->state, "3F", 2) == 0 || strcmp(f->state, "42883") == 0 ||
	    strcmp(f->state, "42P01") == 0)
		err_set(err, ERR_CONFIG,
			"there is no schema %s, or an older one: 'tgrun fleet init' makes it (%s)",
			schema, f->err.text);
	else if (strcmp(f->state, "42501") == 0)
		err_set(err, ERR_NOPERM,
			"this role has no rights in the schema %s: 'tgrun fleet init --role' gives them (%s)",
			schema, f->err.text);
	return -1;
}

int fleet_look_about(const struct fleet_answer *a, int64_t bot_id, struct err *err)
{
	int64_t schema = fleet_answer_number(a, 0, 0), least = fleet_answer_number(a, 0, 1);
	int64_t bot = fleet_answer_number(a, 0, 2);
	if (bot != bot_id)
		return err_set(err, ERR_CONFIG,
			       "the schema belongs to bot %" PRId64 ", and this is bot %" PRId64,
			       bot, bot_id);
	if (FLEET_CLIENT < least)
		return err_set(
			err, ERR_CONFIG,
			"this tgrun is too old for the fleet's schema, which wants client %" PRId64
			" and not %d: install a newer one",
			least, FLEET_CLIENT);
	if (schema < FLEET_SCHEMA)
		return err_set(err, ERR_CONFIG,
			       "the fleet's schema is version %" PRId64
			       ", and this tgrun wants %d: 'tgrun fleet init' renews it",
			       schema, FLEET_SCHEMA);
	return 0;
}
