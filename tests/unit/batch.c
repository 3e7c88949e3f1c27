/* tests/unit/batch: one process for several updates, and the same room with one for each: what they
 * get, and what their end means. */
#include "tests/unit/handler_rig.h"

static struct house house;

static struct handler *shell(enum handler_mode mode, const char *script, int64_t timeout)
{
	struct handler_policy policy = house_policy;
	policy.timeout = timeout;
	policy.kill_after = 200;
	return house_handler(&house, mode, rig_sh(script), &policy);
}

/* Runs `n` updates in one process, and forgets the handler. */
static void run(enum handler_mode mode, const char *script, int n, int64_t timeout)
{
	struct handler *h = shell(mode, script, timeout);
	struct claim *claims[HANDLER_BATCH_MAX];
	memset(house.fates, 0, FATES_MAX * sizeof *house.fates);
	house.back = 0;
	house.out[0][0] = '\0';
	for (int i = 0; i < n; i++)
		claims[i] = claim_do(i + 1, "x");
	if (!ok(handler_start(h, claims, (size_t)n) == 0 && handler_running(h) == n,
		"%d update%s begin together", n, n == 1 ? "" : "s"))
		return;
	handler_free(h);
	if (!HOUSE_UNTIL(&house, house.back == n && handlers_quiet(house.room)))
		diag("%d of %d came back", house.back, n);
}

/* How many of the first `n` ended so. */
static int ended(int n, enum handler_end end, bool solo, enum outcome_kind kind)
{
	int count = 0;
	for (int i = 1; i <= n; i++) {
		const struct handler_result *r = &house.fates[i].result;
		count += house.fates[i].done == 1 && r->end == end &&
			 (r->why == RELEASE_SHARED) == solo &&
			 (end != HANDLER_ENDED || r->outcome.kind == kind);
	}
	return count;
}

static void batches(void)
{
	run(MODE_BATCH, "exit 0", 3, 0);
	is_num(ended(3, HANDLER_ENDED, false, OUTCOME_DONE), 3, "status 0: all are done");
	run(MODE_BATCH, "echo $(tr '\\n' ' ')", 3, 0);
	is_str(house.out[0],
	       "{\"update_id\":1,\"do\":\"x\"} {\"update_id\":2,\"do\":\"x\"} {\"update_id\":3,\"do\":\"x\"}",
	       "they are lines of its input, in order");
	is_num(house.out_of, 0, "what it prints belongs to no one of them");
	run(MODE_BATCH, "env | grep ^TG_ | sort | tr '\\n' ' '", 3, 0);
	is_str(house.out[0], "TG_BATCH_SIZE=3 TG_MAX_ATTEMPTS=3 ",
	       "no variable is that of any one update");
	run(MODE_BATCH, "exit 75", 3, 0);
	is_num(ended(3, HANDLER_ENDED, false, OUTCOME_RETRY), 3, "status 75: all are tried again");
	run(MODE_BATCH, "exit 3", 3, 0);
	is_num(ended(3, HANDLER_INTERRUPTED, true, 0), 3,
	       "another status: nobody is charged, each is to be handed out alone");
	run(MODE_BATCH, "exit 65", 2, 0);
	is_num(ended(2, HANDLER_INTERRUPTED, true, 0), 2, "so it is with those that mean never");
	run(MODE_BATCH, "kill -9 $$", 2, 0);
	is_num(ended(2, HANDLER_INTERRUPTED, true, 0), 2, "and with a death by signal");
	run(MODE_BATCH, "exit 3", 1, 0);
	is_num(ended(1, HANDLER_ENDED, false, OUTCOME_DEAD), 1, "a batch of one has failed itself");
	run(MODE_BATCH, "sleep 1000", 2, 100);
	is_num(ended(2, HANDLER_INTERRUPTED, true, 0), 2,
	       "a batch over its deadline is taken apart, too");
	run(MODE_BATCH, "sleep 1000", 1, 100);
	is_str(house.fates[1].reason, "timed out after 100ms", "of one, the one has timed out");
	run(MODE_BATCH, "exit $(( $(wc -l) == 1000 ? 0 : 1 ))", HANDLER_BATCH_MAX, 0);
	is_num(ended(HANDLER_BATCH_MAX, HANDLER_ENDED, false, OUTCOME_DONE), HANDLER_BATCH_MAX,
	       "a thousand updates fit");
}

