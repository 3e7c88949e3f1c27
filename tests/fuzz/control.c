/* tests/fuzz/control: bytes on the control socket of an engine whose queue holds a few updates and
 * dead letters. The first byte says in pieces of what size the rest is sent. Whoever asks gets
 * whole lines of JSON and one end; no update and no letter goes but those that were asked for. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/engine_internal.h"
#include "queue/local/local.h"
#include "slot/slots_internal.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_name[] = "control";

enum { UPDATES = 5, LETTERS = 3, TURNS_MAX = 10000 };

static const struct {
	const char *keys, *dead;
} updates[UPDATES + LETTERS] = {
	{ "chat:1", NULL },
	{ "chat:1", NULL },
	{ "chat:2 user:7", NULL },
	{ "", "exited with status 64" },
	{ "", NULL },
	{ "chat:3", "timed out after 60s" },
	{ "chat:\xd0\xb6", NULL },
	{ "chat:1", "\"\\\n" },
};

static struct {
	struct loop *loop;
	struct slots slots; /* none */
	struct handlers *handlers;
	struct control *control;
	struct engine engine;
	struct source source;
	struct queue_counts before;
	int stops, requests;
	char dir[32];
	int dir_fd;
} rig = { .dir = "/tmp/fuzz-control-XXXXXX" };

static void source_stop(struct source *s)
{
	(void)s;
	rig.stops++;
}

static void source_counts(const struct source *s, struct source_counts *out)
{
	(void)s;
	*out = (struct source_counts){ .failing = true, .trouble = "HTTP 502 \"\x1b[1m\"" };
}

static void nothing(void *arg)
{
	(void)arg;
}

static int64_t no_age(void *arg, const char *kind)
{
	(void)arg, (void)kind;
	return 0;
}

static int same_route(void *arg, const char *body, size_t length, struct buf *keys, unsigned *lane)
{
	(void)arg, (void)body, (void)length, (void)lane;
	return buf_adds(keys, "chat:9");
}

static void on_request(void *arg, struct control_client *client, const cJSON *request)
{
	rig.requests++;
	queue_counts(rig.engine.queue, &rig.before);
	engine_control_request(arg, client, request);
}

static void clear_up(void)
{
	control_free(rig.control);
	log_free(rig.engine.config.log);
	loop_turn(rig.loop, 0);
	rmdir(rig.dir);
}

static void set_up(void)
{
	static const struct source_ops ops = { .stop = source_stop, .counts = source_counts };
	struct err err;
	struct engine *e = &rig.engine;
	rig.loop = loop_new(&err);
	rig.dir_fd = mkdtemp(rig.dir) ? open(rig.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	rig.control = rig.dir_fd < 0 ? NULL
				     : control_new(rig.loop, rig.dir_fd, on_request, e, &err);
	list_init(&rig.slots.idle);
	list_init(&rig.slots.keepers);
	struct handlers_config config = {
		.loop = rig.loop, .slots = &rig.slots, .clock = &clock_system, .idle = nothing
	};
	rig.handlers = handlers_new(&config, &err);
	e->pulse.timer = loop_timer_new(rig.loop, nothing, NULL);
	e->end.stop_timer = loop_timer_new(rig.loop, nothing, NULL);
	e->config.log = log_new(-1, LOG_INFO, LOG_TEXT, &clock_system);
	if (!rig.control || !rig.handlers || !e->config.log || !e->pulse.timer ||
	    !e->end.stop_timer)
		abort();
	rig.source.ops = &ops;
	e->config.clock = &clock_system;
	e->handlers = rig.handlers;
	e->source = &rig.source;
	e->feed.fd = -1;
	list_init(&e->starts.starting);
	list_init(&e->starts.running);
	atexit(clear_up);
}

/* The same queue for each input; its first update runs. */
static struct claim *fill(struct engine *e)
{
	struct err err;
	struct queue_put put[UPDATES + LETTERS];
	struct queue_put_result result;
	struct claim *claim;
	for (int i = 0; i < UPDATES + LETTERS; i++)
		put[i] = (struct queue_put){ .root = "x",
					     .has_id = i != 3,
					     .update_id = 100 + i,
					     .kind = "message",
					     .keys = updates[i].keys,
					     .body = "{\"a\":1}",
					     .length = 7,
					     .dead = updates[i].dead };
	struct queue_config config = { .clock = &clock_system,
				       .key_spec = "",
				       .backlog = 100,
				       .route_of = same_route,
				       .max_age = no_age };
	struct store *store = memory_open(&err);
	e->queue = store ? local_open(&config, store, &err) : NULL;
	if (!e->queue || queue_put(e->queue, put, UPDATES + LETTERS, NULL, 0, &result, &err) ||
	    queue_claim(e->queue, 1, &claim, &err) != 1 || queue_flush(e->queue, &err))
		abort();
	e->phase = ENGINE_RUNNING;
	e->paused = e->draining = false;
	e->counts.skipped = 0;
	rig.stops = rig.requests = 0;
	return claim;
}

static int dial(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/control", rig.dir_fd);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a))
		abort();
	return fd;
}

/* Sends it all, in pieces, and reads until the server ends the connection. */
static void talk(const char *bytes, size_t n, size_t piece, struct buf *answer)
{
	char some[4096];
	int fd = dial(), turns = 0;
	for (size_t at = 0; at < n; at += piece) {
		/* One that has its answer may be gone already. */
		if (send(fd, bytes + at, n - at < piece ? n - at : piece,
			 MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
		    errno != EAGAIN)
			break;
		loop_turn(rig.loop, 0);
	}
	shutdown(fd, SHUT_WR);
	for (ssize_t got = -1; got != 0; turns++) {
		HOLDS(turns < TURNS_MAX, "the connection ends");
		loop_turn(rig.loop, 0);
		got = recv(fd, some, sizeof some, MSG_DONTWAIT);
		if (got < 0 && errno == ECONNRESET)
			break; /* it was sent more than it wanted to read */
		if (got > 0)
			buf_add(answer, some, (size_t)got);
	}
	close(fd);
	loop_turn(rig.loop, 0);
}

struct lines {
	int count, ends, errors, done;
	double cleared;
};

static void take_line(struct lines *l, const char *line)
{
	const char *end;
	cJSON *json = cJSON_ParseWithOpts(line, &end, 1);
	HOLDS(cJSON_IsObject(json), "'%s'", line);
	HOLDS(l->ends + l->errors == 0, "'%s' comes behind the end", line);
	l->count++;
	l->ends += cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "end"));
	l->errors += cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "error")) != NULL;
	l->done += cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "ok"));
	cJSON *cleared = cJSON_GetObjectItemCaseSensitive(json, "cleared");
	l->cleared += cleared ? cleared->valuedouble : 0;
	cJSON_Delete(json);
}

