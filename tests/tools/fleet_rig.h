/* tests/tools/fleet_rig: machines of one process that share a queue in PostgreSQL, on one loop and
 * over the library's own opener; and short words for what tests do with them. FLEET_OWNER is the
 * URL of who owns the database, FLEET_ROLE that of the role with the least rights, which the
 * machines have. Each test has a schema of its own.
 *
 * A test waits for a condition, by turns of the loop, and never for a time. The lease is the
 * longest that there is, so that no machine is cut off because it is slow; what goes by the clock
 * comes by pass(), which sets the machines' clock forward. */
#ifndef TGRUN_TESTS_TOOLS_FLEET_RIG_H
#define TGRUN_TESTS_TOOLS_FLEET_RIG_H

#include <setjmp.h>
#include <unistd.h>

#include "io/loop.h"
#include "queue/calls.h"
#include "queue/later.h"
#include "queue/queue.h"
#include "queue/shared/fleet.h"
#include "queue/shared/fleet_admin.h"
#include "queue/shared/fleet_db.h"
#include "queue/shared/fleet_schema.h"
#include "queue/shared/fleet_tools.h"
#include "queue/sharing.h"
#include "tests/tap.h"

/* No test needs all of this. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"

enum { DEADLINE = 60000, NODES = 3, NOTES = 64, HOUR = 3600 * 1000 };

/* ---- a clock that can be set forward ---- */

static int64_t passed;

static int64_t rig_mono(const struct clock *c)
{
	(void)c;
	return clock_system.mono(&clock_system) + passed;
}

static int64_t rig_wall(const struct clock *c)
{
	(void)c;
	return clock_system.wall(&clock_system) + passed;
}

static const struct clock rig_clock = { rig_mono, rig_wall };

static int64_t now(void)
{
	return clock_system.mono(&clock_system);
}

/* ---- a machine ---- */

/* A call as it came to the sender. */
struct came {
	int64_t id;
	bool begun;
};

static struct node {
	const char *name;
	struct queue *q; /* NULL: it is not there */

	/* how it is opened */
	const char *key_spec;
	int64_t backlog;
	int slots;
	const struct sched_gather *gather;

	/* what it was told */
	bool asks, sends, refused;
	int64_t offset;
	int changes, cuts;
	enum queue_wish wish;
	struct err refusal;
	int64_t cancelled[NOTES], gone[NOTES];
	struct came came[NOTES];
	size_t cancelled_count, gone_count, came_count;
	char story[4096]; /* of a sender: in which order it was told */
} nodes[NODES] = { { .name = "a" }, { .name = "b" }, { .name = "c" } };

static struct node *const A = &nodes[0], *const B = &nodes[1], *const C = &nodes[2];

__attribute__((format(printf, 2, 3))) static void tell(struct node *n, const char *fmt, ...)
{
	size_t length = strlen(n->story);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(n->story + length, sizeof n->story - length, fmt, ap);
	va_end(ap);
}

static void on_changed(void *arg)
{
	((struct node *)arg)->changes++;
}

static void on_role(void *arg, bool may_ask, int64_t offset)
{
	struct node *n = arg;
	n->asks = may_ask;
	n->offset = offset;
}

static void on_void(void *arg)
{
	((struct node *)arg)->cuts++;
}

static void on_sender(void *arg, bool may_send)
{
	struct node *n = arg;
	n->sends = may_send;
	tell(n, may_send ? "sends " : "stops ");
}

static void on_move(void *arg, const char *from, const char *to)
{
	tell(arg, "%s>%s ", from, to);
}

static void on_line(void *arg, const struct queue_line *line)
{
	tell(arg, "%s%s%s ", line->line, line->full ? "/full" : "", line->cool ? "/cool" : "");
}

static int on_call(void *arg, const struct queue_call *call)
{
	struct node *n = arg;
	tell(n, "%s%s ", call->line, call->begun ? "/begun" : "");
	if (n->came_count < NOTES)
		n->came[n->came_count++] = (struct came){ call->id, call->begun };
	return 0;
}

static void on_gone(void *arg, int64_t id)
{
	struct node *n = arg;
	if (n->gone_count < NOTES)
		n->gone[n->gone_count++] = id;
}

static void on_cancel(void *arg, int64_t seq)
{
	struct node *n = arg;
	if (n->cancelled_count < NOTES)
		n->cancelled[n->cancelled_count++] = seq;
}

static void on_wish(void *arg, enum queue_wish wish)
{
	((struct node *)arg)->wish = wish;
}

static void on_refused(void *arg, const struct err *err)
{
	struct node *n = arg;
	n->refused = true;
	n->refusal = *err;
}

static bool has(const int64_t *numbers, size_t count, int64_t number)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* ---- what decides on keys and lanes: words of the body ---- */

