/* api/verdict: a response in, a verdict out. Pure.
 *
 * Invariant: a call is "unsent" only if no byte of it can have arrived, and is judged by an error
 * only if that came whole; whatever else happened to it is "unsure". */
#include "api/verdict.h"

#include <stdio.h>
#include <string.h>

#include "update/slice.h"

enum { RETRY_AFTER_DEFAULT = 5 };

/* Errors of which the words say more than the code. */
static const struct {
	const char *words;
	enum verdict_kind kind;
} meanings[] = {
	{ "is not modified", VERDICT_SAME }, /* also a chat's description */
	{ "query is too old", VERDICT_SAME },
	{ "can't parse entities", VERDICT_ENTITIES },
};

/* Of an error that the Bot API described. */
static enum verdict_kind kind_of(int code, const struct slice_reply *reply)
{
	if (code == 500 && strcasestr(reply->description, "restart"))
		return VERDICT_UNSURE;
	if (code >= 500)
		return VERDICT_SERVER;
	if (code == 401)
		return VERDICT_TOKEN;
	if (code == 429)
		return VERDICT_FLOOD;
	if (reply->migrated_to)
		return VERDICT_MOVED;
	for (size_t i = 0; code == 400 && i < sizeof meanings / sizeof *meanings; i++)
		if (strcasestr(reply->description, meanings[i].words))
			return meanings[i].kind;
	return code == 403 ? VERDICT_FORBIDDEN : VERDICT_REFUSED;
}

/* Of an answer that is not the Bot API's: a page of a proxy, half of an answer. */
static enum verdict_kind kind_of_page(int status)
{
	switch (status) {
	case 401:
		return VERDICT_TOKEN;
	case 407:
		return VERDICT_UNSENT;
	case 429:
		return VERDICT_FLOOD;
	default:
		return status >= 500   ? VERDICT_SERVER
		       : status >= 400 ? VERDICT_REFUSED
		       : status >= 300 ? VERDICT_SERVER
				       : VERDICT_UNSURE;
	}
}

static void judge(struct verdict *v, const struct http_response *r)
{
	struct slice_reply reply;
	struct err err = { 0 };
	const char *result;
	v->code = r->status;
	v->retry_after = RETRY_AFTER_DEFAULT;
	if (slice_envelope(r->body, r->length, &reply, &result, &err)) {
		v->kind = kind_of_page(r->status);
		snprintf(v->text, sizeof v->text,
			 "HTTP status %d with no answer of the Bot API: %s", r->status, err.text);
	} else if (reply.ok) {
		v->kind = r->status / 100 == 2 ? VERDICT_OK : VERDICT_UNSURE;
		if (v->kind != VERDICT_OK)
			snprintf(v->text, sizeof v->text, "HTTP status %d with an 'ok'", r->status);
	} else {
		if (reply.error_code)
			v->code = reply.error_code;
		if (reply.retry_after >= 0)
			v->retry_after = reply.retry_after;
		v->kind = kind_of(v->code, &reply);
		v->moved_to = v->kind == VERDICT_MOVED ? reply.migrated_to : 0;
		snprintf(v->text, sizeof v->text, "%d %s", v->code, reply.description);
	}
	if (v->kind != VERDICT_FLOOD)
		v->retry_after = 0;
}

void verdict_read(struct verdict *v, const struct http_response *r, const struct secret *s)
{
	*v = (struct verdict){ 0 };
	if (r->failure == HTTP_OK) {
		judge(v, r);
	} else {
		v->kind = r->asked ? VERDICT_UNSURE : VERDICT_UNSENT;
		snprintf(v->text, sizeof v->text, "%s", r->reason);
	}
	v->text[secret_redact(s, v->text, strlen(v->text))] = '\0';
}
