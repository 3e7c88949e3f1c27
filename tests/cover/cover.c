/* tests/cover/cover: linked into every program of `make cover`: counters of processes that end
 * without exit(3) are written too.
 *
 * In: _exit(2) and execve(2) of the program, by the linker's --wrap. Out: the counters of the
 * process in its .gcda files, then the real call. Slots are forked and end by _exit(2); a stage of
 * a pipeline is forked and executes. A child of vfork(2) has its parent's memory: what it counted
 * is there, and it writes nothing. What is killed by SIGKILL is lost. */
#include <pthread.h>
#include <sys/types.h>
#include <unistd.h>

void __gcov_dump(void);
void __gcov_reset(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
int __real_execve(const char *path, char *const argv[], char *const envp[]);
int __wrap_execve(const char *path, char *const argv[], char *const envp[]);

static pid_t owner; /* of this memory */

/* What was counted before the fork is its parent's to write. vfork(2) calls no such functions. */
static void in_child(void)
{
	owner = getpid();
	__gcov_reset();
}

__attribute__((constructor)) static void begin(void)
{
	owner = getpid();
	pthread_atfork(NULL, NULL, in_child);
}

static void write_counters(void)
{
	if (owner != getpid())
		return;
	__gcov_dump();
	__gcov_reset();
}

void __wrap__exit(int status)
{
	write_counters();
	__real__exit(status);
}

int __wrap_execve(const char *path, char *const argv[], char *const envp[])
{
	write_counters();
	return __real_execve(path, argv, envp);
}
