/* tests/tools/sandbox: the sandbox as a program for the flow tests. Options come in; its URL goes
 * to stdout, one JSON line for each call to the log. Of a getUpdates there is a line with its
 * answer, and if the script has a word on it one with its `fault`, which the other names as
 * `under`. Tests steer it over HTTP on the same port:
 *
 *   POST /sandbox/push       JSON lines: whole updates, queued byte for byte, or {"KIND":{…}},
 *                            which get the next id; ?raw=1: the whole body is one
 *   POST /sandbox/generate   ?count=N&chats=C&kind=message&users=U&first_chat=1000&pad=BYTES
 *                            &first_id=N: N updates over C chats, text = number in its chat
 *   POST /sandbox/script     ?seed=N: faults, see tests/tools/sandbox_script.h
 *   POST /sandbox/chats      JSON lines: {"chat":5,"state":"blocked"}, kicked, unknown, open, or
 *                            {"chat":-5,"state":"moved","to":-1005}: calls to it end so
 *   POST /sandbox/limits     {"chat":{"count":1,"ms":1000,"burst":6},"group":{…},"bulk":{…},
 *                            "paid":{…},"grace":MS}: from now on more is refused with 429, see
 *                            struct sandbox_limits; what is left out is as the server has it,
 *                            about; ?off=1: no limits
 *   POST /sandbox/restart    ends all sessions as a restarting server does
 *   GET  /sandbox/stats      {"polls":…,"offset":…,"pending":…,"open_polls":…,
 *                            "calls":{METHOD:N},"limited":…,"violations":…,…}: limited: answers
 *                            of 429; violations: calls that came although told to wait
 *   GET  /sandbox/deliveries JSON lines: each call that was carried out, in that order, also when
 *                            its answer was lost: {"n":1,"ms":…,"method":…,"hash":…,"chat":…,
 *                            "message_id":…,"count":…,"text":…,"caption":…,"query":…,
 *                            "files":[{"file_name":…,"file_size":…,"cksum":…}]}. ms: of the
 *                            machine's monotonic clock; hash: of all parameters; count: of
 *                            messages; what does not apply is left out
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/tools/sandbox_tool.h"

/* The sandbox's hooks. */

static bool on_accept(void *arg)
{
	struct tool *t = arg;
	return sandbox_script_accept(t->script);
}

static void on_begin(void *arg, struct sandbox_request *r)
{
	struct tool *t = arg;
	if (sandbox_script_begin(t->script, r))
		sandbox_log_fault(t, r, r->fault_name);
}

static bool on_answer(void *arg, struct sandbox_request *r)
{
	(void)arg;
	return sandbox_script_answer(r);
}

static void on_ended(void *arg, struct sandbox_request *r)
{
	(void)arg;
	sandbox_script_ended(r);
}

static bool on_request(void *arg, struct sandbox_request *r)
{
	struct tool *t = arg;
	const char *fault;
	if (strncmp(r->path, "/sandbox/", 9) == 0) {
		sandbox_steer(t, r, r->path + 9);
		return true;
	}
	if (r->method[0])
		sandbox_log_came(t, r->method);
	bool taken = sandbox_script_request(t->script, r, &fault);
	if (fault)
		sandbox_log_fault(t, r, fault);
	return taken;
}

/* The program. */

static int read_file(const char *path, struct buf *out)
{
	char piece[65536];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	buf_init(out, 1 << 30);
	if (fd < 0)
		return -1;
	while ((n = read(fd, piece, sizeof piece)) > 0)
		if (buf_add(out, piece, (size_t)n))
			break;
	close(fd);
	return n == 0 ? 0 : -1;
}

static int write_port(const char *path, const char *url)
{
	char temporary[4096];
	snprintf(temporary, sizeof temporary, "%s.new", path);
	FILE *f = fopen(temporary, "we");
	if (!f)
		return -1;
	fprintf(f, "%s\n", strrchr(url, ':') + 1);
	return fclose(f) || rename(temporary, path) ? -1 : 0;
}

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "sandbox: %s: %s\n", what, why);
	return 1;
}

