/* io/listener_connect: the other side of a named socket: a directory and a name in, a connection
 * out, and what is sent over it. Apart from listener.c, since a program that only asks needs no
 * loop. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/listener.h"

enum { CONNECT_STEP = 10 /* milliseconds between tries while the queue of connections is full */ };

static int no_answer(struct err *err)
{
	return err_set(err, ERR_TEMPFAIL, "the running tgrun does not answer");
}

int listener_connect(int dir_fd, const char *name, int64_t timeout, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir_fd, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, ERR_INTERNAL, errno, "cannot open a socket");
	for (int64_t waited = 0; connect(fd, (struct sockaddr *)&address, sizeof address);
	     waited += CONNECT_STEP) {
		int errnum = errno;
		if (errnum == EINTR)
			continue;
		if (errnum == EAGAIN && waited < timeout) {
			poll(NULL, 0, CONNECT_STEP);
			continue;
		}
		close(fd);
		if (errnum == EAGAIN)
			return no_answer(err);
		return err_sys(err, ERR_UNAVAILABLE, errnum, "no running tgrun can be asked here");
	}
	return fd;
}

int listener_wait(int fd, short events, int64_t timeout, struct err *err)
{
	struct pollfd p = { .fd = fd, .events = events };
	int rc;
	do
		rc = poll(&p, 1, timeout > INT32_MAX ? INT32_MAX : (int)timeout);
	while (rc < 0 && errno == EINTR);
	return rc > 0 ? 0 : no_answer(err);
}

int listener_send(int fd, const char *bytes, size_t n, int64_t timeout, struct err *err)
{
	while (n) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
		if (sent >= 0) {
			bytes += sent;
			n -= (size_t)sent;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			return 1;
		} else if (errno == EAGAIN) {
			if (listener_wait(fd, POLLOUT, timeout, err))
				return -1;
		} else if (errno != EINTR) {
			return err_sys(err, ERR_TEMPFAIL, errno, "cannot ask the running tgrun");
		}
	}
	return 0;
}
