/* slot/oom: whether the kernel killed something of ours because memory was short.
 *
 * A signal does not say who sent it. The kernel counts what it killed for want of memory in each
 * control group: `oom_kill` in memory.events (version 2) or memory.oom_control (version 1). See
 * Documentation/admin-guide/cgroup-v2.rst of Linux. */
#ifndef TGRUN_SLOT_OOM_H
#define TGRUN_SLOT_OOM_H

#include <stdbool.h>
#include <stdint.h>

struct oom {
	const char *root; /* what /proc and /sys are under: "", or a test's */
	int64_t kills;    /* counted so far; -1: there is no such count here */
	/* when the count was last seen to have grown, in the caller's milliseconds */
	int64_t struck_at;
};

/* `root` (borrowed) is "" but in tests. `now`: monotonic milliseconds. */
void oom_init(struct oom *o, const char *root, int64_t now);

/* Something that began at `since` was killed by SIGKILL a moment ago: whether it was for want of
 * memory. Several that died at once are all told so. False when it cannot be known. */
bool oom_struck(struct oom *o, int64_t since, int64_t now);

#endif
