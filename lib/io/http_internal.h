/* io/http_internal: a client and its requests, as http.c, http_request.c, http_body.c and
 * http_watch.c see them; for these only. */
#ifndef TGRUN_IO_HTTP_INTERNAL_H
#define TGRUN_IO_HTTP_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "io/http.h"
#include "io/http_library_internal.h"

struct http {
	struct loop *loop;
	CURLM *multi;
	struct curl_slist *headers;
	char *ca_file, *ca_dirs;  /* NULL: the machine's */
	struct loop_timer *timer; /* curl's own */
	struct loop_timer *soon;  /* a request ended while it began */
	struct list requests;
	size_t count;             /* of them */
	struct watched **watched; /* curl's descriptors, by their numbers: http_watch.c */
	size_t watched_room;      /* numbers that it has room for */
	/* Something happened to a descriptor: CURL_CSELECT_IN and _OUT. May free the client. */
	void (*ready)(struct http *h, curl_socket_t fd, int events);
	bool collecting; /* callbacks are being made */
	bool freed;      /* by one of them */
};

/* A body that is sent once. */
struct http_sending {
	struct http_piece *pieces; /* NULL: the request has a form */
	size_t count, at;          /* those sent, all but the bytes of `done` of the next */
	uint64_t done, length, sent;
	struct curl_slist *headers;
	bool asked;     /* curl has taken of it, or it is empty and was sent */
	bool reused;    /* over a connection that had been used before */
	int read_errno; /* why a file could not be read; 0: it could */
};

struct http_request {
	struct list link;
	struct http *http;
	CURL *easy;
	http_done *done;
	void *arg;
	struct http_sending sending;
	bool reach;                    /* it ends when the connection stands */
	bool tls;                      /* https */
	bool opened;                   /* a socket was made for it */
	bool begun;                    /* less than a line of an answer came: http_watch.c */
	struct buf body;               /* of the answer */
	const struct http_sink *sink;  /* where its body goes; NULL: to `body` */
	void *to;                      /* the sink's */
	uint64_t taken, max;           /* bytes that the sink took; at most */
	bool head_told, full, stopped; /* of the sink */
	struct loop_timer *silent;     /* too little came and went */
	int64_t silence;               /* its milliseconds */
	uint64_t received;             /* bytes */
	uint64_t moved_before;         /* received and sent, when it ran out last */
	size_t header_bytes;
	bool head_ended; /* the last head came whole */
	bool headers_done;
	/* seconds, as in the head of the answer; -1: it is not there */
	int64_t retry_after, keep_alive;
	bool too_large; /* what came did not fit: we ended it */
	bool no_memory;
	int socket_errno; /* why the machine has no socket, or cannot watch one; 0: it has */
	bool unwatched;   /* the latter: nothing more will be heard of the request */
	char *path;       /* the part of the URL that no message may quote */
	char reason[CURL_ERROR_SIZE + 64];
	char error[CURL_ERROR_SIZE];
};

/* Makes the curl handle, and tells it everything that the call asks for. false when memory is out,
 * or curl does not take it; what was made is the request's either way. */
bool http_request_set(struct http_request *r, const struct http_call *call);

/* Makes the call's body that of the request. Returns the number of settings that curl did not take,
 * so that anything but 0 is a lack of memory. */
int http_body_set(struct http_request *r, const struct http_call *call);
void http_body_release(struct http_request *r);

/* curl's descriptors: CURLMOPT_SOCKETFUNCTION of a client, CURLOPT_OPENSOCKETFUNCTION of a request,
 * CURLOPT_CLOSESOCKETFUNCTION with its client, which outlives it. */
int http_watch_set(CURL *easy, curl_socket_t fd, int what, void *arg, void *kept);
curl_socket_t http_watch_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address);
int http_watch_close(void *arg, curl_socket_t fd);
/* Forgets what curl closed by itself. The client's curl is gone. */
void http_watch_forget(struct http *h);

/* Tells the sink of the head, once. */
void http_request_head(struct http_request *r);

/* What failed (CURLE_OK: no whole answer came): into `reason`, in words that hold no part of the
 * URL but its host. */
enum http_failure http_request_explain(struct http_request *r, CURLcode code);

#endif
