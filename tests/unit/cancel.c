/* tests/unit/cancel: handlers_cancel() in each mode: who comes back as cancelled, and what becomes
 * of what the same process held. The program is its own worker: see worker_rig.h. */
#include "tests/unit/worker_rig.h"

/* The numbers that are chosen, as bits. */
static bool is_chosen(void *arg, const struct claim *c)
{
	return *(const uint64_t *)arg >> c->seq & 1;
}

static void cancel(uint64_t bits)
{
	handlers_cancel(house.room, is_chosen, &bits);
}

static void begin(void)
{
	house.back = 0;
	house.out[0][0] = house.out[1][0] = '\0';
	house.unstartable = 0;
	memset(house.fates, 0, FATES_MAX * sizeof *house.fates);
}

static struct handler *shell(enum handler_mode mode, const char *script, enum background background)
{
	struct handler_policy policy = house_policy;
	policy.kill_after = 200;
	policy.background = background;
	policy.keep_stdout = mode == MODE_EXEC;
	begin();
	return house_handler(&house, mode, rig_sh(script), &policy);
}

static bool is_end(int64_t seq, enum handler_end end)
{
	return house.fates[seq].done == 1 && house.fates[seq].result.end == end;
}

static bool is_done(int64_t seq)
{
	return is_end(seq, HANDLER_ENDED) && house.fates[seq].result.outcome.kind == OUTCOME_DONE;
}

static bool is_other(int64_t seq)
{
	return is_end(seq, HANDLER_INTERRUPTED) && house.fates[seq].result.why == RELEASE_OTHER;
}

static bool is_quiet(void)
{
	return HOUSE_UNTIL(&house, handlers_quiet(house.room));
}

static void processes(void)
{
	struct procs found = { 0 };
	struct handler *h = shell(MODE_EXEC, "echo here >&2; exec sleep 1000", BACKGROUND_WAIT);
	ok(give(h, claim_do(1, "x")) && give(h, claim_do(2, "x")) &&
		   HOUSE_UNTIL(&house, house.out[1][0]),
	   "two handlers run");
	cancel(1 << 1);
	ok(HOUSE_UNTIL(&house, house.back == 1) && is_end(1, HANDLER_CANCELLED),
	   "one that is cancelled ends, and says so");
	is_num(handler_running(h), 1, "the other runs on");
	cancel(1 << 1 | 1 << 3);
	is_num(house.back, 1, "what does not run is not cancelled");
	cancel(1 << 2);
	cancel(1 << 2);
	ok(is_quiet() && is_end(2, HANDLER_CANCELLED), "twice is as once");
	handler_free(h);

	h = shell(MODE_EXEC,
		  "trap '' TERM; (setsid sleep 1000 & echo here >&2); while :; do sleep 1000; done",
		  BACKGROUND_WAIT);
	ok(give(h, claim_do(1, "x")) && HOUSE_UNTIL(&house, house.out[1][0]),
	   "one heeds no SIGTERM");
	handler_free(h);
	cancel(1 << 1);
	is_num(house.back, 0, "its update stays in hand while anything of it lives");
	ok(is_quiet() && is_end(1, HANDLER_CANCELLED) && jobs_alive(&found) == 0,
	   "SIGKILL ends it, and all that it started; its handler was freed meanwhile");

	h = shell(MODE_EXEC, "trap 'exit 0' TERM; echo here >&2; while :; do sleep 0.01; done",
		  BACKGROUND_WAIT);
	ok(give(h, claim_do(1, "x")) && HOUSE_UNTIL(&house, house.out[1][0]), "one heeds it");
	cancel(1 << 1);
	ok(is_quiet() && is_end(1, HANDLER_CANCELLED), "that it ends well then changes nothing");
	handler_free(h);

	h = shell(MODE_EXEC, "echo printed; (exec >/dev/null; sleep 1000) & exit 0",
		  BACKGROUND_WAIT);
	ok(give(h, claim_do(1, "x")) && HOUSE_UNTIL(&house, handlers_lingering(house.room) == 1),
	   "one has ended, and its background work runs");
	cancel(1 << 1);
	ok(is_quiet() && is_done(1), "it stays as it ended, and the work is ended");
	ok(house.fates[1].result.reply_length == 8, "with what it printed");
	handler_free(h);

	h = shell(MODE_EXEC, "echo printed; echo here >&2; exec sleep 1000", BACKGROUND_WAIT);
	ok(give(h, claim_do(1, "x")) && HOUSE_UNTIL(&house, house.out[1][0]), "one has printed");
	cancel(1 << 1);
	ok(is_quiet() && is_end(1, HANDLER_CANCELLED) && !house.fates[1].result.reply,
	   "what it printed is no reply");
	is_str(house.out[0], "printed", "but told");
	handler_free(h);

	h = shell(MODE_EXEC, "exec sleep 1000", BACKGROUND_WAIT);
	give(h, claim_do(1, "x"));
	cancel(1 << 1);
	ok(is_quiet() && is_end(1, HANDLER_CANCELLED), "one that has just been started");
	handler_free(h);
	procs_release(&found);
}

