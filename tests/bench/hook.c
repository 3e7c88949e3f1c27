/* tests/bench/hook: a webhook's server that does nothing. In: requests over kept connections, each
 * with a Content-Length. Out: the port, a line; each request is answered 200 when it has arrived
 * whole. Ends by a signal. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_MAX = 64 * 1024, EVENTS = 64 };

struct connection {
	int fd;
	size_t have;
	char in[IN_MAX];
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int listen_on_any(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) || listen(fd, 4096) ||
	    getsockname(fd, (struct sockaddr *)&a, &n))
		die("listen");
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

static void watch(int poll, int fd, void *what)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = what };
	if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
}

static void take_connection(int poll, int listener)
{
	int one = 1;
	struct connection *c = calloc(1, sizeof *c);
	if (!c || (c->fd = accept(listener, NULL, NULL)) < 0)
		die("accept");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	watch(poll, c->fd, c);
}

/* Answers what is whole. False: the connection is over. */
static int serve(struct connection *c)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	ssize_t n = read(c->fd, c->in + c->have, sizeof c->in - 1 - c->have);
	if (n <= 0)
		return 0;
	c->have += (size_t)n;
	c->in[c->have] = '\0';
	const char *end = strstr(c->in, "\r\n\r\n"),
		   *length = strcasestr(c->in, "\r\ncontent-length: ");
	if (!end || !length)
		return 1;
	size_t whole = (size_t)(end + 4 - c->in) + strtoul(length + 18, NULL, 10);
	if (c->have < whole)
		return 1;
	c->have = 0; /* nobody sends the next before the answer */
	return write(c->fd, answer, sizeof answer - 1) == (ssize_t)sizeof answer - 1;
}

int main(void)
{
	int listener = listen_on_any(), poll = epoll_create1(0);
	watch(poll, listener, NULL);
	for (;;) {
		struct epoll_event events[EVENTS];
		int n = epoll_wait(poll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;
			if (!c)
				take_connection(poll, listener);
			else if (!serve(c)) {
				close(c->fd);
				free(c);
			}
		}
	}
}
