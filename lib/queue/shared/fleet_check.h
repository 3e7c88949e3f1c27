/* queue/shared/fleet_check: whether a shared queue would work from here: what `tgrun check` says of
 * the server, the role, the schema, and what is between. Changes nothing. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_CHECK_H
#define TGRUN_QUEUE_SHARED_FLEET_CHECK_H

#include <stdint.h>

#include "base/err.h"

/* What is found, in sentences. */
struct fleet_check_told {
	void (*ok)(void *arg, const char *text);
	void (*warning)(void *arg, const char *text);
	void (*wrong)(void *arg,
		      const struct err *err); /* with the status that a start would have */
	void *arg;
};

/* `rule`: the text of all that decides keys and lanes here, as of queue_config.key_spec; NULL: not
 * known. Takes a second. */
void fleet_check(const char *url, int64_t bot_id, const char *rule,
		 const struct fleet_check_told *told);

#endif
