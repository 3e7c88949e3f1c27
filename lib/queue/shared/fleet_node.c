/* queue/shared/fleet_node: one of the fleet: it attaches, beats, watches the others' beats, takes
 * over from who is silent, and asks to be the one that asks. Invariant: the handlers of this node
 * may run until two thirds of the lease after its last answered beat was sent; others take over a
 * whole lease after they saw its count of beats stand still. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "queue/shared/fleet_internal.h"

/* ---- hello ---- */

static bool hello_due(const struct fleet *q)
{
	return !q->node.greeted;
}

static int hello_make(struct fleet *q, struct fleet_call *c)
{
	/* A statement whose client has gone, or will not take its answer any more, must not keep
	 * the lock of the bot. A pooler's connection is not this node's alone: it stays as it is.
	 */
	c->sql =
		"SELECT a.*, pg_backend_pid(), (SELECT count(set_config(v.name, v.value, "
		"false)) FROM (VALUES ('statement_timeout', $1), ('client_connection_check_interval', "
		"'1000')) v(name, value) JOIN pg_settings s ON s.name = v.name "
		"WHERE pg_backend_pid() = $2) FROM @S@.about() a";
	fleet_call_number(c, q->fleet.lease / 3);
	fleet_call_number(c, fleet_db_backend(q->db));
	return 0;
}

static void hello_answered(struct fleet *q, const struct fleet_answer *a)
{
	struct err err;
	if (fleet_look_about(a, q->fleet.bot_id, &err)) {
		fleet_state_refused(q, &err);
		return;
	}
	q->node.greeted = true;
	q->node.direct = fleet_answer_number(a, 0, 4) == fleet_db_backend(q->db);
	if (q->node.direct || q->node.pooler_told)
		return;
	q->node.pooler_told = true;
	log_event(q->fleet.log, LOG_INFO, LOG_NONE,
		  "the %s is reached through a pooler: it is asked for work each second",
		  fleet_db_name(q->db));
}

const struct fleet_step fleet_node_hello = { "about", hello_due, hello_make, hello_answered, NULL };

/* ---- attach ---- */

/* Not before all that was to be killed is gone. */
static bool attach_due(const struct fleet *q)
{
	return !q->node.attached && q->voided == 0;
}

static int attach_make(struct fleet *q, struct fleet_call *c)
{
	struct fleet_list *held = &q->lists[0];
	fleet_list_clear(held);
	for (const struct list *l = q->all.next; l != &q->all; l = l->next)
		fleet_list_number(held, container_of(l, struct held, link)->seq);
	c->sql = "SELECT * FROM @S@.attach($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
	fleet_call_text(c, q->fleet.ident);
	fleet_call_number(c, fleet_boot() * 1000);
	fleet_call_text(c, q->fleet.node);
	fleet_call_number(c, q->fleet.lease);
	fleet_call_text(c, q->fleet.version);
	fleet_call_number(c, FLEET_CLIENT);
	fleet_call_number(c, FLEET_SCHEMA);
	fleet_call_text(c, q->config.key_spec ? q->config.key_spec : "");
	fleet_call_number(c, q->fleet.slots);
	fleet_call_bool(c, q->node.direct);
	fleet_call_number(c, q->node.id);
	fleet_call_text(c, fleet_list_end(held));
	return fleet_list_end(held) ? 0 : -1;
}

/* What became of the turn whose answer was lost. */
static void resolve(struct fleet *q, const char *kept, int64_t turn)
{
	if (!q->turn.unknown)
		return;
	bool carried_out = q->turn.with_ops ? turn >= (int64_t)q->turn.recorded
					    : fleet_held_flown(q, kept);
	if (carried_out) {
		fleet_op_begins_again(q);
		fleet_turn_written(q);
	} else
		fleet_turn_unwritten(q);
}

