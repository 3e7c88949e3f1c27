/* tests/unit/http: requests against a server on loopback that misbehaves in every way it is asked
 * to. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curlver.h>

#include "base/buf.h"
#include "io/http.h"
#include "tests/tap.h"
#include "tests/unit/http_rig.h"

enum { MAX = 100000 /* bytes of a body */ };

static struct http_request *post(const char *url, const char *form, int64_t silence, int64_t total,
				 struct result *r)
{
	return http_post(
		http,
		&(struct http_call){
			.url = url, .form = form, .silence = silence, .total = total, .max = MAX },
		on_done, r);
}

static struct result get_url(const char *url, const char *form)
{
	struct result r = { 0 };
	post(url, form, 1000, 10000, &r);
	wait_until(&r.called, 1);
	if (strstr(r.reason, SECRET) || strstr(r.reason, "/bot")) {
		ok(false, "no reason shows the URL");
		diag("%s", r.reason);
	}
	return r;
}

static struct result get(const char *what)
{
	return get_url(path_url(what), "a=b");
}

static void fails(const char *what, enum http_failure failure, const char *reason, const char *why)
{
	struct result r = strstr(what, "://") ? get_url(what, "") : get(what);
	if (!ok(r.called == 1 && r.failure == failure && r.length == 0 && strstr(r.reason, reason),
		"%s", why))
		diag("called %d, failure %d, status %d, length %zu, reason '%s'", r.called,
		     r.failure, r.status, r.length, r.reason);
}

