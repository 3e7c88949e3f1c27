/* tests/fuzz/sandbox: lines that push updates to the sandbox, or are requests to it: `push KIND
 * JSON`, `raw BYTES`, `get METHOD?QUERY`, and `json`, `form`, `multipart` (boundary b; | is a
 * line's end) METHOD BODY, `http BYTES`. Each call is answered once, by JSON that says what the
 * owner was told. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/httpd.h"
#include "sandbox/sandbox_internal.h"
#include "tests/fuzz/fuzz.h"
#include "update/slice.h"

const char fuzz_name[] = "sandbox";

#define TOKEN "42:secret"

enum { TURNS_MAX = 2000, LINES_MAX = 24, DEEP = 200 };

static struct {
	struct loop *loop;
	struct sandbox *sandbox;
	int waiting; /* the connection of an open long poll, -1: none */
	int told, status;
	size_t count;
	bool refused, dropped; /* the last call was; updates were */
	bool clean;            /* all updates are JSON of no great depth */
	struct buf result;
} rig = { .waiting = -1 };

static void on_called(void *arg, const struct sandbox_call *call)
{
	(void)arg;
	rig.told++;
	rig.status = call->status;
	rig.refused = !call->result;
	HOLDS(!call->result == !!call->description, "'%s' has a result or words of refusal",
	      call->method);
	buf_clear(&rig.result);
	buf_adds(&rig.result, call->result ? call->result : call->description);
	if (cJSON_GetObjectItemCaseSensitive(call->params, "drop_pending_updates"))
		rig.dropped = true;
}

static void on_polled(void *arg, const struct sandbox_poll *poll)
{
	(void)arg;
	rig.told++;
	rig.status = poll->status;
	rig.count = poll->count;
	rig.refused = poll->status != 200;
	buf_clear(&rig.result);
	if (poll->status == 200) /* others were perhaps not even read */
		HOLDS(poll->limit >= 1 && poll->limit <= 100 && poll->timeout >= 0 &&
			      poll->timeout <= 50,
		      "limit %d, timeout %d", poll->limit, poll->timeout);
	HOLDS(poll->count <= (size_t)poll->limit, "%zu updates", poll->count);
}

static void start(void)
{
	struct err err;
	struct sandbox_config config = {
		.token = TOKEN, .no_penalties = true, .called = on_called, .polled = on_polled
	};
	if (!rig.loop)
		rig.loop = loop_new(&err);
	rig.sandbox = rig.loop ? sandbox_new(rig.loop, &config, &err) : NULL;
	if (!rig.sandbox)
		abort();
	rig.waiting = -1;
	rig.clean = true;
	rig.dropped = false;
	buf_init(&rig.result, 64 << 20);
}

static int dial(void)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) ||
	    httpd_adopt(rig.sandbox->httpd, pair[1]))
		abort();
	return pair[0];
}

/* What comes on `fd` until it ends; false: it is an open poll, and nothing came. */
static bool receive(int fd, bool may_wait, struct buf *out)
{
	char some[4096];
	for (int turns = 0;; turns++) {
		ssize_t n = recv(fd, some, sizeof some, 0);
		if (n > 0)
			buf_add(out, some, (size_t)n);
		else if (n == 0 || errno == ECONNRESET)
			return true;
		HOLDS(turns < TURNS_MAX, "an answer comes, or the connection ends");
		if (n < 0 && may_wait && turns > 8 && sandbox_polling(rig.sandbox))
			return false;
		loop_turn(rig.loop, 0);
	}
}

/* An answer to a call: HTTP around JSON that agrees with what the owner was told last. */
static void check_answer(struct buf *got, bool polled)
{
	struct slices updates;
	struct slice_reply reply;
	struct err err = { 0 };
	int status = 0;
	const char *body = strstr(buf_str(got), "\r\n\r\n");
	HOLDS(sscanf(got->data, "HTTP/1.1 %d", &status) == 1 && body, "'%.80s'", got->data);
	body += 4;
	size_t n = got->len - (size_t)(body - got->data);
	if (!rig.clean)
		return;
	HOLDS(status == rig.status && (status == 200) == !rig.refused, "%d was told, %d sent",
	      rig.status, status);
	char *copy = fuzz_string(body, n);
	if (!polled && !rig.refused) {
		size_t k = strlen("{\"ok\":true,\"result\":");
		HOLDS(n == k + rig.result.len + 1 &&
			      memcmp(body + k, buf_str(&rig.result), rig.result.len) == 0,
		      "'%.200s'", body);
	}
	HOLDS(slice_response(copy, n, &updates, &reply, &err) == 0, "%s: %.200s", err.text, body);
	HOLDS(reply.ok == (status == 200) &&
		      (reply.ok || (reply.error_code == status && reply.description[0])),
	      "'%.200s'", body);
	HOLDS(!polled || updates.count == rig.count, "%zu updates", updates.count);
	slices_release(&updates);
	free(copy);
}

/* An open poll has been answered meanwhile, perhaps. It was the first that was told of. */
static void look_at_waiting(void)
{
	if (rig.waiting < 0 || sandbox_polling(rig.sandbox))
		return;
	struct buf got;
	buf_init(&got, 64 << 20);
	receive(rig.waiting, false, &got);
	HOLDS(strncmp(buf_str(&got), "HTTP/1.1 ", 9) == 0, "'%.80s'", got.data);
	buf_release(&got);
	close(rig.waiting);
	rig.waiting = -1;
}

/* Bytes that may be anything: whatever comes, also nothing (libmicrohttpd waits for the rest until
 * its own time is up), and then the client leaves. */
