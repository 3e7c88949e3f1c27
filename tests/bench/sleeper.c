/* tests/bench/sleeper: a handler that mostly waits, as for an answer of the Bot API. In: an update
 * whose text is "37 ms". Out: so long it slept; a line in BENCH_STAMPS says from when, which is its
 * first instruction, until when. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/stamp.h"

static long number_after(const char *text, const char *name)
{
	const char *p = strstr(text, name);
	return p ? strtol(p + strlen(name), NULL, 10) : 0;
}

int main(void)
{
	int64_t begun = stamp_now();
	char in[4096], line[STAMP_LENGTH + 1];
	ssize_t n = read(0, in, sizeof in - 1);
	const char *path = getenv("BENCH_STAMPS");
	int fd = path ? open(path, O_WRONLY | O_APPEND) : -1;
	if (n <= 0 || fd < 0)
		return 64;
	in[n] = '\0';
	long ms = number_after(in, "\"text\":\"");
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
	int length = snprintf(line, sizeof line, STAMP_FORMAT, number_after(in, "\"update_id\":"),
			      (long long)begun, (long long)stamp_now());
	return write(fd, line, (size_t)length) == length ? 0 : 74;
}
