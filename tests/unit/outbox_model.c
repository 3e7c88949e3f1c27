/* tests/unit/outbox_model: the outbox against a slow and obvious model of itself, in random runs:
 * arrays that are looked through, buckets that fill with time. */
#include "outbox/outbox.h"
#include "tests/tap.h"

enum { NAMES = 10, CALLS = 60, LINES = NAMES + CALLS, STEPS = 1000, RUNS = 80, DAY = 86400 * 1000 };

static const char *const names[NAMES] = { "1",  "2",  "3",       "c/4",     "-5",
					  "-6", "@a", "query:1", "query:2", "@b" };

static const struct outbox_rates rates = { { 1, 1000 }, { 20, 60000 }, { 30, 1000 } };

/* A bucket of tokens, in microseconds of filling: 0 is empty, below is debt. */
struct bucket {
	int64_t level, burst, each;
};

/* Those without a chat have a line each, behind those with a name. */
struct line {
	enum outbox_kind kind;
	struct bucket bucket;
	int64_t cool;
	int64_t turn;       /* the lower, the earlier; 0: it has none. Equal: nobody knows */
	bool urgent, costs; /* when it got its turn: a reply was in it; its head was paid */
	int same;           /* -1, or another name of the chat */
	bool known;         /* it has another name */
	bool taken;         /* of one without a name: in use */
};

struct call {
	int64_t id, due, expires;
	int line, cost;
	bool bulk, paid, again, flying, as_bulk;
};

struct flood {
	int64_t at, wait;
	int line;
};

struct model {
	struct line lines[LINES];
	struct call calls[CALLS + 1]; /* the oldest first */
	struct flood floods[STEPS];
	struct bucket bulk, paid;
	int64_t clock, cool, pause, trial; /* trial: an id */
	bool trying;
	int count, flood_count;
	int64_t ids, front, back;
	int64_t sent, ties, restarts, pauses;
};

/* ---- buckets ---- */

static struct bucket bucket(struct outbox_rate r, int64_t burst)
{
	int64_t each = (r.period * 1000 + r.count - 1) / r.count;
	return (struct bucket){ burst * each, burst, each };
}

static void fill(struct bucket *b, int64_t ms)
{
	b->level += ms * 1000;
	if (b->level > b->burst * b->each)
		b->level = b->burst * b->each;
}

/* In how many milliseconds it has enough. */
static int64_t lacks(const struct bucket *b, int cost)
{
	int64_t need = (cost < b->burst ? cost : b->burst) * b->each;
	return b->level >= need ? 0 : (need - b->level + 999) / 1000;
}

static int64_t full_in(const struct bucket *b)
{
	return (b->burst * b->each - b->level + 999) / 1000;
}

/* ---- lines ---- */

static int real(const struct model *m, int line)
{
	while (m->lines[line].same >= 0)
		line = m->lines[line].same;
	return line;
}

/* The first that waits; NULL if there is none or one is in flight. */
static const struct call *head(const struct model *m, int line)
{
	const struct call *first = NULL;
	for (int i = m->count - 1; i >= 0; i--)
		if (m->calls[i].line == line) {
			if (m->calls[i].flying)
				return NULL;
			first = &m->calls[i];
		}
	return first;
}

static bool has_reply(const struct model *m, int line)
{
	for (int i = 0; i < m->count; i++)
		if (m->calls[i].line == line && !m->calls[i].flying && !m->calls[i].bulk)
			return true;
	return false;
}

static bool counted(const struct model *m, const struct call *c)
{
	return c->cost > 0 && !c->again && m->lines[c->line].kind != OUTBOX_QUERY;
}

/* When its head may go as far as the line goes. */
static int64_t when(const struct model *m, int line)
{
	const struct call *c = head(m, line);
	const struct line *l = &m->lines[line];
	int64_t t = m->clock;
	if (!c)
		return INT64_MAX;
	t = c->due > t ? c->due : t;
	t = l->cool > t ? l->cool : t;
	if (counted(m, c) && !c->paid && l->kind <= OUTBOX_GROUP &&
	    m->clock + lacks(&l->bucket, c->cost) > t)
		t = m->clock + lacks(&l->bucket, c->cost);
	return t;
}

/* Something has changed: who lost a turn, who got one? `first`: the line that goes before others.
 */
