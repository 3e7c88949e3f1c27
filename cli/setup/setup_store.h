/* cli/setup/setup_store: the kinds of --store, a row each: how one is opened, and what must be
 * known of it before. */
#ifndef TGRUN_CLI_SETUP_SETUP_STORE_H
#define TGRUN_CLI_SETUP_SETUP_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "cli/options/options.h"
#include "io/statedir.h"
#include "queue/queue.h"

/* Where a store is. All of it stays the caller's. */
struct store_place {
	const struct config *config;
	struct statedir *dir; /* the state directory; NULL: there is none */
	int64_t bot_id;       /* 0: no bot */
	struct log *log;      /* for warnings; NULL: none are given */
};

struct store_kind {
	bool lasts; /* what waits outlives the runner: it needs a state directory */
	/* The queue over a store there, with `config` as it is. NULL with `err`. */
	struct queue *(*open)(const struct store_place *place, const struct queue_config *config,
			      struct err *err);
};

/* That of --store. */
const struct store_kind *setup_store(const struct config *c);

#endif
