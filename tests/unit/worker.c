/* tests/unit/worker: workers that stay: what they are given, what their answers and their ends mean, and how they are replaced. The program
 * is its own worker: see main(). */
#include "tests/unit/handler_rig.h"

static struct house house;

static struct command *worker_of(const char *concurrency)
{
	return rig_command(STAGES(ARGV(rig_self, "worker", concurrency)), rig_env, NULL);
}

static struct handler *workers(int count, const char *concurrency, int64_t timeout)
{
	struct handler_policy policy = house_policy;
	policy.workers = count;
	policy.timeout = timeout;
	policy.kill_after = 500;
	return house_handler(&house, MODE_WORKER, worker_of(concurrency), &policy);
}

/* Frees the handler and waits until its workers have ended. */
static void close_down(struct handler *h)
{
	handler_free(h);
	if (!HOUSE_UNTIL(&house, handlers_quiet(house.room)))
		diag("workers did not end");
	house.back = 0;
	memset(house.fates, 0, FATES_MAX * sizeof *house.fates);
}

static bool ready(struct handler *h, int n)
{
	struct handler_counts c;
	return HOUSE_UNTIL(&house, (handler_counts(h, &c), c.ready == n));
}

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
		wrong += house.fates[seq].done != 1 || house.fates[seq].result.outcome.kind != OUTCOME_DONE;
	is_num(wrong, 0, "1,000 updates are each handled once");
	handler_counts(h, &c);
	is_num((int64_t)c.starts, 2, "by two processes");
	close_down(h);
	h = workers(1, "0", 0);
	ok(give(h, claim_do(1, "ok")) && HOUSE_UNTIL(&house, house.back == 1), "a worker that announces nothing works, too");
	is_num((int64_t)handler_room(h), 1, "it gets one update at a time");
	struct claim *more = claim_do(2, "mute");
	ok(give(h, more) && handler_room(h) == 0, "and has no room meanwhile");
	more = claim_do(3, "ok");
	ok(handler_start(h, &more, 1) && errno == EAGAIN, "then another is refused, and stays the caller's");
	claim_free(more);
	handlers_stop(house.room, SIGTERM);
	ok(HOUSE_UNTIL(&house, handlers_quiet(house.room)) && house.fates[2].result.end == HANDLER_INTERRUPTED,
	   "what a worker holds when tgrun stops was interrupted: %s", house.fates[2].reason);
	house_free(&house);
	house_init(&house, 6, 0);
}

