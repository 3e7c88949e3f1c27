/* sandbox/sandbox: a Bot API on loopback; this file is its life and its connections. HTTP requests come in from libmicrohttpd, whose epoll
 * descriptor is watched on the program's loop; whole requests go to the other files of the room, their answers go out.
 *
 * Every request is in s->requests until libmicrohttpd says that it is over, and is answered, dropped, or suspended: never forgotten. */
#include "sandbox/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/secret.h"
#include "sandbox/sandbox_internal.h"

enum {
	CONNECTIONS_MAX = 1000, CONNECTION_MEMORY = 256 * 1024, IDLE_SECONDS = 75,
	DOWN_AGAIN = 1000, /* milliseconds: somebody else has the port for a moment */
};

static void pump(struct sandbox *s)
{
	MHD_UNSIGNED_LONG_LONG wait;
	s->resumed = false;
	MHD_run(s->daemon);
	/* libmicrohttpd does not count a connection that was resumed from within as something to do. */
	if (s->resumed)
		loop_timer_set(s->timer, 0);
	else if (MHD_get_timeout(s->daemon, &wait) == MHD_YES)
		loop_timer_set(s->timer, (int64_t)(wait < 60000 ? wait : 60000));
	else
		loop_timer_set(s->timer, -1);
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

/* Requests. */

static void request_free(struct sandbox_request *r)
{
	list_remove(&r->link);
	sandbox_poll_ended(r);
	if (r->release)
		r->release(r);
	loop_watch_free(r->gone, 1);
	loop_timer_free(r->timer);
	sandbox_params_free(r->reader);
	cJSON_Delete(r->params);
	buf_release(&r->body);
	free(r->answer);
	free(r->path);
	free(r);
}

/* The method of /bot<token>/method; a status of refusal, or 0. The method stays empty for a path of somebody else. */
static int read_path(struct sandbox_request *r)
{
	const char *token = r->path + 4;
	if (strncmp(r->path, "/bot", 4) != 0)
		return 0;
	const char *slash = strchr(token, '/');
	size_t digits = strspn(token, "0123456789");
	if (!slash || digits == 0 || token[digits] != ':' || token + digits + 1 == slash)
		return 404;
	size_t n = (size_t)(slash - token);
	if (n != strlen(r->sandbox->token) || strncmp(token, r->sandbox->token, n) != 0)
		return 401;
	const char *method = slash + 1;
	size_t length = strspn(method, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	if (length == 0 || length > SANDBOX_METHOD_MAX || method[length])
		return 404;
	memcpy(r->method, method, length + 1);
	return 0;
}

static struct sandbox_request *request_new(struct sandbox *s, struct MHD_Connection *c, const char *path, const char *verb)
{
	struct sandbox_request *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	list_init(&r->link);
	list_add_before(&s->requests, &r->link);
	r->sandbox = s;
	r->connection = c;
	r->post = strcmp(verb, MHD_HTTP_METHOD_POST) == 0;
	r->type = "application/json";
	buf_init(&r->body, SANDBOX_BODY_MAX);
	r->path = strdup(path);
	r->params = cJSON_CreateObject();
	if (!r->path || !r->params) {
		request_free(r);
		return NULL;
	}
	return r;
}

static void on_completed(void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code)
{
	(void)arg, (void)c, (void)code;
	if (*state)
		request_free(*state);
	*state = NULL;
}

/* The client of a suspended connection: libmicrohttpd does not look at it meanwhile. */
static void on_gone(void *arg, int events)
{
	struct sandbox_request *r = arg;
	char c;
	ssize_t n = recv(sandbox_descriptor(r), &c, 1, MSG_PEEK | MSG_DONTWAIT);
	(void)events;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		sandbox_drop(r);
	else if (n > 0)
		loop_watch_set(r->gone, 0); /* its next request, early */
}

static void suspend(struct sandbox_request *r)
{
	MHD_suspend_connection(r->connection);
	r->suspended = true;
	int fd = fcntl(sandbox_descriptor(r), F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return;
	r->gone = loop_watch_new(r->sandbox->loop, fd, on_gone, r);
	if (r->gone)
		loop_watch_set(r->gone, LOOP_READ);
	else
		close(fd);
}

static void resume(struct sandbox_request *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	loop_watch_free(r->gone, 1);
	r->gone = NULL;
	MHD_resume_connection(r->connection);
	r->sandbox->resumed = true;
	loop_timer_set(r->sandbox->timer, 0);
}

static enum MHD_Result send_answer(struct sandbox_request *r)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(r->length, r->answer, MHD_RESPMEM_MUST_FREE);
	if (!response)
		return MHD_NO;
	r->answer = NULL;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->type);
	if (r->extra_name[0])
		MHD_add_response_header(response, r->extra_name, r->extra_value);
	if (r->close)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	enum MHD_Result queued = MHD_queue_response(r->connection, (unsigned)r->status, response);
	MHD_destroy_response(response);
	return queued;
}

/* A whole request has come. */
static void begin(struct sandbox_request *r)
{
	struct sandbox *s = r->sandbox;
	int refused = read_path(r);
	if (sandbox_params_end(r->reader)) {
		sandbox_refuse(r, 413, "Request Entity Too Large: too much parameters");
		return;
	}
	if (s->config.intercept && s->config.intercept(s->config.arg, r))
		return;
	if (refused)
		sandbox_refuse(r, refused, refused == 401 ? "Unauthorized" : "Not Found");
	else
		sandbox_dispatch(r);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *verb, const char *version,
				  const char *data, size_t *length, void **state)
{
	struct sandbox *s = arg;
	struct sandbox_request *r = *state;
	(void)version;
	if (s->freeing)
		return MHD_NO;
	if (!r) {
		r = request_new(s, c, url, verb);
		if (!r)
			return MHD_NO;
		*state = r;
		const char *announced = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
		if (announced && strtoull(announced, NULL, 10) > SANDBOX_BODY_MAX) {
			sandbox_refuse(r, 413, "Request Entity Too Large");
			return send_answer(r);
		}
		r->reader = sandbox_params_new(r);
		return r->reader ? MHD_YES : MHD_NO;
	}
	if (*length) {
		if (sandbox_params_add(r->reader, data, *length))
			return MHD_NO;
		*length = 0;
		return MHD_YES;
	}
	if (!r->whole) {
		r->whole = r->dispatching = true;
		begin(r);
		r->dispatching = false;
	}
	if (r->drop)
		return MHD_NO;
	if (r->answered)
		return send_answer(r);
	suspend(r);
	return MHD_YES;
}

/* What the room's other files use. */

void sandbox_answer(struct sandbox_request *r, int status, char *body, size_t length)
{
	if (r->answered || r->drop) {
		free(body);
		return;
	}
	sandbox_not_later(r);
	if (!body) {
		sandbox_drop(r);
		return;
	}
	free(r->answer);
	r->status = status;
	r->answer = body;
	r->length = length;
	void (*divert)(struct sandbox_request *) = r->divert;
	r->divert = NULL;
	if (divert) {
		divert(r);
		return;
	}
	r->answered = true;
	resume(r);
}

void sandbox_drop(struct sandbox_request *r)
{
	if (r->sandbox->poll == r && !r->sandbox->freeing)
		sandbox_tell(r, 0, NULL, NULL);
	r->drop = true;
	sandbox_not_later(r);
	sandbox_poll_ended(r);
	resume(r);
}

static void on_later(void *arg)
{
	struct sandbox_request *r = arg;
	r->later(r);
}

void sandbox_later(struct sandbox_request *r, int64_t ms, void (*later)(struct sandbox_request *r))
{
	if (!r->timer)
		r->timer = loop_timer_new(r->sandbox->loop, on_later, r);
	r->later = later;
	if (r->timer)
		loop_timer_set(r->timer, ms);
	else
		sandbox_drop(r);
}

void sandbox_not_later(struct sandbox_request *r)
{
	if (r->timer)
		loop_timer_set(r->timer, -1);
}

int sandbox_descriptor(struct sandbox_request *r)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	return info ? info->connect_fd : -1;
}