static void singles(void)
{
	run(MODE_EXEC, "exit 0", 1, 0);
	is_num(ended(1, HANDLER_ENDED, false, OUTCOME_DONE), 1, "one process for one update: done");
	run(MODE_EXEC, "echo $TG_UPDATE_ID $TG_ATTEMPT $TG_KEY; echo oh >&2; exit 3", 1, 0);
	is_str(house.out[0], "1 1 chat:1", "it has the update's variables");
	is_num(house.out_of, 1, "and its output is the update's");
	is_str(house.fates[1].reason, "exited with status 3", "its end is its reason");
	is_str(house.fates[1].sentence, "oh", "and its last words are kept");
	struct handler *h = shell(MODE_EXEC, "exit 0", 0);
	struct claim *two[2] = { claim_do(1, "x"), claim_do(2, "x") };
	ok(handler_start(h, two, 2) && errno == EINVAL, "it takes no two");
	claim_free(two[0]);
	claim_free(two[1]);
	handler_free(h);
	h = house_handler(&house, MODE_BATCH,
			  rig_command(STAGES(ARGV("/nonexistent/program")), rig_env, NULL),
			  &house_policy);
	struct claim *claims[2] = { claim_do(1, "x"), claim_do(2, "x") };
	house.back = 0;
	handler_start(h, claims, 2);
	HOUSE_UNTIL(&house, house.back == 2);
	ok(house.fates[1].result.end == HANDLER_UNSTARTABLE &&
		   house.fates[2].result.end == HANDLER_INTERRUPTED &&
		   house.fates[2].result.why == RELEASE_NO_START && !house.fates[2].result.started,
	   "one start that fails is told once");
	handler_free(h);
}

/* A stage that is not there, while the other would run for ever. */
static void missing_stages(void)
{
	static const enum handler_mode modes[] = { MODE_EXEC, MODE_BATCH, MODE_WORKER };
	static const char gone[] = "/nonexistent/program";
	for (int i = 0; i < 6; i++) {
		bool last = i % 2;
		char why[64];
		struct command *command = last ? rig_command(STAGES(ARGV("/bin/sleep", "1000"),
								    ARGV(gone)),
							     rig_env, NULL)
					       : rig_command(STAGES(ARGV(gone),
								    ARGV("/bin/sleep", "1000")),
							     rig_env, NULL);
		struct handler *h = house_handler(&house, modes[i / 2], command, &house_policy);
		house.back = house.unstartable = 0;
		give(h, claim_do(1, "x"));
		handlers_flush(house.room);
		HOUSE_UNTIL(&house,
			    house.back == 1 && (modes[i / 2] != MODE_WORKER || house.unstartable));
		snprintf(why, sizeof why, "stage %d of 2: No such file or directory", 1 + last);
		is_str(house.fates[1].reason, why, "a stage that is missing is named");
		ok(house.fates[1].result.end != HANDLER_ENDED, "and charged to no update");
		if (modes[i / 2] == MODE_WORKER)
			is_str(house.why, why, "of workers, too");
		handler_free(h);
		HOUSE_UNTIL(&house, handlers_quiet(house.room));
	}
}

static void stops(void)
{
	struct handler *h = shell(MODE_BATCH, "sleep 1000", 0);
	struct claim *claims[2] = { claim_do(1, "x"), claim_do(2, "x") };
	house.back = 0;
	memset(house.fates, 0, FATES_MAX * sizeof *house.fates);
	handler_start(h, claims, 2);
	handlers_stop(house.room, SIGTERM);
	ok(HOUSE_UNTIL(&house, handlers_quiet(house.room)), "a stop ends what runs");
	is_num(ended(2, HANDLER_INTERRUPTED, false, 0), 2,
	       "it was interrupted, and nothing is known against it");
	is_num(handlers_running(house.room), 0, "nothing runs");
	claims[0] = claim_do(3, "x");
	ok(handler_room(h) == 0 && handler_start(h, claims, 1) && errno == EAGAIN,
	   "and nothing begins any more");
	claim_free(claims[0]);
}

int main(void)
{
	house_init(&house, 3, 0);
	RUN(batches);
	RUN(singles);
	RUN(missing_stages);
	RUN(stops);
	house_free(&house);
	return done_testing();
}
