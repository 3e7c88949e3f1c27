/* handler/webhook_answer: what the server of a webhook answered, and what that means for the
 * update. Pure; see "WEBHOOKS" in tgrun-handler(7). */
#ifndef TGRUN_HANDLER_WEBHOOK_ANSWER_H
#define TGRUN_HANDLER_WEBHOOK_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "handler/sentence.h"
#include "io/http.h"

enum { WEBHOOK_REST = 1 /* seconds, of servers that say nothing of it */ };

enum webhook_meaning {
	WEBHOOK_DONE,    /* the update was handled */
	WEBHOOK_LATER,   /* it asks for another attempt, in `after` */
	WEBHOOK_FAILED,  /* the attempt failed, and another follows */
	WEBHOOK_REFUSED, /* the update becomes a dead letter */
	WEBHOOK_CROSSED, /* it crossed the end of an old connection: once more, at once */
	/* Not the update's doing: the server cannot be reached, or the machine has no room. */
	WEBHOOK_UNREACHED,
};

struct webhook_answer {
	enum webhook_meaning meaning;
	int64_t after;    /* WEBHOOK_LATER: milliseconds; -1: it does not say */
	char reason[200]; /* of all but WEBHOOK_DONE, a phrase for people */
	/* the first line of the body that says something, as of a failure; "" if there is none */
	char sentence[SENTENCE_MAX + 1];
};

/* What `response` means. `again`: the update is posted for the second time, because the first
 * crossed. `timeout`: the milliseconds that the server had, for the reason. */
void webhook_answer_read(const struct http_response *response, bool again, int64_t timeout,
			 struct webhook_answer *out);

/* The seconds for which the connection of an answer may rest before it is used again. */
int webhook_answer_rest(const struct http_response *response);

/* What the body of an answer that means WEBHOOK_DONE is, as Telegram reads it. */
enum webhook_body {
	WEBHOOK_NO_CALL, /* nothing that counts */
	WEBHOOK_CALL,    /* a call: a JSON object with a `method` */
	WEBHOOK_PARTS,   /* multipart/form-data, which is not read */
	WEBHOOK_MEMORY,  /* memory is out */
};

/* Reads the body, which is changed in place. `call`, which is empty, gets the JSON object, and
 * takes eight times the bytes of the body. */
enum webhook_body webhook_answer_call(struct http_response *response, struct buf *call);

#endif
