/* tests/unit/worker: workers that stay: what they are given, and what their answers and their ends
 * mean. The program is its own worker: see worker_rig.h. */
#include "handler/worker_internal.h"
#include "tests/unit/worker_rig.h"

static void many_updates(void)
{
	struct handler *h = workers(2, "4", 0);
	struct handler_counts c;
	int wrong = 0;
	is_num((int64_t)handler_room(h), 2, "a worker that has said nothing yet takes one update");
	ok(ready(h, 2) && handler_room(h) == 8, "one that announces a concurrency takes as many");
	for (int seq = 1; seq <= 1000; seq++) {
		if (!HOUSE_UNTIL(&house, handler_room(h) > 0))
			break;
		wrong += !give(h, claim_do(seq, "ok"));
		handlers_flush(house.room);
	}
	HOUSE_UNTIL(&house, house.back == 1000);
	for (int seq = 1; seq <= 1000; seq++)
		wrong += house.fates[seq].done != 1 ||
			 house.fates[seq].result.outcome.kind != OUTCOME_DONE;
	is_num(wrong, 0, "1,000 updates are each handled once");
	handler_counts(h, &c);
	is_num((int64_t)c.starts, 2, "by two processes");
	close_down(h);
	h = workers(1, "0", 0);
	ok(give(h, claim_do(1, "ok")) && HOUSE_UNTIL(&house, house.back == 1),
	   "a worker that announces nothing works, too");
	is_num((int64_t)handler_room(h), 1, "it gets one update at a time");
	struct claim *more = claim_do(2, "mute");
	ok(give(h, more) && handler_room(h) == 0, "and has no room meanwhile");
	more = claim_do(3, "ok");
	ok(handler_start(h, &more, 1) && errno == EAGAIN,
	   "then another is refused, and stays the caller's");
	claim_free(more);
	handlers_stop(house.room, SIGTERM);
	ok(HOUSE_UNTIL(&house, handlers_quiet(house.room)) &&
		   house.fates[2].result.end == HANDLER_INTERRUPTED,
	   "what a worker holds when tgrun stops was interrupted: %s", house.fates[2].reason);
	house_free(&house);
	house_init(&house, 6, 0);
}

static void has(const char *text, const char *part, const char *what)
{
	if (!ok(strstr(text, part), "%s", what))
		diag("'%s' has no '%s'", text, part);
}

