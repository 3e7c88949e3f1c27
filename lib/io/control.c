/* io/control: connections on the control socket come in, each with one line of JSON; what the owner
 * replies goes out, and the connection ends.
 *
 * Nothing here waits or grows: a request has a maximum, an answer too, there are so many clients at
 * most, and one that does nothing for a while is sent away. A client is freed only after the
 * owner's callback has returned. */
#include "io/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"

enum {
	PATIENCE = 60000,    /* milliseconds a client may do nothing */
	ACCEPT_PAUSE = 1000, /* milliseconds, when this process has no descriptor left */
	/* connections taken in a turn: a request is read before its client could be the one to make
	   room */
	ACCEPT_AT_ONCE = 8,
	SEND_EARLY = 64 * 1024, /* bytes of an answer that are sent while the owner still replies */
};

struct control {
	struct loop *loop;
	int dir_fd, fd;
	bool bound;
	dev_t dev; /* of the socket's name */
	ino_t ino;
	struct loop_watch *watch;
	struct loop_timer *accept_timer;
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
	int fd;
	struct buf in, out;
	int64_t touched; /* monotonic milliseconds: when it did something last */
	size_t sent;     /* bytes of `out` that are gone */
	bool answering;  /* the request was taken: nothing more is read */
	bool ended;      /* the answer is whole */
	bool broken;     /* gone, or too slow */
};

static const char name[] = "control";

static void client_free(struct control_client *c)
{
	list_remove(&c->link);
	c->control->client_count--;
	loop_timer_free(c->timer);
	if (c->watch)
		loop_watch_free(c->watch, 1);
	else
		close(c->fd);
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

void control_end(struct control_client *c)
{
	c->ended = true;
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

static void receive(struct control_client *c)
{
	char bytes[4096];
	while (!c->answering && !c->broken) {
		ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
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

static void add_client(struct control *control, int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;
	bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
		     (peer.uid == geteuid() || peer.uid == 0);
	if (!known || (control->client_count >= CONTROL_CLIENTS_MAX && !make_room(control))) {
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

static void on_connection(void *arg, int events)
{
	struct control *control = arg;
	(void)events;
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			add_client(control, fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			   errno == ENOBUFS) {
			/* The connection stays in the queue: without a pause this would spin. */
			loop_watch_set(control->watch, 0);
			loop_timer_set(control->accept_timer, ACCEPT_PAUSE);
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}

static void accept_again(void *arg)
{
	struct control *control = arg;
	loop_watch_set(control->watch, LOOP_READ);
}

/* Removes what an earlier runner left; the caller holds the run lock, so nobody listens there. */
static int clear_place(int dir_fd, struct err *err)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0
				       : err_sys(err, ERR_CANTCREATE, errno,
						 "cannot look for the control socket");
	if (!S_ISSOCK(st.st_mode) && !S_ISLNK(st.st_mode))
		return err_set(err, ERR_CANTCREATE,
			       "'%s' in the state directory is no socket; remove it", name);
	if (unlinkat(dir_fd, name, 0) && errno != ENOENT)
		return err_sys(err, ERR_CANTCREATE, errno, "cannot remove the old control socket");
	return 0;
}

static int listen_there(struct control *control, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", control->dir_fd,
		 name);
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return err_sys(err, ERR_CANTCREATE, errno, "cannot make the control socket");
	mode_t mask = umask(0177);
	int rc = bind(control->fd, (struct sockaddr *)&address, sizeof address);
	int errnum = errno;
	umask(mask);
	if (rc)
		return err_sys(err, ERR_CANTCREATE, errnum, "cannot make the control socket");
	struct stat st;
	if (fstatat(control->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return err_sys(err, ERR_CANTCREATE, errno, "cannot look at the control socket");
	control->dev = st.st_dev;
	control->ino = st.st_ino;
	control->bound = true;
	if (listen(control->fd, CONTROL_CLIENTS_MAX))
		return err_sys(err, ERR_CANTCREATE, errno, "cannot listen on the control socket");
	return 0;
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
	c->fd = -1;
	c->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
	if (c->dir_fd < 0) {
		err_sys(err, ERR_INTERNAL, errno, "cannot make the control socket");
		goto fail;
	}
	if (clear_place(c->dir_fd, err) || listen_there(c, err))
		goto fail;
	c->accept_timer = loop_timer_new(loop, accept_again, c);
	c->watch = loop_watch_new(loop, c->fd, on_connection, c);
	if (!c->accept_timer || !c->watch) {
		err_set(err, ERR_INTERNAL, "out of memory");
		goto fail;
	}
	loop_watch_set(c->watch, LOOP_READ);
	return c;
fail:
	control_free(c);
	return NULL;
}

void control_set_patience(struct control *c, int64_t milliseconds)
{
	c->patience = milliseconds;
}

bool control_stands(const struct control *c)
{
	struct stat st;
	return fstatat(c->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == c->dev &&
	       st.st_ino == c->ino;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	while (!list_empty(&c->clients))
		client_free(container_of(c->clients.next, struct control_client, link));
	if (c->bound && control_stands(c))
		unlinkat(c->dir_fd, name, 0);
	loop_timer_free(c->accept_timer);
	if (c->watch)
		loop_watch_free(c->watch, 1);
	else if (c->fd >= 0)
		close(c->fd);
	if (c->dir_fd >= 0)
		close(c->dir_fd);
	free(c);
}
