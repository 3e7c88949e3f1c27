/* tests/unit/http_rig.h: a server on loopback that misbehaves as the path of the request asks, or
 * as a proxy, as the host of a CONNECT asks: a process with a thread for each connection. And what
 * a test's requests against it get. */
#ifndef TGRUN_TESTS_HTTP_RIG_H
#define TGRUN_TESTS_HTTP_RIG_H

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/http.h"
#include "io/loop.h"

/* Stands in every URL, and must stand in no message. */
#define SECRET "SECRETPART"

enum { PARALLEL = 50 /* requests for `together` are answered when so many have come */ };

static int port;
static pthread_mutex_t count_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t count_cond = PTHREAD_COND_INITIALIZER;
static int connections, hits, waiting;

static void say(int fd, const char *text)
{
	for (size_t n = strlen(text); n;) {
		ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
		if (sent <= 0)
			pthread_exit(NULL);
		text += sent;
		n -= (size_t)sent;
	}
}

static void answer(int fd, const char *status, const char *headers, const char *body)
{
	char head[65536];
	snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status,
		 strlen(body), headers);
	say(fd, head);
	say(fd, body);
}

struct request {
	char text[65536]; /* head and body, as far as there is room */
	size_t got, whole;
};

/* Reads one request, head and body; false at the end. */
static bool take_request(int fd, struct request *r)
{
	char *request = r->text;
	r->got = 0;
	r->whole = SIZE_MAX;
	while (r->got < r->whole && r->got < sizeof r->text - 1) {
		ssize_t got = recv(fd, request + r->got, sizeof r->text - 1 - r->got, 0);
		if (got <= 0)
			return false;
		r->got += (size_t)got;
		if (request[0] != 'P' && request[0] != 'C')
			return false;
		request[r->got] = '\0';
		char *end = strstr(request, "\r\n\r\n"),
		     *length = strcasestr(request, "\r\ncontent-length: ");
		if (end)
			r->whole = (size_t)(end + 4 - request) +
				   (length ? strtoul(length + 18, NULL, 10) : 0);
	}
	return true;
}

static uint32_t sum_of(uint32_t sum, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum = (sum ^ (unsigned char)bytes[i]) * 16777619;
	return sum;
}

/* Reads what had no room, and answers with the length of the body and its sum. */
static void answer_sum(int fd, struct request *r)
{
	const char *body = strstr(r->text, "\r\n\r\n") + 4;
	size_t head = (size_t)(body - r->text);
	uint32_t sum = sum_of(0, body, r->got - head);
	char text[64], some[4096];
	while (r->got < r->whole) {
		ssize_t n = recv(fd, some, sizeof some, 0);
		if (n <= 0)
			pthread_exit(NULL);
		sum = sum_of(sum, some, (size_t)n);
		r->got += (size_t)n;
	}
	snprintf(text, sizeof text, "%zu bytes, %08x", r->whole - head, sum);
	answer(fd, "200 OK", "", text);
}

static void wait_for_all(void)
{
	pthread_mutex_lock(&count_mutex);
	waiting++;
	pthread_cond_broadcast(&count_cond);
	while (waiting < PARALLEL)
		pthread_cond_wait(&count_cond, &count_mutex);
	pthread_mutex_unlock(&count_mutex);
}

/* Times, and the seconds that they are at least; `later0` and so on. */
static const struct {
	const char *value;
	int64_t seconds;
} laters[] = {
	{ "5", 5 },
	{ " \t5 ", 5 },
	{ " 5s", 0 },
	{ " +5", 0 },
	{ " 5, 6", 0 },
	{ " Fri, 31 Dec 9999 23:59:59 GMT", 0 },
	{ "", 0 },
	{ " 9223372036854775808", 1000000 },
	{ " 99999999999999999999999999", 1000000 },
};
enum { LATERS = sizeof laters / sizeof *laters };

/* Heads of answers that end before their empty line, all but the first; `head0` and so on. */
static const char *const heads[] = {
	"HTTP/1.0 200 OK\r\n\r\n",
	"HTTP/1.1 200 OK\r\n",
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
	"HTTP/1.1 200 OK\r\nContent-Ty",
	"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
	"HTTP/1.0 200 OK\r\n",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
	"HTTP/1.1 103 Early Hints\r\n\r\n",
	"HTTP/1.1 404 Not Found\r\n",
	"HTTP/1.1 2",
};
enum { HEADS = sizeof heads / sizeof *heads };

