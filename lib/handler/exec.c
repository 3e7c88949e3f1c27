/* handler/exec: claims in, a process for them, results out: one update that the process gets as
 * stdin and in its environment (exec), or several as JSON lines (batch). What was gathered, all of
 * one chat, is both: several lines, with the environment of the first.
 *
 * When a batch fails, its status says how but not because of which update. So nobody is charged:
 * each is handed out again alone, where the table of outcomes holds. "Again later" is an answer for
 * all of them. When it is ended because some of its updates were cancelled, the others are handed
 * out again as they were. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "handler/handler_internal.h"
#include "handler/mode_internal.h"
#include "handler/proc.h"

struct attempt {
	struct proc proc;
	struct handler *h;
	uint64_t looked; /* the handlers_cancel() that has looked at it */
	bool cancelled;  /* it was ended for that of some member */
	size_t n;
	struct member members[];
};

static struct attempt *attempt_of(struct proc *p)
{
	return container_of(p, struct attempt, proc);
}

/* Whether what it runs for has an environment, and an answer, of its own. */
static bool has_own(const struct handler *h)
{
	return h->ops->traits.most == 1 || h->policy.gathered;
}

/* The one update that can have caused what the process does. */
static struct claim *only(const struct attempt *a)
{
	return a->n == 1 ? a->members[0].claim : NULL;
}

static void on_line(struct proc *p, int which, const char *text, size_t n)
{
	struct attempt *a = attempt_of(p);
	told_line(a->h, only(a), a->n, which, text, n);
}

static void on_overdue(struct proc *p, const char *limit)
{
	struct attempt *a = attempt_of(p);
	struct log *log = a->h->room->config.log;
	char what[256] = "";
	const struct claim *c = a->members[0].claim;
	struct log_field fields[] = { CLAIM_LOG_ID(c), LOG_STR("key", c->keys) };
	if (p->ended) {
		jobs_describe(&p->job, what, sizeof what);
		log_event(
			log, LOG_WARN, fields, 2,
			"background work still runs after %s: %s; ending it "
			"(--background leave would let it run on, kill would end it with its handler)",
			limit, what);
	} else {
		log_event(log, LOG_WARN, fields, 2, "handler timed out after %s: ending it", limit);
	}
}

/* What the end of the process means for one of its updates. */
static void result_of(struct attempt *a, enum proc_end how, int errnum, const struct member *m,
		      struct handler_result *out)
{
	struct proc *p = &a->proc;
	if (m->cancelled) {
		out->end = HANDLER_CANCELLED;
		return;
	}
	switch (how) {
	case PROC_UNSTARTABLE:
		out->end = HANDLER_UNSTARTABLE;
		out->reason = p->why;
		out->outcome.status = errnum;
		out->started = p->begun;
		/* The slot has tried it without the long ones. A batch of many chats has none. */
		if (errnum == E2BIG && has_own(a->h) && command_fits(a->h->command)) {
			out->end = HANDLER_INTERRUPTED;
			out->why = a->n == 1 ? RELEASE_SIZE : RELEASE_SHARED;
			out->reason = ledger_row(RELEASE_SIZE)->phrase;
		}
		return;
	case PROC_DIED:
		out->end = HANDLER_INTERRUPTED;
		out->why = p->begun ? RELEASE_SLOT : RELEASE_NOT_GIVEN;
		out->reason = "its slot died";
		out->started = p->begun;
		return;
	case PROC_CUT:
		out->end = HANDLER_INTERRUPTED;
		out->why = RELEASE_CUT;
		out->reason = ledger_row(RELEASE_CUT)->phrase;
		out->started = p->begun;
		return;
	case PROC_STOPPED:
		out->end = HANDLER_INTERRUPTED;
		out->why = a->cancelled && !p->stopped_by ? RELEASE_OTHER : RELEASE_STOP;
		out->reason = ledger_row(out->why)->phrase;
		out->started = true;
		return;
	case PROC_UNHEARD:
		out->end = HANDLER_INTERRUPTED;
		out->why = RELEASE_REPLACED;
		out->reason = "nobody reads the standard output that it had";
		out->started = true;
		return;
	case PROC_ENDED:
		break;
	}
	out->end = HANDLER_ENDED;
	out->started = true;
	outcome_of(p->end.status, p->end.stages, p->timed_out ? p->timeout : 0, m->claim->failures,
		   &a->h->policy.outcome, &out->outcome);
	if (a->n == 1 || out->outcome.kind == OUTCOME_DONE ||
	    outcome_is_retry(p->end.status, p->end.stages, p->timed_out))
		return;
	out->end = HANDLER_INTERRUPTED;
	out->reason = "its batch failed";
	out->why = RELEASE_SHARED;
}

/* Of an update that was not handled it is for the log, as stderr is. *given: an earlier member has
 * it; one that was cancelled leaves it to the `others`. */
static void hand_over_stdout(struct output *o, struct handler_result *out, bool others, bool *given)
{
	if (!o->keeps || (others && out->end == HANDLER_CANCELLED))
		return;
	if (out->end != HANDLER_ENDED || out->outcome.kind != OUTCOME_DONE) {
		output_tell_kept(o);
		return;
	}
	out->reply = *given ? "" : buf_str(&o->kept);
	out->reply_length = *given ? 0 : o->kept.len;
	out->reply_short = !*given && o->kept_short;
	*given = true;
}

