/* slot/slot_exec: the child of a slot between fork and exec. In: a command and a job's variables.
 * Out: the handler's program, or an errno in the shared page.
 *
 * Whatever the slot and tgrun are like inside, the program finds the session of its own that the
 * caller began, default signals, an empty mask, and no descriptor but 0, 1, 2 (and 3 when one was
 * given). No stage executes before every stage was forked. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "slot/slot.h"

enum { VAR_LONG = 128 }; /* bytes of a variable that is left out when the kernel takes no more */

static bool same_name(const char *a, const char *b)
{
	while (*a == *b && *a != '=')
		a++, b++;
	return *a == *b;
}

char **slot_exec_environment(const struct command_view *command, char *vars, size_t length,
			     size_t *count)
{
	/* The job's begin with few letters, and nearly all others with another one: this is done
	 * for each start, before it. */
	bool begins[UCHAR_MAX + 1] = { false };
	size_t mine = 0, n = 0;
	for (char *p = vars; p < vars + length; p += strlen(p) + 1, mine++)
		if (!strchr(p, '='))
			return NULL;
	char **envp = calloc(mine + command->env_count + 1, sizeof *envp);
	if (!envp)
		return NULL;
	for (char *p = vars; p < vars + length; p += strlen(p) + 1) {
		envp[n++] = p;
		begins[(unsigned char)*p] = true;
	}
	*count = n;
	for (size_t i = 0; i < command->env_count; i++) {
		char *variable = command->env[i];
		bool looks = begins[(unsigned char)*variable], replaced = false;
		for (size_t j = 0; looks && j < mine && !replaced; j++)
			replaced = same_name(envp[j], variable);
		if (!replaced)
			envp[n++] = variable;
	}
	return envp;
}

void slot_exec_open_gate(struct slot_page *page)
{
	page->gate = 1;
	syscall(SYS_futex, &page->gate, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Should the slot die meanwhile, PR_SET_PDEATHSIG ends the wait. */
static void wait_at_gate(struct slot_page *page)
{
	while (!page->gate)
		syscall(SYS_futex, &page->gate, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void keep_from_exec(int first)
{
	if (!close_range((unsigned)first, ~0U, CLOSE_RANGE_CLOEXEC))
		return;
	/* the slot itself has a dozen, and a pipe's end for each stage */
	for (int fd = first; fd < 256; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int set_limit(int what, uint64_t soft, uint64_t hard)
{
	struct rlimit now;
	if (!soft)
		return 0;
	if (getrlimit(what, &now))
		return -1;
	return setrlimit(what, &(struct rlimit){ soft, hard < now.rlim_max ? hard : now.rlim_max });
}

static int set_limits(const struct slot_limits *l)
{
	errno = 0;
	if (l->nice && nice((int)l->nice) == -1 && errno)
		return -1;
	return set_limit(RLIMIT_AS, l->memory, l->memory) ||
			       set_limit(RLIMIT_CPU, l->cpu, l->cpu + 1) ||
			       set_limit(RLIMIT_NOFILE, l->files, l->files) ||
			       set_limit(RLIMIT_NPROC, l->processes, l->processes)
		       ? -1
		       : 0;
}

static bool is_named(const char *variable, const char *name)
{
	size_t n = strlen(name);
	return strncmp(variable, name, n) == 0 && variable[n] == '=';
}

/* Takes out of the job's variables what is long. What is left is of numbers and words, and much the
 * same for each update. */
static void shorten(char **envp, size_t vars)
{
	static char truncated[] = "TG_TEXT_TRUNCATED=1";
	size_t n = 0;
	for (size_t i = 0; envp[i]; i++) {
		if (i >= vars ||
		    (strlen(envp[i]) <= VAR_LONG && !is_named(envp[i], "TG_TEXT_TRUNCATED")))
			envp[n++] = envp[i];
		else if (is_named(envp[i], "TG_TEXT"))
			envp[n++] = truncated;
	}
	envp[n] = NULL;
}

_Noreturn void slot_exec_stage(const struct slot_exec *x, int stage)
{
	sigset_t none;
	sigemptyset(&none);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != x->slot)
		_exit(127);
	wait_at_gate(x->page);
	if (x->command->dir && chdir(x->command->dir))
		goto fail;
	if (x->extra_fd >= 0 && !x->extra_is_stdout && dup2(x->extra_fd, 3) < 0)
		goto fail;
	if (x->extra_fd >= 0 && x->extra_is_stdout && stage == x->command->stages - 1 &&
	    dup2(x->extra_fd, STDOUT_FILENO) < 0)
		goto fail;
	if (x->nofile.rlim_cur)
		setrlimit(RLIMIT_NOFILE, &x->nofile);
	if (set_limits(&x->command->limits))
		goto fail;
	keep_from_exec(x->extra_fd >= 0 && !x->extra_is_stdout ? 4 : 3);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Not execvp(3): it would have a shell run a file that has no interpreter. */
	execve(x->command->path[stage], x->command->argv[stage], x->envp);
	if (errno == E2BIG) {
		shorten(x->envp, x->vars);
		execve(x->command->path[stage], x->command->argv[stage], x->envp);
	}
fail:
	x->page->exec_errno[stage] = errno;
	_exit(127);
}