/* It is trusted since the call was sent. */
static void trust(struct fleet *q)
{
	q->node.beat_at = fleet_mono(q);
	q->node.beat_answered = q->node.beat_at - (fleet_boot() - q->sent_at);
	fleet_state_trust(q, q->sent_at + q->fleet.lease * 2 / 3);
}

static void attach_answered(struct fleet *q, const struct fleet_answer *a)
{
	int64_t id = fleet_answer_number(a, 0, 0);
	const char *kept = fleet_answer_text(a, 0, 2);
	bool anew = id != q->node.id;
	CRASHPOINT("fleet-attach-answered");
	q->node.session = fleet_answer_number(a, 0, 1);
	fleet_out_numbers(q, fleet_answer_number(a, 0, 5), fleet_answer_number(a, 0, 6));
	if (!anew)
		resolve(q, kept, fleet_answer_number(a, 0, 4));
	q->node.id = id;
	bool lost = fleet_held_confirm(q, kept);
	q->others.count = 0;
	q->node.attached = true;
	if (lost || (anew && (q->running || q->turn.unknown))) {
		fleet_state_void(q); /* and joins once more, when it has let go of all */
		return;
	}
	if (anew)
		fleet_state_resigns(q);
	if (!q->role.polls && q->config.role)
		q->config.role(q->config.arg, false, 0);
	q->turn.wake = true;
	trust(q);
	q->node.beat_at -= q->fleet.lease; /* a beat says who else there is */
	fleet_state_works(q);
}

const struct fleet_step fleet_node_attach = { "attach", attach_due, attach_make, attach_answered,
					      NULL };

/* ---- beat ---- */

static bool beat_due(const struct fleet *q)
{
	return fleet_mono(q) - q->node.beat_at >= q->fleet.lease / 6;
}

static int beat_make(struct fleet *q, struct fleet_call *c)
{
	c->sql = "SELECT * FROM @S@.beat($1, $2, $3, $4, $5, $6)";
	fleet_call_self(q, c);
	fleet_call_number(c, (int64_t)q->running);
	fleet_call_number(c, (int64_t)q->ended);
	fleet_call_number(c, q->role.resigned);
	fleet_call_number(c, q->config.backlog);
	return 0;
}

/* Since when each of the others stands where it is. The time is taken after the answer came: no
 * earlier than the beat itself. */
static void watch(struct fleet *q, const char *ids, const char *beats, const char *leases)
{
	struct fleet_other *was = q->others.list, *now = was == q->others.lists[0]
								 ? q->others.lists[1]
								 : q->others.lists[0];
	size_t count = 0;
	int64_t t = fleet_boot();
	struct fleet_other o = { 0 };
	while (count < FLEET_NODES && fleet_list_next(&ids, &o.id) &&
	       fleet_list_next(&beats, &o.beat) && fleet_list_next(&leases, &o.lease)) {
		o.since = t;
		for (size_t i = 0; i < q->others.count; i++)
			if (was[i].id == o.id && was[i].beat == o.beat)
				o.since = was[i].since;
		q->others.silent = q->others.silent || t - o.since > o.lease;
		now[count++] = o;
	}
	q->others.list = now;
	q->others.count = count;
}

static void take_wish(struct fleet *q, const char *wish)
{
	bool drains = strcmp(wish, "drain") == 0, stops = strcmp(wish, "stop") == 0;
	enum queue_wish is = stops    ? QUEUE_WISH_STOP
			     : drains ? QUEUE_WISH_DRAIN
				      : QUEUE_WISH_RESUME;
	if (is == q->node.wish)
		return;
	q->node.wish = is;
	q->node.drains = drains || stops;
	if (q->config.wish)
		q->config.wish(q->config.arg, is);
}

/* Whether it is for this node to ask: one that drains leaves that to others, if there are any. */
static bool asks(const struct fleet *q)
{
	return !q->role.leaves && !(q->node.drains && q->others.count > 0);
}

/* Whether it still asks, or would: there may be nobody who does, or it is taken for who does and
 * had given that up, or the other's session has ended. */
