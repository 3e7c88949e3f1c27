/* cli/check_machine: what the machine leaves to a run of `slots` processes (engine_slots()). Both
 * return 0, or -1 with `err` that says the first thing there is. */
#ifndef TGRUN_CLI_CHECK_MACHINE_H
#define TGRUN_CLI_CHECK_MACHINE_H

#include "base/err.h"

/* What ends a run at its start, with the run's status. */
int check_machine_stops(int slots, struct err *err);

/* What it would run with, but not as well. */
int check_machine_hampers(int slots, struct err *err);

#endif
