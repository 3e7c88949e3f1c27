/* tests/unit/control: the control socket answers whoever may ask, and bounds whoever misbehaves. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "io/control.h"
#include "tests/tap.h"

enum { IDLE_CLIENTS = 400, BIG_LINES = 300, BIG_LINE = 60000 };

static struct loop *loop;
static struct control *control;
static char dir[] = "/tmp/control-test-XXXXXX";
static int dir_fd;
static struct {
	int requests;
	bool overflow;
} seen;

static void on_request(void *arg, struct control_client *client, const cJSON *request)
{
	static char big[BIG_LINE + 1];
	const char *verb = cJSON_GetStringValue(cJSON_GetObjectItem(request, "verb"));
	seen.requests += arg == &seen;
	memset(big, 'x', BIG_LINE);
	if (verb && strcmp(verb, "echo") == 0) {
		char *text = cJSON_PrintUnformatted(request);
		control_reply(client, text, strlen(text));
		control_reply(client, "{\"end\":true}", 12);
		cJSON_free(text);
	} else if (verb && strcmp(verb, "big") == 0) {
		for (int i = 0; i < BIG_LINES; i++)
			control_reply(client, big, BIG_LINE);
	} else if (verb && strcmp(verb, "page") == 0) {
		for (int i = 0; i < 20; i++)
			control_reply(client, big, BIG_LINE);
	} else if (verb && strcmp(verb, "bigger") == 0) {
		for (int i = 0; i < CONTROL_OUTPUT_MAX / BIG_LINE + 10; i++)
			control_reply(client, big, BIG_LINE);
		seen.overflow = true;
	}
	control_end(client);
}

static int64_t now(void)
{
	return clock_system.mono(&clock_system);
}

/* Turns the loop until `fd` can be read, or 20 s have passed. */
static bool turn_until_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t end = now() + 20000;
	while (poll(&p, 1, 0) == 0 && now() < end)
		loop_turn(loop, 0);
	return p.revents != 0;
}

/* A connection that the server has taken. */
static int dial(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/control", dir_fd);
	if (connect(fd, (struct sockaddr *)&a, sizeof a)) {
		close(fd);
		return -1;
	}
	for (int i = 0; i < 3; i++)
		loop_turn(loop, 0);
	return fd;
}