static void look_round(struct model *m, int first)
{
	for (int i = 0; i < LINES; i++) {
		struct line *l = &m->lines[i];
		const struct call *c = head(m, i);
		if (when(m, i) > m->clock) {
			l->turn = 0;
			continue;
		}
		bool urgent = has_reply(m, i), costs = !urgent && c->paid;
		if (i == first)
			l->turn = --m->front;
		else if (!l->turn || l->urgent != urgent || l->costs != costs)
			l->turn = ++m->back;
		l->urgent = urgent;
		l->costs = costs;
	}
}

/* Time passes: lines get their turns one after another, those of one millisecond together. */
static void pass(struct model *m, int64_t to)
{
	for (int64_t t = m->clock; t < INT64_MAX;) {
		int64_t next = INT64_MAX;
		for (int i = 0; i < LINES; i++)
			if (!m->lines[i].turn && when(m, i) > t && when(m, i) < next)
				next = when(m, i);
		t = next;
		if (t > to)
			break;
		m->back++;
		for (int i = 0; i < LINES; i++)
			if (!m->lines[i].turn && when(m, i) == t) {
				m->lines[i].turn = m->back;
				m->lines[i].urgent = has_reply(m, i);
				m->lines[i].costs = !m->lines[i].urgent && head(m, i)->paid;
			}
	}
	for (int i = 0; i < LINES; i++)
		fill(&m->lines[i].bucket, to - m->clock);
	fill(&m->bulk, to - m->clock);
	fill(&m->paid, to - m->clock);
	m->clock = to;
}

/* ---- whose turn it is ---- */

static int in_flight(const struct model *m, bool as_bulk)
{
	int n = 0;
	for (int i = 0; i < m->count; i++)
		n += m->calls[i].flying && (!as_bulk || m->calls[i].as_bulk);
	return n;
}

static bool expired(const struct model *m, int64_t id)
{
	for (int i = 0; i < m->count; i++)
		if (!m->calls[i].flying && m->calls[i].expires <= m->clock &&
		    (!id || m->calls[i].id == id))
			return true;
	return false;
}

/* Whether the whole bot's limits let the head of this line go. */
static bool bot_lets(const struct model *m, int line)
{
	const struct call *c = head(m, line);
	if (!counted(m, c))
		return true;
	if (c->paid)
		return lacks(&m->paid, c->cost) == 0;
	return has_reply(m, line) || lacks(&m->bulk, c->cost) == 0;
}

/* The lines of a class whose turn came first, of which nobody knows the order; how many. */
static int firsts(const struct model *m, bool urgent, bool costs, int *out)
{
	int n = 0;
	for (int i = 0; i < LINES; i++) {
		const struct line *l = &m->lines[i];
		if (!l->turn || l->urgent != urgent || l->costs != costs)
			continue;
		if (n && l->turn > m->lines[out[0]].turn)
			continue;
		if (n && l->turn < m->lines[out[0]].turn)
			n = 0;
		out[n++] = i;
	}
	return n;
}

/* May the call `id` be the one that goes now; 0: may none? */
static bool may(const struct model *m, int64_t id, int *choices)
{
	int reply[LINES], bulk[LINES], paid[LINES], line = -1;
	int replies = firsts(m, true, false, reply);
	for (int i = 0; i < m->count; i++)
		if (m->calls[i].id == id)
			line = m->calls[i].line;
	if (id && (line < 0 || head(m, line) == NULL || head(m, line)->id != id))
		return false;
	*choices = 1;
	if (expired(m, 0) || m->cool > m->clock || in_flight(m, false) >= 8)
		return id == 0;
	/* A reply, if its first may; several are first together. */
	bool none = replies == 0, some = false;
	for (int i = 0; i < replies; i++) {
		bool lets = bot_lets(m, reply[i]);
		none = none || !lets;
		some = some || (lets && reply[i] == line);
	}
	if (some || !none) {
		*choices = replies;
		return some;
	}
	/* Else bulk. */
	if (m->pause > m->clock || m->trial || in_flight(m, true) >= 7)
		return id == 0;
	int bulks = firsts(m, false, false, bulk), paids = firsts(m, false, true, paid);
	*choices = bulks > paids ? bulks : paids;
	for (int b = 0; b < (bulks ? bulks : 1); b++)
		for (int p = 0; p < (paids ? paids : 1); p++) {
			bool b_lets = bulks && bot_lets(m, bulk[b]),
			     p_lets = paids && bot_lets(m, paid[p]);
			int64_t b_turn = b_lets ? m->lines[bulk[b]].turn : 0,
				p_turn = p_lets ? m->lines[paid[p]].turn : 0;
			if (!b_lets && !p_lets && id == 0)
				return true;
			if (b_lets && bulk[b] == line && (!p_lets || b_turn <= p_turn))
				return true;
			if (p_lets && paid[p] == line && (!b_lets || p_turn <= b_turn))
				return true;
		}
	return false;
}

