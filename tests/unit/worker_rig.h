/* tests/unit/worker_rig.h: handlers whose workers are the test program itself, and do as the
 * updates say. */
#ifndef TGRUN_TESTS_WORKER_RIG_H
#define TGRUN_TESTS_WORKER_RIG_H

#include <poll.h>

#include "tests/unit/handler_rig.h"

static struct house house;

static struct command *worker_of(const char *concurrency)
{
	return rig_command(STAGES(ARGV(rig_self, "worker", concurrency)), rig_env, NULL);
}

__attribute__((unused)) static struct handler *workers(int count, const char *concurrency,
						       int64_t timeout)
{
	struct handler_policy policy = house_policy;
	policy.workers = count;
	policy.timeout = timeout;
	policy.kill_after = 500;
	return house_handler(&house, MODE_WORKER, worker_of(concurrency), &policy);
}

/* Frees the handler and waits until its workers have ended. */
__attribute__((unused)) static void close_down(struct handler *h)
{
	handler_free(h);
	if (!HOUSE_UNTIL(&house, handlers_quiet(house.room)))
		diag("workers did not end");
	house.back = 0;
	memset(house.fates, 0, FATES_MAX * sizeof *house.fates);
}

__attribute__((unused)) static bool ready(struct handler *h, int n)
{
	struct handler_counts c;
	return HOUSE_UNTIL(&house, (handler_counts(h, &c), c.ready == n));
}

/* ---- the program as a worker ---- */

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (write(3, text, (size_t)n) != n)
		_exit(99);
}

static void wake(int signo)
{
	(void)signo;
}

/* As an event loop is about an update: it goes on when SIGUSR1 says so, and ends the program
 * when the input ends. */
static void work_until_end(void)
{
	sigset_t mask, old;
	struct pollfd in = { STDIN_FILENO, POLLIN, 0 };
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, &old);
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = wake }, NULL);
	dprintf(1, "%d\n", (int)getpid());
	if (ppoll(&in, 1, NULL, &old) == 1)
		_exit(0);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void hear(const char *line)
{
	char id[64] = "", what[32] = "";
	const char *p = strstr(line, "\"id\":\""), *d = strstr(line, "\"do\":\"");
	if (p)
		sscanf(p + 6, "%63[^\"]", id);
	if (d)
		sscanf(d + 6, "%31[^\"]", what);
#define IS(word) (!strcmp(what, word))
	if (IS("echo") || !d)
		dprintf(1, "%s", line);
	if (IS("who"))
		dprintf(1, "%d\n", (int)getpid());
	if (IS("stderr"))
		dprintf(2, "what went wrong\n");
	if (IS("die") || IS("stderr"))
		kill(getpid(), SIGKILL);
	if (IS("exit0") || IS("exit75"))
		_exit(IS("exit0") ? 0 : 75);
	if (IS("stubborn"))
		signal(SIGTERM, SIG_IGN);
	if (IS("tree") && fork() == 0) {
		setsid();
		if (fork())
			_exit(0);
		for (;;)
			pause();
	}
	if (IS("close3"))
		close(3);
	while (IS("close3") || IS("stubborn") || IS("tree"))
		pause();
	if (IS("mute"))
		return;
	if (IS("heeds-end"))
		work_until_end();
	if (IS("fail"))
		say("{\"id\":\"%s\", \"ok\":false, \"error\":\"no \\u201cgood\u201d\"}\n", id);
	else if (IS("retry"))
		say("{\"error\":\"later\",\"retry\":true,\"ok\":false,\"id\":\"%s\"}\n", id);
	else if (IS("after"))
		say("{\"id\":\"%s\",\"ok\":false,\"retry\":true,\"after\":34.5}\n", id);
	else if (IS("long-after"))
		say("{\"id\":\"%s\",\"ok\":false,\"retry\":true,\"after\":1e300}\n", id);
	else if (IS("bad-after"))
		say("{\"id\":\"%s\",\"ok\":false,\"retry\":true,\"after\":\"34\"}\n", id);
	else if (IS("terse"))
		say("{\"id\":\"%s\",\"ok\":false}\n", id);
	else if (IS("garbage"))
		say("hello\n");
	else if (IS("number"))
		say("{\"id\":7,\"ok\":true}\n");
	else if (IS("unknown"))
		say("{\"id\":\"999.1\",\"ok\":true}\n");
	for (int i = 0; IS("long") && i < 2000; i++)
		say("%0100d", 7);
	if (IS("long"))
		say("\n");
	if (IS("halves")) {
		say("{\"id\": \"%s\",", id);
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
		say(" \"ok\": true}\r\n");
		return;
	}
	if (IS("mark")) {
		say("\xef\xbb\xbf{\"id\":\"%s\",\"ok\":true}\n", id);
		return;
	}
	if (!IS("fail") && !IS("retry") && !IS("terse") && !IS("after") && !IS("long-after"))
		say("{\"id\":\"%s\",\"ok\":true}\n", id);
	if (IS("twice"))
		say("{\"id\":\"%s\",\"ok\":true}\n", id);
	if (IS("answer-and-die"))
		kill(getpid(), SIGKILL);
}

/* `how`: how many updates at once, 0: that is not said; or what else it says of itself. */
static int be_worker(const char *how)
{
	char *line = NULL;
	size_t cap = 0;
	int concurrency = atoi(how);
	if (*how >= 'a')
		say("{\"ready\":true,\"%s\":true}\n", how);
	else if (concurrency)
		say("{\"ready\":true,\"concurrency\":%d}\n", concurrency);
	while (getline(&line, &cap, stdin) > 0)
		hear(line);
	free(line);
	return 0;
}

/* Becomes a worker when it was started as one; else sets up the house. */
static void worker_rig_init(int argc, char **argv)
{
	static char self[4096];
	if (argc > 2 && !strcmp(argv[1], "worker"))
		_exit(be_worker(argv[2]));
	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
		exit(1);
	rig_self = self;
	house_init(&house, 6, 0);
}

#endif
