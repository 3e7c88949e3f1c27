/* tests/unit/engine_fleet: a real engine, with real handlers and a sandbox, over a queue that
 * answers as a store does that several machines share: later, and with roles that come and go. The
 * queue is a local one some of whose verbs are replaced, and whose events the test calls. */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/sending.h"
#include "queue/local/local.h"
#include "queue/queue_ops.h"
#include "queue/store/store.h"
#include "sandbox/sandbox.h"
#include "tests/tap.h"

#define TOKEN "1000000001:AAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

enum { DEADLINE = 30000, CALLS = 16, SLOTS = 4, LONG = 3600 * 1000 };

/* ---- a queue that answers later ---- */

static struct {
	const struct queue_ops *local;
	struct queue_ops ops;
	struct queue_config config;
	struct queue *queue;
	struct loop_timer *timer;
	bool held;     /* what is on its way does not arrive */
	bool away;     /* the store cannot be reached */
	bool flushing; /* the next answer writes */
	bool putting;  /* … and confirms a batch */
	bool refuses;  /* … or refuses it */
	bool is_void;  /* nothing is handed out */
	bool sends, more;
	bool hides;   /* it has more, whatever was answered */
	size_t waits; /* calls of other machines */
	enum queue_take take;
	char cancelled[128];
	/* calls that were added, and are not told of yet */
	struct {
		int64_t id;
		bool told;
	} calls[CALLS];
	int call_count;
} late;

static void arrive_soon(void)
{
	if (!late.held)
		loop_timer_set(late.timer, 0);
}

static int tell_call(void *arg, const struct queue_call *call)
{
	struct queue_call copy = *call;
	(void)arg;
	copy.params = NULL;
	for (int i = 0; i < late.call_count; i++)
		if (late.calls[i].id == call->id && !late.calls[i].told)
			late.calls[i].told = late.config.call_came(late.config.arg, &copy) == 0;
	return 0;
}

/* The sender is told of what is written. */
static void tell_calls(void)
{
	if (late.sends)
		late.local->calls_each(late.queue, 0, false, false, tell_call, NULL, NULL);
}

static void on_answer(void *arg)
{
	(void)arg;
	if (late.held || late.away)
		return;
	if (late.flushing)
		late.local->flush(late.queue, NULL);
	late.flushing = late.putting = false;
	late.more = false;
	tell_calls();
	late.config.changed(late.config.arg);
}

static int late_flush(struct queue *q, struct err *err)
{
	if (late.away)
		return err_set(err, ERR_UNAVAILABLE, "the server cannot be reached");
	if (!late.local->dirty(q))
		return 0;
	late.flushing = true;
	arrive_soon();
	return 1;
}

static int late_put(struct queue *q, const struct queue_put *puts, size_t count, const char *root,
		    int64_t offset, struct queue_put_result *result, struct err *err)
{
	late.putting = true;
	if (late.refuses) {
		*result = (struct queue_put_result){ .taken = count };
		return 0;
	}
	return late.local->put(q, puts, count, root, offset, result, err);
}

static int late_durable(struct queue *q, bool wait, struct err *err)
{
	(void)q, (void)wait;
	if (late.putting && late.refuses) {
		late.putting = late.refuses = false;
		return err_set(err, ERR_TEMPFAIL, "another machine asks for updates");
	}
	if (!late.putting)
		return 0;
	arrive_soon();
	return 1;
}

static int late_claim(struct queue *q, uint64_t lanes, struct claim **out, struct err *err)
{
	return late.is_void || late.take != QUEUE_TAKES ? 0 : late.local->claim(q, lanes, out, err);
}

/* It is on its way. */
static bool late_marked(const struct queue *q, const struct claim *c)
{
	return late.flushing || late.local->marked(q, c);
}

static int64_t late_call_add(struct queue *q, const struct queue_call *call)
{
	int64_t id = late.local->call_add(q, call);
	if (id && late.call_count < CALLS)
		late.calls[late.call_count++].id = id;
	late.more = true;
	return id;
}