static void on_signal(void *arg, int signo)
{
	(void)signo;
	loop_stop(arg);
}

static const char usage[] =
	"usage: sandbox [--token T] [--username U] [--port N] [--first-id N] [--no-penalties] [--upload-max BYTES] [--script F] [--updates F] [--log F]\n"
	"               [--port-file F] [--ready-fd N] [--exit-with-parent]\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "token", 1, NULL, 't' },        { "username", 1, NULL, 'u' },
		{ "port", 1, NULL, 'p' },         { "first-id", 1, NULL, 'i' },
		{ "no-penalties", 0, NULL, 'n' }, { "upload-max", 1, NULL, 'm' },
		{ "script", 1, NULL, 's' },       { "updates", 1, NULL, 'f' },
		{ "log", 1, NULL, 'l' },          { "port-file", 1, NULL, 'P' },
		{ "ready-fd", 1, NULL, 'r' },     { "exit-with-parent", 0, NULL, 'e' },
		{ "help", 0, NULL, 'h' },         { 0 },
	};
	static const struct sandbox_hooks hooks = { on_accept, on_begin, on_request, on_answer,
						    on_ended };
	struct tool t = { .log = -1 };
	struct sandbox_config config = {
		.token = "123456:sandbox",
		.called = sandbox_log_called,
		.polled = sandbox_log_polled,
		.hooks = &hooks,
		.arg = &t,
	};
	const char *script = NULL, *updates = NULL, *port_file = NULL;
	int option, ready = -1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 't':
			config.token = optarg;
			break;
		case 'u':
			config.username = optarg;
			break;
		case 'p':
			config.port = atoi(optarg);
			break;
		case 'i':
			config.first_id = atoll(optarg);
			break;
		case 'n':
			config.no_penalties = true;
			break;
		case 'm':
			config.upload_max = strtoul(optarg, NULL, 10);
			break;
		case 's':
			script = optarg;
			break;
		case 'f':
			updates = optarg;
			break;
		case 'P':
			port_file = optarg;
			break;
		case 'r':
			ready = atoi(optarg);
			break;
		case 'l':
			t.log = open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
			if (t.log < 0)
				return fail(optarg, strerror(errno));
			break;
		case 'e':
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			if (getppid() == 1)
				return 1;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 64;
		}
	buf_init(&t.deliveries, 1 << 30);
	signal(SIGPIPE, SIG_IGN);
	struct err err;
	struct buf bytes;
	struct loop *loop = loop_new(&err);
	t.script = sandbox_script_new();
	t.calls = cJSON_CreateObject();
	t.numbers = calloc(CHATS_MAX, sizeof *t.numbers);
	if (!loop || !t.script || !t.calls || !t.numbers)
		return fail("start", "out of memory");
	t.sandbox = sandbox_new(loop, &config, &err);
	if (!t.sandbox)
		return fail("start", err.text);
	if (script && (read_file(script, &bytes) ||
		       sandbox_script_add(t.script, buf_str(&bytes), bytes.len, &err)))
		return fail(script, "cannot be used as a script");
	if (script)
		buf_release(&bytes);
	if (updates &&
	    (read_file(updates, &bytes) || sandbox_steer_push(&t, buf_str(&bytes), bytes.len)))
		return fail(updates, "cannot be used as updates");
	if (updates)
		buf_release(&bytes);
	struct loop_signal *term = loop_signal_new(loop, SIGTERM, on_signal, loop),
			   *interrupt = loop_signal_new(loop, SIGINT, on_signal, loop);
	printf("%s\n", sandbox_url(t.sandbox));
	fflush(stdout);
	if (port_file && write_port(port_file, sandbox_url(t.sandbox)))
		return fail(port_file, strerror(errno));
	if (ready >= 0) {
		dprintf(ready, "%s\n", sandbox_url(t.sandbox));
		close(ready);
	}
	loop_run(loop);
	loop_signal_free(term);
	loop_signal_free(interrupt);
	sandbox_free(t.sandbox);
	sandbox_script_free(t.script);
	loop_free(loop);
	cJSON_Delete(t.calls);
	buf_release(&t.deliveries);
	free(t.numbers);
	return 0;
}
