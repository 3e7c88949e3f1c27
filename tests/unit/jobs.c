/* tests/unit/jobs: several kinds of jobs share the slots; hooks have slots of their own, and wait
 * for them; the examples of workers work. */
#include "tests/unit/handler_rig.h"

static struct house house;

static int hook(const char *script, const char *sentence, int64_t timeout)
{
	struct command *command = rig_sh(script);
	struct claim *c = claim_make(
		5, "chat:9",
		"{\"update_id\":55,\"message\":{\"chat\":{\"id\":9},\"text\":\"hi\"}}");
	struct hook h = { .name = "on-error",
			  .command = command,
			  .claim = c,
			  .reason = "exited with status 3",
			  .status = 3,
			  .sentence = sentence,
			  .timeout = timeout,
			  .kill_after = 100,
			  .max_attempts = 4 };
	int rc = handlers_hook(house.room, &h);
	claim_free(c);
	command_unref(command);
	return rc;
}

static char *read_file(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static void hooks(void)
{
	char path[] = "/tmp/tgrun-hook-XXXXXX", script[512];
	close(mkstemp(path));
	snprintf(
		script, sizeof script,
		"{ echo \"$TG_REASON|$TG_STATUS|$TG_STDERR|$TG_CHAT_ID|$TG_UPDATE_ID\"; cat; } >%s",
		path);
	ok(!hook(script, "oh", 0) && handlers_hooks(house.room) == 1, "a hook begins");
	ok(HOUSE_UNTIL(&house, handlers_hooks(house.room) == 0), "and ends");
	is_str(read_file(path),
	       "exited with status 3|3|oh|9|55\n{\"update_id\":55,\"message\":{\"chat\":{\"id\":9},\"text\":\"hi\"}}\n",
	       "it was given the reason, the update's variables and the update");
	is_num(house.back, 0, "nobody else heard of it");
	int64_t before = clock_system.wall(&clock_system) / 1000;
	snprintf(script, sizeof script, "echo \"$TG_ATTEMPT $TG_MAX_ATTEMPTS $TG_DEADLINE\" >%s",
		 path);
	hook(script, "", 60000);
	HOUSE_UNTIL(&house, handlers_hooks(house.room) == 0);
	long long attempt = 0, most = 0, deadline = 0;
	sscanf(read_file(path), "%lld %lld %lld", &attempt, &most, &deadline);
	ok(attempt == 1 && most == 4, "which attempt it was, and of how many");
	if (!ok(deadline >= before + 60 && deadline <= clock_system.wall(&clock_system) / 1000 + 60,
		"and when it will be ended itself"))
		diag("before %lld, deadline %lld", (long long)before, deadline);
	ok(!hook("sleep 1000", "", 100) && HOUSE_UNTIL(&house, handlers_hooks(house.room) == 0),
	   "it has a deadline");
	struct handler *h = house_handler(&house, MODE_EXEC, rig_sh("sleep 1000"), &house_policy);
	is_num((int64_t)handler_room(h), 2,
	       "the slot that is kept for hooks is no room for updates");
	give(h, claim_do(1, "x"));
	give(h, claim_do(2, "x"));
	ok(!give(h, claim_do(3, "x")), "nor can it be taken");
	ok(!hook("exit 1", "", 0) && HOUSE_UNTIL(&house, handlers_hooks(house.room) == 0),
	   "so a hook runs while all else is busy");
	snprintf(script, sizeof script, "echo x >>%s", path);
	unlink(path);
	int refused = 0;
	for (int i = 0; i < 1002; i++)
		refused += hook(i == 0 ? "sleep 1000" : script, "", 0) != 0;
	ok(refused == 1 && handlers_hooks_dropped(house.room) == 1,
	   "a thousand may wait while one runs, and no more (%d)", refused);
	handlers_stop(house.room, SIGKILL);
	ok(HOUSE_UNTIL(&house, handlers_quiet(house.room)), "a stop ends hooks, too");
	is_num((int64_t)handlers_hooks_dropped(house.room), 1001,
	       "and those that waited are not run");
	is_str(read_file(path), "", "none of them");
}

static void shared(void)
{
	struct handler_policy policy = house_policy;
	struct handler_counts c;
	struct handler *one = house_handler(&house, MODE_EXEC, rig_sh("exit 0"), &policy);
	struct handler *many = house_handler(&house, MODE_BATCH, rig_sh("cat >/dev/null"), &policy);
	struct handler *stay = house_handler(
		&house, MODE_WORKER,
		rig_sh("while read -r line; do id=${line#*'\"id\":\"'}; id=${id%%'\"'*}; "
		       "echo \"{\\\"id\\\":\\\"$id\\\",\\\"ok\\\":true}\" >&3; done"),
		&policy);
	int given = 0;
	house.back = 0;
	while (given < 300 &&
	       HOUSE_UNTIL(&house, handler_room(one) || handler_room(many) || handler_room(stay))) {
		struct handler *h = handler_room(stay)               ? stay
				    : given % 2 && handler_room(one) ? one
				    : handler_room(many)             ? many
								     : one;
		given += give(h, claim_do(given + 1, "x"));
		handlers_flush(house.room);
		loop_turn(house.rig.loop, 0);
	}
	ok(HOUSE_UNTIL(&house, house.back == 300),
	   "processes, batches and workers share the slots (%d)", given);
	int done = 0;
	for (int i = 1; i <= 300; i++)
		done += house.fates[i].done == 1 &&
			house.fates[i].result.outcome.kind == OUTCOME_DONE;
	is_num(done, 300, "each update is handled once");
	handler_counts(stay, &c);
	is_num((int64_t)c.starts, 1, "the worker stayed");
	int pid = 0;
	struct procs found = { 0 };
	if (jobs_alive(&found) > 0)
		pid = found.pids[0];
	struct procs_stat stat;
	ok(pid && !procs_stat(pid, &stat) && !kill(stat.parent, SIGKILL),
	   "the slot of the worker is killed");
	ok(HOUSE_UNTIL(&house, (handler_counts(stay, &c), c.starts == 2)) && !is_alive(pid),
	   "the worker is gone, and another is started");
	give(stay, claim_do(301, "x"));
	ok(HOUSE_UNTIL(&house, house.fates[301].done == 1), "which works");
	procs_release(&found);
}

static void examples(void)
{
	static const char *const files[] = { "worker.sh", "worker.py", "worker.mjs" };
	char path[4096];
	for (int i = 0; i < 3; i++) {
		struct handler_policy policy = house_policy;
		policy.timeout = 20000;
		snprintf(path, sizeof path, "share/examples/%s", files[i]);
		char *whole = realpath(path, NULL);
		const char *const env[] = { getenv("PATH") ? getenv("PATH") - 5
							   : "PATH=/usr/bin:/bin",
					    NULL };
		if (!whole || (i == 2 && access("/usr/bin/node", X_OK))) {
			ok(true, "# SKIP %s cannot be run here", files[i]);
			free(whole);
			continue;
		}
		struct handler *h = house_handler(&house, MODE_WORKER,
						  rig_command(STAGES(ARGV(whole)), env, NULL),
						  &policy);
		house.back = 0;
		memset(house.fates, 0, FATES_MAX * sizeof *house.fates);
		HOUSE_UNTIL(&house, handler_room(h) > 0);
		for (int seq = 1; seq <= 5; seq++) {
			HOUSE_UNTIL(&house, handler_room(h) > 0);
			give(h, claim_make(seq, "chat:1",
					   "{\"update_id\":1,\"message\":{\"text\":\"h\u00e9\"}}"));
		}
		HOUSE_UNTIL(&house, house.back == 5);
		int done = 0;
		for (int seq = 1; seq <= 5; seq++)
			done += house.fates[seq].result.end == HANDLER_ENDED &&
				house.fates[seq].result.outcome.kind == OUTCOME_DONE;
		if (!ok(done == 5, "the example %s handles updates", files[i]))
			diag("%d done; %s; said '%s'", done, house.fates[1].reason, house.out[1]);
		handler_free(h);
		ok(HOUSE_UNTIL(&house, handlers_quiet(house.room)), "and ends with its input");
		free(whole);
	}
}

int main(void)
{
	house_init(&house, 3, 1);
	RUN(hooks);
	house_free(&house);
	house_init(&house, 4, 0);
	RUN(shared);
	house_free(&house);
	house_init(&house, 3, 0);
	RUN(examples);
	house_free(&house);
	return done_testing();
}
