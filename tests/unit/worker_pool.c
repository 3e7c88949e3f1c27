/* tests/unit/worker_pool: how workers are replaced, drained and chosen; and that none of 5,000
 * updates is lost, doubled or blamed for another while they are killed at random. */
#include "tests/unit/worker_rig.h"

/* Ends all that runs, whatever it holds. */
static void anew(void)
{
	handlers_stop(house.room, SIGKILL);
	HOUSE_UNTIL(&house, handlers_quiet(house.room));
	house_free(&house);
	house_init(&house, 6, 0);
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
			wrong += !HOUSE_UNTIL(&house,
					      (handler_counts(h, &c), (int)c.recycled >= seq / 50));
	}
	HOUSE_UNTIL(&house, house.back == 500);
	for (int seq = 1; seq <= 500; seq++)
		wrong += house.fates[seq].done != 1 ||
			 house.fates[seq].result.outcome.kind != OUTCOME_DONE;
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
	struct command *fresh = worker_of("1");
	handler_set_command(h, fresh, "testbot"); /* as SIGHUP does */
	command_unref(fresh);
	ok(HOUSE_UNTIL(&house, (handler_counts(h, &c),
				c.recycled == 3 && c.ready == 3 && c.processes == 3)),
	   "are replaced by three others");
	is_num((int64_t)c.starts, 6, "one by one");
	close_down(h);
	policy.max_requests = 0;
	policy.max_worker_age = 100;
	h = house_handler(&house, MODE_WORKER, worker_of("1"), &policy);
	ok(HOUSE_UNTIL(&house, (handler_counts(h, &c), c.recycled >= 2)), "age replaces a worker");
	close_down(h);
}

/* Gives update `seq` to a worker that ends when its input does. Its process, 0 when it was not
 * heard of. */
static pid_t give_heedful(struct handler *h, int64_t seq)
{
	house.out[0][0] = '\0';
	give(h, claim_do(seq, "heeds-end"));
	return HOUSE_UNTIL(&house, house.out[0][0]) ? (pid_t)atoi(house.out[0]) : 0;
}

static bool handled(int64_t seq)
{
	const struct fate *f = &house.fates[seq];
	return f->done == 1 && f->result.end == HANDLER_ENDED &&
	       f->result.outcome.kind == OUTCOME_DONE;
}

/* What each way of replacing does while a worker is about an update. */
static void replaced_at_work(void)
{
	enum { BY_REQUESTS, BY_AGE, BY_COMMAND, BY_NUMBER, BY_DRAIN, WAYS };
	static const char *const way[] = { "after --max-requests", "by its age",
					   "for another command", "where there are too many",
					   "at a stop" };
	for (int i = 0; i < WAYS; i++) {
		struct handler_policy policy = house_policy;
		struct handler_counts c;
		policy.workers = i == BY_NUMBER ? 2 : 1;
		policy.max_requests = i == BY_REQUESTS;
		struct handler *h = house_handler(&house, MODE_WORKER, worker_of("1"), &policy);
		ready(h, policy.workers);
		/* the later ones go first: it is given both, so that the one that goes holds one */
		if (i == BY_NUMBER)
			give(h, claim_do(2, "mute"));
		pid_t pid = give_heedful(h, 1);
		policy.workers = 1;
		policy.max_worker_age = i == BY_AGE ? 1 : 0;
		if (i == BY_DRAIN)
			handlers_drain(house.room);
		handler_set_policy(h, &policy);
		if (i == BY_COMMAND) {
			struct command *fresh = worker_of("1");
			handler_set_command(h, fresh, "testbot");
			command_unref(fresh);
		}
		if (i < BY_NUMBER)
			HOUSE_UNTIL(&house, house.back || (handler_counts(h, &c),
							   c.recycled > 0 && c.processes > 1));
		ok(house.back == 0, "a worker that is replaced %s goes on with what it holds",
		   way[i]);
		kill(pid, SIGUSR1);
		ok(HOUSE_UNTIL(&house, house.back) && handled(1) &&
			   HOUSE_UNTIL(&house, !is_alive(pid)),
		   "its answer counts, and then it ends");
		anew();
	}
}

/* While another stands ready to take the place of one. */
static void never_more(void)
{
	struct handler_policy policy = house_policy;
	struct handler_counts c;
	policy.max_requests = 1;
	struct handler *h = house_handler(&house, MODE_WORKER, worker_of("0"), &policy);
	give(h, claim_do(1, "ok"));
	HOUSE_UNTIL(&house, house.back == 1 && (handler_counts(h, &c), c.processes == 2));
	ok(c.processes == 2 && handler_room(h) == 1 && c.capacity == 1,
	   "a successor that is not ready yet is given no update: %d may be", (int)handler_room(h));
	ok(HOUSE_UNTIL(&house, (handler_counts(h, &c), c.recycled == 1)) && handler_room(h) == 1,
	   "and then the old one is not");
	close_down(h);
}

