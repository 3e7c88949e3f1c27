/* tests/tools/sandbox_script: which fault is next, and the faults that are proper HTTP. Lines of
 * JSON come in; requests are answered, delayed or handed to sandbox_raw.c, which writes on the
 * connection itself.
 *
 * Lines are used in their order; one that is used up is gone. */
#include "tests/tools/sandbox_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/tools/sandbox_raw.h"

enum {
	LINES_MAX = 20000,
	DOWN_AGAIN = 1000, /* milliseconds: somebody else has the port for a moment */
};

struct fault {
	struct list link;
	cJSON *json;
	char method[SANDBOX_METHOD_MAX + 1];
	enum raw_action action;
	int64_t skip, times;
};

struct sandbox_script {
	struct list faults;
	size_t count;
	/* connections still to be closed as soon as they are accepted */
	int hang_up;
	struct sandbox *refuses; /* it was told to refuse connections */
	struct loop_timer *down; /* until nobody can connect, or somebody can again */
	int64_t down_for;        /* milliseconds */
};

/* The true answer, to be changed as a line says. */
struct decoration {
	struct sandbox_fault fault; /* first */
	cJSON *line;
};

static const char *const names[] = {
	[RAW_NONE] = "answer",
	[RAW_STALL] = "stall",
	[RAW_STALL_HEADERS] = "stall_headers",
	[RAW_TRICKLE] = "trickle",
	[RAW_RESET] = "reset",
	[RAW_CUT] = "cut",
	[RAW_BYTES] = "raw",
	[RAW_ENDLESS] = "endless",
	[RAW_HEADERS] = "headers",
	[RAW_GARBAGE] = "garbage",
	[FAULT_REDIRECT] = "redirect",
	[FAULT_CLOSE] = "close",
	[FAULT_DELAY] = "delay",
	[FAULT_DUPLICATE] = "duplicate",
	[FAULT_TWICE] = "twice",
	[FAULT_BACKWARDS] = "backwards",
	[FAULT_PASS] = "pass",
	[FAULT_REFUSE] = "refuse",
	[FAULT_HANG_UP] = "hang_up",
};

struct sandbox_script *sandbox_script_new(void)
{
	struct sandbox_script *s = calloc(1, sizeof *s);
	if (s)
		list_init(&s->faults);
	return s;
}

static void fault_free(struct fault *f)
{
	list_remove(&f->link);
	cJSON_Delete(f->json);
	free(f);
}

void sandbox_script_free(struct sandbox_script *s)
{
	if (!s)
		return;
	while (!list_empty(&s->faults))
		fault_free(container_of(s->faults.next, struct fault, link));
	loop_timer_free(s->down);
	free(s);
}

static int64_t number(const cJSON *json, const char *name, int64_t otherwise)
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

static int add_line(struct sandbox_script *s, const char *line, size_t n, int number_of_line,
		    struct err *err)
{
	if (s->count >= LINES_MAX)
		return err_set(err, ERR_USAGE, "the script is too long");
	struct fault *f = calloc(1, sizeof *f);
	if (!f)
		return err_set(err, ERR_INTERNAL, "out of memory");
	list_init(&f->link);
	f->json = cJSON_ParseWithLength(line, n);
	if (!cJSON_IsObject(f->json)) {
		fault_free(f);
		return err_set(err, ERR_USAGE, "line %d of the script is no JSON object",
			       number_of_line);
	}
	const char *action = text(f->json, "action"), *method = text(f->json, "method");
	size_t i = 0;
	while (action && i < sizeof names / sizeof *names && strcmp(names[i], action) != 0)
		i++;
	if (i == sizeof names / sizeof *names) {
		err_set(err, ERR_USAGE, "line %d of the script: unknown action '%s'",
			number_of_line, action);
		fault_free(f);
		return -1;
	}
	f->action = (enum raw_action)i;
	snprintf(f->method, sizeof f->method, "%s",
		 method && strcmp(method, "*") != 0 ? method : "");
	f->skip = number(f->json, "skip", 0);
	f->times = number(f->json, "times", 1);
	list_add_before(&s->faults, &f->link);
	s->count++;
	return 0;
}

int sandbox_script_add(struct sandbox_script *s, const char *lines, size_t n, struct err *err)
{
	int line = 0;
	while (n) {
		const char *end = memchr(lines, '\n', n);
		size_t length = end ? (size_t)(end - lines) : n;
		line++;
		if (strspn(lines, " \t\r") < length && lines[0] != '#' &&
		    add_line(s, lines, length, line, err))
			return -1;
		lines += end ? length + 1 : length;
		n -= end ? length + 1 : length;
	}
	return 0;
}

size_t sandbox_script_left(const struct sandbox_script *s)
{
	return s->count;
}

static void add_hex(struct buf *out, const char *hex)
{
	for (const char *p = hex; p[0] && p[1]; p += 2) {
		unsigned byte = 0;
		if (sscanf(p, "%2x", &byte) != 1 || buf_addc(out, (char)byte))
			return;
	}
}

