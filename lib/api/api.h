/* api: calls to the Bot API: the URL with its secret, the answers, and the classes of failure. See
 * https://core.telegram.org/bots/api.
 *
 * There are two ways to call. api_call() asks for something, may be repeated by libcurl, and tells
 * what it means for the bot. api_send() has an effect, is sent once, and tells what became of that
 * one call. */
#ifndef TGRUN_API_API_H
#define TGRUN_API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/api_root.h"
#include "api/verdict.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "io/http.h"
#include "update/slice.h"

enum api_class {
	API_OK,
	API_NETWORK, /* no answer: resolve, connect, TLS, reset, cut, too slow */
	API_SERVER,  /* 5xx */
	/* an answer that is not the Bot API's: HTML, cut JSON, a redirect, too large */
	API_GARBAGE,
	/* the token is in doubt, and getMe can tell: 401; of getMe and getUpdates 403 and 404, too
	 */
	API_TOKEN,
	API_POLLER,  /* 409: another getUpdates runs */
	API_WEBHOOK, /* 409: a webhook is set */
	API_FLOOD,   /* 429: wait `retry_after` seconds */
	API_REFUSED, /* any other error of the server, a sentence is in `text` */
	API_CLASSES,
};

struct api_answer {
	enum api_class class;
	const char *method;  /* that was called */
	int64_t retry_after; /* seconds, from 0; API_FLOOD */
	char text[320];      /* a phrase for people, the token redacted; "" when API_OK */
	/* the whole response, for as long as the callback runs; NULL if there is none */
	char *body;
	size_t length;
	struct slices result; /* API_OK with an array as result: its elements */
};

struct api;

/* A client whose calls go to `root` (api_root.url) with the token in the path, and with `login`
 * (api_root.login; NULL: none) in a header. `root` and `login` are copied; `http` and `secret`
 * outlive the client. NULL when memory is out. */
struct api *api_new(struct http *http, const char *root, const char *login,
		    const struct secret *secret);
void api_free(struct api *a); /* NULL is fine; cancel the requests first */

/* Appends ROOT/bot<token>, with the login in ROOT and `/method` where they are not NULL. 0 or -1
 * when the buffer is full. */
int api_url(const char *root, const char *login, const struct secret *secret, const char *method,
	    struct buf *out);

typedef void api_done(void *arg, struct api_answer *answer);

struct api_request;

/* Calls `method` with the parameters in `form` (application/x-www-form-urlencoded). Times as in
 * struct http_call. `done(arg, …)` is called once from the loop, unless the request is cancelled;
 * the request is gone by then. NULL when memory is out. */
struct api_request *api_call(struct api *a, const char *method, const char *form, int64_t silence,
			     int64_t total, api_done *done, void *arg);

/* `body` of `length` bytes, and a NUL, is the whole answer, "" if none came; it may be changed, not
 * kept. */
typedef void api_sent(void *arg, const struct verdict *verdict, char *body, size_t length);

/* Sends a call of `method` with its parameters in `body` (JSON is "application/json"; what belongs
 * to whom: struct http_body), once. It may take 120 s, and one more for each 16 KB of the body.
 * `done(arg, …)` is called once from the loop, unless the request is cancelled; the request is gone
 * by then. NULL when memory is out: nothing was sent. */
struct api_request *api_send(struct api *a, const char *method, const struct http_body *body,
			     api_sent *done, void *arg);

/* Fetches a file of the server by the `file_path` that getFile told, at most API_FILE_MAX bytes, to
 * `sink`, with `arg` (io/http.h); the file is what comes with status 200. `done(arg, …)` comes as
 * for api_send(), with no body: VERDICT_OK, all of it came; else it did not, and the text says why.
 * NULL when memory is out. */
#define API_FILE_MAX UINT64_C(2000000000)
struct api_request *api_fetch(struct api *a, const char *path, const struct http_sink *sink,
			      api_sent *done, void *arg);

/* The sink of a file has room again; see http_go_on(). */
void api_go_on(struct api_request *r);

/* Ends a request without calling back; nobody learns then whether it arrived. NULL is fine. */
void api_cancel(struct api_request *r);

#endif
