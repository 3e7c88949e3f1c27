/* queue/shared/fleet_send: the calls that are to be sent, as they come to the machine that sends
 * them. Who asks is told by the database when it may send; then other names of chats come, limits,
 * and all calls in their order, its own too. Invariant: a call comes once in each term as sender,
 * behind all that came before it. */
#include "queue/shared/fleet_internal.h"

enum { NO_MEMORY = 1000 }; /* milliseconds until it is asked for again */

static void add_self(const struct fleet *q, struct fleet_call *c, int64_t epoch)
{
	fleet_call_self(q, c);
	fleet_call_number(c, epoch);
}

/* ---- may it send? ---- */

static bool ask_due(const struct fleet *q)
{
	bool fresh = q->sender.epoch != q->role.epoch;
	return q->role.polls && q->config.sender && (fresh || q->sender.stage == FLEET_SENDS_NOT) &&
	       (fresh || fleet_mono(q) - q->sender.asked_at >= q->fleet.lease / 6);
}

static int ask_make(struct fleet *q, struct fleet_call *c)
{
	c->sql = "SELECT @S@.sender($1, $2, $3)";
	add_self(q, c, q->role.epoch);
	q->sender.asked_at = fleet_mono(q);
	return 0;
}

static void ask_answered(struct fleet *q, const struct fleet_answer *a)
{
	fleet_state_sends_not(q);
	q->sender.epoch = q->role.epoch;
	if (fleet_answer_bool(a, 0, 0))
		q->sender.stage = FLEET_SENDS_MOVES;
}

const struct fleet_step fleet_send_ask = { "sender", ask_due, ask_make, ask_answered, NULL };

/* ---- other names, and limits ---- */

static bool moves_due(const struct fleet *q)
{
	return q->sender.stage == FLEET_SENDS_MOVES;
}

static int moves_make(struct fleet *q, struct fleet_call *c)
{
	(void)q;
	c->sql = "SELECT line, now FROM @S@.moves";
	return 0;
}

static void moves_answered(struct fleet *q, const struct fleet_answer *a)
{
	q->sender.stage = FLEET_SENDS_LIMITS;
	fleet_state_sends(q);
	for (int row = 0; row < fleet_answer_rows(a) && q->config.move_came; row++)
		q->config.move_came(q->config.arg, fleet_answer_text(a, row, 0),
				    fleet_answer_text(a, row, 1));
}

const struct fleet_step fleet_send_moves = { "moves", moves_due, moves_make, moves_answered, NULL };

static bool limits_due(const struct fleet *q)
{
	return q->sender.stage == FLEET_SENDS_LIMITS;
}

static int limits_make(struct fleet *q, struct fleet_call *c)
{
	(void)q;
	c->sql = "SELECT line, full_ms, cool_ms FROM @S@.limits";
	return 0;
}

/* A time of the wall clock, so many milliseconds from now; 0: it has passed. */
static int64_t wall_of(const struct fleet *q, int64_t left)
{
	return left > 0 ? fleet_wall(q) + left : 0;
}

static void limits_answered(struct fleet *q, const struct fleet_answer *a)
{
	q->sender.stage = FLEET_SENDS_CALLS;
	for (int row = 0; row < fleet_answer_rows(a) && q->config.line_came; row++) {
		struct queue_line line = { .line = fleet_answer_text(a, row, 0),
					   .full = wall_of(q, fleet_answer_number(a, row, 1)),
					   .cool = wall_of(q, fleet_answer_number(a, row, 2)) };
		q->config.line_came(q->config.arg, &line);
	}
}

const struct fleet_step fleet_send_limits = { "limits", limits_due, limits_make, limits_answered,
					      NULL };

/* ---- calls ---- */

static bool calls_due(const struct fleet *q)
{
	return q->sender.stage == FLEET_SENDS_CALLS && q->sender.more;
}

static int calls_make(struct fleet *q, struct fleet_call *c)
{
	c->sql = "SELECT * FROM @S@.calls($1, $2, $3, $4, $5)";
	add_self(q, c, q->sender.epoch);
	fleet_call_number(c, q->sender.place);
	fleet_call_number(c, FLEET_CALLS);
	q->sender.more = false;
	return 0;
}

/* 0, or -1 when memory is out: it is to be told once more, later. */
static int tell_call(struct fleet *q, const struct fleet_answer *a, int row)
{
	enum {
		PLACE,
		ID,
		GROUP,
		MESSAGE,
		KIND,
		COST,
		FLAGS,
		AGE,
		EXPIRES,
		DUE,
		TRIES,
		SERVERS,
		UNSURES,
		BEGUN,
		LINE,
		METHOD,
	};
	int64_t wall = fleet_wall(q), expires = fleet_answer_number(a, row, EXPIRES);
	struct queue_call call = {
		.id = fleet_answer_number(a, row, ID),
		.group = fleet_answer_number(a, row, GROUP),
		.message = fleet_answer_number(a, row, MESSAGE),
		.kind = (int)fleet_answer_number(a, row, KIND),
		.cost = (int)fleet_answer_number(a, row, COST),
		.flags = (unsigned)fleet_answer_number(a, row, FLAGS),
		.created = wall - fleet_answer_number(a, row, AGE),
		.expires = fleet_answer_null(a, row, EXPIRES) ? 0 : wall + expires,
		.due = wall_of(q, fleet_answer_number(a, row, DUE)),
		.tries = (int)fleet_answer_number(a, row, TRIES),
		.servers = (int)fleet_answer_number(a, row, SERVERS),
		.unsures = (int)fleet_answer_number(a, row, UNSURES),
		.begun = fleet_answer_bool(a, row, BEGUN),
		.line = fleet_answer_text(a, row, LINE),
		.method = fleet_answer_text(a, row, METHOD),
		.reason = "",
	};
	if (q->config.call_came && q->config.call_came(q->config.arg, &call))
		return -1;
	q->sender.place = fleet_answer_number(a, row, PLACE);
	return 0;
}

static void calls_answered(struct fleet *q, const struct fleet_answer *a)
{
	int rows = fleet_answer_rows(a);
	for (int row = 0; row < rows && q->sender.sends; row++)
		if (tell_call(q, a, row)) {
			q->sender.more = true;
			q->again_at = fleet_mono(q) + NO_MEMORY;
			return;
		}
	q->sender.more = q->sender.more || (rows == FLEET_CALLS && q->sender.sends);
	if (rows < FLEET_CALLS && q->sender.top > q->sender.place)
		q->sender.place = q->sender.top; /* those up to there are gone */
}

static void calls_undone(struct fleet *q, bool sure)
{
	(void)sure;
	q->sender.more = true;
}

const struct fleet_step fleet_send_calls = { "calls", calls_due, calls_make, calls_answered,
					     calls_undone };
