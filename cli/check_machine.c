/* cli/check_machine: what the machine leaves to a run, for tgrun check: the number of processes
 * that it would need in; a sentence out when that is too much. What is counted is what can be seen;
 * what cannot (processes of this user in another container) is not guessed. Invariant: nothing is
 * started, opened for longer or raised. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/check_machine.h"
#include "cli/setup/start.h"
#include "io/procs.h"

/* The number behind `name` in a file of the kernel's, or its first if `name` is ""; -1: none ("max"
 * is none, too). */
static long number_in(const char *path, const char *name)
{
	char line[256];
	long number = -1;
	FILE *file = fopen(path, "re");
	while (file && number < 0 && fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0 &&
		    sscanf(line + strlen(name), "%ld", &number) != 1)
			number = -1;
	if (file)
		fclose(file);
	return number;
}

/* Threads of this user, all that RLIMIT_NPROC counts. -1: it cannot be told. */
static long count_threads(void)
{
	struct procs all = { 0 };
	long sum = procs_all(&all) ? -1 : 0;
	for (size_t i = 0; sum >= 0 && i < all.count; i++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/%d/status", (int)all.pids[i]);
		long threads = number_in(path, "Uid:") == (long)getuid()
				       ? number_in(path, "Threads:")
				       : 0;
		sum += threads > 0 ? threads : 0;
	}
	procs_release(&all);
	return sum;
}

/* How many more processes may be started; LONG_MAX: no bound is known. *what is what bounds them.
 */
static long processes_left(const char **what)
{
	struct rlimit limit;
	long left = LONG_MAX, used;
	char path[PATH_MAX] = "", file[PATH_MAX + 64];
	/* Root is not held to it. */
	if (getuid() != 0 && getrlimit(RLIMIT_NPROC, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY && (used = count_threads()) >= 0) {
		left = (long)limit.rlim_cur - used;
		*what = "this user's limit (ulimit -u)";
	}
	/* "0::/PATH", of cgroups version 2; each group above may have a bound of its own. */
	FILE *groups = fopen("/proc/self/cgroup", "re");
	while (groups && fgets(file, sizeof file, groups))
		if (strncmp(file, "0::/", 4) == 0)
			snprintf(path, sizeof path, "%.*s", (int)strcspn(file + 3, "\n"), file + 3);
	if (groups)
		fclose(groups);
	for (char *end = path + strlen(path); *path; end = strrchr(path, '/')) {
		*end = '\0';
		snprintf(file, sizeof file, "/sys/fs/cgroup%s/pids.max", path);
		long max = number_in(file, "");
		snprintf(file, sizeof file, "/sys/fs/cgroup%s/pids.current", path);
		used = number_in(file, "");
		if (max >= 0 && used >= 0 && max - used < left) {
			left = max - used;
			*what = "the control group's limit (pids.max, TasksMax)";
		}
	}
	return left < 0 ? 0 : left;
}

int check_machine_stops(int slots, struct err *err)
{
	const char *what = "";
	if (procs_check(err) || start_has_room(slots, err))
		return -1;
	long left = processes_left(&what);
	if (left < slots)
		return err_set(
			err, ERR_INTERNAL,
			"%d processes (--concurrency, which --bypass doubles, and --workers) are forked at the start, and %s leaves %ld; raise it or "
			"lower them",
			slots, what, left);
	return 0;
}

int check_machine_hampers(int slots, struct err *err)
{
	const char *what = "";
	long left = processes_left(&what);
	if (left < 2L * slots)
		return err_set(
			err, ERR_INTERNAL,
			"%s leaves %ld processes: beside the %d that are forked at the start, not all handlers can run "
			"at once",
			what, left, slots);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(
			err, ERR_INTERNAL, errno,
			"no control socket can be made, and no sub-command will reach the run");
	close(fd);
	return 0;
}