/* Life. */

/* Ends all connections, and the hearing of new ones. */
static void stop_listening(struct sandbox *s)
{
	bool was = s->freeing;
	s->freeing = true; /* nothing is dispatched meanwhile */
	s->poll = NULL;
	for (struct list *l = s->requests.next; l != &s->requests; l = l->next)
		sandbox_drop(container_of(l, struct sandbox_request, link));
	loop_watch_free(s->watch, 0);
	if (s->daemon)
		MHD_stop_daemon(s->daemon); /* calls on_completed() for each */
	loop_timer_free(s->timer);
	s->watch = NULL;
	s->daemon = NULL;
	s->timer = NULL;
	s->freeing = was;
}

static enum MHD_Result on_accept(void *arg, const struct sockaddr *from, socklen_t length)
{
	struct sandbox *s = arg;
	(void)from, (void)length;
	if (s->hang_up == 0)
		return MHD_YES;
	s->hang_up--;
	return MHD_NO;
}

static int listen_on(struct sandbox *s, int port, struct err *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, on_accept, s, on_request, s,
				     MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
				     MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
				     MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
	if (!s->daemon)
		return err_sys(err, ERR_UNAVAILABLE, errno, "cannot listen on 127.0.0.1, port %d", port);
	const union MHD_DaemonInfo *bound = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
	const union MHD_DaemonInfo *epoll = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!bound || !epoll)
		return err_set(err, ERR_INTERNAL, "the HTTP server tells neither its port nor its descriptor");
	snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", (int)bound->port);
	s->watch = loop_watch_new(s->loop, epoll->epoll_fd, on_ready, s);
	s->timer = loop_timer_new(s->loop, on_time, s);
	if (!s->watch || !s->timer)
		return err_set(err, ERR_INTERNAL, "out of memory");
	loop_watch_set(s->watch, LOOP_READ);
	loop_timer_set(s->timer, 0);
	return 0;
}

