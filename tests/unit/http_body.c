/* tests/unit/http_body: a body that is sent once: what arrives of it, and whether it is known when
 * it may have arrived. What was delivered is counted by the server. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/tap.h"
#include "tests/unit/http_rig.h"

enum { LARGE = 8 << 20 /* bytes; more than sockets hold */ };

/* The clock that libcurl and the loop read: a test lets it jump. */

static int jumped; /* seconds */

int clock_gettime(clockid_t id, struct timespec *now)
{
	int rc = (int)syscall(SYS_clock_gettime, id, now);
	now->tv_sec += jumped;
	return rc;
}

static struct http_request *send_pieces(const char *url, const struct http_piece *pieces,
					size_t count, int64_t silence, struct result *r)
{
	struct http_body body = { .type = "application/json", .pieces = pieces, .count = count };
	return http_post(http,
			 &(struct http_call){ .url = url,
					      .body = &body,
					      .silence = silence,
					      .total = 20000,
					      .max = 100000 },
			 on_done, r);
}

static struct http_request *start_text(const char *url, const char *text, struct result *r)
{
	struct http_piece piece = { .bytes = text, .length = strlen(text) };
	return send_pieces(url, &piece, 1, 500, r);
}

static struct result send_text(const char *url, const char *text)
{
	struct result r = { 0 };
	start_text(url, text, &r);
	wait_until(&r.called, 1);
	return r;
}

static struct result send_to(const char *what)
{
	return send_text(path_url(what), "{\"text\":\"hi\"}");
}

/* A client that has no connection. */
static void renew(void)
{
	struct err err;
	http_free(http);
	http = http_new(loop, &err);
}

/* Requests that the server got whole so far. */
static int delivered(void)
{
	return atoi(send_to("hits").body) - 1;
}

static void arrives(void)
{
	struct result r = send_to("echo");
	ok(r.failure == HTTP_OK && strstr(r.body, "POST /bot1:") &&
		   strcasestr(r.body, "Content-Type: application/json\r\n") &&
		   strcasestr(r.body, "Content-Length: 13\r\n") &&
		   strstr(r.body, "\r\n\r\n{\"text\":\"hi\"}"),
	   "a body arrives with its type and length ('%s')", r.reason);
	ok(!strcasestr(r.body, "Expect") && !strcasestr(r.body, "chunked") && r.asked,
	   "in one piece, and was asked for");
	r = send_text(path_url("echo"), "");
	ok(r.failure == HTTP_OK && strcasestr(r.body, "Content-Length: 0\r\n") && r.asked,
	   "an empty one may have arrived as well");
	r = send_to("error");
	ok(r.failure == HTTP_OK && r.status == 502 && r.asked, "an error is an answer");
}

/* Memory and files, one behind the other. */
static void large(void)
{
	static char bytes[LARGE];
	struct http_piece pieces[] = {
		{ .bytes = "head", .length = 4 },
		{ .bytes = bytes, .length = LARGE },
		{ .bytes = "", .length = 0 },
		{ .fd = memfd_create("body", MFD_CLOEXEC), .offset = 100, .length = LARGE - 100 },
		{ .bytes = "tail", .length = 4 },
	};
	char want[64];
	struct result r = { 0 };
	for (size_t i = 0; i < LARGE; i++)
		bytes[i] = (char)(i * 31 / 7);
	if (pieces[3].fd < 0 || write(pieces[3].fd, bytes, LARGE) != LARGE)
		exit(1);
	uint32_t sum = sum_of(0, "head", 4);
	sum = sum_of(sum, bytes, LARGE);
	sum = sum_of(sum, bytes + 100, LARGE - 100);
	sum = sum_of(sum, "tail", 4);
	snprintf(want, sizeof want, "%d bytes, %08x", 2 * LARGE - 92, sum);
	send_pieces(path_url("sum"), pieces, 5, 5000, &r);
	wait_until(&r.called, 1);
	is_str(r.body, want, "16 MB from memory and a file arrive as they are");
	is_num(lseek(pieces[3].fd, 0, SEEK_CUR), LARGE, "the file's position is not used");
	r = (struct result){ 0 };
	pieces[3].offset = LARGE - 1000;
	send_pieces(path_url("sum"), pieces, 5, 5000, &r);
	wait_until(&r.called, 1);
	ok(r.failure == HTTP_INTERNAL && strstr(r.reason, "cannot read what is to be sent") &&
		   r.asked,
	   "a file that is shorter than it was ends the request ('%s')", r.reason);
	/* The server sends its refusal after 64 KB. */
	r = (struct result){ 0 };
	send_pieces(path_url("early"), &pieces[1], 1, 5000, &r);
	wait_until(&r.called, 1);
	ok(r.failure == HTTP_OK && r.status == 413 && !strcmp(r.body, "too large") && r.asked,
	   "an answer that comes while the body is sent is the answer (%d, %d, '%s')", r.failure,
	   r.status, r.reason);
	close(pieces[3].fd);
}