/* The body that the line gives; false if it gives none. */
static bool given_body(const cJSON *json, struct buf *out)
{
	const char *body = text(json, "body"), *hex = text(json, "hex");
	int64_t repeat = number(json, "repeat", 1);
	for (int64_t i = 0; i < repeat && body; i++)
		if (buf_adds(out, body))
			break;
	for (int64_t i = 0; i < repeat && hex; i++)
		add_hex(out, hex);
	return body || hex;
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
	buf_add(&body, r->answer, r->length * (size_t)number(json, "keep", 1000) / 1000);
	if (behind)
		add_hex(&body, behind);
	if (!body.data)
		buf_reserve(&body, 1);
	sandbox_answer(r, (int)number(json, "status", r->status), body.data, body.len);
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

static void on_down(void *arg)
{
	struct sandbox_script *s = arg;
	struct err err;
	if (s->refuses->httpd) {
		sandbox_close(s->refuses);
		loop_timer_set(s->down, s->down_for);
	} else if (sandbox_open(s->refuses, &err)) {
		loop_timer_set(s->down, DOWN_AGAIN);
	}
}

static void refuse_connections(struct sandbox_script *s, struct sandbox *sandbox, int64_t ms)
{
	if (!s->down)
		s->down = loop_timer_new(sandbox->loop, on_down, s);
	s->refuses = sandbox;
	s->down_for = ms;
	if (s->down)
		loop_timer_set(s->down, 0); /* not from within a request */
}

/* Status, body and headers of the line as the answer. */
static void answer(struct sandbox_request *r, const cJSON *json, int status)
{
	struct buf body;
	buf_init(&body, 256 << 20);
	give_headers(r, json);
	if (!given_body(json, &body))
		buf_addf(&body, "{\"ok\":false,\"error_code\":%d,\"description\":\"Scripted %d\"}",
			 status, status);
	if (!body.data)
		buf_reserve(&body, 1); /* an empty body is one too */
	sandbox_answer(r, status, body.data, body.len);
}

static bool applies(const cJSON *json)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "apply"));
}

/* A fault that writes on the connection itself. */
static bool play(const struct fault *f, struct sandbox_request *r, int status, bool given)
{
	const cJSON *json = f->json, *after = cJSON_GetObjectItemCaseSensitive(json, "after");
	const char *end = text(json, "end");
	struct raw_plan plan = {
		.action = f->action,
		.ms = number(json, "ms", f->action == RAW_TRICKLE ? 1000 : 0),
		.bytes = number(json, "bytes", f->action == RAW_TRICKLE ? 1 : 200 << 20),
		.has_after = cJSON_IsNumber(after),
		.after = number(json, "after", 0),
		.permille = number(json, "permille", RAW_UNSET),
		.more = number(json, "more", 0),
	};
	bool within = f->action == RAW_STALL && (plan.has_after || plan.permille != RAW_UNSET);
	bool spoils = within || f->action == RAW_TRICKLE || f->action == RAW_RESET ||
		      f->action == RAW_CUT;
	if (f->action == RAW_STALL || f->action == RAW_STALL_HEADERS ||
	    (end && strcmp(end, "stall") == 0))
		plan.end = RAW_STALL;
	else
		plan.end = f->action == RAW_RESET || (end && strcmp(end, "reset") == 0) ? RAW_RESET
											: RAW_CUT;
	if (sandbox_raw_prepare(r, &plan)) {
		sandbox_drop(r);
		return true;
	}
	give_headers(r, json);
	if (applies(json) || (spoils && !given && !status))
		sandbox_dispatch(r);
	else
		answer(r, json, status ? status : 200);
	return true;
}

static bool apply(struct sandbox_script *s, struct fault *f, struct sandbox_request *r)
{
	int status = (int)number(f->json, "status", 0);
	bool given = text(f->json, "body") || text(f->json, "hex");
	switch (f->action) {
	case RAW_NONE:
		if (applies(f->json)) {
			prepare_decoration(r, f->json);
			return false;
		}
		answer(r, f->json, status ? status : 200);
		return true;
	case FAULT_REDIRECT:
		answer(r, f->json, status ? status : 302);
		return true;
	case FAULT_CLOSE:
		r->close = true;
		if (status || given)
			answer(r, f->json, status ? status : 200);
		return status || given;
	case FAULT_DELAY:
		sandbox_later(r, number(f->json, "ms", 1000), sandbox_dispatch);
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
	case FAULT_PASS:
		return false;
	case FAULT_REFUSE:
		refuse_connections(s, r->sandbox, number(f->json, "ms", 1000));
		return true;
	case FAULT_HANG_UP:
		s->hang_up = (int)number(f->json, "count", 1);
		sandbox_drop(r);
		return true;
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
	return play(f, r, status, given);
}

bool sandbox_script_request(struct sandbox_script *s, struct sandbox_request *r, const char **name)
{
	*name = NULL;
	if (!r->method[0])
		return false;
	for (struct list *l = s->faults.next; l != &s->faults; l = l->next) {
		struct fault *f = container_of(l, struct fault, link);
		if (f->method[0] && strcasecmp(f->method, r->method) != 0)
			continue;
		if (f->skip > 0) {
			f->skip--;
			continue;
		}
		const char *given = text(f->json, "name");
		snprintf(r->fault_name, sizeof r->fault_name, "%s",
			 given ? given : names[f->action]);
		*name = r->fault_name;
		bool taken = apply(s, f, r);
		if (f->times > 0 && --f->times == 0) {
			fault_free(f);
			s->count--;
		}
		return taken;
	}
	return false;
}

bool sandbox_script_accept(struct sandbox_script *s)
{
	if (s->hang_up == 0)
		return true;
	s->hang_up--;
	return false;
}

bool sandbox_script_answer(struct sandbox_request *r)
{
	struct sandbox_fault *fault = r->fault;
	if (!fault || !fault->answer)
		return false;
	void (*play_it)(struct sandbox_request *) = fault->answer;
	fault->answer = NULL;
	play_it(r);
	return true;
}

void sandbox_script_ended(struct sandbox_request *r)
{
	struct sandbox_fault *fault = r->fault;
	if (fault)
		fault->release(r);
}
