/* tests/unit/sandbox_rig: a sandbox on a clock of the test's own, and calls to it. For the tests of
 * the sandbox alone. */
#ifndef TGRUN_TESTS_UNIT_SANDBOX_RIG_H
#define TGRUN_TESTS_UNIT_SANDBOX_RIG_H

#include "sandbox/sandbox.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/tap.h"

#define TOKEN "42:secret"

struct test {
	struct clock clock; /* first: the clock's functions get its address */
	int64_t now;
	struct loop *loop;
	struct sandbox *sandbox;
	int limit, timeout, status;
	size_t count;
	char method[64], result[4096];
};

static int64_t now(const struct clock *c)
{
	return ((const struct test *)c)->now;
}

static void on_polled(void *arg, const struct sandbox_poll *poll)
{
	struct test *t = arg;
	t->limit = poll->limit, t->timeout = poll->timeout, t->status = poll->status,
	t->count = poll->count;
}

static void on_called(void *arg, const struct sandbox_call *call)
{
	struct test *t = arg;
	snprintf(t->method, sizeof t->method, "%s", call->method);
	snprintf(t->result, sizeof t->result, "%s",
		 call->result ? call->result : call->description);
}

static void open_loop(struct test *t)
{
	struct err err;
	t->clock = (struct clock){ now, now };
	t->now = 1000000;
	t->loop = loop_new(&err);
}

static int ask(struct test *t, const char *method_and_query)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)atoi(
					       strrchr(sandbox_url(t->sandbox), ':') + 1)) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char request[1024];
	int n = snprintf(request, sizeof request,
			 "GET /bot" TOKEN "/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			 method_and_query);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) ||
	    send(fd, request, (size_t)n, 0) != n)
		exit(1);
	return fd;
}

/* The body that comes on `fd` until it is closed; the loop turns meanwhile. NULL after ten seconds.
 * Valid until the next call. */
static const char *answer(struct test *t, int fd)
{
	static struct buf got;
	char piece[65536];
	int64_t deadline = clock_system.mono(&clock_system) + 10000;
	buf_release(&got);
	buf_init(&got, 64 << 20);
	for (ssize_t n = -1; n != 0;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (clock_system.mono(&clock_system) > deadline)
			return NULL;
		loop_turn(t->loop, 0);
		poll(&p, 1, 1);
		while ((n = recv(fd, piece, sizeof piece, MSG_DONTWAIT)) > 0)
			buf_add(&got, piece, (size_t)n);
	}
	close(fd);
	const char *body = strstr(buf_str(&got), "\r\n\r\n");
	return body ? body + 4 : "";
}

static const char *call(struct test *t, const char *method_and_query)
{
	return answer(t, ask(t, method_and_query));
}

__attribute__((unused)) static void start(struct test *t, bool penalties)
{
	struct err err;
	struct sandbox_config config = {
		.token = TOKEN,
		.first_id = 100,
		.no_penalties = !penalties,
		.clock = &t->clock,
		.called = on_called,
		.polled = on_polled,
		.arg = t,
	};
	sandbox_free(t->sandbox);
	t->sandbox = sandbox_new(t->loop, &config, &err);
	if (!t->sandbox) {
		diag("%s", err.text);
		exit(1);
	}
}

#endif