/* ---- what is done to both ---- */

static struct call *of_id(struct model *m, int64_t id)
{
	for (int i = 0; i < m->count; i++)
		if (m->calls[i].id == id)
			return &m->calls[i];
	return NULL;
}

static void leave(struct model *m, int64_t id)
{
	int i = (int)(of_id(m, id) - m->calls);
	m->lines[m->calls[i].line].taken = false;
	memmove(&m->calls[i], &m->calls[i + 1], sizeof m->calls[0] * (size_t)(m->count-- - i - 1));
	look_round(m, -1);
}

static int nameless(struct model *m)
{
	int line = NAMES;
	while (m->lines[line].taken)
		line++;
	m->lines[line] = (struct line){ .kind = OUTBOX_NONE, .same = -1, .taken = true };
	return line;
}

static int to_outbox(struct model *m, struct outbox *o, const struct call *c, int name)
{
	return outbox_add(o, m->clock,
			  &(struct outbox_entry){ .id = c->id,
						  .kind = m->lines[c->line].kind,
						  .line = name < 0 ? "" : names[name],
						  .cost = c->cost,
						  .bulk = c->bulk,
						  .paid = c->paid,
						  .due = c->due,
						  .expires = c->expires });
}

static bool do_add(struct model *m, struct outbox *o)
{
	int name = rand() % 12 ? rand() % NAMES : -1;
	struct call *c = &m->calls[m->count];
	if (m->count == CALLS)
		return true;
	*c = (struct call){ .id = ++m->ids, .expires = INT64_MAX };
	if (rand() % 10 == 0)
		c->id = -c->id;
	c->line = name < 0 ? nameless(m) : real(m, name);
	c->cost = rand() % 8 == 0 ? 0 : rand() % 10 == 0 ? 10 : 1;
	c->bulk = c->id > 0 && rand() % 2;
	c->paid = rand() % 10 == 0;
	if (rand() % 20 == 0)
		c->due = m->clock + rand() % 3000;
	if (rand() % 5 == 0)
		c->expires = m->clock + rand() % 60000;
	m->count++;
	bool added = to_outbox(m, o, c, name) == 0;
	look_round(m, -1);
	return added;
}

static bool do_next(struct model *m, struct outbox *o)
{
	int64_t id = 0, old;
	int choices;
	if (rand() % 4 == 0 || expired(m, 0)) {
		bool got = outbox_too_old(o, m->clock, &old);
		if (got != expired(m, 0) || (got && !expired(m, old))) {
			diag("too old: got %" PRId64, got ? old : 0);
			return false;
		}
		if (got)
			leave(m, old);
		/* Now and then with some that are left: then none may go. */
		if (got && rand() % 3)
			return true;
	}
	if (!outbox_next(o, m->clock, &id))
		id = 0;
	if (!may(m, id, &choices)) {
		diag("next: got %" PRId64 " at %" PRId64, id, m->clock);
		return false;
	}
	m->ties += choices > 1;
	if (!id)
		return true;
	struct call *c = of_id(m, id);
	struct line *l = &m->lines[c->line];
	m->sent++;
	c->as_bulk = !has_reply(m, c->line);
	if (counted(m, c) && c->paid)
		m->paid.level -= c->cost * m->paid.each;
	else if (counted(m, c)) {
		int64_t before = m->bulk.level;
		m->bulk.level -= c->cost * m->bulk.each;
		if (!c->as_bulk && m->bulk.level < 0)
			m->bulk.level = before < 0 ? before : 0;
		l->bucket.level -= c->cost * l->bucket.each;
	}
	c->flying = true;
	if (m->trying && c->as_bulk)
		m->trial = id;
	look_round(m, -1);
	return true;
}

