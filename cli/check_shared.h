/* cli/check_shared: what `tgrun check` says of a queue that several machines share. */
#ifndef TGRUN_CLI_CHECK_SHARED_H
#define TGRUN_CLI_CHECK_SHARED_H

#include "cli/setup/setup.h"
#include "queue/shared/fleet_check.h"

/* Tells it of the queue that --store names, of the token's bot; the handler was set up. */
void check_shared(const struct setup *s, const struct fleet_check_told *told);

#endif
