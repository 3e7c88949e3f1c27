/* queue/shared/fleet_later: what comes by its time, and what goes by its age. What was pushed
 * becomes updates when it is due, which the machine that asks sees to: what was routed by other
 * rules, or by none, as a tool pushes it, is routed first. The same machine drops old dead letters;
 * and each machine counts now and then what there is of all. */
#include <string.h>

#include "queue/shared/fleet_verbs_internal.h"

enum {
	SLICE = 100,          /* rows that are routed, or ripen, at once */
	TRIM_SLICE = 500,     /* dead letters that are dropped at once */
	TRIM_PAUSE = 30000,   /* milliseconds between two looks for old ones */
	COUNT_PAUSE = 15000,  /* milliseconds between two counts */
	PUSH_PATIENCE = 1000, /* milliseconds that a push may take */
};

static bool is_due(const struct fleet *q)
{
	return q->role.polls && q->later.due >= 0 && fleet_mono(q) >= q->later.due;
}

void fleet_later_next(struct fleet *q, int64_t left)
{
	if (!q->node.listens && (left < 0 || left > FLEET_TICK))
		left = FLEET_TICK;
	q->later.due = left < 0 ? -1 : fleet_mono(q) + left;
}

void fleet_later_came(struct fleet *q)
{
	q->later.due = fleet_mono(q);
	q->later.routed = false; /* what was looked for before did not have it */
}

/* ---- routes ---- */

enum { WHAT, NUMBERS, KEYS, CHATS, LANES };
_Static_assert(LANES + 1 == FLEET_ROUTED, "a list for each");

static bool stale_due(const struct fleet *q)
{
	return q->config.route_of && !q->later.routed &&
	       (is_due(q) || (q->role.polls && q->later.looks));
}

static int stale_make(struct fleet *q, struct fleet_call *c)
{
	c->sql = "SELECT * FROM @S@.stale($1, $2, $3)";
	fleet_call_self(q, c);
	fleet_call_number(c, SLICE);
	return 0;
}

/* A row's new place. Lane -1: it is not wanted. -1 when memory is out. */
static int route(struct fleet *q, const struct fleet_answer *a, int row, struct buf *body,
		 struct buf *keys)
{
	const char *what = fleet_answer_text(a, row, 0);
	bool pinned = fleet_answer_bool(a, row, 2);
	unsigned lane = 0;
	buf_clear(body);
	buf_clear(keys);
	if (fleet_answer_bytes(a, row, 4, body) ||
	    q->config.route_of(q->config.arg, buf_str(body), body->len, keys, &lane))
		return -1;
	bool wanted = *what == 'd' || !q->config.wanted ||
		      q->config.wanted(q->config.arg, buf_str(body), body->len);
	fleet_list_text(&q->later.lists[WHAT], what);
	fleet_list_number(&q->later.lists[NUMBERS], fleet_answer_number(a, row, 1));
	if (pinned)
		fleet_list_text(&q->later.lists[KEYS], fleet_answer_text(a, row, 3));
	else
		fleet_list_keys(&q->later.lists[KEYS], buf_str(keys), keys->len);
	buf_clear(keys);
	if (q->config.chat_of && q->config.chat_of(q->config.arg, buf_str(body), body->len, keys))
		return -1;
	fleet_list_keys(&q->later.lists[CHATS], buf_str(keys), keys->len);
	fleet_list_number(&q->later.lists[LANES], wanted ? (int64_t)lane : -1);
	return 0;
}

static void stale_answered(struct fleet *q, const struct fleet_answer *a)
{
	struct buf body, keys;
	bool fine = true;
	buf_init(&body, SIZE_MAX / 4);
	buf_init(&keys, SIZE_MAX / 4);
	for (size_t i = 0; i < FLEET_ROUTED; i++)
		fleet_list_clear(&q->later.lists[i]);
	for (int row = 0; row < fleet_answer_rows(a) && fine; row++)
		fine = route(q, a, row, &body, &keys) == 0;
	for (size_t i = 0; i < FLEET_ROUTED; i++)
		fine = fine && fleet_list_end(&q->later.lists[i]);
	q->later.looks = false;
	q->later.routed = true;
	q->later.routes = fine && fleet_answer_rows(a) > 0;
	buf_release(&body);
	buf_release(&keys);
}

const struct fleet_step fleet_later_stale = { "stale", stale_due, stale_make, stale_answered,
					      NULL };

static bool routed_due(const struct fleet *q)
{
	return q->later.routes;
}

static int routed_make(struct fleet *q, struct fleet_call *c)
{
	c->sql = "SELECT @S@.routed($1, $2, $3, $4, $5, $6, $7)";
	fleet_call_self(q, c);
	for (size_t i = 0; i < FLEET_ROUTED; i++)
		fleet_call_text(c, fleet_list_end(&q->later.lists[i]));
	q->later.routes = false;
	return 0;
}

static void routed_answered(struct fleet *q, const struct fleet_answer *a)
{
	(void)a;
	/* there may be more */
	q->later.routed = false;
	q->later.looks = true;
}

static void routed_undone(struct fleet *q, bool sure)
{
	(void)sure;
	q->later.routed = false;
	q->later.looks = true;
}

const struct fleet_step fleet_later_routed = { "routed", routed_due, routed_make, routed_answered,
					       routed_undone };

/* ---- what is due ---- */

static bool ripe_due(const struct fleet *q)
{
	return is_due(q) && q->unfinished < q->config.backlog &&
	       (q->later.routed || !q->config.route_of);
}

