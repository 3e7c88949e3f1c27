/* tests/bench/null: the client that does nothing: what the load server can do at the most. In:
 * BENCH_URL. Out: everything was fetched, and confirmed by the next request; ends with the first
 * answer that is empty. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char in[1024 * 1024];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int connect_to(const char *url)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const char *port = url ? strrchr(url, ':') : NULL;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	a.sin_port = htons((uint16_t)(port ? atoi(port + 1) : 0));
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a))
		die("connect");
	return fd;
}

/* Fetches what follows an offset; the last update's id, 0 if there was none. */
static long fetch(int fd, long offset)
{
	char request[256];
	size_t have = 0, whole = 0;
	int n = snprintf(
		request, sizeof request,
		"GET /bot1:bench/getUpdates?offset=%ld&limit=100 HTTP/1.1\r\nHost: bench\r\n\r\n",
		offset);
	if (write(fd, request, (size_t)n) != n)
		die("write");
	while (!whole || have < whole) {
		ssize_t got = read(fd, in + have, sizeof in - 1 - have);
		if (got <= 0)
			die("read");
		have += (size_t)got;
		in[have] = '\0';
		const char *body = whole ? NULL : strstr(in, "\r\n\r\n"),
			   *length = body ? strstr(in, "Content-Length: ") : NULL;
		if (length)
			whole = (size_t)(body + 4 - in) + strtoul(length + 16, NULL, 10);
	}
	static const char name[] = "\"update_id\":";
	for (char *p = in + have - sizeof name; p > in; p--)
		if (memcmp(p, name, sizeof name - 1) == 0)
			return atol(p + sizeof name - 1);
	return 0;
}

int main(void)
{
	int fd = connect_to(getenv("BENCH_URL"));
	long last, offset = 0;
	while ((last = fetch(fd, offset)) > 0)
		offset = last + 1;
	return close(fd) != 0;
}