static void late_fleet(const struct queue *q, struct queue_fleet *out)
{
	(void)q;
	out->more = late.more || late.hides;
	out->calls = late.waits;
	out->cut_offs = late.is_void;
	out->held = 3;
	out->beat_age = 1500;
}

static void late_take(struct queue *q, enum queue_take take)
{
	(void)q;
	late.take = take;
}

static int late_cancel(struct queue *q, const char *keys, const char *chat, const int64_t *numbers,
		       size_t count)
{
	(void)q, (void)numbers;
	snprintf(late.cancelled, sizeof late.cancelled, "%s|%s|%zu", keys, chat, count);
	return 0;
}

static struct queue *open_late(void *arg, const struct queue_config *config, struct err *err)
{
	(void)arg;
	struct store *store = memory_open(err);
	late.config = *config;
	late.queue = store ? local_open(config, store, err) : NULL;
	if (!late.queue)
		return NULL;
	late.local = late.queue->ops;
	late.ops = *late.local;
	late.ops.flush = late_flush;
	late.ops.put = late_put;
	late.ops.durable = late_durable;
	late.ops.claim = late_claim;
	late.ops.marked = late_marked;
	late.ops.call_add = late_call_add;
	late.ops.fleet = late_fleet;
	late.ops.take = late_take;
	late.ops.cancel = late_cancel;
	late.queue->ops = &late.ops;
	return late.queue;
}

/* What is on its way arrives from now on. */
static void let_arrive(void)
{
	late.held = false;
	arrive_soon();
}

/* ---- an engine ---- */

static struct {
	char place[32], log_path[64];
	int log_fd, status; /* status -1: it runs */
	struct loop *loop;
	struct slots *slots;
	struct log *log;
	struct statedir *dir;
	struct secret *secret;
	struct sandbox *sandbox;
	struct engine *engine;
	struct loop_timer *tick;
	int started, settled, sent;
	char last_sent[256];
	bool is_started;
} rig;

static void on_started(void *arg, const struct claim *claim)
{
	(void)arg, (void)claim;
	rig.started++;
}

static void on_settled(void *arg, int64_t seq, bool failed)
{
	(void)arg, (void)seq, (void)failed;
	rig.settled++;
}

static void on_finished(void *arg, int status)
{
	(void)arg;
	rig.status = status;
}

static void on_called(void *arg, const struct sandbox_call *call)
{
	(void)arg;
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(call->params, "text");
	if (strcmp(call->method, "sendMessage") != 0)
		return;
	rig.sent++;
	snprintf(rig.last_sent, sizeof rig.last_sent, "%s", text ? cJSON_GetStringValue(text) : "");
}

static void on_tick(void *arg)
{
	(void)arg;
	loop_timer_set(rig.tick, 1);
}

/* Turns the loop until `holds`; false when that takes too long. */
#define UNTIL(holds)                                                                     \
	({                                                                               \
		int64_t until_ = clock_system.mono(&clock_system) + DEADLINE;            \
		bool holds_;                                                             \
		while (!(holds_ = (holds)) && clock_system.mono(&clock_system) < until_) \
			loop_turn(rig.loop, 1);                                          \
		holds_;                                                                  \
	})

/* Turns it often enough for whatever would happen to happen. */
static void turns(int n)
{
	while (n--)
		loop_turn(rig.loop, 1);
}

static bool logged(const char *text)
{
	static char bytes[1 << 18];
	ssize_t n = pread(rig.log_fd, bytes, sizeof bytes - 1, 0);
	bytes[n > 0 ? n : 0] = '\0';
	return strstr(bytes, text) != NULL;
}

static struct engine_counts counts(void)
{
	struct engine_counts c;
	engine_counts(rig.engine, &c);
	return c;
}

