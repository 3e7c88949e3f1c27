/* tests/tools/sandbox_raw: broken answers. A request's finished answer comes in; bytes go out on a
 * duplicate of its descriptor, while io/httpd holds the connection suspended and so keeps its hands
 * off. At the end the request is dropped, which closes the connection.
 *
 * Ends by itself, or when the client leaves; what has no end is bounded. */
#include "tests/tools/sandbox_raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/httpd.h"

enum { PATTERN = 64 * 1024 };

struct play {
	struct sandbox_fault fault; /* first */
	struct raw_plan plan;
	int fd;
	struct loop_watch *watch;
	struct buf out;
	size_t sent;
	int64_t endless; /* bytes of the pattern still to come */
	const char *pattern;
};

static void release(struct sandbox_request *r)
{
	struct play *p = r->fault;
	if (p->watch)
		loop_watch_free(p->watch, 1);
	else if (p->fd >= 0)
		close(p->fd);
	buf_release(&p->out);
	free(p);
}

static void finish(struct sandbox_request *r)
{
	struct play *p = r->fault;
	if (p->watch)
		loop_watch_set(p->watch, 0);
	if (p->plan.end == RAW_STALL)
		return; /* until the client leaves */
	if (p->plan.action != RAW_TRICKLE && p->plan.ms > 0) {
		int64_t wait = p->plan.ms;
		p->plan.ms = 0;
		sandbox_later(r, wait, finish);
		return;
	}
	if (p->plan.end == RAW_RESET) {
		/* Dissolving a connection's association sends RST (connect(2), AF_UNSPEC). */
		struct sockaddr none = { .sa_family = AF_UNSPEC };
		connect(p->fd, &none, sizeof none);
	} else {
		shutdown(p->fd, SHUT_WR);
	}
	sandbox_drop(r);
}

/* Writes at most `n` bytes of what is next. false when the connection is at its end. */
static bool put(struct sandbox_request *r, size_t n)
{
	struct play *p = r->fault;
	bool own = p->sent < p->out.len;
	const char *from = own ? p->out.data + p->sent : p->pattern;
	size_t left = own                    ? p->out.len - p->sent
		      : p->endless < PATTERN ? (size_t)p->endless
					     : PATTERN;
	ssize_t done = send(p->fd, from, n < left ? n : left, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (done < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	if (done > 0 && own)
		p->sent += (size_t)done;
	else if (done > 0)
		p->endless -= done;
	return true;
}

static void on_writable(void *arg, int events)
{
	struct sandbox_request *r = arg;
	struct play *p = r->fault;
	(void)events;
	if (!put(r, SIZE_MAX))
		sandbox_drop(r);
	else if (p->sent == p->out.len && p->endless == 0)
		finish(r);
}

static void on_tick(struct sandbox_request *r)
{
	struct play *p = r->fault;
	if (!put(r, (size_t)p->plan.bytes))
		sandbox_drop(r);
	else if (p->sent == p->out.len)
		finish(r);
	else
		sandbox_later(r, p->plan.ms, on_tick);
}

/* The pattern of what has no end. */
static const char *pattern_of(enum raw_action action)
{
	static char spaces[PATTERN], headers[PATTERN];
	if (!spaces[0]) {
		static const char line[] =
			"X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
		_Static_assert(PATTERN % (sizeof line - 1) == 0, "a pattern is whole lines");
		memset(spaces, ' ', sizeof spaces);
		for (size_t i = 0; i < sizeof headers; i += sizeof line - 1)
			memcpy(headers + i, line, sizeof line - 1);
	}
	return action == RAW_HEADERS ? headers : spaces;
}

/* How much of an answer is sent. */
static size_t part(const struct play *p, size_t head, size_t all)
{
	int64_t after = p->plan.after < 0 ? (int64_t)all + p->plan.after : p->plan.after;
	if (p->plan.has_after)
		return after < 0 ? 0 : after > (int64_t)all ? all : (size_t)after;
	if (p->plan.permille != RAW_UNSET)
		return all * (size_t)p->plan.permille / 1000;
	return p->plan.action == RAW_TRICKLE ? all : head + (all - head) / 2;
}

/* All that is written but the pattern. */
static int compose(struct sandbox_request *r, struct play *p)
{
	static const char garbage[] = "\x00\xff\x16\x03\x01 this is not HTTP\r\n\r\n\xfe{]";
	struct buf *out = &p->out;
	enum raw_action action = p->plan.action;
	if (action == RAW_STALL && !p->plan.has_after && p->plan.permille == RAW_UNSET)
		return 0;
	if (action == RAW_GARBAGE)
		return buf_add(out, garbage, sizeof garbage - 1);
	if (action == RAW_BYTES)
		return buf_add(out, r->answer, r->length);
	if (buf_addf(out, "HTTP/1.1 %d Scripted\r\nContent-Type: %s\r\n", r->status, r->type))
		return -1;
	if (action == RAW_STALL_HEADERS)
		return buf_adds(out, "X-Sta");
	if (action == RAW_HEADERS)
		return 0;
	if (action == RAW_ENDLESS)
		return buf_adds(out, "Connection: close\r\n\r\n{\"ok\":true,\"result\":[");
	if (r->extra_name[0] && buf_addf(out, "%s: %s\r\n", r->extra_name, r->extra_value))
		return -1;
	if (buf_addf(out, "Content-Length: %lld\r\n\r\n",
		     (long long)r->length + (long long)p->plan.more))
		return -1;
	size_t head = out->len;
	if (buf_add(out, r->answer, r->length))
		return -1;
	out->len = part(p, head, out->len);
	return 0;
}

static void play(struct sandbox_request *r)
{
	struct play *p = r->fault;
	p->fd = fcntl(httpd_descriptor(r->http), F_DUPFD_CLOEXEC, 3);
	if (p->fd < 0 || compose(r, p)) {
		sandbox_drop(r);
		return;
	}
	if (p->plan.action == RAW_TRICKLE) {
		if (p->plan.bytes < 1)
			p->plan.bytes = 1;
		sandbox_later(r, 0, on_tick);
		return;
	}
	if (p->plan.action == RAW_ENDLESS || p->plan.action == RAW_HEADERS) {
		p->endless = p->plan.bytes > 0 ? p->plan.bytes : 0;
		p->pattern = pattern_of(p->plan.action);
	}
	if (!p->out.len) {
		finish(r);
		return;
	}
	p->watch = loop_watch_new(r->sandbox->loop, p->fd, on_writable, r);
	if (p->watch)
		loop_watch_set(p->watch, LOOP_WRITE);
	else
		sandbox_drop(r);
}

int sandbox_raw_prepare(struct sandbox_request *r, const struct raw_plan *plan)
{
	struct play *p = calloc(1, sizeof *p);
	if (!p)
		return -1;
	p->plan = *plan;
	p->fd = -1;
	buf_init(&p->out, 300 << 20);
	p->fault = (struct sandbox_fault){ .answer = play, .release = release };
	r->fault = p;
	return 0;
}
