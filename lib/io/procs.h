/* io/procs: what /proc says about processes: children, descendants, names. Shared by the slot, the
 * runner's side and leftover. */
#ifndef TGRUN_IO_PROCS_H
#define TGRUN_IO_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Whether /proc is there and is that of this process's own name space, without which nothing here
 * holds. 0, or -1 with `err` (ERR_CONFIG: it is not; ERR_INTERNAL: it cannot be looked at). */
int procs_check(struct err *err);

/* Which boot of this machine this is, as the kernel names it. 0, or -1 with errno, and `out` is "".
 */
enum { PROCS_BOOT_MAX = 40 };
int procs_boot(char out[PROCS_BOOT_MAX]);

/* A number for the name space of process ids that this process is in; 0: it cannot be told. */
uint64_t procs_namespace(void);

/* A growing list of process ids; all zero is an empty one. */
struct procs {
	pid_t *pids;
	size_t count, cap;
};

void procs_release(struct procs *p); /* empty again */

/* Appends one id. 0, or -1 when memory is out. */
int procs_add(struct procs *p, pid_t pid);

/* Whether the id is in the list. */
bool procs_has(const struct procs *p, pid_t pid);

/* Append the children of `parent` (dead ones that nobody has waited for, too), or all that descend
 * from it, parents before their children. A process that comes or goes meanwhile may be missed: ask
 * again. 0, or -1 with errno. */
int procs_children(pid_t parent, struct procs *out);
int procs_descendants(pid_t root, struct procs *out);

/* The same as procs_children() for kernels without /proc/PID/task/TID/children: reads every
 * process's parent. */
int procs_scan_children(pid_t parent, struct procs *out);

/* Appends every process there is. 0, or -1 with errno. */
int procs_all(struct procs *out);

/* Sends `signo` to each. Sets *denied to one that may not be signalled (EPERM), and leaves it alone
 * if there is none. */
void procs_signal(const struct procs *p, int signo, pid_t *denied);

/* What runs of them, for people: `sleep (process 77), node (process 79) and 3 more`; "nothing"
 * when all are gone. */
void procs_describe(const struct procs *p, char *out, size_t n);

struct procs_stat {
	char name[32];
	pid_t parent, session;
	uint64_t start; /* clock ticks since boot: with the pid it names a process for good */
	bool dying;     /* killed, on its way out, or waited for by nobody */
	bool dead;      /* the last of these: nothing of it runs */
};

/* 0, or -1 when there is no such process. */
int procs_stat(pid_t pid, struct procs_stat *out);

#endif
