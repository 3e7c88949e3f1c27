/* queue/shared/fleet_calls: one call of the database after the other. What is due, in the order of
 * a table, goes out as one statement; its answer, a fault of it, or the loss of the connection
 * comes back, and what that means for this node is decided here. Time comes in, too: trust ends by
 * it. Invariant: at most one call is under way, and whatever ends it, its step hears of that once.
 */
#include <string.h>

#include "base/crashpoint.h"
#include "queue/shared/fleet_internal.h"

enum {
	AGAIN_FIRST = 50,
	AGAIN_LAST = 5000,
	END_PATIENCE = 5000, /* milliseconds that a stop waits for the database at most */
};

/* The first that is due goes first. */
static const struct fleet_step *const steps[] = {
	&fleet_node_hello,  &fleet_node_attach, &fleet_node_beat,    &fleet_node_reap,
	&fleet_node_listen, &fleet_node_poll,   &fleet_node_resign,  &fleet_send_ask,
	&fleet_send_moves,  &fleet_send_limits, &fleet_send_calls,   &fleet_in_put,
	&fleet_node_cancel, &fleet_later_stale, &fleet_later_routed, &fleet_later_ripe,
	&fleet_turn_turn,   &fleet_later_trim,  &fleet_later_count,
};

/* ---- time ---- */

static int64_t sooner(int64_t left, int64_t other)
{
	return other < left ? other : left;
}

/* Looks again when something may be due by time alone. */
static void set_timer(struct fleet *q)
{
	int64_t now = fleet_mono(q), left = FLEET_TICK;
	left = sooner(left, q->node.beat_at + q->fleet.lease / 6 - now);
	if (q->turn.next_due >= 0)
		left = sooner(left, q->turn.next_due - now);
	if (q->again_at > now)
		left = q->again_at - now;
	if (q->node.trusted)
		left = sooner(left, q->node.trusted - fleet_boot());
	loop_timer_set(q->timer, left > 1 ? left : 1);
}

/* Whether the time is over in which no other machine takes over. */
static void watch_trust(struct fleet *q)
{
	if (!q->node.trusted || fleet_boot() < q->node.trusted)
		return;
	/* A call that is under way is one of the old standing. */
	if (q->step)
		fleet_db_drop(q->db, "the time is over in which this machine may hold anything");
	fleet_state_void(q);
}

/* ---- the next call ---- */

static bool may_call(const struct fleet *q)
{
	return !q->step && !q->node.refused && fleet_db_idle(q->db) && fleet_mono(q) >= q->again_at;
}

/* What needs no attachment comes first in the table. */
static bool is_due(const struct fleet *q, const struct fleet_step *s)
{
	bool early = s == &fleet_node_hello || (s == &fleet_node_attach && q->node.greeted);
	return (early || q->node.attached) && s->due(q);
}

static void call(struct fleet *q, const struct fleet_step *s)
{
	q->call = (struct fleet_call){ 0 };
	if (s->make(q, &q->call)) {
		struct err err = { ERR_INTERNAL, "out of memory" };
		fleet_state_fails(q, &err);
		q->again_at = fleet_mono(q) + backoff_fail(&q->backoff, backoff_random());
		return;
	}
	q->step = s;
	q->sent_at = fleet_boot();
	/* An answer that is later than this comes too late to be trusted. A call that could not be
	 * sent ends by the loss of the connection, too. */
	fleet_db_send(q->db, &q->call, q->fleet.lease / 3);
	if (s == &fleet_node_attach)
		CRASHPOINT("fleet-attach-sent");
	if (s == &fleet_in_put)
		CRASHPOINT("fleet-put-sent");
	if (s == &fleet_turn_turn)
		CRASHPOINT("fleet-turn-sent");
}

void fleet_calls_next(struct fleet *q)
{
	if (!may_call(q))
		return;
	fleet_turn_prepare(q);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (is_due(q, steps[i])) {
			call(q, steps[i]);
			return;
		}
}

bool fleet_calls_outage(const struct fleet *q)
{
	return q->node.fails_since && fleet_mono(q) - q->node.fails_since > FLEET_OUTAGE;
}

static void on_timer(void *arg)
{
	struct fleet *q = arg;
	watch_trust(q);
	fleet_calls_next(q);
	set_timer(q);
	if (fleet_calls_outage(q) && q->config.changed)
		q->config.changed(q->config.arg);
}

/* ---- what comes back ---- */

static void changed(struct fleet *q)
{
	fleet_soon(q);
	if (q->config.changed)
		q->config.changed(q->config.arg);
}

/* The call under way is over; its step hears how. */
static void undo(struct fleet *q, bool sure)
{
	const struct fleet_step *s = q->step;
	q->step = NULL;
	if (s && s->undone)
		s->undone(q, sure);
}

/* A refusal that may pass: the same is said again, after a while. */
static void again_later(struct fleet *q, const struct fleet_fault *f)
{
	fleet_state_fails(q, &f->err);
	q->again_at = fleet_mono(q) + backoff_fail(&q->backoff, backoff_random());
}

static bool is_one_of(const char *state, const char *states)
{
	return *state && strstr(states, state);
}