/* Returns whether the connection goes on. */
static bool misbehave(int fd, const char *what, struct request *r, int connection)
{
	char text[1024];
	if (!strncmp(what, "ok", 2)) {
		snprintf(text, sizeof text, "connection %d", connection);
		answer(fd, "200 OK", "Content-Type: application/json\r\n", text);
	} else if (!strncmp(what, "last", 4)) {
		answer(fd, "200 OK", "", "and no more");
		return false;
	} else if (!strncmp(what, "echo", 4)) {
		answer(fd, "200 OK", "", r->text);
	} else if (!strncmp(what, "result", 6)) {
		answer(fd, "200 OK", "", "{\"ok\":true,\"result\":{\"message_id\":7}}");
	} else if (!strncmp(what, "later", 5) && what[5] >= '0' && what[5] <= '9') {
		snprintf(text, sizeof text, "Retry-After:%s\r\n", laters[what[5] - '0'].value);
		answer(fd, "503 Busy", text, "");
	} else if (!strncmp(what, "busy", 4)) {
		answer(fd, "503 Busy", "Retry-After: 7\r\nkeep-alive: max=3, Timeout=5\r\n", "");
	} else if (!strncmp(what, "forbidden", 9)) {
		answer(fd, "403 Forbidden", "",
		       "{\"ok\":false,\"error_code\":403,\"description\":\"Forbidden: /bot1:" SECRET
		       "\"}");
	} else if (!strncmp(what, "sum", 3)) {
		answer_sum(fd, r);
	} else if (!strncmp(what, "early", 5)) {
		answer(fd, "413 Request Entity Too Large", "Connection: close\r\n", "too large");
		while (recv(fd, text, sizeof text, 0) > 0)
			;
		return false;
	} else if (!strncmp(what, "hits", 4)) {
		snprintf(text, sizeof text, "%d", hits);
		answer(fd, "200 OK", "", text);
	} else if (!strncmp(what, "error", 5)) {
		answer(fd, "502 Bad Gateway", "Content-Type: text/html\r\n", "<html>");
	} else if (!strncmp(what, "empty", 5)) {
		answer(fd, "204 No Content", "", "");
	} else if (!strncmp(what, "chunked", 7)) {
		say(fd,
		    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n");
	} else if (!strncmp(what, "gzip", 4)) {
		answer(fd, "200 OK", "Content-Encoding: gzip\r\n", "\x1f\x8b raw");
	} else if (!strncmp(what, "bytes", 5)) {
		for (const char *p = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"; *p; p++)
			say(fd, (char[]){ *p, '\0' });
	} else if (!strncmp(what, "head", 4) && what[4] >= '0' && what[4] <= '9') {
		say(fd, heads[what[4] - '0']);
		return false;
	} else if (!strncmp(what, "cut", 3)) {
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
		return false;
	} else if (!strncmp(what, "reset", 5)) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
			   sizeof(struct linger));
		return false;
	} else if (!strncmp(what, "nothing", 7)) {
		return false;
	} else if (!strncmp(what, "silent", 6)) {
		pause();
	} else if (!strncmp(what, "stall", 5)) {
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
		pause();
	} else if (!strncmp(what, "endless", 7)) {
		say(fd, "HTTP/1.1 200 OK\r\n\r\n");
		for (;;)
			say(fd, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	} else if (!strncmp(what, "announced", 9)) {
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n");
		for (int i = 0; i < 100001; i++)
			say(fd, "x");
	} else if (!strncmp(what, "headers", 7)) {
		say(fd, "HTTP/1.1 200 OK\r\n");
		for (;;)
			say(fd,
			    "X-More: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n");
	} else if (!strncmp(what, "longline", 8) || !strncmp(what, "longstatus", 10)) {
		say(fd, what[4] == 's' ? "HTTP/1.1 200 " : "HTTP/1.1 200 OK\r\nX: ");
		for (;;)
			say(fd, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	} else if (!strncmp(what, "garbage", 7)) {
		say(fd, "SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n");
		return false;
	} else if (!strncmp(what, "redirect", 8)) {
		snprintf(text, sizeof text, "Location: http://127.0.0.1:%d/bot1:" SECRET "/ok\r\n",
			 port);
		answer(fd, "302 Found", text, "");
	} else if (!strncmp(what, "login", 5)) {
		answer(fd, "401 Unauthorized",
		       "WWW-Authenticate: Basic realm=\"x\"\r\nSet-Cookie: a=b\r\n", "no");
	} else if (!strncmp(what, "together", 8)) {
		wait_for_all();
		answer(fd, "200 OK", "", "all");
	}
	return true;
}

/* What a proxy does with a CONNECT. */
static void misbehave_proxy(int fd, const char *host)
{
	if (!strncmp(host, "refused", 7)) {
		answer(fd, "407 Proxy Authentication Required",
		       "Proxy-Authenticate: Basic realm=\"x\"\r\n", "no");
	} else if (!strncmp(host, "broken", 6)) {
		answer(fd, "502 Bad Gateway", "", "no");
	} else if (!strncmp(host, "stalled", 7)) {
		pause();
	} else if (!strncmp(host, "open", 4)) {
		say(fd, "HTTP/1.1 200 Connection established\r\n\r\n");
		pause();
	}
}

static void *serve_connection(void *arg)
{
	int fd = (int)(intptr_t)arg;
	static _Thread_local struct request request;
	pthread_mutex_lock(&count_mutex);
	int connection = ++connections;
	pthread_mutex_unlock(&count_mutex);
	while (take_request(fd, &request)) {
		if (!strncmp(request.text, "CONNECT ", 8)) {
			misbehave_proxy(fd, request.text + 8);
			break;
		}
		pthread_mutex_lock(&count_mutex);
		hits++;
		pthread_mutex_unlock(&count_mutex);
		const char *what = strstr(request.text, SECRET "/");
		if (!what || !misbehave(fd, what + strlen(SECRET "/"), &request, connection))
			break;
	}
	close(fd);
	return NULL;
}

static pid_t start_server(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	if (bind(fd, (struct sockaddr *)&a, n) || listen(fd, 200) ||
	    getsockname(fd, (struct sockaddr *)&a, &n))
		exit(1);
	port = ntohs(a.sin_port);
	pid_t pid = fork();
	if (pid) {
		close(fd);
		return pid;
	}
	for (;;) {
		pthread_t thread;
		int connection = accept(fd, NULL, NULL);
		if (connection >= 0 && pthread_create(&thread, NULL, serve_connection,
						      (void *)(intptr_t)connection) == 0)
			pthread_detach(thread);
	}
}

/* ---- the client ---- */

/* A resolver of our own, which libcurl calls: one name never resolves, others fail at once. */

static pthread_mutex_t stuck = PTHREAD_MUTEX_INITIALIZER;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **result)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	if (node && strcmp(node, "stuck.invalid") == 0) {
		pthread_mutex_lock(&stuck);
		pthread_mutex_unlock(&stuck);
	}
	if (node && strstr(node, ".invalid"))
		return EAI_NONAME;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, result);
}

