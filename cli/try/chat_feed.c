/* cli/try/chat_feed: a descriptor in, lines out. Nothing is read ahead of a reader that does not
 * ask, so a long file costs no memory. What can be waited for (pipes, terminals, sockets) is
 * watched; what always has an answer (files, /dev/null) is read at once. */
#include "cli/try/chat_feed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "update/record.h"

enum { CHUNK = 64 << 10 };

struct chat_feed {
	struct buf data;
	size_t taken;  /* bytes of `data` before the line that comes next */
	size_t looked; /* bytes of `data` known to hold no further line feed */
	int64_t line;  /* number of the line that comes next, from 1 */
	bool records;  /* lines are taken as records of updates */
	bool span;     /* which may go on over lines */
	struct loop_watch *watch;
	int fd, own_fd;
	int flags; /* of the caller's description, to be restored; -1: untouched */
	bool ended;
	const char *trouble;
};

static void on_readable(void *arg, int events)
{
	struct chat_feed *f = arg;
	(void)events;
	loop_watch_set(f->watch, 0); /* the end of this turn asks */
}

/* A description of our own, so that O_NONBLOCK is not forced on others who share it. A file's would
 * begin anew. */
static int open_anew(int fd)
{
	struct stat st;
	char path[40];
	if (fstat(fd, &st) || !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

struct chat_feed *chat_feed_new(struct loop *loop, int fd, bool records, struct err *err)
{
	struct stat st;
	struct chat_feed *f = calloc(1, sizeof *f);
	if (!f) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	buf_init(&f->data, CHAT_FEED_LINE_MAX + CHUNK);
	f->line = 1;
	f->records = records;
	f->span = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	f->own_fd = open_anew(fd);
	f->fd = f->own_fd >= 0 ? f->own_fd : fd;
	int flags = fcntl(f->fd, F_GETFL);
	/* makes it non-blocking if it can be watched */
	f->watch = loop_watch_new(loop, f->fd, on_readable, f);
	f->flags = f->watch && f->own_fd < 0 ? flags : -1;
	return f;
}

void chat_feed_free(struct chat_feed *f)
{
	if (!f)
		return;
	loop_watch_free(f->watch, f->own_fd >= 0);
	if (!f->watch && f->own_fd >= 0)
		close(f->own_fd);
	if (f->flags >= 0)
		fcntl(f->fd, F_SETFL, f->flags);
	buf_release(&f->data);
	free(f);
}

static void end(struct chat_feed *f, const char *trouble)
{
	f->ended = true;
	f->trouble = trouble;
}

/* Reads once. false: nothing is there yet. */
static bool read_more(struct chat_feed *f)
{
	buf_consume(&f->data, f->taken);
	f->looked -= f->taken;
	f->taken = 0;
	if (f->data.len >= CHAT_FEED_LINE_MAX) {
		buf_clear(&f->data);
		end(f, "a line is longer than 16 MiB");
		return true;
	}
	if (buf_reserve(&f->data, CHUNK)) {
		end(f, "out of memory");
		return true;
	}
	ssize_t n = read(f->fd, f->data.data + f->data.len, CHUNK);
	if (n > 0) {
		f->data.len += (size_t)n;
		f->data.data[f->data.len] = '\0';
		return true;
	}
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && f->watch) {
		loop_watch_set(f->watch, LOOP_READ);
		return false;
	}
	/* A terminal that hung up says EIO: that is its end. */
	end(f, n == 0 || errno == EIO ? NULL : strerror(errno));
	return true;
}

/* The bytes of the line that comes next, its line feed counted; 0: it is not whole yet. */
static size_t next_length(struct chat_feed *f)
{
	size_t left = f->data.len - f->taken;
	if (f->records) {
		size_t n = 0;
		if (left)
			n = record_length(f->data.data + f->taken, left, f->span, f->ended);
		if (n != RECORD_ENDLESS)
			return n;
		f->taken = f->data.len;
		end(f, RECORD_ENDLESS_TEXT);
		return 0;
	}
	size_t unseen = f->data.len - f->looked;
	char *feed = unseen ? memchr(f->data.data + f->looked, '\n', unseen) : NULL;
	f->looked = f->data.len;
	return feed ? (size_t)(feed - f->data.data) + 1 - f->taken : f->ended ? left : 0;
}

int chat_feed_line(struct chat_feed *f, char **line, size_t *n, int64_t *number,
		   const char **trouble)
{
	*trouble = NULL;
	*number = f->line;
	while ((*n = next_length(f)) == 0) {
		if (f->ended) {
			*trouble = f->trouble;
			return -1;
		}
		if (!read_more(f))
			return 0;
		const char *foreign = NULL;
		if (f->records && f->line == 1 && f->data.len)
			foreign = record_foreign(f->data.data, f->data.len);
		if (foreign) {
			f->taken = f->data.len;
			end(f, foreign);
		}
	}
	*line = f->data.data + f->taken;
	for (size_t i = 0; i < *n; i++)
		f->line += (*line)[i] == '\n';
	f->taken += *n;
	f->looked = f->taken;
	if (f->records)
		return 1; /* as it is: behind it the next one may begin at once */
	if (*n && (*line)[*n - 1] == '\n')
		--*n;
	if (*n && (*line)[*n - 1] == '\r')
		--*n;
	(*line)[*n] = '\0';
	return 1;
}