/* The word behind `name:` of a body such as `text key:a lane:2 chat:9`; "" if there is none. */
static const char *word_of(const char *body, const char *name)
{
	static char word[64];
	size_t length = strlen(name);
	const char *at = body;
	while (at && !(strncmp(at, name, length) == 0 && at[length] == ':'))
		at = (at = strchr(at, ' ')) ? at + 1 : NULL;
	word[0] = '\0';
	if (at)
		snprintf(word, sizeof word, "%.*s", (int)strcspn(at + length + 1, " "),
			 at + length + 1);
	return word;
}

static int route_of(void *arg, const char *body, size_t length, struct buf *keys, unsigned *lane)
{
	(void)arg, (void)length;
	*lane = (unsigned)atoi(word_of(body, "lane"));
	return buf_adds(keys, word_of(body, "key"));
}

static uint64_t group_of(void *arg, unsigned lane, const char *body, size_t length)
{
	(void)arg, (void)lane, (void)length;
	return (uint64_t)atoi(word_of(body, "group"));
}

static int chat_of(void *arg, const char *body, size_t length, struct buf *out)
{
	(void)arg, (void)length;
	const char *chat = word_of(body, "chat");
	return *chat ? buf_addf(out, "chat:%s", chat) : 0;
}

static bool is_wanted(void *arg, const char *body, size_t length)
{
	(void)arg, (void)length;
	return !strstr(body, "unwanted");
}

static int64_t age_of(void *arg, const char *kind)
{
	(void)arg;
	return strcmp(kind, "callback_query") == 0 ? 150000 : 0;
}

/* ---- the test's own ---- */

static struct loop *loop;
static struct loop_timer *tick;
static const char *owner_url, *role_url;
static int64_t bot; /* of this test's schema */
static struct fleet_db *owner;
static struct queue *tool; /* as tgrun's own commands open it */
static jmp_buf end_of_test;

/* Ends the test. */
static _Noreturn void give_up(const char *why)
{
	tap_ok(false, why, __FILE__, __LINE__, "the test can go on");
	longjmp(end_of_test, 1);
}

static void turn(void)
{
	loop_timer_set(tick, 10);
	loop_turn(loop, 1);
	for (size_t i = 0; i < NODES; i++)
		if (nodes[i].q)
			queue_flush(nodes[i].q, NULL);
}

/* Turns of the loop until the condition holds: a check of its own. The test ends when it comes true
 * in no time. */