static struct loop *loop;
static struct http *http;

struct result {
	int called;
	enum http_failure failure;
	int status;
	bool asked, stale, timed_out;
	int64_t retry_after, keep_alive;
	size_t length;
	bool terminated;
	char body[4096], type[64], reason[512];
	struct http_request **cancel; /* on being called */
};

__attribute__((unused)) static void on_done(void *arg, struct http_response *response)
{
	struct result *r = arg;
	r->called++;
	r->failure = response->failure;
	r->status = response->status;
	r->asked = response->asked;
	r->stale = response->stale;
	r->timed_out = response->timed_out;
	r->retry_after = response->retry_after;
	r->keep_alive = response->keep_alive;
	r->length = response->length;
	r->terminated = response->body[response->length] == '\0';
	snprintf(r->body, sizeof r->body, "%s", response->body);
	snprintf(r->type, sizeof r->type, "%s", response->content_type);
	snprintf(r->reason, sizeof r->reason, "%s", response->reason);
	if (r->cancel && *r->cancel) {
		http_cancel(*r->cancel);
		*r->cancel = NULL;
	}
}

__attribute__((unused)) static const char *path_url(const char *what)
{
	static char url[256];
	snprintf(url, sizeof url, "http://127.0.0.1:%d/bot1:" SECRET "/%s", port, what);
	return url;
}

/* Turns the loop until `*called` reaches `count`, at most 20 s. */
static void wait_until(const int *called, int count)
{
	int64_t end = clock_system.mono(&clock_system) + 20000;
	struct loop_timer *wake = loop_timer_new(loop, (void (*)(void *))(void *)abort, NULL);
	loop_timer_set(wake, 60000);
	while (*called < count && clock_system.mono(&clock_system) < end)
		loop_turn(loop, 1);
	loop_timer_free(wake);
}

#endif
