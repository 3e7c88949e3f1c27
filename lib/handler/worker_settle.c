/* handler/worker_settle: the end of a worker in, results of what it held out. Invariant: no
 * update fails because of another, and none because of a worker that never read it. One fails
 * when it was over its deadline, or when it was alone in the worker that died; else it is not
 * known who is guilty, and each is handed out again alone. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "handler/worker_internal.h"

/* The stage, from 1, that exited with status 0, and whose end was that of the others, too: by
 * SIGPIPE, or by a shell's word for that, status 141. The slot may have seen it end before them, or
 * all of them at once. 0: none. */
static int ended_well(const struct worker *w)
{
	int last = w->end.stages, failed = outcome_stage(w->end.status, last);
	if (w->broken)
		return w->end.status[w->broken - 1] == 0 ? w->broken : 0;
	bool by_pipe = failed < 0 || (WIFEXITED(w->end.status[failed]) &&
				      WEXITSTATUS(w->end.status[failed]) == 128 + SIGPIPE);
	return last > 1 && w->end.status[last - 1] == 0 && by_pipe ? last : 0;
}

void worker_describe_end(const struct worker *w, char *out, size_t n)
{
	struct outcome o;
	int well = ended_well(w);
	outcome_of(w->end.status, w->end.stages, 0, 0, &w->h->policy.outcome, &o);
	if (well)
		snprintf(out, n, "stage %d of %d exited with status 0", well, w->end.stages);
	else
		snprintf(out, n, "%s", o.reason[0] ? o.reason : "exited with status 0");
}

/* Whether its end was a failure to start, which is charged to no update. */
static bool never_began(const struct worker *w)
{
	if (w->stopped || w->cancelled)
		return false;
	/* In a pipeline the first stage may have read for one that was not there. But if the
	 * pipeline had stood for a while when it got its first update, it may be due to that. */
	bool lasted = w->count && w->held[0].started >= w->started + WORKER_SETTLES;
	return w->read == 0 ||
	       (w->end.stages > 1 && !worker_has_spoken(w) && !w->asked && !w->killed && !lasted);
}

/* How many updates the worker can have seen. */
static int seen(const struct worker *w)
{
	int n = 0;
	for (int i = 0; i < w->count; i++)
		n += w->held[i].from < w->read ? 1 + w->held[i].more : 0;
	return n;
}

static void interrupted(struct handler_result *r, enum release_why why, const char *reason)
{
	r->end = HANDLER_INTERRUPTED;
	r->why = why;
	r->reason = reason;
}

static void failed(const struct worker *w, const struct claim *c, struct handler_result *r)
{
	const struct outcome_policy *policy = &w->h->policy.outcome;
	int stage = outcome_stage(w->end.status, w->end.stages);
	r->end = HANDLER_ENDED;
	/* An exit closes its descriptors before it is an end, so the fault may be half of one. */
	if (w->fault && (stage < 0 || !WIFEXITED(w->end.status[stage])))
		outcome_failed(w->fault, c->failures, policy, &r->outcome);
	else if (stage < 0)
		outcome_failed("worker exited with status 0 without an answer", c->failures, policy,
			       &r->outcome);
	else
		outcome_of(w->end.status, w->end.stages, 0, c->failures, policy, &r->outcome);
}

/* The `i`th of what it held together. */
static void settle_one(struct worker *w, const struct held *u, int i, enum worker_end how,
		       int others, struct handler_result *r)
{
	const struct claim *c = held_claim(u, i);
	r->started = u->from < w->read;
	if (held_cancelled(u, i)) {
		r->end = HANDLER_CANCELLED;
	} else if (w->end.expired) {
		interrupted(r, RELEASE_CUT, ledger_row(RELEASE_CUT)->phrase);
	} else if (how == WORKER_UNSTARTABLE) {
		interrupted(r, RELEASE_NO_START, w->why);
	} else if (w->unbegun) {
		interrupted(r, RELEASE_NO_START,
			    w->read == 0 ? "its worker ended before it read anything"
					 : "its worker ended before it answered anything");
	} else if (u->timed_out && u->more) {
		interrupted(r, RELEASE_SHARED, "its batch was not answered in time");
	} else if (u->timed_out) {
		r->end = HANDLER_ENDED;
		outcome_of(w->end.status, w->end.stages, u->timeout, c->failures,
			   &w->h->policy.outcome, &r->outcome);
	} else if (w->stopped) {
		interrupted(r, RELEASE_STOP, "tgrun was stopped");
	} else if (how == WORKER_DIED) {
		interrupted(r, r->started ? RELEASE_SLOT : RELEASE_NOT_GIVEN, "its slot died");
	} else if (!r->started) {
		interrupted(r, RELEASE_NOT_GIVEN, "its worker ended before it read it");
	} else if (w->killed && !w->fault) {
		interrupted(r, RELEASE_OTHER, "its worker was ended because of another update");
	} else if (w->unheard && !w->fault) {
		interrupted(r, RELEASE_REPLACED,
			    "nobody reads the standard output that its worker had");
	} else if (others > 0) {
		interrupted(r, RELEASE_SHARED, "its worker died while it held several");
	} else {
		failed(w, c, r);
	}
}

void worker_settle(struct worker *w, enum worker_end how)
{
	int several = seen(w);
	w->unbegun = how == WORKER_ENDED && never_began(w);
	int64_t now = handler_now(w->h->room);
	for (; w->count; w->count--) {
		/* Last in, first out of the list; the queue knows their order. */
		struct held *u = &w->held[w->count - 1];
		bool its_own = several == 1 || (u->timed_out && !u->more);
		for (int i = 0; i <= u->more; i++) {
			struct claim *c = held_claim(u, i);
			struct handler_result r = {
				.elapsed = now - u->started,
				.sentence = its_own ? output_sentence(&w->output) : "",
				.last_stderr = its_own ? output_last_stderr(&w->output) : "",
				.dropped = w->output.dropped,
			};
			settle_one(w, u, i, how, several - 1, &r);
			w->output.dropped = 0;
			room_done(w->h, c, &r);
		}
		free(u->rest);
	}
}
