/* queue/shared/fleet_turn: one turn of this node: what has begun and ended since the last one, and
 * what is to be sent, goes to the database in one statement; what it may handle now comes back.
 *
 * How much is asked for: as many as there are free places, and some more, less what is there
 * already of the same lane; so no place is empty while work waits, and no lane that is full stands
 * before another. What waits here while all places stay taken goes back. */
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "queue/shared/fleet_internal.h"

enum { HOARD = 2000 }; /* milliseconds that an update may wait for a place here */

/* ---- how much ---- */

/* Whether it holds no more than what runs. */
static bool gives_back(const struct fleet *q)
{
	return q->turn.refuses || q->node.drains || q->turn.skips ||
	       (q->running >= (size_t)q->fleet.slots && fleet_mono(q) - q->turn.claimed_at > HOARD);
}

/* How many updates it wants, and of which lanes. */
static size_t wanted(const struct fleet *q, uint64_t *lanes)
{
	size_t slots = (size_t)q->fleet.slots, most = 0;
	size_t room = (slots > q->running ? slots - q->running : 0) + (slots + 3) / 4;
	int64_t now = fleet_mono(q), since;
	*lanes = 0;
	for (unsigned lane = 0; lane < QUEUE_LANES && !gives_back(q); lane++) {
		size_t here = sched_turns(q->sched, now, lane, &since);
		if (here >= room)
			continue;
		*lanes |= UINT64_C(1) << lane;
		most = room - here > most ? room - here : most;
	}
	return most;
}

bool fleet_turn_dirty(const struct fleet *q)
{
	return !list_empty(&q->said) || !list_empty(&q->out.ops);
}

bool fleet_turn_flies(const struct fleet *q)
{
	return !list_empty(&q->flying) || !list_empty(&q->out.flying);
}

bool fleet_owes(const struct fleet *q)
{
	return q->node.id && (fleet_turn_dirty(q) || fleet_turn_flies(q));
}

static bool due(const struct fleet *q)
{
	uint64_t lanes;
	int64_t now = fleet_mono(q);
	if (fleet_turn_dirty(q))
		return true;
	if (!q->turn.wake && now - q->turn.at < FLEET_TICK &&
	    (q->turn.next_due < 0 || now < q->turn.next_due))
		return false;
	return wanted(q, &lanes) > 0;
}

void fleet_turn_prepare(struct fleet *q)
{
	if (q->node.attached && gives_back(q))
		fleet_held_give_back(q);
	q->turn.skips = false;
}

/* ---- the statement ---- */

enum { SEQ, WHAT, FAILURES, DEATHS, INTERRUPTIONS, DELAY, BEGUN, REASON, STDERR, COLUMNS };

static void add(struct fleet *q, const struct held *h)
{
	char what[2] = { (char)fleet_held_words(h) };
	int64_t left = h->due ? h->due - fleet_mono(q) : 0;
	struct fleet_list *l = q->lists;
	fleet_list_number(&l[SEQ], h->seq);
	fleet_list_text(&l[WHAT], what);
	fleet_list_number(&l[FAILURES], h->failures);
	fleet_list_number(&l[DEATHS], h->deaths);
	fleet_list_number(&l[INTERRUPTIONS], h->interruptions);
	fleet_list_number(&l[DELAY], left > 0 ? left : 0);
	fleet_list_bool(&l[BEGUN], h->redelivered);
	fleet_list_text(&l[REASON], h->reason ? h->reason : "");
	fleet_list_text(&l[STDERR], h->last_stderr ? h->last_stderr : "");
}

/* All that is said is under way. */
static void fly(struct fleet *q)
{
	q->turn.follows = false;
	while (!list_empty(&q->said)) {
		struct held *h = container_of(q->said.next, struct held, say);
		list_remove(&h->say);
		list_add_before(&q->flying, &h->say);
		h->flying = fleet_held_words(h);
		h->marked = h->marked || h->flying == FLEET_STARTS;
	}
	fleet_op_fly(q);
}

static int compose(struct fleet *q, struct fleet_call *c)
{
	for (size_t i = 0; i < COLUMNS; i++)
		fleet_list_clear(&q->lists[i]);
	for (const struct list *l = q->said.next; l != &q->said; l = l->next)
		add(q, container_of(l, struct held, say));
	for (size_t i = 0; i < COLUMNS; i++) {
		const char *text = fleet_list_end(&q->lists[i]);
		if (!text)
			return -1;
		fleet_call_text(c, text);
	}
	fleet_ops_clear(&q->ops);
	buf_clear(&q->text);
	return fleet_op_list(q, &q->ops) || (q->ops.count && fleet_ops_list(&q->ops, &q->text)) ? -1
												: 0;
}

