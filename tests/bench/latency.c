/* tests/bench/latency: how long an idle machine takes from the cause of a handler to the handler's
 * first instruction.
 *
 *   latency spawn COUNT GAP FIFO PROGRAM   the cause is posix_spawn(3), here: what the machine
 *                                          itself takes
 *   latency serve COUNT GAP FIFO PORTFILE  the cause is an answer to an open long poll: a Bot API
 *                                          with one update at a time
 *
 * The handler, `PROGRAM FIFO`, writes a line to the FIFO: when it began (stamp.c), or anything,
 * then it is the line's arrival that counts. GAP: milliseconds in which nothing happens before
 * each. Out: a line for each, in microseconds. Whatever waits, waits 20 s at most. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 20000, CONNECTIONS = 8, REQUEST_MAX = 65536 };

extern char **environ;

static int fifo;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "latency: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void rest(int ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

/* Tells how long it took from `since` to the line that is in the FIFO. */
static void tell(int64_t since)
{
	char line[64];
	int64_t at = now();
	ssize_t n = read(fifo, line, sizeof line - 1);
	if (n <= 0)
		die("the FIFO");
	line[n] = '\0';
	int64_t stamp = strtoll(line, NULL, 10);
	printf("%.1f\n", (double)((stamp ? stamp : at) - since) / 1e3);
}

/* ---- spawn ---- */

static void spawn_one(char *program, char *name)
{
	static const char line[] = "{\"update_id\":1}\n";
	posix_spawn_file_actions_t actions;
	char *argv[] = { program, name, NULL };
	struct pollfd p = { .fd = fifo, .events = POLLIN };
	int in[2], status;
	pid_t pid;
	if (pipe2(in, O_CLOEXEC) || write(in[1], line, sizeof line - 1) < 0 ||
	    posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_adddup2(&actions, in[0], 0))
		die("pipe");
	close(in[1]);
	int64_t since = now();
	if (posix_spawn(&pid, program, &actions, NULL, argv, environ))
		die(program);
	if (poll(&p, 1, PATIENCE) != 1)
		die("the program says nothing");
	tell(since);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	if (waitpid(pid, &status, 0) != pid || status)
		die("the program failed");
}

/* ---- serve ---- */

struct connection {
	int fd;
	size_t length;
	char bytes[REQUEST_MAX + 1];
};

static struct connection connections[CONNECTIONS];
static int listener, parked = -1; /* the connection with an open long poll */

static void answer(int fd, const char *result)
{
	char text[1024];
	int n = snprintf(
		text, sizeof text,
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n{\"ok\":true,\"result\":%s}",
		strlen(result) + strlen("{\"ok\":true,\"result\":}"), result);
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		die("send");
}

static void take_request(struct connection *c)
{
	char *end = strstr(c->bytes, "\r\n\r\n"),
	     *length = strcasestr(c->bytes, "\r\ncontent-length:");
	if (!end ||
	    (length && c->length < (size_t)(end + 4 - c->bytes) + strtoul(length + 17, NULL, 10)))
		return;
	*strchr(c->bytes, '\r') = '\0';
	if (strstr(c->bytes, "/getMe "))
		answer(c->fd,
		       "{\"id\":1,\"is_bot\":true,\"first_name\":\"b\",\"username\":\"bench_bot\"}");
	else if (strstr(c->bytes, "/getWebhookInfo "))
		answer(c->fd,
		       "{\"url\":\"\",\"has_custom_certificate\":false,\"pending_update_count\":0}");
	else if (strstr(c->bytes, "/getUpdates "))
		parked = c->fd;
	else
		answer(c->fd, "true");
	c->length = 0;
}

static void read_some(struct connection *c)
{
	ssize_t n = read(c->fd, c->bytes + c->length, REQUEST_MAX - c->length);
	if (n <= 0) {
		if (parked == c->fd)
			parked = -1;
		close(c->fd);
		c->fd = 0;
		return;
	}
	c->length += (size_t)n;
	c->bytes[c->length] = '\0';
	take_request(c);
}

static void take_connection(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), one = 1;
	for (int i = 0; i < CONNECTIONS && fd >= 0; i++)
		if (!connections[i].fd) {
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
			connections[i] = (struct connection){ .fd = fd };
			return;
		}
	die("accept");
}

/* Serves until the FIFO has a line (`line`) or a long poll is open. */
static void serve_until(bool line)
{
	int64_t deadline = now() + PATIENCE * INT64_C(1000000);
	for (;;) {
		struct pollfd p[CONNECTIONS + 2] = { { fifo, line ? POLLIN : 0, 0 },
						     { listener, POLLIN, 0 } };
		if (!line && parked >= 0)
			return;
		for (int i = 0; i < CONNECTIONS; i++)
			p[i + 2] = (struct pollfd){ connections[i].fd ? connections[i].fd : -1,
						    POLLIN, 0 };
		if (now() > deadline || poll(p, CONNECTIONS + 2, PATIENCE) <= 0)
			die(line ? "no handler says anything" : "nobody polls");
		if (p[0].revents)
			return;
		if (p[1].revents)
			take_connection();
		for (int i = 0; i < CONNECTIONS; i++)
			if (p[i + 2].revents)
				read_some(&connections[i]);
	}
}

static void serve_one(int number)
{
	char update[256];
	snprintf(
		update, sizeof update,
		"[{\"update_id\":%d,\"message\":{\"message_id\":%d,\"date\":0,\"chat\":{\"id\":5,\"type\":\"private\"},"
		"\"text\":\"number %d\"}}]",
		number, number, number);
	int fd = parked;
	parked = -1;
	int64_t since = now();
	answer(fd, update);
	serve_until(true);
	tell(since);
}

static void open_port(const char *file)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *f = fopen(file, "we");
	if (!f || listener < 0 || bind(listener, (struct sockaddr *)&a, n) || listen(listener, 8) ||
	    getsockname(listener, (struct sockaddr *)&a, &n))
		die(file);
	fprintf(f, "%d\n", ntohs(a.sin_port));
	fclose(f);
}

int main(int argc, char **argv)
{
	bool serve = argc == 6 && strcmp(argv[1], "serve") == 0;
	int count = argc == 6 ? atoi(argv[2]) : 0, gap = argc == 6 ? atoi(argv[3]) : 0;
	if (count <= 0 || (!serve && strcmp(argv[1], "spawn") != 0)) {
		fputs("usage: latency spawn|serve COUNT GAP FIFO PROGRAM|PORTFILE\n", stderr);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	fifo = open(argv[4], O_RDWR | O_CLOEXEC); /* for writing too, so that it never ends */
	if (fifo < 0)
		die(argv[4]);
	if (serve)
		open_port(argv[5]);
	for (int i = 1; i <= count; i++) {
		if (serve)
			serve_until(false);
		rest(gap);
		if (serve)
			serve_one(i);
		else
			spawn_one(argv[5], argv[4]);
	}
	return fflush(stdout) ? 1 : 0;
}
