/* engine/door_answer: what a caller of the local API is told: the server's own words, or tgrun's in
 * the same form. The bottom of the door. Invariant: no answer holds the token, and each request
 * gets one. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/door_internal.h"

enum { REFUSAL_MAX = 4096 };

/* The answer without the token. NULL when memory is out. */
static char *hide(const struct door *d, char *body, size_t *length)
{
	const struct secret *s = d->config.secret;
	struct buf out;
	if (!body || !secret_handed(s)) {
		*length = body ? secret_redact(s, body, *length) : 0;
		return body;
	}
	buf_init(&out, SIZE_MAX / 2);
	if (secret_exchange(s, body, *length, false, &out))
		buf_release(&out);
	free(body);
	*length = out.len;
	return out.data;
}

void door_answer(struct door_call *c, int status, enum door_outcome outcome, char *body,
		 size_t length)
{
	c->stage = DOOR_ENDS;
	if (!c->http) {
		free(body);
		return;
	}
	body = hide(c->door, body, &length);
	httpd_answer(c->http, &(struct httpd_answer){ .status = status,
						      .body = body,
						      .length = length,
						      .type = "application/json",
						      .name = "X-Tgrun-Outcome",
						      .value = door_outcome_word(outcome),
						      .close = c->door->closing || c->stranger });
}

void door_refuse(struct door_call *c, int status, enum door_outcome outcome, const char *fmt, ...)
{
	char text[512];
	struct buf body;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_init(&body, REFUSAL_MAX);
	int rc = buf_addf(&body, "{\"ok\":false,\"error_code\":%d,\"description\":", status) ||
		 buf_add_json(&body, text, strlen(text));
	if (status == 429)
		rc = rc || buf_adds(&body, ",\"parameters\":{\"retry_after\":1}");
	rc = rc || buf_addc(&body, '}');
	door_answer(c, status, outcome, rc ? NULL : body.data, body.len);
	if (rc)
		buf_release(&body);
}

void door_pass_on(struct door_call *c, const struct verdict *v, const char *body, size_t length)
{
	enum door_outcome outcome = door_outcome_of(v);
	if (v->kind == VERDICT_UNSURE) {
		door_refuse(c, 502, outcome, "Bad Gateway: it may have been delivered: %s",
			    v->text);
	} else if (v->kind == VERDICT_UNSENT) {
		door_refuse(c, 503, outcome, "Service Unavailable: it was not sent: %s", v->text);
	} else if (length && *body == '{') {
		char *copy = malloc(length);
		if (copy)
			memcpy(copy, body, length);
		door_answer(c, v->code, outcome, copy, length);
	} else {
		door_refuse(c, v->code >= 400 ? v->code : 502, outcome, "%s", v->text);
	}
}
