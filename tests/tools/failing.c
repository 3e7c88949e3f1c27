/* tests/tools/failing: the machine says no. As a library before tgrun (LD_PRELOAD) it makes calls
 * fail that ask the machine for something: memory, processes, descriptors, writes. As a program it
 * tells from where such calls were made.
 *
 *   LD_PRELOAD=…/failing.so FAILING_SITES=SITES [FAILING=WHO:KIND:SITE:N:ERRNO]
 *       [FAILING_WHILE=FILE] FAILING_LOG=LOG tgrun …
 *   failing sites SITES       a line for each place: WHO KIND SITE, how often it was passed
 *   failing kinds             the kinds and the errno that each fails with, when ERRNO is 0
 *
 * WHO is runner, slot or both (a slot is what the runner forks, until it executes a handler, which
 * is left in peace). SITE is a place in the program, named by the stack that leads there (the low
 * bits of its return addresses, which are the same in each run), or * for all. The Nth such call
 * fails, once; with FAILING_WHILE instead all of them, while FILE is there. LOG says what was made
 * to fail. FAILING_BYTES=N: of memory only what is as large as that. FAILING_CLOCK=FILE: the wall
 * clock is off by the seconds that FILE says, from then on. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind {
	MEMORY,
	WRITE,
	SEND,
	READ,
	RECEIVE,
	SYNC,
	SIZE,
	FORK,
	EXEC,
	PIPE,
	MEMFD,
	EPOLL,
	SOCKET,
	CONNECT,
	ACCEPT,
	OPEN,
	SIGNALFD,
	EVENTFD,
	DUP,
	MAP,
	THREAD,
	POLL,
	STAT,
	LOCK,
	MKDIR,
	UNLINK,
	KINDS
};

static const struct {
	const char *name;
	int errnum;
} kinds[KINDS] = {
	[MEMORY] = { "memory", ENOMEM },     [WRITE] = { "write", EIO },
	[SEND] = { "send", ENOBUFS },        [READ] = { "read", EIO },
	[RECEIVE] = { "receive", ENOMEM },   [SYNC] = { "sync", EIO },
	[SIZE] = { "size", ENOSPC },         [FORK] = { "fork", EAGAIN },
	[EXEC] = { "exec", ENOMEM },         [PIPE] = { "pipe", EMFILE },
	[MEMFD] = { "memfd", ENFILE },       [EPOLL] = { "epoll", ENOSPC },
	[SOCKET] = { "socket", EMFILE },     [CONNECT] = { "connect", EADDRNOTAVAIL },
	[ACCEPT] = { "accept", EMFILE },     [OPEN] = { "open", EMFILE },
	[SIGNALFD] = { "signalfd", EMFILE }, [EVENTFD] = { "eventfd", EMFILE },
	[DUP] = { "dup", EMFILE },           [MAP] = { "map", ENOMEM },
	[THREAD] = { "thread", EAGAIN },     [POLL] = { "poll", ENOMEM },
	[STAT] = { "stat", ENOMEM },         [LOCK] = { "lock", ENOLCK },
	[MKDIR] = { "mkdir", ENOSPC },       [UNLINK] = { "unlink", EIO },
};

enum { SITES = 16384, DEPTH = 20 };

struct sites {
	_Atomic uint32_t matched;
	struct {
		_Atomic uint64_t name; /* 0: free; the lowest bits are the kind and who */
		_Atomic uint32_t passed;
	} at[SITES];
};

#ifdef AS_LIBRARY

static struct sites *sites;
static pid_t runner;
static size_t least; /* bytes of memory that are refused */
static const char *until, *clock_file, *log_file;
static _Thread_local bool busy;
static struct {
	bool set, slot, both, any;
	int kind, errnum;
	uint64_t site;
	uint32_t n;
} fault;

