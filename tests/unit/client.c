/* tests/unit/client: what the sub-commands make of an answer that a runner did not finish: wherever
 * it is cut, however it is spoiled, it is an error and never a shorter list. The runner is a child
 * that holds the locks and gives the answers. */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/client/client.h"
#include "cli/cmd.h"
#include "io/control.h"
#include "io/statedir.h"
#include "queue/letter.h"
#include "tests/tap.h"

#define LETTER(n)                                                                                                                      \
	"{\"number\":" #n                                                                                                              \
	",\"update_id\":7,\"kind\":\"message\",\"key\":\"chat:1\",\"attempts\":1,\"reason\":\"exited with status 1\",\"stderr\":\"\"," \
	"\"received\":\"2026-11-23T21:04:05Z\",\"died\":\"2026-11-23T21:04:05Z\",\"update\":{\"update_id\":7}}\n"
#define ITEM(n)                                                                                                     \
	"{\"number\":" #n                                                                                           \
	",\"update_id\":7,\"kind\":\"message\",\"key\":\"chat:1\",\"state\":\"ready\",\"failures\":0,\"deaths\":0," \
	"\"received\":\"2026-11-23T21:04:05Z\"}\n"
#define STATUS "{\"state\":\"running\",\"pid\":1,\"bot_id\":1,\"routes\":[],\"running\":[]}\n"
#define END    "{\"end\":true}\n"

static char dir[] = "/tmp/client-test-XXXXXX";
static int listener;

/* Answers each request with the first `n` bytes of what it was given over `orders`. */
static void serve(int orders)
{
	struct err err;
	struct statedir *own = statedir_open(dir, &err);
	pid_t holder;
	if (!own || statedir_lock_run(own, &holder, &err) != 1 ||
	    statedir_lock_slots(own, &err) != 1 || write(orders, "k", 1) != 1)
		_exit(1);
	for (;;) {
		char answer[8192], request[4096];
		ssize_t n = recv(orders, answer, sizeof answer, 0);
		if (n < 0)
			_exit(1);
		int client = accept(listener, NULL, NULL);
		if (client < 0 || recv(client, request, sizeof request, 0) <= 0)
			_exit(1);
		for (ssize_t sent = 0, some; sent < n; sent += some)
			if ((some = send(client, answer + sent, (size_t)(n - sent),
					 MSG_NOSIGNAL)) <= 0)
				break;
		close(client);
	}
}

static int orders;

/* A sub-command's exit status for this answer; its output goes nowhere. */
static int status_of(const char *answer, size_t n, const char *words)
{
	char copy[64], *argv[12] = { (char *)(void *)"tgrun" }, *envp[] = { NULL };
	int argc = 1;
	if (send(orders, answer, n, 0) != (ssize_t)n)
		exit(1);
	snprintf(copy, sizeof copy, "%s", words);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc++] = (char *)(void *)"--state-dir";
	argv[argc++] = dir;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		dup2(null, 2);
		struct setup s;
		struct err err = { 0 };
		if (setup_options(&s, argv, envp, &err))
			_exit(99);
		int status = s.config.command == COMMAND_DEAD    ? cmd_dead(&s)
			     : s.config.command == COMMAND_QUEUE ? cmd_queue(&s)
								 : cmd_control(&s);
		setup_release(&s);
		_exit(status);
	}
	int status;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Of each cut of the answer, none but the whole one is a success. */
static void test_cuts(const char *words, const char *answer)
{
	size_t whole = strlen(answer), good = 0, first = 0;
	for (size_t n = 1; n < whole; n++)
		if (status_of(answer, n, words) == 0 && good++ == 0)
			first = n;
	ok(good == 0,
	   "tgrun %s: an answer that ends early is an error, wherever (%zu cuts; %zu pass, the first after %zu bytes)",
	   words, whole - 1, good, first);
	is_num(status_of(answer, whole, words), 0, "the whole one is none");
}

static void test_spoiled(const char *words, const char *line)
{
	char answer[1024];
	snprintf(answer, sizeof answer, "%.*s}\n" END, (int)strlen(line) - 4, line);
	ok(status_of(answer, strlen(answer), words) == ERR_IO,
	   "tgrun %s: nor is half a line left out because an end follows", words);
	snprintf(answer, sizeof answer, "%s{\"error\":\"no more\"}\n" END, line);
	ok(status_of(answer, strlen(answer), words) == ERR_TEMPFAIL,
	   "nor a refusal behind a good line overheard");
}

static int count_line(void *arg, const char *text, size_t n)
{
	*(int *)arg += strlen(text) == n;
	return 0;
}

/* The conversation itself knows that half a line is no line, whatever it means. */
static void test_half_line(void)
{
	static const char answer[] = "{\"a\":1}\n{\"b\":";
	struct err err = { 0 };
	int lines = 0, dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (send(orders, answer, sizeof answer - 1, 0) < 0)
		exit(1);
	int rc = control_call(dir_fd, "{}", -1, count_line, &lines, 20000, &err);
	ok(rc == -1 && err.status == ERR_IO && lines == 1 && strstr(err.text, "cut off"),
	   "half a line at the end is an error (%d, %d lines, '%s')", rc, lines, err.text);
	close(dir_fd);
}

/* An update as a line of an answer has it. */
static void shown(const char *update, size_t n, const char *want, const char *what)
{
	struct buf b;
	buf_init(&b, 64);
	buf_adds(&b, "x:");
	int rc = letter_add_update(&b, update, n);
	is_str(buf_str(&b), want, what);
	ok(rc == 0 && buf_addc(&b, '}') == 0, "… and the line can be ended");
	buf_release(&b);
}

static void test_updates(void)
{
	static char large[64];
	memset(large, 'a', sizeof large);
	shown("{\"a\": 1}", 8, "x:{\"a\": 1}", "an update stands as it came");
	shown("{\"a\":\"\\,\"}", 10, "x:\"{\\\"a\\\":\\\"\\\\,\\\"}\"",
	      "one that cJSON does not read is a string");
	shown("{\"a\":\"\x1b\"}", 9, "x:\"{\\\"a\\\":\\\"\\u001b\\\"}\"",
	      "so is one with a raw control character");
	shown(large, sizeof large, "x:null", "one for which there is no room is null");
}

int main(void)
{
	int pair[2];
	char started;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	if (!mkdtemp(dir) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return 1;
	snprintf(a.sun_path, sizeof a.sun_path, "%s/control", dir);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, 8))
		return 1;
	pid_t runner = fork();
	if (runner == 0)
		serve(pair[1]);
	orders = pair[0];
	if (recv(orders, &started, 1, 0) != 1)
		return 1;
	RUN(test_updates);
	RUN(test_half_line);
	test_cuts("dead list", LETTER(1) LETTER(2) END);
	test_cuts("dead retry", "{\"number\":1,\"ok\":true}\n{\"number\":2,\"ok\":true}\n" END);
	test_cuts("queue list --json", ITEM(1) ITEM(2) END);
	test_cuts("queue clear --all", "{\"cleared\":17}\n" END);
	test_cuts("status", STATUS END);
	test_spoiled("dead list --json", LETTER(1));
	test_spoiled("queue list", ITEM(1));
	test_spoiled("status", STATUS);
	kill(runner, SIGKILL);
	waitpid(runner, NULL, 0);
	unlink(a.sun_path);
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	ok(system(command) == 0, "nothing is left");
	return done_testing();
}
