/* tests/unit/httpd: the server's promises to its owner: what a request says, when it is answered,
 * who hears of a hang-up, and that each request ends exactly once. */
#include "io/httpd.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/host.h"
#include "tests/tap.h"

enum { BODY_MAX = 64, TURNS_MAX = 2000 };

/* One request at a time, and what was told of it. */
static struct {
	struct loop *loop;
	struct httpd *server;
	struct httpd_request *request; /* NULL: over */
	struct buf body, query;
	char path[64], verb[16], type[64];
	bool later, drop, too_large, whole;
	int gone, ended;
} t;

static void answer(const char *text)
{
	httpd_answer(t.request, &(struct httpd_answer){ .status = 200,
							.body = strdup(text),
							.length = strlen(text),
							.type = "text/plain",
							.name = "X-More",
							.value = "1" });
}

static void on_query(void *arg, const char *name, const char *value)
{
	(void)arg;
	buf_addf(&t.query, "%s=%s;", name, value);
}

static void *on_begin(void *arg, struct httpd_request *r, bool too_large)
{
	const char *type = httpd_header(r, "content-type");
	t.request = r;
	t.too_large = too_large;
	snprintf(t.path, sizeof t.path, "%s", httpd_path(r));
	snprintf(t.verb, sizeof t.verb, "%s", httpd_verb(r));
	snprintf(t.type, sizeof t.type, "%s", type ? type : "");
	httpd_query(r, on_query, NULL);
	if (too_large)
		answer("too large");
	return arg;
}

static int on_body(void *tag, const char *bytes, size_t n)
{
	(void)tag;
	return buf_add(&t.body, bytes, n);
}

static void on_whole(void *tag)
{
	(void)tag;
	t.whole = true;
	if (t.drop)
		httpd_drop(t.request);
	else if (!t.later)
		answer("now");
}

static void on_gone(void *tag)
{
	(void)tag;
	t.gone++;
}

static void on_ended(void *tag)
{
	(void)tag;
	t.ended++;
	t.request = NULL;
}

static struct httpd *start(int port, struct err *err)
{
	static const struct httpd_events events = {
		.begin = on_begin,
		.body = on_body,
		.whole = on_whole,
		.gone = on_gone,
		.ended = on_ended,
	};
	struct httpd_config config = {
		.port = port,
		.connections_max = 10,
		.idle_seconds = 60,
		.body_max = BODY_MAX,
	};
	return httpd_new(t.loop, &config, &events, &t, err);
}

/* A connection on which `text` was sent. */
static int send_text(const char *text)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) ||
	    httpd_adopt(t.server, pair[1]) ||
	    send(pair[0], text, strlen(text), 0) != (ssize_t)strlen(text))
		exit(1);
	buf_clear(&t.body);
	buf_clear(&t.query);
	t.gone = t.ended = 0;
	t.later = t.drop = t.whole = false;
	return pair[0];
}

/* Turns the loop until `*holds`, or for a while; returns whether it does. */
static bool turn_until(const bool *holds)
{
	for (int i = 0; i < TURNS_MAX && !*holds; i++)
		loop_turn(t.loop, 0);
	return *holds;
}