static int open_descriptors(bool *cloexec)
{
	int count = 0;
	DIR *dir = opendir("/proc/self/fd");
	for (struct dirent *e; (e = readdir(dir));) {
		struct sockaddr_storage a;
		socklen_t n = sizeof a;
		int fd = atoi(e->d_name);
		count++;
		if (cloexec && getsockname(fd, (struct sockaddr *)&a, &n) == 0 &&
		    a.ss_family == AF_INET && !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			*cloexec = false;
	}
	closedir(dir);
	return count;
}

static void test_answers(void)
{
	struct result r = get("ok");
	ok(r.failure == HTTP_OK && r.status == 200 && r.terminated,
	   "an answer comes (%d, %d, '%s')", r.failure, r.status, r.reason);
	is_str(r.body, "connection 1", "its body");
	is_str(r.type, "application/json", "its content type");
	r = get("ok");
	is_str(r.body, "connection 1", "the next request uses the same connection");
	r = get("echo");
	ok(strstr(r.body, "POST /bot1:") && strstr(r.body, "\r\n\r\na=b"),
	   "it is a POST with the form as its body");
	ok(strcasestr(r.body, "User-Agent: tgrun/" TGRUN_VERSION "\r\n") &&
		   strcasestr(r.body, "Content-Type: application/x-www-form-urlencoded\r\n"),
	   "it says who asks and what it sends");
	ok(!strcasestr(r.body, "Accept-Encoding") && !strcasestr(r.body, "Expect") &&
		   !strcasestr(r.body, "Cookie") && !strcasestr(r.body, "Authorization"),
	   "and asks for no encoding, no `Continue`, sends no cookie and no login");
	r = get_url(path_url("echo"), NULL);
	ok(r.failure == HTTP_OK && strcasestr(r.body, "Content-Length: 0\r\n"),
	   "a form may be missing");
	r = get("error");
	ok(r.failure == HTTP_OK && r.status == 502 && !strcmp(r.body, "<html>"),
	   "an answer of any status is an answer (%d)", r.status);
	r = get("empty");
	ok(r.failure == HTTP_OK && r.status == 204 && r.length == 0 && r.terminated,
	   "an empty one too");
	r = get("login");
	ok(r.failure == HTTP_OK && r.status == 401, "a login that is asked for is not tried");
	is_str(get("chunked").body, "abcd", "a chunked body is put together");
	is_str(get("bytes").body, "hello", "so is one that comes byte by byte");
	is_str(get("gzip").body, "\x1f\x8b raw", "an encoding nobody asked for is left alone");
	int before = atoi(get("hits").body);
	r = get("redirect");
	ok(r.failure == HTTP_OK && r.status == 302, "a redirect is an answer (%d)", r.status);
	is_num(atoi(get("hits").body), before + 2, "and is not followed");
}

static void test_failures(void)
{
	char url[128];
	fails("cut", HTTP_NETWORK, "", "a cut body is no answer");
	for (int i = 1; i < HEADS; i++) {
		char what[8];
		snprintf(what, sizeof what, "head%d", i);
		fails(what, HTTP_NETWORK, "", "a cut head is no answer");
	}
	struct result r = get("head0");
	ok(r.failure == HTTP_OK && r.status == 200, "a head with its empty line is one");
	fails("reset", HTTP_NETWORK, "", "a reset fails");
	fails("nothing", HTTP_NETWORK, "", "a closed connection fails");
	fails("garbage", HTTP_NETWORK, "", "another protocol fails");
	fails("silent", HTTP_NETWORK, "too slow", "silence instead of an answer ends the request");
	fails("stall", HTTP_NETWORK, "too slow", "silence in the middle too");
	fails("endless", HTTP_TOO_LARGE, "larger than 100000 bytes",
	      "a body without end is cut off");
	fails("announced", HTTP_TOO_LARGE, "larger than 100000 bytes",
	      "one byte too many is too many");
	fails("headers", HTTP_TOO_LARGE, "headers are larger", "headers without end are cut off");
	fails("longline", HTTP_TOO_LARGE, "headers are larger", "so is a header line without end");
	fails("longstatus", HTTP_TOO_LARGE, "headers are larger",
	      "so is a status line without end");
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	if (bind(fd, (struct sockaddr *)&a, n) || getsockname(fd, (struct sockaddr *)&a, &n))
		exit(1);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/bot1:" SECRET "/x", ntohs(a.sin_port));
	fails(url, HTTP_NETWORK, "connect", "a refused connection fails");
	close(fd);
	fails("http://no-such-host.invalid/bot1:" SECRET "/x", HTTP_NETWORK,
	      "could not resolve host: no-such-host.invalid", "an unknown host is named");
	fails("ftp://127.0.0.1/bot1:" SECRET "/x", HTTP_NETWORK, "",
	      "other protocols are not spoken");
	fails("http://[bad/bot1:" SECRET "/x", HTTP_NETWORK, "",
	      "a URL that is none fails without being shown");
	fails("http://user:" SECRET "@127.0.0.1/x", HTTP_NETWORK, "",
	      "nor is a URL with a login used or shown");
	r = (struct result){ 0 };
	int64_t start = clock_system.mono(&clock_system);
	post(path_url("silent"), "", 60000, 100, &r);
	wait_until(&r.called, 1);
	ok(r.failure == HTTP_NETWORK && strstr(r.reason, "timed out"),
	   "the time in all is limited ('%s', %d ms)", r.reason,
	   (int)(clock_system.mono(&clock_system) - start));
}

static pid_t run(const char *const *argv)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	int null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	execvp(argv[0], (char *const *)(void *)argv);
	_exit(127);
}

/* A server whose certificate nobody signed but itself. */
static void test_tls(void)
{
	char url[128], dir[] = "/tmp/http-test-XXXXXX", key[64], cert[64], address[32];
	snprintf(url, sizeof url, "https://127.0.0.1:%d/bot1:" SECRET "/ok", port);
	fails(url, HTTP_NETWORK, "SSL", "a server that speaks no TLS fails");
	int status = 0, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	if (!mkdtemp(dir) || bind(fd, (struct sockaddr *)&a, n) ||
	    getsockname(fd, (struct sockaddr *)&a, &n))
		exit(1);
	close(fd);
	snprintf(key, sizeof key, "%s/key", dir);
	snprintf(cert, sizeof cert, "%s/cert", dir);
	snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(a.sin_port));
	waitpid(run((const char *const[]){ "openssl", "req", "-x509", "-newkey", "rsa:2048",
					   "-nodes", "-keyout", key, "-out", cert, "-subj",
					   "/CN=127.0.0.1", NULL }),
		&status, 0);
	if (status == 0) {
		pid_t server = run((const char *const[]){ "openssl", "s_server", "-accept", address,
							  "-cert", cert, "-key", key, "-quiet",
							  NULL });
		int64_t end = clock_system.mono(&clock_system) + 20000;
		bool up = false;
		while (!up && clock_system.mono(&clock_system) < end) {
			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
			up = connect(fd, (struct sockaddr *)&a, n) == 0;
			close(fd);
			sched_yield();
		}
		snprintf(url, sizeof url, "https://%s/bot1:" SECRET "/ok", address);
		fails(url, HTTP_NETWORK, "the server's certificate is not trusted: ",
		      "a certificate that nobody signed is refused, and named");
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	} else {
		ok(true, "# SKIP a certificate that nobody signed is refused: there is no openssl");
	}
	unlink(key);
	unlink(cert);
	rmdir(dir);
}

