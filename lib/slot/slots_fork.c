/* slot/slots_fork: forks slots. In: the configuration. Out: processes that run slot_main(), each
 * with a socket, a page and two pipes.
 *
 * A slot inherits nothing else: the child resets every signal, closes every descriptor but its own,
 * and never returns. While the first slots are forked, this process's ends of those that are there
 * lie in a socket, so that no child has them to copy and close: the start is linear. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/roster.h"
#include "slot/slots_internal.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

static struct {
	char *start;
	size_t size;
} title;

void slots_set_title_area(char **argv)
{
	char *end = argv[0];
	for (int i = 0; argv[i] && argv[i] == end; i++)
		end += strlen(argv[i]) + 1;
	title.start = argv[0];
	title.size = (size_t)(end - argv[0]);
}

static void set_title(void)
{
	static const char name[] = "tg-slot";
	prctl(PR_SET_NAME, name);
	if (title.size == 0)
		return;
	memset(title.start, 0, title.size);
	memcpy(title.start, name, title.size < sizeof name ? title.size - 1 : sizeof name);
}

static void close_between(int low, int high)
{
	if (low > high || !close_range((unsigned)low, (unsigned)high, 0))
		return;
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > 1 << 16)
		limit.rlim_cur = 1 << 16;
	for (int fd = low; fd <= high && fd < (int)limit.rlim_cur; fd++)
		close(fd);
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Leaves open: 0 (/dev/null), 1, 2 and what `sock` and `lock` are then. The table may be full, so
 * first what is not needed is closed. */
static int arrange(int out, int err, int *sock, int *lock)
{
	int keep[4] = { out, err, *sock, *lock }, last = -1;
	qsort(keep, 4, sizeof keep[0], by_number);
	for (int i = 0; i < 4; i++) {
		close_between(last + 1, keep[i] - 1);
		if (keep[i] > last)
			last = keep[i];
	}
	close_between(last + 1, INT32_MAX);
	int from[5] = { open("/dev/null", O_RDWR | O_CLOEXEC), out, err, *sock, *lock };
	for (int i = 0; i < 5; i++)
		if (from[i] >= 0 && (from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 8)) < 0)
			return -1;
	for (int i = 0; i < 5; i++)
		if ((from[i] < 0 && i < 4) ||
		    (from[i] >= 0 && dup3(from[i], i, i < 3 ? 0 : O_CLOEXEC) < 0))
			return -1;
	*sock = 3;
	*lock = *lock >= 0 ? 4 : -1;
	close_between(*lock >= 0 ? 5 : 4, INT32_MAX);
	return 0;
}

static _Noreturn void become_slot(struct slot *slot, int sock, int out, int err)
{
	struct slots *s = slot->slots;
	struct slot_setup setup = { .page = slot->page,
				    .nofile = s->config.nofile,
				    .sock = sock,
				    .lock_fd = s->config.lock_fd };
	/* All signals are blocked since before the fork, and stay so. */
	struct sigaction standard = { .sa_handler = SIG_DFL };
	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, &standard, NULL);
	/* The C library keeps its own two signals from sigaction(), but a parent that spawned us
	 * (make, for one) may leave them ignored. The kernel's own structure differs between
	 * machines; SIG_DFL is all zeros in each. */
	static const unsigned long zeros[8];
	for (int signo = 32; signo < SIGRTMIN; signo++)
		syscall(SYS_rt_sigaction, signo, zeros, NULL, (size_t)(_NSIG - 1) / 8);
	set_title();
#ifndef WITH_ASAN
	prctl(PR_SET_DUMPABLE, 0); /* the leak checker must be able to look into its own process */
#endif
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) || arrange(out, err, &setup.sock, &setup.lock_fd))
		_exit(71);
	slot_main(&setup);
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int slots_spawn(struct slot *slot)
{
	struct slots *s = slot->slots;
	int sock[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
	bool captured = s->config.stdout_fd < 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) ||
	    (captured && pipe2(out, O_CLOEXEC)) || pipe2(err, O_CLOEXEC) ||
	    (captured && fcntl(out[0], F_SETFL, O_NONBLOCK)) || fcntl(err[0], F_SETFL, O_NONBLOCK))
		goto fail;
	memset(slot->page, 0, sizeof *slot->page);
	slot->page->trust = s->trust;
	slot->sock = sock[0];
	slot->out[0] = out[0];
	slot->out[1] = err[0];
	if (s->loop && slots_watch(slot))
		goto fail;
	sigset_t all, old;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid_t pid = fork();
	if (pid == 0)
		become_slot(slot, sock[1], captured ? out[1] : s->config.stdout_fd, err[1]);
	int saved = errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	if (pid < 0)
		goto fail;
	close(sock[1]);
	close(err[1]);
	if (captured)
		close(out[1]);
	slot->pid = pid;
	slot->wait_status = 0;
	slot->forked = slots_now();
	slot->stale = false;
	slot->signals = 0;
	slot->killed = 0;
	slot->complained = false;
	slots_make_idle(slot);
	if (s->config.lock_fd >= 0)
		roster_set(s->config.lock_fd, slot->number, pid);
	return 0;