/* All that the server sends until it ends the connection. */
static const char *read_all(int fd)
{
	static char text[65536];
	size_t n = 0;
	for (;;) {
		if (!turn_until_readable(fd))
			return "(nothing)";
		ssize_t got = recv(fd, text + n, sizeof text - 1 - n, MSG_DONTWAIT);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	text[n] = '\0';
	return text;
}

/* Sends bytes while the server reads; stops when it does not take them any more. */
static size_t send_bytes(int fd, const char *bytes, size_t n)
{
	size_t sent = 0;
	int64_t end = now() + 20000;
	while (sent < n && now() < end) {
		ssize_t some = send(fd, bytes + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (some < 0 && errno != EAGAIN)
			break;
		sent += some > 0 ? (size_t)some : 0;
		loop_turn(loop, 0);
	}
	return sent;
}

static const char *ask(const char *request)
{
	int fd = dial();
	send_bytes(fd, request, strlen(request));
	const char *answer = read_all(fd);
	close(fd);
	return answer;
}

/* --- the blocking side, in a process of its own --- */

struct lines {
	size_t count, bytes;
	char last[256];
	int stop;
};

static int on_line(void *arg, const char *text, size_t n)
{
	struct lines *l = arg;
	l->count++;
	l->bytes += strlen(text) == n ? n : 0;
	snprintf(l->last, sizeof l->last, "%s", text);
	return l->stop;
}

/* Calls from a child while the loop turns here; what `check` says of the outcome is returned. */
static bool call(const char *request, int stop, int64_t timeout,
		 bool (*check)(int rc, const struct lines *l, const struct err *err))
{
	pid_t pid = fork();
	if (pid == 0) {
		struct lines l = { .stop = stop };
		struct err err = { 0 };
		int rc = control_call(dir_fd, request, -1, on_line, &l, timeout, &err);
		bool good = check(rc, &l, &err);
		if (!good)
			diag("rc %d, %zu lines, %zu bytes, last '%s', error %d '%s'", rc, l.count,
			     l.bytes, l.last, err.status, err.text);
		_exit(good ? 0 : 1);
	}
	int status;
	while (waitpid(pid, &status, WNOHANG) == 0)
		loop_turn(loop, 0);
	return status == 0;
}

static bool check_echo(int rc, const struct lines *l, const struct err *err)
{
	(void)err;
	return rc == 0 && l->count == 2 && strcmp(l->last, "{\"end\":true}") == 0;
}

static bool check_big(int rc, const struct lines *l, const struct err *err)
{
	(void)err;
	return rc == 0 && l->count == BIG_LINES && l->bytes == (size_t)BIG_LINES * BIG_LINE;
}

static bool check_stop(int rc, const struct lines *l, const struct err *err)
{
	(void)err;
	return rc == 7 && l->count == 1;
}

static bool check_unavailable(int rc, const struct lines *l, const struct err *err)
{
	return rc == -1 && l->count == 0 && err->status == ERR_UNAVAILABLE && err->text[0];
}

static bool check_silent(int rc, const struct lines *l, const struct err *err)
{
	return rc == -1 && l->count == 0 && err->status == ERR_TEMPFAIL && err->text[0];
}

static bool check_refused(int rc, const struct lines *l, const struct err *err)
{
	(void)err;
	return rc == 0 && l->count == 1 && strstr(l->last, "too long");
}

static void test_calls(void)
{
	ok(call("{\"verb\":\"echo\"}", 0, 20000, check_echo), "a request is answered by lines");
	ok(call("{\"verb\":\"big\"}", 0, 20000, check_big), "a long answer comes whole");
	ok(call("{\"verb\":\"big\"}", 7, 20000, check_stop), "whoever reads may stop");
	ok(call("{\"verb\":\"none\"}", 0, 20000, check_unavailable), "no answer at all is told");
	static char huge[4 << 20];
	memset(huge, ' ', sizeof huge - 1);
	ok(call(huge, 0, 20000, check_refused),
	   "a request without end is refused, and the reason arrives");
}

static void test_misuse(void)
{
	seen.requests = 0;
	is_str(ask("{\"verb\":\n"), "{\"error\":\"the request is no valid JSON\"}\n",
	       "broken JSON is refused");
	is_str(ask("{} x\n"), "{\"error\":\"the request is no valid JSON\"}\n",
	       "so is something behind it");
	is_str(ask("\n"), "{\"error\":\"the request is no valid JSON\"}\n", "and an empty line");
	is_str(ask("[1]\n"), "{\"error\":\"the request is no JSON object\"}\n",
	       "and what is no object");
	int with = dial();
	send_bytes(with, "{\"verb\":\"echo\"}\0x\n", 18);
	is_str(read_all(with), "{\"error\":\"the request is no valid JSON\"}\n",
	       "and bytes behind a NUL");
	close(with);
	static char deep[40000];
	memset(deep, '[', sizeof deep - 2);
	deep[sizeof deep - 2] = '\n';
	is_str(ask(deep), "{\"error\":\"the request is no valid JSON\"}\n", "and deep nesting");
	int fd = dial();
	send_bytes(fd, "{\"verb\":", 8);
	shutdown(fd, SHUT_WR);
	is_str(read_all(fd), "{\"error\":\"the request has no end of line\"}\n",
	       "half a line is refused at its end");
	close(fd);
	fd = dial();
	static char line[1 << 20];
	memset(line, 'x', sizeof line);
	size_t sent = send_bytes(fd, line, sizeof line);
	ok(sent < sizeof line, "a line without end is cut off early (%zu bytes were taken)", sent);
	is_str(read_all(fd), "{\"error\":\"the request is too long\"}\n", "and refused");
	close(fd);
	is_num(seen.requests, 0, "none of them came to the owner");
	is_str(ask("{\"verb\":\"echo\"}\n{\"verb\":\"echo\"}\n"),
	       "{\"verb\":\"echo\"}\n{\"end\":true}\n", "a connection has one request");
	fd = dial();
	for (const char *p = "{\"verb\":\"echo\"}\n"; *p; p++)
		send_bytes(fd, p, 1);
	is_str(read_all(fd), "{\"verb\":\"echo\"}\n{\"end\":true}\n",
	       "which may come byte by byte");
	close(fd);
}

static void test_slow_reader(void)
{
	int fd = dial();
	send_bytes(fd, "{\"verb\":\"bigger\"}\n", 18);
	int64_t end = now() + 20000;
	while (!seen.overflow && now() < end)
		loop_turn(loop, 0);
	loop_turn(loop, 0);
	size_t n = 0;
	static char bytes[1 << 20];
	for (ssize_t got; turn_until_readable(fd) && (got = recv(fd, bytes, sizeof bytes, 0)) > 0;)
		n += (size_t)got;
	ok(seen.overflow && n < 2u << 20,
	   "a client that does not read is dropped when too much waits for it (%zu bytes were left)",
	   n);
	close(fd);
}

/* Those who ask and never read have their places for a while only, when others want them. */
static void test_stuck(void)
{
	int fds[CONTROL_CLIENTS_MAX];
	control_set_patience(control, 6 * 1000);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		fds[i] = dial();
		send_bytes(fds[i], "{\"verb\":\"page\"}\n", 16);
	}
	int64_t end = now() + 20000;
	const char *answer = "";
	while (!*answer && now() < end) {
		int fd = dial();
		send_bytes(fd, "{\"verb\":\"echo\"}\n", 16);
		answer = read_all(fd);
		close(fd);
	}
	is_str(answer, "{\"verb\":\"echo\"}\n{\"end\":true}\n",
	       "as many as are served at once who never read: one of them makes room");
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
	control_set_patience(control, 60000);
	loop_turn(loop, 0);
}

static int descriptors(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void test_idle(void)
{
	int *fds = calloc(IDLE_CLIENTS, sizeof *fds), most = 0, open_before = descriptors();
	for (int i = 0; i < IDLE_CLIENTS; i++) {
		fds[i] = dial();
		int more = descriptors() - open_before - i - 1;
		most = more > most ? more : most;
	}
	ok(most <= CONTROL_CLIENTS_MAX,
	   "four hundred idle clients hold at most %d connections (%d)", CONTROL_CLIENTS_MAX, most);
	is_str(ask("{\"verb\":\"echo\"}\n"), "{\"verb\":\"echo\"}\n{\"end\":true}\n",
	       "and another one is served all the same");
	for (int i = 0; i < IDLE_CLIENTS; i++)
		close(fds[i]);
	free(fds);
	control_set_patience(control, 20);
	int fd = dial();
	ok(turn_until_readable(fd) && read(fd, &fd, 1) == 0,
	   "a client that does nothing is sent away");
	close(fd);
	control_set_patience(control, 60000);
}

/* Other users are refused even where they can reach the socket. */
static void test_other_user(void)
{
	if (geteuid() != 0) {
		ok(true, "# SKIP another user is refused: needs root");
		return;
	}
	if (fchmod(dir_fd, 0755) || fchmodat(dir_fd, "control", 0666, 0))
		exit(1);
	pid_t pid = fork();
	if (pid == 0) {
		struct sockaddr_un a = { .sun_family = AF_UNIX };
		char c;
		snprintf(a.sun_path, sizeof a.sun_path, "%s/control", dir);
		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(2);
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&a, sizeof a))
			_exit(3);
		send(fd, "{\"verb\":\"echo\"}\n", 16, MSG_NOSIGNAL);
		_exit(recv(fd, &c, 1, 0) <= 0 ? 0 : 4);
	}
	int status, requests = seen.requests;
	while (waitpid(pid, &status, WNOHANG) == 0)
		loop_turn(loop, 0);
	ok(status == 0 && seen.requests == requests, "another user gets no answer (%d)",
	   WEXITSTATUS(status));
	if (fchmod(dir_fd, 0700) || fchmodat(dir_fd, "control", 0600, 0))
		exit(1);
}

