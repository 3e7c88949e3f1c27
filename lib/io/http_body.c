/* io/http_body: the pieces of a body in, from memory and files; its bytes out, as curl asks for
 * them.
 *
 * Invariant: no byte is handed out twice. curl repeats a request by itself when a connection that
 * it used again breaks before the answer, though the server may have acted: it can neither rewind
 * this body, nor begin a request anew once a byte of it was asked for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/http_internal.h"

enum { IDLE_SECONDS = 30 /* after that a connection is not used again */ };

/* The next bytes of a piece: their number, 0 at its end, -1 with errno. A file that is shorter than
 * it was is an error, EIO. */
static ssize_t read_piece(const struct http_piece *p, uint64_t done, char *out, size_t max)
{
	uint64_t left = p->length - done;
	size_t n = left < max ? (size_t)left : max;
	if (p->bytes || !n) {
		if (n)
			memcpy(out, p->bytes + done, n);
		return (ssize_t)n;
	}
	ssize_t got;
	do
		got = pread(p->fd, out, n, (off_t)(p->offset + done));
	while (got < 0 && errno == EINTR);
	if (got == 0)
		errno = EIO;
	return got ? got : -1;
}

/* CURLOPT_READFUNCTION */
static size_t give(char *out, size_t size, size_t count, void *arg)
{
	struct http_sending *s = &((struct http_request *)arg)->sending;
	size_t max = size * count, n = 0;
	s->asked = true;
	while (n < max && s->at < s->count) {
		ssize_t got = read_piece(&s->pieces[s->at], s->done, out + n, max - n);
		if (got < 0) {
			s->read_errno = errno;
			return CURL_READFUNC_ABORT;
		}
		n += (size_t)got;
		s->done += (uint64_t)got;
		if (s->done < s->pieces[s->at].length)
			continue;
		s->at++;
		s->done = 0;
	}
	s->sent += n;
	return n;
}

/* CURLOPT_PREREQFUNCTION: a connection is there, the request goes out next. */
static int before_request(void *arg, char *ip, char *own_ip, int port, int own_port)
{
	struct http_request *r = arg;
	struct http_sending *s = &r->sending;
	(void)ip, (void)own_ip, (void)port, (void)own_port;
	if (s->asked)
		return CURL_PREREQFUNC_ABORT;
	s->reused = !r->opened;
	s->asked = s->length == 0; /* nobody will ask for it */
	return CURL_PREREQFUNC_OK;
}

static int add_header(struct curl_slist **all, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*all, line);
	if (longer)
		*all = longer;
	return longer ? 0 : -1;
}

/* The headers of all requests, what the body is, and the call's own. 0, or -1 when memory is out.
 */
static int make_headers(struct http_request *r, const struct http_call *call)
{
	struct curl_slist **all = &r->sending.headers;
	char line[256];
	int rc = 0;
	snprintf(line, sizeof line, "Content-Type: %s", call->body->type);
	for (const struct curl_slist *l = r->http->headers; l && rc == 0; l = l->next)
		rc = add_header(all, l->data);
	return rc || add_header(all, line) || (call->header && add_header(all, call->header)) ? -1
											      : 0;
}

/* How long a connection may have rested that is used again, as curl is told: whole seconds, cut
 * before they are compared; from 8.16 on as they are, and there 0 is no limit. */
static long longest_rest(const struct http_call *call)
{
	long seconds = call->idle ? call->idle : IDLE_SECONDS;
	return LIBCURL_VERSION_NUM >= 0x081000 ? seconds : seconds - 1;
}

int http_body_set(struct http_request *r, const struct http_call *call)
{
	const struct http_body *body = call->body;
	struct http_sending *s = &r->sending;
	CURL *e = r->easy;
	int bad = 0;
	s->count = body->count;
	s->pieces = calloc(body->count + 1, sizeof *s->pieces);
	if (!s->pieces || make_headers(r, call))
		return 1;
	for (size_t i = 0; i < body->count; i++) {
		s->pieces[i] = body->pieces[i];
		s->length += body->pieces[i].length;
	}
	bad += curl_easy_setopt(e, CURLOPT_POST, 1L) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->length) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_READFUNCTION, give) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_READDATA, r) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, before_request) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_PREREQDATA, r) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_HTTPHEADER, s->headers) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, longest_rest(call)) != CURLE_OK;
	bad += curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, (long)call->fresh) != CURLE_OK;
	if (call->http1)
		bad += curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) !=
		       CURLE_OK;
	return bad;
}

void http_body_release(struct http_request *r)
{
	for (struct curl_slist *l = r->sending.headers; l; l = l->next)
		explicit_bzero(l->data, strlen(l->data));
	curl_slist_free_all(r->sending.headers);
	free(r->sending.pieces);
	r->sending = (struct http_sending){ 0 };
}