fail:
	saved = errno;
	if (slot->sock >= 0) {
		slots_unwatch(slot);
		sock[0] = out[0] = err[0] = -1;
	}
	shut(&sock[0]);
	shut(&sock[1]);
	shut(&out[0]);
	shut(&out[1]);
	shut(&err[0]);
	shut(&err[1]);
	errno = saved;
	return -1;
}

/* ---- the descriptors of many slots ---- */

enum { PARKED = 80, PARKED_ENDS = 3 * PARKED /* of at most 253 that one message may carry */ };

union park_control {
	struct cmsghdr head;
	char room[CMSG_SPACE(PARKED_ENDS * sizeof(int))];
};

/* This process's ends of `n` slots from `slot` on, downwards: where they are kept. Returns how many
 * there are. */
static size_t ends_of(struct slot *slot, size_t n, int *ends[PARKED_ENDS])
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++, slot--) {
		int *all[3] = { &slot->sock, &slot->out[0], &slot->out[1] };
		for (int j = 0; j < 3; j++)
			if (j != 1 || slot->slots->config.stdout_fd < 0)
				ends[count++] = all[j];
	}
	return count;
}

/* Puts the ends of PARKED slots, from `slot` downwards, into the socket. 0; -1: they stay where
 * they are, which is only slower. */
static int park(int sock, struct slot *slot)
{
	union park_control control = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	int *ends[PARKED_ENDS], *fds = (int *)(void *)CMSG_DATA(&control.head);
	size_t count = ends_of(slot, PARKED, ends);
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		fds[i] = *ends[i];
	if (sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		shut(ends[i]);
	return 0;
}

/* Takes those out of the socket that were put into it first. 0, or -1 with errno. */
static int unpark(int sock, struct slot *slot)
{
	union park_control control = { 0 };
	char byte;
	struct iovec iov = { &byte, 1 };
	int *ends[PARKED_ENDS], *fds = (int *)(void *)CMSG_DATA(&control.head);
	size_t count = ends_of(slot, PARKED, ends);
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof control };
	if (recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -1;
	if (msg.msg_flags & MSG_CTRUNC || control.head.cmsg_len != CMSG_LEN(count * sizeof(int))) {
		errno = EMFILE;
		return -1;
	}
	for (size_t i = 0; i < count; i++)
		*ends[i] = fds[i];
	return 0;
}

/* The last one first, so that slot 1 is the first to be used. */
int slots_spawn_all(struct slots *s, struct err *err)
{
	int sock[2] = { -1, -1 }, rc = 0;
	size_t count = (size_t)s->config.count, here = 0, parked = 0;
	if (count > PARKED && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock))
		rc = err_sys(err, ERR_INTERNAL, errno, "cannot make a socket for the slots");
	for (size_t i = count; rc == 0 && i-- > 0;) {
		struct slot *first = &s->slot[count - 1 - parked * PARKED];
		if (slots_spawn(&s->slot[i]))
			rc = err_sys(err, ERR_INTERNAL, errno, "cannot fork slot %d of %d",
				     s->slot[i].number, s->config.count);
		else if (++here >= PARKED && sock[0] >= 0 && park(sock[0], first) == 0)
			here -= PARKED, parked++;
	}
	/* They come out in the order in which they were put in; after a failure, to be shut. */
	for (size_t i = 0; i < parked; i++)
		if (unpark(sock[1], &s->slot[count - 1 - i * PARKED]) && rc == 0)
			rc = err_sys(err, ERR_INTERNAL, errno,
				     "cannot have the slots' descriptors back");
	shut(&sock[0]);
	shut(&sock[1]);
	return rc;
}
