/* tests/tools/sandbox_fault: faults that are proper HTTP. A request and its line of the script come
 * in; the request is answered, now or later, or handed to sandbox_raw.c, which writes on the
 * connection itself. */
#include "tests/tools/sandbox_fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* The true answer, to be changed as a line says. */
struct decoration {
	struct sandbox_fault fault; /* first */
	cJSON *line;
};

int64_t sandbox_fault_number(const cJSON *json, const char *name, int64_t otherwise)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
	return cJSON_IsNumber(item) && item->valuedouble > -1e15 && item->valuedouble < 1e15
		       ? (int64_t)item->valuedouble
		       : otherwise;
}

static const char *text(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static void add_hex(struct buf *out, const char *hex)
{
	for (const char *p = hex; p[0] && p[1]; p += 2) {
		unsigned byte = 0;
		if (sscanf(p, "%2x", &byte) != 1 || buf_addc(out, (char)byte))
			return;
	}
}

/* The server's answer to what it refuses. */
static void add_error(struct buf *out, const cJSON *json, int status)
{
	static const char *const parameters[] = { "retry_after", "migrate_to_chat_id" };
	char scripted[32];
	snprintf(scripted, sizeof scripted, "Scripted %d", status);
	buf_addf(out, "{\"ok\":false,\"error_code\":%d", status);
	json_add_text(out, "description",
		      text(json, "description") ? text(json, "description") : scripted);
	for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
		if (json_has_number(json, parameters[i]))
			buf_addf(out, ",\"parameters\":{\"%s\":%lld}", parameters[i],
				 (long long)json_number(json, parameters[i]));
	buf_addc(out, '}');
}

static bool gives_body(const cJSON *json)
{
	return text(json, "body") || text(json, "hex") || text(json, "description");
}

/* The body that the line gives. */
static void add_given(struct buf *out, const cJSON *json, int status)
{
	const char *body = text(json, "body"), *hex = text(json, "hex");
	int64_t repeat = sandbox_fault_number(json, "repeat", 1);
	for (int64_t i = 0; i < repeat && body; i++)
		if (buf_adds(out, body))
			break;
	for (int64_t i = 0; i < repeat && hex; i++)
		add_hex(out, hex);
	if (!body && !hex)
		add_error(out, json, status);
}

/* The line's headers. */
static void give_headers(struct sandbox_request *r, const cJSON *json)
{
	const char *type = text(json, "type"), *header = text(json, "header"),
		   *location = text(json, "location");
	if (type) {
		snprintf(r->given_type, sizeof r->given_type, "%s", type);
		r->type = r->given_type;
	}
	const char *colon = header ? strchr(header, ':') : NULL;
	if (location) {
		strcpy(r->extra_name, "Location");
		snprintf(r->extra_value, sizeof r->extra_value, "%s", location);
	} else if (colon && (size_t)(colon - header) < sizeof r->extra_name) {
		memcpy(r->extra_name, header, (size_t)(colon - header));
		snprintf(r->extra_value, sizeof r->extra_value, "%s",
			 colon + 1 + strspn(colon + 1, " "));
	}
}

/* The true answer, changed as the line says. */
static void decorate(struct sandbox_request *r)
{
	const cJSON *json = ((struct decoration *)r->fault)->line;
	const char *before = text(json, "before"), *behind = text(json, "behind");
	struct buf body;
	buf_init(&body, 256 << 20);
	give_headers(r, json);
	if (before)
		add_hex(&body, before);
	int status = (int)sandbox_fault_number(json, "status", r->status);
	if (gives_body(json))
		add_given(&body, json, status);
	else
		buf_add(&body, r->answer,
			r->length * (size_t)sandbox_fault_number(json, "keep", 1000) / 1000);
	if (behind)
		add_hex(&body, behind);
	if (!body.data)
		buf_reserve(&body, 1);
	sandbox_answer(r, status, body.data, body.len);
}

static void release_decoration(struct sandbox_request *r)
{
	struct decoration *d = r->fault;
	cJSON_Delete(d->line);
	free(d);
}

static void prepare_decoration(struct sandbox_request *r, const cJSON *line)
{
	struct decoration *d = calloc(1, sizeof *d);
	if (!d)
		return;
	*d = (struct decoration){ { decorate, release_decoration }, cJSON_Duplicate(line, 1) };
	r->fault = d;
}

/* Status, body and headers of the line as the answer. */
static void answer(struct sandbox_request *r, const cJSON *json, int status)
{
	struct buf body;
	buf_init(&body, 256 << 20);
	give_headers(r, json);
	add_given(&body, json, status);
	if (!body.data)
		buf_reserve(&body, 1); /* an empty body is one too */
	sandbox_answer(r, status, body.data, body.len);
}

static bool applies(const cJSON *json)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "apply"));
}