static void what_it_gets(void)
{
	struct handler *h = workers(1, "1", 0);
	struct claim *c = claim_make(
		7, "chat:-1 \"x\"",
		"{\"update_id\": 12345678901234567890123,  \"do\":\"echo\", \"x\":1.50}");
	c->failures = 1;
	c->redelivered = true;
	give(h, c);
	ok(HOUSE_UNTIL(&house, house.back == 1 && house.out[0][0]), "a worker gets a line");
	is_str(house.out[0],
	       "{\"v\":1,\"id\":\"7.2\",\"key\":\"chat:-1 \\\"x\\\"\",\"attempt\":2,\"redelivered\":true,\"update\":"
	       "{\"update_id\": 12345678901234567890123,  \"do\":\"echo\", \"x\":1.50}}",
	       "with the update's bytes unchanged");
	give(h, claim_make(8, "", "no \"JSON"));
	house.out[0][0] = '\0';
	ok(HOUSE_UNTIL(&house, house.out[0][0] && house.back == 2),
	   "a dead letter that was no update is given, too");
	is_str(house.out[0],
	       "{\"v\":1,\"id\":\"8.1\",\"key\":\"\",\"attempt\":1,\"redelivered\":false,\"update\":null,\"bytes\":\"no \\\"JSON\"}",
	       "as a string, so that the line stays JSON");
	static const char command[] =
		"{\"update_id\":9,\"message\":{\"chat\":{\"id\":-5},\"from\":{\"id\":6},\"text\":\"/go@testbot \\\"x\\\"\"}}";
	give(h, claim_make(9, "chat:-5", command));
	house.out[0][0] = '\0';
	HOUSE_UNTIL(&house, house.out[0][0] && house.back == 3);
	has(house.out[0],
	    "\"key\":\"chat:-5\",\"kind\":\"message\",\"chat_id\":-5,\"user_id\":6,\"command\":\"/go\",\"args\":\"\\\"x\\\"\","
	    "\"text\":\"/go@testbot \\\"x\\\"\",\"attempt\":1,",
	    "it says what a process finds in its environment");
	close_down(h);
	h = workers(1, "bare", 0);
	ready(h, 1);
	give(h, claim_make(9, "chat:-5", command));
	house.out[0][0] = '\0';
	HOUSE_UNTIL(&house, house.out[0][0] && house.back == 1);
	has(house.out[0], "\"key\":\"chat:-5\",\"attempt\":1,",
	    "unless the worker reads the update itself");
	close_down(h);
	h = workers(1, "1", 60000);
	int64_t now = clock_system.wall(&clock_system) / 1000;
	give(h, claim_do(9, "echo"));
	house.out[0][0] = '\0';
	HOUSE_UNTIL(&house, house.out[0][0] && house.back == 1);
	const char *deadline = strstr(house.out[0], "\"deadline\":");
	int64_t at = deadline ? strtoll(deadline + 11, NULL, 10) : 0;
	ok(at >= now + 60 && at <= now + 91, "with a timeout it has the deadline (%lld, now %lld)",
	   (long long)at, (long long)now);
	char *large = malloc(600001);
	memset(large, ' ', 600000);
	memcpy(large, "{\"do\":\"ok\"", 10);
	large[599999] = '}';
	large[600000] = '\0';
	give(h, claim_make(10, "chat:1", large));
	ok(HOUSE_UNTIL(&house, house.back == 2), "an update larger than a pipe arrives");
	free(large);
	close_down(h);
}

static void answers(void)
{
	struct handler *h = workers(1, "8", 0);
	struct handler_counts c;
	ready(h, 1);
	give(h, claim_do(1, "fail"));
	give(h, claim_do(2, "retry"));
	struct claim *last = claim_do(3, "retry");
	last->failures = 2;
	give(h, last);
	give(h, claim_do(4, "terse"));
	give(h, claim_do(5, "ok"));
	ok(HOUSE_UNTIL(&house, house.back == 5), "answers that are not ok come back");
	struct fate *f = house.fates;
	ok(f[1].result.outcome.kind == OUTCOME_DEAD && f[1].result.outcome.status == 65,
	   "ok:false is a dead letter");
	is_str(f[1].reason, "no \u201cgood\u201d", "with the worker's words as reason");
	ok(f[2].result.outcome.kind == OUTCOME_RETRY && !strcmp(f[2].reason, "later"),
	   "retry:true is tried again");
	ok(f[3].result.outcome.kind == OUTCOME_RETRY && f[3].result.outcome.spent,
	   "after the last attempt, too: whether it may is another's to say");
	ok(f[4].result.outcome.kind == OUTCOME_DEAD && *f[4].reason, "a reason may be left out: %s",
	   f[4].reason);
	ok(f[5].result.outcome.kind == OUTCOME_DONE, "and the next update is handled");
	is_num(f[2].result.outcome.after, -1, "a worker need not say when it is to be tried again");
	give(h, claim_do(6, "after"));
	give(h, claim_do(7, "long-after"));
	HOUSE_UNTIL(&house, house.back == 7);
	is_num(f[6].result.outcome.after, 34500, "it may: in so many seconds");
	is_num(f[7].result.outcome.after, 86400000, "in a day at most");
	handler_counts(h, &c);
	is_num((int64_t)c.bad_answers, 0, "none of these is a bad answer");
	static const char *const bad[] = { "twice",  "garbage",   "long",   "unknown",
					   "number", "bad-after", "halves", "mark" };
	for (int i = 0; i < 8; i++) {
		handler_counts(h, &c);
		uint64_t before = c.bad_answers;
		give(h, claim_do(10 + i, bad[i]));
		HOUSE_UNTIL(&house, house.back == 8 + i);
		HOUSE_UNTIL(&house, (handler_counts(h, &c), i >= 6 || c.bad_answers > before));
		ok(f[10 + i].done == 1 && f[10 + i].result.outcome.kind == OUTCOME_DONE &&
			   c.bad_answers == before + (i < 6),
		   "%s: %s", bad[i],
		   i == 6   ? "an answer may come in parts"
		   : i == 7 ? "a byte order mark before it is nothing"
			    : "is counted, and harms no update");
	}
	is_num((int64_t)c.starts, 1, "all by one worker");
	close_down(h);
}