static int make(struct fleet *q, struct fleet_call *c)
{
	uint64_t lanes;
	size_t want = wanted(q, &lanes);
	c->sql = "SELECT * FROM @S@.turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
		 "$14, $15, $16, $17, $18, $19)";
	fleet_call_self(q, c);
	fleet_call_number(c, (int64_t)q->turn.recorded + 1);
	fleet_call_number(c, q->sender.sends ? q->sender.epoch : 0);
	if (compose(q, c))
		return -1;
	fleet_call_text(c, q->ops.count ? buf_str(&q->text) : NULL);
	if (q->ops.files.len)
		fleet_call_bytes(c, q->ops.files.data, q->ops.files.len);
	else
		fleet_call_text(c, NULL);
	fleet_call_number(c, fleet_out_wants(q));
	fleet_call_number(c, (int64_t)lanes);
	fleet_call_number(c, (int64_t)want);
	fleet_call_number(c, (int64_t)q->turn.run);
	q->turn.recorded++;
	q->turn.with_ops = q->ops.count > 0;
	q->turn.wake = false;
	q->turn.want = want;
	q->turn.next_due = -1;
	q->turn.at = fleet_mono(q);
	fly(q);
	return 0;
}

/* ---- the answer ---- */

void fleet_turn_written(struct fleet *q)
{
	q->turn.unknown = false;
	q->turn.done = q->turn.recorded;
	while (!list_empty(&q->flying))
		fleet_held_written(q, container_of(q->flying.next, struct held, say));
	fleet_op_written(q);
}

void fleet_turn_unwritten(struct fleet *q)
{
	q->turn.unknown = false;
	while (!list_empty(&q->flying))
		fleet_held_unwritten(q, container_of(q->flying.next, struct held, say));
	fleet_op_unwritten(q);
}

static void gone(struct fleet *q, int64_t id)
{
	struct fleet_call_kept *k = fleet_op_kept(q, id);
	if (!k)
		return; /* its end was in the same turn */
	fleet_op_let_go(q, k);
	if (q->config.call_gone)
		q->config.call_gone(q->config.arg, id);
}

/* A row. -1 when memory is out for an update. */
static int take_row(struct fleet *q, const struct fleet_answer *a, int row)
{
	int64_t number = fleet_answer_number(a, row, 1);
	switch (*fleet_answer_text(a, row, 0)) {
	case 'u':
		if (fleet_held_add(q, a, row))
			return -1;
		CRASHPOINT("fleet-held");
		break;
	case 'n':
		q->turn.next_due = fleet_mono(q) + fleet_answer_number(a, row, 8);
		break;
	case 'i':
		fleet_out_numbers(q, number, fleet_answer_number(a, row, 12));
		break;
	case 'c':
		if (q->config.cancel_came)
			q->config.cancel_came(q->config.arg, number);
		break;
	case 'k':
		q->turn.skips = true;
		break;
	case 'b':
		fleet_op_shown(q, a, row);
		break;
	case 'g':
		gone(q, number);
		break;
	case 'p':
		/* What is handed out may soon be answered, behind what others said in its chat. */
		q->sender.top = number;
		q->sender.more = q->sender.more || (q->sender.sends && number > q->sender.place);
		break;
	}
	return 0;
}

static void answered(struct fleet *q, const struct fleet_answer *a)
{
	size_t got = 0;
	CRASHPOINT("fleet-turn-answered");
	fleet_turn_written(q);
	for (int row = 0; row < fleet_answer_rows(a); row++) {
		got += *fleet_answer_text(a, row, 0) == 'u';
		if (take_row(q, a, row)) {
			/* What was not taken, and all behind it, goes back. */
			q->node.attached = false;
			break;
		}
	}
	q->turn.full = q->turn.want == 0 || got >= q->turn.want;
}

static void undone(struct fleet *q, bool sure)
{
	q->turn.unknown = !sure;
	if (sure)
		fleet_turn_unwritten(q);
}

const struct fleet_step fleet_turn_turn = { "turn", due, make, answered, undone };
