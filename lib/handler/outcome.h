/* handler/outcome: what the end of a handler means. A pure table; see "What the handler's end
 * means" in tgrun-handler(7). */
#ifndef TGRUN_HANDLER_OUTCOME_H
#define TGRUN_HANDLER_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

enum outcome_kind {
	OUTCOME_DONE,  /* handled */
	OUTCOME_RETRY, /* failed; again later. See also `asked` and `spent` */
	OUTCOME_DEAD,  /* failed for good */
	OUTCOME_DROP,  /* failed, and the user does not want to know (--on-failure drop) */
};

enum on_failure { ON_FAILURE_DEAD, ON_FAILURE_RETRY, ON_FAILURE_DROP };

struct outcome {
	enum outcome_kind kind;
	/* the exit status, 128 + the signal for a death by signal, -1 after a timeout */
	int status;
	/* OUTCOME_RETRY: the handler itself asked for another time: 75, 111, a worker's retry */
	bool asked;
	/* … and no attempt is left: whether it is given up is not the handler's to say
	 * (sched/ledger.h) */
	bool spent;
	/* of a failure: `exited with status 3`, `killed by signal 11 (SIGSEGV)`, `timed out after
	 * 60s`; else "" */
	char reason[160];
};

struct outcome_policy {
	/* of ends that the table does not know: other statuses, signals, timeouts */
	enum on_failure on_failure;
	/* at which a retry becomes a dead letter, or, if the handler asked for it, `spent`; from 1
	 */
	int max_attempts;
};

/* The status of a pipeline: that of the last stage that failed; a stage that died of SIGPIPE before
 * a later one that succeeded did not fail. `status`: raw, as of waitpid(2), in order. Returns the
 * stage (from 0) whose status counts, -1 when all is well. */
int outcome_stage(const int *status, int stages);

/* What follows from the end of one attempt. `timeout`: milliseconds after which it was killed, 0:
 * it ended by itself. `failures`: attempts that had failed before. */
void outcome_of(const int *status, int stages, int64_t timeout, int failures,
		const struct outcome_policy *policy, struct outcome *out);

/* Whether the end asks for another attempt, with any policy. */
bool outcome_is_retry(const int *status, int stages, bool timed_out);

/* A failure that is none of a process's own: `reason`, by the policy. */
void outcome_failed(const char *reason, int failures, const struct outcome_policy *policy,
		    struct outcome *out);

/* One that is spent is given up: a dead letter. */
void outcome_give_up(int failures, const struct outcome_policy *policy, struct outcome *out);

/* Adds to the reason what else is known; what does not fit is left out. */
void outcome_add(struct outcome *out, const char *text);

/* What follows from a worker's answer that is not ok: a retry, else a dead letter. The status is
 * that of a process that meant the same: 75 or 65. */
void outcome_answer(bool retry, const char *reason, int failures,
		    const struct outcome_policy *policy, struct outcome *out);

#endif
