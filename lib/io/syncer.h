/* io/syncer: fdatasync(2) in a thread of its own, so that a slow disk stops nothing but what waits
 * for it. */
#ifndef TGRUN_IO_SYNCER_H
#define TGRUN_IO_SYNCER_H

#include <stdbool.h>

#include "io/loop.h"

struct syncer;

/* Starts the thread, which takes no signals. `done(arg, errnum)` is called in a turn of the loop
 * after each sync: errnum is 0 or why it failed. NULL with errno when the machine has no thread or
 * descriptor for it: whoever wants a sync may do it himself then. */
struct syncer *syncer_new(struct loop *l, void (*done)(void *arg, int errnum), void *arg);

/* Has `fd` synced: what was written to it before this call is on disk when `done` says 0. One at a
 * time (not while syncer_busy()). The descriptor stays the caller's, who keeps it open until
 * then. */
void syncer_start(struct syncer *s, int fd);
bool syncer_busy(struct syncer *s); /* false for NULL */

/* Waits for the sync under way, of which `done` says nothing any more. NULL is fine. */
void syncer_free(struct syncer *s);

#endif