static void take_fault(struct fleet *q, const struct fleet_fault *f)
{
	struct err err = f->err;
	const struct fleet_step *s = q->step;
	undo(q, true);
	if (strcmp(f->state, "TG001") == 0) {
		q->refusals++;
		fleet_state_void(q);
	} else if (strcmp(f->state, "TG002") == 0) {
		q->refusals++;
		fleet_state_resigns(q);
	} else if (is_one_of(f->state, "TG008 TG010")) {
		q->node.attached = false;
	} else if (strcmp(f->state, "TG004") == 0) {
		fleet_state_fails(q, &err);
		fleet_db_drop(q->db, "the server is a standby");
	} else if (is_one_of(f->state, "TG003 TG005 TG006 TG009")) {
		fleet_state_refused(q, &err);
	} else {
		if (!q->node.greeted)
			fleet_look_fault(f, q->schema, &err);
		q->failing = s;
		again_later(q, &(struct fleet_fault){ .err = err });
	}
}

static void on_answer(void *arg, const struct fleet_answer *a)
{
	struct fleet *q = arg;
	const struct fleet_step *s = q->step;
	if (!s) /* given up meanwhile */
		return;
	const struct fleet_fault *f = fleet_answer_fault(a);
	if (f) {
		take_fault(q, f);
	} else {
		q->step = NULL;
		s->answered(q, a);
		/* That others are answered does not mend the one that is refused. */
		if (s != &fleet_node_hello && s != &fleet_node_beat &&
		    (!q->failing || q->failing == s))
			fleet_state_works(q);
	}
	changed(q);
}

static void on_up(void *arg)
{
	struct fleet *q = arg;
	q->node.greeted = q->node.listens = false;
	fleet_soon(q);
}

static void on_down(void *arg, const struct fleet_fault *why)
{
	struct fleet *q = arg;
	undo(q, false);
	q->node.attached = q->node.greeted = q->node.listens = false;
	fleet_state_fails(q, &why->err);
	changed(q);
}

static void on_notified(void *arg, const char *payload)
{
	struct fleet *q = arg;
	switch (*payload) {
	case 'o':
		q->sender.more = q->sender.more || q->sender.sends;
		break;
	case 'p':
		fleet_later_came(q);
		break;
	case 'c':
	case 'w':
		q->node.beat_at = fleet_mono(q) - q->fleet.lease;
		break;
	default:
		q->turn.wake = true;
	}
	fleet_soon(q);
}

/* ---- the start and the end ---- */

int fleet_calls_begin(struct fleet *q, struct err *err)
{
	struct fleet_db_config config = {
		.loop = q->config.loop,
		.url = q->fleet.url,
		.schema = q->schema,
		.connect_max = q->fleet.lease / 3 < 5000 ? q->fleet.lease / 3 : 5000,
		.up = on_up,
		.down = on_down,
		.answer = on_answer,
		.notified = on_notified,
		.arg = q,
	};
	/* no beat is kept waiting */
	int64_t most = q->fleet.lease / 6 < AGAIN_LAST ? q->fleet.lease / 6 : AGAIN_LAST;
	q->backoff = (struct backoff){ .first = AGAIN_FIRST, .cap = most };
	q->timer = loop_timer_new(q->config.loop, on_timer, q);
	if (!q->timer)
		return err_set(err, ERR_INTERNAL, "out of memory");
	q->db = fleet_db_new(&config, err);
	set_timer(q);
	return q->db ? 0 : -1;
}

static bool connected(const struct fleet *q)
{
	return fleet_db_idle(q->db) || fleet_db_busy(q->db);
}

/* Waits for the answer of the call under way. */
static void wait(struct fleet *q, int64_t until)
{
	const struct fleet_answer *a = NULL;
	fleet_db_wait(q->db, until - fleet_mono(q), &a, NULL);
	const struct fleet_fault *f = a ? fleet_answer_fault(a) : NULL;
	if (f && f->lost)
		on_down(q, f);
	else if (a)
		on_answer(q, a);
}

/* Makes a call, and waits for it. Whether it was answered. */
static bool ask(struct fleet *q, const struct fleet_step *s, int64_t until)
{
	call(q, s);
	if (q->step)
		wait(q, until);
	return q->node.attached && !q->node.fails_since;
}

static int leave_make(struct fleet *q, struct fleet_call *c)
{
	c->sql = "SELECT @S@.leave($1, $2)";
	fleet_call_self(q, c);
	return 0;
}

static void leave_answered(struct fleet *q, const struct fleet_answer *a)
{
	(void)q, (void)a;
}

static const struct fleet_step leave = { "leave", NULL, leave_make, leave_answered, NULL };

int fleet_calls_end(struct fleet *q, struct err *err)
{
	int64_t until = fleet_mono(q) + END_PATIENCE;
	q->config = (struct queue_config){ .clock = q->config.clock,
					   .loop = q->config.loop,
					   .key_spec = q->config.key_spec };
	q->turn.refuses = true;
	if (q->step && fleet_db_busy(q->db))
		wait(q, until);
	bool goes_on = q->node.attached && connected(q);
	while (goes_on && fleet_turn_dirty(q) && fleet_mono(q) < until)
		goes_on = ask(q, &fleet_turn_turn, until);
	if (goes_on && fleet_mono(q) < until)
		ask(q, &leave, until);
	if (!fleet_owes(q))
		return 0;
	return err_set(err, ERR_UNAVAILABLE,
		       "what ended last is not written, and will be handled once more: %s",
		       q->node.failure.text);
}
