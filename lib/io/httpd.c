/* io/httpd: in: connections on loopback, from libmicrohttpd, whose epoll descriptor is watched on
 * the program's loop. Out: whole requests; and the owner's answers, whenever they come.
 *
 * Invariant: every request is in h->requests until libmicrohttpd says that it is over, and is
 * answered, dropped, or suspended: never forgotten. */
#include "io/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "io/httpd_internal.h"

enum {
	CONNECTION_MEMORY = 256 * 1024,
	WAIT_MAX = 60000,         /* milliseconds */
	STREAM_PIECE = 16 * 1024, /* bytes of an answer that are read at a time */
	ROOM = 16, /* connections beyond those that count: closed to make room, not gone yet */
};

static void pump(struct httpd *h)
{
	MHD_UNSIGNED_LONG_LONG wait;
	h->resumed = false;
	MHD_run(h->daemon);
	/* libmicrohttpd does not count a connection that was resumed from within as something to
	 * do. */
	if (h->resumed)
		loop_timer_set(h->timer, 0);
	else if (MHD_get_timeout(h->daemon, &wait) == MHD_YES)
		loop_timer_set(h->timer, (int64_t)(wait < WAIT_MAX ? wait : WAIT_MAX));
	else
		loop_timer_set(h->timer, -1);
}

static void on_ready(void *arg, int events)
{
	(void)events;
	pump(arg);
}

static void on_time(void *arg)
{
	pump(arg);
}

/* ---- requests ---- */

static void on_completed(void *arg, struct MHD_Connection *c, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct httpd *h = arg;
	struct httpd_request *r = *state;
	(void)c, (void)code;
	*state = NULL;
	if (!r)
		return;
	httpd_connections_move(r, &h->idle);
	list_remove(&r->link);
	if (r->tag)
		h->events->ended(r->tag);
	loop_watch_free(r->gone, 1);
	if (r->response)
		MHD_destroy_response(r->response);
	free(r);
}

/* Something comes on a suspended connection, at which libmicrohttpd does not look meanwhile. */
static void on_gone(void *arg, int events)
{
	struct httpd_request *r = arg;
	char c;
	ssize_t n = recv(httpd_descriptor(r), &c, 1, MSG_PEEK | MSG_DONTWAIT);
	(void)events;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		r->server->events->gone(r->tag);
		httpd_drop(r);
	} else if (n > 0) {
		loop_watch_set(r->gone, 0); /* its next request, early */
	}
}