#define UNTIL(condition, ...)                                                     \
	do {                                                                      \
		int64_t until_ = now() + DEADLINE;                                \
		bool holds_;                                                      \
		while (!(holds_ = (condition)) && now() < until_)                 \
			turn();                                                   \
		if (!tap_ok(holds_, #condition, __FILE__, __LINE__, __VA_ARGS__)) \
			longjmp(end_of_test, 1);                                  \
	} while (0)

/* The same, without a line of its own when all is well. */
#define QUIETLY(condition)                                                                \
	do {                                                                              \
		int64_t until_ = now() + DEADLINE;                                        \
		while (!(condition))                                                      \
			if (now() < until_)                                               \
				turn();                                                   \
			else {                                                            \
				tap_ok(false, #condition, __FILE__, __LINE__, "in time"); \
				longjmp(end_of_test, 1);                                  \
			}                                                                 \
	} while (0)

/* The answer of the owner's statement: its first value, "" for none. Nothing of a machine goes on
 * meanwhile. */
__attribute__((format(printf, 1, 2))) static const char *sql(const char *fmt, ...)
{
	static char text[1024];
	char statement[1024];
	const struct fleet_answer *a = NULL;
	struct err err = { 0 };
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(statement, sizeof statement, fmt, ap);
	va_end(ap);
	struct fleet_call c = { .sql = statement };
	if (fleet_db_ask(owner, &c, DEADLINE, &a, &err)) {
		diag("%s: %s", statement, err.text);
		give_up("the owner's statement");
	}
	snprintf(text, sizeof text, "%s", fleet_answer_text(a, 0, 0));
	return text;
}

#define NUMBER(...) ((int64_t)atoll(sql(__VA_ARGS__)))
#define COUNT(what) NUMBER("SELECT count(*) FROM @S@." what)

static void pass(int64_t ms)
{
	passed += ms;
}

/* So long that each machine says how it stands, and hears how the others do. */
static void pass_beat(void)
{
	pass(FLEET_LEASE_MAX / 6 + 1);
}

static void open_node(struct node *n)
{
	struct err err = { 0 };
	char ident[64];
	snprintf(ident, sizeof ident, "%s of test %d", n->name, (int)bot);
	struct queue_config config = { .clock = &rig_clock,
				       .loop = loop,
				       .key_spec = n->key_spec ? n->key_spec : "words",
				       .backlog = n->backlog ? n->backlog : 1000,
				       .route_of = route_of,
				       .gather = n->gather,
				       .group_of = n->gather ? group_of : NULL,
				       .chat_of = chat_of,
				       .wanted = is_wanted,
				       .max_age = age_of,
				       .changed = on_changed,
				       .role = on_role,
				       .void_claims = on_void,
				       .sender = on_sender,
				       .move_came = on_move,
				       .line_came = on_line,
				       .call_came = on_call,
				       .call_gone = on_gone,
				       .cancel_came = on_cancel,
				       .wish = on_wish,
				       .refused = on_refused,
				       .arg = n };
	struct fleet_config fleet = { .url = role_url,
				      .bot_id = bot,
				      .node = n->name,
				      .ident = ident,
				      .version = "test",
				      .lease = FLEET_LEASE_MAX,
				      .slots = n->slots ? n->slots : 4 };
	struct node fresh = { .name = n->name,
			      .key_spec = n->key_spec,
			      .backlog = n->backlog,
			      .slots = n->slots,
			      .gather = n->gather };
	*n = fresh;
	n->q = fleet_open(&config, &fleet, &err);
	if (!n->q) {
		diag("%s", err.text);
		give_up("a machine is opened");
	}
	queue_offset(n->q, "https://r"); /* its source */
}

/* A machine that has joined, and asks for updates if nobody else does. */
static bool attached(struct node *n)
{
	struct queue_fleet f;
	queue_fleet(n->q, &f);
	return f.attached;
}

static void join(struct node *n)
{
	open_node(n);
	QUIETLY(attached(n));
}

static int close_node(struct node *n)
{
	struct err err = { 0 };
	struct queue *q = n->q;
	n->q = NULL;
	int rc = queue_close(q, &err);
	if (rc)
		diag("close of %s: %s", n->name, err.text);
	return rc;
}

/* Ends its session at the server; it hears of that in the next turn of the loop. */
static void cut_connection(const struct node *n)
{
	int64_t until = now() + DEADLINE;
	int pid = (int)NUMBER("SELECT pid FROM @S@.node WHERE name = '%s'", n->name);
	sql("SELECT pg_terminate_backend(%d)", pid);
	while (NUMBER("SELECT count(*) FROM pg_stat_activity WHERE pid = %d", pid))
		if (now() > until)
			give_up("a session ends");
}

/* Its process dies: nothing that is not written is. */
static void kill_node(struct node *n)
{
	struct queue *q = n->q;
	cut_connection(n);
	/* a call that is answered by the loss of the connection */
	queue_meta_set(q, "last", "words");
	n->q = NULL;
	queue_close(q, NULL);
}

static bool idle(struct node *n)
{
	return !queue_dirty(n->q);
}

/* All that it said is written. */
static void written(struct node *n)
{
	uint64_t ticket = queue_ticket(n->q);
	QUIETLY(queue_written(n->q, ticket));
}

/* ---- short words ---- */

static struct queue_put_result result;

static struct queue_put update(int64_t id, const char *keys, const char *body)
{
	return (struct queue_put){ .root = "https://r",
				   .has_id = true,
				   .update_id = id,
				   .kind = "message",
				   .keys = keys,
				   .lane = (unsigned)atoi(word_of(body, "lane")),
				   .body = body,
				   .length = strlen(body) };
}

static int put_all(struct node *n, const struct queue_put *puts, size_t count, int64_t offset)
{
	struct err err = { 0 };
	int rc = queue_put(n->q, puts, count, "https://r", offset, &result, &err);
	if (rc)
		diag("put: %s", err.text);
	return rc;
}

static bool durable(struct node *n)
{
	struct err err = { 0 };
	int rc = queue_durable(n->q, false, &err);
	if (rc < 0) {
		diag("durable: %s", err.text);
		give_up("what was put can be durable");
	}
	return rc == 0;
}

/* Puts one, and waits until the store has it. */
static void put(struct node *n, int64_t id, const char *keys, const char *body)
{
	struct queue_put p = update(id, keys, body);
	QUIETLY(n->asks);
	if (put_all(n, &p, 1, id + 1))
		give_up("an update is put");
	QUIETLY(durable(n));
}

/* A claim, if one is due now. */
static struct claim *try_claim(struct node *n)
{
	struct claim *c = NULL;
	struct err err = { 0 };
	if (queue_claim(n->q, QUEUE_ALL_LANES, &c, &err) < 0)
		diag("claim: %s", err.text);
	return c;
}

/* Waits for one. */
static struct claim *claim(struct node *n)
{
	struct claim *c = NULL;
	QUIETLY((c = try_claim(n)) != NULL);
	return c;
}

/* … and for its mark: its handler may start. */
static struct claim *run(struct node *n)
{
	struct claim *c = claim(n);
	QUIETLY(queue_marked(n->q, c));
	return c;
}

/* … and until the store knows that. */
static struct claim *run_known(struct node *n)
{
	struct claim *c = run(n);
	written(n);
	return c;
}

static void done(struct node *n, struct claim *c)
{
	queue_done(n->q, c);
	claim_free(c);
	written(n);
}

/* Handles all that there is; the bodies, a comma between. */
static const char *handle_all(struct node *n)
{
	static char bodies[2048];
	bodies[0] = '\0';
	while (COUNT("item") > 0) {
		struct claim *c = claim(n);
		size_t length = strlen(bodies);
		snprintf(bodies + length, sizeof bodies - length, "%s%s", length ? "," : "",
			 c->body);
		done(n, c);
	}
	return bodies;
}

/* ---- what tools see ---- */

static char listed[4096];

static void list(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void list(const char *fmt, ...)
{
	size_t length = strlen(listed);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(listed + length, sizeof listed - length, fmt, ap);
	va_end(ap);
}

static int list_letter(void *arg, const struct queue_letter *l)
{
	(void)arg;
	list("[%d|%s|%s|%s|%d|%.*s]", (int)l->update_id, l->keys, l->reason, l->last_stderr,
	     l->attempts, (int)l->length, l->body);
	return 0;
}

/* The dead letters: number, keys, reason, the end of stderr, attempts, bytes. */
static const char *letters(void)
{
	struct err err = { 0 };
	listed[0] = '\0';
	if (queue_dead_each(tool, 0, list_letter, NULL, &err))
		list("! %s", err.text);
	return listed;
}

static void note_fate(void *arg, int64_t number, enum queue_fate fate)
{
	(void)number;
	*(enum queue_fate *)arg = fate;
}

/* What a tool that changes one number hears; -1: it failed. */
static int change(enum queue_change how, int64_t number)
{
	enum queue_fate fate = (enum queue_fate) - 1;
	struct queue_many m = { .change = how, .numbers = &number, .count = 1 };
	struct err err = { 0 };
	if (queue_many(tool, &m, INT64_MAX, note_fate, &fate, &err) < 0)
		diag("change: %s", err.text);
	return (int)fate;
}

/* ---- the start and the end ---- */

static void begin_test(void)
{
	struct err err = { 0 };
	char schema[FLEET_SCHEMA_MAX];
	bot = bot ? bot + 1 : (int64_t)getpid() * 100;
	passed = 0;
	fleet_schema_name(bot, schema);
	if (fleet_admin_init(owner_url, bot, "bot", &err) ||
	    !(owner = fleet_db_open(owner_url, schema, DEADLINE, &err)) ||
	    !(tool = fleet_tools_open(role_url, bot, &rig_clock, &err))) {
		diag("%s", err.text);
		printf("Bail out! no queue to test\n");
		exit(1);
	}
}

static void end_test(void)
{
	for (size_t i = 0; i < NODES; i++) {
		if (nodes[i].q)
			queue_close(nodes[i].q, NULL);
		nodes[i] = (struct node){ .name = nodes[i].name };
	}
	queue_close(tool, NULL);
	tool = NULL;
}

static void try_test(void (*test)(void))
{
	if (!setjmp(end_of_test))
		test();
}

static void check_store(const char *name)
{
	if (setjmp(end_of_test))
		return;
	char what[128];
	snprintf(what, sizeof what, "%s: the store's own audit finds nothing", name);
	is_str(sql("SELECT coalesce(string_agg(fault || ' ' || seq, ', '), '') FROM @S@.audit"), "",
	       what);
}

static void run_test(const char *name, void (*test)(void))
{
	if (!tap_wanted(name))
		return;
	diag("%s", name);
	begin_test();
	try_test(test);
	end_test();
	check_store(name);
	fleet_db_free(owner);
	owner = NULL;
}

#define TEST(test) run_test(#test, test)

static void on_tick(void *arg)
{
	(void)arg;
}

static int rig_start(void)
{
	owner_url = getenv("FLEET_OWNER");
	role_url = getenv("FLEET_ROLE");
	loop = loop_new(NULL);
	tick = loop ? loop_timer_new(loop, on_tick, NULL) : NULL;
	if (owner_url && role_url && tick)
		return 0;
	printf("Bail out! FLEET_OWNER and FLEET_ROLE are the URLs of a database\n");
	return -1;
}

static int rig_end(void)
{
	loop_timer_free(tick);
	loop_free(loop);
	return done_testing();
}

#endif
