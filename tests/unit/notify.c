/* tests/unit/notify: what the service manager hears, and that it never holds the bot up. */
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/notify.h"
#include "tests/tap.h"

static char text[4096];

/* A service manager's socket at `path`; '@' begins an abstract name. */
static int manager(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(a.sun_path, path, n);
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	if (bind(fd, (struct sockaddr *)&a,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)))
		exit(1);
	return fd;
}

static const char *heard(int fd)
{
	ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? NULL : text;
}

static void test_socket(const char *path, const char *what)
{
	int fd = manager(path);
	setenv("NOTIFY_SOCKET", path, 1);
	struct notify *n = notify_open();
	notify_send(n, "READY=1\nSTATUS=polling");
	is_str(heard(fd), "READY=1\nSTATUS=polling", what);
	/* Nobody reads: the queue of datagrams fills up, and sending neither waits nor fails the
	 * bot. */
	for (int i = 0; i < 5000; i++)
		notify_send(n, "WATCHDOG=1");
	is_str(heard(fd), "WATCHDOG=1", "a manager that does not read holds nobody up");
	close(fd);
	notify_send(n, "STOPPING=1");
	ok(true, "nor does one that is gone");
	notify_close(n);
	if (path[0] == '/')
		unlink(path);
}

static int64_t interval(const char *usec, const char *pid)
{
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (usec)
		setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	struct notify *n = notify_open();
	int64_t ms = notify_watchdog_interval(n);
	ok(n != NULL, "there is somebody to tell");
	notify_close(n);
	return ms;
}

static void test_watchdog(void)
{
	char path[64], own[32];
	snprintf(path, sizeof path, "@notify-test-watchdog-%d", (int)getpid());
	snprintf(own, sizeof own, "%d", (int)getpid());
	int fd = manager(path);
	setenv("NOTIFY_SOCKET", path, 1);
	is_num(interval(NULL, NULL), 0, "no watchdog unless asked for");
	is_num(interval("30000000", NULL), 15000, "half of what is allowed");
	is_num(interval("30000000", own), 15000, "the same when it is meant for this process");
	is_num(interval("30000000", "1"), 0, "none when it is meant for another");
	is_num(interval("-5", NULL), 0, "nonsense is no watchdog");
	is_num(interval("soon", NULL), 0, "nor are words");
	close(fd);
}

/* What comes within one turn, up to what is there. */
static int heard_in_all(int fd, const char *what)
{
	int n = 0;
	while (heard(fd))
		n += strstr(text, what) != NULL;
	return n;
}

static void test_busy(void)
{
	char path[64];
	snprintf(path, sizeof path, "@notify-test-busy-%d", (int)getpid());
	int fd = manager(path);
	setenv("NOTIFY_SOCKET", path, 1);
	struct notify *n = notify_open();
	notify_reloading(n);
	notify_reloaded(n);
	is_str(heard(fd), NULL, "before it is ready a reload is not told of");
	notify_busy(n, "opening the queue");
	is_str(heard(fd), "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=opening the queue",
	       "a start that takes long asks for more time, and says why");
	raise(SIGRTMIN); /* the timer's */
	raise(SIGRTMIN);
	is_num(heard_in_all(fd, "EXTEND_TIMEOUT_USEC=60000000"), 2,
	       "and again with each tick of its timer, whatever the process does");
	notify_ready(n);
	is_str(heard(fd), "READY=1", "then it is ready");
	raise(SIGRTMIN);
	is_num(heard_in_all(fd, "EXTEND"), 0, "and asks for no more");
	notify_stopping(n);
	is_str(heard(fd), "STOPPING=1\nEXTEND_TIMEOUT_USEC=60000000\nSTATUS=stopping",
	       "the end asks for more");
	raise(SIGRTMIN);
	is_num(heard_in_all(fd, "EXTEND"), 1, "and again");
	notify_close(n);
	raise(SIGRTMIN);
	is_num(heard_in_all(fd, ""), 0, "a tick that comes late finds nobody to tell");
	close(fd);
	notify_busy(NULL, "x");
	notify_ready(NULL);
	notify_stopping(NULL);
	ok(true, "and without a manager there is nobody to tell");
}

static void test_nobody(void)
{
	char far[300] = "/";
	const char *const none[] = { NULL, "", "relative", "/nonexistent/notify", far };
	bool all = true;
	memset(far + 1, 'x', sizeof far - 2);
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		unsetenv("NOTIFY_SOCKET");
		if (none[i])
			setenv("NOTIFY_SOCKET", none[i], 1);
		struct notify *n = notify_open();
		notify_send(n, "READY=1");
		all = all && !n && notify_watchdog_interval(n) == 0;
		notify_close(n);
	}
	ok(all, "without a manager that can be reached nothing is sent");
}

int main(void)
{
	char path[64];
	snprintf(path, sizeof path, "@notify-test-%d", (int)getpid());
	test_socket(path, "an abstract socket hears all lines in one datagram");
	snprintf(path, sizeof path, "/tmp/notify-test-%d", (int)getpid());
	test_socket(path, "so does one in the file system");
	RUN(test_watchdog);
	RUN(test_busy);
	RUN(test_nobody);
	return done_testing();
}
