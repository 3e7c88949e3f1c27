/* tests/unit/leftover: what an earlier run left over is found by its environment and killed; all
 * others are spared. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "slot/leftover.h"
#include "tests/tap.h"

/* Starts `sleep` in a session of its own with one entry after `padding` bytes of others; returns
 * when it has it. */
static pid_t sleeper(const char *entry, size_t padding, const char *name)
{
	int gate[2];
	if (pipe2(gate, O_CLOEXEC))
		abort();
	pid_t pid = fork();
	if (pid == 0) {
		char *big[40] = { 0 };
		size_t n = 0;
		for (; padding && n < 30; padding -= padding < 100000 ? padding : 100000) {
			size_t size = padding < 100000 ? padding : 100000;
			big[n] = calloc(1, size + 3);
			memset(big[n], 'A', size + 2);
			big[n++][1] = '=';
		}
		big[n] = strdup(entry);
		setsid();
		if (name) { /* a keeper: the child below it is what matters */
			prctl(PR_SET_NAME, name);
			pid_t child = fork();
			if (child) {
				close(gate[1]);
				waitpid(child, NULL, 0);
				_exit(0);
			}
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		}
		execve("/bin/sleep", (char *[]){ "sleep", "1000", NULL }, big);
		_exit(1);
	}
	close(gate[1]);
	char c;
	ok(read(gate[0], &c, 1) == 0, "a process with %.40s is there", entry); /* closed by exec */
	close(gate[0]);
	return pid;
}

/* Whether it still runs; waits for it if it does not. A killed process is gone in no time, but not
 * in none. */
static bool runs(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

static bool dies(pid_t pid)
{
	int64_t until = clock_system.mono(&clock_system) + 20000;
	while (clock_system.mono(&clock_system) < until) {
		if (!runs(pid))
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return false;
}

int main(void)
{
	struct err err = { 0 };
	char dir[64], entry[8][128];
	snprintf(dir, sizeof dir, "unit-%d", (int)getpid());
	snprintf(entry[0], sizeof entry[0], "TG_RUN_ID=%s.old", dir);
	snprintf(entry[1], sizeof entry[1], "TG_RUN_ID=%s.new", dir);
	snprintf(entry[2], sizeof entry[2], "TG_RUN_ID=%s9.old", dir);
	snprintf(entry[3], sizeof entry[3], "XTG_RUN_ID=%s.old", dir);
	snprintf(entry[4], sizeof entry[4], "OTHER=TG_RUN_ID=%s.old", dir);
	snprintf(entry[5], sizeof entry[5], "TG_RUN_ID=%s.longer.old", dir);

	is_num(leftover_kill(dir, "new", 10000, &err), 0,
	       "where nothing was left over nothing is killed");
	pid_t old = sleeper(entry[0], 0, NULL), large = sleeper(entry[0], 1500000, NULL);
	pid_t spared[] = { sleeper(entry[1], 0, NULL), sleeper(entry[2], 0, NULL),
			   sleeper(entry[3], 0, NULL), sleeper(entry[4], 0, NULL),
			   sleeper(entry[5], 0, NULL), sleeper(entry[0], 0, "tg-keeper") };
	static const char *const why[] = { "of this run",
					   "of another directory",
					   "with another variable",
					   "with the mark inside a value",
					   "of a directory whose name goes on",
					   "that a keeper keeps" };
	/* The test's own environment carries the mark, too. */
	setenv("TG_RUN_ID", strchr(entry[0], '=') + 1, 1);
	is_num(leftover_kill(dir, "new", 10000, &err), 2,
	       "both processes of the earlier run are killed");
	ok(dies(old), "one in a session of its own");
	ok(dies(large), "one whose mark stands after 1.5 MB of other variables");
	for (size_t i = 0; i < sizeof spared / sizeof spared[0]; i++)
		ok(runs(spared[i]), "a process %s is spared", why[i]);
	for (size_t i = 0; i < sizeof spared / sizeof spared[0]; i++) {
		kill(spared[i], SIGKILL);
		waitpid(spared[i], NULL, 0);
	}
	return done_testing();
}