static void deaths(void)
{
	struct handler *h = workers(1, "8", 0);
	struct fate *f = house.fates;
	ready(h, 1);
	give(h, claim_do(1, "mute"));
	give(h, claim_do(2, "mute"));
	give(h, claim_do(3, "die"));
	ok(HOUSE_UNTIL(&house, house.back == 3), "a worker that dies gives back what it held");
	int solo = 0;
	for (int i = 1; i <= 3; i++)
		solo += f[i].result.end == HANDLER_INTERRUPTED &&
			f[i].result.why == RELEASE_SHARED && f[i].result.started;
	is_num(solo, 3, "each to be handed out alone, since it is not known which killed it");
	ok(ready(h, 1), "another worker is started");
	struct claim *c = claim_do(3, "die");
	ok(!handler_start_solo(h, c) && handler_room(h) == 0,
	   "one that must be alone takes all of a worker");
	struct claim *other = claim_do(2, "ok");
	ok(handler_start_solo(h, other) && errno == EAGAIN, "and another such finds no empty one");
	claim_free(other);
	ok(HOUSE_UNTIL(&house, f[3].done == 2) && f[3].result.end == HANDLER_ENDED &&
		   f[3].result.outcome.kind == OUTCOME_DEAD,
	   "alone in a worker that dies, an update has failed");
	is_str(f[3].reason, "killed by signal 9 (SIGKILL)", "with the worker's end as its reason");
	close_down(h);
	h = workers(1, "8", 0);
	ready(h, 1);
	give(h, claim_do(1, "halves"));
	c = claim_do(2, "ok");
	ok(handler_start_solo(h, c) && handler_room(h) == 0,
	   "a worker is emptied for one that must be alone");
	ok(HOUSE_UNTIL(&house, f[1].done && handler_room(h) == 1),
	   "when it is empty there is room for that");
	other = claim_do(3, "ok");
	ok(handler_start(h, &other, 1) && errno == EAGAIN, "and for no other");
	ok(!handler_start_solo(h, c) && HOUSE_UNTIL(&house, f[2].done && handler_room(h) == 8),
	   "after it all is as before");
	ok(give(h, other) && HOUSE_UNTIL(&house, f[3].done), "and the other has its turn");
	close_down(h);
	h = workers(1, "0", 0);
	give(h, claim_do(1, "exit0"));
	ok(HOUSE_UNTIL(&house, house.back == 1) && f[1].result.outcome.kind == OUTCOME_DEAD,
	   "an end well, but without an answer, is a failure");
	is_str(f[1].reason, "worker exited with status 0 without an answer", "that says so");
	ok(ready(h, 0) && HOUSE_UNTIL(&house, handler_room(h) == 1),
	   "and the next one comes after a pause");
	give(h, claim_do(2, "exit75"));
	ok(HOUSE_UNTIL(&house, house.back == 2) && f[2].result.outcome.kind == OUTCOME_RETRY,
	   "an exit status means what it means elsewhere");
	close_down(h);
	h = workers(1, "2", 0);
	ready(h, 1);
	give(h, claim_do(1, "ok"));
	HOUSE_UNTIL(&house, house.back == 1);
	give(h, claim_do(2, "stderr"));
	ok(HOUSE_UNTIL(&house, house.back == 2) && !strcmp(f[2].sentence, "what went wrong"),
	   "its last words are kept: %s", f[2].sentence);
	ok(house.out_of == 2, "and belong to the one update it held");
	give(h, claim_do(3, "answer-and-die"));
	ok(HOUSE_UNTIL(&house, house.back == 3) && f[3].result.outcome.kind == OUTCOME_DONE,
	   "an answer given before the end counts");
	close_down(h);
}