static int watches;

/* libuv's, and so the loop's. */
int epoll_ctl(int set, int what, int fd, struct epoll_event *event)
{
	watches++;
	return (int)syscall(SYS_epoll_ctl, set, what, fd, event);
}

static void on_alarm(void *arg)
{
	*(bool *)arg = true;
}

static void test_watch(void)
{
	get("ok");
	watches = 0;
	for (int i = 0; i < 10; i++)
		get("ok");
	is_num(watches, 0, "a connection that is used again is watched already");
	bool rang = false;
	struct loop_timer *alarm = loop_timer_new(loop, on_alarm, &rang);
	get("last");
	int turns = 0;
	loop_timer_set(alarm, 200);
	while (!rang) {
		loop_turn(loop, 1);
		turns++;
	}
	ok(turns <= 4, "one that the server closes between two requests wakes nobody twice");
	if (turns > 4)
		diag("%d turns", turns);
	loop_timer_free(alarm);
	struct result r = get("ok");
	ok(r.failure == HTTP_OK && r.status == 200, "and the next request makes another");
}

static void test_cancel(void)
{
	struct result a = { 0 }, b = { 0 }, c = { 0 };
	struct http_request *first = post(path_url("silent"), "", 60000, 0, &a),
			    *second = post(path_url("ok"), "", 1000, 0, &b);
	bool cloexec = true;
	wait_until(&b.called, 1);
	open_descriptors(&cloexec);
	ok(cloexec, "no child would inherit a connection");
	http_cancel(first);
	(void)second;
	first = post(path_url("silent"), "", 60000, 0, &a);
	struct http_request *connecting = post(path_url("silent"), "", 60000, 0, &a);
	http_cancel(connecting); /* there is a connection for the other one only */
	loop_turn(loop, 0);
	ok(a.called == 0, "one that ends while it connects leaves nothing to be watched");
	http_cancel(first); /* before anything happened */
	http_cancel(NULL);
	first = post(path_url("silent"), "", 60000, 0, &a);
	c.cancel = &first;
	post(path_url("ok"), "", 1000, 0, &c);
	wait_until(&c.called, 1);
	ok(c.called == 1 && !first, "one callback may cancel another request");
	/* Two that end in the same turn: whichever is called first cancels the other. */
	struct result d = { 0 }, e = { 0 };
	struct http_request *d_request = post("http://[bad", "", 1000, 0, &d),
			    *e_request = post("http://[bad", "", 1000, 0, &e);
	d.cancel = &e_request;
	e.cancel = &d_request;
	wait_until(&d.called, 1);
	ok(a.called == 0 && d.called + e.called == 1,
	   "what was cancelled is never called back (%d, %d, %d)", a.called, d.called, e.called);
	/* A name server that does not answer. */
	pthread_mutex_lock(&stuck);
	struct http_request *looking = post("http://stuck.invalid/", "", 60000, 0, &a);
	struct result f = get("ok");
	ok(f.failure == HTTP_OK, "a name server that hangs holds up no other request");
#if LIBCURL_VERSION_NUM >= 0x075700
	int64_t start = clock_system.mono(&clock_system);
	http_cancel(looking);
	looking = post("http://stuck.invalid/", "", 60000, 0, &a);
	f = get("ok");
	ok(f.failure == HTTP_OK && a.called == 0, "nor ending its request (%d ms)",
	   (int)(clock_system.mono(&clock_system) - start));
	http_cancel(looking);
	pthread_mutex_unlock(&stuck);
#else
	/* It cannot be told not to wait for its thread. */
	pthread_mutex_unlock(&stuck);
	http_cancel(looking);
	ok(a.called == 0,
	   "a request is ended when the name server answers # SKIP libcurl before 7.87 waits for it");
#endif
}