struct bot {
	const char *script; /* for sh -c; or */
	const char *url;
	enum handler_mode mode;
	const char *on_error;
	bool once;
};

static void must(bool well, const struct err *err)
{
	if (well)
		return;
	printf("Bail out! %s\n", err->text);
	exit(1);
}

static void start(const struct bot *bot)
{
	struct err err = { 0 };
	static char *keys[] = { "chat", NULL };
	const char *argv[] = { "sh", "-c", bot->script, NULL };
	const char *hook[] = { "sh", "-c", bot->on_error, NULL };
	const char *const *stages[] = { argv, NULL }, *const * hooks[] = { hook, NULL };
	const char *paths[] = { "/bin/sh" }, *env[] = { "PATH=/usr/bin:/bin", NULL };
	struct command_spec command = { .stages = stages, .paths = paths, .env = env };
	struct engine_route route = {
		.url = bot->url,
		.policy = { .mode = bot->mode,
			    .handler = { .kill_after = 1000,
					 .max_output = 1 << 20,
					 .keep_stdout = true,
					 .outcome = { .on_failure = ON_FAILURE_RETRY,
						      .max_attempts = 3 },
					 .workers = 1 },
			    .retry_delay = 1000,
			    .batch_size = 1,
			    .reply = REPLY_TEXT },
	};
	if (!bot->url)
		route.command = command;
	rig.started = rig.settled = rig.sent = rig.is_started = 0;
	rig.status = -1;
	rig.last_sent[0] = '\0';
	memset(&late, 0, sizeof late);
	strcpy(rig.place, "/tmp/tgrun-fleet-XXXXXX");
	if (!mkdtemp(rig.place))
		abort();
	rig.log_fd = memfd_create("log", MFD_CLOEXEC);
	rig.slots = slots_fork(
		&(struct slots_config){ .count = SLOTS, .lock_fd = -1, .stdout_fd = -1 }, &err);
	must(rig.slots, &err);
	rig.loop = loop_new(&err);
	must(rig.loop, &err);
	rig.log = log_new(rig.log_fd, LOG_DEBUG, LOG_TEXT, &clock_system);
	rig.tick = loop_timer_new(rig.loop, on_tick, NULL);
	late.timer = loop_timer_new(rig.loop, on_answer, NULL);
	on_tick(NULL);
	rig.dir = statedir_open(rig.place, &err);
	must(rig.dir, &err);
	rig.secret = secret_new(TOKEN, &err);
	must(rig.secret, &err);
	rig.sandbox = sandbox_new(rig.loop,
				  &(struct sandbox_config){ .token = TOKEN,
							    .no_penalties = true,
							    .first_id = 1,
							    .called = on_called },
				  &err);
	must(rig.sandbox, &err);
	const struct engine_config config = {
		.loop = rig.loop,
		.log = rig.log,
		.clock = &clock_system,
		.slots = rig.slots,
		.open_queue = open_late,
		.store_forgets = true,
		.dir = rig.dir,
		.secret = rig.secret,
		.run_id = "",
		.slot_count = SLOTS,
		.source_fd = -1,
		.source_feed_fd = -1,
		.api_root = sandbox_url(rig.sandbox),
		.poll = { .timeout = 50000, .limit = 100 }, /* longer than DEADLINE */
		.once = bot->once,
		.options = { .routes = &route,
			     .route_count = 1,
			     .on_error = { .stages = bot->on_error ? hooks : NULL,
					   .paths = paths,
					   .env = env },
			     .policy = { .concurrency = 2,
					 .backlog = 1000,
					 .dead_keep = -1,
					 .dead_keep_age = -1,
					 .shutdown_timeout = 10000,
					 .out = { .rates = { .chat = { 1000, 1000 },
							     .group = { 1000, 1000 },
							     .bulk = { 1000, 1000 } },
						  .limit = 5 } },
			     .lists = { .key = { keys, 1 } } },
		.finished = on_finished,
		.settled = on_settled,
		.started = on_started,
	};
	rig.engine = engine_new(&config, &err);
	must(rig.engine, &err);
	must(engine_start(rig.engine, &err) == 0, &err);
}

