/* slot/slot_start: a job's stages are forked: what they are to execute comes in, their pids go out.
 *
 * A pipeline is started by libpipeline, a single program without it. A fork that is refused ends
 * the slot, and the runner sees that the job's number never came into the page: nothing of it has
 * run. */
#include <errno.h>
#include <unistd.h>

#include <pipeline.h>

#include "slot/slot.h"

/* By vfork(2), which copies no page tables; a fork of a process that has libcurl mapped costs more
 * than all else that is done for an update. Until the child executes, it has this memory, and this
 * process stands still; should that last (a program on a file system that hangs), the runner kills
 * this slot, which does not take its orders, and the child with it (PR_SET_PDEATHSIG). POSIX lets
 * such a child do nothing but execute; on Linux it may make any system call, and this one does no
 * more. */
pid_t slot_start_single(const struct slot_exec *x, uint64_t job, int stdin_fd)
{
	pid_t pid = vfork();
	/* NOLINTBEGIN(clang-analyzer-unix.Vfork): the rule is that of POSIX */
	if (pid == 0) {
		/* From here on the program may run, whatever becomes of this slot before it
		 * is told. */
		x->page->pid = getpid();
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
} stages;

static void run_stage(void *number)
{
	slot_exec_stage(stages.exec, *(int *)number);
}

struct pipeline *slot_start_pipeline(const struct slot_exec *x, int stdin_fd, pid_t pids[])
{
	pipeline *p = pipeline_new();
	stages.exec = x;
	pipeline_ignore_signals(p, 0);
	pipeline_want_in(p, stdin_fd);
	for (int i = 0; i < x->command->stages; i++) {
		stages.number[i] = i;
		pipeline_command(p, pipecmd_new_function(x->command->argv[i][0], run_stage, NULL,
							 &stages.number[i]));
	}
	pipeline_start(p); /* ends this process when it cannot fork */
	for (int i = 0; i < x->command->stages; i++)
		pids[i] = pipeline_get_pid(p, i);
	return p;
}
