/* tests/tools/sandbox_steer: what tests ask of the sandbox's program over HTTP, on the same port. A
 * request for /sandbox/… comes in and is answered; updates go into the sandbox, faults into the
 * script. tests/tools/sandbox.c lists all that can be asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "tests/tools/sandbox_tool.h"

static const char *query(struct sandbox_request *r, const char *name, const char *otherwise)
{
	const char *value = sandbox_param(r, name);
	return value ? value : otherwise;
}

static void answer_text(struct sandbox_request *r, int status, const char *text)
{
	sandbox_answer(r, status, strdup(text), strlen(text));
}

/* One line: an update as it is, or {"KIND":{…}}. Lines that are no JSON are updates too: tests
 * serve those. */
static int push_line(struct tool *t, const char *line, size_t n)
{
	cJSON *json = cJSON_ParseWithLength(line, n);
	int rc;
	if (cJSON_IsObject(json) && json->child && !json->child->next &&
	    cJSON_IsObject(json->child)) {
		char *object = cJSON_PrintUnformatted(json->child);
		rc = object && sandbox_push(t->sandbox, json->child->string, object) >= 0 ? 0 : -1;
		cJSON_free(object);
	} else {
		rc = sandbox_push_raw(t->sandbox, line, n);
	}
	cJSON_Delete(json);
	return rc;
}

int sandbox_steer_push(struct tool *t, const char *bytes, size_t n)
{
	while (n) {
		const char *end = memchr(bytes, '\n', n);
		size_t length = end ? (size_t)(end - bytes) : n;
		if (length && push_line(t, bytes, length))
			return -1;
		bytes += end ? length + 1 : length;
		n -= end ? length + 1 : length;
	}
	return 0;
}

static void push(struct tool *t, struct sandbox_request *r)
{
	int rc = sandbox_param_true(r, "raw")
			 ? sandbox_push_raw(t->sandbox, buf_str(&r->body), r->body.len)
			 : sandbox_steer_push(t, buf_str(&r->body), r->body.len);
	struct sandbox_stats stats;
	char text[128];
	sandbox_stats(t->sandbox, &stats);
	snprintf(text, sizeof text, "{\"ok\":%s,\"last_id\":%lld,\"pending\":%zu}\n",
		 rc ? "false" : "true", (long long)stats.last_id, stats.pending);
	answer_text(r, rc ? 400 : 200, text);
}

static int generate_one(struct tool *t, struct sandbox_request *r, int64_t n, int64_t chats,
			int64_t users, int64_t first_chat, size_t pad)
{
	struct sandbox *s = t->sandbox;
	const char *kind = query(r, "kind", "message");
	int64_t chat = first_chat + n % chats, user = users ? 5000000000 + n % users : chat,
		id = s->next_id;
	unsigned number = ++t->numbers[n % chats];
	struct buf b;
	buf_init(&b, 1 << 20);
	int rc = buf_addf(&b, "{\"update_id\":%lld,\"%s\":{", (long long)id, kind);
	if (!rc && strcmp(kind, "callback_query") == 0)
		rc = buf_addf(
			&b,
			"\"id\":\"%lld\",\"from\":{\"id\":%lld,\"is_bot\":false,\"first_name\":\"u\"},\"message\":{\"message_id\":1,"
			"\"date\":0,\"chat\":{\"id\":%lld,\"type\":\"%s\"}},\"chat_instance\":\"1\",\"data\":\"%u\"}}",
			(long long)id, (long long)user, (long long)chat,
			users ? "supergroup" : "private", number);
	else if (!rc)
		rc = buf_addf(
			&b,
			"\"message_id\":%lld,\"from\":{\"id\":%lld,\"is_bot\":false,\"first_name\":\"u\"},\"chat\":{\"id\":%lld,"
			"\"type\":\"%s\"},\"date\":%lld,\"text\":\"%u\"%s%*s%s}}",
			(long long)sandbox_message_id(s, chat), (long long)user, (long long)chat,
			users ? "supergroup" : "private",
			(long long)(s->clock->wall(s->clock) / 1000), number,
			pad ? ",\"pad\":\"" : "", (int)pad, "", pad ? "\"" : "");
	if (rc) {
		buf_release(&b);
		return -1;
	}
	return sandbox_updates_add(s, true, id, b.data, b.len);
}

