/* tests/tools/probe: a handler for tests of order: what it is given goes into a log that all of them share, one line when it starts and one
 * when it ends, each by one write(2) with O_APPEND. So the order of the lines is the order of the events, and an interval in the log lies
 * within the handler's true one.
 *
 *   probe LOG [MICROSECONDS [EVERY]]    works for a time up to that long; each EVERYth update's first attempt ends with 75
 *
 * Lines, fields between tabs: start|end, update id, keys, pid, attempt, microseconds, exit status ("-" at the start). */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : "-";
}

static int say(int fd, const char *what, const char *status)
{
	char line[1024];
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	int n = snprintf(line, sizeof line, "%s\t%s\t%s\t%ld\t%s\t%" PRId64 "\t%s\n", what, variable("TG_UPDATE_ID"), variable("TG_KEY"),
			 (long)getpid(), variable("TG_ATTEMPT"), (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, status);
	return n < (int)sizeof line && write(fd, line, (size_t)n) == n ? 0 : -1;
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd < 0 || say(fd, "start", "-"))
		return 100;
	unsigned id = (unsigned)strtoul(variable("TG_UPDATE_ID"), NULL, 10);
	unsigned longest = argc > 2 ? (unsigned)atoi(argv[2]) : 0, every = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
	if (longest)
		usleep(id * 2654435761u % longest);
	bool fails = every && id % every == 0 && strcmp(variable("TG_ATTEMPT"), "1") == 0;
	if (say(fd, "end", fails ? "75" : "0"))
		return 100;
	return fails ? 75 : 0;
}
