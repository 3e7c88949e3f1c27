/* queue/shared/fleet_none: stands for the shared queue, and for all that asks PostgreSQL, in a
 * build without libpq (WITHOUT= of the Makefile). Invariant: each way to a database ends with the
 * same sentence. */
#include "queue/shared/fleet.h"
#include "queue/shared/fleet_admin.h"
#include "queue/shared/fleet_check.h"
#include "queue/shared/fleet_import.h"
#include "queue/shared/fleet_tools.h"

static int not_built(struct err *err)
{
	return err_set(
		err, ERR_CONFIG,
		"this tgrun was built without libpq, and so has no queue in PostgreSQL; build it "
		"with that library, or use a store of this machine");
}

struct queue *fleet_open(const struct queue_config *config, const struct fleet_config *fleet,
			 struct err *err)
{
	(void)config, (void)fleet;
	not_built(err);
	return NULL;
}

int fleet_tools_bot(const char *url, int64_t *bot_id, struct err *err)
{
	(void)url, (void)bot_id;
	return not_built(err);
}

struct queue *fleet_tools_open(const char *url, int64_t bot_id, const struct clock *clock,
			       struct err *err)
{
	(void)url, (void)bot_id, (void)clock;
	not_built(err);
	return NULL;
}

int fleet_tools_cancel(struct queue *q, const struct fleet_tools_cancel *what, struct err *err)
{
	(void)q, (void)what;
	return not_built(err);
}

int fleet_admin_init(const char *url, int64_t bot_id, const char *role, struct err *err)
{
	(void)url, (void)bot_id, (void)role;
	return not_built(err);
}

int fleet_admin_status(const char *url, int64_t bot_id, const struct fleet_admin_told *told,
		       struct err *err)
{
	(void)url, (void)bot_id, (void)told;
	return not_built(err);
}

int fleet_admin_wish(const char *url, int64_t bot_id, const char *name, const char *wish,
		     struct err *err)
{
	(void)url, (void)bot_id, (void)name, (void)wish;
	return not_built(err);
}

int fleet_admin_evict(const char *url, int64_t bot_id, const char *name, bool force,
		      struct err *err)
{
	(void)url, (void)bot_id, (void)name, (void)force;
	return not_built(err);
}

int fleet_import(const struct fleet_import *from, struct fleet_imported *out, struct err *err)
{
	(void)from, (void)out;
	return not_built(err);
}

void fleet_check(const char *url, int64_t bot_id, const char *rule,
		 const struct fleet_check_told *told)
{
	struct err err;
	(void)url, (void)bot_id, (void)rule;
	not_built(&err);
	told->wrong(told->arg, &err);
}