static void test_parallel(void)
{
	static struct result r[PARALLEL];
	static int all;
	for (int i = 0; i < PARALLEL; i++)
		post(path_url("together"), "", 10000, 0, &r[i]);
	for (int i = 0; i < PARALLEL; i++) {
		wait_until(&r[i].called, 1);
		all += r[i].called == 1 && r[i].failure == HTTP_OK && !strcmp(r[i].body, "all");
	}
	is_num(all, PARALLEL, "fifty requests run side by side");
}

static void test_proxy(void)
{
	char proxy[64];
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	ok(get("ok").failure == HTTP_OK, "a proxy of the environment is not used for 127.0.0.1");
	char url[128];
	snprintf(url, sizeof url, "http://localhost:%d/bot1:" SECRET "/ok", port);
	ok(get_url(url, "").failure == HTTP_OK, "nor for localhost");
	snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", port);
	setenv("http_proxy", proxy, 1);
	struct result r = get_url("http://elsewhere.invalid/bot1:" SECRET "/echo", "");
	ok(strstr(r.body, "POST http://elsewhere.invalid/"), "it is used for other hosts ('%s')",
	   r.reason);
	unsetenv("http_proxy");
	unsetenv("all_proxy");
}

static void on_done_free(void *arg, struct http_response *response)
{
	(void)response;
	http_free(http);
	http = NULL;
	*(int *)arg = 1;
}

static void test_ends(int before)
{
	struct err err;
	struct result never = { 0 };
	int freed = 0;
	http_post(http,
		  &(struct http_call){
			  .url = "http://[bad", .form = "", .silence = 1000, .max = MAX },
		  on_done_free, &freed);
	post("http://[bad", "", 1000, 0, &never);
	post(path_url("silent"), "", 60000, 0, &never);
	wait_until(&freed, 1);
	ok(freed && never.called == 0, "a callback may end the client; the others are not called");
	http = http_new(loop, &err);
	for (int i = 0; i < 10; i++)
		post(path_url("silent"), "", 60000, 0, &never);
	get("ok");
	http_free(http);
	loop_turn(loop, 0);
	ok(never.called == 0, "ending the client calls nobody back");
	/* The threads that curl left with the name server are ending. */
	int64_t end = clock_system.mono(&clock_system) + 20000;
	while (open_descriptors(NULL) > before && clock_system.mono(&clock_system) < end)
		sched_yield();
	is_num(open_descriptors(NULL), before, "no descriptor is left");
	http_free(NULL);
}

static void test_forms(void)
{
	struct buf b;
	buf_init(&b, 64);
	http_form_add(&b, "offset", "-1");
	http_form_add(&b, "text", "a b&c=d/\xc3\xa9~\n");
	is_str(buf_str(&b), "offset=-1&text=a%20b%26c%3Dd%2F%C3%A9~%0A",
	       "a form is percent-encoded");
	ok(http_form_add(&b, "more", "xxxxxxxxxxxxxxxxxxxxxxxxx") == -1, "a full form is an error");
	is_str(buf_str(&b), "offset=-1&text=a%20b%26c%3Dd%2F%C3%A9~%0A", "and stays as it was");
	buf_release(&b);
	ok(http_form_add(
		   &b, "",
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") ==
		   -1,
	   "at once too");
	buf_release(&b);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	const char *proxies[] = { "http_proxy",  "https_proxy", "all_proxy", "no_proxy",
				  "HTTPS_PROXY", "ALL_PROXY",   "NO_PROXY" };
	for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
		unsetenv(proxies[i]);
	pid_t server = start_server();
	struct err err;
	loop = loop_new(&err);
	http = http_new(loop, &err);
	if (!ok(loop && http, "the client can be made"))
		return done_testing();
	get("ok");
	http_free(http);
	loop_turn(loop, 0);
	int before = open_descriptors(NULL);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = start_server();
	http = http_new(loop, &err);
	RUN(test_forms);
	RUN(test_answers);
	RUN(test_failures);
	RUN(test_tls);
	RUN(test_watch);
	RUN(test_cancel);
	RUN(test_parallel);
	RUN(test_proxy);
	test_ends(before);
	loop_free(loop);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return done_testing();
}
