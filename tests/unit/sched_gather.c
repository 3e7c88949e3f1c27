/* tests/unit/sched_gather: lanes that gather: what the scheduler hands out together, and when,
 * against a slow and obvious model that looks through all updates each time. */
#include "base/buf.h"
#include "sched/sched.h"
#include "tests/tap.h"

/* Of the lanes that are drawn two gather, and one does not. */
enum { UPDATES = 300, KEYS = 5, STEPS = 3000, LANES = 3, PLAIN = 2 };

struct one {
	bool in, running, claimed, solo, redelivered;
	int keys[2], key_count, lane, deaths;
	uint64_t group;
	int64_t came, due, expires, batch;
};

/* Of each update what the rules say, and nothing that has to be kept up. */
struct model {
	struct one u[UPDATES + 1];
	struct sched_gather rules[LANES];
	int64_t next, now, batches;
	size_t full[UPDATES + 1]; /* `most` of the lane when it came */
};

static struct model m;
static int64_t claims, gathered, waited, split;

static bool share(const struct one *a, const struct one *b)
{
	for (int i = 0; i < a->key_count; i++)
		for (int j = 0; j < b->key_count; j++)
			if (a->keys[i] == b->keys[j])
				return true;
	return false;
}

static bool same_keys(const struct one *a, const struct one *b)
{
	if (a->key_count != b->key_count)
		return false;
	for (int i = 0; i < a->key_count; i++) {
		struct one only = { .keys = { a->keys[i] }, .key_count = 1 };
		if (!share(&only, b))
			return false;
	}
	return true;
}

/* The first of what is gathered with `seq`, gone or not: the numbers of its group are written down
 * when they come, by the rule for who joins. */
static int64_t run_of[UPDATES + 1];
static int64_t size_of_run[UPDATES + 1], last_of_run[UPDATES + 1];
static bool closed[UPDATES + 1];

static void came(int64_t seq)
{
	struct one *u = &m.u[seq];
	int64_t joins = 0;
	bool may = u->group && u->key_count && m.rules[u->lane].most;
	/* Whom does it stand right behind, in each of its keys? */
	for (int k = 0; k < u->key_count; k++) {
		struct one only = { .keys = { u->keys[k] }, .key_count = 1 };
		int64_t before = seq - 1;
		while (before > 0 && !(m.u[before].in && share(&only, &m.u[before])))
			before--;
		if (k > 0 && before != joins)
			may = false;
		joins = before;
	}
	const struct one *b = &m.u[joins];
	may = may && joins && run_of[joins] && b->group == u->group && b->lane == u->lane &&
	      b->redelivered == u->redelivered && same_keys(b, u) && !closed[run_of[joins]];
	run_of[seq] = may                                                 ? run_of[joins]
		      : u->group && u->key_count && m.rules[u->lane].most ? seq
									  : 0;
	/* Every other run with which it shares a key is behind it no more. */
	for (int64_t i = 1; i < seq; i++)
		if (m.u[i].in && run_of[i] && run_of[i] != run_of[seq] && share(&m.u[i], u))
			closed[run_of[i]] = true;
	if (!run_of[seq])
		return;
	last_of_run[run_of[seq]] = u->came;
	closed[run_of[seq]] = (size_t)++size_of_run[run_of[seq]] >= m.rules[u->lane].most;
}

static bool blocked(int64_t seq)
{
	for (int64_t i = 1; i < m.next; i++)
		if (i != seq && m.u[i].in && (i < seq || m.u[i].running) &&
		    share(&m.u[i], &m.u[seq]))
			return true;
	return false;
}

/* When an update that waits for nobody may be handed out. */
static int64_t time_of(int64_t seq)
{
	const struct one *u = &m.u[seq];
	const struct sched_gather *rule = &m.rules[u->lane];
	int64_t run = run_of[seq], at = u->due, until = 0;
	if (run && !closed[run] && !u->redelivered && !u->solo && u->deaths < 2) {
		until = last_of_run[run] + rule->wait;
		if (until > m.u[run].came + rule->longest)
			until = m.u[run].came + rule->longest;
	}
	at = at > until ? at : until;
	return at < u->expires ? at : u->expires;
}

/* Lifts what was ready once: more that comes does not make it wait again. */
static bool ready_once[UPDATES + 1];

static bool may_run(int64_t seq, uint64_t lanes)
{
	const struct one *u = &m.u[seq];
	return u->in && !u->running && (lanes >> u->lane & 1) && !blocked(seq) &&
	       (ready_once[seq] || time_of(seq) <= m.now);
}

/* To be called whenever something may have changed. */
static void note_ready(void)
{
	for (int64_t i = 1; i < m.next; i++)
		if (!ready_once[i] && may_run(i, SCHED_ALL_LANES))
			ready_once[i] = true;
}

