/* io/control_client: the other side of the control socket, for the commands that ask a runner: a
 * request goes out, lines come in.
 *
 * It blocks, but never longer than it was told to without a byte. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/control.h"
#include "io/listener.h"

/* The first byte, and the open file that goes with it. */
static int send_descriptor(int fd, const char *byte, int passed, int64_t timeout, struct err *err)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (char *)byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof control };
	struct cmsghdr *h = CMSG_FIRSTHDR(&message);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof passed);
	memcpy(CMSG_DATA(h), &passed, sizeof passed);
	while (sendmsg(fd, &message, MSG_NOSIGNAL) < 0) {
		if (errno == EAGAIN && listener_wait(fd, POLLOUT, timeout, err))
			return -1;
		if (errno != EAGAIN && errno != EINTR)
			return err_sys(err, ERR_UNAVAILABLE, errno, "cannot ask the running tgrun");
	}
	return 0;
}

/* Hands over the whole lines in `b`, of which the first `seen` bytes hold no line feed, and keeps
 * the rest. */
static int hand_over(struct buf *b, size_t seen, int (*line)(void *arg, const char *text, size_t n),
		     void *arg)
{
	size_t start = 0;
	char *feed;
	while ((feed = memchr(b->data + seen, '\n', b->len - seen))) {
		size_t end = (size_t)(feed - b->data);
		*feed = '\0';
		int rc = line(arg, b->data + start, end - start);
		if (rc)
			return rc;
		start = seen = end + 1;
	}
	buf_consume(b, start);
	return 0;
}

static int read_answer(int fd, int (*line)(void *arg, const char *text, size_t n), void *arg,
		       int64_t timeout, struct err *err)
{
	char bytes[8192];
	struct buf b;
	int rc = 0;
	bool any = false;
	buf_init(&b, CONTROL_OUTPUT_MAX);
	while (rc == 0) {
		ssize_t n = recv(fd, bytes, sizeof bytes, 0);
		if (n > 0) {
			size_t seen = b.len;
			any = true;
			rc = buf_add(&b, bytes, (size_t)n)
				     ? err_set(err, ERR_IO,
					       "the running tgrun's answer is too long")
				     : hand_over(&b, seen, line, arg);
		} else if (n < 0 && errno == EAGAIN) {
			rc = listener_wait(fd, POLLIN, timeout, err);
		} else if (n == 0 || errno != EINTR) {
			break;
		}
	}
	if (rc == 0 && !any)
		rc = err_set(err, ERR_UNAVAILABLE, "the running tgrun ended before it answered");
	if (rc == 0 && b.len)
		rc = err_set(err, ERR_IO, "the running tgrun's answer was cut off");
	buf_release(&b);
	return rc;
}

int control_call(int dir_fd, const char *request, int passed,
		 int (*line)(void *arg, const char *text, size_t n), void *arg, int64_t timeout,
		 struct err *err)
{
	int fd = listener_connect(dir_fd, "control", timeout, err);
	if (fd < 0)
		return -1;
	int rc = passed >= 0 ? send_descriptor(fd, request++, passed, timeout, err) : 0;
	if (rc == 0)
		rc = listener_send(fd, request, strlen(request), timeout, err);
	if (rc == 0)
		rc = listener_send(fd, "\n", 1, timeout, err);
	if (rc >= 0) /* it may have heard enough, and say why */
		rc = read_answer(fd, line, arg, timeout, err);
	close(fd);
	return rc;
}
