/* io/httpd: an HTTP server on loopback and on the program's loop. Only httpd*.c see libmicrohttpd.
 *
 * The life of a request: begin → body … → whole → ended. The owner answers it in `begin`, in
 * `whole`, or later: until then its connection is suspended, and `gone` tells when the caller hangs
 * up. Every request gets exactly one `ended`, whatever happens to it; with that its
 * `struct httpd_request` is gone. */
#ifndef TGRUN_IO_HTTPD_H
#define TGRUN_IO_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "io/loop.h"

struct httpd;
struct httpd_request;

/* `arg` is httpd_new()'s; `tag` is what `begin` returned. */
struct httpd_events {
	/* A connection came. false: it is closed. NULL: all are taken. */
	bool (*accept)(void *arg);
	/* A connection has ended. May be NULL. */
	void (*left)(void *arg);
	/* The request line and the headers are there. `too_large`: a body of more than `body_max`
	 * bytes is announced, which will not be read: the request must be answered here. Returns
	 * the owner's tag for the request; NULL: the connection is closed, and no `ended` comes. */
	void *(*begin)(void *arg, struct httpd_request *r, bool too_large);
	/* The next `n` bytes of the body. 0; -1: the connection is closed. A body that passes
	 * `body_max` without having been announced closes it, too. */
	int (*body)(void *tag, const char *bytes, size_t n);
	/* All of the request is there. */
	void (*whole)(void *tag);
	/* The caller has hung up before he was answered; the request is dropped after this. */
	void (*gone)(void *tag);
	/* The request is over, answered or not. No verb may be used on it from here on. */
	void (*ended)(void *tag);
};

enum { HTTPD_ADOPTS = -1 }; /* it serves what httpd_adopt() gives it, and nothing else */

struct httpd_config {
	int port;            /* on 127.0.0.1; 0: any that is free; HTTPD_ADOPTS: none */
	int connections_max; /* at once; others wait to be accepted */
	int idle_seconds;    /* after which a connection is closed on which nothing comes */
	size_t body_max;     /* bytes of a request's body */
};

/* Listens. `events` and `arg` outlive the server. NULL with `err` (ERR_UNAVAILABLE: the port is
 * taken; ERR_INTERNAL). */
struct httpd *httpd_new(struct loop *loop, const struct httpd_config *config,
			const struct httpd_events *events, void *arg, struct err *err);

/* Closes all connections, with an `ended` for each request and no other event, and frees. Never
 * from within an event. NULL is fine. */
void httpd_free(struct httpd *h);

/* The port it listens on. */
int httpd_port(const struct httpd *h);

/* Serves a connection that was not accepted here. `fd`, a stream socket that does not block, is the
 * server's from now on, and closed on failure, too. 0, or -1. */
int httpd_adopt(struct httpd *h, int fd);

/* How many connections there are; how many of them wait for an answer, or get one. */
int httpd_connections(const struct httpd *h);
int httpd_connections_busy(const struct httpd *h);

/* Closes the connection that nobody would miss: of those that are sending a request, or have yet to
 * begin it, the one that does so for longest, if that is `grace` milliseconds at least; else the
 * one that has been idle for longest. false: there is none such. Fine from within an event. */
bool httpd_make_room(struct httpd *h, int64_t grace);

/* ---- what a request says; all valid until `ended` ---- */

/* Decoded, from the slash on, without the query. */
const char *httpd_path(const struct httpd_request *r);
const char *httpd_verb(const struct httpd_request *r); /* GET, POST … */
/* A header's value, NULL without it; the case of `name` does not matter. */
const char *httpd_header(const struct httpd_request *r, const char *name);
/* Calls `fn` for each parameter of the query, decoded; `value` is "" where there is none. */
void httpd_query(const struct httpd_request *r,
		 void (*fn)(void *arg, const char *name, const char *value), void *arg);
/* The descriptor of its connection, which stays the server's; -1: there is none. */
int httpd_descriptor(const struct httpd_request *r);

/* ---- what becomes of it ---- */

struct httpd_answer {
	int status;
	char *body;       /* from malloc(3); the server's from now on. NULL: memory is out, and
			     the connection is closed instead */
	size_t length;    /* bytes of the body */
	const char *type; /* Content-Type; copied, as the others */
	const char *name, *value; /* one header more; name NULL or "": none */
	bool close;               /* the connection is closed behind it */
};

/* Sends the answer. One request is answered once; later answers are freed and forgotten. */
void httpd_answer(struct httpd_request *r, const struct httpd_answer *answer);

/* The same with a file for its body: the first `length` bytes of `fd`, which is the server's from
 * now on, whatever happens. */
void httpd_answer_file(struct httpd_request *r, const struct httpd_answer *answer, int fd,
		       uint64_t length);

/* What httpd_answer_stream()'s `read` returns instead of a number of bytes. */
enum {
	HTTPD_LATER = 0, /* none yet: it is asked again after httpd_more() */
	HTTPD_END = -1,  /* no more; of a body whose length was told, the same as HTTPD_CUT */
	HTTPD_CUT = -2,  /* no more, and some are missing: the caller is to see that */
};

#define HTTPD_UNKNOWN UINT64_MAX

/* The same with a body that comes bit by bit: `length` bytes, HTTPD_UNKNOWN: it will be seen.
 * `read(tag, …)` puts at most `max` of them to `out` whenever the caller can take some, until
 * `ended`. Of `answer`, body and length are not used. */
void httpd_answer_stream(struct httpd_request *r, const struct httpd_answer *answer,
			 uint64_t length, ssize_t (*read)(void *tag, char *out, size_t max));

/* There is more to read of such a body, or its end. */
void httpd_more(struct httpd_request *r);

/* Closes the request's connection, in the middle of its answer if that is a stream; no other answer
 * that is being sent is cut. */
void httpd_drop(struct httpd_request *r);

/* ---- multipart/form-data ---- */

/* Takes such a body apart. */
struct httpd_parts;

/* Bytes of a part's value: `n` of them from byte `offset` of the value on. `file` is the name of an
 * uploaded file, NULL for a plain value; `name` is NULL for a part that has none. Both are
 * percent-decoded, as the Bot API's server does it, and valid during the call. false: enough. */
typedef bool httpd_part(void *arg, const char *name, const char *file, const char *bytes,
			uint64_t offset, size_t n);

/* NULL when the request's Content-Type names no boundary, or memory is out. */
struct httpd_parts *httpd_parts_new(struct httpd_request *r, httpd_part *fn, void *arg);
/* The next bytes of the body. 0, or -1: it is broken, or `fn` had enough. */
int httpd_parts_add(struct httpd_parts *p, const char *bytes, size_t n);
/* The body is at its end. Frees. 0, or -1: it is broken. NULL is fine: 0. */
int httpd_parts_end(struct httpd_parts *p);

#endif