static void take_poller(struct fleet *q, int64_t poller, int64_t epoch)
{
	if (q->role.polls && (poller != q->node.id || epoch != q->role.epoch))
		fleet_state_resigns(q);
	q->role.wanted = !q->role.polls && q->role.root && asks(q);
}

static void beat_answered(struct fleet *q, const struct fleet_answer *a)
{
	enum { POLLER, EPOCH, WISH, IDS, BEATS, LEASES, CANCEL, UNFINISHED, PUSH };
	const char *cancelled = fleet_answer_text(a, 0, CANCEL);
	int64_t seq, push = fleet_answer_number(a, 0, PUSH);
	trust(q);
	watch(q, fleet_answer_text(a, 0, IDS), fleet_answer_text(a, 0, BEATS),
	      fleet_answer_text(a, 0, LEASES));
	take_wish(q, fleet_answer_text(a, 0, WISH));
	take_poller(q, fleet_answer_number(a, 0, POLLER), fleet_answer_number(a, 0, EPOCH));
	while (fleet_list_next(&cancelled, &seq))
		if (q->config.cancel_came)
			q->config.cancel_came(q->config.arg, seq);
	q->unfinished = fleet_answer_number(a, 0, UNFINISHED);
	fleet_later_next(q, push);
}

const struct fleet_step fleet_node_beat = { "beat", beat_due, beat_make, beat_answered, NULL };

/* ---- reap ---- */

static bool reap_due(const struct fleet *q)
{
	return q->others.silent;
}

static int reap_make(struct fleet *q, struct fleet_call *c)
{
	struct fleet_list *ids = &q->lists[0], *beats = &q->lists[1];
	int64_t now = fleet_boot();
	fleet_list_clear(ids);
	fleet_list_clear(beats);
	for (size_t i = 0; i < q->others.count; i++) {
		const struct fleet_other *o = &q->others.list[i];
		if (now - o->since <= o->lease)
			continue;
		fleet_list_number(ids, o->id);
		fleet_list_number(beats, o->beat);
	}
	c->sql = "SELECT @S@.reap($1, $2, $3, $4)";
	fleet_call_self(q, c);
	fleet_call_text(c, fleet_list_end(ids));
	fleet_call_text(c, fleet_list_end(beats));
	q->others.silent = false;
	return fleet_list_end(ids) && fleet_list_end(beats) ? 0 : -1;
}

static void reap_answered(struct fleet *q, const struct fleet_answer *a)
{
	int64_t gone = fleet_answer_number(a, 0, 0);
	if (gone == 0)
		return;
	q->takeovers += (uint64_t)gone;
	q->turn.wake = true;
	log_event(q->fleet.log, LOG_WARN, LOG_FIELDS(LOG_NUM("machines", gone)),
		  "machines of the fleet are silent: what they held is handed on");
}

const struct fleet_step fleet_node_reap = { "reap", reap_due, reap_make, reap_answered, NULL };

/* ---- listen ---- */

static bool listen_due(const struct fleet *q)
{
	return q->node.direct && !q->node.listens;
}

static int listen_make(struct fleet *q, struct fleet_call *c)
{
	(void)q;
	c->sql = "LISTEN @S@";
	return 0;
}

static void listen_answered(struct fleet *q, const struct fleet_answer *a)
{
	(void)a;
	q->node.listens = true;
	/* what was told before */
	q->turn.wake = true;
	fleet_later_came(q);
	q->sender.more = q->sender.sends;
}

const struct fleet_step fleet_node_listen = { "listen", listen_due, listen_make, listen_answered,
					      NULL };

/* ---- poll ---- */

static bool poll_due(const struct fleet *q)
{
	return q->role.wanted;
}

static int poll_make(struct fleet *q, struct fleet_call *c)
{
	c->sql = "SELECT * FROM @S@.poll($1, $2, $3)";
	fleet_call_self(q, c);
	fleet_call_text(c, q->role.root);
	q->role.wanted = false;
	return 0;
}