static void timeouts(void)
{
	struct procs found = { 0 };
	struct handler *h = workers(1, "4", 300);
	struct fate *f = house.fates;
	ready(h, 1);
	give(h, claim_do(1, "tree"));
	give(h, claim_do(2, "mute"));
	give(h, claim_do(3, "ok"));
	ok(HOUSE_UNTIL(&house, f[1].done && f[2].done),
	   "an update over its deadline ends its worker");
	ok(f[1].result.end == HANDLER_ENDED && !strcmp(f[1].reason, "timed out after 300ms"),
	   "it has failed: %s", f[1].reason);
	ok(f[2].result.end == HANDLER_INTERRUPTED && f[2].result.why == RELEASE_OTHER,
	   "the others that it held have not: %s", f[2].reason);
	HOUSE_UNTIL(&house, ready(h, 1));
	is_num(jobs_alive(&found), 1, "nothing that it had started is left");
	close_down(h);
	h = workers(1, "1", 200);
	ready(h, 1);
	give(h, claim_do(1, "stubborn"));
	ok(HOUSE_UNTIL(&house, house.back == 1) && !strcmp(f[1].reason, "timed out after 200ms"),
	   "one that is deaf to TERM is killed: %s", f[1].reason);
	close_down(h);
	procs_release(&found);
}

/* A worker that ends before it read anything says nothing of the update that it was given. */
static void never_read(void)
{
	static const struct {
		const char *script;
		bool touched;
		const char *what;
	} ends[] = {
		{ "echo 'Error: no such module' >&2; exit 1", false, "exits at once" },
		{ "exit 0", false, "exits at once, and well" },
		{ "kill -KILL $$", false, "is killed" },
		{ "sleep 1000 </dev/null & exit 1", false,
		  "leaves something behind that cannot read" },
		{ "exec sleep 1000", false, "hangs" },
		{ "read -r line; exit 1", true, "reads it" },
		{ "head -c 1; exit 1", true, "reads a part" },
		{ "read -r line; exec sleep 1000", true, "reads it and hangs" },
	};
	struct fate *f = &house.fates[1];
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct handler_policy policy = house_policy;
		policy.timeout = 500;
		policy.kill_after = 100;
		house.unstartable = 0;
		house.why[0] = '\0';
		struct handler *h = house_handler(&house, MODE_WORKER, rig_sh(ends[i].script),
						  &policy);
		give(h, claim_do(1, "ok"));
		handlers_flush(house.room);
		HOUSE_UNTIL(&house, house.back == 1 && (ends[i].touched || house.unstartable));
		ok(ends[i].touched == (f->result.end == HANDLER_ENDED) &&
			   (ends[i].touched ||
			    (f->result.why == RELEASE_NO_START && !f->result.started)),
		   "an update whose worker %s: %s", ends[i].what, f->reason);
		ok(ends[i].touched == !house.unstartable && (ends[i].touched || house.errnum == 0),
		   "%s: %s", ends[i].what, house.why);
		if (i == 0)
			is_str(house.why,
			       "a worker ended before it read anything: exited with status 1: Error: no such module",
			       "what it said is told");
		close_down(h);
	}
}