static void read_fault(const char *text)
{
	char who[16], kind[16], site[24];
	unsigned n = 0;
	int errnum = 0;
	if (!text)
		return;
	if (sscanf(text, "%15[^:]:%15[^:]:%23[^:]:%u:%d", who, kind, site, &n, &errnum) < 4)
		_exit(99);
	while (fault.kind < KINDS && strcmp(kinds[fault.kind].name, kind) != 0)
		fault.kind++;
	if (fault.kind == KINDS)
		_exit(99);
	fault.slot = strcmp(who, "slot") == 0;
	fault.both = strcmp(who, "both") == 0;
	fault.any = strcmp(site, "*") == 0;
	fault.site = strtoull(site, NULL, 16);
	fault.n = n;
	fault.errnum = errnum ? errnum : kinds[fault.kind].errnum;
	fault.set = true;
}

static char *copy(const char *name)
{
	const char *value = getenv(name);
	return value ? strdup(value) : NULL;
}

__attribute__((constructor)) static void begin(void)
{
	void *frames[4];
	busy = true;
	backtrace(frames, 4); /* loads what it needs */
	const char *file = getenv("FAILING_SITES");
	runner = getpid();
	until = copy("FAILING_WHILE");
	log_file = copy("FAILING_LOG");
	least = getenv("FAILING_BYTES") ? strtoul(getenv("FAILING_BYTES"), NULL, 10) : 0;
	clock_file = copy("FAILING_CLOCK");
	read_fault(getenv("FAILING"));
	int fd = file ? open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	if (fd >= 0 && ftruncate(fd, sizeof *sites) == 0)
		sites = mmap(NULL, sizeof *sites, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (sites == MAP_FAILED || (file && !sites) || (fault.set && !sites))
		_exit(99);
	if (fd >= 0)
		close(fd);
	unsetenv("LD_PRELOAD");
	busy = false;
}

/* Opened each time: a slot closes all descriptors that it does not know. */
static void note(uint64_t name, bool slot, int kind, void **frames, int depth)
{
	char line[100];
	int fd = log_file ? (int)syscall(SYS_openat, AT_FDCWD, log_file,
					 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
			  : -1;
	int n = snprintf(line, sizeof line, "failed %s %s %016llx\n", slot ? "slot" : "runner",
			 kinds[kind].name, (unsigned long long)name);
	if (fd < 0)
		return;
	syscall(SYS_write, fd, line, (size_t)n);
	if (atomic_load(&sites->matched) <= fault.n + 1)
		backtrace_symbols_fd(frames, depth, fd);
	syscall(SYS_close, fd);
}

static void count(uint64_t name)
{
	for (size_t i = name % SITES, tries = 0; tries < SITES; i = (i + 1) % SITES, tries++) {
		uint64_t there = 0;
		if (atomic_compare_exchange_strong(&sites->at[i].name, &there, name) ||
		    there == name) {
			atomic_fetch_add(&sites->at[i].passed, 1);
			return;
		}
	}
}

/* Whether this call is to fail: then errno is set. */
static bool fails(enum kind kind)
{
	void *frames[DEPTH];
	bool fail = false, slot;
	int saved = errno;
	if (busy || !sites || kind == KINDS || (fault.set && fault.kind != (int)kind))
		return false;
	slot = getpid() != runner;
	if (fault.set && ((fault.slot != slot && !fault.both) ||
			  (until && syscall(SYS_faccessat, AT_FDCWD, until, F_OK))))
		goto out;
	busy = true;
	int depth = backtrace(frames, DEPTH);
	uint64_t name = 14695981039346656037u;
	for (int i = 1; i < depth; i++)
		name = (name ^ ((uintptr_t)frames[i] & 0xfff)) * 1099511628211u;
	name = name << 6 | (uint64_t)kind << 1 | slot;
	if (!fault.set)
		count(name);
	else if (fault.any || fault.site == name)
		fail = atomic_fetch_add(&sites->matched, 1) + 1 == fault.n || until;
	if (fail)
		note(name, slot, (int)kind, frames, depth);
	busy = false;
out:
	errno = fail ? fault.errnum : saved;
	return fail;
}

/* A read or a write of a pipe does not fail for want of anything; nor does libuv expect it. What is
 * appended to is the test's own log. */
static bool is_file(int fd)
{
	struct stat st;
	int saved = errno;
	bool file = syscall(SYS_fstat, fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    !(syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND);
	errno = saved;
	return file;
}

/* RETURNS NAME(TAKES), which hands GIVES on to the next library, unless a call of KIND fails by
 * FAILED. */
#define CALL(kind, failed, returns, name, takes, gives)                   \
	returns name takes                                                \
	{                                                                 \
		static returns(*next) takes;                              \
		if (!next)                                                \
			next = (returns(*) takes)dlsym(RTLD_NEXT, #name); \
		return fails(kind) ? failed : next gives;                 \
	}

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *malloc(size_t n)
{
	return n >= least && fails(MEMORY) ? NULL : __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
	return n * size >= least && fails(MEMORY) ? NULL : __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
	return n >= least && fails(MEMORY) ? NULL : __libc_realloc(p, n);
}

CALL(is_file(fd) ? WRITE : KINDS, -1, ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
CALL(is_file(fd) ? WRITE : KINDS, -1, ssize_t, writev, (int fd, const struct iovec *v, int n),
     (fd, v, n))
CALL(is_file(fd) ? WRITE : KINDS, -1, ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at),
     (fd, p, n, at))
CALL(is_file(fd) ? WRITE : KINDS, -1, ssize_t, pwrite64,
     (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
CALL(SEND, -1, ssize_t, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
CALL(SEND, -1, ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
CALL(is_file(fd) ? READ : KINDS, -1, ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
CALL(is_file(fd) ? READ : KINDS, -1, ssize_t, pread, (int fd, void *p, size_t n, off_t at),
     (fd, p, n, at))
CALL(is_file(fd) ? READ : KINDS, -1, ssize_t, pread64, (int fd, void *p, size_t n, off64_t at),
     (fd, p, n, at))
CALL(RECEIVE, -1, ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
CALL(RECEIVE, -1, ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))
CALL(SYNC, -1, int, fsync, (int fd), (fd))
CALL(SYNC, -1, int, fdatasync, (int fd), (fd))
CALL(SIZE, -1, int, ftruncate, (int fd, off_t n), (fd, n))
CALL(SIZE, -1, int, ftruncate64, (int fd, off64_t n), (fd, n))
CALL(SIZE, errno, int, posix_fallocate, (int fd, off_t at, off_t n), (fd, at, n))
CALL(FORK, -1, pid_t, fork, (void), ())
CALL(EXEC, -1, int, execve, (const char *path, char *const *argv, char *const *envp),
     (path, argv, envp))
CALL(PIPE, -1, int, pipe, (int fds[2]), (fds))
CALL(PIPE, -1, int, pipe2, (int fds[2], int flags), (fds, flags))
CALL(MEMFD, -1, int, memfd_create, (const char *name, unsigned flags), (name, flags))
CALL(EPOLL, -1, int, epoll_create1, (int flags), (flags))
CALL(SOCKET, -1, int, socket, (int domain, int type, int protocol), (domain, type, protocol))
CALL(SOCKET, -1, int, socketpair, (int domain, int type, int protocol, int fds[2]),
     (domain, type, protocol, fds))
CALL(CONNECT, -1, int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
CALL(CONNECT, -1, int, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
CALL(CONNECT, -1, int, listen, (int fd, int n), (fd, n))
CALL(ACCEPT, -1, int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags),
     (fd, a, n, flags))
CALL(SIGNALFD, -1, int, signalfd, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))
CALL(EVENTFD, -1, int, eventfd, (unsigned count, int flags), (count, flags))
CALL(DUP, -1, int, dup, (int fd), (fd))
CALL(MAP, MAP_FAILED, void *, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at),
     (p, n, prot, flags, fd, at))
CALL(THREAD, errno, int, pthread_create,
     (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *arg), (t, a, f, arg))
CALL(POLL, -1, int, poll, (struct pollfd * fds, nfds_t n, int timeout), (fds, n, timeout))
CALL(STAT, -1, int, fstat, (int fd, struct stat *st), (fd, st))
CALL(STAT, -1, int, fstat64, (int fd, struct stat64 *st), (fd, st))
CALL(STAT, -1, int, fstatvfs, (int fd, struct statvfs *st), (fd, st))
CALL(MKDIR, -1, int, mkdir, (const char *path, mode_t mode), (path, mode))
CALL(UNLINK, -1, int, unlink, (const char *path), (path))
CALL(UNLINK, -1, int, unlinkat, (int at, const char *path, int flags), (at, path, flags))
CALL(OPEN, NULL, FILE *, fopen, (const char *path, const char *mode), (path, mode))
CALL(OPEN, NULL, DIR *, opendir, (const char *path), (path))

/* A function that returns twice cannot be wrapped; a fork is as good here, only slower. */
pid_t vfork(void)
{
	return fork();
}

/* Only what takes memory of the kernel's. */
int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	int rc = (int)syscall(SYS_epoll_ctl, epoll, what, fd, event);
	if (rc || what != EPOLL_CTL_ADD || !fails(EPOLL))
		return rc;
	syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, fd, event);
	errno = fault.errnum;
	return -1;
}

static int opens(int at, const char *path, int flags, mode_t mode)
{
	return fails(OPEN) ? -1 : (int)syscall(SYS_openat, at, path, flags, mode);
}
#define MODE(flags)                                             \
	va_list ap;                                             \
	va_start(ap, flags);                                    \
	mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0; \
	va_end(ap)
int open(const char *path, int flags, ...)
{
	MODE(flags);
	return opens(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...)
{
	MODE(flags);
	return opens(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}
int openat(int at, const char *path, int flags, ...)
{
	MODE(flags);
	return opens(at, path, flags, mode);
}

static int control(int fd, int what, va_list ap)
{
	long arg = va_arg(ap, long);
	if ((what == F_DUPFD || what == F_DUPFD_CLOEXEC) && fails(DUP))
		return -1;
	if ((what == F_SETLK || what == F_OFD_SETLK) && fails(LOCK))
		return -1;
	return (int)syscall(SYS_fcntl, fd, what, arg);
}
#define CONTROL(name)                           \
	int name(int fd, int what, ...)         \
	{                                       \
		va_list ap;                     \
		va_start(ap, what);             \
		int rc = control(fd, what, ap); \
		va_end(ap);                     \
		return rc;                      \
	}
CONTROL(fcntl)
CONTROL(fcntl64)

/* The wall clock. */
static time_t offset(void)
{
	char text[24] = "";
	int fd = clock_file ? (int)syscall(SYS_openat, AT_FDCWD, clock_file, O_RDONLY | O_CLOEXEC)
			    : -1;
	if (fd < 0)
		return 0;
	syscall(SYS_read, fd, text, sizeof text - 1);
	syscall(SYS_close, fd);
	return atol(text);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	static int (*next)(clockid_t, struct timespec *);
	if (!next)
		next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	int rc = next(id, ts);
	if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += offset();
	return rc;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	*tv = (struct timeval){ ts.tv_sec, ts.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *t)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (t)
		*t = ts.tv_sec;
	return ts.tv_sec;
}

#else

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "kinds") == 0) {
		for (int i = 0; i < KINDS; i++)
			printf("%s %d\n", kinds[i].name, kinds[i].errnum);
		return 0;
	}
	int fd = argc == 3 && strcmp(argv[1], "sites") == 0 ? open(argv[2], O_RDONLY | O_CLOEXEC)
							    : -1;
	const struct sites *s = fd < 0 ? MAP_FAILED
				       : mmap(NULL, sizeof *s, PROT_READ, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		return 64;
	for (int i = 0; i < SITES; i++) {
		unsigned long long name = s->at[i].name;
		if (name)
			printf("%s %s %016llx %u\n", name & 1 ? "slot" : "runner",
			       kinds[name >> 1 & 31].name, name, s->at[i].passed);
	}
	return 0;
}

#endif
