/* queue/shared/fleet: the queue of a bot that several machines share, in PostgreSQL. The database
 * decides which machine (node) holds an update; what a node holds goes into its own scheduler, as
 * the local queue's does. See "THE FLEET" in tgrun-fleet(7). */
#ifndef TGRUN_QUEUE_SHARED_FLEET_H
#define TGRUN_QUEUE_SHARED_FLEET_H

#include "queue/queue.h"

struct log;

enum { FLEET_LEASE_MIN = 5000, FLEET_LEASE_MAX = 600000 }; /* milliseconds */

/* The strings are copied; the log, which may be NULL, outlives the queue. */
struct fleet_config {
	const char *url; /* as of fleet_db.h */
	int64_t bot_id;
	const char *node; /* a name for people */
	/* Says "the same directory on the same boot of the same machine", whose last process is
	 * dead with all its handlers. */
	const char *ident;
	const char *version;
	int64_t lease; /* milliseconds: so long after its last beat others take over */
	int slots;     /* updates that may run here at once */
	struct log *log;
};

/* Opens it: the database is asked once, for some seconds at most, whether it takes this program.
 * NULL with `err`: ERR_USAGE (the URL), ERR_NOPERM, ERR_CONFIG (no such database, no schema or
 * another one, other keys, a program that is too old), ERR_INTERNAL. That it cannot be reached is
 * no error: it is tried on, and until then nothing can be claimed. */
struct queue *fleet_open(const struct queue_config *config, const struct fleet_config *fleet,
			 struct err *err);

#endif
