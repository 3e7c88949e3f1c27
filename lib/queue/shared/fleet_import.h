/* queue/shared/fleet_import: the queue of one machine, as its store has it, goes into the queue
 * that machines share: what waits, in its order, dead letters, what is to come, what is to be sent
 * or failed, and what jobs have sent. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_IMPORT_H
#define TGRUN_QUEUE_SHARED_FLEET_IMPORT_H

#include "queue/store/store.h"

struct fleet_import {
	const char *url;
	int64_t bot_id;
	struct store *store; /* nobody else has it open, and nothing runs of it */
	const char *root;    /* the source that was asked: its offset goes along */
	const char *mark;    /* names this store: what has it was imported already */
};

/* How many went. */
struct fleet_imported {
	int64_t updates, letters, pushes, calls, failed;
};

/* All of it in one transaction. 0; -1 with `err`: nothing was imported, unless the connection was
 * lost at its end, which a second call finds out: it is refused (ERR_REFUSED) if the first was
 * carried out. Machines are at work, or have other keys or routes: ERR_CONFIG. */
int fleet_import(const struct fleet_import *from, struct fleet_imported *out, struct err *err);

#endif
