/* queue/local/local: the queue of one machine: the scheduler over a store. */
#ifndef TGRUN_QUEUE_LOCAL_LOCAL_H
#define TGRUN_QUEUE_LOCAL_LOCAL_H

#include "queue/queue.h"
#include "queue/store/store.h"

/* Loads what waits in `store`. An update that ran when the last runner died counts one more death,
 * and becomes a dead letter if its account is full (sched/ledger.h). Returns the queue, which owns
 * the store from then on; or NULL with `err`, and the store stays the caller's. */
struct queue *local_open(const struct queue_config *config, struct store *store, struct err *err);

#endif
