/* tests/tools/queue_fleet_calls: the contract of calls.h and later.h, kept by the queue that
 * several machines share: who is told of what is to be sent, how that ends, who takes it back; and
 * what is pushed for a later time. Run by tests/flow/fleet_queue.t. */
#include "tests/tools/fleet_rig.h"

/* ---- short words ---- */

static struct queue_call call_of(const char *line)
{
	return (struct queue_call){ .line = line,
				    .method = "sendMessage",
				    .params = "{\"text\":\"hello\"}",
				    .kind = 2,
				    .cost = 1 };
}

/* Records a call, when a number for it is at hand. */
static int64_t add(struct node *n, const char *line)
{
	struct queue_call call = call_of(line);
	QUIETLY(queue_call_next(n->q, 1) != 0);
	int64_t id = queue_call_add(n->q, &call);
	if (!id)
		give_up("a call is recorded");
	return id;
}

static bool came(const struct node *n, int64_t id)
{
	for (size_t i = 0; i < n->came_count; i++)
		if (n->came[i].id == id)
			return true;
	return false;
}

static bool is_gone(const struct node *n, int64_t id)
{
	return has(n->gone, n->gone_count, id);
}

/* Begins a call that came, and waits until that is written. */
static void begin(struct node *n, int64_t id)
{
	struct queue_call call = { .id = id };
	QUIETLY(came(n, id));
	if (queue_call_begin(n->q, &call, true))
		give_up("a call begins");
	written(n);
}

static int list_call(void *arg, const struct queue_call *c)
{
	(void)arg;
	list("[%s|%s|%s|%d|%d|%d|%d|%s", c->line, c->method, c->params ? c->params : "", c->tries,
	     c->servers, c->unsures, c->code, c->reason);
	list("%s%s]", c->begun ? "|begun" : "", c->due > rig_wall(NULL) + 1000 ? "|later" : "");
	return 0;
}

/* The calls that wait, or those that failed, as a tool sees them. */
static const char *calls(bool failed)
{
	struct err err = { 0 };
	listed[0] = '\0';
	if (queue_calls_each(tool, 0, failed, true, list_call, NULL, &err))
		list("! %s", err.text);
	return listed;
}

static void list_shown(void *arg, const struct queue_call *c, const struct queue_message *m)
{
	(void)arg;
	list("%s %s", c->method, c->params);
	if (m)
		list(" + %s %s %.*s", m->params, m->file_name ? m->file_name : "-",
		     (int)m->file_length, m->file ? m->file : "");
}

static const char *shown(struct node *n, int64_t id)
{
	struct err err = { 0 };
	listed[0] = '\0';
	int rc = queue_call_show(n->q, id, list_shown, NULL, &err);
	if (rc < 0)
		list("! %s", err.text);
	return listed;
}

/* ---- calls ---- */

static void test_sender(void)
{
	open_node(A);
	is_num(queue_call_next(A->q, 1), 0, "before it has joined no number is at hand");
	struct queue_call none = call_of("x");
	is_num(queue_call_add(A->q, &none), 0, "… and no call is recorded");
	UNTIL(A->asks && A->sends, "who asks sends, too");
	join(B);
	int64_t first = add(B, "1");
	UNTIL(came(A, first), "what another machine adds comes to the sender");
	QUIETLY(queue_call_next(A->q, 3) != 0);
	int64_t next = queue_call_next(A->q, 3);
	is_num(add(A, "2"), next, "the next number is that which was told");
	is_num(add(A, "3"), next + 1, "… and the others follow it");
	is_num(add(A, "4"), next + 2, "… without a gap");
	UNTIL(came(A, next + 2), "its own come to it, too");
	int64_t last = add(B, "5");
	UNTIL(came(A, last), "and so on");
	is_str(A->story, "sends 1 2 3 4 5 ", "in the order in which they were added");
	is_num((int64_t)B->came_count, 0, "nobody else is told");
	ok(!B->sends, "… nor sends");
	is_num(COUNT("outbox"), 5, "all are in the store");
	is_num(COUNT("outbox WHERE grp = number"), 5, "… each a group of its own");
	struct queue_call begun = { .id = first };
	is_num(queue_call_begin(B->q, &begun, true), -1, "who does not send begins nothing");
	written(B);
	is_num(COUNT("outbox WHERE begun"), 0, "… in the store, either");

	/* The order in which another sender is told, and what had begun. */
	struct queue_line limit = { "5", rig_wall(NULL) + HOUR, 0 };
	begin(A, first);
	queue_line_keep(A->q, &limit);
	is_num(queue_move_keep(A->q, "old", "new"), 0, "another name of a chat");
	written(A);
	is_num(close_node(A), 0, "the sender leaves");
	pass_beat();
	UNTIL(came(B, last), "the next sender is told of all calls");
	is_str(B->story, "sends old>new 5/full 1/begun 2 3 4 5 ",
	       "… after names and limits, in order, and of what had begun as such");
	begin(B, first);
	is_str(shown(B, first), "sendMessage {\"text\":\"hello\"}",
	       "what began again shows what it is");
	queue_call_done(B->q, first);
	written(B);
	is_num(COUNT("outbox"), 4, "and ends");

	/* Roles that go while it lives. */
	join(A);
	queue_take(B->q, QUEUE_LEAVES);
	pass_beat();
	UNTIL(A->sends && came(A, last), "a sender that gives its role up is followed, too");
	ok(!B->sends && strstr(B->story, "stops ") != NULL, "… and was told so itself");
	is_str(A->story, "sends old>new 5/full 2 3 4 5 ", "all comes anew");
}

