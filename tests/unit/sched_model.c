/* tests/unit/sched_model: the scheduler against a slow and obvious model of itself, in random
 * runs. */
#include "sched/sched.h"
#include "tests/tap.h"

enum { UPDATES = 300, KEYS = 12, STEPS = 4000, LANES = 3 };

struct model_update {
	bool in, running, solo, first;
	int keys[4], key_count, failures, deaths, lane;
	/* turn: a number that orders what is ready; 0: its turn has not come up */
	int64_t due, expires, turn, batch;
};

struct model {
	struct model_update u[UPDATES + 1];
	int64_t next, front, back, clock, batches, joined, foretold;
};

static bool share(const struct model_update *a, const struct model_update *b)
{
	for (int i = 0; i < a->key_count; i++)
		for (int j = 0; j < b->key_count; j++)
			if (a->keys[i] == b->keys[j])
				return true;
	return false;
}

/* It waits for all earlier ones, and, when it was given back, for later ones of its batch that
 * run. */
static bool blocked(const struct model *m, int64_t seq)
{
	for (int64_t i = 1; i < m->next; i++)
		if (m->u[i].in && i != seq && (i < seq || m->u[i].running) &&
		    share(&m->u[i], &m->u[seq]))
			return true;
	return false;
}

static int64_t model_due(const struct model_update *u)
{
	return u->due <= 0 ? 0 : u->due < u->expires ? u->due : u->expires;
}

/* Those whose time has come get their turns in the order of their times; those without a delay at
 * once, in the order given. */
static void model_time(struct model *m, int64_t now)
{
	for (;;) {
		int64_t best = 0;
		for (int64_t i = 1; i < m->next; i++) {
			const struct model_update *u = &m->u[i];
			if (u->in && !u->running && !u->turn && u->due > 0 && model_due(u) <= now &&
			    !blocked(m, i) && (!best || model_due(u) < model_due(&m->u[best])))
				best = i;
		}
		if (!best)
			return;
		m->u[best].turn = ++m->back;
	}
}

/* What comes up when `freed` ended or was given back, in the order of its keys: each with the last
 * of them that it waited for. */
static void model_freed(struct model *m, const struct model_update *freed)
{
	for (int k = 0; k < freed->key_count; k++)
		for (int64_t i = 1; i < m->next; i++) {
			struct model_update *u = &m->u[i], rest = *freed,
					    this = { .keys = { freed->keys[k] }, .key_count = 1 };
			rest.key_count -= k + 1;
			memmove(rest.keys, freed->keys + k + 1,
				sizeof rest.keys[0] * (size_t)rest.key_count);
			if (u->in && !u->running && !u->turn && u->due <= 0 && !blocked(m, i) &&
			    share(&this, u) && !share(&rest, u))
				u->turn = u->first ? --m->front : ++m->back;
		}
}

static void model_start(struct model *m, int64_t seq, int64_t with)
{
	struct model_update *u = &m->u[seq];
	u->running = true;
	u->first = false;
	u->turn = 0;
	u->batch = with;
}

static int64_t model_claim(struct model *m, int64_t now, uint64_t of)
{
	int64_t best = 0, running = 0;
	bool alone = false, suspect = false;
	model_time(m, now);
	for (int64_t i = 1; i < m->next; i++) {
		const struct model_update *u = &m->u[i];
		if (u->in && u->running) {
			running++;
			alone = alone || u->deaths >= 2;
		}
		if (u->in && u->turn && !u->running && (of >> u->lane & 1) &&
		    (u->deaths >= 2) >= suspect &&
		    ((u->deaths >= 2) > suspect || !best || u->turn < m->u[best].turn)) {
			best = i;
			suspect = u->deaths >= 2;
		}
	}
	if (alone || !best || (suspect && running))
		return 0;
	model_start(m, best, ++m->batches);
	return best;
}

/* Whether all that it waits for runs in `batch`. */
static bool model_follows(const struct model *m, int64_t seq, int64_t of)
{
	for (int64_t i = 1; i < m->next; i++) {
		const struct model_update *u = &m->u[i];
		if (u->in && i != seq && (i < seq || u->running) && share(u, &m->u[seq]) &&
		    (!u->running || u->batch != of || i > seq))
			return false;
	}
	return m->u[seq].due <= m->clock;
}

