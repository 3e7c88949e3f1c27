/* handler/outcome: what the end of an attempt means for its update: exit statuses and answers come
 * in; done, again later, dead letter or drop, with the reason, comes out. Pure: nothing is settled
 * here. The rules are those of "EXIT STATUS" in tgrun-handler(7). */
#ifndef TGRUN_HANDLER_OUTCOME_H
#define TGRUN_HANDLER_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

enum outcome_kind {
	OUTCOME_DONE,  /* the update was handled */
	OUTCOME_RETRY, /* the attempt failed, and another is to follow */
	OUTCOME_DEAD,  /* it failed, and the update becomes a dead letter */
	OUTCOME_DROP,  /* it failed, and the update is forgotten (--on-failure drop) */
};

enum on_failure { ON_FAILURE_DEAD, ON_FAILURE_RETRY, ON_FAILURE_DROP };

/* What made an attempt a failure, for who counts. */
enum outcome_cause {
	CAUSE_STATUS,  /* an exit status without a meaning of its own; also of what did not fail */
	CAUSE_SIGNAL,  /* it died of a signal */
	CAUSE_TIMEOUT, /* it was ended at its deadline */
	CAUSE_LATER,   /* it asked for another attempt */
	CAUSE_REFUSED, /* it said that this update will never do */
	CAUSE_NO_ANSWER, /* a worker that ended, or broke its protocol, before it answered */
	CAUSE_REPLY,     /* it ended well, and what it printed is no reply */
	OUTCOME_CAUSES
};

struct outcome {
	enum outcome_kind kind;
	enum outcome_cause cause;
	/* the exit status; of a death by signal 128 and its number; of an answer that is not ok
	 * that of a process that meant the same; -1: of a timeout, or of a failure without a status
	 */
	int status;
	/* OUTCOME_RETRY: the handler itself asked for another attempt, by status 75, 111 or a
	 * worker's `retry`. Stays when outcome_give_up() makes OUTCOME_DEAD of it. */
	bool asked;
	/* of one that was asked for: milliseconds until the next attempt, as the handler said; -1:
	 * it did not say */
	int64_t after;
	/* OUTCOME_RETRY that was asked for when max_attempts were made: whether there is another
	 * attempt, or outcome_give_up(), is decided by ledger_may_give_up(). */
	bool spent;
	/* of a failure, for people: `exited with status 3`, `killed by signal 11 (SIGSEGV)`, `timed
	 * out after 60s`; else "" */
	char reason[160];
};

struct outcome_policy {
	/* what follows from ends of no meaning: other statuses, signals, timeouts */
	enum on_failure on_failure;
	/* Attempts, from 1, after which an OUTCOME_RETRY becomes OUTCOME_DEAD, or is `spent` if it
	 * was asked for. */
	int max_attempts;
};

/* Which stage's status is that of a pipeline: the last one that failed. A stage that died of
 * SIGPIPE before a later one that succeeded did not fail. `status`: of `stages` stages in order,
 * raw, as of waitpid(2). Returns the number of the stage, from 0; -1 when none failed. */
int outcome_stage(const int *status, int stages);

/* What follows from the end of a process, or a pipeline, that is well or not. `status` and `stages`
 * as in outcome_stage(). `timeout`: the milliseconds after which it was ended for taking too long;
 * 0: it was not. `failures`: how many attempts of the update had failed before this. */
void outcome_of(const int *status, int stages, int64_t timeout, int failures,
		const struct outcome_policy *policy, struct outcome *out);

/* Whether such an end asks for another attempt, whatever the policy is: status 75 or 111, not after
 * a timeout. */
bool outcome_is_retry(const int *status, int stages, bool timed_out);

/* What follows from a failure that no exit status tells, such as a worker that ends without an
 * answer: what `policy` says of ends of no meaning. `reason`: for people, copied. */
void outcome_failed(const char *reason, int failures, const struct outcome_policy *policy,
		    struct outcome *out);

/* What follows from a failure behind which another attempt is made, whatever the policy says of
 * ends of no meaning, and which nobody asked for. `status`: as in struct outcome. `reason`: copied.
 */
void outcome_again(const char *reason, int status, int failures,
		   const struct outcome_policy *policy, struct outcome *out);

/* Makes OUTCOME_DEAD of one that is `spent`, and adds to its reason which attempt it was, of how
 * many. `failures` as in outcome_of(). */
void outcome_give_up(int failures, const struct outcome_policy *policy, struct outcome *out);

/* Appends `text` to the reason; what does not fit is left out. */
void outcome_add(struct outcome *out, const char *text);

/* What follows from a worker's answer that is not ok: as from status 75 if it has `retry`, else as
 * from 65. `reason`: the worker's words, copied as far as they fit. */
void outcome_answer(bool retry, const char *reason, int failures,
		    const struct outcome_policy *policy, struct outcome *out);

#endif