static void generate(struct tool *t, struct sandbox_request *r)
{
	int64_t count = sandbox_param_number(r, "count", 1),
		chats = sandbox_param_number(r, "chats", 1);
	int64_t users = sandbox_param_number(r, "users", 0),
		first_chat = sandbox_param_number(r, "first_chat", 1000);
	int64_t pad = sandbox_param_number(r, "pad", 0);
	if (count < 0 || count > COUNT_MAX || chats < 1 || chats > CHATS_MAX || users < 0 ||
	    pad < 0 || pad > 500000) {
		answer_text(
			r, 400,
			"{\"ok\":false,\"error\":\"count, chats, users or pad is out of range\"}\n");
		return;
	}
	t->sandbox->next_id = sandbox_param_number(r, "first_id", t->sandbox->next_id);
	for (int64_t i = 0; i < count; i++)
		if (generate_one(t, r, i, chats, users, first_chat, (size_t)pad)) {
			answer_text(r, 507, "{\"ok\":false,\"error\":\"the queue is full\"}\n");
			return;
		}
	sandbox_updates_wake(t->sandbox);
	char text[96];
	snprintf(text, sizeof text, "{\"ok\":true,\"last_id\":%lld}\n",
		 (long long)t->sandbox->stats.last_id);
	answer_text(r, 200, text);
}

static void stats(struct tool *t, struct sandbox_request *r)
{
	struct sandbox_stats now;
	struct buf out;
	char *calls = cJSON_PrintUnformatted(t->calls);
	sandbox_stats(t->sandbox, &now);
	buf_init(&out, 1 << 20);
	if (buf_addf(
		    &out,
		    "{\"polls\":%llu,\"pushed\":%llu,\"served\":%llu,\"confirmed\":%llu,\"conflicts\":%llu,\"limited\":%llu,\"violations\":%llu,\"offset\":%lld,"
		    "\"last_id\":%lld,\"pending\":%zu,\"open_polls\":%d,\"script_left\":%zu,\"scripted\":%llu,\"deliveries\":%llu,\"calls\":%s}\n",
		    (unsigned long long)now.polls, (unsigned long long)now.pushed,
		    (unsigned long long)now.served, (unsigned long long)now.confirmed,
		    (unsigned long long)now.conflicts, (unsigned long long)now.limited,
		    (unsigned long long)now.violations, (long long)now.offset,
		    (long long)now.last_id, now.pending, now.open_polls,
		    sandbox_script_left(t->script), (unsigned long long)t->scripted,
		    (unsigned long long)t->delivered, calls ? calls : "{}"))
		buf_release(&out);
	cJSON_free(calls);
	sandbox_answer(r, 200, out.data, out.len);
}

static void restart(struct sandbox *s)
{
	for (struct list *l = s->requests.next, *next; l != &s->requests; l = next) {
		struct sandbox_request *r = container_of(l, struct sandbox_request, link);
		next = l->next;
		if (r->whole && r->method[0])
			sandbox_refuse(r, 500, "Internal Server Error: restart");
	}
	s->asked = false;
	s->next_conflict = 0;
	s->logged_out = false;
}

/* {"chat":5,"state":"blocked"} */
static int set_chat(struct tool *t, const cJSON *line)
{
	static const char *const states[] = {
		[SANDBOX_CHAT_OPEN] = "open",     [SANDBOX_CHAT_BLOCKED] = "blocked",
		[SANDBOX_CHAT_KICKED] = "kicked", [SANDBOX_CHAT_UNKNOWN] = "unknown",
		[SANDBOX_CHAT_MOVED] = "moved",
	};
	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		if (strcmp(json_text(line, "state"), states[i]) == 0)
			return sandbox_chat_set(t->sandbox, (int64_t)json_number(line, "chat"),
						(enum sandbox_chat_state)i,
						(int64_t)json_number(line, "to"));
	return -1;
}