static void on_finish(struct proc *p, enum proc_end how, int errnum)
{
	struct attempt *a = attempt_of(p);
	bool told = false, given = false;
	for (size_t i = 0; i < a->n; i++) {
		struct claim *c = a->members[i].claim;
		struct handler_result result = {
			.elapsed = handler_now(p->room) - p->started,
			.sentence = output_sentence(&p->output),
			.last_stderr = output_last_stderr(&p->output),
		};
		if (i == 0) {
			result.dropped = p->output.dropped;
			result.usage = p->end.usage;
		}
		result_of(a, how, errnum, &a->members[i], &result);
		hand_over_stdout(&p->output, &result, i + 1 < a->n, &given);
		if (result.end == HANDLER_UNSTARTABLE) {
			/* one start failed, not as many as there are updates */
			result.end = told ? HANDLER_INTERRUPTED : HANDLER_UNSTARTABLE;
			told = true;
		}
		a->members[i].claim = NULL;
		room_done(a->h, c, &result);
	}
}

static void on_free(struct proc *p)
{
	struct attempt *a = attempt_of(p);
	for (size_t i = 0; i < a->n; i++)
		claim_free(a->members[i].claim);
	struct handler *h = a->h;
	free(a);
	room_gone(h);
}

/* A batch of many chats has no variables of any one update. */
static int add_vars(struct handler *h, struct claim *const *claims, size_t n)
{
	const struct handlers_config *config = &h->room->config;
	struct buf *v = &h->room->vars;
	buf_clear(v);
	int rc = given_var(v, "TG_MAX_ATTEMPTS", h->policy.outcome.max_attempts);
	if (h->policy.timeout)
		rc = rc ||
		     given_var(v, "TG_DEADLINE",
			       (config->clock->wall(config->clock) + h->policy.timeout) / 1000);
	if (h->ops->traits.most > 1)
		rc = rc || given_var(v, "TG_BATCH_SIZE", (int64_t)n);
	if (!has_own(h))
		return rc ? -1 : 0;
	rc = rc || given_var(v, "TG_ATTEMPT", claims[0]->failures + 1);
	if (claims[0]->redelivered)
		rc = rc || given_var(v, "TG_REDELIVERED", 1);
	return rc || given_update(v, claims[0], h->bot_username) ? -1 : 0;
}

static const struct proc_ops attempt_ops = { on_line, on_overdue, on_finish, on_free };

static int start(struct handler *h, struct claim *const *claims, size_t n)
{
	struct handlers *room = h->room;
	if (room_slots_free(room) == 0) {
		errno = EAGAIN;
		return -1;
	}
	struct attempt *a = calloc(1, sizeof *a + n * sizeof *a->members);
	if (!a)
		return -1;
	a->proc.ops = &attempt_ops;
	a->h = h;
	struct proc_spec spec = {
		.command = h->command,
		.vars = &room->vars,
		.stdout_fd = -1,
		.timeout = h->policy.timeout,
		.kill_after = h->policy.kill_after,
		.background = h->policy.background,
		.max_output = h->policy.max_output,
		.keep_stdout = h->policy.keep_stdout && has_own(h),
	};
	if (add_vars(h, claims, n) || (spec.stdin_fd = given_stdin(claims, n)) < 0 ||
	    proc_start(&a->proc, room, &spec)) {
		int saved = errno;
		free(a);
		errno = saved;
		return -1;
	}
	a->n = n;
	a->proc.updates = (int)n;
	for (size_t i = 0; i < n; i++)
		a->members[i].claim = claims[i];
	h->live++;
	h->starts++;
	log_event(room->config.log, LOG_DEBUG,
		  LOG_FIELDS(CLAIM_LOG_ID(claims[0]), LOG_STR("key", claims[0]->keys),
			     LOG_NUM("attempt", claims[0]->failures + 1),
			     LOG_NUM("slot", slots_number(a->proc.job.slot)),
			     LOG_NUM("updates", (int64_t)n)),
		  "handler started");
	return 0;
}

static int start_solo(struct handler *h, struct claim *claim)
{
	return start(h, &claim, 1);
}

/* False: none of its updates is chosen. Else it may be gone. */
static bool cancel_one(struct attempt *a, handler_chosen *chosen, void *arg)
{
	bool any = false;
	for (size_t i = 0; i < a->n && !any; i++)
		any = chosen(arg, a->members[i].claim);
	if (!any || !jobs_still(&a->proc.job))
		return any;
	for (size_t i = 0; i < a->n && !a->proc.ended; i++)
		if (chosen(arg, a->members[i].claim))
			a->cancelled = a->members[i].cancelled = true;
	proc_stop(&a->proc, SIGTERM);
	return true;
}

/* Taking in a slot's reports may end the next one in the list, too: so from its beginning each
 * time. */
static void cancel(struct handler *h, handler_chosen *chosen, void *arg)
{
	struct list *all = &h->room->procs, *l = all->next;
	while (l != all) {
		struct proc *p = container_of(l, struct proc, link);
		struct attempt *a = p->ops == &attempt_ops ? attempt_of(p) : NULL;
		l = l->next;
		if (!a || a->h != h || a->looked == h->room->cancels)
			continue;
		a->looked = h->room->cancels;
		if (cancel_one(a, chosen, arg))
			l = all->next;
	}
}

static size_t room_of(const struct handler *h)
{
	return (size_t)room_slots_free(h->room);
}

const struct mode_ops mode_exec = {
	.traits = { .name = "exec", .most = 1 },
	.start = start,
	.start_solo = start_solo,
	.room = room_of,
	.cancel = cancel,
};

const struct mode_ops mode_batch = {
	.traits = { .name = "batch", .most = HANDLER_BATCH_MAX },
	.start = start,
	.start_solo = start_solo,
	.room = room_of,
	.cancel = cancel,
};
