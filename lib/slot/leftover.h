/* slot/leftover: finds and kills what an earlier run of the same state directory left behind, when
 * runner and slots were killed in one instant. Every handler carries TG_RUN_ID=<directory>.<run> in
 * its environment. */
#ifndef TGRUN_SLOT_LEFTOVER_H
#define TGRUN_SLOT_LEFTOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Kills every process of this user (of anyone, for root) whose environment has
 * TG_RUN_ID=<directory>. with another run than `run`, except this process, its ancestors, and what
 * a keeper keeps (slots_leave). Repeats until none is found or `patience` milliseconds have passed.
 * Returns how many were killed, or -1 with `err` (as procs_check(); ERR_INTERNAL: /proc cannot be
 * read; ERR_TEMPFAIL: some would not die). Neither name is empty, and no run has a full stop in its
 * name. */
int leftover_kill(const char *directory, const char *run, int64_t patience, struct err *err);

/* Whether the process was started with this entry (NAME=VALUE) in its environment, or with none at
 * all: then nothing tells whose it is. */
bool leftover_carries(pid_t pid, const char *entry);

#endif
