/* io/http: HTTP requests that run side by side on the loop. The only room that sees libcurl.
 *
 * Redirects are never followed (the URL holds the token), TLS is always verified, only http and
 * https are spoken, and proxies come from the usual environment variables, never for loopback. */
#ifndef TGRUN_IO_HTTP_H
#define TGRUN_IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/loop.h"

struct http;
struct http_request;

enum http_failure {
	HTTP_OK,        /* a whole response came, of whatever status from 200 on */
	HTTP_NETWORK,   /* resolve, connect, TLS, reset, cut, too slow */
	HTTP_TOO_LARGE, /* the body or the headers passed their maximum */
	HTTP_INTERNAL,  /* memory, descriptors */
};

struct http_response {
	enum http_failure failure;
	int status;               /* of HTTP, 0 if none came */
	char *body;               /* the callback may change it, not keep it; NUL-terminated */
	size_t length;            /* bytes */
	const char *content_type; /* "" if none was sent */
	const char *reason;       /* of a failure, a phrase for people; never holds the URL */
	/* Of a call with `body`: a byte of it was asked for, so it may have arrived, whatever
	 * failed. false: it surely has not. */
	bool asked;
	/* … and it went over a connection that had been used before and was closed before a byte of
	 * an answer came: most likely it crossed the end of that connection. */
	bool stale;
	bool timed_out; /* it failed for taking too long */
	/* Seconds, as the header of that name says; 0 where that is no number, as a date is none;
	 * -1: there is none. */
	int64_t retry_after;
	int64_t keep_alive; /* seconds that the server keeps the connection; -1: it does not say */
};

typedef void http_done(void *arg, struct http_response *response);

/* The client. NULL with `err` (ERR_INTERNAL). */
struct http *http_new(struct loop *loop, struct err *err);

/* Ends all requests without calling back, and frees. NULL is fine. */
void http_free(struct http *h);

/* Bytes of a body: in memory, or of a file that can be read from anywhere. Both are the caller's,
 * and stay until the request is over. */
struct http_piece {
	const char *bytes; /* NULL: of the file */
	int fd;            /* its position is not used */
	uint64_t offset;   /* of the first byte in the file */
	uint64_t length;   /* bytes */
};

/* A body that is sent once: where curl would repeat a request by itself, because a connection that
 * it used again was closed before an answer came, this one fails. */
struct http_body {
	const char *type;                /* Content-Type; copied */
	const struct http_piece *pieces; /* one behind the other; the list is copied */
	size_t count;
};

struct http_call {
	const char *url; /* copied */
	/* The body of a POST, application/x-www-form-urlencoded; copied. It may be sent twice. */
	const char *form;
	const struct http_body *body; /* instead of `form`; NULL: none */
	const char *user, *password;  /* HTTP's basic authentication; copied. NULL: none */
	/* Milliseconds without progress (under 16 bytes a second in them, of the body and the
	 * answer) after which it failed. */
	int64_t silence;
	int64_t total; /* milliseconds it may take in all; 0: no limit */
	uint64_t max;  /* bytes of the body, as it arrives */
	/* The rest is of a call with `body`. */
	const char *header; /* one more, `Name: value`, wiped when it is over; copied. NULL: none */
	int idle;           /* seconds for which a connection may have rested; 0: 30 */
	bool fresh;         /* not over a connection that was used before */
	bool http1;         /* HTTP/1.1, also where the server knows a later one */
};

/* Starts a POST. `done(arg, …)` is called once from the loop, never from in here, unless the
 * request is cancelled. NULL when memory is out. */
struct http_request *http_post(struct http *h, const struct http_call *call, http_done *done,
			       void *arg);

/* What becomes of the next bytes of an answer's body. */
enum http_took {
	HTTP_TOOK, /* all of them */
	HTTP_FULL, /* none; they come again after http_go_on() */
	HTTP_STOP, /* none, and no more are wanted: the request fails, HTTP_INTERNAL */
};

#define HTTP_UNKNOWN UINT64_MAX

/* Where the body of an answer goes, of whatever status, as it comes. */
struct http_sink {
	/* The head is there; the body will have `length` bytes, HTTP_UNKNOWN: the server does not
	 * say. Comes before all of the body, and before `done` of a request that is whole. */
	void (*head)(void *to, int status, uint64_t length);
	enum http_took (*take)(void *to, const char *bytes, size_t n);
};

/* Starts a GET; `form` and `body` of the call are not used. The answer's body goes to `sink`, with
 * `to`, and the response has none. `sink` outlives the request. From none of its functions may a
 * request be started or ended. While it is full nothing is read, and no time passes for `silence`.
 * Else as http_post(). */
struct http_request *http_get(struct http *h, const struct http_call *call,
			      const struct http_sink *sink, void *to, http_done *done, void *arg);

/* The sink of a GET has room again. Fine when it always had; never from within the sink. */
void http_go_on(struct http_request *r);

/* Connects to the server of `url`, with TLS where that is https, and sends nothing; within
 * `silence` milliseconds. Else as http_post(). */
struct http_request *http_reach(struct http *h, const char *url, int64_t silence, http_done *done,
				void *arg);

/* Closes the connections that rest, if no request is under way; never in a callback of one. */
void http_hang_up(struct http *h);

/* Ends a request without calling back and frees it. After `done` was called, the request is gone
 * already. NULL is fine. */
void http_cancel(struct http_request *r);

/* From which certificates authorities come instead of the machine's own: those in the file, and
 * those in the directories (as OpenSSL reads them, with colons between). NULL: the machine's; "":
 * none. Both are copied. 0, or -1 when memory is out. */
int http_trust(struct http *h, const char *file, const char *dirs);

/* Appends `name=value` to a form, percent-encoded, with `&` between. 0, or -1 when the buffer is
 * full. */
struct buf;
int http_form_add(struct buf *form, const char *name, const char *value);

/* Puts the bytes for %41 in place, and spaces for `+` where `plus` says so. A `%` without two hex
 * digits stays as it is. Returns the new length; a NUL is added there, and there may be others in
 * the text. */
size_t http_form_decode(char *text, bool plus);

/* Appends the fields of the form in `text`, which is changed in place, as members of a JSON object:
 * their values as strings, a comma before each but the first in `out` or behind a `{`. Cut at `&`
 * and `=` alone, as the Bot API's server does; what has no `=` is left out. 0, or -1 when the
 * buffer is full. */
int http_form_members(char *text, struct buf *out);

#endif
