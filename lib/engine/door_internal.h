/* engine/door_internal: what the files of the local API share: door_answer.c (answers),
 * door_body.c (what a request brings), door_send.c (its call, on its way), door_file.c (files),
 * door.c (who comes in). They stand above one another in this order. */
#ifndef TGRUN_ENGINE_DOOR_INTERNAL_H
#define TGRUN_ENGINE_DOOR_INTERNAL_H

#include "api/api.h"
#include "base/buf.h"
#include "base/list.h"
#include "engine/door.h"
#include "io/httpd.h"
#include "io/listener.h"
#include "queue/queue.h"

struct door {
	struct door_config config;
	struct httpd *httpd;
	struct listener *named, *port; /* NULL: none (any more) */
	struct loop_timer *room_timer; /* looks again for room */
	struct list calls;             /* all that are not freed */
	bool closing;
	bool paused;
};

enum door_stage {
	DOOR_READS,   /* its request is coming */
	DOOR_WAITS,   /* for its turn */
	DOOR_SENDS,   /* the server has it */
	DOOR_STORES,  /* it is to be on disk */
	DOOR_FETCHES, /* its file is coming, and goes on to the caller */
	DOOR_ENDS,    /* it was answered */
};

/* A request. */
struct door_call {
	struct list link; /* in door.calls */
	struct door *door;
	struct httpd_request *http; /* NULL: nobody waits for an answer any more */
	enum door_stage stage;
	bool stranger;            /* the token of the path is wrong */
	char method[65];          /* "": a file is asked for */
	const char *path;         /* of the file; the request's */
	int64_t patience, expire; /* milliseconds */
	bool store, bulk, file;

	/* The body: in memory, or, when it is long, in a file without a name. */
	struct buf body;
	int spool; /* -1: none */
	uint64_t length;
	enum { DOOR_NO_BODY, DOOR_JSON, DOOR_FORM, DOOR_PARTS } form;
	struct httpd_parts *parts;
	struct buf name, value; /* the part that is being read */
	struct buf fields;      /* members of a JSON object, without its braces: from the URL and
				 * from parts */
	bool url_fields, part_files;
	int refused; /* with this status, when all has been read; 0: not */
	char why[160];

	/* The call on its way. */
	bool composed; /* what is sent is JSON that was made here */
	struct http_piece piece;
	struct out_live *live;
	struct api_request *request;
	int64_t number;  /* of one that is stored */
	uint64_t ticket; /* … of the queue: when that is written, it is */
	struct buf told; /* the last 429 */
	/* A file on its way: what came and was not handed on; whether its head was. */
	struct buf passing;
	bool given, cut; /* cut: the rest of it will not come */
};

/* door_answer.c */
/* Answers, once, with `body` (from malloc(3), owned from now on). */
void door_answer(struct door_call *c, int status, enum door_outcome outcome, char *body,
		 size_t length);
/* Answers with an error of tgrun's own. */
void door_refuse(struct door_call *c, int status, enum door_outcome outcome, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Answers with what the server said. */
void door_pass_on(struct door_call *c, const struct verdict *v, const char *body, size_t length);

/* door_body.c */
/* What the request says before its body; then each piece of it; then its end, at which `params`
 * gets the call's parameters as JSON. Where one of them returns false, the request is refused: it
 * is to be answered by `refused` and `why`. */
bool door_body_begin(struct door_call *c, bool too_large);
void door_body_add(struct door_call *c, const char *bytes, size_t n);
bool door_body_end(struct door_call *c, struct buf *params);
void door_body_release(struct door_call *c);
/* The end of a request, of which nothing is under way. */
void door_call_free(struct door_call *c);

/* door_file.c: the file of `c->path`; the one that an answer of getFile names. */
void door_file_fetch(struct door_call *c, const char *path);
void door_file_of_answer(struct door_call *c, const char *body, size_t length);

/* door_send.c */
/* The request is whole. */
void door_send(struct door_call *c);
/* Its caller has gone, or it ends: what did not go out yet does not. */
void door_take_back(struct door_call *c);

#endif
