/* io/control: connections on the control socket come in, each with one line of JSON; what the owner
 * replies goes out, and the connection ends.
 *
 * Nothing here waits or grows: a request has a maximum, an answer too, there are so many clients at
 * most, and one that does nothing for a while is sent away. A client is freed only after the
 * owner's callback has returned. */
#include "io/control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "io/listener.h"

enum {
	PATIENCE = 60000,       /* milliseconds a client may do nothing */
	SEND_EARLY = 64 * 1024, /* bytes of an answer that are sent while the owner still replies */
};

struct control {
	struct loop *loop;
	struct listener *listener;
	control_request *request;
	void *arg;
	int64_t patience;
	struct list clients; /* the one that did nothing for the longest time first */
	int client_count;
};

struct control_client {
	struct list link;
	struct control *control;
	struct loop_watch *watch;
	struct loop_timer *timer;
	int fd, passed; /* passed: what came with the request, -1: nothing */
	struct buf in, out;
	int64_t touched; /* monotonic milliseconds: when it did something last */
	size_t sent;     /* bytes of `out` that are gone */
	bool answering;  /* the request was taken: nothing more is read */
	bool ended;      /* the answer is whole */
	bool broken;     /* gone, or too slow */
	/* of control_hold(): NULL: it was answered, or is being */
	void (*gone)(void *arg);
	void *gone_arg;
};

static void client_free(struct control_client *c)
{
	if (c->gone)
		c->gone(c->gone_arg);
	list_remove(&c->link);
	c->control->client_count--;
	loop_timer_free(c->timer);
	if (c->watch)
		loop_watch_free(c->watch, 1);
	else
		close(c->fd);
	if (c->passed >= 0)
		close(c->passed);
	buf_release(&c->in);
	buf_release(&c->out);
	free(c);
}

/* The client did something. */
static void touch(struct control_client *c)
{
	list_remove(&c->link);
	list_add_before(&c->control->clients, &c->link);
	c->touched = clock_system.mono(&clock_system);
	loop_timer_set(c->timer, c->control->patience);
}

static void send_some(struct control_client *c)
{
	while (!c->broken && c->sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			c->sent += (size_t)n;
			touch(c);
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			c->broken = true;
		}
	}
	if (c->sent == c->out.len) {
		buf_clear(&c->out);
		c->sent = 0;
	}
}

void control_reply(struct control_client *c, const char *json, size_t n)
{
	if (c->broken || c->ended)
		return;
	if (buf_reserve(&c->out, n + 1)) {
		/* What is gone already need not count. */
		buf_consume(&c->out, c->sent);
		c->sent = 0;
	}
	if (buf_reserve(&c->out, n + 1)) {
		c->broken = true;
		return;
	}
	buf_add(&c->out, json, n);
	buf_addc(&c->out, '\n');
	if (c->out.len - c->sent >= SEND_EARLY)
		send_some(c);
}

void control_hold(struct control_client *c, void (*gone)(void *arg), void *arg)
{
	c->gone = gone;
	c->gone_arg = arg;
}

void control_end(struct control_client *c)
{
	c->ended = true;
	/* The loop goes on with it. */
	if (c->gone)
		loop_watch_set(c->watch, LOOP_WRITE);
	c->gone = NULL;
}

void control_refuse(struct control_client *c, const char *why)
{
	struct buf line;
	buf_init(&line, CONTROL_LINE_MAX);
	if (buf_adds(&line, "{\"error\":") == 0 && buf_add_json(&line, why, strlen(why)) == 0 &&
	    buf_addc(&line, '}') == 0)
		control_reply(c, line.data, line.len);
	buf_release(&line);
	c->answering = true;
	control_end(c);
}

static void take_line(struct control_client *c, size_t length)
{
	/* cJSON takes a NUL for white space, or for the end. */
	bool text = !memchr(c->in.data, '\0', length);
	c->in.data[length] = '\0';
	cJSON *request = text ? cJSON_ParseWithOpts(c->in.data, NULL, 1) : NULL;
	c->answering = true;
	if (request && cJSON_IsObject(request))
		c->control->request(c->control->arg, c, request);
	else
		control_refuse(c, request ? "the request is no JSON object"
					  : "the request is no valid JSON");
	cJSON_Delete(request);
	buf_release(&c->in);
}