static int64_t pick(const struct model *m, bool flying)
{
	int64_t all[CALLS];
	int n = 0;
	for (int i = 0; i < m->count; i++)
		if (m->calls[i].flying == flying)
			all[n++] = m->calls[i].id;
	return n ? all[rand() % n] : 0;
}

static void land(struct model *m, struct call *c, int64_t due, bool again)
{
	c->flying = false;
	c->due = due;
	c->again = again;
	if (m->trial == c->id)
		m->trial = 0;
}

/* The three chats that got one last, in ten seconds and since the last pause. */
static void flood_model(struct model *m, int line, int64_t until)
{
	struct flood *f = m->floods;
	int64_t wait = INT64_MAX;
	int chats = 0;
	f[m->flood_count++] = (struct flood){ m->clock, until - m->clock, line };
	for (int i = 0; i < m->flood_count; i++) {
		bool last = m->clock - f[i].at <= 10000;
		for (int j = i + 1; j < m->flood_count; j++)
			last = last && f[j].line != f[i].line;
		if (!last)
			continue;
		chats++;
		wait = f[i].wait < wait ? f[i].wait : wait;
	}
	if (chats < 3)
		return;
	m->pauses++;
	m->pause = m->clock + wait > m->pause ? m->clock + wait : m->pause;
	m->trying = true;
	m->flood_count = 0;
}

static void do_end(struct model *m, struct outbox *o)
{
	int64_t id = pick(m, true), due = rand() % 2 ? 0 : m->clock + rand() % 5000;
	int64_t until = m->clock + rand() % 9000;
	struct call *c = of_id(m, id);
	if (!c)
		return;
	int line = c->line, what = rand() % 10;
	if (what < 6) {
		outbox_end(o, m->clock, id);
		if (m->trial == id) {
			m->trial = 0;
			m->trying = false;
		}
		leave(m, id);
	} else if (what < 8) {
		outbox_again(o, m->clock, id, due);
		land(m, c, due, due <= m->clock);
		look_round(m, due <= m->clock && head(m, line) ? line : -1);
	} else {
		outbox_flood(o, m->clock, id, until);
		bool chat = m->lines[line].kind <= OUTBOX_GROUP;
		int64_t *cool = chat ? &m->lines[line].cool : &m->cool;
		*cool = until > *cool ? until : *cool;
		if (chat)
			flood_model(m, line, until);
		if (m->trial == id && until > m->pause)
			m->pause = until;
		land(m, c, 0, false);
		look_round(m, -1);
	}
}

static bool do_remove(struct model *m, struct outbox *o)
{
	int64_t id = pick(m, false), flies = pick(m, true);
	if (flies && outbox_remove(o, m->clock, flies))
		return false;
	if (!id)
		return true;
	leave(m, id);
	return outbox_remove(o, m->clock, id);
}

static void do_cool(struct model *m, struct outbox *o)
{
	int name = rand() % 7;
	int64_t until = m->clock + rand() % 9000;
	bool bot = rand() % 8 == 0;
	int64_t *cool = bot ? &m->cool : &m->lines[real(m, name)].cool;
	outbox_cool(o, m->clock, bot ? NULL : names[name], until);
	*cool = until > *cool ? until : *cool;
	look_round(m, -1);
}

static void do_move(struct model *m, struct outbox *o)
{
	static const int groups[] = { 4, 5, 6, 9 };
	int a = groups[rand() % 4], b = groups[rand() % 4];
	int from = real(m, a), to = real(m, b);
	outbox_move(o, m->clock, names[a], names[b]);
	if (from == to)
		return;
	struct line *f = &m->lines[from], *t = &m->lines[to];
	for (int i = 0; i < m->count; i++)
		if (m->calls[i].line == from)
			m->calls[i].line = to;
	t->bucket.level -= f->bucket.burst * f->bucket.each - f->bucket.level;
	t->cool = f->cool > t->cool ? f->cool : t->cool;
	t->known = f->known = true;
	f->same = to;
	f->turn = 0;
	look_round(m, -1);
}

