/* cli/setup/setup_store: a kind of store and its place in, a queue over it out. Nothing else in
 * cli/ asks which kind it is. */
#include "cli/setup/setup_store.h"

#include "queue/local/local.h"

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

static const struct store_kind kinds[] = {
	[STORE_KIND_SQLITE] = { .lasts = true, .open = open_sqlite },
	[STORE_KIND_MEMORY] = { .open = open_memory },
};

const struct store_kind *setup_store(const struct config *c)
{
	return &kinds[c->store];
}
