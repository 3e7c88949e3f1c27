/* api/verdict: what became of a call that was sent, from what came back. What follows from it is
 * for others to say. */
#ifndef TGRUN_API_VERDICT_H
#define TGRUN_API_VERDICT_H

#include <stdint.h>

#include "base/secret.h"
#include "io/http.h"

enum verdict_kind {
	VERDICT_OK,
	VERDICT_SAME,     /* there was nothing (more) to do: "… is not modified", "query is too
			     old" */
	VERDICT_UNSENT,   /* it surely has not arrived: its body was never asked for, or the proxy
			     kept it (407) */
	VERDICT_FLOOD,    /* 429: wait `retry_after` seconds */
	VERDICT_SERVER,   /* 5xx; a redirect, which the Bot API never sends */
	VERDICT_UNSURE,   /* it may have arrived: the body was asked for, and no whole answer of the
			     Bot API came; or a 500 that names a restart */
	VERDICT_MOVED,    /* the chat has become `moved_to` */
	VERDICT_ENTITIES, /* "can't parse entities" */
	VERDICT_FORBIDDEN, /* 403: of the chat, not of the bot */
	VERDICT_REFUSED,   /* any other 4xx */
	VERDICT_TOKEN,     /* 401: getMe can tell whether the token is gone */
	VERDICT_KINDS,
};

struct verdict {
	enum verdict_kind kind;
	int code;            /* of the Bot API; without its envelope that of HTTP; 0: none came */
	int64_t retry_after; /* seconds, from 0; of a 429 that names none: 5 */
	int64_t moved_to;    /* a chat's id */
	char text[320];      /* a phrase for people, `s` redacted; "" when VERDICT_OK */
};

/* Judges the response to a call that was sent with a body (http_call.body). */
void verdict_read(struct verdict *v, const struct http_response *r, const struct secret *s);

#endif