static void on_down(void *arg)
{
	struct sandbox *s = arg;
	struct err err;
	if (s->daemon) {
		stop_listening(s);
		loop_timer_set(s->down, s->down_for);
	} else if (listen_on(s, atoi(strrchr(s->url, ':') + 1), &err)) {
		stop_listening(s);
		loop_timer_set(s->down, DOWN_AGAIN);
	}
}

void sandbox_refuse_connections(struct sandbox *s, int64_t ms)
{
	s->down_for = ms;
	loop_timer_set(s->down, 0); /* not from within a request */
}

struct sandbox *sandbox_new(struct loop *loop, const struct sandbox_config *config, struct err *err)
{
	struct secret *token = secret_new(config->token, err);
	struct sandbox *s = token ? calloc(1, sizeof *s) : NULL;
	if (!s)
		goto fail;
	list_init(&s->requests);
	s->loop = loop;
	s->config = *config;
	s->clock = config->clock ? config->clock : &clock_system;
	s->token = strdup(secret_token(token));
	s->username = strdup(config->username ? config->username : "sandbox_bot");
	s->next_id = config->first_id ? config->first_id : 1;
	s->overflow_id = 1;
	s->down = loop_timer_new(loop, on_down, s);
	if (!s->token || !s->username || !s->down) {
		err_set(err, ERR_INTERNAL, "out of memory");
		goto fail;
	}
	if (listen_on(s, config->port, err))
		goto fail;
	secret_free(token);
	return s;
fail:
	if (token && !s)
		err_set(err, ERR_INTERNAL, "out of memory");
	secret_free(token);
	sandbox_free(s);
	return NULL;
}

void sandbox_free(struct sandbox *s)
{
	if (!s)
		return;
	s->freeing = true;
	stop_listening(s);
	loop_timer_free(s->down);
	sandbox_updates_free(s);
	sandbox_messages_free(s);
	if (s->token)
		explicit_bzero(s->token, strlen(s->token));
	free(s->token);
	free(s->username);
	free(s);
}

const char *sandbox_url(const struct sandbox *s)
{
	return s->url;
}

void sandbox_restart(struct sandbox *s)
{
	for (struct list *l = s->requests.next, *next; l != &s->requests; l = next) {
		struct sandbox_request *r = container_of(l, struct sandbox_request, link);
		next = l->next;
		if (r->suspended && r->method[0])
			sandbox_refuse(r, 500, "Internal Server Error: restart");
	}
	s->asked = false;
	s->next_conflict = 0;
	s->logged_out = false;
}