static void batch(const char *script, int n)
{
	struct handler *h = shell(MODE_BATCH, script, BACKGROUND_WAIT);
	struct claim *claims[HANDLER_BATCH_MAX];
	for (int i = 0; i < n; i++)
		claims[i] = claim_do(i + 1, "x");
	ok(handler_start(h, claims, (size_t)n) == 0 && HOUSE_UNTIL(&house, house.out[0][0]),
	   "a batch of %d runs", n);
	handler_free(h);
}

/* Cancels the first of a batch that is about to fail to start. Whether it failed: on a busy machine
 * it may be ended sooner. */
static bool cancel_a_failure(void)
{
	struct handler *h = shell(MODE_BATCH, "", BACKGROUND_WAIT);
	struct command *gone = rig_command(STAGES(ARGV("/nonexistent/program")), rig_env, NULL);
	handler_set_command(h, gone, NULL);
	command_unref(gone);
	struct claim *claims[3] = { claim_do(1, "x"), claim_do(2, "x"), claim_do(3, "x") };
	handler_start(h, claims, 3);
	cancel(1 << 1);
	bool told = is_quiet() && is_end(2, HANDLER_UNSTARTABLE) && is_end(3, HANDLER_INTERRUPTED);
	handler_free(h);
	return told;
}

static void batches(void)
{
	batch("echo here; exec sleep 1000", 3);
	cancel(1 << 2);
	ok(is_quiet() && is_end(2, HANDLER_CANCELLED), "one of a batch is cancelled");
	ok(is_other(1) && is_other(3), "the others come again, and need not be alone: %s",
	   house.fates[1].reason);
	batch("trap 'exit 0' TERM; echo here; while :; do sleep 0.01; done", 3);
	cancel(1 << 1);
	ok(is_quiet() && is_end(1, HANDLER_CANCELLED) && is_done(2) && is_done(3),
	   "where it ends well, the others are done");
	batch("trap 'exit 75' TERM; echo here; while :; do sleep 0.01; done", 2);
	cancel(1 << 1 | 1 << 2);
	ok(is_quiet() && is_end(1, HANDLER_CANCELLED) && is_end(2, HANDLER_CANCELLED),
	   "all of it may be cancelled");
	bool told = false;
	for (int i = 0; i < 20 && !told; i++)
		told = cancel_a_failure();
	ok(told, "a start that fails is told once, though its first update was cancelled");
}

static void several_in_a_worker(void)
{
	struct handler *h = workers(1, "4", 0);
	struct handler_counts counts;
	begin();
	ok(ready(h, 1) && give(h, claim_do(1, "mute")) && give(h, claim_do(2, "mute")) &&
		   give(h, claim_do(3, "ok")) && HOUSE_UNTIL(&house, house.back == 1),
	   "a worker holds two updates, and has answered a third");
	cancel(1 << 1 | 1 << 3);
	ok(HOUSE_UNTIL(&house, house.back == 3) && is_end(1, HANDLER_CANCELLED) && is_other(2) &&
		   is_done(3),
	   "the one that is cancelled ends it, the other comes again, the third is done");
	ok(ready(h, 1) && give(h, claim_do(4, "ok")) && HOUSE_UNTIL(&house, is_done(4)),
	   "another worker takes its place");
	handler_counts(h, &counts);
	ok(counts.deaths == 0 && house.unstartable == 0, "at once: it was no death");
	close_down(h);
}

