/* io/listener: a socket that is listened on, and whoever connects to it: one with a name in the
 * state directory, for this user and root only, or one of this machine's own network.
 *
 * A named one is bound and reached through the directory's descriptor (/proc/self/fd/N/NAME), so
 * that the 107 bytes of an AF_UNIX path never matter. */
#ifndef TGRUN_IO_LISTENER_H
#define TGRUN_IO_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/loop.h"

struct listener;

/* Somebody connected. `fd` does not block, and is the callee's. */
typedef void listener_accepted(void *arg, int fd);

/* Listens at `name` (a literal) in the directory that is open as `dir_fd`; mode 0600. A socket that
 * a killed runner left there is replaced: the caller holds the lock that says that it was. Peers of
 * another user, but root, are sent away. `backlog`: how many may wait. NULL with `err`
 * (ERR_CANTCREATE, ERR_INTERNAL). */
struct listener *listener_named(struct loop *loop, int dir_fd, const char *name, int backlog,
				listener_accepted *accepted, void *arg, struct err *err);

/* Listens on 127.0.0.1, at any port that is free. NULL with `err`. */
struct listener *listener_loopback(struct loop *loop, int backlog, listener_accepted *accepted,
				   void *arg, struct err *err);

/* The port of the second kind. */
int listener_port(const struct listener *l);

/* Whether the socket still stands under its name; if not, nobody can connect any more. */
bool listener_stands(const struct listener *l);

/* While it is paused, who connects waits in the kernel. Fine from within `accepted`. */
void listener_pause(struct listener *l, bool paused);

/* Removes the name and closes. Not from within `accepted`. NULL is fine. */
void listener_free(struct listener *l);

/* The other side, which blocks for at most `timeout` milliseconds: a connection to `name`; its
 * descriptor does not block. -1 with `err`: ERR_UNAVAILABLE, nobody listens; ERR_TEMPFAIL, no
 * answer came in time. */
int listener_connect(int dir_fd, const char *name, int64_t timeout, struct err *err);

/* Over such a connection. Waits until it is ready for `events`, as of poll(): 0, or -1 with `err`
 * (ERR_TEMPFAIL). */
int listener_wait(int fd, short events, int64_t timeout, struct err *err);

/* Sends all of it, and blocks for at most `timeout` milliseconds without a byte. 0; 1: the other
 * side has heard enough, and perhaps said why; -1 with `err` (ERR_TEMPFAIL: somebody is there). */
int listener_send(int fd, const char *bytes, size_t n, int64_t timeout, struct err *err);

#endif
