/* queue/shared/fleet_admin: what an operator does with a shared queue: makes it, looks at the
 * machines that share it, tells them what to do, and moves the queue of one machine into it. Each
 * function connects by itself, and waits for the server. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_ADMIN_H
#define TGRUN_QUEUE_SHARED_FLEET_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends the text that makes or renews the schema of a bot, as one transaction, and gives the
 * least rights to `role` (NULL: to nobody). 0, or -1 when memory is out. */
int fleet_admin_script(int64_t bot_id, const char *role, struct buf *out);

/* Carries it out; the schema belongs to the URL's user then. 0 or -1 with `err`. */
int fleet_admin_init(const char *url, int64_t bot_id, const char *role, struct err *err);

/* A machine. The texts are valid during the callback. */
struct fleet_admin_node {
	int64_t id, beat;
	const char *name, *version;
	int64_t beat_age, lease; /* milliseconds */
	bool polls, sends;
	int64_t slots, running, held, done;
	const char *wish; /* "": none */
};

struct fleet_admin_totals {
	int64_t unfinished, ready, delayed, held, dead, pushes, calls, failed;
	int64_t oldest_ready; /* milliseconds; -1: none is ready */
	int64_t faults;       /* rows of the view `audit` */
};

/* Tells what there is: the machines in the order of their names, the totals, then what is wrong
 * with the server. What is NULL is not asked. 0 or -1 with `err`. */
struct fleet_admin_told {
	void (*node)(void *arg, const struct fleet_admin_node *node);
	void (*totals)(void *arg, const struct fleet_admin_totals *totals);
	void (*warning)(void *arg, const char *name, const char *text);
	void *arg;
};
int fleet_admin_status(const char *url, int64_t bot_id, const struct fleet_admin_told *told,
		       struct err *err);

/* Tells the machines of this name to drain ("drain"), or to work as ever (""). 0; -1 with `err`,
 * also (ERR_UNAVAILABLE) when there is none, and the sentence names those that there are. */
int fleet_admin_wish(const char *url, int64_t bot_id, const char *name, const char *wish,
		     struct err *err);

/* Hands on the work of the machine of this name: waits until it has been silent for a whole lease,
 * or, with `force`, at once, and then its handlers may run twice. 0, or -1 with `err`:
 * ERR_TEMPFAIL when it lives. */
int fleet_admin_evict(const char *url, int64_t bot_id, const char *name, bool force,
		      struct err *err);

#endif
