/* io/http_local: one HTTP request over a connection that is open already, as programs make it that
 * ask a running tgrun. It blocks, and needs neither loop nor libcurl. */
#ifndef TGRUN_IO_HTTP_LOCAL_H
#define TGRUN_IO_HTTP_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "io/http.h"

struct http_local {
	const char *path;             /* `/sendMessage` */
	const char *headers;          /* lines that end in CR LF, "": none */
	const struct http_body *body; /* of a POST; NULL: a GET */
	/* milliseconds without a byte, after which it is given up */
	int64_t silence;
	const char *outcome; /* the header whose value is kept in `word` */
	int to_fd;           /* where the body of an answer with status 200 goes; -1: to `answer` */
};

struct http_local_answer {
	int status;
	char word[32];
	struct buf body; /* to be initialised with its maximum, and released, by the caller */
	/* When it failed: all of the request was sent, so it may have had an effect. */
	bool sent;
};

/* Sends the request over `fd`, which does not block and stays the caller's, and reads the answer.
 * 0; -1 with `err`: ERR_TEMPFAIL, no (whole) answer came; ERR_IO, `to_fd` takes no more, a file of
 * the body cannot be read, or the answer is larger than its maximum. */
int http_local(int fd, const struct http_local *request, struct http_local_answer *answer,
	       struct err *err);

#endif