static void test_ends(void)
{
	join(A);
	QUIETLY(A->sends);
	int64_t id = add(A, "1");
	begin(A, id);
	is_str(calls(false), "[1|sendMessage|{\"text\":\"hello\"}|0|0|0|0||begun]",
	       "a call that began is marked so in the store");
	is_str(shown(A, id), "sendMessage {\"text\":\"hello\"}", "it shows what it is");
	struct queue_call again = {
		.id = id, .due = rig_wall(NULL) + HOUR, .tries = 1, .servers = 2, .unsures = 3
	};
	queue_call_again(A->q, &again);
	written(A);
	is_str(calls(false), "[1|sendMessage|{\"text\":\"hello\"}|1|2|3|0||later]",
	       "one that waits again keeps its counts, and waits until it is due");
	is_str(shown(A, id), "", "what does not run is not shown");
	again.due = 0;
	again.tries = 5;
	is_num(queue_call_begin(A->q, &again, false), 0, "it begins once more");
	written(A);
	is_str(calls(false), "[1|sendMessage|{\"text\":\"hello\"}|5|2|3|0||begun]",
	       "… with the counts of then");
	struct queue_call changed = call_of("8");
	changed.id = id;
	changed.params = "{}";
	changed.flags = QUEUE_CALL_PLAIN;
	is_num(queue_call_replace(A->q, &changed), 0, "its line and parameters are replaced");
	struct queue_call failed = { .id = id, .code = 400, .unsures = 4, .reason = "no \"chat\"" };
	queue_call_fail(A->q, &failed);
	written(A);
	is_str(calls(false), "", "one that failed waits no more");
	is_str(calls(true), "[8|sendMessage|{}|5|2|4|400|no \"chat\"]",
	       "… and says why, and what it was at last");
	is_num(COUNT("outbox WHERE flags = 4"), 1, "… its flags, too");
	pass(16000);
	UNTIL(queue_calls_failed(A->q) == 1, "failed calls are counted");
	is_num(queue_call_drop(A->q, id, true), 0, "one that failed is forgotten");
	written(A);
	is_str(calls(true), "", "… then");

	int64_t up = add(A, "9"), gone = add(A, "10"), stays = add(A, "11");
	QUIETLY(came(A, stays));
	struct queue_call give = { .id = up, .code = 403, .reason = "blocked" };
	is_num(queue_call_give_up(A->q, &give), 0, "one that waits is given up");
	is_num(queue_call_drop(A->q, gone, false), 0, "one is forgotten");
	written(A);
	is_str(calls(true), "[9|sendMessage|{\"text\":\"hello\"}|0|0|0|403|blocked]",
	       "the first has failed");
	is_str(calls(false), "[11|sendMessage|{\"text\":\"hello\"}|0|0|0|0|]", "the other is gone");
	begin(A, stays);
	is_num(queue_call_drop(A->q, stays, false), 0, "one that has begun");
	written(A);
	is_num(COUNT("outbox WHERE begun"), 1, "… cannot be forgotten");
	queue_call_done(A->q, stays);
	written(A);
	is_str(calls(false), "", "at last nothing waits");
	is_num(COUNT("outbox"), 1, "… and one has failed");

	struct queue_call timed = call_of("14");
	timed.due = rig_wall(NULL) + HOUR;
	timed.expires = rig_wall(NULL) + 2 * HOUR;
	QUIETLY(queue_call_next(A->q, 1) != 0);
	int64_t late = queue_call_add(A->q, &timed);
	written(A);
	is_str(calls(false), "[14|sendMessage|{\"text\":\"hello\"}|0|0|0|0||later]",
	       "one may wait for a time from the first");
	is_num(COUNT("outbox WHERE expires > now() + interval '90 minutes'"), 1,
	       "… and is of no use after another");
	queue_call_drop(A->q, late, false);
	written(A);

	/* In one transaction, with the end of an update: all, and in order. */
	put(A, 1, "p", "asks");
	struct claim *c = run(A);
	int64_t one = add(A, "12"), two = add(A, "13");
	struct queue_call bad = { .id = two, .code = 1, .reason = "at once" };
	queue_call_give_up(A->q, &bad);
	done(A, c);
	ok(COUNT("item") == 0 && COUNT("outbox") == 3, "replies come with the end of their update");
	is_num(COUNT("outbox WHERE failed IS NOT NULL"), 2, "… and one that fails at once does");
	QUIETLY(came(A, one));
	ok(!came(A, two), "who sends is not told of that");
}

