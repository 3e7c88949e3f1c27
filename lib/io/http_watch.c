/* io/http_watch: the descriptors that curl works with. It has its connections opened and closed
 * here, and says what it waits for; what happens to them goes to the client.
 *
 * Invariants: a watch ends before its descriptor is closed, and no child inherits one. The watch of
 * a connection goes on between two requests, when curl waits for nothing: to end it and to begin it
 * anew is eight calls of the system. What comes meanwhile ends it, for curl looks at a connection
 * before it uses it again. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/http_internal.h"

/* Bytes that the end of a connection counts for, at most. */
enum { PLAIN_END = 1, TLS_END = 32 };

struct watched {
	struct http *http;
	curl_socket_t fd;
	struct loop_watch *watch; /* NULL: none yet */
	bool opened;              /* here, and closed here; others (of curl's resolver) it closes */
	bool wanted;              /* curl waits for something */
	bool writes;              /* that is also for room to write, as while it connects */
	uint64_t rested;          /* bytes that had come when a body's answer ended; 0: not known */
};

static struct watched *find(const struct http *h, curl_socket_t fd)
{
	return (size_t)fd < h->watched_room ? h->watched[fd] : NULL;
}

/* Has room for the descriptor's number. 0, or -1 when memory is out. */
static int make_room(struct http *h, curl_socket_t fd)
{
	size_t room = h->watched_room ? h->watched_room : 64;
	while (room <= (size_t)fd)
		room *= 2;
	if (room == h->watched_room)
		return 0;
	struct watched **watched = realloc(h->watched, room * sizeof *watched);
	if (!watched)
		return -1;
	for (size_t i = h->watched_room; i < room; i++)
		watched[i] = NULL;
	h->watched = watched;
	h->watched_room = room;
	return 0;
}

static struct watched *add(struct http *h, curl_socket_t fd)
{
	struct watched *w = make_room(h, fd) ? NULL : calloc(1, sizeof *w);
	if (!w)
		return NULL;
	w->http = h;
	w->fd = fd;
	return h->watched[fd] = w;
}

static void drop(struct watched *w, int close_fd)
{
	w->http->watched[w->fd] = NULL;
	if (w->watch)
		loop_watch_free(w->watch, close_fd);
	else if (close_fd)
		close(w->fd);
	free(w);
}

static void on_ready(void *arg, int events)
{
	struct watched *w = arg;
	if (!w->wanted) {
		loop_watch_set(w->watch, 0);
		return;
	}
	/* `w` may be gone after this. */
	w->http->ready(w->http, w->fd,
		       (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
			       (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

/* A watch cannot be had (errno): the request ends, in the next turn, since curl is at work in this
 * one. */
static int cannot_watch(CURL *easy)
{
	struct http_request *r = NULL;
	int why = errno;
	if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &r) == CURLE_OK && r) {
		r->socket_errno = why;
		r->unwatched = true;
		loop_timer_set(r->silent, 0);
	}
	return 0;
}

static bool answered(CURL *easy)
{
	long status = 0;
	return curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status;
}

/* Bytes that came over a connection so far, and one for its end; 0: the kernel does not tell. */
static uint64_t received_by(curl_socket_t fd)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof info;
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) ? 0 : info.tcpi_bytes_received;
}

/* A request with a body is over on this connection. curl tells nothing of less than a line, so
 * whether an answer had begun is told by the bytes that came since the connection rested: more than
 * its end takes, which with TLS is a record of its own. */
static void note_bytes(struct watched *w, CURL *easy)
{
	struct http_request *r = NULL;
	if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &r) != CURLE_OK || !r || !r->sending.pieces)
		w->rested = 0;
	else if (answered(easy))
		w->rested = received_by(w->fd);
	else if (w->rested)
		r->begun = received_by(w->fd) > w->rested + (r->tls ? TLS_END : PLAIN_END);
}

int http_watch_set(CURL *easy, curl_socket_t fd, int what, void *arg, void *kept)
{
	struct http *h = arg;
	struct watched *w = find(h, fd);
	(void)kept;
	if (what == CURL_POLL_REMOVE) {
		if (w && w->opened)
			note_bytes(w, easy);
		/* A connection that is not made yet, its handshake too, curl closes by itself. */
		if (w && w->opened && !w->writes && answered(easy))
			w->wanted = false;
		else if (w)
			drop(w, 0);
		return 0;
	}
	if (!w && !(w = add(h, fd)))
		return cannot_watch(easy);
	if (!w->watch && !(w->watch = loop_watch_new(h->loop, fd, on_ready, w))) {
		int why = errno;
		if (!w->opened)
			drop(w, 0);
		errno = why;
		return cannot_watch(easy);
	}
	w->wanted = true;
	w->writes = what & CURL_POLL_OUT;
	loop_watch_set(w->watch, (what & CURL_POLL_IN ? LOOP_READ : 0) |
					 (what & CURL_POLL_OUT ? LOOP_WRITE : 0));
	return 0;
}

curl_socket_t http_watch_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_request *r = arg;
	(void)purpose;
	r->opened = true;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	struct watched *w = fd < 0 ? NULL : find(r->http, fd);
	if (w) /* curl has closed the one that had this number, before it waited for anything */
		drop(w, 0);
	w = fd < 0 ? NULL : add(r->http, fd);
	if (w) {
		w->opened = true;
		return fd;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
		r->socket_errno = errno;
	if (fd >= 0)
		close(fd);
	return CURL_SOCKET_BAD;
}

int http_watch_close(void *arg, curl_socket_t fd)
{
	struct watched *w = find(arg, fd);
	if (w)
		drop(w, 1);
	else
		close(fd);
	return 0;
}

void http_watch_forget(struct http *h)
{
	for (size_t i = 0; i < h->watched_room; i++)
		if (h->watched[i])
			drop(h->watched[i], 0);
	free(h->watched);
}
