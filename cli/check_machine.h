/* cli/check_machine: whether the machine leaves room to a run that forks `slots` processes
 * (engine_slots()): /proc, open files, processes of this user and of its control group. Nothing is
 * changed. */
#ifndef TGRUN_CLI_CHECK_MACHINE_H
#define TGRUN_CLI_CHECK_MACHINE_H

#include "base/err.h"

/* Whether a run could start. 0; -1 with `err`: the first thing that would end it at its start, with
 * the exit status that it would end with. */
int check_machine_stops(int slots, struct err *err);

/* Whether a run that starts would miss nothing. 0; -1 with `err`: the first thing that it would do
 * without: processes for all handlers at once, a control socket. `err`->status says nothing. */
int check_machine_hampers(int slots, struct err *err);

#endif