static void draining(void)
{
	struct handler *h = workers(2, "1", 0);
	ready(h, 2);
	pid_t pids[2] = { give_heedful(h, 1), give_heedful(h, 2) };
	handlers_drain(house.room);
	is_num((int64_t)handler_room(h), 0, "a room that drains takes nothing");
	for (int i = 0; i < 2; i++)
		kill(pids[i], SIGUSR1);
	ok(HOUSE_UNTIL(&house, handlers_quiet(house.room)),
	   "its workers see the end of their input, and end");
	ok(handled(1) && handled(2), "when they have answered what they held");
	house_free(&house);
	house_init(&house, 6, 0);
	h = house_handler(
		&house, MODE_WORKER,
		rig_sh("trap '' TERM; echo '{\"ready\":true}' >&3; while :; do sleep 1000; done"),
		&(struct handler_policy){
			.kill_after = 50, .max_output = 1000, .workers = 1, .outcome = { 0, 3 } });
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
	ok(HOUSE_UNTIL(&house, house.fates[202].done && house.out[0][0]) &&
		   strcmp(house.out[0], who[3]),
	   "and moves when that one is behind");
	jobs_alive(&found);
	kill((pid_t)atoi(house.out[0]), SIGKILL);
	HOUSE_UNTIL(&house, !is_alive((pid_t)atoi(house.out[0])) && ready(h, 3));
	give(h, claim_make(203, "chat:3", "{\"do\":\"ok\"}"));
	ok(HOUSE_UNTIL(&house, house.fates[203].done), "or gone");
	procs_release(&found);
	anew();
}

/* ---- random deaths ---- */

enum { UPDATES = 5000, KEYS = 50 };

static struct {
	struct claim *waiting[KEYS][UPDATES / KEYS];
	int head[KEYS];
	bool locked[KEYS], solo[KEYS];
	int left, charged, strange, done_twice;
} chaos;

static void chaos_back(struct house *ho, struct handler *h, struct claim *c,
		       const struct handler_result *r)
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
	chaos.solo[key] = r->end == HANDLER_INTERRUPTED && r->why == RELEASE_SHARED;
	if (r->end == HANDLER_ENDED) {
		c->failures++;
		chaos.charged++;
		chaos.strange += r->outcome.kind != OUTCOME_RETRY ||
				 !strstr(r->outcome.reason, "SIGKILL");
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
		if (chaos.solo[k] ? handler_start_solo(h, c)
				  : handler_room(h) == 0 || handler_start(h, &c, 1))
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
	is_num(chaos.left, 0,
	       "5,000 updates over 50 keys are each handled while workers are killed at random");
	is_num(chaos.strange, 0, "none ended in another way than by a kill");
	is_num(chaos.done_twice, 0, "none out of its order");
	ok(kills > 20 && chaos.charged <= kills, "%d kills: at most one update failed of each (%d)",
	   kills, chaos.charged);
	house.then = NULL;
	procs_release(&found);
	close_down(h);
}

/* Workers that cannot be started, or end before they do anything. */
static void failures_together(struct command *command, const char *what)
{
	struct handler_policy policy = house_policy;
	struct handler_counts c;
	policy.workers = 6;
	house.unstartable = 0;
	struct handler *h = house_handler(&house, MODE_WORKER, command, &policy);
	ok(HOUSE_UNTIL(&house, (handler_counts(h, &c), c.processes == 0 && c.paused > 0)),
	   "%s: starting pauses", what);
	is_num((int64_t)c.starts, 6, "after all were started at once");
	ok(c.paused <= 1000, "for the pause of one failure (%d ms), not of six", (int)c.paused);
	ok(HOUSE_UNTIL(&house,
		       (handler_counts(h, &c), c.starts > 6 && c.processes == 0 && c.paused > 0)),
	   "then it is tried again");
	is_num((int64_t)c.starts, 7, "by one worker");
	ok(c.paused <= 2000, "whose failure makes the next pause twice as long (%d ms)",
	   (int)c.paused);
	is_num(house.unstartable, 2, "the engine hears of two failures to start");
	close_down(h);
}

static void one_at_a_time(void)
{
	struct handler_policy policy = house_policy;
	struct handler_counts c;
	failures_together(rig_command(STAGES(ARGV("/nonexistent/worker")), rig_env, NULL),
			  "six workers that cannot be executed");
	failures_together(rig_sh("exit 3"), "six that end at once");
	policy.workers = 3;
	struct handler *h = house_handler(&house, MODE_WORKER, rig_sh("exit 3"), &policy);
	HOUSE_UNTIL(&house, (handler_counts(h, &c), c.processes == 0 && c.paused > 0));
	struct command *fine = worker_of("1");
	handler_set_command(h, fine, "testbot");
	command_unref(fine);
	ok(HOUSE_UNTIL(&house, (handler_counts(h, &c), c.ready == 3)),
	   "when one is ready the others are started");
	is_num((int64_t)c.starts, 6, "without another failure");
	close_down(h);
}

int main(int argc, char **argv)
{
	worker_rig_init(argc, argv);
	RUN(recycling);
	RUN(replaced_at_work);
	RUN(never_more);
	RUN(draining);
	RUN(sticky);
	RUN(one_at_a_time);
	RUN(random_deaths);
	house_free(&house);
	return done_testing();
}