/* Its members, where the line has them. */
static void read_rate(struct sandbox_rate *rate, const cJSON *line, const char *name)
{
	const cJSON *given = json_member(line, name);
	if (json_has_number(given, "count"))
		rate->count = (int64_t)json_number(given, "count");
	if (json_has_number(given, "ms"))
		rate->period = (int64_t)json_number(given, "ms");
	if (json_has_number(given, "burst"))
		rate->burst = (int64_t)json_number(given, "burst");
}

/* Bursts a little larger than a careful bot's own, which does not know how long its calls take. */
static void set_limits(struct tool *t, struct sandbox_request *r)
{
	cJSON *given = cJSON_Parse(buf_str(&r->body));
	struct sandbox_limits limits = {
		.chat = { 1, 1000, 6 },
		.group = { 20, 60000, 6 },
		.bulk = { 30, 1000, 33 },
		.paid = { 1000, 1000, 1000 },
		.grace = (int64_t)json_number(given, "grace"),
	};
	read_rate(&limits.chat, given, "chat");
	read_rate(&limits.group, given, "group");
	read_rate(&limits.bulk, given, "bulk");
	read_rate(&limits.paid, given, "paid");
	if (r->body.len && !given)
		answer_text(r, 400, "{\"ok\":false,\"error\":\"no JSON\"}\n");
	else
		answer_text(r, 200, "{\"ok\":true}\n");
	if (!r->body.len || given)
		sandbox_limit(t->sandbox, sandbox_param_true(r, "off") ? NULL : &limits);
	cJSON_Delete(given);
}

/* Each line of the body, an object, goes to `one`. */
static void each_line(struct tool *t, struct sandbox_request *r,
		      int (*one)(struct tool *t, const cJSON *line))
{
	char *line, *rest = r->body.len ? r->body.data : NULL;
	int number = 0;
	while ((line = strsep(&rest, "\n"))) {
		cJSON *json = *line ? cJSON_Parse(line) : NULL;
		int rc = *line ? one(t, json) : 0;
		cJSON_Delete(json);
		number++;
		if (rc) {
			char text[80];
			snprintf(text, sizeof text,
				 "{\"ok\":false,\"error\":\"line %d cannot be used\"}\n", number);
			answer_text(r, 400, text);
			return;
		}
	}
	answer_text(r, 200, "{\"ok\":true}\n");
}

static void deliveries(struct tool *t, struct sandbox_request *r)
{
	if (t->too_many)
		answer_text(r, 507, "{\"ok\":false,\"error\":\"too many deliveries\"}\n");
	else
		sandbox_answer(r, 200, strdup(buf_str(&t->deliveries)), t->deliveries.len);
}

void sandbox_steer(struct tool *t, struct sandbox_request *r, const char *what)
{
	struct err err;
	if (strcmp(what, "stats") == 0) {
		stats(t, r);
	} else if (strcmp(what, "deliveries") == 0) {
		deliveries(t, r);
	} else if (!r->post) {
		answer_text(r, 404, "{\"ok\":false,\"error\":\"not found, or POST it\"}\n");
	} else if (strcmp(what, "push") == 0) {
		push(t, r);
	} else if (strcmp(what, "generate") == 0) {
		generate(t, r);
	} else if (strcmp(what, "script") == 0) {
		if (sandbox_param(r, "seed"))
			sandbox_script_seed(t->script,
					    (uint64_t)sandbox_param_number(r, "seed", 0));
		if (sandbox_script_add(t->script, buf_str(&r->body), r->body.len, &err))
			answer_text(r, 400, err.text);
		else
			answer_text(r, 200, "{\"ok\":true}\n");
	} else if (strcmp(what, "limits") == 0) {
		set_limits(t, r);
	} else if (strcmp(what, "chats") == 0) {
		each_line(t, r, set_chat);
	} else if (strcmp(what, "restart") == 0) {
		restart(t->sandbox);
		answer_text(r, 200, "{\"ok\":true}\n");
	} else {
		answer_text(r, 404, "{\"ok\":false,\"error\":\"not found\"}\n");
	}
}
