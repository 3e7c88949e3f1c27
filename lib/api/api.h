/* api: calls to the Bot API: the URL with its secret, the answers, and the classes of failure. See https://core.telegram.org/bots/api. */
#ifndef TGRUN_API_API_H
#define TGRUN_API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "io/http.h"
#include "update/slice.h"

enum api_class {
	API_OK,
	API_NETWORK,  /* no answer: resolve, connect, TLS, reset, cut, too slow */
	API_SERVER,   /* 5xx */
	API_GARBAGE,  /* an answer that is not the Bot API's: HTML, cut JSON, a redirect, too large */
	API_TOKEN,    /* 401, 403, 404: the token is wrong or revoked */
	API_POLLER,   /* 409: another getUpdates runs */
	API_WEBHOOK,  /* 409: a webhook is set */
	API_FLOOD,    /* 429: wait `retry_after` seconds */
	API_REFUSED,  /* any other error of the server, a sentence is in `text` */
	API_CLASSES,
};

struct api_answer {
	enum api_class class;
	int64_t retry_after;   /* seconds, from 0; API_FLOOD */
	char text[320];        /* a phrase for people, the token redacted; "" when API_OK */
	char *body;            /* the whole response, for as long as the callback runs; NULL if there is none */
	size_t length;
	struct slices result;  /* API_OK with an array as result: its elements */
};

struct api;

/* Calls go to `root` (https://api.telegram.org or a local server, no slash at the end), with the token in the path. `secret` outlives it. NULL when memory is
 * out. */
struct api *api_new(struct http *http, const char *root, const struct secret *secret);
void api_free(struct api *a); /* NULL is fine; cancel the requests first */

/* Appends ROOT/bot<token>, with `/method` if `method` is not NULL. 0 or -1 when the buffer is full. */
int api_url(const char *root, const struct secret *secret, const char *method, struct buf *out);

/* Checks a root: http or https, a host, no user or password, no query. Removes slashes at its end in place. 0; 1: fine, but plain http to a host that is not loopback,
 * where the token can be read on the way; -1 with `err` (ERR_USAGE). */
int api_check_root(char *root, struct err *err);

typedef void api_done(void *arg, struct api_answer *answer);

struct api_request;

/* Calls `method` with the parameters in `form` (application/x-www-form-urlencoded). Times as in struct http_call. `done(arg, …)` is called once from the loop, unless the
 * request is cancelled; the request is gone by then. NULL when memory is out. */
struct api_request *api_call(struct api *a, const char *method, const char *form, int64_t silence, int64_t total,
			     api_done *done, void *arg);

/* Ends a request without calling back. NULL is fine. */
void api_cancel(struct api_request *r);

#endif
