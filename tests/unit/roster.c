/* tests/unit/roster: the slots of an earlier run are found again, named, woken and ended; what only
 * has their number, or their place in a copied file, is not. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/procs.h"
#include "io/roster.h"
#include "tests/tap.h"

/* A process called `name` with a child below it, neither of which ever ends by itself. */
static pid_t start(const char *name)
{
	int ready[2];
	char c;
	if (pipe2(ready, O_CLOEXEC))
		exit(1);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, "tg-below");
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void)!write(ready[1], "x", 1);
			for (;;)
				pause();
		}
		prctl(PR_SET_NAME, name);
		(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	if (read(ready[0], &c, 1) != 1 || read(ready[0], &c, 1) != 1)
		exit(1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static char state_of(pid_t pid)
{
	char path[64], text[256] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool there = fd >= 0 && read(fd, text, sizeof text - 1) > 0;
	if (fd >= 0)
		close(fd);
	return there ? strrchr(text, ')')[2] : '-';
}

/* Waits until the process is in one of these states. */
static bool comes_to(pid_t pid, const char *states)
{
	int64_t until = clock_system.mono(&clock_system) + 20000;
	while (!strchr(states, state_of(pid)) && clock_system.mono(&clock_system) < until)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return strchr(states, state_of(pid)) != NULL;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	char path[] = "/tmp/roster-test-XXXXXX", names[256], want[128];
	struct roster r = { 0 };
	int fd = mkstemp(path);
	if (fd < 0 || unlink(path))
		return 1;
	is_num(roster_read(&r, fd, "1-2"), 0, "a file that holds no list is one of nobody");
	is_num(r.count, 0, "… and names nobody");
	ok(roster_namespace(fd) == 0, "… and is of no name space");
	pid_t slot = start("tg-slot"), other = start("tg-keeper"), last = start("tg-slot");
	roster_begin(fd, "1-2");
	roster_set(fd, 900, last);
	roster_set(fd, 1, slot);
	roster_set(fd, 2, other);
	roster_read(&r, fd, "1-2");
	is_num(r.count, 2,
	       "the slots of the list that live, whatever their numbers; not what has become "
	       "something else");
	ok(r.slots[0].pid == slot && r.slots[1].pid == last, "in their order");
	ok(roster_namespace(fd) == procs_namespace(), "the list is of this name space");
	struct roster copy = { 0 };
	roster_read(&copy, fd, "1-3");
	is_num(copy.count, 0, "a copy in another directory names nobody");
	roster_release(&copy);

	snprintf(want, sizeof want, "tg-slot (%d), ", (int)slot);
	roster_name(&r, names, sizeof names);
	ok(strstr(names, "tg-below (") == names && strstr(names, want),
	   "they are named, with what is below them: %s", names);
	char little[40];
	roster_name(&r, little, sizeof little);
	ok(strlen(little) < sizeof little, "as far as there is room: %s", little);

	kill(slot, SIGSTOP);
	ok(comes_to(slot, "T"), "one of them is stopped");
	roster_wake(&r, false);
	ok(comes_to(slot, "S"), "it is woken");
	ok(comes_to(last, "S") && kill(last, 0) == 0, "and nothing is killed");
	for (int i = 0; i < 2000 && !strchr("Z-", state_of(slot)); i++) {
		roster_wake(&r, true);
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	ok(comes_to(slot, "Z") && comes_to(last, "Z"),
	   "then they are ended, and what is below them before");
	ok(comes_to(other, "S"), "what is no slot is left alone");
	roster_read(&r, fd, "1-2");
	is_num(r.count, 0, "who has ended is not in the list, even when nobody has waited for him");
	waitpid(slot, NULL, 0);
	waitpid(last, NULL, 0);

	/* The number is another's now: written down as one that began at another time. */
	char line[64];
	pid_t stranger = start("tg-slot");
	snprintf(line, sizeof line, "%12d %25d\n", (int)stranger, 1);
	ok(pwrite(fd, line, strlen(line), 160) == 39, "an entry is a line of 39 bytes");
	roster_read(&r, fd, "1-2");
	is_num(r.count, 0, "a process with the number of one that ended is a stranger");
	end(stranger);
	end(other);
	roster_release(&r);
	close(fd);
	return done_testing();
}