/* All that comes until the connection is closed from the other side. */
static const char *receive(int fd)
{
	static struct buf got;
	char some[512];
	buf_release(&got);
	buf_init(&got, 1 << 16);
	for (int i = 0; i < TURNS_MAX; i++) {
		ssize_t n = recv(fd, some, sizeof some, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		if (n > 0)
			buf_add(&got, some, (size_t)n);
		loop_turn(t.loop, 0);
	}
	close(fd);
	return buf_str(&got);
}

static void whole(void)
{
	const char *got = receive(send_text("POST /a%20b?x=1&y HTTP/1.1\r\nHost: x\r\n"
					    "Content-Type: text/x\r\nContent-Length: 5\r\n"
					    "Connection: close\r\n\r\nhello"));
	is_str(t.verb, "POST", "the verb");
	is_str(t.path, "/a b", "the path, decoded, without the query");
	is_str(buf_str(&t.query), "x=1;y=;", "the query's parameters");
	is_str(t.type, "text/x", "a header by its name in any case");
	is_str(buf_str(&t.body), "hello", "the body");
	ok(strstr(got, "HTTP/1.1 200") == got, "its answer's status");
	ok(strstr(got, "X-More: 1\r\n"), "… and header");
	ok(strstr(got, "\r\n\r\nnow"), "… and body");
	is_num(t.ended, 1, "an answered request ends once");
}

static void later(void)
{
	int fd = send_text("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	t.later = true;
	ok(turn_until(&t.whole), "a request is whole, and waits");
	for (int i = 0; i < 10; i++)
		loop_turn(t.loop, 0);
	is_num(t.ended, 0, "… as long as nobody answers");
	answer("later");
	ok(strstr(receive(fd), "\r\n\r\nlater"), "the later answer comes");
	is_num(t.ended, 1, "… and ends it once");
	is_num(t.gone, 0, "… and nobody was gone");
}

static void gone(void)
{
	int fd = send_text("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	t.later = true;
	turn_until(&t.whole);
	close(fd);
	for (int i = 0; i < TURNS_MAX && !t.ended; i++)
		loop_turn(t.loop, 0);
	is_num(t.gone, 1, "a caller who hangs up while he waits is told of");
	is_num(t.ended, 1, "… and his request ends once");
}

static void limit(void)
{
	const char *got = receive(send_text("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65\r\n"
					    "Connection: close\r\n\r\n"));
	ok(t.too_large, "a body that is announced too large is known by its head");
	ok(!t.whole, "… is not read");
	ok(strstr(got, "\r\n\r\ntoo large"), "… and answered");
	is_num(t.ended, 1, "… and ends once");
	got = receive(send_text("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
				"41\r\n0123456789012345678901234567890123456789"
				"0123456789012345678901234\r\n0\r\n\r\n"));
	ok(!t.too_large && !t.whole, "one that is not announced is never whole");
	ok(!strstr(got, "200"), "… and gets no answer, but the connection is closed");
	is_num(t.ended, 1, "… and ends once");
}

static void drop(void)
{
	int fd = send_text("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	t.drop = true;
	is_str(receive(fd), "", "a dropped request gets no answer, but the connection is closed");
	is_num(t.ended, 1, "… and ends once");
}

/* Whether the other side has closed, after some turns. */
static bool is_closed(int fd)
{
	char c;
	for (int i = 0; i < 50; i++)
		loop_turn(t.loop, 0);
	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void room(void)
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	char some[512];
	is_num(httpd_connections(t.server), 0, "connections that ended are not counted");
	int served = send_text(get);
	t.later = true;
	turn_until(&t.whole);
	struct httpd_request *waits = t.request;
	int idle = send_text(get);
	turn_until(&t.whole);
	while (!t.ended)
		loop_turn(t.loop, 0);
	ok(recv(idle, some, sizeof some, 0) > 0, "one was answered, and stays");
	int half = send_text("GET / HTTP/1.1\r\nHo"), silent = send_text("");
	ok(!is_closed(silent), "one sends half a request, one nothing");
	is_num(httpd_connections(t.server), 4, "all are counted");
	is_num(httpd_connections_busy(t.server), 1, "… and the one that waits");
	ok(httpd_make_room(t.server, 0) && is_closed(half),
	   "the oldest without a request goes first");
	is_num(httpd_connections(t.server), 3, "… and is not counted");
	ok(httpd_make_room(t.server, 0) && is_closed(silent), "… then the next of them");
	ok(httpd_make_room(t.server, 0) && is_closed(idle), "… then one that is idle");
	ok(!httpd_make_room(t.server, 0), "who waits for an answer is never closed");
	t.request = waits;
	answer("later");
	ok(!is_closed(served), "… and gets it");
	ok(recv(served, some, sizeof some, 0) > 0, "… whole");
	is_num(httpd_connections_busy(t.server), 0, "… and waits no more");
	close(served), close(idle), close(half), close(silent);
}

static void file(void)
{
	FILE *f = tmpfile();
	int fd = send_text("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	t.later = true;
	turn_until(&t.whole);
	fputs("file's bytes", f);
	fflush(f);
	httpd_answer_file(t.request, &(struct httpd_answer){ .status = 200, .type = "a/b" },
			  dup(fileno(f)), 6);
	const char *got = receive(fd);
	ok(strstr(got, "\r\n\r\nfile's") && strstr(got, "Content-Length: 6\r\n"),
	   "a file is an answer, as far as it was to be sent");
	ok(strstr(got, "Content-Type: a/b\r\n"), "… with its type");
	fclose(f);
}

static void life(void)
{
	struct err err = { 0 };
	ok(!start(httpd_port(t.server), &err), "a port that is taken is refused");
	is_num(err.status, ERR_UNAVAILABLE, "… as unavailable");
	int fd = send_text("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	t.later = true;
	turn_until(&t.whole);
	httpd_free(t.server);
	t.server = NULL;
	is_num(t.ended, 1, "a server that is freed ends the request that waits");
	is_num(t.gone, 0, "… whose caller was not gone");
	is_str(receive(fd), "", "… and closes its connection");
}

static void host(void)
{
	static const char *const here[] = { "localhost", "LocalHost", "localhost.", "bot.localhost",
					    "[::1]",     "127.0.0.1", "127.9.9.9" };
	static const char *const there[] = { "",           "api.telegram.org", "localhost.org",
					     ".localhost", "notlocalhost",     "128.0.0.1",
					     "127.0.0.1.x" };
	for (size_t i = 0; i < sizeof here / sizeof *here; i++)
		ok(host_is_loopback(here[i], strlen(here[i])), "'%s' is this machine", here[i]);
	for (size_t i = 0; i < sizeof there / sizeof *there; i++)
		ok(!host_is_loopback(there[i], strlen(there[i])), "'%s' is not", there[i]);
}

int main(void)
{
	struct err err = { 0 };
	buf_init(&t.body, 1 << 16);
	buf_init(&t.query, 1 << 16);
	t.loop = loop_new(&err);
	t.server = t.loop ? start(0, &err) : NULL;
	if (!ok(t.server && httpd_port(t.server) > 0, "the server listens (%s)", err.text))
		return done_testing();
	RUN(whole);
	RUN(later);
	RUN(gone);
	RUN(limit);
	RUN(drop);
	RUN(room);
	RUN(file);
	RUN(life);
	RUN(host);
	httpd_free(t.server);
	loop_free(t.loop);
	buf_release(&t.body);
	buf_release(&t.query);
	return done_testing();
}