static void stubborn_worker(void)
{
	struct procs found = { 0 };
	struct handler_policy policy = house_policy;
	policy.kill_after = 200;
	begin();
	struct handler *h = house_handler(
		&house, MODE_WORKER,
		rig_sh("trap '' TERM; (setsid sleep 1000 &); "
		       "echo '{\"ready\":true,\"concurrency\":2}' >&3; "
		       "read -r a; read -r b; echo here; while :; do sleep 0.01; done"),
		&policy);
	ok(ready(h, 1) && give(h, claim_do(1, "x")) && give(h, claim_do(2, "x")),
	   "a worker heeds no SIGTERM");
	handlers_flush(house.room);
	ok(HOUSE_UNTIL(&house, house.out[0][0]), "and has read two updates");
	cancel(1 << 1);
	ok(HOUSE_UNTIL(&house, house.back == 2) && is_end(1, HANDLER_CANCELLED) && is_other(2),
	   "SIGKILL ends it");
	close_down(h);
	is_num(jobs_alive(&found), 0, "and nothing that it started is left");
	procs_release(&found);
}

static void unread_worker(void)
{
	begin();
	struct handler_policy policy = house_policy;
	struct handler *h = house_handler(&house, MODE_WORKER, rig_sh("exec sleep 1000"), &policy);
	ok(HOUSE_UNTIL(&house, handler_room(h) == 1) && give(h, claim_do(1, "x")),
	   "a worker reads nothing");
	handlers_flush(house.room);
	cancel(1 << 1);
	ok(HOUSE_UNTIL(&house, house.back == 1) && is_end(1, HANDLER_CANCELLED) &&
		   house.unstartable == 0,
	   "what it was given is cancelled, and that is no failure to start");
	close_down(h);
}

/* It answers when it is told to end. */
static void late_answer(void)
{
	begin();
	struct handler_policy policy = house_policy;
	struct handler *h = house_handler(
		&house, MODE_WORKER,
		rig_sh("trap 'echo \"{\\\"id\\\":\\\"1.1\\\",\\\"ok\\\":true,\\\"reply\\\":\\\"hi\\\"}\" >&3; "
		       "echo \"{\\\"id\\\":\\\"2.1\\\",\\\"ok\\\":true}\" >&3; exit 0' TERM; "
		       "echo '{\"ready\":true,\"concurrency\":2}' >&3; read -r a; read -r b; echo here; "
		       "while :; do sleep 0.01; done"),
		&policy);
	ok(ready(h, 1) && give(h, claim_do(1, "x")) && give(h, claim_do(2, "x")),
	   "a worker holds two");
	handlers_flush(house.room);
	ok(HOUSE_UNTIL(&house, house.out[0][0]), "and has read them");
	cancel(1 << 1);
	ok(HOUSE_UNTIL(&house, house.back == 2) && is_end(1, HANDLER_CANCELLED) && is_done(2),
	   "its last word counts for the other, and not for the one that was cancelled");
	close_down(h);
}

static void while_it_stops(void)
{
	struct handler *h = shell(MODE_EXEC,
				  "trap '' TERM; echo here >&2; while :; do sleep 0.01; done",
				  BACKGROUND_WAIT);
	ok(give(h, claim_do(1, "x")) && give(h, claim_do(2, "x")) &&
		   HOUSE_UNTIL(&house, house.out[1][0]),
	   "two run");
	struct handler_policy policy = house_policy;
	house.out[0][0] = '\0';
	struct handler *w = house_handler(
		&house, MODE_WORKER,
		rig_sh("trap '' TERM; echo '{\"ready\":true,\"concurrency\":2}' >&3; "
		       "read -r a; read -r b; echo here; while :; do sleep 0.01; done"),
		&policy);
	ok(ready(w, 1) && give(w, claim_do(3, "x")) && give(w, claim_do(4, "x")),
	   "and two in a worker");
	handlers_flush(house.room);
	ok(HOUSE_UNTIL(&house, house.out[0][0]), "which has read them");
	handlers_stop(house.room, SIGTERM);
	cancel(1 << 1 | 1 << 3);
	handlers_stop(house.room, SIGKILL);
	ok(is_quiet() && is_end(1, HANDLER_CANCELLED) && is_end(3, HANDLER_CANCELLED),
	   "what is cancelled in a stop is cancelled");
	ok(is_end(2, HANDLER_INTERRUPTED) && house.fates[2].result.why == RELEASE_STOP &&
		   is_end(4, HANDLER_INTERRUPTED),
	   "and the rest was interrupted by it");
	handler_free(h);
	handler_free(w);
}

int main(int argc, char **argv)
{
	worker_rig_init(argc, argv);
	RUN(processes);
	RUN(batches);
	RUN(several_in_a_worker);
	RUN(stubborn_worker);
	RUN(unread_worker);
	RUN(late_answer);
	RUN(while_it_stops);
	house_free(&house);
	return done_testing();
}
