/* tests/unit/outcome: the table of what a handler's end means, row by row, and the status of
 * pipelines. */
#include <signal.h>

#include "handler/outcome.h"
#include "tests/tap.h"

#define EXIT(n)       ((n) << 8)
#define KILLED(signo) (signo)

static const char *const kinds[] = { "done", "retry", "dead", "drop" };

static struct outcome of(int status, enum on_failure on_failure, int failures)
{
	struct outcome_policy policy = { on_failure, 10 };
	struct outcome o;
	outcome_of(&status, 1, 0, failures, &policy, &o);
	return o;
}

static void test_table(void)
{
	static const struct {
		int status;
		const char *kind;
		const char *reason;
	} rows[] = {
		{ EXIT(0), "done", "" },
		{ EXIT(75), "retry", "exited with status 75" },
		{ EXIT(111), "retry", "exited with status 111" },
		{ EXIT(64), "dead", "exited with status 64" },
		{ EXIT(65), "dead", "exited with status 65" },
		{ EXIT(76), "dead", "exited with status 76" },
		{ EXIT(77), "dead", "exited with status 77" },
		{ EXIT(78), "dead", "exited with status 78" },
		{ EXIT(100), "dead", "exited with status 100" },
		{ EXIT(112), "dead", "exited with status 112" },
		{ EXIT(1), "dead", "exited with status 1" },
		{ EXIT(2), "dead", "exited with status 2" },
		{ EXIT(126), "dead", "exited with status 126" },
		{ EXIT(127), "dead", "exited with status 127" },
		{ EXIT(255), "dead", "exited with status 255" },
		{ KILLED(SIGSEGV), "dead", "killed by signal 11 (SIGSEGV)" },
		{ KILLED(SIGPIPE), "dead", "killed by signal 13 (SIGPIPE)" },
		{ KILLED(SIGINT), "dead", "killed by signal 2 (SIGINT)" },
		{ KILLED(SIGXCPU), "dead",
		  "killed by signal 24 (SIGXCPU): its processor time was used up" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct outcome o = of(rows[i].status, ON_FAILURE_DEAD, 0);
		bool right = strcmp(kinds[o.kind], rows[i].kind) == 0 &&
			     strcmp(o.reason, rows[i].reason) == 0;
		if (!ok(right, "raw status %d: %s", rows[i].status, rows[i].kind))
			diag("got %s, '%s'", kinds[o.kind], o.reason);
	}
}

/* What is counted as the cause. */
static void test_causes(void)
{
	const struct outcome_policy policy = { ON_FAILURE_DEAD, 10 };
	const int killed = KILLED(SIGTERM);
	struct outcome o;
	is_num(of(EXIT(3), ON_FAILURE_RETRY, 0).cause, CAUSE_STATUS, "a status of no meaning");
	is_num(of(KILLED(SIGSEGV), ON_FAILURE_DEAD, 0).cause, CAUSE_SIGNAL, "a signal");
	is_num(of(EXIT(75), ON_FAILURE_DEAD, 0).cause, CAUSE_LATER, "75 asks for another attempt");
	is_num(of(EXIT(111), ON_FAILURE_DEAD, 9).cause, CAUSE_LATER, "so does 111, the last time");
	is_num(of(EXIT(65), ON_FAILURE_DROP, 0).cause, CAUSE_REFUSED, "65 refuses it");
	outcome_of(&killed, 1, 5000, 0, &policy, &o);
	is_num(o.cause, CAUSE_TIMEOUT, "a deadline, however it ended then");
	outcome_failed("no answer", 0, &policy, &o);
	is_num(o.cause, CAUSE_NO_ANSWER, "a worker without an answer");
	outcome_answer(true, "later", 0, &policy, &o);
	is_num(o.cause, CAUSE_LATER, "a worker that asks for another attempt");
	outcome_answer(false, "never", 0, &policy, &o);
	is_num(o.cause, CAUSE_REFUSED, "a worker that refuses it");
}

static void test_on_failure(void)
{
	is_str(kinds[of(EXIT(1), ON_FAILURE_RETRY, 0).kind], "retry",
	       "--on-failure retry tries an unknown status again");
	is_str(kinds[of(EXIT(1), ON_FAILURE_DROP, 0).kind], "drop", "--on-failure drop forgets it");
	is_str(kinds[of(KILLED(SIGKILL), ON_FAILURE_RETRY, 0).kind], "retry",
	       "a death by signal follows --on-failure");
	is_str(kinds[of(EXIT(65), ON_FAILURE_RETRY, 0).kind], "dead",
	       "a status that gives up is not tried again by --on-failure retry");
	is_str(kinds[of(EXIT(75), ON_FAILURE_DROP, 0).kind], "retry",
	       "75 is tried again in any case");
	is_str(kinds[of(EXIT(75), ON_FAILURE_DEAD, 8).kind], "retry",
	       "the ninth attempt of ten is followed by another");
	struct outcome last = of(EXIT(75), ON_FAILURE_DEAD, 9);
	ok(last.kind == OUTCOME_RETRY && last.asked && last.spent,
	   "the tenth attempt of ten leaves none: who decides what becomes of it is told");
	outcome_give_up(9, &(struct outcome_policy){ ON_FAILURE_DEAD, 10 }, &last);
	is_str(kinds[last.kind], "dead", "it may be given up");
	is_str(last.reason, "exited with status 75, attempt 10 of 10", "and the reason says so");
	last = of(EXIT(3), ON_FAILURE_RETRY, 9);
	ok(last.kind == OUTCOME_DEAD && !last.asked && !last.spent,
	   "a failure that did not ask for another attempt has none after the last");
	outcome_answer(true, "busy", 9, &(struct outcome_policy){ ON_FAILURE_DEAD, 10 }, &last);
	ok(last.kind == OUTCOME_RETRY && last.asked && last.spent,
	   "a worker that asks for another attempt is heard as status 75 is");
}

static void test_timeout(void)
{
	struct outcome_policy policy = { ON_FAILURE_DEAD, 10 };
	struct outcome o;
	int status = 0;
	outcome_of(&status, 1, 60000, 0, &policy, &o);
	is_str(kinds[o.kind], "dead",
	       "a timeout is a failure, even when the handler then ended with 0");
	is_str(o.reason, "timed out after 60s", "its reason names the limit");
}

/* What failed without having asked for another attempt, and gets one. */
static void test_again(void)
{
	static const enum on_failure all[] = { ON_FAILURE_DEAD, ON_FAILURE_RETRY, ON_FAILURE_DROP };
	struct outcome o;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct outcome_policy policy = { all[i], 3 };
		outcome_again("cut", 75, 1, &policy, &o);
		ok(o.kind == OUTCOME_RETRY && !o.asked && o.status == 75 && o.after < 0,
		   "it is tried again, whatever --on-failure says (%d)", (int)all[i]);
		outcome_again("cut", -1, 2, &policy, &o);
		ok(o.kind == OUTCOME_DEAD && !o.spent, "until its attempts are used up");
		is_str(o.reason, "cut, attempt 3 of 3", "which is the reason");
	}
}

