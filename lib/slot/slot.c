/* slot/slot: the slot process: orders come in over its socket, reports go out.
 *
 * The slot is a child subreaper: whatever a job starts stays or becomes its descendant, and the job
 * is over when the slot has no child left (ECHILD). When the runner's end of the socket closes,
 * everything is killed before the slot ends; when the time of slots_trust() has passed, everything
 * of the job, whatever the runner does. */
#include "slot/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/crashpoint.h"
#include "io/procs.h"

enum { SWEEP_FIRST = 5, SWEEP_CAP = 1000, REPORT_AGAIN = 20 }; /* milliseconds */

static struct {
	struct slot_setup setup;
	struct slot_page *page;
	int sock, sigfd; /* sock -1: the runner is gone, or does not care any more */
	struct command_view command;

	uint64_t job; /* 0: none */
	struct slot_stages stages;
	struct slot_exec exec;
	bool tells_stages;                /* SLOT_STAGE is wanted … */
	bool stage_told[SLOT_STAGES_MAX]; /* … and was sent */
	bool told;                        /* SLOT_ENDED was sent */
	int left[2]; /* a keeper's: what was left behind writes there; -1: nobody does */

	struct slot_deadline deadline;

	bool sweeping;
	int wait; /* milliseconds until the next sweep */
	struct procs found;
	char vars[SLOT_VARS_MAX + 1];
} slot;

static void report(uint32_t what, int stage, int errnum)
{
	struct slot_report r = { .what = what,
				 .stage = stage,
				 .errnum = errnum,
				 .job = slot.job,
				 .end = slot.stages.end };
	/* There is room for both reports of a job, but the kernel may have no memory: it is sent
	 * again, since the runner waits for it. A runner that is gone shows as an end of file. */
	while (slot.sock >= 0 && send(slot.sock, &r, sizeof r, MSG_NOSIGNAL) < 0 &&
	       (errno == ENOBUFS || errno == ENOMEM || errno == EAGAIN)) {
		struct timespec pause = { .tv_nsec = REPORT_AGAIN * 1000000 };
		nanosleep(&pause, NULL);
	}
}

static void begin_sweep(void)
{
	if (slot.sweeping)
		return;
	slot.sweeping = true;
	slot.wait = SWEEP_FIRST;
	slot.page->sweeping = 1;
}

static void look_at_deadline(void)
{
	if (!slot.job || !slot_deadline_passed(&slot.deadline, slot.page))
		return;
	slot.stages.end.expired = slot.stages.end.expired || !slot.stages.collected;
	begin_sweep();
}

static void timer_went_off(void)
{
	slot_deadline_rang(&slot.deadline);
	look_at_deadline();
}

/* A handler may have made a descriptor that it shares with the slot non-blocking; the next one gets
 * it as it was. */
static void make_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags >= 0 && flags & O_NONBLOCK)
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

static void forget_job(void)
{
	slot.job = 0;
	slot.sweeping = false;
	slot.page->sweeping = 0;
	free(slot.exec.envp);
	slot.exec.envp = NULL;
}

/* The job ends before it has begun. */
static void refuse(int stdin_fd, int extra_fd)
{
	slot.stages.end = (struct slot_end){ .stages = slot.command.stages, .expired = true };
	for (int i = 0; i < slot.command.stages; i++)
		slot.stages.end.status[i] = SIGKILL;
	close(stdin_fd);
	if (extra_fd >= 0)
		close(extra_fd);
	report(SLOT_OVER, 0, 0);
	forget_job();
}

static void start(const struct slot_order *order, int stdin_fd, int extra_fd)
{
	slot.vars[order->vars_length] = '\0';
	if (slot.job || !slot.command.stages ||
	    (order->vars_length && slot.vars[order->vars_length - 1]) ||
	    !(slot.exec.envp = slot_exec_environment(&slot.command, slot.vars, order->vars_length,
						     &slot.exec.vars)))
		_exit(70);
	slot.job = order->job;
	slot.told = slot.sweeping = false;
	slot.tells_stages = order->tells_stages;
	if (slot_deadline_passed(&slot.deadline, slot.page)) {
		refuse(stdin_fd, extra_fd);
		return;
	}
	memset(slot.stage_told, 0, sizeof slot.stage_told);
	slot.exec.extra_fd = extra_fd;
	slot.exec.extra_is_stdout = order->extra == SLOT_EXTRA_STDOUT;
	slot.page->sweeping = 0;
	slot.page->denied = 0;
	make_blocking(1);
	make_blocking(2);
	slot_stages_start(&slot.stages, &slot.exec, slot.job, stdin_fd);
	if (extra_fd >= 0)
		close(extra_fd);
}

