/* io/notify: what systemd wants to hear of a service with Type=notify: datagrams to $NOTIFY_SOCKET,
 * see sd_notify(3). Without that variable nothing is sent. */
#ifndef TGRUN_IO_NOTIFY_H
#define TGRUN_IO_NOTIFY_H

#include <stdint.h>

struct notify;

/* At most one is open in a process: its clock is a signal of the process. Reads $NOTIFY_SOCKET,
 * $WATCHDOG_USEC and $WATCHDOG_PID. NULL, which the others take, when there is nobody to tell. */
struct notify *notify_open(void);

/* Sends one datagram of lines, e.g. "READY=1\nSTATUS=…". Never waits; a failure is ignored. */
void notify_send(struct notify *n, const char *lines);

/* Something is under way that may take longer than the manager allows: the start until
 * notify_ready(), the end until notify_close(). It is asked for more time (EXTEND_TIMEOUT_USEC) at
 * once and every ten seconds from then on, also while this process stands still and waits for a
 * disk, a lock or a server. `status`, for people, says what for. */
void notify_busy(struct notify *n, const char *status);

/* READY=1: the start is over. */
void notify_ready(struct notify *n);

/* STOPPING=1: the end has begun, which is notify_busy(), too. */
void notify_stopping(struct notify *n);

/* RELOADING=1 with the time at which it was sent, by which systemd knows that it is the answer to
 * its own SIGHUP (Type=notify-reload), and READY=1, which ends the reload. Nothing before
 * notify_ready(). */
void notify_reloading(struct notify *n);
void notify_reloaded(struct notify *n);

/* Milliseconds between two WATCHDOG=1, half of what systemd allows; 0: no watchdog. */
int64_t notify_watchdog_interval(const struct notify *n);

/* Asks for no more time, closes and frees. NULL is fine. */
void notify_close(struct notify *n);

#endif