/* A fault that writes on the connection itself. */
static bool play(struct sandbox_request *r, enum raw_action action, const cJSON *json, int status)
{
	const cJSON *after = cJSON_GetObjectItemCaseSensitive(json, "after");
	const char *end = text(json, "end");
	struct raw_plan plan = {
		.action = action,
		.ms = sandbox_fault_number(json, "ms", action == RAW_TRICKLE ? 1000 : 0),
		.bytes = sandbox_fault_number(json, "bytes", action == RAW_TRICKLE ? 1 : 200 << 20),
		.has_after = cJSON_IsNumber(after),
		.after = sandbox_fault_number(json, "after", 0),
		.permille = sandbox_fault_number(json, "permille", RAW_UNSET),
		.more = sandbox_fault_number(json, "more", 0),
	};
	bool within = action == RAW_STALL && (plan.has_after || plan.permille != RAW_UNSET);
	bool spoils = within || action == RAW_TRICKLE || action == RAW_RESET || action == RAW_CUT;
	if (action == RAW_STALL || action == RAW_STALL_HEADERS ||
	    (end && strcmp(end, "stall") == 0))
		plan.end = RAW_STALL;
	else
		plan.end = action == RAW_RESET || (end && strcmp(end, "reset") == 0) ? RAW_RESET
										     : RAW_CUT;
	if (sandbox_raw_prepare(r, &plan)) {
		sandbox_drop(r);
		return true;
	}
	give_headers(r, json);
	if (applies(json) || (spoils && !gives_body(json) && !status))
		sandbox_dispatch(r);
	else
		answer(r, json, status ? status : 200);
	return true;
}

bool sandbox_fault_apply(struct sandbox_request *r, enum raw_action action, const cJSON *json)
{
	int status = (int)sandbox_fault_number(json, "status", 0);
	switch (action) {
	case RAW_NONE:
		if (applies(json)) {
			prepare_decoration(r, json);
			return false;
		}
		answer(r, json, status ? status : 200);
		return true;
	case FAULT_REDIRECT:
		answer(r, json, status ? status : 302);
		return true;
	case FAULT_CLOSE:
		r->close = true;
		if (status || gives_body(json))
			answer(r, json, status ? status : 200);
		return status || gives_body(json);
	case FAULT_DELAY:
		sandbox_later(r, sandbox_fault_number(json, "ms", 1000), sandbox_dispatch);
		return true;
	case FAULT_DUPLICATE:
		r->sandbox->redeliver = true;
		return false;
	case FAULT_TWICE:
		r->twice = true;
		return false;
	case FAULT_BACKWARDS:
		r->backwards = true;
		return false;
	case FAULT_FLOOD:
		sandbox_cool(r->sandbox,
			     json_true(json, "all") ? 0 : sandbox_chat_named(r, "chat_id"),
			     sandbox_fault_number(json, "retry_after", 1) * 1000);
		return false;
	case FAULT_PASS:
	case FAULT_REFUSE:
	case FAULT_HANG_UP:
	case FAULT_BREAK:
		return false;
	case RAW_STALL:
	case RAW_STALL_HEADERS:
	case RAW_TRICKLE:
	case RAW_RESET:
	case RAW_CUT:
	case RAW_BYTES:
	case RAW_ENDLESS:
	case RAW_HEADERS:
	case RAW_GARBAGE:
		break;
	}
	return play(r, action, json, status);
}
