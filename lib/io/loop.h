/* io/loop: the event loop: descriptors, timers, signals, and a hook at the end of each turn. Only
 * loop.c sees libuv.
 *
 * A turn: timers that are due, then descriptors that are ready, then the hooks of loop_on_turn().
 * Callbacks may free any timer or watch, their own too. */
#ifndef TGRUN_IO_LOOP_H
#define TGRUN_IO_LOOP_H

#include <stdint.h>

#include "base/err.h"

struct loop;
struct loop_timer;
struct loop_watch;
struct loop_signal;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

/* A new loop; NULL with `err` (ERR_INTERNAL). */
struct loop *loop_new(struct err *err);

/* Frees the loop. All timers, watches and signals must have been freed by their owners. NULL is
 * fine. */
void loop_free(struct loop *l);

/* Runs turns until loop_stop(), which lets the turn that it is called in end. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* One turn; waits for something to happen only if `wait` is not 0. */
void loop_turn(struct loop *l, int wait);

/* Calls `fn(arg)` at the end of each turn, before the loop waits again, as long as there is the
 * loop: a hook cannot be taken off, so `arg` outlives the loop's last turn. At most four hooks (a
 * fifth is a fault of the program, which ends); they are called in the order in which they came. */
void loop_on_turn(struct loop *l, void (*fn)(void *arg), void *arg);

/* A timer that calls `fn(arg)` once for each loop_timer_set(). Owned by the caller, who frees it
 * before `arg`. NULL when memory is out. */
struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg);

/* Sets the timer to go off `delay` milliseconds from now (0: in the next turn); a negative delay
 * puts it off for good. */
void loop_timer_set(struct loop_timer *t, int64_t delay);
void loop_timer_free(struct loop_timer *t); /* NULL is fine */

/* Watches `fd`: calls `fn(arg, events)` with LOOP_READ and LOOP_WRITE when it can be read or
 * written, ended or failed. Starts without events. NULL with errno when it cannot be watched
 * (memory, a regular file). */
struct loop_watch *loop_watch_new(struct loop *l, int fd, void (*fn)(void *arg, int events),
				  void *arg);
/* What the kernel has no room for (memory, epoll's max_user_watches) is asked for again, ten times
 * a second. */
void loop_watch_set(struct loop_watch *w, int events);

/* Ends the watch; closes its descriptor too if `close_fd` is not 0 (never close a watched
 * descriptor yourself). NULL is fine. */
void loop_watch_free(struct loop_watch *w, int close_fd);

/* Calls `fn(arg, signo)` in a turn after the signal came. NULL when memory is out. */
struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*fn)(void *arg, int signo),
				    void *arg);
void loop_signal_free(struct loop_signal *s); /* NULL is fine */

#endif