static bool any_may(uint64_t lanes)
{
	bool suspects = false, plain = false, alone = false;
	int64_t running = 0;
	for (int64_t i = 1; i < m.next; i++) {
		running += m.u[i].in && m.u[i].running;
		alone = alone || (m.u[i].in && m.u[i].running && m.u[i].deaths >= 2);
		if (!may_run(i, lanes))
			continue;
		suspects = suspects || m.u[i].deaths >= 2;
		plain = plain || m.u[i].deaths < 2;
	}
	return !alone && (suspects ? running == 0 : plain);
}

static bool add(struct sched *s)
{
	int64_t seq = m.next++;
	struct one *u = &m.u[seq];
	char keys[64] = "";
	*u = (struct one){ .in = true,
			   .expires = INT64_MAX,
			   .came = m.now,
			   .lane = rand() % LANES,
			   .redelivered = rand() % 6 == 0,
			   .deaths = rand() % 30 == 0 ? 2 : 0,
			   .group = rand() % 4 ? 1 + (uint64_t)rand() % 2 : 0 };
	/* Often what came last goes on. */
	const struct one *last = seq > 1 && rand() % 3 ? &m.u[seq - 1] : NULL;
	if (last) {
		u->lane = last->lane;
		u->group = last->group;
		u->redelivered = rand() % 6 ? last->redelivered : !last->redelivered;
		u->key_count = last->key_count;
		u->keys[0] = last->keys[last->key_count - 1 > 0];
		u->keys[1] = last->keys[0];
	} else {
		u->key_count = rand() % 3;
		u->keys[0] = rand() % KEYS;
		u->keys[1] = (u->keys[0] + 1 + rand() % (KEYS - 1)) % KEYS;
	}
	if (rand() % 15 == 0)
		u->expires = m.now + rand() % 3000;
	if (rand() % 15 == 0)
		u->due = m.now + 1 + rand() % 3000;
	for (int k = 0; k < u->key_count; k++)
		sprintf(keys + strlen(keys), " k%d", u->keys[k]);
	came(seq);
	return sched_add(s, m.now,
			 &(struct sched_entry){ .seq = seq,
						.expires = u->expires,
						.due = u->due,
						.deaths = u->deaths,
						.group = u->group,
						.redelivered = u->redelivered,
						.lane = (unsigned)u->lane },
			 keys) == 0;
}

/* What the batch of `leader` must hold next, in a lane that gathers; 0: nothing more. */
static int64_t next_of(int64_t leader, int64_t last)
{
	if (!run_of[leader] || m.u[leader].solo || m.u[leader].deaths >= 2)
		return 0;
	for (int64_t i = last + 1; i < m.next; i++)
		if (m.u[i].in && !m.u[i].running && run_of[i] == run_of[leader])
			return m.u[i].solo || m.u[i].deaths >= 2 ? 0 : i;
	return 0;
}

static void start(int64_t seq, int64_t batch)
{
	struct one *u = &m.u[seq];
	ready_once[seq] = false;
	u->running = u->claimed = true;
	u->batch = batch;
	if (run_of[seq])
		closed[run_of[seq]] = true;
}

static bool claim(struct sched *s, uint64_t lanes, int size)
{
	struct sched_entry e;
	note_ready();
	bool want = any_may(lanes);
	if (!sched_claim(s, m.now, lanes, &e)) {
		if (want)
			diag("something may run at %" PRId64 ", and nothing is handed out", m.now);
		return !want;
	}
	int64_t leader = e.seq, last = leader, batch = ++m.batches;
	if (!want || !may_run(leader, lanes)) {
		diag("%" PRId64 " is handed out before its time", leader);
		return false;
	}
	claims++;
	waited += run_of[leader] && m.now > m.u[leader].came;
	if (e.expired != (m.now >= m.u[leader].expires))
		return false;
	start(leader, batch);
	if (m.u[leader].lane == PLAIN)
		return true;
	for (int n = 1; n < size; n++) {
		int64_t next = next_of(leader, last);
		int64_t got = sched_join(s, m.now, leader, &e) ? e.seq : 0;
		if (got != next) {
			diag("%" PRId64 " joins the batch of %" PRId64 ", not %" PRId64, got,
			     leader, next);
			return false;
		}
		if (!got)
			return true;
		gathered++;
		start(got, batch);
		last = got;
	}
	split += next_of(leader, last) != 0;
	return true;
}

