/* io/notify: what systemd wants to hear of a service with Type=notify: datagrams to $NOTIFY_SOCKET, see sd_notify(3). Without that variable
 * nothing is sent. */
#ifndef TGRUN_IO_NOTIFY_H
#define TGRUN_IO_NOTIFY_H

#include <stdint.h>

struct notify;

/* Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID. NULL, which the others take, when there is nobody to tell. */
struct notify *notify_open(void);

/* Sends one datagram of lines, e.g. "READY=1\nSTATUS=…". Never waits; a failure is ignored. */
void notify_send(struct notify *n, const char *lines);

/* RELOADING=1 with the time at which it was sent, by which systemd knows that it is the answer to its own SIGHUP (Type=notify-reload). READY=1
 * ends the reload. */
void notify_reloading(struct notify *n);

/* Milliseconds between two WATCHDOG=1, half of what systemd allows; 0: no watchdog. */
int64_t notify_watchdog_interval(const struct notify *n);

void notify_close(struct notify *n);

#endif
