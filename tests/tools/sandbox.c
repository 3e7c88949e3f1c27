/* tests/tools/sandbox: the sandbox as a program for the flow tests. Options come in; its URL goes
 * to stdout, one JSON line for each call to the log. Of a getUpdates there is a line with its
 * answer, and if the script has a word on it one with its `fault`, which the other names as
 * `under`. Tests steer it over HTTP on the same port:
 *
 *   POST /sandbox/push       JSON lines: whole updates, queued byte for byte, or {"KIND":{…}},
 *                            which get the next id; ?raw=1: the whole body is one
 *   POST /sandbox/generate   ?count=N&chats=C&kind=message&users=U&first_chat=1000&pad=BYTES
 *                            &first_id=N: N updates over C chats, text = number in its chat
 *   POST /sandbox/script     faults, see tests/tools/sandbox_script.h
 *   POST /sandbox/restart    ends all sessions as a restarting server does
 *   GET  /sandbox/stats      {"polls":…,"offset":…,"pending":…,"open_polls":…,
 *                            "calls":{METHOD:N},…}
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

#include "tests/tools/sandbox_script.h"

enum { CHATS_MAX = 100000, COUNT_MAX = 2000000 };

struct tool {
	struct sandbox *sandbox;
	struct sandbox_script *script;
	int log;
	uint64_t seq, scripted;
	cJSON *calls;
	uint32_t *numbers; /* of the last generated update in each chat */
};

/* The log. */

static void count_call(struct tool *t, const char *method)
{
	cJSON *n = cJSON_GetObjectItemCaseSensitive(t->calls, method);
	if (n)
		cJSON_SetNumberValue(n, n->valuedouble + 1);
	else
		cJSON_AddNumberToObject(t->calls, method, 1);
}

static void write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(fd, bytes, n);
		if (done < 0 && errno != EINTR)
			return;
		bytes += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
}

