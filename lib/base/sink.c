/* base/sink: whole lines come in, bytes go out to a descriptor that may be full, closed or stuck.
 *
 * Nothing here waits: each kind of descriptor is written in the one way that cannot block. What is
 * not written yet waits in memory that was allocated at the start, so taking a line cannot fail for
 * lack of it. */
#include "base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pipe takes this much whole or not at all (PIPE_BUF), so lines do not mix with those of others.
 */
enum { CHUNK = 4096 };

enum way {
	WAY_NONE, /* nobody wants it */
	/* a regular file, which never waits, or an open file description of our own that does not
	   block */
	WAY_WRITE,
	WAY_SEND, /* a socket: not blocking can be asked for with each call */
	WAY_POLL, /* could not be opened anew: ask first, and write little */
};

struct sink {
	int fd;
	bool own_fd;
	enum way way;
	bool midline;      /* what was written last does not end a line */
	bool torn;         /* the rest of that line was thrown away */
	size_t start, end; /* what waits: data[start..end) */
	char data[SINK_MAX];
};

static void choose_way(struct sink *s, int fd)
{
	struct stat st;
	if (fd < 0 || fstat(fd, &st))
		return;
	s->fd = fd;
	s->way = WAY_POLL;
	if (S_ISREG(st.st_mode))
		s->way = WAY_WRITE;
	if (S_ISSOCK(st.st_mode))
		s->way = WAY_SEND;
	if (s->way != WAY_POLL)
		return;
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int own = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0)
		return;
	s->fd = own;
	s->own_fd = true;
	s->way = WAY_WRITE;
}

struct sink *sink_new(int fd)
{
	struct sink *s = malloc(sizeof *s); /* pages of data that are never used cost nothing */
	if (!s)
		return NULL;
	memset(s, 0, offsetof(struct sink, data));
	s->fd = -1;
	choose_way(s, fd);
	return s;
}

void sink_free(struct sink *s)
{
	if (!s)
		return;
	uint64_t lost = 0;
	sink_flush(s, &lost);
	if (s->own_fd)
		close(s->fd);
	free(s);
}

int sink_add(struct sink *s, const char *line, size_t n, size_t room)
{
	if (s->way == WAY_NONE)
		return 0;
	size_t used = s->end - s->start;
	if (n + s->torn + room > SINK_MAX - used)
		return -1;
	if (n + s->torn > SINK_MAX - s->end) {
		memmove(s->data, s->data + s->start, used);
		s->start = 0;
		s->end = used;
	}
	if (s->torn)
		s->data[s->end++] = '\n';
	s->torn = false;
	memcpy(s->data + s->end, line, n);
	s->end += n;
	return 0;
}

/* How much to write next: as many whole lines as fit a chunk, else a part of one. */
static size_t next_chunk(const struct sink *s)
{
	const char *from = s->data + s->start;
	size_t n = s->end - s->start;
	if (n <= CHUNK)
		return n;
	const char *feed = memrchr(from, '\n', CHUNK);
	return feed ? (size_t)(feed - from) + 1 : CHUNK;
}

static ssize_t write_some(const struct sink *s, size_t n)
{
	const char *from = s->data + s->start;
	if (s->way == WAY_SEND)
		return send(s->fd, from, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (s->way == WAY_POLL) {
		struct pollfd p = { .fd = s->fd, .events = POLLOUT };
		if (poll(&p, 1, 0) <= 0) {
			errno = EAGAIN;
			return -1;
		}
	}
	return write(s->fd, from, n);
}

/* Whoever should read is gone, or the disk is full: forget all, so that the next line is a fresh
 * try. */
static void throw_away(struct sink *s, uint64_t *lost)
{
	/* A line feed in the first place ends a line that was torn before, and counted then. */
	for (size_t i = s->start + 1; i < s->end; i++)
		*lost += s->data[i] == '\n';
	s->torn = s->midline;
	s->start = s->end = 0;
}

int sink_flush(struct sink *s, uint64_t *lost)
{
	while (s->start < s->end) {
		ssize_t n = write_some(s, next_chunk(s));
		if (n > 0) {
			s->start += (size_t)n;
			s->midline = s->data[s->start - 1] != '\n';
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return s->fd;
		throw_away(s, lost);
	}
	s->start = s->end = 0;
	return -1;
}