/* Nor does one that ends with an update unread, whatever it did with those before. */
static void read_no_further(void)
{
#define BEGIN "echo '{\"ready\":true,\"concurrency\":2}' >&3; read -r line; "
#define ANSWER                                       \
	"id=${line#*'\"id\":\"'}; id=${id%%'\"'*}; " \
	"printf '{\"id\":\"%s\",\"ok\":true}\\n' \"$id\" >&3; "
	static const struct {
		const char *script;
		bool fails, touched;
		const char *what;
	} ends[] = {
		{ BEGIN ANSWER "exit 0", false, false, "answers the first and exits with 0" },
		{ BEGIN ANSWER "exit 1", false, false, "answers the first and exits with 1" },
		{ BEGIN ANSWER "kill -KILL $$", false, false, "answers the first and is killed" },
		{ BEGIN ANSWER "exec sleep 1000", false, false, "answers the first and hangs" },
		{ BEGIN "exit 1", true, false, "dies of the first" },
		{ BEGIN ANSWER "head -c 1; exit 1", false, true,
		  "answers the first, reads a part and dies" },
		{ BEGIN ANSWER "read -r line; exec sleep 1000", false, true,
		  "answers the first, reads it and hangs" },
	};
	const struct handler_result *first = &house.fates[1].result;
	const struct handler_result *second = &house.fates[2].result;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct handler_policy policy = house_policy;
		policy.timeout = 500;
		policy.kill_after = 100;
		house.unstartable = 0;
		struct command *command = rig_sh(ends[i].script);
		struct handler *h = house_handler(&house, MODE_WORKER, command, &policy);
		ready(h, 1);
		give(h, claim_do(1, "ok"));
		give(h, claim_do(2, "ok"));
		handlers_flush(house.room);
		HOUSE_UNTIL(&house, house.back == 2);
		bool done = first->outcome.kind == OUTCOME_DONE;
		ok(first->end == HANDLER_ENDED && done != ends[i].fails, "a worker %s: %s",
		   ends[i].what, house.fates[1].reason);
		bool released = second->end == HANDLER_INTERRUPTED && !second->started &&
				second->why == RELEASE_NOT_GIVEN;
		ok(ends[i].touched ? second->end == HANDLER_ENDED : released,
		   "… which is%s the second one's failure: %s", ends[i].touched ? "" : " not",
		   house.fates[2].reason);
		is_num(house.unstartable, 0, "… and no failed start");
		close_down(h);
	}
}

/* A first word may be said by what a worker left running. */
static void left_to_answer(void)
{
	struct handler *h = house_handler(
		&house, MODE_WORKER,
		rig_sh("exec 4<&0; { sleep .2; read -r line; id=${line#*'\"id\":\"'}; "
		       "echo \"{\\\"id\\\":\\\"${id%%'\"'*}\\\",\\\"ok\\\":true}\" >&3; } <&4 & exit 0"),
		&house_policy);
	give(h, claim_do(1, "ok"));
	handlers_flush(house.room);
	ok(HOUSE_UNTIL(&house, house.back == 1) &&
		   house.fates[1].result.outcome.kind == OUTCOME_DONE &&
		   house.fates[1].result.end == HANDLER_ENDED,
	   "what a worker leaves behind may answer for it: %s", house.fates[1].reason);
	close_down(h);
}

static struct command *pipeline_of(const char *first, const char *last)
{
	return rig_command(STAGES(ARGV("/bin/sh", "-c", first), ARGV("/bin/sh", "-c", last)),
			   rig_env, NULL);
}

/* The first stage of a pipeline reads what it is given, also for a last one that is not there. */
static void broken_pipelines(void)
{
	static const struct {
		const char *first, *last;
		const char *what, *why;
	} ends[] = {
		{ "cat", "echo no such module >&2; exit 1", "its last stage exits at once",
		  "stage 2 of 2 exited with status 1: no such module" },
		{ "cat", "exit 0", "its last stage exits at once, and well",
		  "stage 2 of 2 exited with status 0" },
		{ "read -r line; exec sleep 1000", "exit 3",
		  "its last stage exits, the first hangs", "stage 2 of 2 exited with status 3" },
		{ "exec sleep 1000", "exit 3", "its last stage exits, the first reads nothing",
		  "stage 2 of 2 exited with status 3" },
		{ "exit 5", "exec sleep 1000", "its first stage exits at once",
		  "stage 1 of 2 exited with status 5" },
		{ "kill -KILL $$", "cat", "its first stage is killed",
		  "stage 1 of 2 killed by signal 9 (SIGKILL)" },
	};
	const struct fate *f = &house.fates[1];
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		house.unstartable = 0;
		house.why[0] = '\0';
		struct handler *h = house_handler(&house, MODE_WORKER,
						  pipeline_of(ends[i].first, ends[i].last),
						  &house_policy);
		give(h, claim_do(1, "ok"));
		handlers_flush(house.room);
		HOUSE_UNTIL(&house, house.back && house.unstartable);
		ok(f->result.end == HANDLER_INTERRUPTED && f->result.why == RELEASE_NO_START,
		   "an update is not charged when of its worker %s: %s", ends[i].what, f->reason);
		ok(house.unstartable == 1 && strstr(house.why, ends[i].why),
		   "that was no start: %s", house.why);
		is_num((int64_t)handler_room(h), 0, "and starting pauses");
		close_down(h);
	}
}

