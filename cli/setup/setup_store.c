/* cli/setup/setup_store: a kind of store and its place in, a queue over it out. Nothing else in
 * cli/ asks which kind it is. */
#include "cli/setup/setup_store.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "queue/local/local.h"
#include "queue/shared/fleet.h"
#include "queue/shared/fleet_url.h"

static struct queue *over(const struct queue_config *config, struct store *store, struct err *err)
{
	struct queue *q = store ? local_open(config, store, err) : NULL;
	if (store && !q)
		store->ops->close(store);
	return q;
}

static struct queue *open_sqlite(const struct store_place *place, const struct queue_config *config,
				 struct err *err)
{
	struct store *store = sqlite_open(statedir_fd(place->dir), statedir_path(place->dir),
					  place->bot_id, err);
	if (store && sqlite_unchecked(store))
		log_event(place->log, LOG_WARN, LOG_NONE,
			  "the database is large, and was not looked "
			  "through for damage: 'tgrun check' does that while nothing runs");
	return over(config, store, err);
}

static struct queue *open_memory(const struct store_place *place, const struct queue_config *config,
				 struct err *err)
{
	(void)place;
	return over(config, memory_open(err), err);
}

/* How many updates may run here at once. */
static int places_of(const struct route_policy *policy, const struct config *c)
{
	int most = policy->handler.workers ? policy->handler.workers : c->engine.concurrency;
	bool many = policy->mode == MODE_BATCH && !policy->handler.workers;
	return many ? most * policy->batch_size : most;
}

static int places(const struct config *c)
{
	int n = places_of(&c->policy, c);
	for (size_t i = 0; i < c->route.count; i++) {
		int one = places_of(&c->route.items[i].policy, c);
		bool own = c->route.items[i].policy.handler.workers > 0;
		n = own ? n + one : one > n ? one : n;
	}
	return n;
}

static struct queue *open_shared(const struct store_place *place, const struct queue_config *config,
				 struct err *err)
{
	char ident[STATEDIR_IDENT_MAX], host[HOST_NAME_MAX + 1] = "";
	const struct config *c = place->config;
	if (statedir_ident(place->dir, ident, err))
		return NULL;
	gethostname(host, sizeof host - 1);
	const struct fleet_config fleet = { .url = c->store,
					    .bot_id = place->bot_id,
					    .node = c->node ? c->node : host,
					    .ident = ident,
					    .version = TGRUN_VERSION,
					    .lease = c->lease,
					    .slots = places(c),
					    .log = place->log };
	return fleet_open(config, &fleet, err);
}

static const struct store_kind sqlite = { .lasts = true, .open = open_sqlite },
			       memory = { .open = open_memory },
			       shared = { .lasts = true, .open = open_shared };

const struct store_kind *setup_store(const struct config *c)
{
	return fleet_url_is(c->store)            ? &shared
	       : strcmp(c->store, "memory") == 0 ? &memory
						 : &sqlite;
}
