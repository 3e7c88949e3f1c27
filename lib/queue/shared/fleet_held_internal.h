/* queue/shared/fleet_held_internal: an update that this node holds, and a claim of it. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_HELD_INTERNAL_H
#define TGRUN_QUEUE_SHARED_FLEET_HELD_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "queue/queue.h"

/* What is to be said of an update that is held. */
enum fleet_said {
	FLEET_NOTHING = 0,
	FLEET_STARTS = 's',
	FLEET_DONE = 'd',
	FLEET_DEAD = 'x',
	FLEET_AGAIN = 'r', /* by this node */
	FLEET_BACK = 'b',
};

struct held {
	struct map_node node; /* in fleet.held */
	struct list link;     /* in fleet.all */
	struct list say;      /* in fleet.said or fleet.flying, if anything is to be said */
	int refs;             /* of the queue, and of each claim */
	int64_t seq, update_id;
	int64_t arrived, first; /* wall clock, milliseconds; first 0: no attempt has begun */
	int failures, deaths, interruptions;
	unsigned lane;
	bool redelivered, solo, kept;
	bool marked;            /* its start is on its way, or there */
	bool voided;            /* its handlers are killed, and what they say counts for nothing */
	bool well;              /* FLEET_DONE: it ended well, and was not just dropped */
	enum fleet_said start;  /* FLEET_STARTS: not said yet */
	enum fleet_said end;    /* its outcome, which is not said yet, or on its way */
	enum fleet_said flying; /* what the turn under way says of it */
	int64_t due; /* monotonic; of FLEET_AGAIN and FLEET_BACK: not before. 0: at once */
	char *reason, *last_stderr; /* FLEET_DEAD; NULL: "" */
	char *keys, *body;
	size_t length;
	char bytes[];
};

/* A claim that was handed out, until it is freed. */
struct fleet_claim {
	struct claim claim;
	struct fleet *fleet; /* NULL: that is closed */
	struct list link;    /* in fleet.claims */
	struct held *held;
	bool settled, voided, freed;
};

#endif