int control_descriptor(const struct control_client *c)
{
	return c->passed;
}

/* Of what comes with the bytes one open file is kept, the first. */
static ssize_t receive_some(struct control_client *c, char *bytes, size_t size)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { bytes, size };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof control };
	ssize_t n = recvmsg(c->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	bool files = h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS;
	size_t count = files ? (h->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
	for (size_t i = 0; i < count; i++) {
		int fd;
		memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
		if (c->passed >= 0)
			close(fd);
		else
			c->passed = fd;
	}
	return n;
}

static void receive(struct control_client *c)
{
	char bytes[4096];
	while (!c->answering && !c->broken) {
		ssize_t n = receive_some(c, bytes, sizeof bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			if (c->in.len && n == 0)
				control_refuse(c, "the request has no end of line");
			else
				c->broken = true;
			return;
		}
		const char *feed = memchr(bytes, '\n', (size_t)n);
		size_t part = feed ? (size_t)(feed - bytes) : (size_t)n;
		size_t length = c->in.len + part;
		touch(c);
		if (buf_add(&c->in, bytes, part))
			control_refuse(c, "the request is too long");
		else if (feed)
			take_line(c, length);
	}
}

/* Sends what waits, and sets the watch, or frees the client. */
static void go_on(struct control_client *c)
{
	send_some(c);
	if (c->broken || (c->ended && c->out.len == 0))
		client_free(c);
	else
		loop_watch_set(c->watch, c->out.len ? LOOP_WRITE : c->answering ? 0 : LOOP_READ);
}

static void on_client(void *arg, int events)
{
	struct control_client *c = arg;
	if (events & LOOP_READ)
		receive(c);
	go_on(c);
}

static void on_idle(void *arg)
{
	client_free(arg);
}

/* Frees the client that did nothing for the longest time: one that has not asked yet, or one that
 * has not taken a byte of its answer for a while. Returns whether there was one. */
static bool make_room(struct control *control)
{
	int64_t now = clock_system.mono(&clock_system);
	for (struct list *l = control->clients.next; l != &control->clients; l = l->next) {
		struct control_client *c = container_of(l, struct control_client, link);
		if (c->answering && now - c->touched < control->patience / 6)
			continue;
		client_free(c);
		return true;
	}
	return false;
}

static void add_client(void *arg, int fd)
{
	struct control *control = arg;
	if (control->client_count >= CONTROL_CLIENTS_MAX && !make_room(control)) {
		close(fd);
		return;
	}
	struct control_client *c = calloc(1, sizeof *c);
	if (!c) {
		close(fd);
		return;
	}
	c->control = control;
	c->fd = fd;
	c->passed = -1;
	buf_init(&c->in, CONTROL_LINE_MAX);
	buf_init(&c->out, CONTROL_OUTPUT_MAX);
	list_add_before(&control->clients, &c->link);
	control->client_count++;
	c->watch = loop_watch_new(control->loop, fd, on_client, c);
	c->timer = loop_timer_new(control->loop, on_idle, c);
	if (!c->watch || !c->timer) {
		client_free(c);
		return;
	}
	touch(c);
	loop_watch_set(c->watch, LOOP_READ);
}

struct control *control_new(struct loop *loop, int dir_fd, control_request *request, void *arg,
			    struct err *err)
{
	struct control *c = calloc(1, sizeof *c);
	if (!c) {
		err_set(err, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	list_init(&c->clients);
	c->loop = loop;
	c->request = request;
	c->arg = arg;
	c->patience = PATIENCE;
	c->listener = listener_named(loop, dir_fd, "control", CONTROL_CLIENTS_MAX, add_client, c,
				     err);
	if (c->listener)
		return c;
	control_free(c);
	return NULL;
}

void control_set_patience(struct control *c, int64_t milliseconds)
{
	c->patience = milliseconds;
}

bool control_stands(const struct control *c)
{
	return listener_stands(c->listener);
}

void control_free(struct control *c)
{
	if (!c)
		return;
	while (!list_empty(&c->clients))
		client_free(container_of(c->clients.next, struct control_client, link));
	listener_free(c->listener);
	free(c);
}