/* The process is replaced: what is stored comes back, what was in flight comes again in 5 s. */
static struct outbox *do_restart(struct model *m, struct outbox *o)
{
	struct outbox *fresh = outbox_new();
	struct outbox_mark mark;
	m->restarts++;
	outbox_set_rates(fresh, m->clock, &rates);
	for (int i = 0; i < NAMES; i++) {
		struct bucket *b = &m->lines[i].bucket;
		m->lines[i].turn = 0;
		/* To the next millisecond. */
		b->level = b->burst * b->each - full_in(b) * 1000;
		if (m->lines[i].same < 0 && outbox_mark(o, m->clock, names[i], &mark))
			outbox_recall(fresh, m->clock, names[i], &mark);
	}
	m->bulk.level = m->bulk.burst * m->bulk.each - full_in(&m->bulk) * 1000;
	if (outbox_mark(o, m->clock, NULL, &mark))
		outbox_recall(fresh, m->clock, NULL, &mark);
	for (int i = 0; i < NAMES; i++)
		if (m->lines[i].same >= 0)
			outbox_move(fresh, m->clock, names[i], names[real(m, i)]);
	outbox_free(o);
	m->paid.level = m->paid.burst * m->paid.each;
	m->pause = m->trial = m->flood_count = 0;
	m->trying = false;
	/* Who called by the local API has gone; the others are added again, one by one. */
	struct call old[CALLS];
	int n = m->count;
	memcpy(old, m->calls, sizeof old);
	for (int i = NAMES; i < LINES; i++)
		m->lines[i].taken = false;
	m->count = 0;
	for (int i = 0; i < n; i++) {
		struct call *c = &m->calls[m->count];
		if (old[i].id < 0)
			continue;
		bool named = old[i].line < NAMES;
		*c = old[i];
		c->line = named ? c->line : nameless(m);
		c->due = old[i].flying ? m->clock + 5000 : c->due;
		c->flying = c->again = false;
		m->count++;
		to_outbox(m, fresh, c, named ? c->line : -1);
		look_round(m, -1);
	}
	return fresh;
}

/* ---- what is asked ---- */

static bool agree_call(const struct model *m, struct outbox *o, const struct call *c)
{
	enum outbox_state state, want = OUTBOX_BEHIND;
	int64_t until, want_until = 0;
	const struct call *first = head(m, c->line);
	if (!outbox_look(o, m->clock, c->id, &state, &until))
		return false;
	if (c->flying)
		want = OUTBOX_SENDING;
	else if (c == first && m->lines[c->line].turn)
		want = OUTBOX_READY;
	else if (c == first) {
		want = OUTBOX_HELD;
		want_until = when(m, c->line);
	}
	return state == want && until == want_until;
}

static bool agree_lines(const struct model *m, struct outbox *o)
{
	size_t known = 0;
	struct outbox_mark mark;
	bool same = true;
	for (int i = 0; i < NAMES; i++) {
		const struct line *l = &m->lines[i], *r = &m->lines[real(m, i)];
		int64_t full = r->kind <= OUTBOX_GROUP ? full_in(&r->bucket) : 0;
		int64_t cool = r->cool > m->clock ? r->cool : 0;
		bool used = l->same >= 0 || l->known || full || cool;
		for (int c = 0; c < m->count; c++)
			used = used || m->calls[c].line == i;
		known += used;
		same = same && outbox_mark(o, m->clock, names[i], &mark) == (full || cool) &&
		       mark.full == (full ? m->clock + full : 0) && mark.cool == cool &&
		       outbox_cools(o, m->clock, names[i]) == (cool || m->cool > m->clock) &&
		       strcmp(outbox_name(o, names[i]), names[real(m, i)]) == 0;
	}
	outbox_mark(o, m->clock, NULL, &mark);
	int64_t full = full_in(&m->bulk);
	return same && outbox_lines(o) == known && mark.full == (full ? m->clock + full : 0) &&
	       mark.cool == (m->cool > m->clock ? m->cool : 0);
}

