/* cli/setup/setup_store: a kind of store and its place in, a queue over it out. Nothing else in
 * cli/ asks which kind it is. */
#include "cli/setup/setup_store.h"

#include <string.h>

#include "queue/local/local.h"
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
	struct store *store = sqlite_open(place->dir_fd, place->dir_name, place->bot_id, err);
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

static struct queue *open_shared(const struct store_place *place,
				 const struct queue_config *config, struct err *err)
{
	(void)place, (void)config;
	err_set(err, ERR_INTERNAL, "PostgreSQL: not yet");
	return NULL;
}

static const struct store_kind sqlite = { .lasts = true, .open = open_sqlite },
			       memory = { .open = open_memory },
			       shared = { .lasts = true, .open = open_shared };

const struct store_kind *setup_store(const struct config *c)
{
	return fleet_url_is(c->store)             ? &shared
	       : strcmp(c->store, "memory") == 0 ? &memory
						  : &sqlite;
}