/* The store knows this machine now; it polls and sends, if it is told so. */
static void attach(bool polls, bool sends)
{
	late.is_void = false;
	late.config.trust_until(late.config.arg, clock_boot() + LONG);
	if (sends) {
		late.sends = true;
		late.config.sender(late.config.arg, true);
		for (int i = 0; i < late.call_count; i++)
			late.calls[i].told = false;
		tell_calls();
	}
	late.config.role(late.config.arg, polls, sandbox_pending(rig.sandbox) ? 1 : 0);
}

static void lose_sending(void)
{
	late.sends = false;
	late.config.sender(late.config.arg, false);
}

static void stop(void)
{
	if (getenv("SHOW_LOG")) {
		static char all[1 << 18];
		ssize_t n = pread(rig.log_fd, all, sizeof all, 0);
		fwrite(all, 1, n > 0 ? (size_t)n : 0, stderr);
	}
	struct err err;
	late.held = late.away = false;
	if (rig.status < 0)
		engine_stop(rig.engine, 0, true);
	UNTIL(rig.status >= 0);
	engine_free(rig.engine, &err);
	slots_free(rig.slots);
	sandbox_free(rig.sandbox);
	loop_timer_free(rig.tick);
	loop_timer_free(late.timer);
	secret_free(rig.secret);
	statedir_close(rig.dir);
	loop_free(rig.loop);
	log_free(rig.log);
	close(rig.log_fd);
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", rig.place);
	if (system(command))
		diag("%s is left", rig.place);
}

static void message(int64_t chat, const char *text)
{
	char object[256];
	snprintf(
		object, sizeof object,
		"{\"message_id\":%lld,\"date\":1766595600,\"chat\":{\"id\":%lld,\"type\":\"private\"},"
		"\"from\":{\"id\":%lld,\"is_bot\":false,\"first_name\":\"A\"},\"text\":\"%s\"}",
		(long long)sandbox_message_id(rig.sandbox, chat), (long long)chat, (long long)chat,
		text);
	sandbox_push(rig.sandbox, "message", object);
}

/* A file in the place, as handlers leave them there. */
static const char *path_of(const char *name)
{
	static char path[96];
	snprintf(path, sizeof path, "%s/%s", rig.place, name);
	return path;
}

static bool is_there(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static pid_t pid_in(const char *name)
{
	char text[32] = "";
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof text - 1) < 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	return (pid_t)atoi(text);
}

static bool runs(pid_t pid)
{
	return pid > 0 && kill(pid, 0) == 0;
}

/* ---- the tests ---- */

static const struct bot echo = { .script = "printf 'You said: %s' \"$TG_TEXT\"" };

static struct sandbox_stats stats(void)
{
	struct sandbox_stats s;
	sandbox_stats(rig.sandbox, &s);
	return s;
}

static void roles(void)
{
	start(&echo);
	message(7, "one");
	turns(50);
	ok(stats().polls == 0, "before the store says so, nobody is asked for updates");
	attach(false, false);
	turns(50);
	ok(stats().polls == 0 && logged("standing by"), "nor by a machine that stands by");
	attach(true, true);
	ok(UNTIL(rig.sent == 1), "the one that has both roles fetches, handles and answers");
	is_str(rig.last_sent, "You said: one", "as ever");
	ok(UNTIL(stats().confirmed == 1 && stats().open_polls == 1),
	   "and the server is told when the store has it");
	late.config.role(late.config.arg, false, 0);
	ok(UNTIL(stats().open_polls == 0), "when the role goes, the request is cut");
	message(7, "two");
	turns(50);
	ok(rig.started == 1, "and no other is sent");
	late.config.role(late.config.arg, true, 2);
	ok(UNTIL(rig.sent == 2), "when it comes back, it goes on from where it is told");
	is_num(stats().offset >= 2, 1, "and not from before");
	stop();
}