static void test_place(void)
{
	struct err err;
	struct stat st;
	control_free(control);
	loop_turn(loop, 0);
	ok(faccessat(dir_fd, "control", F_OK, 0) == -1, "it is removed at the end");
	ok(call("{}", 0, 1000, check_unavailable), "then there is nobody to ask");

	/* As a killed runner leaves it. */
	pid_t pid = fork();
	if (pid == 0)
		_exit(control_new(loop, dir_fd, on_request, &seen, &err) ? 0 : 1);
	waitpid(pid, NULL, 0);
	ok(fstatat(dir_fd, "control", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		   call("{}", 0, 1000, check_unavailable),
	   "a stale socket does not answer");
	control = control_new(loop, dir_fd, on_request, &seen, &err);
	ok(control && call("{\"verb\":\"echo\"}", 0, 20000, check_echo), "and is replaced");
	control_free(control);

	if (symlinkat("elsewhere", dir_fd, "control"))
		exit(1);
	control = control_new(loop, dir_fd, on_request, &seen, &err);
	ok(control && faccessat(dir_fd, "elsewhere", F_OK, 0) == -1 &&
		   call("{\"verb\":\"echo\"}", 0, 20000, check_echo),
	   "a link in its place is not followed");
	control_free(control);

	close(openat(dir_fd, "control", O_CREAT | O_WRONLY, 0600));
	control = control_new(loop, dir_fd, on_request, &seen, &err);
	ok(!control && err.status == ERR_CANTCREATE && strstr(err.text, "remove it"),
	   "a file in its place is left alone ('%s')", err.text);
	unlinkat(dir_fd, "control", 0);
}

int main(void)
{
	struct err err;
	signal(SIGPIPE, SIG_IGN);
	loop = loop_new(&err);
	/* A path longer than a socket's address can hold. */
	char deep[160];
	memset(deep, 'd', sizeof deep);
	deep[sizeof deep - 1] = '\0';
	if (!mkdtemp(dir))
		return 1;
	int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(top, deep, 0700))
		return 1;
	dir_fd = openat(top, deep, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	control = control_new(loop, dir_fd, on_request, &seen, &err);
	if (!ok(control != NULL, "it listens below a long path ('%s')", control ? "" : err.text))
		return done_testing();
	ok(call("{\"verb\":\"echo\"}", 0, 20000, check_echo), "and answers there");
	struct lines none = { 0 };
	int rc = control_call(dir_fd, "{\"verb\":\"echo\"}", -1, on_line, &none, 100, &err);
	ok(check_silent(rc, &none, &err),
	   "while its loop stands still: it is there and does not answer");
	control_free(control);
	close(dir_fd);
	unlinkat(top, deep, AT_REMOVEDIR);
	dir_fd = top;
	loop_turn(loop, 0);
	int before = descriptors();
	control = control_new(loop, dir_fd, on_request, &seen, &err);
	struct stat st;
	ok(fstatat(dir_fd, "control", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode) &&
		   (st.st_mode & 0777) == 0600,
	   "the socket is private");
	RUN(test_calls);
	RUN(test_misuse);
	RUN(test_slow_reader);
	RUN(test_stuck);
	RUN(test_idle);
	RUN(test_other_user);
	RUN(test_place);
	loop_turn(loop, 0);
	is_num(descriptors(), before, "no descriptor is left");
	control_free(NULL);
	close(dir_fd);
	rmdir(dir);
	loop_free(loop);
	return done_testing();
}
