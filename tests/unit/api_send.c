/* tests/unit/api_send: a call that has an effect is sent once, and its end is told once. */
#include <signal.h>
#include <sys/wait.h>

#include "api/api.h"
#include "tests/tap.h"
#include "tests/unit/http_rig.h"

static struct secret *secret;
static struct api *api;

struct end {
	int called;
	struct verdict verdict;
	char body[4096];
};

static void on_sent(void *arg, const struct verdict *verdict, char *body, size_t length)
{
	struct end *end = arg;
	end->called++;
	end->verdict = *verdict;
	snprintf(end->body, sizeof end->body, "%s", body);
	if (strlen(body) != length)
		end->called = 100;
}

static struct api_request *start(const char *method, struct end *end)
{
	struct http_piece text = { .bytes = "{\"text\":\"hi\"}", .length = 13 };
	struct http_body body = { .type = "application/json", .pieces = &text, .count = 1 };
	return api_send(api, method, &body, on_sent, end);
}

static struct end send_call(const char *method)
{
	struct end end = { 0 };
	start(method, &end);
	wait_until(&end.called, 1);
	return end;
}

static void answered(void)
{
	struct end end = send_call("result");
	ok(end.called == 1 && end.verdict.kind == VERDICT_OK, "a call is done (%d, '%s')",
	   end.verdict.kind, end.verdict.text);
	is_str(end.body, "{\"ok\":true,\"result\":{\"message_id\":7}}", "the whole answer is told");
	end = send_call("echo");
	ok(strstr(end.body, "POST /bot1:" SECRET "/echo HTTP/1.1\r\n") &&
		   strstr(end.body, "Content-Type: application/json\r\n") &&
		   strstr(end.body, "\r\n\r\n{\"text\":\"hi\"}"),
	   "it goes to its method, as JSON");
	end = send_call("forbidden");
	ok(end.verdict.kind == VERDICT_FORBIDDEN &&
		   !strcmp(end.verdict.text, "403 Forbidden: /bot1:***"),
	   "a refusal is told without the token ('%s')", end.verdict.text);
}

static void lost(void)
{
	int before = atoi(send_call("hits").body);
	struct end end = send_call("nothing");
	ok(end.called == 1 && end.verdict.kind == VERDICT_UNSURE && end.verdict.text[0] &&
		   !end.body[0],
	   "when the answer is lost nobody knows ('%s')", end.verdict.text);
	is_num(atoi(send_call("hits").body), before + 2, "it was delivered once");
	end = send_call("head1");
	ok(end.verdict.kind == VERDICT_UNSURE && !end.body[0],
	   "nor when it is cut in its head, with a status that is good ('%s')", end.verdict.text);
	end = send_call("head8");
	ok(end.verdict.kind == VERDICT_UNSURE && !end.body[0], "… or bad ('%s')", end.verdict.text);
	struct api *nowhere = api_new(http, "http://no-such-host.invalid", NULL, secret),
		   *real = api;
	api = nowhere;
	end = send_call("result");
	ok(end.called == 1 && end.verdict.kind == VERDICT_UNSENT &&
		   strstr(end.verdict.text, "no-such-host.invalid"),
	   "what cannot be sent is unsent ('%s')", end.verdict.text);
	api = real;
	api_free(nowhere);
}

static void cancelled(void)
{
	struct end never = { 0 };
	struct api_request *r = start("silent", &never);
	send_call("result");
	api_cancel(r);
	send_call("result");
	is_num(never.called, 0, "what was cancelled is not told of");
}

static void whose_server(void)
{
	static const char *const telegrams[] = { "https://api.telegram.org",
						 "https://API.Telegram.org:443",
						 "https://api.telegram.org./x" };
	static const char *const others[] = { "http://127.0.0.1:8081/api.telegram.org",
					      "https://api.telegram.org.example",
					      "https://my.example//api.telegram.org",
					      "https://xapi.telegram.org" };
	for (size_t i = 0; i < sizeof telegrams / sizeof *telegrams; i++)
		ok(api_root_is_telegrams(telegrams[i]), "%s is Telegram's own", telegrams[i]);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		ok(!api_root_is_telegrams(others[i]), "%s is not", others[i]);
}

int main(void)
{
	struct err err;
	char root[64];
	signal(SIGPIPE, SIG_IGN);
	pid_t server = start_server();
	snprintf(root, sizeof root, "http://127.0.0.1:%d", port);
	loop = loop_new(&err);
	http = http_new(loop, &err);
	secret = secret_new("1:" SECRET, &err);
	api = secret ? api_new(http, root, NULL, secret) : NULL;
	if (!ok(loop && http && api, "calls can be made"))
		return done_testing();
	RUN(whose_server);
	RUN(answered);
	RUN(lost);
	RUN(cancelled);
	api_free(api);
	http_free(http);
	loop_free(loop);
	secret_free(secret);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return done_testing();
}