static void a_batch_is_refused(void)
{
	start(&echo);
	attach(true, true);
	late.refuses = true;
	message(7, "one");
	ok(UNTIL(logged("was not stored")), "that the store did not take a batch is said");
	turns(50);
	ok(rig.started == 0 && stats().confirmed == 0, "it is not confirmed");
	late.config.role(late.config.arg, true, 1);
	ok(UNTIL(rig.sent == 1), "and is fetched again when the store says from where on");
	stop();
}

static void sending(void)
{
	start(&echo);
	attach(true, false);
	message(7, "one");
	ok(UNTIL(rig.settled == 1), "a machine that does not send handles an update");
	turns(50);
	ok(rig.sent == 0, "and its reply is stored, not sent");
	late.waits = 5;
	message(8, "two");
	turns(100);
	ok(rig.started == 1, "when so many wait in the store, no handler starts");
	late.waits = 0;
	attach(true, true);
	ok(UNTIL(rig.sent == 2),
	   "when it becomes the sender, what waits is sent, and what follows");
	/* It loses the role between the mark of a call and its sending. */
	late.held = true;
	message(9, "three");
	ok(UNTIL(rig.settled == 3), "a third is handled");
	let_arrive();
	UNTIL(counts().sending > 0 || rig.sent == 3);
	bool caught = counts().sending > 0;
	lose_sending();
	int before = rig.sent;
	turns(50);
	ok(rig.sent == before && counts().sending == 0,
	   "when the role goes, nothing is being sent any more");
	ok(caught || before == 3, "(it was being sent, or had been)");
	stop();
}

/* What was begun may have arrived. */
static void a_takeover(void)
{
	start(&echo);
	attach(false, true);
	const struct queue_call begun = { .group = 1,
					  .kind = OUTBOX_CHAT,
					  .cost = 1,
					  .created = clock_system.wall(&clock_system),
					  .line = "7",
					  .method = "sendMessage",
					  .params = "{\"chat_id\":7,\"text\":\"perhaps\"}" };
	late.local->call_add(late.queue, &begun);
	late.local->flush(late.queue, NULL);
	struct queue_call came = begun;
	came.id = 1;
	came.begun = true;
	came.params = NULL;
	late.config.call_came(late.config.arg, &came);
	ok(UNTIL(rig.sent == 1), "what another machine was sending is sent again");
	ok(logged("may arrive twice: it is sent again: the machine that was sending it lost"),
	   "and that is said");
	struct queue_call once = begun;
	once.flags = QUEUE_CALL_ONCE;
	once.params = "{\"chat_id\":7,\"text\":\"never\"}";
	late.local->call_add(late.queue, &once);
	once.group = 2;
	once.params = "{\"chat_id\":7,\"text\":\"nor this\"}";
	late.local->call_add(late.queue, &once);
	late.local->flush(late.queue, NULL);
	once.params = NULL;
	once.id = 2;
	once.begun = true;
	late.config.call_came(late.config.arg, &once);
	turns(5);
	once.id = 3;
	once.begun = false;
	late.config.call_came(late.config.arg, &once);
	ok(UNTIL(logged("not delivered")), "what is to be sent once only fails");
	turns(50);
	ok(rig.sent == 1, "with the rest of its reply, though that came later");
	struct queue_call gone = begun;
	gone.id = 4;
	gone.due = clock_system.wall(&clock_system) + 50000;
	gone.params = NULL;
	late.config.call_came(late.config.arg, &gone);
	turns(3);
	late.config.call_gone(late.config.arg, 4);
	turns(5);
	ok(counts().calls_dropped == 1, "what somebody took back is not sent");
	stop();
}

static int listen_here(char url[64])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, n) || listen(fd, 5) ||
	    getsockname(fd, (struct sockaddr *)&address, &n))
		abort();
	snprintf(url, 64, "http://127.0.0.1:%d/", ntohs(address.sin_port));
	return fd;
}