static void test_taken_back(void)
{
	join(A), join(B);
	QUIETLY(A->sends);
	int64_t waits = add(B, "1"), other = add(B, "2"), runs = add(B, "3"), ours = add(A, "4");
	QUIETLY(came(A, ours) && came(A, runs));
	begin(A, runs);
	is_num(NUMBER("SELECT count(*) FROM @S@.outbox_drop(ARRAY[%d::bigint]) WHERE o_fate = "
		      "'changed'",
		      (int)waits),
	       1, "a tool takes one back that waits");
	is_num(NUMBER("SELECT count(*) FROM @S@.outbox_drop(ARRAY[%d::bigint]) WHERE o_fate = "
		      "'runs'",
		      (int)runs),
	       1, "… and none that is being sent");
	is_num(queue_call_drop(B->q, other, false), 0, "another machine takes one back");
	written(B);
	struct queue_call call = { .id = waits };
	is_num(queue_call_begin(A->q, &call, false), 0, "the sender begins one of them");
	uint64_t ticket = queue_ticket(A->q);
	while (!queue_written(A->q, ticket))
		turn();
	ok(is_gone(A, waits), "and is told that it is gone, before its ticket is written");
	call.id = other;
	queue_call_begin(A->q, &call, false);
	UNTIL(is_gone(A, other), "… of the other, too");
	is_str(shown(A, waits), "", "what is gone is not shown");
	ok(!is_gone(A, runs) && !is_gone(A, ours), "the others are not");
	call.id = ours;
	queue_call_begin(A->q, &call, false);
	queue_call_done(A->q, ours);
	queue_call_done(A->q, runs);
	written(A);
	is_num(COUNT("outbox"), 0, "and those are sent");
	is_num((int64_t)A->gone_count, 2, "two were taken back");
}

static void test_message(void)
{
	join(A), join(B);
	QUIETLY(A->sends && queue_call_next(B->q, 2) != 0);
	int64_t number = queue_call_next(B->q, 2);
	struct queue_message m = { .id = number,
				   .params = "{\"caption\":\"all\"}",
				   .file_name = "a.txt",
				   .file = "by\"tes",
				   .file_length = 6 };
	struct queue_call call = call_of("1");
	call.message = number;
	is_num(queue_message_add(B->q, &m), 0, "a message for many");
	int64_t one = queue_call_add(B->q, &call), two = 0;
	call.group = one;
	call.line = "2";
	two = queue_call_add(B->q, &call);
	ok(one == number && two == number + 1, "and its calls, with numbers in a row");
	QUIETLY(came(A, two));
	is_num(COUNT("outbox WHERE grp = message AND grp <> 0"), 2, "… of one group");
	begin(A, one);
	is_str(shown(A, one),
	       "sendMessage {\"text\":\"hello\"} + {\"caption\":\"all\"} a.txt by\"tes",
	       "a call of it shows what all have in common, and the file");
	queue_call_done(A->q, one);
	written(A);
	is_num(COUNT("message"), 1, "it is there as long as one of its calls");
	begin(A, two);
	queue_call_done(A->q, two);
	written(A);
	is_num(COUNT("message"), 0, "… and goes with the last");
}