/* Ends all of a batch, or gives all of it back, as engines do. */
static void end(struct sched *s)
{
	int64_t any = 0, n = 0;
	for (int64_t i = 1; i < m.next; i++)
		if (m.u[i].in && m.u[i].running && rand() % ++n == 0)
			any = i;
	bool back = rand() % 3 == 0, solo = rand() % 2, later = rand() % 2;
	for (int64_t i = 1; any && i < m.next; i++) {
		struct one *u = &m.u[i];
		if (!u->in || !u->running || u->batch != m.u[any].batch || rand() % 20 == 0)
			continue;
		u->running = false;
		if (!back) {
			u->in = false;
			sched_finish(s, m.now, i);
			continue;
		}
		/* Those of one batch fall due in different milliseconds. */
		u->due = later ? m.now + 500 + rand() % 3 : 0;
		u->solo = solo;
		u->redelivered = true;
		sched_return(s, m.now,
			     &(struct sched_entry){ .seq = i,
						    .failures = 1,
						    .deaths = u->deaths,
						    .redelivered = true,
						    .solo = u->solo,
						    .expires = u->expires,
						    .due = u->due });
	}
}

static bool remove_one(struct sched *s)
{
	int64_t any = 0, n = 0;
	for (int64_t i = 1; i < m.next; i++)
		if (m.u[i].in && !m.u[i].running && rand() % ++n == 0)
			any = i;
	if (!any)
		return true;
	m.u[any].in = false;
	return sched_remove(s, m.now, any);
}

/* What the scheduler says of the time until something comes up, which a timer is set to. */
static bool time_agrees(struct sched *s)
{
	int64_t next = INT64_MAX, said;
	bool alone = false;
	note_ready();
	bool now = any_may(SCHED_ALL_LANES);
	for (int64_t i = 1; i < m.next; i++) {
		const struct one *u = &m.u[i];
		alone = alone || (u->in && u->running && u->deaths >= 2);
		if (u->in && !u->running && !blocked(i) && !ready_once[i] && time_of(i) < next)
			next = time_of(i);
	}
	said = sched_next_due(s, m.now, SCHED_ALL_LANES);
	if (now ? said == 0 : alone ? said == INT64_MAX : said > m.now && said <= next)
		return true;
	diag("the next is said to be due at %" PRId64 ", and is at %" PRId64 " (now %" PRId64 ")",
	     said, next, m.now);
	return false;
}

static void set_rule(struct sched *s, int lane, int64_t wait)
{
	m.rules[lane].wait = wait;
	m.rules[lane].longest = 10 * wait;
	sched_gather(s, m.now, (unsigned)lane, &m.rules[lane]);
}

static bool run(unsigned seed)
{
	struct sched *s = sched_new();
	bool same = true;
	m = (struct model){ .next = 1, .now = 1000 };
	memset(run_of, 0, sizeof run_of);
	memset(size_of_run, 0, sizeof size_of_run);
	memset(closed, 0, sizeof closed);
	memset(ready_once, 0, sizeof ready_once);
	srand(seed);
	for (int lane = 0; lane < PLAIN; lane++) {
		m.rules[lane].most = 2 + (size_t)rand() % 5;
		set_rule(s, lane, 100 + 400 * lane);
	}
	for (int step = 0; step < STEPS && same; step++) {
		int what = rand() % 20;
		if (what < 7 && m.next <= UPDATES)
			same = add(s);
		else if (what < 11)
			same = claim(s, rand() % 3 ? SCHED_ALL_LANES : (uint64_t)rand() % 8,
				     rand() % 6 ? UPDATES : 1 + rand() % 3);
		else if (what < 15)
			end(s);
		else if (what < 16)
			same = rand() % 4 || remove_one(s);
		else if (what < 17 && rand() % 10 == 0)
			set_rule(s, rand() % PLAIN, rand() % 500);
		else
			m.now += rand() % 100;
		note_ready();
		same = same && (step % 8 || time_agrees(s));
		if (!same)
			diag("seed %u, step %d", seed, step);
	}
	/* Nobody is left behind. */
	for (int round = 0; round < 20000 && same && sched_count(s); round++) {
		m.now += 100;
		same = claim(s, SCHED_ALL_LANES, UPDATES);
		end(s);
	}
	if (same && sched_count(s))
		diag("seed %u: %zu never left", seed, sched_count(s));
	same = same && sched_count(s) == 0 && sched_gathering(s) == 0;
	sched_free(s);
	return same;
}

static void model(void)
{
	bool same = true;
	for (unsigned seed = 1; seed <= 60 && same; seed++)
		same = run(seed);
	ok(same,
	   "in 60 random runs each batch has what was gathered, whole and in order, neither before its time nor after it");
	diag("%" PRId64 " claims, %" PRId64 " joined, %" PRId64 " leaders had waited, %" PRId64
	     " batches were cut",
	     claims, gathered, waited, split);
	ok(claims > 5000 && gathered > 1000 && waited > 500 && split > 10, "many were compared");
}

/* ---- one situation each ---- */

static struct sched *fresh(size_t most)
{
	struct sched *s = sched_new();
	sched_gather(s, 0, 0, &(struct sched_gather){ most, 1000, 10000 });
	return s;
}

