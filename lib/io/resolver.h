/* io/resolver: the addresses of host names, by getaddrinfo(3) in a thread of its own: where no name
 * server answers, that takes half a minute for each. */
#ifndef TGRUN_IO_RESOLVER_H
#define TGRUN_IO_RESOLVER_H

#include <stddef.h>

#include "io/loop.h"

struct resolver;

/* Begins to ask for `count` names, one after the other; they are copied. The thread takes no
 * signals. `done(arg)` is called in a turn of the loop when all have been asked for. NULL with
 * errno when the machine has no memory, thread or descriptor for it. */
struct resolver *resolver_new(struct loop *l, const char *const *names, size_t count,
			      void (*done)(void *arg), void *arg);

/* After done(): the addresses of a name as numbers, with commas between; "": none. The resolver's
 * own. */
const char *resolver_addresses(const struct resolver *r, size_t name);

/* After done(): why the last name that has no address has none; NULL: each has. */
const char *resolver_why(const struct resolver *r);

/* Frees it at any time, NULL too: done() is not called any more, and a thread that still asks ends
 * by itself. */
void resolver_free(struct resolver *r);

#endif
