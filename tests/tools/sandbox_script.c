/* tests/tools/sandbox_script: which fault is next. Lines of JSON come in; a request that one of
 * them speaks of is handed with it to sandbox_fault.c. What befalls connections is done here.
 *
 * Lines are used in their order; one that is used up is gone. */
#include "tests/tools/sandbox_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "tests/tools/sandbox_fault.h"

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
	uint64_t random;
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
	[FAULT_FLOOD] = "flood",
	[FAULT_BREAK] = "break",
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
	const char *action = json_text(f->json, "action"), *method = json_text(f->json, "method");
	size_t i = 0;
	while (*action && i < sizeof names / sizeof *names && strcmp(names[i], action) != 0)
		i++;
	if (i == sizeof names / sizeof *names) {
		err_set(err, ERR_USAGE, "line %d of the script: unknown action '%s'",
			number_of_line, action);
		fault_free(f);
		return -1;
	}
	f->action = (enum raw_action)i;
	snprintf(f->method, sizeof f->method, "%s", strcmp(method, "*") != 0 ? method : "");
	f->skip = sandbox_fault_number(f->json, "skip", 0);
	f->times = sandbox_fault_number(f->json, "times", 1);
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

/* 0 to 999, the same row after the same seed (splitmix64). */
static int next_random(struct sandbox_script *s)
{
	uint64_t z = s->random += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (int)((z ^ (z >> 31)) % 1000);
}

void sandbox_script_seed(struct sandbox_script *s, uint64_t seed)
{
	s->random = seed;
}

static bool apply(struct sandbox_script *s, struct fault *f, struct sandbox_request *r)
{
	if (f->action == FAULT_REFUSE) {
		refuse_connections(s, r->sandbox, sandbox_fault_number(f->json, "ms", 1000));
		return true;
	}
	if (f->action == FAULT_HANG_UP) {
		s->hang_up = (int)sandbox_fault_number(f->json, "count", 1);
		sandbox_drop(r);
		return true;
	}
	return sandbox_fault_apply(r, f->action, f->json);
}

/* Whether a parameter is what the line says: both as they are printed. */
static bool is_given(struct sandbox_request *r, const cJSON *want)
{
	char number[40] = "";
	const char *got = sandbox_param(r, want->string);
	if (cJSON_IsNumber(want))
		snprintf(number, sizeof number, "%.17g", want->valuedouble);
	const char *text = cJSON_IsNumber(want) ? number : cJSON_GetStringValue(want);
	return got && text && strcmp(got, text) == 0;
}

/* What a line must name to speak of the request; NULL: none does. */
static const char *method_of(const struct sandbox_request *r)
{
	return r->method[0] ? r->method : strncmp(r->path, "/file/", 6) == 0 ? "/file/" : NULL;
}

/* Whether the line speaks of this call. */
static bool matches(struct sandbox_script *s, struct fault *f, struct sandbox_request *r)
{
	const cJSON *where = json_member(f->json, "where"), *want;
	if (f->method[0] ? strcasecmp(f->method, method_of(r)) != 0 : !r->method[0])
		return false;
	if (json_has_number(f->json, "chat") &&
	    sandbox_chat_named(r, "chat_id") != (int64_t)json_number(f->json, "chat"))
		return false;
	cJSON_ArrayForEach(want, where) if (!is_given(r, want)) return false;
	if (f->skip > 0) {
		f->skip--;
		return false;
	}
	return !json_has_number(f->json, "chance") ||
	       next_random(s) < (int)json_number(f->json, "chance");
}

/* The line whose turn it is, of those that strike before the request is whole, or of the others;
 * its name is noted. NULL: none. */
static struct fault *turn(struct sandbox_script *s, struct sandbox_request *r, bool early)
{
	for (struct list *l = s->faults.next; method_of(r) && l != &s->faults; l = l->next) {
		struct fault *f = container_of(l, struct fault, link);
		if ((f->action == FAULT_BREAK) != early || !matches(s, f, r))
			continue;
		const char *given = cJSON_GetStringValue(json_member(f->json, "name"));
		snprintf(r->fault_name, sizeof r->fault_name, "%s",
			 given ? given : names[f->action]);
		return f;
	}
	return NULL;
}

static void used(struct sandbox_script *s, struct fault *f)
{
	if (f->times > 0 && --f->times == 0) {
		fault_free(f);
		s->count--;
	}
}

bool sandbox_script_begin(struct sandbox_script *s, struct sandbox_request *r)
{
	struct fault *f = turn(s, r, true);
	if (!f)
		return false;
	r->body_max = sandbox_fault_number(f->json, "after", 0);
	used(s, f);
	return true;
}

bool sandbox_script_request(struct sandbox_script *s, struct sandbox_request *r, const char **name)
{
	struct fault *f = turn(s, r, false);
	*name = f ? r->fault_name : NULL;
	if (!f)
		return false;
	bool taken = apply(s, f, r);
	used(s, f);
	return taken;
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
