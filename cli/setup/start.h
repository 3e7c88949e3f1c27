/* cli/setup/start: what run and try do alike when they begin. */
#ifndef TGRUN_CLI_SETUP_START_H
#define TGRUN_CLI_SETUP_START_H

#include "cli/options/options.h"
#include "slot/slots.h"

/* Whether so many slots may have the descriptors that they cost: 0, or -1 with `err` (ERR_CONFIG).
 * Changes nothing. */
int start_has_room(int count, struct err *err);

/* Makes room for the descriptors of `count` slots (engine_slots()) and forks them: to be called
 * while this process is small. `lock_fd` is held by the slots as long as they live; -1: none.
 * `run_id` is what every handler gets as TG_RUN_ID; "": none. NULL with `err` (ERR_CONFIG: too few
 * open files are allowed; ERR_INTERNAL). */
struct slots *start_slots(const struct config *c, int count, int lock_fd, const char *run_id,
			  struct err *err);

#endif