static void suspend(struct httpd_request *r)
{
	MHD_suspend_connection(r->connection);
	r->suspended = true;
	int fd = fcntl(httpd_descriptor(r), F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return;
	r->gone = loop_watch_new(r->server->loop, fd, on_gone, r);
	if (r->gone)
		loop_watch_set(r->gone, LOOP_READ);
	else
		close(fd);
}

static void resume(struct httpd_request *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	loop_watch_free(r->gone, 1);
	r->gone = NULL;
	MHD_resume_connection(r->connection);
	r->server->resumed = true;
	loop_timer_set(r->server->timer, 0);
}

static enum MHD_Result begin(struct httpd *h, struct httpd_request *r)
{
	const char *announced = httpd_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
	bool too_large = announced && strtoull(announced, NULL, 10) > h->config.body_max;
	r->tag = h->events->begin(h->arg, r, too_large);
	return r->tag ? MHD_YES : MHD_NO;
}

/* libmicrohttpd calls this for the head of a request, for each piece of its body, for its end, and
 * again when its connection was resumed. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
				  const char *verb, const char *version, const char *bytes,
				  size_t *length, void **state)
{
	struct httpd *h = arg;
	struct httpd_request *r = *state;
	(void)version;
	if (h->closing)
		return MHD_NO;
	if (!r) {
		*state = r = calloc(1, sizeof *r);
		if (!r)
			return MHD_NO;
		*r = (struct httpd_request){
			.server = h, .connection = c, .path = url, .verb = verb
		};
		list_init(&r->link);
		list_add_before(&h->requests, &r->link);
		httpd_connections_move(r, &h->readers);
		if (begin(h, r) != MHD_YES || r->dropped)
			return MHD_NO;
		return r->response ? MHD_queue_response(c, (unsigned)r->status, r->response)
				   : MHD_YES;
	}
	if (*length) {
		r->size += *length;
		if (r->size > h->config.body_max || h->events->body(r->tag, bytes, *length))
			return MHD_NO;
		*length = 0;
		return MHD_YES;
	}
	if (!r->whole) {
		r->whole = true;
		httpd_connections_move(r, &h->busy);
		h->events->whole(r->tag);
	}
	if (r->dropped)
		return MHD_NO;
	if (r->response)
		return MHD_queue_response(c, (unsigned)r->status, r->response);
	suspend(r);
	return MHD_YES;
}

const char *httpd_path(const struct httpd_request *r)
{
	return r->path;
}

const char *httpd_verb(const struct httpd_request *r)
{
	return r->verb;
}

const char *httpd_header(const struct httpd_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

struct query {
	void (*fn)(void *arg, const char *name, const char *value);
	void *arg;
};

static enum MHD_Result on_query(void *arg, enum MHD_ValueKind kind, const char *name,
				const char *value)
{
	const struct query *q = arg;
	(void)kind;
	q->fn(q->arg, name, value ? value : "");
	return MHD_YES;
}

void httpd_query(const struct httpd_request *r,
		 void (*fn)(void *arg, const char *name, const char *value), void *arg)
{
	struct query q = { fn, arg };
	MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, on_query, &q);
}

int httpd_descriptor(const struct httpd_request *r)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	return info ? info->connect_fd : -1;
}

static void send_answer(struct httpd_request *r, const struct httpd_answer *answer,
			struct MHD_Response *response)
{
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
	if (answer->name && answer->name[0])
		MHD_add_response_header(response, answer->name, answer->value);
	if (answer->close)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	r->response = response;
	r->status = answer->status;
	resume(r);
}

void httpd_answer(struct httpd_request *r, const struct httpd_answer *answer)
{
	struct MHD_Response *response = NULL;
	if (!r->response && !r->dropped && answer->body)
		response = MHD_create_response_from_buffer(answer->length, answer->body,
							   MHD_RESPMEM_MUST_FREE);
	if (response) {
		send_answer(r, answer, response);
		return;
	}
	free(answer->body);
	if (!r->response)
		httpd_drop(r);
}

void httpd_answer_file(struct httpd_request *r, const struct httpd_answer *answer, int fd,
		       uint64_t length)
{
	struct MHD_Response *response = NULL;
	if (!r->response && !r->dropped)
		response = MHD_create_response_from_fd64(length, fd);
	if (response) {
		send_answer(r, answer, response);
		return;
	}
	close(fd);
	if (!r->response)
		httpd_drop(r);
}

/* MHD_ContentReaderCallback */
static ssize_t read_stream(void *arg, uint64_t at, char *out, size_t max)
{
	struct httpd_request *r = arg;
	(void)at;
	if (r->dropped)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	ssize_t n = r->read(r->tag, out, max);
	switch (n) {
	case HTTPD_END:
		return MHD_CONTENT_READER_END_OF_STREAM;
	case HTTPD_CUT:
		return MHD_CONTENT_READER_END_WITH_ERROR;
	case HTTPD_LATER:
		suspend(r);
		return 0;
	default:
		return n;
	}
}

void httpd_answer_stream(struct httpd_request *r, const struct httpd_answer *answer,
			 uint64_t length, ssize_t (*read)(void *tag, char *out, size_t max))
{
	struct MHD_Response *response = NULL;
	if (!r->response && !r->dropped)
		response = MHD_create_response_from_callback(length == HTTPD_UNKNOWN
								     ? MHD_SIZE_UNKNOWN
								     : length,
							     STREAM_PIECE, read_stream, r, NULL);
	r->read = read;
	if (response)
		send_answer(r, answer, response);
	else if (!r->response)
		httpd_drop(r);
}

void httpd_more(struct httpd_request *r)
{
	resume(r);
}

void httpd_drop(struct httpd_request *r)
{
	r->dropped = true;
	resume(r);
}

/* ---- life ---- */

static enum MHD_Result on_accept(void *arg, const struct sockaddr *from, socklen_t length)
{
	struct httpd *h = arg;
	(void)from, (void)length;
	return !h->events->accept || h->events->accept(h->arg) ? MHD_YES : MHD_NO;
}

static int listen_on(struct httpd *h, struct err *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)h->config.port) };
	bool adopts = h->config.port == HTTPD_ADOPTS;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
			 (adopts ? MHD_USE_NO_LISTEN_SOCKET : 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	h->daemon = MHD_start_daemon(flags, 0, on_accept, h, on_request, h, MHD_OPTION_SOCK_ADDR,
				     (struct sockaddr *)&address, MHD_OPTION_NOTIFY_COMPLETED,
				     on_completed, h, MHD_OPTION_NOTIFY_CONNECTION,
				     httpd_connections_notify, h, MHD_OPTION_CONNECTION_LIMIT,
				     (unsigned)(h->config.connections_max + (adopts ? ROOM : 0)),
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				     MHD_OPTION_CONNECTION_TIMEOUT,
				     (unsigned)h->config.idle_seconds, MHD_OPTION_END);
	if (!h->daemon)
		return adopts ? err_set(err, ERR_INTERNAL, "the HTTP server cannot be set up")
			      : err_sys(err, ERR_UNAVAILABLE, errno,
					"cannot listen on 127.0.0.1, port %d", h->config.port);
	const union MHD_DaemonInfo *bound = MHD_get_daemon_info(h->daemon,
								MHD_DAEMON_INFO_BIND_PORT);
	const union MHD_DaemonInfo *epoll = MHD_get_daemon_info(h->daemon,
								MHD_DAEMON_INFO_EPOLL_FD);
	if ((!bound && !adopts) || !epoll)
		return err_set(err, ERR_INTERNAL,
			       "the HTTP server tells neither its port nor its descriptor");
	if (!adopts)
		h->config.port = bound->port;
	h->watch = loop_watch_new(h->loop, epoll->epoll_fd, on_ready, h);
	h->timer = loop_timer_new(h->loop, on_time, h);
	if (!h->watch || !h->timer)
		return err_set(err, ERR_INTERNAL, "out of memory");
	loop_watch_set(h->watch, LOOP_READ);
	loop_timer_set(h->timer, 0);
	return 0;
}