static int ripe_make(struct fleet *q, struct fleet_call *c)
{
	c->sql = "SELECT * FROM @S@.ripe($1, $2, $3, $4)";
	fleet_call_self(q, c);
	fleet_call_number(c, q->role.epoch);
	fleet_call_number(c, SLICE);
	return 0;
}

static void ripe_answered(struct fleet *q, const struct fleet_answer *a)
{
	int64_t taken = fleet_answer_number(a, 0, 0), next = fleet_answer_number(a, 0, 1);
	q->later.routed = false;
	/* What cannot become one is asked for again with the next beat. */
	fleet_later_next(q, next == 0 && taken == 0 ? -1 : next);
	q->unfinished += taken;
	q->turn.wake = q->turn.wake || taken;
}

const struct fleet_step fleet_later_ripe = { "ripe", ripe_due, ripe_make, ripe_answered, NULL };

/* ---- what is old ---- */

static bool trim_due(const struct fleet *q)
{
	return q->role.polls && (q->trim.keep >= 0 || q->trim.age >= 0) &&
	       fleet_mono(q) >= q->trim.at;
}

static int trim_make(struct fleet *q, struct fleet_call *c)
{
	c->sql = "SELECT * FROM @S@.dead_trim($1, $2, -1, $3)";
	fleet_call_number(c, q->trim.keep);
	fleet_call_number(c, q->trim.age);
	fleet_call_number(c, TRIM_SLICE);
	q->trim.at = fleet_mono(q) + TRIM_PAUSE;
	return 0;
}

static void trim_answered(struct fleet *q, const struct fleet_answer *a)
{
	int64_t dropped = fleet_answer_number(a, 0, 0);
	q->trim.dropped += dropped;
	if (dropped == TRIM_SLICE)
		q->trim.at = 0;
}

const struct fleet_step fleet_later_trim = { "trim", trim_due, trim_make, trim_answered, NULL };

/* ---- how much there is ---- */

static bool count_due(const struct fleet *q)
{
	return fleet_mono(q) >= q->totals.at;
}

static int count_make(struct fleet *q, struct fleet_call *c)
{
	c->sql = "SELECT (SELECT count(*) FROM @S@.letters), (SELECT count(*) FROM @S@.pushes), "
		 "count(*) FILTER (WHERE failed IS NULL AND flags & 1 = 0), "
		 "count(*) FILTER (WHERE failed IS NULL AND flags & 1 = 1), "
		 "count(*) FILTER (WHERE failed IS NOT NULL) FROM @S@.outbox";
	_Static_assert(QUEUE_CALL_BULK == 1, "the flag that is asked for");
	q->totals.at = fleet_mono(q) + COUNT_PAUSE;
	return 0;
}

static void count_answered(struct fleet *q, const struct fleet_answer *a)
{
	q->totals.dead = fleet_answer_number(a, 0, 0);
	q->totals.later = fleet_answer_number(a, 0, 1);
	q->totals.calls = (size_t)fleet_answer_number(a, 0, 2);
	q->totals.bulk = (size_t)fleet_answer_number(a, 0, 3);
	q->totals.failed = fleet_answer_number(a, 0, 4);
}

const struct fleet_step fleet_later_count = { "count", count_due, count_make, count_answered,
					      NULL };

/* ---- the verbs ---- */

/* By a statement of its own, on a connection of its own, which is waited for: a number is to be
 * answered. Routed it is when it comes due. */
int fleet_push(struct queue *queue, const struct queue_push *push, int64_t *number, struct err *err)
{
	struct fleet *q = fleet_of(queue);
	const struct fleet_answer *a;
	struct buf keys;
	struct fleet_call c = {
		.sql = "SELECT @S@.push($1, $2, $3, $4, '', $5, (-1)::smallint, $6)"
	};
	if (!q->node.attached)
		return err_set(err, ERR_UNAVAILABLE, "the store cannot be reached now");
	if (!q->later.db)
		q->later.db = fleet_db_open(q->fleet.url, q->schema, PUSH_PATIENCE, err);
	if (!q->later.db)
		return -1;
	buf_init(&keys, SIZE_MAX / 4);
	int rc = fleet_keys_add(&keys, push->keys);
	if (rc)
		err_set(err, ERR_INTERNAL, "out of memory");
	fleet_call_bool(&c, push->elapsed);
	fleet_call_number(&c, push->due);
	fleet_call_text(&c, push->kind);
	fleet_call_text(&c, push->pinned ? buf_str(&keys) : "");
	fleet_call_bool(&c, push->pinned);
	fleet_call_bytes(&c, push->body, push->length);
	rc = rc || fleet_db_ask(q->later.db, &c, PUSH_PATIENCE, &a, err) ? -1 : 0;
	buf_release(&keys);
	if (rc == 0) {
		*number = fleet_answer_number(a, 0, 0);
		/* the next beat says when it is due */
		q->node.beat_at -= q->fleet.lease;
		fleet_soon(q);
		return 0;
	}
	fleet_db_free(q->later.db);
	q->later.db = NULL;
	return -1;
}

int64_t fleet_push_due(struct queue *queue)
{
	(void)queue; /* it ripens by itself */
	return -1;
}

int fleet_push_ripen(struct queue *queue, int64_t until,
		     bool (*wanted)(void *arg, const char *body, size_t length), void *arg,
		     struct queue_ripe *out, struct err *err)
{
	(void)queue, (void)until, (void)wanted, (void)arg, (void)err;
	*out = (struct queue_ripe){ 0 };
	return 0;
}