/* The connection was used before, so curl would send a form again. */
static void once(const char *what)
{
	struct result first = send_to("ok");
	int before = delivered();
	struct result r = send_to(what);
	ok(r.called == 1 && r.failure == HTTP_NETWORK && r.asked && r.reason[0],
	   "%s on a connection that was used before: it may have arrived ('%s')", what, r.reason);
	is_num(delivered(), before + 2, "… and did so once");
	is_num(r.stale, strcmp(what, "cut") != 0 && strcmp(what, "head9") != 0,
	       "… known as one that crossed the end of an old connection, unless an answer began");
	ok(strstr(first.body, "connection") && !strstr(r.reason, SECRET), "… and nothing is shown");
}

static void broken(void)
{
	static const char *const ends[] = { "nothing", "reset", "cut", "stall", "silent" };
	once("nothing");
	once("reset");
	once("cut");
	once("head9"); /* within the first line, of which curl tells nothing */
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		renew();
		struct result r = send_to(ends[i]);
		ok(r.failure == HTTP_NETWORK && r.asked && !r.stale,
		   "%s on a new connection: it may have arrived ('%s')", ends[i], r.reason);
		is_num(r.timed_out, i >= 3, "… and whether that took too long is told");
	}
}

/* The head of the answer ends without its empty line. */
static void cut_heads(void)
{
	for (int i = 1; i < HEADS; i++) {
		char what[8];
		snprintf(what, sizeof what, "head%d", i);
		renew();
		struct result r = send_to(what);
		ok(r.failure == HTTP_NETWORK && r.asked && !r.stale && r.length == 0 && r.reason[0],
		   "%s: it may have arrived, and there is no answer (%d, '%s')", what, r.failure,
		   r.reason);
	}
}

static void unsent(const char *url, const char *reason, const char *what)
{
	struct result r = send_text(url, "{}");
	ok(r.failure == HTTP_NETWORK && !r.asked && strstr(r.reason, reason),
	   "%s: it surely has not arrived (%d, '%s')", what, r.asked, r.reason);
}

/* What goes wrong before the body is asked for. */
static void before_body(void)
{
	char url[128], proxy[64];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int before = delivered();
	if (bind(fd, (struct sockaddr *)&a, n) || getsockname(fd, (struct sockaddr *)&a, &n))
		exit(1);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/bot1:" SECRET "/ok", ntohs(a.sin_port));
	unsent(url, "connect", "refused");
	close(fd);
	unsent("http://no-such-host.invalid/x", "resolve", "no name");
	snprintf(url, sizeof url, "https://127.0.0.1:%d/bot1:" SECRET "/ok", port);
	unsent(url, "SSL", "no TLS");
	snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", port);
	setenv("https_proxy", proxy, 1);
	unsent("https://refused.invalid/x", "407", "a proxy that wants a login");
	unsent("https://broken.invalid/x", "502", "a proxy that reaches nobody");
	unsent("https://stalled.invalid/x", "too slow", "a proxy that stalls");
	unsent("https://open.invalid/x", "too slow", "TLS that stalls behind a proxy");
	unsetenv("https_proxy");
	is_num(delivered(), before + 1, "none of them was delivered");
}

static void connections_kept(void)
{
	struct result first = send_to("ok"), again = send_to("ok");
	is_str(again.body, first.body, "a connection is used again");
	jumped += 28;
	again = send_to("ok");
	is_str(again.body, first.body, "also when it was idle for 28 s");
	jumped += 32;
	again = send_to("ok");
	ok(strstr(again.body, "connection ") && strcmp(again.body, first.body) != 0,
	   "not when it was for 32 s ('%s')", again.body);
	static struct result r[PARALLEL];
	int all = 0;
	renew();
	for (int i = 0; i < PARALLEL; i++)
		start_text(path_url("together"), "{}", &r[i]);
	for (int i = 0; i < PARALLEL; i++) {
		wait_until(&r[i].called, 1);
		all += r[i].failure == HTTP_OK && !strcmp(r[i].body, "all");
	}
	is_num(all, PARALLEL, "without TLS no request waits for another's answer");
}

