/* handler/outcome: raw statuses in, an outcome with its reason out. Pure; no process is touched
 * here.
 *
 * The statuses follow sysexits(3) and qmail-command(8) (111 try again, 100 and 112 give up). Shell
 * scripts end non-zero by accident, so any other failure is run again only when the user asked for
 * it. */
#include "handler/outcome.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "base/duration.h"
#include "base/utf8.h"

enum meaning { MEANS_DONE, MEANS_RETRY, MEANS_DEAD, MEANS_FAILED };

static enum meaning meaning_of(int exit_status)
{
	switch (exit_status) {
	case 0:
		return MEANS_DONE;
	case EX_TEMPFAIL:
	case 111:
		return MEANS_RETRY;
	case EX_USAGE:
	case EX_DATAERR:
	case EX_PROTOCOL:
	case EX_NOPERM:
	case EX_CONFIG:
	case 100:
	case 112:
		return MEANS_DEAD;
	default:
		return MEANS_FAILED;
	}
}

static enum outcome_cause cause_of(enum meaning meaning)
{
	switch (meaning) {
	case MEANS_RETRY:
		return CAUSE_LATER;
	case MEANS_DEAD:
		return CAUSE_REFUSED;
	case MEANS_DONE:
	case MEANS_FAILED:
		break;
	}
	return CAUSE_STATUS;
}

static bool succeeded(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int outcome_stage(const int *status, int stages)
{
	bool later_success = false;
	for (int i = stages - 1; i >= 0; i--) {
		if (succeeded(status[i]))
			later_success = true;
		else if (!(later_success && WIFSIGNALED(status[i]) &&
			   WTERMSIG(status[i]) == SIGPIPE))
			return i;
	}
	return -1;
}

static void say(struct outcome *out, const char *where, int status)
{
	if (WIFSIGNALED(status)) {
		const char *name = sigabbrev_np(WTERMSIG(status));
		snprintf(out->reason, sizeof out->reason, "%skilled by signal %d (SIG%s)%s", where,
			 WTERMSIG(status), name ? name : "?",
			 WTERMSIG(status) == SIGXCPU ? ": its processor time was used up" : "");
		out->status = 128 + WTERMSIG(status);
	} else {
		out->status = WEXITSTATUS(status);
		snprintf(out->reason, sizeof out->reason, "%sexited with status %d", where,
			 out->status);
	}
}

static enum outcome_kind kind_of(enum meaning meaning, enum on_failure on_failure)
{
	switch (meaning) {
	case MEANS_DONE:
		return OUTCOME_DONE;
	case MEANS_RETRY:
		return OUTCOME_RETRY;
	case MEANS_DEAD:
		return OUTCOME_DEAD;
	case MEANS_FAILED:
		break;
	}
	switch (on_failure) {
	case ON_FAILURE_DEAD:
		return OUTCOME_DEAD;
	case ON_FAILURE_RETRY:
		return OUTCOME_RETRY;
	case ON_FAILURE_DROP:
		break;
	}
	return OUTCOME_DROP;
}

void outcome_give_up(int failures, const struct outcome_policy *policy, struct outcome *out)
{
	char attempts[64];
	int room = (int)sizeof out->reason - 1 -
		   snprintf(attempts, sizeof attempts, ", attempt %d of %d", failures + 1,
			    policy->max_attempts);
	out->kind = OUTCOME_DEAD;
	size_t n = strlen(out->reason);
	if (n > (size_t)room)
		n = utf8_cut(out->reason, (size_t)room);
	snprintf(out->reason + n, sizeof out->reason - n, "%s", attempts);
}

/* A retry past the last attempt is none, unless the handler asked for it: the time may be wrong,
 * not the update. */
static void count(int failures, const struct outcome_policy *policy, struct outcome *out)
{
	bool last = out->kind == OUTCOME_RETRY && failures + 1 >= policy->max_attempts;
	if (last && out->asked)
		out->spent = true;
	else if (last)
		outcome_give_up(failures, policy, out);
}

void outcome_of(const int *status, int stages, int64_t timeout, int failures,
		const struct outcome_policy *policy, struct outcome *out)
{
	enum meaning meaning = MEANS_DONE;
	*out = (struct outcome){ .kind = OUTCOME_DONE, .after = -1 };
	int stage = outcome_stage(status, stages);
	if (timeout > 0) {
		char limit[32];
		duration_format(timeout, limit, sizeof limit);
		snprintf(out->reason, sizeof out->reason, "timed out after %s", limit);
		out->status = -1;
		out->cause = CAUSE_TIMEOUT;
		meaning = MEANS_FAILED;
	} else if (stage >= 0) {
		char where[48] = "";
		if (stages > 1)
			snprintf(where, sizeof where, "stage %d of %d ", stage + 1, stages);
		say(out, where, status[stage]);
		bool exited = WIFEXITED(status[stage]);
		meaning = exited ? meaning_of(WEXITSTATUS(status[stage])) : MEANS_FAILED;
		out->cause = exited ? cause_of(meaning) : CAUSE_SIGNAL;
	}
	out->kind = kind_of(meaning, policy->on_failure);
	out->asked = meaning == MEANS_RETRY;
	count(failures, policy, out);
}

bool outcome_is_retry(const int *status, int stages, bool timed_out)
{
	int stage = outcome_stage(status, stages);
	return !timed_out && stage >= 0 && WIFEXITED(status[stage]) &&
	       meaning_of(WEXITSTATUS(status[stage])) == MEANS_RETRY;
}

void outcome_failed(const char *reason, int failures, const struct outcome_policy *policy,
		    struct outcome *out)
{
	*out = (struct outcome){ .kind = kind_of(MEANS_FAILED, policy->on_failure),
				 .cause = CAUSE_NO_ANSWER,
				 .status = -1,
				 .after = -1 };
	snprintf(out->reason, sizeof out->reason, "%s", reason);
	count(failures, policy, out);
}

void outcome_again(const char *reason, int status, int failures,
		   const struct outcome_policy *policy, struct outcome *out)
{
	*out = (struct outcome){ .kind = OUTCOME_RETRY, .status = status, .after = -1 };
	snprintf(out->reason, sizeof out->reason, "%s", reason);
	count(failures, policy, out);
}

void outcome_answer(bool retry, const char *reason, int failures,
		    const struct outcome_policy *policy, struct outcome *out)
{
	*out = (struct outcome){ .kind = retry ? OUTCOME_RETRY : OUTCOME_DEAD,
				 .cause = retry ? CAUSE_LATER : CAUSE_REFUSED,
				 .status = retry ? EX_TEMPFAIL : EX_DATAERR,
				 .asked = retry,
				 .after = -1 };
	snprintf(out->reason, sizeof out->reason, "%s", reason);
	out->reason[utf8_cut(out->reason, strlen(out->reason))] = '\0';
	count(failures, policy, out);
}

void outcome_add(struct outcome *out, const char *text)
{
	size_t n = strlen(out->reason);
	snprintf(out->reason + n, sizeof out->reason - n, "%s", text);
}