static void came_at(struct sched *s, int64_t now, int64_t seq, const char *keys, uint64_t group)
{
	struct sched_entry e = { .seq = seq, .expires = INT64_MAX, .group = group };
	sched_add(s, now, &e, keys);
}

/* The numbers of the next batch, a space between. */
static const char *batch(struct sched *s, int64_t now)
{
	static char text[200];
	struct sched_entry e;
	int64_t leader = 0;
	text[0] = '\0';
	while (leader ? sched_join(s, now, leader, &e) : sched_claim(s, now, 1, &e)) {
		sprintf(text + strlen(text), "%s%" PRId64, leader ? " " : "", e.seq);
		leader = leader ? leader : e.seq;
	}
	return text;
}

static void situations(void)
{
	struct sched *s = fresh(10);
	came_at(s, 0, 1, "chat:1", 7);
	came_at(s, 600, 2, "chat:1", 7);
	is_str(batch(s, 1000), "", "what comes meanwhile makes a group wait anew");
	is_num(sched_next_due(s, 1000, 1), 1600, "it is known until when");
	is_num((long long)sched_gathering(s), 1, "one group waits for more");
	is_str(batch(s, 1600), "1 2", "when it is quiet, all of it is one batch");
	came_at(s, 1700, 3, "chat:1", 7);
	sched_finish(s, 1800, 1);
	sched_finish(s, 1800, 2);
	is_str(batch(s, 1800), "", "what comes when it has set out waits for itself");
	came_at(s, 1900, 4, "chat:1", 0);
	is_str(batch(s, 1900), "3", "what can get no more waits no longer");
	sched_finish(s, 1900, 3);
	is_str(batch(s, 1900), "4", "what is of no group does not wait");
	sched_free(s);

	s = fresh(3);
	for (int64_t seq = 1; seq <= 4; seq++)
		came_at(s, 0, seq, "chat:1", 7);
	came_at(s, 0, 5, "chat:2", 7);
	came_at(s, 0, 6, "", 7);
	is_str(batch(s, 0), "1 2 3", "a full group does not wait");
	is_str(batch(s, 0), "6", "nor does what has no key");
	is_str(batch(s, 1000), "5", "one value in two chats are two groups");
	sched_free(s);

	s = fresh(1000);
	for (int64_t at = 0; at < 10000; at += 500)
		came_at(s, at, 1 + at / 500, "chat:1", 7);
	is_str(batch(s, 9999), "", "a group that never ends …");
	is_str(batch(s, 10000), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
	       "… sets out ten times its wait after its first");
	sched_free(s);

	s = fresh(10);
	came_at(s, 0, 1, "chat:1", 7);
	came_at(s, 0, 2, "chat:1", 7);
	sched_gather(s, 10, 0, &(struct sched_gather){ 10, 0, 0 });
	is_str(batch(s, 10), "1 2", "when nobody waits any more it sets out at once");
	struct sched_entry back = { .seq = 1, .expires = INT64_MAX, .due = 500 };
	sched_return(s, 10, &back);
	back.seq = 2;
	back.due = 503;
	sched_return(s, 12, &back);
	is_str(batch(s, 499), "", "one that is to be tried again waits for its time …");
	is_str(batch(s, 500), "1 2", "… which is that of the first, so that it stays together");
	back = (struct sched_entry){ .seq = 1, .expires = INT64_MAX, .solo = true };
	sched_return(s, 600, &back);
	back.seq = 2;
	sched_return(s, 600, &back);
	is_str(batch(s, 600), "1", "one that failed is taken apart");
	sched_free(s);

	/* As at a start: 1 and 2 were running, 3 came behind them; then 4 comes. */
	s = fresh(10);
	for (int64_t seq = 1; seq <= 3; seq++)
		sched_add(s, 0,
			  &(struct sched_entry){ .seq = seq,
						 .expires = INT64_MAX,
						 .group = 7,
						 .redelivered = seq < 3 },
			  "chat:1");
	came_at(s, 0, 4, "chat:1", 7);
	is_str(batch(s, 0), "1 2", "what was handed out together comes again at once, as it was");
	sched_finish(s, 0, 1);
	sched_finish(s, 0, 2);
	is_str(batch(s, 1000), "3 4", "what came behind it is another batch");
	sched_free(s);

	s = fresh(10);
	sched_add(s, 0,
		  &(struct sched_entry){ .seq = 1,
					 .expires = INT64_MAX,
					 .due = 500,
					 .group = 7,
					 .redelivered = true },
		  "chat:1");
	came_at(s, 100, 2, "chat:1", 7);
	is_str(batch(s, 499), "", "it waits out its own delay …");
	is_str(batch(s, 500), "1", "… and nothing joins it that comes meanwhile");
	sched_free(s);
}

int main(void)
{
	RUN(situations);
	RUN(model);
	return done_testing();
}