/* Of stages that the slot saw end at one look, the one whose end was that of the others is named.
 */
static void gone_at_once(void)
{
	static const struct {
		int status[2];
		const char *told;
	} ends[] = {
		{ { 141 << 8, 0 }, "stage 2 of 2 exited with status 0" },
		{ { SIGPIPE, 0 }, "stage 2 of 2 exited with status 0" },
		{ { 141 << 8, 1 << 8 }, "stage 2 of 2 exited with status 1" },
		{ { 3 << 8, 0 }, "stage 1 of 2 exited with status 3" },
	};
	struct handler h = { .policy = house_policy };
	struct worker w = { .h = &h, .end = { .stages = 2 } };
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		char told[200];
		memcpy(w.end.status, ends[i].status, sizeof ends[i].status);
		worker_describe_end(&w, told, sizeof told);
		is_str(told, ends[i].told,
		       "what a pipeline ended of, all of which is gone at once");
	}
}

/* What kills each pipeline that reads it is charged, when it is known to be that. */
static void killed_pipelines(void)
{
	const struct handler_result *r = &house.fates[1].result;
	house.unstartable = 0;
	struct handler *h = house_handler(&house, MODE_WORKER,
					  pipeline_of("cat", "read -r line; exit 4"),
					  &house_policy);
	give(h, claim_do(1, "ok"));
	handlers_flush(house.room);
	HOUSE_UNTIL(&house, house.back == 1);
	ok(r->end == HANDLER_INTERRUPTED && r->why == RELEASE_NO_START && r->started,
	   "a pipeline that dies of its first update may not have been whole");
	HOUSE_UNTIL(&house, handler_room(h) > 0);
	give(h, claim_do(1, "ok"));
	handlers_flush(house.room);
	HOUSE_UNTIL(&house, house.back == 2);
	ok(r->end == HANDLER_ENDED && r->outcome.kind == OUTCOME_DEAD,
	   "but the next one is given nothing before it has stood for a while: %s",
	   house.fates[1].reason);
	is_str(house.fates[1].reason, "stage 2 of 2 exited with status 4",
	       "and then it is charged");
	is_num(house.unstartable, 1, "one start had failed");
	close_down(h);
}

/* After a word of its own, the end of a stage is the death of a worker. */
static void pipelines_that_worked(void)
{
	static const char answers[] =
		"while read -r line; do case $line in *die*) exit 6; esac; id=${line#*'\"id\":\"'}; "
		"echo \"{\\\"id\\\":\\\"${id%%'\"'*}\\\",\\\"ok\\\":true}\" >&3; done";
	const struct fate *f = house.fates;
	house.unstartable = 0;
	struct handler *h = house_handler(
		&house, MODE_WORKER,
		pipeline_of("trap '' PIPE; while read -r line; do echo \"$line\"; done", answers),
		&house_policy);
	give(h, claim_do(1, "ok"));
	handlers_flush(house.room);
	ok(HOUSE_UNTIL(&house, house.back == 1) && f[1].result.outcome.kind == OUTCOME_DONE,
	   "a pipeline answers");
	give(h, claim_do(2, "die"));
	handlers_flush(house.room);
	ok(HOUSE_UNTIL(&house, house.back == 2) && f[2].result.outcome.kind == OUTCOME_DEAD,
	   "what its last stage dies of has failed, whether the first one ends or not");
	is_str(f[2].reason, "stage 2 of 2 exited with status 6", "for that reason");
	close_down(h);
	h = house_handler(
		&house, MODE_WORKER,
		pipeline_of("echo '{\"ready\":true}' >&3; read -r line; echo end; "
			    "id=${line#*'\"id\":\"'}; "
			    "echo \"{\\\"id\\\":\\\"${id%%'\"'*}\\\",\\\"ok\\\":true}\" >&3; "
			    "exec sleep 1000",
			    "read -r line"),
		&house_policy);
	ready(h, 1);
	give(h, claim_do(1, "ok"));
	handlers_flush(house.room);
	ok(HOUSE_UNTIL(&house, house.back == 1) && f[1].result.outcome.kind == OUTCOME_DONE,
	   "an answer counts that the other stages give");
	struct handler_counts c;
	ok(HOUSE_UNTIL(&house, (handler_counts(h, &c), c.starts == 2)),
	   "then the pipeline is started anew");
	is_num(house.unstartable, 0, "no start has failed");
	close_down(h);
}

