/* tests/unit/http_rig.h: a server on loopback that misbehaves as the path of the request asks: a
 * process with a thread for each connection. */
#ifndef TGRUN_TESTS_HTTP_RIG_H
#define TGRUN_TESTS_HTTP_RIG_H

#include <arpa/inet.h>
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

/* Reads one request, head and body, into `request`; returns its length, 0 at the end. */
static size_t take_request(int fd, char *request, size_t max)
{
	size_t n = 0, need = SIZE_MAX;
	while (n < need && n < max - 1) {
		ssize_t got = recv(fd, request + n, max - 1 - n, 0);
		if (got <= 0)
			return 0;
		n += (size_t)got;
		if (request[0] != 'P')
			return 0;
		request[n] = '\0';
		char *end = strstr(request, "\r\n\r\n"),
		     *length = strcasestr(request, "\r\ncontent-length: ");
		if (end)
			need = (size_t)(end + 4 - request) +
			       (length ? strtoul(length + 18, NULL, 10) : 0);
	}
	return n;
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

/* Returns whether the connection goes on. */
static bool misbehave(int fd, const char *what, const char *request, int connection)
{
	char text[1024];
	if (!strncmp(what, "ok", 2)) {
		snprintf(text, sizeof text, "connection %d", connection);
		answer(fd, "200 OK", "Content-Type: application/json\r\n", text);
	} else if (!strncmp(what, "echo", 4)) {
		answer(fd, "200 OK", "", request);
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

static void *serve_connection(void *arg)
{
	int fd = (int)(intptr_t)arg;
	static _Thread_local char request[65536];
	pthread_mutex_lock(&count_mutex);
	int connection = ++connections;
	pthread_mutex_unlock(&count_mutex);
	while (take_request(fd, request, sizeof request)) {
		pthread_mutex_lock(&count_mutex);
		hits++;
		pthread_mutex_unlock(&count_mutex);
		const char *what = strstr(request, SECRET "/");
		if (!what || !misbehave(fd, what + strlen(SECRET "/"), request, connection))
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

#endif
