/* tests/unit/verdict: what became of a call, for each answer that a server or somebody in between
 * may give, and for each way in which none may come. */
#include "api/verdict.h"
#include "tests/tap.h"

#define TOKEN "1:SECRETPART"

static struct secret *secret;

static struct verdict judge(int status, const char *body)
{
	struct verdict v;
	struct http_response r = {
		.status = status, .body = strdup(body), .length = strlen(body), .asked = true
	};
	verdict_read(&v, &r, secret);
	free(r.body);
	return v;
}

#define ERROR(code, text) "{\"ok\":false,\"error_code\":" #code ",\"description\":\"" text "\"}"
#define PAGE              "<html><title>no</title></html>"
#define MIGRATED                                                                                                                                                 \
	"{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group chat was upgraded to a supergroup chat\",\"parameters\":{\"migrate_to_chat_id\":" \
	"-1001234567890123}}"
#define FLOOD                                                                                                    \
	"{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 17\",\"parameters\":" \
	"{\"retry_after\":17}}"

/* Answers, of which `asked` is not the question. */
static const struct {
	int status;
	const char *body;
	enum verdict_kind kind;
	int code;
	const char *text; /* in the phrase */
} answers[] = {
	{ 200, "{\"ok\":true,\"result\":true}", VERDICT_OK, 200, "" },
	{ 200, "{\"ok\":true,\"result\":[{\"message_id\":1},{\"message_id\":2}]}", VERDICT_OK, 200,
	  "" },
	{ 500, "{\"ok\":true,\"result\":true}", VERDICT_UNSURE, 500, "HTTP status 500" },
	/* nothing to do */
	{ 400, ERROR(400, "Bad Request: message is not modified: the same"), VERDICT_SAME, 400,
	  "not modified" },
	{ 400, ERROR(400, "Bad Request: chat description is not modified"), VERDICT_SAME, 400,
	  "not modified" },
	{ 400, ERROR(400, "Bad Request: query is too old and response timeout expired"),
	  VERDICT_SAME, 400, "too old" },
	/* of the chat, and of what was sent */
	{ 400, MIGRATED, VERDICT_MOVED, 400, "upgraded" },
	{ 400, ERROR(400, "Bad Request: can't parse entities: Unexpected end"), VERDICT_ENTITIES,
	  400, "can't parse" },
	{ 403, ERROR(403, "Forbidden: bot was blocked by the user"), VERDICT_FORBIDDEN, 403,
	  "403 Forbidden: bot was blocked" },
	{ 400, ERROR(400, "Bad Request: chat not found"), VERDICT_REFUSED, 400, "chat not found" },
	{ 404, ERROR(404, "Not Found: method not found"), VERDICT_REFUSED, 404, "method" },
	{ 409, ERROR(409, "Conflict"), VERDICT_REFUSED, 409, "Conflict" },
	{ 413, ERROR(413, "Request Entity Too Large"), VERDICT_REFUSED, 413, "Too Large" },
	{ 403, ERROR(403, "Forbidden: message is not modified"), VERDICT_FORBIDDEN, 403, "403" },
	{ 400, "{\"ok\":false}", VERDICT_REFUSED, 400, "400" },
	/* of the token */
	{ 401, ERROR(401, "Unauthorized"), VERDICT_TOKEN, 401, "Unauthorized" },
	/* of the server */
	{ 429, FLOOD, VERDICT_FLOOD, 429, "retry after 17" },
	{ 429, ERROR(429, "Too Many Requests"), VERDICT_FLOOD, 429, "Too Many" },
	{ 500, ERROR(500, "Internal Server Error: restart"), VERDICT_UNSURE, 500, "restart" },
	{ 500, ERROR(500, "Internal Server Error: Restarting"), VERDICT_UNSURE, 500, "Restart" },
	{ 500, ERROR(500, "Internal Server Error: no such file"), VERDICT_SERVER, 500, "no such" },
	{ 502, ERROR(502, "Bad Gateway"), VERDICT_SERVER, 502, "Bad Gateway" },
	{ 503, ERROR(503, "Service Unavailable: restart"), VERDICT_SERVER, 503, "restart" },
	{ 504, ERROR(504, "Gateway Timeout"), VERDICT_SERVER, 504, "Timeout" },
	/* the envelope's word counts, not the status around it */
	{ 200, ERROR(403, "Forbidden"), VERDICT_FORBIDDEN, 403, "Forbidden" },
	{ 200, FLOOD, VERDICT_FLOOD, 429, "17" },
	/* of who sits between */
	{ 500, PAGE, VERDICT_SERVER, 500, "HTTP status 500" },
	{ 502, PAGE, VERDICT_SERVER, 502, "HTTP status 502" },
	{ 503, PAGE, VERDICT_SERVER, 503, "no answer of the Bot API" },
	{ 504, "", VERDICT_SERVER, 504, "the answer is empty" },
	{ 403, PAGE, VERDICT_REFUSED, 403, "HTTP status 403" },
	{ 404, PAGE, VERDICT_REFUSED, 404, "HTTP status 404" },
	{ 413, PAGE, VERDICT_REFUSED, 413, "HTTP status 413" },
	{ 401, PAGE, VERDICT_TOKEN, 401, "HTTP status 401" },
	{ 429, PAGE, VERDICT_FLOOD, 429, "HTTP status 429" },
	{ 407, PAGE, VERDICT_UNSENT, 407, "HTTP status 407" },
	{ 302, "", VERDICT_SERVER, 302, "HTTP status 302" },
	{ 200, PAGE, VERDICT_UNSURE, 200, "HTTP status 200" },
	{ 200, "{\"ok\":true,\"resu", VERDICT_UNSURE, 200, "HTTP status 200" },
	{ 200, "{\"ok\":true}", VERDICT_UNSURE, 200, "no 'result'" },
	{ 200, "", VERDICT_UNSURE, 200, "empty" },
	{ 204, "", VERDICT_UNSURE, 204, "empty" },
	/* what is shown holds no token */
	{ 400, ERROR(400, "no such path /bot" TOKEN "/x"), VERDICT_REFUSED, 400, "/bot1:***/x" },
};