static struct result send_call(struct http_call call)
{
	struct http_piece piece = { .bytes = "{}", .length = 2 };
	struct http_body body = { .type = "application/json", .pieces = &piece, .count = 1 };
	struct result r = { 0 };
	call.body = &body;
	call.silence = call.total = 5000;
	call.max = 100000;
	http_post(http, &call, on_done, &r);
	wait_until(&r.called, 1);
	return r;
}

/* What webhooks need of a request. */
static void chosen(void)
{
	char echo[256], okay[256];
	snprintf(echo, sizeof echo, "%s", path_url("echo"));
	snprintf(okay, sizeof okay, "%s", path_url("ok"));
	renew();
	struct result r = send_call((struct http_call){ .url = echo, .header = "X-Secret: abc" });
	ok(strcasestr(r.body, "\r\nX-Secret: abc\r\n") && strcasestr(r.body, "application/json"),
	   "a header of one's own");
	is_num(r.keep_alive, -1, "an answer that says nothing of its connection");
	is_num(r.retry_after, -1, "… nor of another time");
	r = send_to("busy");
	is_num(r.keep_alive, 5, "how long the server keeps it");
	is_num(r.retry_after, 7, "when it wants to be asked again");
	for (int i = 0; i < LATERS; i++) {
		char what[8];
		snprintf(what, sizeof what, "later%d", i);
		r = send_to(what);
		ok(r.retry_after == laters[i].seconds ||
			   (laters[i].seconds == 1000000 && r.retry_after > laters[i].seconds),
		   "'%s' is a time only if it is a number (%lld)", laters[i].value,
		   (long long)r.retry_after);
	}
	struct result first = send_call((struct http_call){ .url = okay, .idle = 1 });
	r = send_call((struct http_call){ .url = okay, .idle = 1 });
	is_str(r.body, first.body, "a connection that rested for less than a second");
	jumped += 1;
	r = send_call((struct http_call){ .url = okay, .idle = 5 });
	is_str(r.body, first.body, "… or for as long as is allowed");
	jumped += 1;
	r = send_call((struct http_call){ .url = okay, .idle = 1 });
	ok(strcmp(r.body, first.body) != 0, "… and not one that rested for longer ('%s')", r.body);
	first = r;
	r = send_call((struct http_call){ .url = okay, .fresh = true });
	ok(strcmp(r.body, first.body) != 0, "a new one, when that is asked for");
	first = send_call((struct http_call){ .url = okay });
	http_hang_up(http);
	r = send_call((struct http_call){ .url = okay });
	ok(strcmp(r.body, first.body) != 0 && r.failure == HTTP_OK,
	   "none that rested is left after a hang-up");
}

static void reach(void)
{
	char url[256];
	struct result r = { 0 };
	int before = delivered();
	snprintf(url, sizeof url, "http://127.0.0.1:%d/bot1:" SECRET "/ok", port);
	http_reach(http, url, 5000, on_done, &r);
	wait_until(&r.called, 1);
	ok(r.called == 1 && r.failure == HTTP_OK, "a server that listens can be reached ('%s')",
	   r.reason);
	is_num(delivered(), before + 1, "… and nothing is sent to it");
	r = (struct result){ 0 };
	http_reach(http, "http://no-such-host.invalid/x", 5000, on_done, &r);
	wait_until(&r.called, 1);
	ok(r.failure == HTTP_NETWORK && strstr(r.reason, "resolve"), "one without a name cannot");
	r = (struct result){ 0 };
	snprintf(url, sizeof url, "https://127.0.0.1:%d/", port);
	http_reach(http, url, 5000, on_done, &r);
	wait_until(&r.called, 1);
	ok(r.failure == HTTP_NETWORK && strstr(r.reason, "SSL"), "nor one that speaks no TLS");
}

int main(void)
{
	static const char *const proxies[] = { "http_proxy", "https_proxy", "all_proxy",
					       "no_proxy",   "HTTPS_PROXY", "ALL_PROXY",
					       "NO_PROXY" };
	struct err err;
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
		unsetenv(proxies[i]);
	pid_t server = start_server();
	loop = loop_new(&err);
	renew();
	if (!ok(loop && http, "the client can be made"))
		return done_testing();
	RUN(arrives);
	RUN(large);
	RUN(broken);
	RUN(cut_heads);
	RUN(before_body);
	RUN(connections_kept);
	RUN(chosen);
	RUN(reach);
	http_free(http);
	loop_free(loop);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return done_testing();
}
