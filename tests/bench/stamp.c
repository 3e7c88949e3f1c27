/* tests/bench/stamp: a handler that tells when it began: its first act is to look at the monotonic
 * clock. In: a file or a FIFO. Out: a line in it, in nanoseconds. Linked statically, as the
 * smallest program is. */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec t;
	char line[64];
	clock_gettime(CLOCK_MONOTONIC, &t);
	int n = snprintf(line, sizeof line, "%lld\n", (long long)t.tv_sec * 1000000000 + t.tv_nsec);
	int fd = argc == 2 ? open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
	return fd < 0 || write(fd, line, (size_t)n) != n;
}
