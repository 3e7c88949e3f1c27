/* io/http_local: a request out, an answer in, over one connection that blocks. What answers is
 * io/httpd: heads are short, bodies have a length or come in chunks. */
#include "io/http_local.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/listener.h"

enum { HEAD_MAX = 16 * 1024, PIECE = 8 * 1024 };

static int no_answer(struct err *err, const char *why)
{
	return err_set(err, ERR_TEMPFAIL, "the running tgrun %s", why);
}

/* As listener_send(). */
static int send_piece(int fd, const struct http_piece *p, int64_t silence, struct err *err)
{
	char bytes[PIECE];
	int rc = 0;
	if (p->bytes)
		return listener_send(fd, p->bytes, p->length, silence, err);
	for (uint64_t done = 0; done < p->length && rc == 0;) {
		uint64_t left = p->length - done;
		ssize_t n = pread(p->fd, bytes, left < PIECE ? left : PIECE,
				  (off_t)(p->offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(err, ERR_IO, n ? errno : EIO,
				       "cannot read what is to be sent");
		done += (uint64_t)n;
		rc = listener_send(fd, bytes, (size_t)n, silence, err);
	}
	return rc;
}

/* As listener_send(). */
static int send_request(int fd, const struct http_local *r, struct err *err)
{
	struct buf head;
	uint64_t length = 0;
	buf_init(&head, HEAD_MAX);
	for (size_t i = 0; r->body && i < r->body->count; i++)
		length += r->body->pieces[i].length;
	int rc = buf_addf(&head, "%s %s HTTP/1.1\r\nHost: tgrun\r\nConnection: close\r\n%s",
			  r->body ? "POST" : "GET", r->path, r->headers);
	if (r->body)
		rc = rc || buf_addf(&head, "Content-Type: %s\r\nContent-Length: %llu\r\n",
				    r->body->type, (unsigned long long)length);
	rc = rc || buf_adds(&head, "\r\n")
		     ? err_set(err, ERR_INTERNAL, "out of memory")
		     : listener_send(fd, head.data, head.len, r->silence, err);
	buf_release(&head);
	for (size_t i = 0; r->body && i < r->body->count && rc == 0; i++)
		rc = send_piece(fd, &r->body->pieces[i], r->silence, err);
	return rc;
}

/* Reads some bytes: their number, 0 at the end, -1 with `err`. */
static ssize_t receive(int fd, char *bytes, size_t n, int64_t silence, struct err *err)
{
	for (;;) {
		ssize_t got = recv(fd, bytes, n, 0);
		if (got >= 0)
			return got;
		if (errno == EAGAIN && listener_wait(fd, POLLIN, silence, err))
			return -1;
		if (errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return err_sys(err, ERR_TEMPFAIL, errno, "cannot ask the running tgrun");
	}
}

/* The value of a header in a head that ends in an empty line; *n: its length. NULL: none. */
static const char *header(const char *head, const char *name, size_t *n)
{
	size_t length = strlen(name);
	for (const char *line = head; (line = strstr(line, "\r\n"));) {
		line += 2;
		if (strncasecmp(line, name, length) != 0 || line[length] != ':')
			continue;
		const char *value = line + length + 1;
		value += strspn(value, " \t");
		*n = strcspn(value, "\r");
		return value;
	}
	return NULL;
}

static int write_all(int fd, const char *bytes, size_t n, struct err *err)
{
	while (n) {
		ssize_t done = write(fd, bytes, n);
		if (done < 0 && errno != EINTR)
			return err_sys(err, ERR_IO, errno, "cannot write what came");
		bytes += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}

static int take(const struct http_local *r, struct http_local_answer *a, const char *bytes,
		size_t n, struct err *err)
{
	if (r->to_fd >= 0 && a->status == 200)
		return write_all(r->to_fd, bytes, n, err);
	return buf_add(&a->body, bytes, n)
		       ? err_set(err, ERR_IO, "the running tgrun's answer is too long")
		       : 0;
}

/* The body of an answer, as it comes. */
struct incoming {
	bool chunked;
	uint64_t left; /* bytes of the body, or of the chunk, that are to come */
	bool ended;
	/* A line between two chunks: a chunk's length, or the empty one behind its bytes. */
	char line[32];
	size_t line_length;
};

static int bad_answer(struct err *err)
{
	return no_answer(err, "gave an answer that cannot be understood");
}

/* What the head says. 0 or -1 with `err`. */
static int read_head(const char *head, const struct http_local *r, struct http_local_answer *a,
		     struct incoming *in, struct err *err)
{
	size_t n;
	const char *length = header(head, "Content-Length", &n);
	in->chunked = !length && header(head, "Transfer-Encoding", &n);
	if (strncmp(head, "HTTP/1.", 7) != 0 || strlen(head) < 12 || (!length && !in->chunked))
		return bad_answer(err);
	a->status = atoi(head + 9);
	in->left = length ? strtoull(length, NULL, 10) : 0;
	in->ended = length && in->left == 0;
	const char *word = header(head, r->outcome, &n);
	if (word && n < sizeof a->word) {
		memcpy(a->word, word, n);
		a->word[n] = '\0';
	}
	return 0;
}

/* A byte of a line between two chunks. 0 or -1. */
static int read_line(struct incoming *in, char byte)
{
	if (byte != '\n') {
		if (in->line_length + 1 == sizeof in->line)
			return -1;
		in->line[in->line_length++] = byte;
		return 0;
	}
	in->line[in->line_length] = '\0';
	bool empty = in->line_length <= 1; /* its CR */
	in->line_length = 0;
	if (!empty) {
		in->left = strtoull(in->line, NULL, 16);
		in->ended = in->left == 0;
	}
	return 0;
}

/* The next bytes of the body. 0 or -1 with `err`. */
static int read_body(struct incoming *in, const struct http_local *r, struct http_local_answer *a,
		     const char *bytes, size_t n, struct err *err)
{
	while (n && !in->ended) {
		size_t some = in->left < n ? (size_t)in->left : n;
		if (some == 0) {
			if (read_line(in, *bytes))
				return bad_answer(err);
			some = 1;
		} else {
			if (take(r, a, bytes, some, err))
				return -1;
			in->left -= some;
			in->ended = !in->chunked && in->left == 0;
		}
		bytes += some;
		n -= some;
	}
	return 0;
}

static int read_answer(int fd, const struct http_local *r, struct http_local_answer *a,
		       struct err *err)
{
	char bytes[PIECE];
	struct buf head;
	struct incoming in = { 0 };
	const char *end = NULL;
	int rc = 0;
	buf_init(&head, HEAD_MAX + PIECE);
	while (!end && rc == 0) {
		ssize_t n = receive(fd, bytes, sizeof bytes, r->silence, err);
		if (n == 0)
			rc = no_answer(err, "ended before it answered");
		else if (n < 0 || buf_add(&head, bytes, (size_t)n))
			rc = n < 0 ? -1 : no_answer(err, "gave an answer without an end");
		else
			end = strstr(head.data, "\r\n\r\n");
	}
	if (end) {
		size_t before = (size_t)(end + 4 - head.data), more = head.len - before;
		rc = read_head(head.data, r, a, &in, err) ||
		     read_body(&in, r, a, head.data + before, more, err);
	}
	while (rc == 0 && !in.ended) {
		ssize_t n = receive(fd, bytes, sizeof bytes, r->silence, err);
		if (n <= 0)
			rc = n ? -1 : no_answer(err, "ended in the middle of its answer");
		else
			rc = read_body(&in, r, a, bytes, (size_t)n, err);
	}
	buf_release(&head);
	return rc;
}

int http_local(int fd, const struct http_local *request, struct http_local_answer *answer,
	       struct err *err)
{
	int rc = send_request(fd, request, err);
	answer->sent = rc == 0;
	return rc < 0 ? -1 : read_answer(fd, request, answer, err) ? -1 : 0;
}