static void play(int fd)
{
	char some[4096];
	for (int turns = 0; turns < 20; turns++) {
		loop_turn(rig.loop, 0);
		(void)!recv(fd, some, sizeof some, 0);
	}
	close(fd);
	for (int turns = 0; turns < 4; turns++)
		loop_turn(rig.loop, 0);
}

static void request(const char *bytes, size_t n, bool call)
{
	struct buf got;
	int fd = dial(), before = rig.told;
	bool was_waiting = rig.waiting >= 0, polled = false;
	if (send(fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
		abort();
	buf_init(&got, 64 << 20);
	if (!call) {
		play(fd);
		return;
	}
	bool ended = receive(fd, true, &got);
	if (ended) {
		polled = rig.result.len == 0;
		/* A poll that this one ended was told of, too. */
		HOLDS(rig.told == before + 1 || (was_waiting && rig.told == before + 2),
		      "told %d times of '%.*s'", rig.told - before, (int)n, bytes);
		check_answer(&got, polled);
	}
	buf_release(&got);
	if (rig.waiting >= 0 && !ended) {
		/* This one waits now; the other was sent away. */
		receive(rig.waiting, false, &got);
		HOLDS(got.len == 0 || strstr(got.data, " 409 "), "'%.80s'", got.data);
		buf_release(&got);
		close(rig.waiting);
		rig.waiting = -1;
	}
	if (ended)
		close(fd);
	else
		rig.waiting = fd;
}

/* Whether the path's last part, of `n` bytes, is a method's name. */
static bool is_method(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]))
			return false;
	return n > 0 && n <= SANDBOX_METHOD_MAX;
}

/* Appends `text` with every byte that a URL may not hold as it is written as %XX. */
static void add_url(struct buf *b, const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f || *text == '#')
			buf_addf(b, "%%%02x", (unsigned char)*text);
		else
			buf_addc(b, *text);
}

static void post(const char *type, const char *rest)
{
	struct buf b, body;
	size_t method = strcspn(rest, " ?/%#");
	const char *from = rest + method + (rest[method] != '\0');
	buf_init(&b, 1 << 20);
	buf_init(&body, 1 << 20);
	for (const char *p = from; *p; p++)
		if (*p == '|' && strncmp(type, "multi", 5) == 0)
			buf_adds(&body, "\r\n");
		else
			buf_addc(&body, *p);
	buf_addf(&b, "POST /bot" TOKEN "/");
	char *name = fuzz_string(rest, method);
	add_url(&b, name);
	free(name);
	buf_addf(
		&b,
		" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
		type, body.len);
	buf_add(&b, buf_str(&body), body.len);
	request(b.data, b.len, is_method(rest, method));
	buf_release(&b);
	buf_release(&body);
}

static void get(const char *rest)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_adds(&b, "GET /bot" TOKEN "/");
	add_url(&b, rest);
	buf_adds(&b, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	request(b.data, b.len, is_method(rest, strcspn(rest, "?")));
	buf_release(&b);
}

static size_t deep(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += *text == '[' || *text == '{';
	return n;
}

static bool is_object(const char *text)
{
	struct slice one;
	char *copy = fuzz_string(text, strlen(text));
	slice_line(copy, strlen(copy), &one);
	free(copy);
	return one.is_object;
}

static void push(char *rest)
{
	char *object = strchr(rest, ' ');
	if (!object || !is_object(object))
		return;
	*object++ = '\0';
	sandbox_push(rig.sandbox, rest, object);
}

static void push_raw(const char *rest)
{
	rig.clean = rig.clean && is_object(rest);
	sandbox_push_raw(rig.sandbox, rest, strlen(rest));
}

static void http(const char *rest)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	for (; *rest; rest++)
		if (*rest == '|')
			buf_adds(&b, "\r\n");
		else
			buf_addc(&b, *rest);
	if (b.len)
		request(b.data, b.len, false);
	buf_release(&b);
}

static void obey(char *line)
{
	static const char *const verbs[] = { "push ", "raw ",       "get ", "json ",
					     "form ", "multipart ", "http " };
	size_t i = 0;
	while (i < 7 && strncmp(line, verbs[i], strlen(verbs[i])) != 0)
		i++;
	char *rest = line + (i < 7 ? strlen(verbs[i]) : 0);
	rig.clean = rig.clean && deep(line) < DEEP;
	switch (i) {
	case 0:
		push(rest);
		break;
	case 1:
		push_raw(rest);
		break;
	case 2:
		get(rest);
		break;
	case 3:
		post("application/json", rest);
		break;
	case 4:
		post("application/x-www-form-urlencoded", rest);
		break;
	case 5:
		post("multipart/form-data; boundary=b", rest);
		break;
	case 6:
		http(rest);
		break;
	}
	look_at_waiting();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sandbox_stats stats;
	start();
	for (int lines = 0; n && lines < LINES_MAX; lines++) {
		size_t k = fuzz_line(data, n);
		char *line = fuzz_string(data, k);
		obey(line);
		free(line);
		data += k < n ? k + 1 : k, n -= k < n ? k + 1 : k;
		sandbox_stats(rig.sandbox, &stats);
		HOLDS(stats.confirmed + stats.pending <= stats.pushed, "%zu wait", stats.pending);
		HOLDS(rig.dropped || stats.confirmed + stats.pending == stats.pushed,
		      "none is lost: %zu wait", stats.pending);
		HOLDS(sandbox_polling(rig.sandbox) == (rig.waiting >= 0), "%d", rig.waiting);
	}
	sandbox_free(rig.sandbox);
	if (rig.waiting >= 0)
		close(rig.waiting);
	buf_release(&rig.result);
	loop_turn(rig.loop, 0);
	return 0;
}