/* It runs in each mode, and other machines may have it by now. */
static void a_cut(const char *name, const struct bot *bot, int server)
{
	start(bot);
	attach(true, true);
	message(7, "one");
	char bytes[1024];
	int connection = -1;
	if (server >= 0) {
		fcntl(server, F_SETFL, O_NONBLOCK);
		UNTIL((connection = accept(server, NULL, NULL)) >= 0);
		UNTIL(recv(connection, bytes, sizeof bytes, MSG_DONTWAIT | MSG_PEEK) > 0);
	} else {
		UNTIL(runs(pid_in("pid")));
	}
	ok(UNTIL(counts().running == 1), "%s: a handler runs", name);
	pid_t pid = server < 0 ? pid_in("pid") : 0;
	lose_sending();
	late.config.role(late.config.arg, false, 0);
	late.is_void = true;
	late.config.void_claims(late.config.arg);
	ok(UNTIL(counts().running == 0), "%s: when its claim is void, it is killed", name);
	ok(logged("cut off from the store: 1 handlers killed, they will be run elsewhere"),
	   "%s: and that is said", name);
	if (server < 0)
		ok(!runs(pid), "%s: nothing of it is left", name);
	else
		ok(UNTIL(recv(connection, bytes, sizeof bytes, MSG_DONTWAIT) == 0),
		   "%s: its request is cut", name);
	turns(50);
	struct engine_counts c = counts();
	ok(c.failed == 0 && c.retried == 0 && c.dead == 0 && c.interrupted == 0 && !c.breaker_open,
	   "%s: nothing is charged to anybody", name);
	ok(rig.settled == 0 && rig.sent == 0 && !is_there("hook"),
	   "%s: nothing is settled, sent or told to a hook", name);
	ok(!queue_dirty(late.queue), "%s: and nothing is left to be written", name);
	is_num(c.fleet_cut_offs, 1, "it is counted");
	attach(true, true);
	message(8, "two");
	if (server >= 0)
		ok(UNTIL((connection = accept(server, NULL, NULL)) >= 0),
		   "%s: when the store takes this machine again, it goes on", name);
	else
		ok(UNTIL(rig.started == 2),
		   "%s: when the store takes this machine again, it goes on", name);
	stop();
}

static void cuts(void)
{
	char url[64];
	/* The place is not known before it starts: scripts find it by the state's path. */
	static const char sleeps[] =
		"trap '' TERM; echo $$ > \"$TG_STATE_DIR/pid\"; while :; do sleep 1000; done";
	static const char hook[] = "echo > \"$TG_STATE_DIR/hook\"";
	a_cut("exec", &(struct bot){ .script = sleeps, .on_error = hook }, -1);
	a_cut("worker",
	      &(struct bot){ .script = "read -r line; echo $$ > \"$TG_STATE_DIR/pid\"; "
				       "while :; do sleep 1000; done",
			     .on_error = hook,
			     .mode = MODE_WORKER },
	      -1);
	int server = listen_here(url);
	a_cut("webhook", &(struct bot){ .url = url, .mode = MODE_WEBHOOK, .on_error = hook },
	      server);
	close(server);
}

static void trust_ends(void)
{
	start(&(struct bot){ .script = "[ -e \"$TG_STATE_DIR/pid\" ] && exec echo again; "
				       "echo $$ > \"$TG_STATE_DIR/pid\"; exec sleep 1000" });
	attach(true, true);
	message(7, "one");
	UNTIL(runs(pid_in("pid")));
	/* Nobody says that the claims are void. */
	late.config.trust_until(late.config.arg, clock_boot() + 100);
	ok(UNTIL(counts().running == 0), "when the time is over, the slot kills its handler");
	struct engine_counts c = counts();
	ok(c.failed == 0 && c.interrupted == 1, "which is no failure");
	turns(50);
	ok(rig.started == 1, "and none is started");
	late.config.trust_until(late.config.arg, clock_boot() - 1); /* an answer that is late */
	late.config.void_claims(late.config.arg);
	ok(logged("cut off from the store: 1 handlers killed, they will be run elsewhere"),
	   "what the slot has killed is said when the machine is cut off");
	attach(true, true);
	ok(UNTIL(rig.sent == 1), "until there is more time");
	is_str(rig.last_sent, "again", "then it is handled");
	stop();
}