static void poll_answered(struct fleet *q, const struct fleet_answer *a)
{
	if (fleet_answer_rows(a))
		fleet_state_polls(q, fleet_answer_number(a, 0, 0), fleet_answer_number(a, 0, 1));
}

const struct fleet_step fleet_node_poll = { "poll", poll_due, poll_make, poll_answered, NULL };

/* ---- resign ---- */

/* What was sent is written first: the next sender would take it for unsure, and send it again. */
static bool resign_due(const struct fleet *q)
{
	return q->role.polls && !asks(q) && !fleet_turn_dirty(q);
}

static int resign_make(struct fleet *q, struct fleet_call *c)
{
	c->sql = "SELECT @S@.resign($1, $2, $3)";
	fleet_call_self(q, c);
	fleet_call_number(c, q->role.epoch);
	return 0;
}

static void resign_answered(struct fleet *q, const struct fleet_answer *a)
{
	(void)a;
	fleet_state_resigns(q);
}

const struct fleet_step fleet_node_resign = { "resign", resign_due, resign_make, resign_answered,
					      NULL };

/* ---- cancel ---- */

void fleet_node_cancel_init(struct fleet_cancel *c)
{
	fleet_list_init(&c->numbers);
	fleet_list_init(&c->keys);
	fleet_list_init(&c->chats);
	c->any = false;
}

void fleet_node_cancel_release(struct fleet_cancel *c)
{
	fleet_list_release(&c->numbers);
	fleet_list_release(&c->keys);
	fleet_list_release(&c->chats);
	c->any = false;
}

int fleet_node_cancels(struct fleet *q, const char *keys, const char *chat, const int64_t *numbers,
		       size_t count)
{
	struct fleet_cancel *c = &q->cancel;
	for (size_t i = 0; i < count; i++)
		fleet_list_number(&c->numbers, numbers[i]);
	for (size_t n; *(keys += strspn(keys, " ")); keys += n) {
		n = strcspn(keys, " ");
		fleet_list_keys(&c->keys, keys, n);
	}
	if (*chat)
		fleet_list_keys(&c->chats, chat, strlen(chat));
	c->any = true;
	bool failed = c->numbers.failed || c->keys.failed || c->chats.failed;
	if (failed)
		fleet_node_cancel_release(c);
	fleet_soon(q);
	return failed ? -1 : 0;
}

static bool cancel_due(const struct fleet *q)
{
	return q->cancel.any || q->cancelling.any;
}

/* What was not carried out is said again; what was recorded since goes after it. */
static int cancel_make(struct fleet *q, struct fleet_call *c)
{
	if (!q->cancelling.any) {
		struct fleet_cancel none = q->cancelling;
		q->cancelling = q->cancel;
		q->cancel = none;
	}
	const char *numbers = fleet_list_end(&q->cancelling.numbers);
	const char *keys = fleet_list_end(&q->cancelling.keys);
	const char *chats = fleet_list_end(&q->cancelling.chats);
	if (!numbers || !keys || !chats)
		return -1;
	struct fleet_list *held = &q->lists[0];
	fleet_list_clear(held);
	for (const struct list *l = q->all.next; l != &q->all; l = l->next)
		fleet_list_number(held, container_of(l, struct held, link)->seq);
	if (!fleet_list_end(held))
		return -1;
	c->sql = "SELECT @S@.cancel($1, $2, $3, $4)";
	fleet_call_text(c, numbers);
	fleet_call_text(c, keys);
	fleet_call_text(c, chats);
	fleet_call_text(c, fleet_list_end(held));
	return 0;
}

static void cancel_answered(struct fleet *q, const struct fleet_answer *a)
{
	(void)a;
	fleet_node_cancel_release(&q->cancelling);
}

const struct fleet_step fleet_node_cancel = { "cancel", cancel_due, cancel_make, cancel_answered,
					      NULL };