static void what_it_gets(void)
{
	struct handler *h = workers(1, "1", 0);
	struct claim *c = claim_make(7, "chat:-1 \"x\"", "{\"update_id\": 12345678901234567890123,  \"do\":\"echo\", \"x\":1.50}");
	c->failures = 1;
	c->redelivered = true;
	give(h, c);
	ok(HOUSE_UNTIL(&house, house.back == 1 && house.out[0][0]), "a worker gets a line");
	is_str(house.out[0], "{\"v\":1,\"id\":\"7.2\",\"key\":\"chat:-1 \\\"x\\\"\",\"attempt\":2,\"redelivered\":true,\"update\":"
	       "{\"update_id\": 12345678901234567890123,  \"do\":\"echo\", \"x\":1.50}}", "with the update's bytes unchanged");
	give(h, claim_make(8, "", "no \"JSON"));
	house.out[0][0] = '\0';
	ok(HOUSE_UNTIL(&house, house.out[0][0] && house.back == 2), "a dead letter that was no update is given, too");
	is_str(house.out[0], "{\"v\":1,\"id\":\"8.1\",\"key\":\"\",\"attempt\":1,\"redelivered\":false,\"update\":null,\"bytes\":\"no \\\"JSON\"}",
	       "as a string, so that the line stays JSON");
	close_down(h);
	h = workers(1, "1", 60000);
	int64_t now = clock_system.wall(&clock_system) / 1000;
	give(h, claim_do(9, "echo"));
	house.out[0][0] = '\0';
	HOUSE_UNTIL(&house, house.out[0][0] && house.back == 1);
	const char *deadline = strstr(house.out[0], "\"deadline\":");
	int64_t at = deadline ? strtoll(deadline + 11, NULL, 10) : 0;
	ok(at >= now + 60 && at <= now + 91, "with a timeout it has the deadline (%lld, now %lld)", (long long)at, (long long)now);
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
	ok(f[1].result.outcome.kind == OUTCOME_DEAD && f[1].result.outcome.status == 65, "ok:false is a dead letter");
	is_str(f[1].reason, "no \u201cgood\u201d", "with the worker's words as reason");
	ok(f[2].result.outcome.kind == OUTCOME_RETRY && !strcmp(f[2].reason, "later"), "retry:true is tried again");
	ok(f[3].result.outcome.kind == OUTCOME_DEAD && !strcmp(f[3].reason, "later, attempt 3 of 3"), "but not for ever: %s", f[3].reason);
	ok(f[4].result.outcome.kind == OUTCOME_DEAD && *f[4].reason, "a reason may be left out: %s", f[4].reason);
	ok(f[5].result.outcome.kind == OUTCOME_DONE, "and the next update is handled");
	handler_counts(h, &c);
	is_num((int64_t)c.bad_answers, 0, "none of these is a bad answer");
	static const char *const bad[] = { "twice", "garbage", "long", "unknown", "number", "halves" };
	for (int i = 0; i < 6; i++) {
		handler_counts(h, &c);
		uint64_t before = c.bad_answers;
		give(h, claim_do(10 + i, bad[i]));
		HOUSE_UNTIL(&house, house.back == 6 + i);
		HOUSE_UNTIL(&house, (handler_counts(h, &c), i == 5 || c.bad_answers > before));
		ok(f[10 + i].done == 1 && f[10 + i].result.outcome.kind == OUTCOME_DONE && c.bad_answers == before + (i != 5),
		   "%s: %s", bad[i], i == 5 ? "an answer may come in parts" : "is counted, and harms no update");
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
		solo += f[i].result.end == HANDLER_INTERRUPTED && f[i].result.solo && f[i].result.started;
	is_num(solo, 3, "each to be handed out alone, since it is not known which killed it");
	ok(ready(h, 1), "another worker is started");
	struct claim *c = claim_do(3, "die");
	ok(!handler_start_solo(h, c) && handler_room(h) == 0, "one that must be alone takes all of a worker");
	struct claim *other = claim_do(2, "ok");
	ok(handler_start_solo(h, other) && errno == EAGAIN, "and another such finds no empty one");
	claim_free(other);
	ok(HOUSE_UNTIL(&house, f[3].done == 2) && f[3].result.end == HANDLER_ENDED && f[3].result.outcome.kind == OUTCOME_DEAD,
	   "alone in a worker that dies, an update has failed");
	is_str(f[3].reason, "killed by signal 9 (SIGKILL)", "with the worker's end as its reason");
	close_down(h);
	h = workers(1, "0", 0);
	give(h, claim_do(1, "exit0"));
	ok(HOUSE_UNTIL(&house, house.back == 1) && f[1].result.outcome.kind == OUTCOME_DEAD, "an end well, but without an answer, is a failure");
	is_str(f[1].reason, "worker exited with status 0 without an answer", "that says so");
	ok(ready(h, 0) && HOUSE_UNTIL(&house, handler_room(h) == 1), "and the next one comes after a pause");
	give(h, claim_do(2, "exit75"));
	ok(HOUSE_UNTIL(&house, house.back == 2) && f[2].result.outcome.kind == OUTCOME_RETRY, "an exit status means what it means elsewhere");
	close_down(h);
	h = workers(1, "2", 0);
	ready(h, 1);
	give(h, claim_do(1, "ok"));
	HOUSE_UNTIL(&house, house.back == 1);
	give(h, claim_do(2, "stderr"));
	ok(HOUSE_UNTIL(&house, house.back == 2) && !strcmp(f[2].last_stderr, "what went wrong"), "its last words are kept: %s", f[2].last_stderr);
	ok(house.out_of == 2, "and belong to the one update it held");
	give(h, claim_do(3, "answer-and-die"));
	ok(HOUSE_UNTIL(&house, house.back == 3) && f[3].result.outcome.kind == OUTCOME_DONE, "an answer given before the end counts");
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
	ok(HOUSE_UNTIL(&house, f[1].done && f[2].done), "an update over its deadline ends its worker");
	ok(f[1].result.end == HANDLER_ENDED && !strcmp(f[1].reason, "timed out after 300ms"), "it has failed: %s", f[1].reason);
	ok(f[2].result.end == HANDLER_INTERRUPTED && !f[2].result.solo, "the others that it held have not: %s", f[2].reason);
	HOUSE_UNTIL(&house, ready(h, 1));
	is_num(jobs_alive(&found), 1, "nothing that it had started is left");
	close_down(h);
	h = workers(1, "1", 200);
	ready(h, 1);
	give(h, claim_do(1, "stubborn"));
	ok(HOUSE_UNTIL(&house, house.back == 1) && !strcmp(f[1].reason, "timed out after 200ms"), "one that is deaf to TERM is killed: %s", f[1].reason);
	close_down(h);
	procs_release(&found);
}

static void closed_descriptors(void)
{
	struct fate *f = house.fates;
	struct handler *h = workers(1, "1", 0);
	ready(h, 1);
	give(h, claim_do(1, "close3"));
	ok(HOUSE_UNTIL(&house, house.back == 1) && f[1].result.end == HANDLER_ENDED && strstr(f[1].reason, "descriptor 3"),
	   "a worker that closes descriptor 3 can answer no more: %s", f[1].reason);
	close_down(h);
}

static void crash_loop(void)
{
	struct handler_policy policy = house_policy;
	struct handler_counts c;
	struct handler *h = house_handler(&house, MODE_WORKER, rig_sh("echo bad >&2; exit 1"), &policy);
	ok(HOUSE_UNTIL(&house, (handler_counts(h, &c), c.deaths >= 1)) && c.paused > 0 && c.paused <= 1000,
	   "after a worker that ends at once, starting pauses");
	is_num((int64_t)handler_room(h), 0, "and there is no room");
	is_num(handler_slots_needed(h), 2, "a worker needs a slot, and there is a spare one");
	struct handler *other = house_handler(&house, MODE_EXEC, rig_sh("exit 0"), &policy);
	is_num((int64_t)handler_room(other), 4, "which no other handler gets meanwhile");
	handler_free(other);
	close_down(h);
	house.unstartable = 0;
	h = house_handler(&house, MODE_WORKER, rig_command(STAGES(ARGV("/nonexistent/worker")), rig_env, NULL), &policy);
	ok(HOUSE_UNTIL(&house, house.unstartable > 0) && house.errnum == ENOENT, "one that cannot be executed is told of");
	close_down(h);
}

static void recycling(void)
{
	struct handler_policy policy = house_policy;
	struct handler_counts c;
	int gaps = 0, wrong = 0;
	policy.max_requests = 10;
	policy.kill_after = 500;
	struct handler *h = house_handler(&house, MODE_WORKER, worker_of("4"), &policy);
	ready(h, 1);
	for (int seq = 1; seq <= 500; seq++) {
		handler_counts(h, &c);
		gaps += c.capacity == 0;
		HOUSE_UNTIL(&house, handler_room(h) > 0);
		wrong += !give(h, claim_do(seq, "ok"));
		if (seq % 50 == 0)
			wrong += !HOUSE_UNTIL(&house, (handler_counts(h, &c), (int)c.recycled >= seq / 50));
	}
	HOUSE_UNTIL(&house, house.back == 500);
	for (int seq = 1; seq <= 500; seq++)
		wrong += house.fates[seq].done != 1 || house.fates[seq].result.outcome.kind != OUTCOME_DONE;
	handler_counts(h, &c);
	is_num(wrong, 0, "updates are each handled once while workers are replaced after ten");
	ok(c.recycled >= 10, "they were (%d times)", (int)c.recycled);
	is_num(gaps, 0, "never was there none");
	is_num((int64_t)c.deaths, 0, "and nobody died of it");
	close_down(h);
	h = workers(3, "1", 0);
	ready(h, 3);
	handler_counts(h, &c);
	is_num((int64_t)c.starts, 3, "three workers");
	handler_restart(h);
	ok(HOUSE_UNTIL(&house, (handler_counts(h, &c), c.recycled == 3 && c.ready == 3 && c.processes == 3)), "are replaced by three others");
	is_num((int64_t)c.starts, 6, "one by one");
	close_down(h);
	policy.max_requests = 0;
	policy.max_worker_age = 100;
	h = house_handler(&house, MODE_WORKER, worker_of("1"), &policy);
	ok(HOUSE_UNTIL(&house, (handler_counts(h, &c), c.recycled >= 2)), "age replaces a worker");
	close_down(h);
}

static void draining(void)
{
	struct handler *h = workers(2, "4", 0);
	ready(h, 2);
	give(h, claim_do(1, "at-end"));
	give(h, claim_do(2, "at-end"));
	give(h, claim_do(3, "at-end"));
	handlers_flush(house.room);
	handlers_drain(house.room);
	is_num((int64_t)handler_room(h), 0, "a room that drains takes nothing");
	ok(HOUSE_UNTIL(&house, handlers_quiet(house.room)), "its workers see the end of their input, and end");
	int done = 0;
	for (int i = 1; i <= 3; i++)
		done += house.fates[i].done == 1 && house.fates[i].result.end == HANDLER_ENDED && house.fates[i].result.outcome.kind == OUTCOME_DONE;
	is_num(done, 3, "when they have answered what they held");
	house_free(&house);
	house_init(&house, 6, 0);
	h = house_handler(&house, MODE_WORKER, rig_sh("trap '' TERM; echo '{\"ready\":true}' >&3; while :; do sleep 1000; done"),
			  &(struct handler_policy){ .kill_after = 50, .max_output = 1000, .workers = 1, .outcome = { 0, 3 } });
	ready(h, 1);
	handlers_drain(house.room);
	ok(HOUSE_UNTIL(&house, handlers_quiet(house.room)), "one that does not care is ended");
	house_free(&house);
	house_init(&house, 6, 0);
}

static void sticky(void)
{
	struct handler_policy policy = house_policy;
	policy.workers = 3;
	policy.sticky = true;
	struct handler *h = house_handler(&house, MODE_WORKER, worker_of("2"), &policy);
	char who[10][16] = { "" }, key[32], body[64];
	int moved = 0, seq = 0;
	ready(h, 3);
	for (int round = 0; round < 5; round++)
		for (int k = 0; k < 10; k++) {
			snprintf(key, sizeof key, "chat:%d", k);
			snprintf(body, sizeof body, "{\"update_id\":%d,\"do\":\"who\"}", ++seq);
			house.out[0][0] = '\0';
			give(h, claim_make(seq, key, body));
			HOUSE_UNTIL(&house, house.back == seq && house.out[0][0]);
			if (round == 0)
				snprintf(who[k], sizeof who[k], "%.15s", house.out[0]);
			moved += strcmp(who[k], house.out[0]) != 0;
		}
	is_num(moved, 0, "with sticky each key stays with its worker");
	struct procs found = { 0 };
	give(h, claim_make(200, "chat:3", "{\"do\":\"mute\"}"));
	give(h, claim_make(201, "chat:3", "{\"do\":\"mute\"}"));
	house.out[0][0] = '\0';
	give(h, claim_make(202, "chat:3", "{\"do\":\"who\"}"));
	ok(HOUSE_UNTIL(&house, house.fates[202].done && house.out[0][0]) && strcmp(house.out[0], who[3]), "and moves when that one is behind");
	jobs_alive(&found);
	kill((pid_t)atoi(house.out[0]), SIGKILL);
	HOUSE_UNTIL(&house, !is_alive((pid_t)atoi(house.out[0])) && ready(h, 3));
	give(h, claim_make(203, "chat:3", "{\"do\":\"ok\"}"));
	ok(HOUSE_UNTIL(&house, house.fates[203].done), "or gone");
	procs_release(&found);
	close_down(h);
}

/* ---- random deaths ---- */

enum { UPDATES = 5000, KEYS = 50 };

static struct {
	struct claim *waiting[KEYS][UPDATES / KEYS];
	int head[KEYS];
	bool locked[KEYS], solo[KEYS];
	int left, charged, strange, done_twice;
} chaos;

static void chaos_back(struct house *ho, struct handler *h, struct claim *c, const struct handler_result *r)
{
	(void)ho;
	(void)h;
	int key = (int)(c->seq % KEYS);
	chaos.locked[key] = false;
	if (r->end == HANDLER_ENDED && r->outcome.kind == OUTCOME_DONE) {
		chaos.done_twice += chaos.waiting[key][chaos.head[key]] != c;
		chaos.head[key]++;
		chaos.left--;
		claim_free(c);
		return;
	}
	chaos.solo[key] = r->end == HANDLER_INTERRUPTED && r->solo;
	if (r->end == HANDLER_ENDED) {
		c->failures++;
		chaos.charged++;
		chaos.strange += r->outcome.kind != OUTCOME_RETRY || !strstr(r->outcome.reason, "SIGKILL");
	} else {
		c->redelivered = r->started;
		chaos.strange += r->end != HANDLER_INTERRUPTED;
	}
}

static void hand_out(struct handler *h)
{
	for (int k = 0; k < KEYS; k++) {
		if (chaos.locked[k] || chaos.head[k] == UPDATES / KEYS)
			continue;
		struct claim *c = chaos.waiting[k][chaos.head[k]];
		if (chaos.solo[k] ? handler_start_solo(h, c) : handler_room(h) == 0 || handler_start(h, &c, 1))
			continue;
		chaos.locked[k] = true;
	}
	handlers_flush(house.room);
}

static void random_deaths(void)
{
	struct handler_policy policy = house_policy;
	struct procs found = { 0 };
	char key[32], body[96];
	policy.workers = 4;
	policy.outcome = (struct outcome_policy){ ON_FAILURE_RETRY, 1000000 };
	struct handler *h = house_handler(&house, MODE_WORKER, worker_of("4"), &policy);
	for (int i = 0; i < UPDATES; i++) {
		snprintf(key, sizeof key, "chat:%d", i % KEYS);
		snprintf(body, sizeof body, "{\"update_id\":%d,\"do\":\"ok\"}", i);
		chaos.waiting[i % KEYS][i / KEYS] = claim_make(i, key, body);
	}
	chaos.left = UPDATES;
	house.then = chaos_back;
	unsigned random = 12345;
	int kills = 0, next_kill = UPDATES - 20;
	int64_t until = clock_system.mono(&clock_system) + 4 * RIG_DEADLINE;
	while (chaos.left && clock_system.mono(&clock_system) < until) {
		hand_out(h);
		if (chaos.left < next_kill && jobs_alive(&found)) {
			random = random * 1103515245 + 12345;
			kills += !kill(found.pids[(random >> 16) % found.count], SIGKILL);
			next_kill = chaos.left - (int)(random >> 20) % 80;
		}
		loop_turn(house.rig.loop, 1);
	}
	is_num(chaos.left, 0, "5,000 updates over 50 keys are each handled while workers are killed at random");
	is_num(chaos.strange, 0, "none ended in another way than by a kill");
	is_num(chaos.done_twice, 0, "none out of its order");
	ok(kills > 20 && chaos.charged <= kills, "%d kills: at most one update failed of each (%d)", kills, chaos.charged);
	house.then = NULL;
	procs_release(&found);
	close_down(h);
}

/* ---- the program as a worker ---- */

static void say(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (write(3, text, (size_t)n) != n)
		_exit(99);
}

static void hear(const char *line, char later[][64], int *laters)
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
	if (IS("at-end")) {
		snprintf(later[(*laters)++], 64, "%s", id);
		return;
	}
	if (IS("fail"))
		say("{\"id\":\"%s\", \"ok\":false, \"error\":\"no \\u201cgood\u201d\"}\n", id);
	else if (IS("retry"))
		say("{\"error\":\"later\",\"retry\":true,\"ok\":false,\"id\":\"%s\"}\n", id);
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
	if (!IS("fail") && !IS("retry") && !IS("terse"))
		say("{\"id\":\"%s\",\"ok\":true}\n", id);
	if (IS("twice"))
		say("{\"id\":\"%s\",\"ok\":true}\n", id);
	if (IS("answer-and-die"))
		kill(getpid(), SIGKILL);
}

static int be_worker(int concurrency)
{
	static char later[64][64];
	char *line = NULL;
	size_t cap = 0;
	int laters = 0;
	if (concurrency)
		say("{\"ready\":true,\"concurrency\":%d}\n", concurrency);
	while (getline(&line, &cap, stdin) > 0)
		hear(line, later, &laters);
	for (int i = 0; i < laters; i++)
		say("{\"id\":\"%s\",\"ok\":true}\n", later[i]);
	free(line);
	return 0;
}

int main(int argc, char **argv)
{
	static char self[4096];
	if (argc > 2 && !strcmp(argv[1], "worker"))
		_exit(be_worker(atoi(argv[2])));
	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
		return 1;
	rig_self = self;
	house_init(&house, 6, 0);
	many_updates();
	what_it_gets();
	answers();
	deaths();
	timeouts();
	closed_descriptors();
	crash_loop();
	recycling();
	draining();
	sticky();
	random_deaths();
	house_free(&house);
	return done_testing();
}