/* Before outbox_due() nothing may be done, and what may be done is due now. */
static bool agree_due(const struct model *m, struct outbox *o)
{
	static struct model later;
	int64_t due = outbox_due(o, m->clock), reply = INT64_MAX;
	int choices;
	for (int i = 0; i < LINES; i++)
		if (has_reply(m, i) && when(m, i) < reply)
			reply = when(m, i);
	if (reply < m->cool)
		reply = m->cool;
	if (outbox_due_reply(o, m->clock) != reply)
		return false;
	later = *m;
	if (due > m->clock)
		pass(&later, due == INT64_MAX ? m->clock + DAY : due - 1);
	bool idle = !expired(&later, 0) && may(&later, 0, &choices);
	return due > m->clock ? idle : due == m->clock && (!idle || choices > 1);
}

static bool agree(const struct model *m, struct outbox *o)
{
	size_t waiting[2] = { 0 };
	bool same = agree_due(m, o);
	if (!same)
		diag("the next time is another");
	for (int i = 0; i < m->count; i++) {
		const struct call *c = &m->calls[i];
		waiting[c->bulk] += !c->flying;
		if (same && !agree_call(m, o, c)) {
			diag("call %" PRId64 " is known otherwise", c->id);
			same = false;
		}
	}
	if (same && !agree_lines(m, o)) {
		diag("a chat is known otherwise");
		same = false;
	}
	return same && outbox_waiting(o, false) == waiting[0] &&
	       outbox_waiting(o, true) == waiting[1] &&
	       outbox_in_flight(o) == (size_t)in_flight(m, false);
}

static void model_init(struct model *m)
{
	*m = (struct model){ .clock = 1000 };
	m->bulk = bucket(rates.bulk, 30);
	m->paid = bucket((struct outbox_rate){ 1000, 1000 }, 30);
	for (int i = 0; i < LINES; i++) {
		struct line *l = &m->lines[i];
		l->same = -1;
		l->kind = i >= NAMES                ? OUTBOX_NONE
			  : strchr(names[i], ':')   ? OUTBOX_QUERY
			  : strchr("-@", *names[i]) ? OUTBOX_GROUP
						    : OUTBOX_CHAT;
		l->bucket = bucket(l->kind == OUTBOX_GROUP ? rates.group : rates.chat, 5);
	}
}

/* One random run; true when outbox and model did the same, to the last. */
static bool model_run(unsigned seed, struct model *m)
{
	struct outbox *o = outbox_new();
	bool same = true;
	int step;
	model_init(m);
	outbox_set_rates(o, m->clock, &rates);
	srand(seed);
	for (step = 0; step < STEPS && same; step++) {
		int what = rand() % 100;
		if (what < 30)
			same = do_add(m, o);
		else if (what < 60)
			same = do_next(m, o);
		else if (what < 80)
			do_end(m, o);
		else if (what < 83)
			same = do_remove(m, o);
		else if (what < 85)
			do_cool(m, o);
		else if (what < 86 && rand() % 4 == 0)
			do_move(m, o);
		else if (what < 87 && rand() % 3 == 0)
			o = do_restart(m, o);
		else
			pass(m, m->clock + (rand() % 3 ? rand() % 100 : rand() % 4000));
		same = same && agree(m, o);
	}
	/* Nobody is starved: with time and ends, all of them leave. */
	for (int round = 0; round < 100000 && same && m->count; round++) {
		pass(m, m->clock + 500);
		same = do_next(m, o);
		do_end(m, o);
	}
	if (!same || m->count)
		diag("seed %u, step %d: %d never left", seed, step, m->count);
	outbox_free(o);
	return same && !m->count;
}

int main(void)
{
	static struct model m;
	bool same = true;
	int64_t sent = 0, ties = 0, restarts = 0, pauses = 0;
	for (unsigned seed = 1; seed <= RUNS && same; seed++) {
		same = model_run(seed, &m);
		sent += m.sent, ties += m.ties, restarts += m.restarts, pauses += m.pauses;
	}
	ok(same,
	   "in %d random runs of %d steps outbox and model send the same, and all calls leave",
	   RUNS, STEPS);
	diag("%" PRId64 " calls sent, %" PRId64 " times there was a choice; %" PRId64
	     " restarts, %" PRId64 " pauses of bulk",
	     sent, ties, restarts, pauses);
	ok(sent > 10000 && ties < sent / 4, "many were compared, and few left a choice");
	ok(restarts > 100 && pauses > 100, "over restarts and pauses of bulk, too");
	return done_testing();
}
