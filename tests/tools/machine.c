/* tests/tools/machine: another machine for a program that is tested, by LD_PRELOAD: its clock runs
 * faster, its disk hangs, its name servers are silent, and it trusts another authority.
 *
 *   MACHINE_SPEED=50   CLOCK_MONOTONIC and its kin run fifty times as fast, and waits for
 *                      descriptors and timers are as much shorter, so backoffs of a minute take a
 *                      second. Programs with the same speed have the same clock. The time of day
 *                      stays as it is.
 *   MACHINE_DISK=FILE  fdatasync(2) takes as long as FILE is there: a disk that hangs
 *   MACHINE_NAMES=FILE getaddrinfo(3) takes as long as FILE is there. Names that end in `.machine`
 *                      are this machine, by 127.0.0.2 first, but for none.machine, which is none
 *   MACHINE_CA=FILE    is read wherever the machine's own list of certificate authorities would be
 *
 * Takes LD_PRELOAD out of the environment: what the program starts is on this machine again. Clocks
 * and waits are those of the kernel, by their system calls: sanitizers ask for them before they can
 * stand a dlsym(3). */
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SIGSET = 8 }; /* bytes of the kernel's sigset_t */

static int64_t speed = 1;
static const char *ca, *disk, *names;

__attribute__((constructor)) static void read_environment(void)
{
	const char *text = getenv("MACHINE_SPEED");
	speed = text && atoi(text) > 0 ? atoi(text) : 1;
	ca = getenv("MACHINE_CA");
	disk = getenv("MACHINE_DISK");
	names = getenv("MACHINE_NAMES");
	unsetenv("LD_PRELOAD");
}

/* Never shorter than asked for by the fast clock, and never nothing where something was asked for.
 */
static int shorter(int milliseconds)
{
	return milliseconds <= 0 ? milliseconds : (int)((milliseconds + speed - 1) / speed);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);
	bool runs = id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE ||
		    id == CLOCK_MONOTONIC_RAW || id == CLOCK_BOOTTIME;
	if (rc == 0 && runs && speed > 1) {
		/* Nanoseconds since the start fit for five years at a speed of 50. */
		int64_t ns = ((int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec) * speed;
		ts->tv_sec = ns / 1000000000;
		ts->tv_nsec = ns % 1000000000;
	}
	return rc;
}

int epoll_pwait(int fd, struct epoll_event *events, int count, int timeout, const sigset_t *mask)
{
	return (int)syscall(SYS_epoll_pwait, fd, events, count, shorter(timeout), mask, SIGSET);
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout)
{
	return (int)syscall(SYS_epoll_pwait, fd, events, count, shorter(timeout), NULL, SIGSET);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	int milliseconds = shorter(timeout);
	struct timespec limit = { milliseconds / 1000, milliseconds % 1000 * 1000000L };
	return (int)syscall(SYS_ppoll, fds, count, timeout < 0 ? NULL : &limit, NULL, SIGSET);
}

static struct timespec shorter_time(struct timespec t)
{
	int64_t ns = ((int64_t)t.tv_sec * 1000000000 + t.tv_nsec) / speed;
	return (struct timespec){ ns / 1000000000, ns % 1000000000 };
}

int timer_settime(timer_t timer, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	static int (*real)(timer_t, int, const struct itimerspec *, struct itimerspec *);
	struct itimerspec sooner = { shorter_time(new->it_interval), shorter_time(new->it_value) };
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "timer_settime");
	return real ? real(timer, flags, &sooner, old) : -1;
}

static void wait_while_there(const char *file)
{
	static const struct timespec look_again = { .tv_nsec = 5 * 1000 * 1000 };
	while (file && syscall(SYS_access, file, F_OK) == 0)
		syscall(SYS_nanosleep, &look_again, NULL);
}

int fdatasync(int fd)
{
	wait_while_there(disk);
	return (int)syscall(SYS_fdatasync, fd);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **out)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	const char *end = node && names ? strrchr(node, '.') : NULL;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (!real)
		abort();
	wait_while_there(names);
	if (!end || strcmp(end, ".machine") != 0)
		return real(node, service, hints, out);
	if (strncmp(node, "none.", 5) == 0)
		return EAI_NONAME;
	int rc = real("127.0.0.2", service, hints, out);
	return rc ? rc : real("127.0.0.1", service, hints, &(*out)->ai_next);
}

/* libcrypto reads the list by this. */
static bool is_list(const char *path)
{
	const char *end = path ? strrchr(path, '/') : NULL;
	return ca && end && strncmp(path, "/etc/", 5) == 0 &&
	       (strcmp(end, "/ca-certificates.crt") == 0 || strcmp(end, "/ca-bundle.crt") == 0);
}

FILE *fopen(const char *path, const char *mode)
{
	static FILE *(*real)(const char *, const char *);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fopen");
	if (!real)
		abort();
	return real(is_list(path) ? ca : path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
	return fopen(path, mode);
}
