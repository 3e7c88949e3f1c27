/* slot/slot_stages: the stages of a job: what they are to execute comes in, how each of them ended
 * goes out. Only this file sees libpipeline.
 *
 * A pipeline is started by libpipeline, a single program without it. A fork that is refused ends
 * the slot, and the runner sees that the job's number never came into the page: nothing of it has
 * run. libpipeline is asked for statuses only when waitid(2) says that all stages have ended, so it
 * never blocks. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pipeline.h>

#include "base/crashpoint.h"
#include "slot/slot.h"

/* By vfork(2), which copies no page tables; a fork of a process that has libcurl mapped costs more
 * than all else that is done for an update. Until the child executes, it has this memory, and this
 * process stands still; should that last (a program on a file system that hangs), the runner kills
 * this slot, which does not take its orders, and the child with it (PR_SET_PDEATHSIG). POSIX lets
 * such a child do nothing but execute; on Linux it may make any system call, and this one does no
 * more. */
static pid_t start_single(const struct slot_exec *x, uint64_t job, int stdin_fd)
{
	pid_t pid = vfork();
	/* NOLINTBEGIN(clang-analyzer-unix.Vfork): the rule is that of POSIX */
	if (pid == 0) {
		/* From here on the program may run, whatever becomes of this slot before it
		 * is told. */
		x->page->pid = setsid(); /* which has the number of its first process */
		x->page->started = job;
		if (dup2(stdin_fd, STDIN_FILENO) >= 0)
			slot_exec_stage(x, 0);
		x->page->exec_errno[0] = errno;
		_exit(127);
	}
	/* NOLINTEND(clang-analyzer-unix.Vfork) */
	if (pid < 0)
		_exit(71);
	close(stdin_fd);
	return pid;
}

static struct {
	const struct slot_exec *exec;
	int number[SLOT_STAGES_MAX];
} running;

static void run_stage(void *number)
{
	setsid();
	slot_exec_stage(running.exec, *(int *)number);
}

static pipeline *start_pipeline(const struct slot_exec *x, int stdin_fd, pid_t pids[])
{
	pipeline *p = pipeline_new();
	running.exec = x;
	pipeline_ignore_signals(p, 0);
	pipeline_want_in(p, stdin_fd);
	for (int i = 0; i < x->command->stages; i++) {
		running.number[i] = i;
		pipeline_command(p, pipecmd_new_function(x->command->argv[i][0], run_stage, NULL,
							 &running.number[i]));
	}
	pipeline_start(p); /* ends this process when it cannot fork */
	for (int i = 0; i < x->command->stages; i++)
		pids[i] = pipeline_get_pid(p, i);
	return p;
}

void slot_stages_start(struct slot_stages *s, const struct slot_exec *x, uint64_t job, int stdin_fd)
{
	struct rusage spent = s->spent;
	*s = (struct slot_stages){ .end = { .stages = x->command->stages },
				   .spent = spent,
				   .before = spent };
	x->page->gate = s->end.stages == 1;
	for (int i = 0; i < s->end.stages; i++)
		x->page->exec_errno[i] = 0;
	CRASHPOINT("slot-before-fork");
	if (s->end.stages == 1)
		s->pid[0] = start_single(x, job, stdin_fd);
	else
		s->pipeline = start_pipeline(x, stdin_fd, s->pid);
	x->page->pid = s->pid[0];
	CRASHPOINT("slot-after-fork");
	x->page->started = job;
	if (s->end.stages > 1)
		slot_exec_open_gate(x->page);
}

/* What waitpid(2) would have told. */
static int status_of(const siginfo_t *info)
{
	int core = info->si_code == CLD_DUMPED ? WCOREFLAG : 0;
	return info->si_code == CLD_EXITED ? W_EXITCODE(info->si_status, 0)
					   : W_EXITCODE(0, info->si_status) | core;
}

bool slot_stages_look(struct slot_stages *s, struct rusage *peak)
{
	bool all = true;
	for (int i = 0; i < s->end.stages; i++) {
		siginfo_t info = { .si_pid = 0 };
		struct rusage usage = { .ru_maxrss = 0 };
		/* The system call, unlike the function, also tells what a child used that is left
		 * unreaped. */
		if (syscall(SYS_waitid, P_PID, s->pid[i], &info, WEXITED | WNOHANG | WNOWAIT,
			    &usage) == 0 &&
		    info.si_pid) {
			s->ended[i] = true;
			s->end.status[i] = status_of(&info);
		}
		if (usage.ru_maxrss > peak->ru_maxrss)
			*peak = usage;
		all = all && s->ended[i];
	}
	return all;
}

void slot_stages_collect(struct slot_stages *s, const struct rusage *peak)
{
	int *status, n;
	if (s->pipeline) {
		pipeline_wait_all(s->pipeline, &status, &n);
		for (int i = 0; i < n && i < s->end.stages; i++)
			s->end.status[i] = status[i];
		free(status);
		pipeline_free(s->pipeline);
		s->pipeline = NULL;
	} else {
		waitpid(s->pid[0], &s->end.status[0], 0);
	}
	s->collected = true;
	slot_stages_add_usage(s, peak);
}

void slot_stages_add_usage(struct slot_stages *s, const struct rusage *of)
{
	getrusage(RUSAGE_CHILDREN, &s->spent);
	struct rusage *u = &s->end.usage;
	long peak = u->ru_maxrss > of->ru_maxrss ? u->ru_maxrss : of->ru_maxrss;
	timersub(&s->spent.ru_utime, &s->before.ru_utime, &u->ru_utime);
	timersub(&s->spent.ru_stime, &s->before.ru_stime, &u->ru_stime);
	u->ru_maxrss = peak;
}

bool slot_stages_have(const struct slot_stages *s, pid_t pid)
{
	for (int i = 0; i < s->end.stages; i++)
		if (s->pid[i] == pid)
			return true;
	return false;
}

int slot_stages_unexecuted(const struct slot_stages *s, const struct slot_page *page)
{
	for (int i = 0; i < s->end.stages; i++)
		if (s->ended[i] && page->exec_errno[i])
			return i;
	return -1;
}
