/* tests/unit/lines: a file is read a piece a turn of the loop, so that what else there is to do has
 * its turn between. */
#include <fcntl.h>
#include <unistd.h>

#include "source/lines.h"
#include "tests/tap.h"

enum { LINES = 3000, LINE = 100 }; /* of bytes each: five pieces of 64 KiB */

static struct {
	size_t updates;
	bool full, ended;
} seen;

static int take(void *arg, const struct slice *items, size_t count, int64_t offset, size_t *fresh)
{
	(void)arg, (void)items, (void)offset;
	seen.updates += *fresh = count;
	return 0;
}

static int may_ask(void *arg, bool confirms)
{
	(void)arg, (void)confirms;
	return seen.full ? -1 : 0;
}

static void nothing(void *arg)
{
	(void)arg;
}

static void ended(void *arg, int status, const char *text)
{
	(void)arg, (void)text;
	seen.ended = status == 0;
}

static int file_of_updates(void)
{
	char path[] = "/tmp/tgrun-lines.XXXXXX", line[LINE + 1];
	int fd = mkstemp(path);
	if (fd < 0 || unlink(path))
		exit(1);
	for (int i = 1; i <= LINES; i++) {
		int n = snprintf(line, sizeof line, "{\"update_id\":%d}", i);
		memset(line + n, ' ', LINE - (size_t)n);
		line[LINE - 1] = '\n';
		if (write(fd, line, LINE) != LINE)
			exit(1);
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static uint64_t pieces(const struct source *s)
{
	struct source_counts counts;
	s->ops->counts(s, &counts);
	return counts.requests;
}

int main(void)
{
	struct err err;
	struct loop *loop = loop_new(&err);
	struct lines_config config = {
		.loop = loop,
		.clock = &clock_system,
		.fd = file_of_updates(),
		.name = "updates",
		.line = 1,
		.events = { .batch = take,
			    .may_ask = may_ask,
			    .ready = nothing,
			    .ended = ended,
			    .stopped = nothing },
	};
	struct source *s = lines_new(&config, &err);
	s->ops->start(s);
	loop_turn(loop, 0);
	is_num((int64_t)pieces(s), 1, "one piece is read in the first turn");
	ok(seen.updates > 0 && seen.updates < LINES, "and its lines are handed over");
	loop_turn(loop, 0);
	is_num((int64_t)pieces(s), 2, "another one in the second");

	seen.full = true;
	for (int i = 0; i < 20; i++)
		loop_turn(loop, 0);
	is_num((int64_t)pieces(s), 3, "no more is read while what was read is not taken");
	seen.full = false;
	s->ops->resume(s);
	for (int i = 0; i < 20 && !seen.ended; i++)
		loop_turn(loop, 0);
	ok(seen.ended, "and it goes on to the end");
	is_num((int64_t)seen.updates, LINES, "with each line handed over once");
	s->ops->free(s);
	loop_free(loop);
	return done_testing();
}