static const char *lines_and_moves(void)
{
	return sql(
		"SELECT coalesce(string_agg(t, '' ORDER BY t COLLATE \"C\"), '') FROM (SELECT "
		"format('[%%s %%s %%s]', line, full_ms > 0, cool_ms > 0) t FROM @S@.limits UNION "
		"ALL SELECT format('[%%s>%%s]', line, now) FROM @S@.moves) x");
}

static void test_limits(void)
{
	join(A), join(B);
	QUIETLY(A->sends);
	struct queue_line chat = { "5", rig_wall(NULL) + HOUR, 0 },
			  all = { "", 0, rig_wall(NULL) + HOUR };
	queue_line_keep(A->q, &chat);
	queue_line_keep(A->q, &all);
	queue_move_keep(A->q, "1", "2"), queue_move_keep(A->q, "1", "3");
	written(A);
	is_str(lines_and_moves(), "[ f t][1>3][5 t f]", "limits and other names are kept");
	struct queue_line theirs = { "6", rig_wall(NULL) + HOUR, 0 };
	queue_line_keep(B->q, &theirs);
	queue_move_keep(B->q, "7", "8");
	queue_meta_set(B->q, "said", "this too");
	written(B);
	is_str(lines_and_moves(), "[ f t][1>3][5 t f]", "those of who does not send are left out");
	chat.full = 0;
	queue_line_keep(A->q, &chat);
	written(A);
	is_str(lines_and_moves(), "[ f t][1>3]", "one that is used up no more is forgotten");
	sql("UPDATE @S@.line SET cool_at = clock_timestamp() RETURNING 1");
	queue_lines_rest(A->q, rig_wall(NULL));
	written(A);
	is_str(lines_and_moves(), "[1>3]", "so is one that has come to rest, when that is said");
}

static void test_jobs(void)
{
	int64_t number = 0;
	join(B);
	is_num(queue_job_keep(B->q, "daily", "", 7, rig_wall(NULL)), 0, "a job is kept");
	queue_job_keep(B->q, "daily", "5", 8, rig_wall(NULL));
	queue_job_keep(B->q, "daily", "5", 9, rig_wall(NULL));
	written(B);
	is_num(queue_job_get(tool, "daily", "5", &number, NULL), 1, "a tool finds it");
	is_num(number, 9, "… with its last number");
	queue_job_get(tool, "daily", "", &number, NULL);
	is_num(number, 7, "… and the job's own");
	is_num(queue_job_get(tool, "daily", "6", &number, NULL), 0, "a chat that it never had");
	queue_jobs_rest(B->q, rig_wall(NULL) - HOUR);
	written(B);
	is_num(queue_job_get(tool, "daily", "5", &number, NULL), 1, "one that was used stays");
	queue_jobs_rest(B->q, rig_wall(NULL) + HOUR);
	written(B);
	is_num(queue_job_get(tool, "daily", "5", &number, NULL), 0, "later it is forgotten");
}

/* ---- later ---- */

static struct queue_push push_of(const char *body, bool elapsed, int64_t due)
{
	return (struct queue_push){ .elapsed = elapsed,
				    .due = due,
				    .kind = "message",
				    .keys = "",
				    .body = body,
				    .length = strlen(body) };
}

static int64_t push(const char *body, bool elapsed, int64_t due)
{
	struct queue_push p = push_of(body, elapsed, due);
	struct err err = { 0 };
	int64_t number = 0;
	if (queue_push(tool, &p, &number, &err))
		diag("push: %s", err.text);
	return number;
}

static int list_push(void *arg, const struct queue_item *i)
{
	(void)arg;
	list("[%s|%d|%s]", i->kind, i->later, i->body ? i->body : "");
	return 0;
}