static void closed_descriptors(void)
{
	struct fate *f = house.fates;
	struct handler *h = workers(1, "1", 0);
	ready(h, 1);
	give(h, claim_do(1, "close3"));
	ok(HOUSE_UNTIL(&house, house.back == 1) && f[1].result.end == HANDLER_ENDED &&
		   strstr(f[1].reason, "descriptor 3"),
	   "a worker that closes descriptor 3 can answer no more: %s", f[1].reason);
	close_down(h);
	/* Whoever exits closes it first: that may be noticed before the exit. */
	struct handler_policy policy = house_policy;
	policy.kill_after = 2000;
	h = house_handler(&house, MODE_WORKER,
			  rig_sh("trap 'exit 75' TERM; echo '{\"ready\":true}' >&3; read -r line; "
				 "exec 3>&-; while :; do sleep 0.01; done"),
			  &policy);
	ready(h, 1);
	give(h, claim_do(1, "ok"));
	ok(HOUSE_UNTIL(&house, house.back == 1) && f[1].result.end == HANDLER_ENDED &&
		   f[1].result.outcome.kind == OUTCOME_RETRY,
	   "… but the status of one that exits all the same decides: %s", f[1].reason);
	close_down(h);
}

static void crash_loop(void)
{
	struct handler_policy policy = house_policy;
	struct handler_counts c;
	struct handler *h = house_handler(&house, MODE_WORKER, rig_sh("echo bad >&2; exit 1"),
					  &policy);
	ok(HOUSE_UNTIL(&house, (handler_counts(h, &c), c.deaths >= 1)) && c.paused > 0 &&
		   c.paused <= 1000,
	   "after a worker that ends at once, starting pauses");
	is_num((int64_t)handler_room(h), 0, "and there is no room");
	is_num(handler_slots_for(MODE_WORKER, &policy), 2,
	       "a worker needs a slot, and there is a spare one");
	struct handler *other = house_handler(&house, MODE_EXEC, rig_sh("exit 0"), &policy);
	is_num((int64_t)handler_room(other), 4, "which no other handler gets meanwhile");
	handler_free(other);
	close_down(h);
	house.unstartable = 0;
	h = house_handler(&house, MODE_WORKER,
			  rig_command(STAGES(ARGV("/nonexistent/worker")), rig_env, NULL), &policy);
	ok(HOUSE_UNTIL(&house, house.unstartable > 0) && house.errnum == ENOENT,
	   "one that cannot be executed is told of");
	close_down(h);
}

int main(int argc, char **argv)
{
	worker_rig_init(argc, argv);
	RUN(many_updates);
	RUN(what_it_gets);
	RUN(answers);
	RUN(deaths);
	RUN(timeouts);
	RUN(never_read);
	RUN(read_no_further);
	RUN(left_to_answer);
	RUN(broken_pipelines);
	RUN(gone_at_once);
	RUN(killed_pipelines);
	RUN(pipelines_that_worked);
	RUN(closed_descriptors);
	RUN(crash_loop);
	house_free(&house);
	return done_testing();
}