static void test_pipelines(void)
{
	static const struct {
		int n;
		int status[3];
		int stage;
		const char *what;
	} rows[] = {
		{ 3, { 0, 0, 0 }, -1, "all stages succeed" },
		{ 3, { EXIT(1), EXIT(2), 0 }, 1, "the last stage that failed counts" },
		{ 2,
		  { KILLED(SIGPIPE), 0 },
		  -1,
		  "a stage that died of SIGPIPE before a successful one did not fail" },
		{ 2, { KILLED(SIGPIPE), EXIT(1) }, 1, "before a failed one it does not matter" },
		{ 2, { 0, KILLED(SIGPIPE) }, 1, "the last stage's own SIGPIPE is a failure" },
		{ 3, { EXIT(3), KILLED(SIGPIPE), 0 }, 0, "an earlier failure still counts" },
		{ 2, { EXIT(141), 0 }, 0, "a shell's 141 is a status, not a death by SIGPIPE" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		is_num(outcome_stage(rows[i].status, rows[i].n), rows[i].stage, rows[i].what);
	struct outcome_policy policy = { ON_FAILURE_DEAD, 10 };
	struct outcome o;
	int two[] = { EXIT(75), 0 };
	outcome_of(two, 2, 0, 0, &policy, &o);
	is_str(o.reason, "stage 1 of 2 exited with status 75", "the reason names the stage");
	is_str(kinds[o.kind], "retry", "and its status decides");
}

int main(void)
{
	RUN(test_table);
	RUN(test_causes);
	RUN(test_on_failure);
	RUN(test_timeout);
	RUN(test_pipelines);
	RUN(test_again);
	return done_testing();
}