static void job_over(void)
{
	CRASHPOINT("slot-before-over");
	int stage = slot_stages_unexecuted(&slot.stages, slot.page);
	if (stage >= 0)
		report(SLOT_FAILED, stage, slot.page->exec_errno[stage]);
	else
		report(SLOT_OVER, 0, 0);
	CRASHPOINT("slot-after-over");
	forget_job();
}

/* Some stages have ended, others run. */
static void tell_stages(void)
{
	const struct slot_stages *s = &slot.stages;
	for (int i = 0; slot.tells_stages && i < s->end.stages; i++) {
		if (s->ended[i] && !slot.stage_told[i])
			report(SLOT_STAGE, i, 0);
		slot.stage_told[i] = s->ended[i];
	}
}

/* Reaps adopted descendants while stages still run. waitid(2) may show an ended stage for ever, and
 * so hide the others: then the children are asked one by one. */
static void reap_orphans(void)
{
	siginfo_t info;
	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
			return;
		if (slot_stages_have(&slot.stages, info.si_pid))
			break;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
	slot.found.count = 0;
	procs_children(slot.exec.slot, &slot.found);
	for (size_t i = 0; i < slot.found.count; i++)
		if (!slot_stages_have(&slot.stages, slot.found.pids[i]))
			waitpid(slot.found.pids[i], NULL, WNOHANG);
}

static void reap(void)
{
	struct rusage usage = { .ru_maxrss = 0 };
	if (slot.job && !slot.stages.collected) {
		if (!slot_stages_look(&slot.stages, &usage)) {
			if (slot_stages_unexecuted(&slot.stages, slot.page) >= 0)
				begin_sweep(); /* the rest of the pipeline has no sense */
			else
				tell_stages();
			reap_orphans();
			return;
		}
		slot_stages_collect(&slot.stages, &usage);
	}
	pid_t pid;
	while ((pid = wait4(-1, NULL, WNOHANG, &usage)) > 0)
		slot_stages_add_usage(&slot.stages, &usage);
	bool none = pid < 0 && errno == ECHILD;
	if (none && slot.sock < 0)
		_exit(0);
	if (!slot.job)
		return;
	if (none) {
		job_over();
		return;
	}
	if (slot_stages_unexecuted(&slot.stages, slot.page) >= 0)
		begin_sweep();
	else if (!slot.told)
		report(SLOT_ENDED, 0, 0);
	slot.told = true;
}

/* ---- signals ---- */

/* Signals the sessions of the stages at one blow, then whatever descendant is outside of them. */
static void signal_all(int signo)
{
	pid_t denied = 0;
	slot.found.count = 0;
	procs_descendants(slot.exec.slot, &slot.found);
	bool stages = slot.job && !slot.stages.collected;
	for (int i = 0; stages && i < slot.stages.end.stages; i++)
		kill(-slot.stages.pid[i], signo); /* not reaped: the number is still its own */
	size_t n = 0;
	for (size_t i = 0; i < slot.found.count; i++)
		if (!stages || signo == SIGKILL ||
		    !slot_stages_have(&slot.stages, getpgid(slot.found.pids[i])))
			slot.found.pids[n++] = slot.found.pids[i];
	slot.found.count = n;
	procs_signal(&slot.found, signo, &denied);
	if (denied)
		slot.page->denied = denied;
}

/* Kills all there is now. Children of the dead become the slot's: the next sweep kills them. */
static void sweep(void)
{
	CRASHPOINT("slot-sweep");
	signal_all(SIGKILL);
	reap();
}

static void leave(const int fds[2])
{
	slot.left[0] = fds[0];
	slot.left[1] = fds[1];
	close(slot.sock);
	slot.sock = -1;
	slot.sweeping = false;
	slot_deadline_close(&slot.deadline);
	if (slot.setup.lock_fd >= 0)
		close(slot.setup.lock_fd);
	/* The output belongs to those who were left: its end of file is theirs, and until then
	 * it is read and thrown away, so that they neither wait for a reader nor die for want of
	 * one, and the runner has no part in it. */
	dup2(0, 1);
	dup2(0, 2);
	prctl(PR_SET_NAME, "tg-keeper");
	slot.job = 0;
	reap();
}

static void throw_away(int *fd)
{
	static char bytes[64 * 1024];
	ssize_t n = read(*fd, bytes, sizeof bytes);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		close(*fd);
		*fd = -1;
	}
}

