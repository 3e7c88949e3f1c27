/* io/notify: sentences of the service manager's protocol in, one datagram out. Nothing here can
 * hold the bot up. */
#include "io/notify.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define EXTEND "EXTEND_TIMEOUT_USEC=60000000"

enum { EXTEND_EVERY = 10 /* seconds */ };

struct notify {
	int fd;
	int64_t watchdog;
	timer_t timer; /* goes off while `busy`, as SIGRTMIN */
	bool has_timer, busy, ready;
};

/* Where the timer's signal sends to. What may hold this process up for long is of many kinds
 * (SQLite, a lock, a search), and none of them comes back here meanwhile; a signal does. */
static volatile sig_atomic_t busy_fd = -1;

static void on_tick(int signo)
{
	int saved = errno;
	(void)signo;
	if (busy_fd >= 0)
		(void)!send(busy_fd, EXTEND, sizeof EXTEND - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	errno = saved;
}

/* Without a timer there is the one datagram of notify_busy(). */
static void make_timer(struct notify *n)
{
	struct sigaction tick = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	n->has_timer = sigaction(SIGRTMIN, &tick, NULL) == 0 &&
		       timer_create(CLOCK_MONOTONIC, &event, &n->timer) == 0;
}

static void tick_each(struct notify *n, time_t seconds)
{
	struct itimerspec every = { .it_interval.tv_sec = seconds, .it_value.tv_sec = seconds };
	if (n->has_timer)
		timer_settime(n->timer, 0, &every, NULL);
}

static int64_t watchdog_interval(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	int64_t interval = strtoll(usec, NULL, 10) / 2000;
	return interval > 0 ? interval : 0;
}

struct notify *notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof address.sun_path)
		return NULL;
	struct notify *n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	size_t length = strlen(path);
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	n->watchdog = watchdog_interval();
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd < 0 || connect(n->fd, (struct sockaddr *)&address,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length))) {
		notify_close(n);
		return NULL;
	}
	make_timer(n);
	return n;
}

void notify_send(struct notify *n, const char *lines)
{
	if (n)
		(void)!send(n->fd, lines, strlen(lines), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* One datagram: how it stands, and that more time is needed. */
static void begin(struct notify *n, const char *state, const char *status)
{
	char text[512];
	if (!n)
		return;
	snprintf(text, sizeof text, "%s" EXTEND "\nSTATUS=%s", state, status);
	notify_send(n, text);
	busy_fd = n->fd;
	if (!n->busy)
		tick_each(n, EXTEND_EVERY);
	n->busy = true;
}

static void end(struct notify *n)
{
	busy_fd = -1;
	tick_each(n, 0);
	n->busy = false;
}

void notify_busy(struct notify *n, const char *status)
{
	begin(n, "", status);
}

void notify_ready(struct notify *n)
{
	if (!n)
		return;
	end(n);
	n->ready = true;
	notify_send(n, "READY=1");
}

void notify_stopping(struct notify *n)
{
	begin(n, "STOPPING=1\n", "stopping");
}

void notify_reloaded(struct notify *n)
{
	if (n && n->ready)
		notify_send(n, "READY=1");
}

void notify_reloading(struct notify *n)
{
	char text[64];
	struct timespec now;
	if (!n || !n->ready)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	notify_send(n, text);
}

int64_t notify_watchdog_interval(const struct notify *n)
{
	return n ? n->watchdog : 0;
}

void notify_close(struct notify *n)
{
	if (!n)
		return;
	if (n->has_timer) {
		end(n);
		timer_delete(n->timer); /* its handler stays, for a signal that is on its way */
	}
	if (n->fd >= 0)
		close(n->fd);
	free(n);
}
