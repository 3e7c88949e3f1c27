/* io/listener: a place to listen at comes in, connections of those who may speak there go out.
 *
 * A turn takes some connections only: a request is read before its sender could be the one to make
 * room. A process without descriptors leaves connections where they are, and looks again later. */
#include "io/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	ACCEPT_AT_ONCE = 8,
	ACCEPT_PAUSE = 1000, /* milliseconds, when this process has no descriptor left */
};

struct listener {
	int dir_fd, fd;
	const char *name; /* NULL: of the network */
	bool bound;
	dev_t dev; /* of the socket's name */
	ino_t ino;
	int port;
	struct loop_watch *watch;
	struct loop_timer *again;
	bool paused;
	listener_accepted *accepted;
	void *arg;
};

/* Whether this user or root is at the other end. */
static bool is_known(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

static void on_connection(void *arg, int events)
{
	struct listener *l = arg;
	(void)events;
	for (int i = 0; i < ACCEPT_AT_ONCE && !l->paused; i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0 && l->name && !is_known(fd)) {
			close(fd);
		} else if (fd >= 0) {
			l->accepted(l->arg, fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			   errno == ENOBUFS) {
			/* The connection stays in the queue: without a pause this would spin. */
			loop_watch_set(l->watch, 0);
			loop_timer_set(l->again, ACCEPT_PAUSE);
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}

static void accept_again(void *arg)
{
	struct listener *l = arg;
	if (!l->paused)
		loop_watch_set(l->watch, LOOP_READ);
}

/* Removes what an earlier runner left. */
static int clear_place(const struct listener *l, struct err *err)
{
	struct stat st;
	if (fstatat(l->dir_fd, l->name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0
				       : err_sys(err, ERR_CANTCREATE, errno,
						 "cannot look for the %s socket", l->name);
	if (!S_ISSOCK(st.st_mode) && !S_ISLNK(st.st_mode))
		return err_set(err, ERR_CANTCREATE,
			       "'%s' in the state directory is no socket; remove it", l->name);
	if (unlinkat(l->dir_fd, l->name, 0) && errno != ENOENT)
		return err_sys(err, ERR_CANTCREATE, errno, "cannot remove the old %s socket",
			       l->name);
	return 0;
}

static int bind_name(struct listener *l, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", l->dir_fd,
		 l->name);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return err_sys(err, ERR_CANTCREATE, errno, "cannot make the %s socket", l->name);
	mode_t mask = umask(0177);
	int rc = bind(l->fd, (struct sockaddr *)&address, sizeof address);
	int errnum = errno;
	umask(mask);
	if (rc)
		return err_sys(err, ERR_CANTCREATE, errnum, "cannot make the %s socket", l->name);
	if (fstatat(l->dir_fd, l->name, &st, AT_SYMLINK_NOFOLLOW))
		return err_sys(err, ERR_CANTCREATE, errno, "cannot look at the %s socket", l->name);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	l->bound = true;
	return 0;
}

static int bind_port(struct listener *l, struct err *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t n = sizeof address;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0 || bind(l->fd, (struct sockaddr *)&address, n) ||
	    getsockname(l->fd, (struct sockaddr *)&address, &n))
		return err_sys(err, ERR_CANTCREATE, errno, "cannot listen on 127.0.0.1");
	l->port = ntohs(address.sin_port);
	return 0;
}

static struct listener *make(struct loop *loop, int dir_fd, const char *name, int backlog,
			     listener_accepted *accepted, void *arg, struct err *err)
{
	struct listener *l = calloc(1, sizeof *l);
	if (!l)
		goto no_memory;
	*l = (struct listener){
		.dir_fd = -1, .fd = -1, .name = name, .accepted = accepted, .arg = arg
	};
	if (name && (l->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3)) < 0) {
		err_sys(err, ERR_INTERNAL, errno, "cannot make the %s socket", name);
		goto fail;
	}
	if (name ? clear_place(l, err) || bind_name(l, err) : bind_port(l, err))
		goto fail;
	if (listen(l->fd, backlog)) {
		err_sys(err, ERR_CANTCREATE, errno, "cannot listen on the %s socket",
			name ? name : "network's");
		goto fail;
	}
	l->again = loop_timer_new(loop, accept_again, l);
	l->watch = loop_watch_new(loop, l->fd, on_connection, l);
	if (!l->again || !l->watch)
		goto no_memory;
	loop_watch_set(l->watch, LOOP_READ);
	return l;
no_memory:
	err_set(err, ERR_INTERNAL, "out of memory");
fail:
	listener_free(l);
	return NULL;
}

struct listener *listener_named(struct loop *loop, int dir_fd, const char *name, int backlog,
				listener_accepted *accepted, void *arg, struct err *err)
{
	return make(loop, dir_fd, name, backlog, accepted, arg, err);
}

struct listener *listener_loopback(struct loop *loop, int backlog, listener_accepted *accepted,
				   void *arg, struct err *err)
{
	return make(loop, -1, NULL, backlog, accepted, arg, err);
}

int listener_port(const struct listener *l)
{
	return l->port;
}

bool listener_stands(const struct listener *l)
{
	struct stat st;
	return !l->name || (fstatat(l->dir_fd, l->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			    st.st_dev == l->dev && st.st_ino == l->ino);
}

void listener_pause(struct listener *l, bool paused)
{
	l->paused = paused;
	loop_watch_set(l->watch, paused ? 0 : LOOP_READ);
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	if (l->bound && listener_stands(l))
		unlinkat(l->dir_fd, l->name, 0);
	loop_timer_free(l->again);
	if (l->watch)
		loop_watch_free(l->watch, 1);
	else if (l->fd >= 0)
		close(l->fd);
	if (l->dir_fd >= 0)
		close(l->dir_fd);
	free(l);
}