/* Whether `got` may join the batch of `leader` now, or, if it is 0, whether none may. */
static bool model_join(struct model *m, int64_t leader, int64_t got)
{
	const struct model_update *l = &m->u[leader];
	int64_t best = 0;
	bool any = false, may = false;
	model_time(m, m->clock);
	for (int64_t i = 1; i < m->next; i++) {
		const struct model_update *u = &m->u[i];
		if (!u->in || (u->running && u->deaths < 2))
			continue;
		if (u->deaths >= 2 && (u->turn || u->running))
			return got == 0;
		if (u->deaths >= 2 || u->solo || l->solo || u->lane != l->lane)
			continue;
		if (u->turn && (!best || u->turn < m->u[best].turn))
			best = i;
		if (!u->turn && model_follows(m, i, l->batch)) {
			any = true;
			may = may || i == got;
		}
	}
	if (best ? got != best : any ? !may : got != 0)
		return false;
	if (got) {
		model_start(m, got, l->batch);
		m->joined++;
	}
	return true;
}

static bool model_add(struct model *m, struct sched *s)
{
	int64_t seq = m->next++;
	struct model_update *u = &m->u[seq];
	char keys[64] = "";
	*u = (struct model_update){ .in = true,
				    .expires = INT64_MAX,
				    .deaths = rand() % 40 == 0 ? 2 : 0,
				    .lane = rand() % LANES };
	for (int n = rand() % 5; u->key_count < n;) {
		int k = rand() % KEYS, known = 0;
		for (int i = 0; i < u->key_count; i++)
			known |= u->keys[i] == k;
		if (known)
			continue;
		u->keys[u->key_count++] = k;
		sprintf(keys + strlen(keys), " k%d", k);
	}
	/* No two times are equal: among equals the order is free. */
	if (rand() % 10 == 0)
		u->expires = m->clock + 1000 * (rand() % 200) + seq;
	if (rand() % 20 == 0)
		u->due = m->clock + 1000 * (rand() % 100) + 500 + seq;
	if (!u->due && !blocked(m, seq))
		u->turn = ++m->back;
	return sched_add(s, m->clock,
			 &(struct sched_entry){ .seq = seq,
						.expires = u->expires,
						.due = u->due,
						.deaths = u->deaths,
						.lane = (unsigned)u->lane },
			 keys) == 0;
}

/* A random update that runs, or that does not; 0: there is none. */
static int64_t pick(const struct model *m, bool running)
{
	int64_t all[UPDATES], count = 0;
	for (int64_t i = 1; i < m->next; i++)
		if (m->u[i].in && m->u[i].running == running)
			all[count++] = i;
	return count ? all[rand() % count] : 0;
}

/* Ends or gives back a random running update. */
static void model_end(struct model *m, struct sched *s)
{
	int64_t seq = pick(m, true);
	struct model_update *u = &m->u[seq];
	if (!seq)
		return;
	u->running = false;
	if (rand() % 3 == 0) {
		struct sched_entry e = { .seq = seq,
					 .failures = ++u->failures,
					 .deaths = u->deaths,
					 .expires = u->expires };
		e.due = u->due = rand() % 2 ? m->clock + 1000 * (rand() % 50) + 500 + seq : 0;
		e.solo = u->solo = rand() % 4 == 0;
		u->first = !u->due;
		if (!u->due && !u->key_count)
			u->turn = --m->front;
		model_freed(m, u);
		sched_return(s, m->clock, &e);
		return;
	}
	u->in = false;
	model_freed(m, u);
	sched_finish(s, m->clock, seq);
}

static bool model_remove(struct model *m, struct sched *s)
{
	int64_t seq = pick(m, false), runs = pick(m, true);
	if (runs && sched_remove(s, m->clock, runs))
		return false;
	if (!seq)
		return true;
	m->u[seq].in = false;
	m->u[seq].turn = 0;
	model_freed(m, &m->u[seq]);
	return sched_remove(s, m->clock, seq);
}

/* A claim, and now and then a batch. */
static bool model_batch(struct model *m, struct sched *s, uint64_t of, int size)
{
	struct sched_entry e = { 0 };
	size_t foretold[LANES], taken = 0;
	int64_t since;
	for (unsigned lane = 0; lane < LANES; lane++) {
		sched_turns(s, m->clock, lane, &since);
		foretold[lane] = sched_batch(s, m->clock, lane, (size_t)size);
	}
	int64_t want = model_claim(m, m->clock, of),
		got = sched_claim(s, m->clock, of, &e) ? e.seq : 0;
	if (got != want) {
		diag("claim: got %" PRId64 ", wanted %" PRId64, got, want);
		return false;
	}
	bool alone = m->u[got].solo || m->u[got].deaths >= 2;
	unsigned lane = e.lane;
	for (int64_t leader = got; got && taken < (size_t)size;) {
		taken++;
		const struct model_update *u = &m->u[got];
		if (e.expired != (m->clock >= u->expires) || e.failures != u->failures ||
		    (int)e.lane != u->lane || e.solo != u->solo) {
			diag("claim: %" PRId64 " is told otherwise", got);
			return false;
		}
		got = sched_join(s, m->clock, leader, &e) ? e.seq : 0;
		if (!model_join(m, leader, got)) {
			diag("join: got %" PRId64 " for the batch of %" PRId64, got, leader);
			return false;
		}
	}
	if (want && !alone && taken != foretold[lane])
		diag("a batch of %zu was foretold, and it had %zu", foretold[lane], taken);
	m->foretold += taken > 1 && !alone;
	return !want || alone || taken == foretold[lane];
}