static void test_push(void)
{
	struct queue_counts k;
	int64_t number = 0;
	struct err err = { 0 };
	join(A), join(B);
	queue_take(B->q, QUEUE_PAUSES);
	QUIETLY(A->asks);
	/* By a machine: with a word of patience, as a server may be slow. */
	struct queue_push now_ = push_of("own key:p lane:3 chat:5", true, 0);
	UNTIL(queue_push(B->q, &now_, &number, &err) == 0, "a machine pushes");
	ok(number > 0, "… and is told its number");
	pass_beat();
	struct claim *c = claim(A);
	is_str(c->body, "own key:p lane:3 chat:5", "what is due at once becomes an update");
	is_str(c->keys, "p", "… with the keys of who asks");
	is_num(c->lane, 3, "… and the lane");
	is_num(c->update_id, 0, "… without Telegram's number");
	ok(!c->redelivered && c->arrived > rig_wall(NULL) - HOUR, "… fresh");
	is_str(sql("SELECT chat FROM @S@.body"), "chat:5", "… and of its chat, for cancels");
	done(A, c);

	int64_t far = push("far", true, HOUR), unwanted = push("unwanted", true, 0);
	int64_t wall = clock_system.wall(&clock_system); /* the server's, too */
	int64_t second = push("second", false, wall - 60000);
	int64_t first = push("first", false, wall - 120000);
	ok(far && unwanted > far && second > unwanted && first > second, "a tool pushes some");
	struct queue_push pinned = push_of("pinned key:p", true, 0);
	pinned.pinned = true;
	pinned.keys = "own";
	is_num(queue_push(tool, &pinned, &number, &err), 0, "one has keys of its own");
	pass_beat();
	queue_take(A->q, QUEUE_PAUSES);
	UNTIL(COUNT("item") == 3, "those that are due and wanted become updates");
	is_num(COUNT("pushes"), 1, "the one that is not wanted is forgotten");
	is_str(sql("SELECT string_agg(convert_from(bytes, 'UTF8') || '/' || keys, ',' ORDER BY "
		   "number) FROM @S@.queue"),
	       "first/,second/,pinned key:p/own", "in the order in which they were due");
	queue_take(A->q, QUEUE_TAKES);
	is_num((int64_t)strlen(handle_all(A)), 5 + 1 + 6 + 1 + 12, "all are handled");
	pass(16000);
	UNTIL((queue_counts(A->q, &k), k.later == 1), "what is to come is counted");
	listed[0] = '\0';
	is_num(queue_push_each(tool, 0, list_push, NULL, &err), 0, "a tool lists it");
	is_str(listed, "[message|1|]", "… as what is to come");
	listed[0] = '\0';
	is_num(queue_push_show(tool, far, list_push, NULL, &err), 1, "… and shows it");
	is_str(listed, "[message|1|far]", "… with its bytes");
	sql("UPDATE @S@.later SET due = clock_timestamp() RETURNING 1");
	pass_beat();
	c = claim(A);
	is_str(c->body, "far", "and when it is due it comes");
	done(A, c);
	number = push("back", true, HOUR);
	is_num(change(QUEUE_TAKE_BACK, number), QUEUE_CHANGED, "what was pushed is taken back");
	is_num(change(QUEUE_TAKE_BACK, number), QUEUE_MISSING, "… once");
	is_num(COUNT("pushes"), 0, "nothing is to come");
	is_num(COUNT("letters"), 0, "and nothing died");
}

/* As far as the backlog has room. */
static void test_push_full(void)
{
	struct queue_counts k;
	A->backlog = 1;
	join(A);
	put(A, 1, "p", "full");
	struct claim *c = run(A);
	pass_beat();
	UNTIL((queue_counts(A->q, &k), k.full), "the backlog is full");
	/* That others had their keys before it came says nothing of the next one. */
	int64_t gone = push("gone", true, 0);
	UNTIL(atoi(sql("SELECT count(*) FROM @S@.later WHERE lane >= 0")) == 1, "it is routed");
	for (int i = 0; i < 10; i++)
		turn();
	is_num(change(QUEUE_TAKE_BACK, gone), QUEUE_CHANGED, "… and taken back");
	push("waits", true, 0);
	pass_beat();
	struct queue_fleet f;
	UNTIL((queue_fleet(A->q, &f), f.beat_age < FLEET_LEASE_MAX / 6), "it hears of a push");
	for (int i = 0; i < 10; i++)
		turn();
	is_num(COUNT("pushes"), 1, "which finds no room");
	done(A, c);
	pass_beat();
	c = claim(A);
	is_str(c->body, "waits", "until there is some");
	done(A, c);
}

int main(void)
{
	if (rig_start())
		return 1;
	TEST(test_sender);
	TEST(test_ends);
	TEST(test_taken_back);
	TEST(test_message);
	TEST(test_limits);
	TEST(test_jobs);
	TEST(test_push);
	TEST(test_push_full);
	return rig_end();
}