static struct lines read_lines(struct buf *answer)
{
	struct lines l = { 0 };
	HOLDS(answer->len == 0 || answer->data[answer->len - 1] == '\n', "the last line ends");
	HOLDS(!memchr(buf_str(answer), '\0', answer->len), "no NUL");
	for (char *line = answer->data, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		*next++ = '\0';
		take_line(&l, line);
	}
	return l;
}

static bool is(const char *verb, const char *other)
{
	return strcmp(verb, other) == 0;
}

/* What may have changed: only what the verb is for, by as much as the answer says. */
static void check_change(const char *verb, const struct lines *l)
{
	const struct engine *e = &rig.engine;
	struct queue_counts after;
	queue_counts(e->queue, &after);
	size_t waiting = rig.before.waiting, done = (size_t)l->done;
	int64_t dead = rig.before.dead;
	if (is(verb, "queue-skip"))
		waiting -= done;
	else if (is(verb, "queue-clear"))
		waiting -= (size_t)l->cleared;
	else if (is(verb, "dead-drop"))
		dead -= l->done;
	else if (is(verb, "dead-retry"))
		dead -= l->done, waiting += done;
	else
		HOLDS(done == 0 && l->cleared == 0, "'%s' did %zu", verb, done);
	HOLDS(after.waiting == waiting && after.dead == dead,
	      "%zu wait and %lld are dead after '%s'", after.waiting, (long long)after.dead, verb);
	HOLDS(after.running == 1, "what runs is let run");
	HOLDS(e->counts.skipped == (is(verb, "queue-skip") ? done : (uint64_t)l->cleared),
	      "skips are counted");
	HOLDS((e->phase != ENGINE_RUNNING) == is(verb, "stop"), "'%s'", verb);
	HOLDS(e->paused == is(verb, "pause") && e->draining == is(verb, "drain"), "'%s'", verb);
	HOLDS(rig.stops == (is(verb, "stop") || is(verb, "drain")), "'%s'", verb);
}

/* One that was asked for by name never means all. */
static void check_numbers(const cJSON *request, const struct lines *l)
{
	const cJSON *numbers = cJSON_GetObjectItemCaseSensitive(request, "numbers");
	if (numbers)
		HOLDS(l->done <= cJSON_GetArraySize(numbers), "%d done", l->done);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err;
	struct buf answer;
	if (!rig.loop)
		set_up();
	size_t piece = n ? 1 + data[0] % 64 : 1;
	data += n > 0, n -= n > 0;
	struct claim *claim = fill(&rig.engine);
	char *bytes = fuzz_copy(data, n);
	buf_init(&answer, 16 << 20);
	talk(bytes, n, piece < n / 256 ? n / 256 : piece, &answer);
	free(bytes);

	struct lines l = read_lines(&answer);
	size_t k = fuzz_line(data, n);
	char *line = fuzz_string(data, k);
	cJSON *request = k < n && strlen(line) == k ? cJSON_ParseWithOpts(line, NULL, 1) : NULL;
	HOLDS(rig.requests == cJSON_IsObject(request), "%d requests came through", rig.requests);
	HOLDS(l.ends + l.errors == (n > 0), "%d ends, %d errors, of %d lines", l.ends, l.errors,
	      l.count);
	if (rig.requests) {
		const char *verb = l.ends ? cJSON_GetStringValue(
						    cJSON_GetObjectItemCaseSensitive(request,
										     "verb"))
					  : "";
		HOLDS(verb != NULL, "no end without a verb");
		check_change(verb, &l);
		check_numbers(request, &l);
	}
	cJSON_Delete(request);
	free(line);
	buf_release(&answer);
	claim_free(claim);
	HOLDS(queue_close(rig.engine.queue, &err) == 0, "%s", err.text);
	return 0;
}