static void answer(void)
{
	bool seen[VERDICT_KINDS] = { false };
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		struct verdict v = judge(answers[i].status, answers[i].body);
		seen[v.kind] = true;
		bool right = v.kind == answers[i].kind && v.code == answers[i].code &&
			     strstr(v.text, answers[i].text) && !strstr(v.text, "SECRET") &&
			     (v.kind == VERDICT_OK) == !v.text[0] &&
			     (v.kind == VERDICT_FLOOD || !v.retry_after) &&
			     (v.kind == VERDICT_MOVED || !v.moved_to);
		if (!ok(right, "%d %.60s", answers[i].status, answers[i].body))
			diag("got %d, code %d, '%s'; wanted %d", v.kind, v.code, v.text,
			     answers[i].kind);
	}
	for (int i = 0; i < VERDICT_KINDS; i++)
		ok(seen[i], "verdict %d is met", i);
}

static void numbers(void)
{
	is_num(judge(429, FLOOD).retry_after, 17, "how long to wait is told");
	is_num(judge(429, ERROR(429, "x")).retry_after, 5, "or it is five seconds");
	is_num(judge(429, PAGE).retry_after, 5, "also for a page");
	is_num(judge(400, MIGRATED).moved_to, -1001234567890123, "the chat's new id is told");
	is_num(judge(400, "{\"ok\":false,\"error_code\":400,\"parameters\":{"
			  "\"migrate_to_chat_id\":\"x\"}}")
		       .kind,
	       VERDICT_REFUSED, "but only if it is one");
}

/* No answer came: whether the body was asked for is all that counts. */
static void failures(void)
{
	static const enum http_failure all[] = { HTTP_NETWORK, HTTP_TOO_LARGE, HTTP_INTERNAL };
	static const int statuses[] = { 0, 200, 403, 502 }; /* of an answer that was cut */
	char none[1] = "";
	size_t unsent = 0, unsure = 0, told = 0;
	for (size_t i = 0; i < 12; i++) {
		struct verdict v;
		struct http_response r = { .failure = all[i % 3],
					   .status = statuses[i / 3],
					   .body = none,
					   .reason = "cut at /bot" TOKEN };
		verdict_read(&v, &r, secret);
		unsent += v.kind == VERDICT_UNSENT;
		told += !strcmp(v.text, "cut at /bot1:***") && v.code == 0;
		r.asked = true;
		verdict_read(&v, &r, secret);
		unsure += v.kind == VERDICT_UNSURE;
	}
	is_num((int64_t)unsent, 12, "what was not asked for is unsent, whatever failed");
	is_num((int64_t)unsure, 12, "what was is unsure, whatever failed");
	is_num((int64_t)told, 12, "why is told, without the token");
}

int main(void)
{
	struct err err;
	secret = secret_new(TOKEN, &err);
	RUN(answer);
	RUN(numbers);
	RUN(failures);
	secret_free(secret);
	return done_testing();
}