static void runner_gone(void)
{
	close(slot.sock);
	slot.sock = -1;
	begin_sweep();
	reap(); /* idle: ends here */
}

/* ---- orders ---- */

static void obey(const struct slot_order *order, int fds[2])
{
	switch (order->what) {
	case SLOT_COMMAND:
		command_close(&slot.command);
		if (slot.job || fds[0] < 0 || command_open(fds[0], &slot.command))
			_exit(70);
		close(fds[0]);
		return;
	case SLOT_START:
		if (fds[0] < 0 || order->extra > SLOT_EXTRA_STDOUT ||
		    (order->extra != SLOT_EXTRA_NONE) != (fds[1] >= 0))
			_exit(70);
		start(order, fds[0], fds[1]);
		return;
	case SLOT_SIGNAL:
		if (order->job == slot.job && slot.job) {
			look_at_deadline(); /* it may be ordered for that */
			if (order->signo == SIGKILL)
				begin_sweep();
			else
				signal_all(order->signo);
		}
		slot.page->orders++;
		return;
	case SLOT_TRUST:
		look_at_deadline();
		return;
	case SLOT_LEAVE:
		if (order->job == slot.job && slot.job && slot.stages.collected) {
			leave(fds);
			return;
		}
		for (int i = 0; i < SLOT_DESCRIPTORS_MAX; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		return;
	}
	_exit(70);
}

/* Takes one order. Returns whether there may be another. */
static void take_order(void)
{
	struct slot_order order;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(SLOT_DESCRIPTORS_MAX * sizeof(int))];
	} control;
	struct iovec iov[2] = { { &order, sizeof order }, { slot.vars, SLOT_VARS_MAX } };
	/* While a job runs its variables are in use: a second start has no room, and is malformed.
	 */
	struct msghdr msg = { .msg_iov = iov,
			      .msg_iovlen = slot.job ? 1 : 2,
			      .msg_control = &control,
			      .msg_controllen = sizeof control };
	ssize_t n = recvmsg(slot.sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOMEM || errno == ENOBUFS))
		return;
	if (n < 0 && errno == ECONNRESET)
		return; /* what was sent before is still to be read */
	if (n <= 0) {
		runner_gone();
		return;
	}
	int fds[SLOT_DESCRIPTORS_MAX] = { -1, -1 };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || (size_t)n < sizeof order ||
	    order.vars_length != (size_t)n - sizeof order)
		_exit(70);
	obey(&order, fds);
}

/* libpipeline exits when it cannot fork: then nothing of the runner's, of which this process is a
 * copy, may run. */
static void exit_at_once(int status, void *arg)
{
	(void)arg;
	_exit(status);
}

static bool take_signals(void)
{
	struct signalfd_siginfo info[4];
	return read(slot.sigfd, info, sizeof info) > 0;
}

_Noreturn void slot_main(const struct slot_setup *setup)
{
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	slot.setup = *setup;
	slot.page = setup->page;
	slot.sock = setup->sock;
	slot.left[0] = slot.left[1] = -1;
	slot_deadline_init(&slot.deadline);
	slot.exec = (struct slot_exec){ .page = setup->page,
					.command = &slot.command,
					.nofile = setup->nofile,
					.slot = getpid(),
					.extra_fd = -1 };
	slot.sigfd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (slot.sigfd < 0 || on_exit(exit_at_once, NULL) || clearenv() ||
	    setenv("PIPELINE_QUIET", "1", 1))
		_exit(71);
	/* A copy of the runner's; libpipeline would write it at the first start. */
	__fpurge(stdout);
	for (;;) {
		const int fds[5] = { slot.sock, slot.sigfd, slot.left[0], slot.left[1],
				     slot.deadline.fd };
		struct pollfd ready[5];
		for (int i = 0; i < 5; i++)
			ready[i] = (struct pollfd){ fds[i], POLLIN, 0 };
		int n = poll(ready, 5, slot.sweeping ? slot.wait : -1);
		if (n == 0)
			slot.wait = slot.wait * 2 < SWEEP_CAP ? slot.wait * 2 : SWEEP_CAP;
		if (ready[1].revents && take_signals())
			reap();
		if (n > 0 && ready[4].revents)
			timer_went_off();
		if (n > 0 && ready[0].revents)
			take_order(); /* poll(2) tells of the next */
		for (int i = 0; i < 2; i++)
			if (n > 0 && ready[2 + i].revents)
				throw_away(&slot.left[i]);
		if (slot.sweeping)
			sweep();
	}
}