struct httpd *httpd_new(struct loop *loop, const struct httpd_config *config,
			const struct httpd_events *events, void *arg, struct err *err)
{
	if (httpd_library_load(err))
		return NULL;
	struct httpd *h = calloc(1, sizeof *h);
	if (!h) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	*h = (struct httpd){ .loop = loop, .config = *config, .events = events, .arg = arg };
	list_init(&h->requests);
	list_init(&h->readers);
	list_init(&h->idle);
	list_init(&h->busy);
	if (!listen_on(h, err))
		return h;
	httpd_free(h);
	return NULL;
}

void httpd_free(struct httpd *h)
{
	if (!h)
		return;
	h->closing = true;
	/* A daemon must not be stopped while a connection is suspended. */
	for (struct list *l = h->requests.next; l != &h->requests; l = l->next)
		httpd_drop(container_of(l, struct httpd_request, link));
	loop_watch_free(h->watch, 0);
	if (h->daemon)
		MHD_stop_daemon(h->daemon); /* calls on_completed() for each */
	loop_timer_free(h->timer);
	free(h);
}

int httpd_port(const struct httpd *h)
{
	return h->config.port;
}

int httpd_adopt(struct httpd *h, int fd)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	if (MHD_add_connection(h->daemon, fd, (struct sockaddr *)&from, sizeof from) != MHD_YES)
		return -1;
	loop_timer_set(h->timer, 0);
	return 0;
}