static void the_store_is_away(void)
{
	start(&(struct bot){ .script = "while [ ! -e \"$TG_STATE_DIR/go\" ]; do sleep 0.02; done; "
				       "echo done" });
	attach(true, true);
	message(7, "one");
	UNTIL(counts().running == 1);
	/* Who polls would notice in another way, too. */
	late.config.role(late.config.arg, false, 0);
	late.away = true;
	ok(UNTIL(logged("the server cannot be reached")), "that the store is away is said");
	ok(counts().running == 1 && counts().store_failing, "and disturbs no handler");
	close(open(path_of("go"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	ok(UNTIL(counts().running == 0), "which may end");
	turns(50);
	ok(rig.sent == 0, "its answer waits");
	late.away = false;
	ok(UNTIL(rig.sent == 1), "until the store is back");
	ok(UNTIL(!counts().store_failing) && logged("can be written again"), "which is said, too");
	stop();
}

static void operators(void)
{
	start(&echo);
	attach(true, true);
	late.config.wish(late.config.arg, QUEUE_WISH_DRAIN);
	is_num(late.take, QUEUE_PAUSES, "a machine that is to drain takes nothing more");
	message(7, "one");
	turns(50);
	is_num(rig.started, 0, "and starts nothing");
	late.config.wish(late.config.arg, QUEUE_WISH_RESUME);
	ok(late.take == QUEUE_TAKES && UNTIL(rig.sent == 1), "until it is resumed");
	engine_pause(rig.engine, true);
	is_num(late.take, QUEUE_PAUSES, "one that is paused holds nothing either");
	engine_pause(rig.engine, false);
	late.config.wish(late.config.arg, QUEUE_WISH_STOP);
	ok(UNTIL(rig.status >= 0), "one that is to stop ends");
	is_num(rig.status, 0, "well");
	is_num(late.take, QUEUE_LEAVES, "and gives its roles up");
	stop();
	start(&echo);
	late.config.void_claims(late.config.arg);
	ok(logged("cut off from the store: no handler ran here"),
	   "one that is cut off while it has nothing kills nobody");
	late.away = true;
	late.config.refused(late.config.arg,
			    &(struct err){ ERR_CONFIG,
					   "its keys differ from those of the others" });
	ok(UNTIL(rig.status >= 0), "one that the store does not take ends");
	is_num(rig.status, ERR_CONFIG, "with the status for that");
	ok(logged("its keys differ"), "and says why");
	ok(!logged("until it works again"), "and does not speak of waiting");
	stop();
}

static void a_stop_waits(void)
{
	start(&echo);
	attach(true, false);
	late.held = true;
	message(7, "one");
	ok(UNTIL(rig.settled == 1), "an outcome is on its way to the store");
	engine_stop(rig.engine, 0, false);
	turns(100);
	ok(rig.status < 0, "a stop waits for it");
	let_arrive();
	ok(UNTIL(rig.status == 0), "and ends when it has arrived");
	stop();
}

static void once(void)
{
	struct bot bot = echo;
	bot.once = true;
	start(&bot);
	message(7, "one");
	message(7, "two");
	late.hides = true;
	attach(true, true);
	ok(UNTIL(rig.settled == 2), "--once handles what there is");
	turns(100);
	ok(rig.status < 0, "and does not end while the store may have more");
	late.hides = false;
	ok(UNTIL(rig.status == 0) && rig.sent == 2, "but when all is answered");
	stop();
}

/* ---- other programs ---- */

/* A client of the control socket; -1: it hung up. */
static int ask(const char *request, int passed)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	char line[4096];
	int n = snprintf(line, sizeof line, "%s\n", request);
	struct iovec iov = { line, (size_t)n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (passed >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof control;
		memcpy(CMSG_DATA(&control.head), &passed, sizeof passed);
	}
	snprintf(a.sun_path, sizeof a.sun_path, "%s/control", rig.place);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) || sendmsg(fd, &msg, 0) != n)
		abort();
	return fd;
}

/* What it is told until the end of the answer. */
static const char *answer(int fd)
{
	static char text[4096];
	size_t n = 0;
	ssize_t got = -1;
	text[0] = '\0';
	while (UNTIL((got = recv(fd, text + n, sizeof text - 1 - n, MSG_DONTWAIT)) >= 0) && got) {
		n += (size_t)got;
		text[n] = '\0';
	}
	close(fd);
	return text;
}

static int ask_to_send(void)
{
	struct err err;
	struct buf request;
	int fd;
	struct sending s = { .message = { .mode = REPLY_TEXT, .text = "hello", .length = 5 },
			     .chat = "9",
			     .chats = "",
			     .lifetime = 60000 };
	buf_init(&request, 1 << 16);
	must(sending_write(&s, &request, &fd, &err) == 0, &err);
	int client = ask(buf_str(&request), fd);
	close(fd);
	buf_release(&request);
	return client;
}

static bool is_silent(int fd)
{
	return recv(fd, (char[1]){ 0 }, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
}

static void others_send(void)
{
	start(&echo);
	attach(false, false);
	late.held = true;
	int client = ask_to_send();
	UNTIL(late.call_count == 1);
	turns(50);
	ok(is_silent(client), "who sends is not answered before it is stored");
	let_arrive();
	is_str(answer(client), "{\"first\":1,\"last\":1,\"calls\":1}\n{\"end\":true}\n",
	       "then with its number");
	turns(20);
	is_num(rig.sent, 0, "by a machine that does not send");
	late.held = true;
	client = ask_to_send();
	UNTIL(late.call_count == 2);
	late.is_void = true;
	late.config.void_claims(late.config.arg);
	ok(strstr(answer(client), "it is not known whether the message was stored"),
	   "one whose machine is cut off is told that it is not known");
	client = ask_to_send();
	UNTIL(late.call_count == 3);
	close(client);
	turns(20);
	let_arrive();
	turns(20);
	ok(rig.status < 0, "one that goes away before hurts nobody");
	stop();
}

static void cancels(void)
{
	start(&(struct bot){ .script = "echo $$ > \"$TG_STATE_DIR/pid\"; exec sleep 1000" });
	attach(true, true);
	is_str(answer(ask("{\"verb\":\"cancel\",\"key\":\"chat:9\",\"chat\":7}", -1)),
	       "{\"end\":true}\n", "tgrun cancel is taken");
	is_str(late.cancelled, "chat:9|chat:7|0", "and passed on to the other machines");
	message(7, "one");
	ok(UNTIL(runs(pid_in("pid"))), "a handler runs");
	late.config.cancel_came(late.config.arg, 77);
	turns(50);
	ok(counts().running == 1, "that of another update is not ended");
	late.config.cancel_came(late.config.arg, 1);
	ok(UNTIL(counts().running == 0), "its own is");
	is_num(counts().cancelled, 1, "as cancelled");
	stop();
}

int main(void)
{
	RUN(roles);
	RUN(a_batch_is_refused);
	RUN(sending);
	RUN(a_takeover);
	RUN(cuts);
	RUN(trust_ends);
	RUN(the_store_is_away);
	RUN(operators);
	RUN(a_stop_waits);
	RUN(once);
	RUN(others_send);
	RUN(cancels);
	return done_testing();
}