static void log_line(struct tool *t, const char *method, const cJSON *params, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void log_line(struct tool *t, const char *method, const cJSON *params, const char *fmt, ...)
{
	struct buf line;
	va_list ap;
	t->seq++;
	if (t->log < 0)
		return;
	char *text = cJSON_PrintUnformatted(params);
	buf_init(&line, 64 << 20);
	va_start(ap, fmt);
	if (!buf_addf(&line, "{\"seq\":%llu,\"ms\":%lld,\"method\":\"%s\",\"params\":%s,",
		      (unsigned long long)t->seq, (long long)clock_system.mono(&clock_system),
		      method, text ? text : "null") &&
	    !buf_vaddf(&line, fmt, ap) && !buf_adds(&line, "}\n"))
		write_all(t->log, line.data, line.len);
	va_end(ap);
	buf_release(&line);
	cJSON_free(text);
}

static void on_called(void *arg, const struct sandbox_call *call)
{
	log_line(arg, call->method, call->params, "\"status\":%d", call->status);
}

static void on_polled(void *arg, const struct sandbox_poll *poll)
{
	char ids[64] = "", fault[48] = "";
	if (poll->count && poll->lowest <= poll->highest)
		snprintf(ids, sizeof ids, ",\"lowest\":%lld,\"highest\":%lld",
			 (long long)poll->lowest, (long long)poll->highest);
	if (poll->fault && poll->fault[0])
		snprintf(fault, sizeof fault, ",\"under\":\"%s\"", poll->fault);
	log_line(arg, "getUpdates", poll->params,
		 "\"offset\":%lld,\"limit\":%d,\"timeout\":%d,\"status\":%d,\"count\":%zu%s%s",
		 (long long)poll->offset, poll->limit, poll->timeout, poll->status, poll->count,
		 ids, fault);
}

/* Control. */

static const char *query(struct sandbox_request *r, const char *name, const char *otherwise)
{
	const char *value = sandbox_param(r, name);
	return value ? value : otherwise;
}

static void answer_text(struct sandbox_request *r, int status, const char *text)
{
	sandbox_answer(r, status, strdup(text), strlen(text));
}

/* One line: an update as it is, or {"KIND":{…}}. Lines that are no JSON are updates too: tests
 * serve those. */
static int push_line(struct tool *t, const char *line, size_t n)
{
	cJSON *json = cJSON_ParseWithLength(line, n);
	int rc;
	if (cJSON_IsObject(json) && json->child && !json->child->next &&
	    cJSON_IsObject(json->child)) {
		char *object = cJSON_PrintUnformatted(json->child);
		rc = object && sandbox_push(t->sandbox, json->child->string, object) >= 0 ? 0 : -1;
		cJSON_free(object);
	} else {
		rc = sandbox_push_raw(t->sandbox, line, n);
	}
	cJSON_Delete(json);
	return rc;
}

static int push_lines(struct tool *t, const char *bytes, size_t n)
{
	while (n) {
		const char *end = memchr(bytes, '\n', n);
		size_t length = end ? (size_t)(end - bytes) : n;
		if (length && push_line(t, bytes, length))
			return -1;
		bytes += end ? length + 1 : length;
		n -= end ? length + 1 : length;
	}
	return 0;
}

static void push(struct tool *t, struct sandbox_request *r)
{
	int rc = sandbox_param_true(r, "raw")
			 ? sandbox_push_raw(t->sandbox, buf_str(&r->body), r->body.len)
			 : push_lines(t, buf_str(&r->body), r->body.len);
	struct sandbox_stats stats;
	char text[128];
	sandbox_stats(t->sandbox, &stats);
	snprintf(text, sizeof text, "{\"ok\":%s,\"last_id\":%lld,\"pending\":%zu}\n",
		 rc ? "false" : "true", (long long)stats.last_id, stats.pending);
	answer_text(r, rc ? 400 : 200, text);
}

static int generate_one(struct tool *t, struct sandbox_request *r, int64_t n, int64_t chats,
			int64_t users, int64_t first_chat, size_t pad)
{
	struct sandbox *s = t->sandbox;
	const char *kind = query(r, "kind", "message");
	int64_t chat = first_chat + n % chats, user = users ? 5000000000 + n % users : chat,
		id = s->next_id;
	unsigned number = ++t->numbers[n % chats];
	struct buf b;
	buf_init(&b, 1 << 20);
	int rc = buf_addf(&b, "{\"update_id\":%lld,\"%s\":{", (long long)id, kind);
	if (!rc && strcmp(kind, "callback_query") == 0)
		rc = buf_addf(
			&b,
			"\"id\":\"%lld\",\"from\":{\"id\":%lld,\"is_bot\":false,\"first_name\":\"u\"},\"message\":{\"message_id\":1,"
			"\"date\":0,\"chat\":{\"id\":%lld,\"type\":\"%s\"}},\"chat_instance\":\"1\",\"data\":\"%u\"}}",
			(long long)id, (long long)user, (long long)chat,
			users ? "supergroup" : "private", number);
	else if (!rc)
		rc = buf_addf(
			&b,
			"\"message_id\":%lld,\"from\":{\"id\":%lld,\"is_bot\":false,\"first_name\":\"u\"},\"chat\":{\"id\":%lld,"
			"\"type\":\"%s\"},\"date\":%lld,\"text\":\"%u\"%s%*s%s}}",
			(long long)sandbox_message_id(s, chat), (long long)user, (long long)chat,
			users ? "supergroup" : "private",
			(long long)(s->clock->wall(s->clock) / 1000), number,
			pad ? ",\"pad\":\"" : "", (int)pad, "", pad ? "\"" : "");
	if (rc) {
		buf_release(&b);
		return -1;
	}
	return sandbox_updates_add(s, true, id, b.data, b.len);
}

static void generate(struct tool *t, struct sandbox_request *r)
{
	int64_t count = sandbox_param_number(r, "count", 1),
		chats = sandbox_param_number(r, "chats", 1);
	int64_t users = sandbox_param_number(r, "users", 0),
		first_chat = sandbox_param_number(r, "first_chat", 1000);
	int64_t pad = sandbox_param_number(r, "pad", 0);
	if (count < 0 || count > COUNT_MAX || chats < 1 || chats > CHATS_MAX || users < 0 ||
	    pad < 0 || pad > 500000) {
		answer_text(
			r, 400,
			"{\"ok\":false,\"error\":\"count, chats, users or pad is out of range\"}\n");
		return;
	}
	t->sandbox->next_id = sandbox_param_number(r, "first_id", t->sandbox->next_id);
	for (int64_t i = 0; i < count; i++)
		if (generate_one(t, r, i, chats, users, first_chat, (size_t)pad)) {
			answer_text(r, 507, "{\"ok\":false,\"error\":\"the queue is full\"}\n");
			return;
		}
	sandbox_updates_wake(t->sandbox);
	char text[96];
	snprintf(text, sizeof text, "{\"ok\":true,\"last_id\":%lld}\n",
		 (long long)t->sandbox->stats.last_id);
	answer_text(r, 200, text);
}

static void stats(struct tool *t, struct sandbox_request *r)
{
	struct sandbox_stats now;
	struct buf out;
	char *calls = cJSON_PrintUnformatted(t->calls);
	sandbox_stats(t->sandbox, &now);
	buf_init(&out, 1 << 20);
	if (buf_addf(
		    &out,
		    "{\"polls\":%llu,\"pushed\":%llu,\"served\":%llu,\"confirmed\":%llu,\"conflicts\":%llu,\"offset\":%lld,"
		    "\"last_id\":%lld,\"pending\":%zu,\"open_polls\":%d,\"script_left\":%zu,\"scripted\":%llu,\"calls\":%s}\n",
		    (unsigned long long)now.polls, (unsigned long long)now.pushed,
		    (unsigned long long)now.served, (unsigned long long)now.confirmed,
		    (unsigned long long)now.conflicts, (long long)now.offset,
		    (long long)now.last_id, now.pending, now.open_polls,
		    sandbox_script_left(t->script), (unsigned long long)t->scripted,
		    calls ? calls : "{}"))
		buf_release(&out);
	cJSON_free(calls);
	sandbox_answer(r, 200, out.data, out.len);
}

static void restart(struct sandbox *s)
{
	for (struct list *l = s->requests.next, *next; l != &s->requests; l = next) {
		struct sandbox_request *r = container_of(l, struct sandbox_request, link);
		next = l->next;
		if (r->whole && r->method[0])
			sandbox_refuse(r, 500, "Internal Server Error: restart");
	}
	s->asked = false;
	s->next_conflict = 0;
	s->logged_out = false;
}

/* The sandbox's hooks. */

static bool on_accept(void *arg)
{
	struct tool *t = arg;
	return sandbox_script_accept(t->script);
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
	const char *what = strncmp(r->path, "/sandbox/", 9) == 0 ? r->path + 9 : NULL;
	if (!what) {
		const char *fault;
		if (r->method[0])
			count_call(t, r->method);
		bool taken = sandbox_script_request(t->script, r, &fault);
		if (fault) {
			t->scripted++;
			log_line(t, r->method, r->params, "\"fault\":\"%s\"", fault);
		}
		return taken;
	}
	struct err err;
	if (strcmp(what, "stats") == 0) {
		stats(t, r);
	} else if (!r->post) {
		answer_text(r, 404, "{\"ok\":false,\"error\":\"not found, or POST it\"}\n");
	} else if (strcmp(what, "push") == 0) {
		push(t, r);
	} else if (strcmp(what, "generate") == 0) {
		generate(t, r);
	} else if (strcmp(what, "script") == 0) {
		if (sandbox_script_add(t->script, buf_str(&r->body), r->body.len, &err))
			answer_text(r, 400, err.text);
		else
			answer_text(r, 200, "{\"ok\":true}\n");
	} else if (strcmp(what, "restart") == 0) {
		restart(t->sandbox);
		answer_text(r, 200, "{\"ok\":true}\n");
	} else {
		answer_text(r, 404, "{\"ok\":false,\"error\":\"not found\"}\n");
	}
	return true;
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
	"usage: sandbox [--token T] [--username U] [--port N] [--first-id N] [--no-penalties] [--script F] [--updates F] [--log F]\n"
	"               [--port-file F] [--ready-fd N] [--exit-with-parent]\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "token", 1, NULL, 't' },
		{ "username", 1, NULL, 'u' },
		{ "port", 1, NULL, 'p' },
		{ "first-id", 1, NULL, 'i' },
		{ "no-penalties", 0, NULL, 'n' },
		{ "script", 1, NULL, 's' },
		{ "updates", 1, NULL, 'f' },
		{ "log", 1, NULL, 'l' },
		{ "port-file", 1, NULL, 'P' },
		{ "ready-fd", 1, NULL, 'r' },
		{ "exit-with-parent", 0, NULL, 'e' },
		{ "help", 0, NULL, 'h' },
		{ 0 },
	};
	static const struct sandbox_hooks hooks = { on_accept, on_request, on_answer, on_ended };
	struct tool t = { .log = -1 };
	struct sandbox_config config = {
		.token = "123456:sandbox",
		.called = on_called,
		.polled = on_polled,
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
	if (updates && (read_file(updates, &bytes) || push_lines(&t, buf_str(&bytes), bytes.len)))
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
	free(t.numbers);
	return 0;
}