static bool agree(struct model *m, struct sched *s, unsigned seed, int step)
{
	size_t in = 0, running = 0, waiting[LANES] = { 0 }, turns = 0, got_turns = 0;
	int64_t held[KEYS] = { 0 }, since;
	bool same = true;
	for (int64_t i = 1; i < m->next; i++) {
		const struct model_update *u = &m->u[i];
		bool is_running;
		in += u->in;
		running += u->in && u->running;
		waiting[u->lane] += u->in && !u->running;
		turns += u->in && u->turn;
		if (sched_has(s, i, &is_running) != u->in || (u->in && is_running != u->running)) {
			diag("seed %u, step %d: update %" PRId64 " is known otherwise", seed, step,
			     i);
			return false;
		}
		for (int k = 0; k < u->key_count && u->in && u->running; k++) {
			same = same && (!held[u->keys[k]] || held[u->keys[k]] == u->batch);
			held[u->keys[k]] = u->batch;
		}
	}
	for (unsigned lane = 0; lane < LANES; lane++) {
		same = same && sched_waiting(s, lane) == waiting[lane];
		got_turns += sched_turns(s, 0, lane, &since);
	}
	if (!same)
		diag("seed %u, step %d: a key is held by two batches, or a lane is counted wrong",
		     seed, step);
	if (sched_count(s) == in && sched_running(s) == running && turns == got_turns)
		return same;
	diag("seed %u, step %d: counts %zu %zu %zu, wanted %zu %zu %zu", seed, step, sched_count(s),
	     sched_running(s), got_turns, in, running, turns);
	return false;
}

/* One random run; true when scheduler and model started the same, to the last. */
static bool model_run(unsigned seed, int64_t *starts, int64_t *joined, int64_t *foretold)
{
	static struct model m;
	struct sched *s = sched_new();
	bool same = true;
	m = (struct model){ .next = 1, .clock = 1000 };
	srand(seed);
	for (int step = 0; step < STEPS && same; step++) {
		int what = rand() % 20;
		if (what < 6 && m.next <= UPDATES)
			same = model_add(&m, s);
		else if (what < 11)
			same = model_batch(&m, s,
					   rand() % 3 ? SCHED_ALL_LANES : (uint64_t)rand() % 8,
					   rand() % 3 ? 1 : rand() % 9);
		else if (what < 17)
			model_end(&m, s);
		else if (what < 18)
			same = rand() % 4 || model_remove(&m, s);
		else
			m.clock += rand() % 8000;
		same = same && (step % 16 || agree(&m, s, seed, step));
		if (!same)
			diag("seed %u, step %d", seed, step);
	}
	/* Nobody is starved: with time and ends, all of them leave. */
	for (int round = 0; round < 100000 && same && sched_count(s); round++) {
		m.clock += 500;
		same = model_batch(&m, s, SCHED_ALL_LANES, 0);
		model_end(&m, s);
	}
	if (same && sched_count(s)) {
		diag("seed %u: %zu never left", seed, sched_count(s));
		same = false;
	}
	*starts += m.batches;
	*joined += m.joined;
	*foretold += m.foretold;
	sched_free(s);
	return same;
}

int main(void)
{
	bool same = true;
	int64_t starts = 0, joined = 0, foretold = 0;
	for (unsigned seed = 1; seed <= 80 && same; seed++)
		same = model_run(seed, &starts, &joined, &foretold);
	ok(same,
	   "in 80 random runs scheduler and model start the same updates in the same order, and all of them leave");
	diag("%" PRId64 " claims and %" PRId64 " joins compared", starts, joined);
	ok(foretold > 1000, "the size of %" PRId64 " batches of several was foretold", foretold);
	ok(starts > 10000 && joined > 1000, "many claims and joins were compared");
	return done_testing();
}
