/* tests/unit/sched: the scheduler in plain cases, and against a slow and obvious model in random ones. */
#include <malloc.h>
#include <time.h>

#include "base/buf.h"
#include "queue/sched.h"
#include "tests/tap.h"

static int add(struct sched *s, int64_t seq, const char *keys)
{
	return sched_add(s, 0, &(struct sched_entry){ .seq = seq, .expires = INT64_MAX }, keys);
}

/* The update that is handed out at `now`; 0: none. */
static int64_t claim(struct sched *s, int64_t now)
{
	struct sched_entry e;
	return sched_claim(s, now, SCHED_ALL_LANES, &e) ? e.seq : 0;
}

static void give_back(struct sched *s, int64_t seq, int64_t due, int deaths)
{
	sched_return(s, 0, &(struct sched_entry){ .seq = seq, .due = due, .deaths = deaths });
}

static void order(void)
{
	struct sched *s = sched_new();
	add(s, 1, "a b"), add(s, 2, "b c"), add(s, 3, "c"), add(s, 4, "a"), add(s, 5, ""), add(s, 6, "a a a");
	is_num(claim(s, 0), 1, "the first update is handed out first");
	is_num(claim(s, 0), 5, "an update without a key waits for nobody");
	is_num(claim(s, 0), 0, "an update waits while an earlier one holds any of its keys, also by way of another that waits");
	is_num((int64_t)sched_running(s), 2, "two are running");
	struct buf keys;
	buf_init(&keys, 100);
	sched_keys(s, 2, &keys);
	is_str(buf_str(&keys), "b c", "the keys of an update are known");
	buf_release(&keys);
	sched_finish(s, 0, 1);
	is_num(claim(s, 0), 4, "when it ends, the ones behind it come up key by key");
	is_num(claim(s, 0), 2, "an update waits for every earlier one that shares a key");
	sched_finish(s, 0, 4);
	is_num(claim(s, 0), 6, "a key that is named twice does not make an update wait for itself");
	sched_finish(s, 0, 2);
	is_num(claim(s, 0), 3, "the last one comes up");
	sched_finish(s, 0, 3), sched_finish(s, 0, 5), sched_finish(s, 0, 6);
	is_num((int64_t)sched_count(s), 0, "at the end none is left");
	is_num(sched_next_due(s, 0, SCHED_ALL_LANES), INT64_MAX, "and nothing will come up");
	sched_finish(s, 0, 99);
	give_back(s, 99, 0, 0);
	is_num((int64_t)sched_running(s), 0, "ending an unknown update does nothing");
	sched_free(s);
}

static void fairness(void)
{
	struct sched *s = sched_new();
	for (int64_t i = 1; i <= 1000; i++)
		add(s, i, "flood");
	add(s, 1001, "one"), add(s, 1002, "two");
	is_num((int64_t)sched_ready(s, SCHED_ALL_LANES), 3, "a chat with a thousand updates takes one turn");
	is_num(claim(s, 0), 1, "it goes first, for it came first");
	sched_finish(s, 0, 1);
	is_num(claim(s, 0), 1001, "then it is another chat's turn, though 999 came earlier");
	is_num(claim(s, 0), 1002, "and another's");
	is_num(claim(s, 0), 2, "then the next of the flood");
	sched_free(s);
}

static void delays(void)
{
	struct sched *s = sched_new();
	struct sched_entry e;
	bool running;
	add(s, 1, "a"), add(s, 2, "a"), add(s, 3, "b");
	claim(s, 0);
	give_back(s, 1, 100, 0);
	is_num(claim(s, 50), 3, "while an update waits for its retry, other chats go on");
	is_num(claim(s, 99), 0, "its own chat does not");
	is_num(sched_next_due(s, 0, SCHED_ALL_LANES), 100, "the time of its retry is known");
	is_num(claim(s, 100), 1, "at its time it comes up at its old place, before the later ones of its chat");
	ok(sched_has(s, 1, &running) && running, "it is known as running");
	give_back(s, 1, 0, 0);
	is_num(claim(s, 100), 1, "given back without a delay it comes up at once");
	add(s, 4, "c");
	give_back(s, 1, 0, 0);
	is_num(claim(s, 100), 1, "before all others that are ready");
	sched_free(s);

	s = sched_new();
	sched_add(s, 0, &(struct sched_entry){ .seq = 1, .expires = 50 }, "a");
	sched_add(s, 0, &(struct sched_entry){ .seq = 2, .expires = 60 }, "a");
	ok(sched_claim(s, 49, SCHED_ALL_LANES, &e) && !e.expired, "before its time is over an update is not expired");
	sched_return(s, 0, &(struct sched_entry){ .seq = 1, .due = 1000, .failures = 3 });
	is_num(sched_next_due(s, 0, SCHED_ALL_LANES), 50, "a delayed update that expires first comes up when it expires");
	ok(sched_claim(s, 50, SCHED_ALL_LANES, &e) && e.seq == 1 && e.expired && e.failures == 3, "then it is handed out as expired, with its counts");
	sched_finish(s, 0, 1);
	ok(sched_claim(s, 60, SCHED_ALL_LANES, &e) && e.seq == 2 && e.expired, "one that expired while it waited for its chat is, too");
	sched_free(s);

	s = sched_new();
	sched_add(s, 0, &(struct sched_entry){ .seq = 1, .expires = INT64_MAX, .due = 30 }, "a");
	add(s, 2, "a");
	is_num(claim(s, 29), 0, "an update may be added with a delay, and holds its chat meanwhile");
	is_num(claim(s, 30), 1, "it comes up when it is due");
	sched_free(s);
}

static void suspects(void)
{
	struct sched *s = sched_new();
	struct sched_entry suspect = { .seq = 3, .expires = INT64_MAX, .deaths = 2 };
	add(s, 1, "a"), add(s, 2, "b");
	is_num(claim(s, 0), 1, "something runs");
	sched_add(s, 0, &suspect, "c");
	is_num(claim(s, 0), 0, "while a suspect waits for its turn alone, nothing else starts");
	is_num(sched_next_due(s, 0, SCHED_ALL_LANES), INT64_MAX, "and nothing comes up by itself");
	is_num((int64_t)sched_ready(s, SCHED_ALL_LANES), 0, "nothing is ready");
	sched_finish(s, 0, 1);
	is_num(claim(s, 0), 3, "when nothing runs any more, it is handed out");
	is_num(claim(s, 0), 0, "while it runs, nothing else starts");
	is_num(sched_next_due(s, 0, SCHED_ALL_LANES), INT64_MAX, "and nothing comes up by itself then");
	sched_finish(s, 0, 3);
	is_num(claim(s, 0), 2, "then the others go on");
	give_back(s, 2, 0, 2);
	add(s, 4, "z");
	is_num(claim(s, 0), 2, "an update that was given back with a second death is a suspect");
	is_num(claim(s, 0), 0, "and runs alone");
	give_back(s, 2, 40, 2);
	is_num(claim(s, 1), 4, "a suspect that is delayed holds up nobody");
	sched_free(s);
}

/* ---- against a model ---- */

enum { UPDATES = 300, KEYS = 12, STEPS = 4000 };

struct model_update {
	bool in, running;
	int keys[4], key_count, failures, deaths;
	int64_t due, expires, turn; /* turn: a number that orders what is ready; 0: its turn has not come up */
};

struct model {
	struct model_update u[UPDATES + 1];
	int64_t next, front, back, clock;
};

static bool share(const struct model_update *a, const struct model_update *b)
{
	for (int i = 0; i < a->key_count; i++)
		for (int j = 0; j < b->key_count; j++)
			if (a->keys[i] == b->keys[j])
				return true;
	return false;
}

static bool blocked(const struct model *m, int64_t seq)
{
	for (int64_t i = 1; i < seq; i++)
		if (m->u[i].in && share(&m->u[i], &m->u[seq]))
			return true;
	return false;
}

static int64_t model_due(const struct model_update *u)
{
	return u->due <= 0 ? 0 : u->due < u->expires ? u->due : u->expires;
}

/* Those whose time has come get their turns in the order of their times; those without a delay at once, in the order given. */
static void model_time(struct model *m, int64_t now)
{
	for (;;) {
		int64_t best = 0;
		for (int64_t i = 1; i < m->next; i++) {
			const struct model_update *u = &m->u[i];
			if (u->in && !u->running && !u->turn && u->due > 0 && model_due(u) <= now && !blocked(m, i) &&
			    (!best || model_due(u) < model_due(&m->u[best])))
				best = i;
		}
		if (!best)
			return;
		m->u[best].turn = ++m->back;
	}
}

/* What comes up when `freed` ends, in the order of its keys: each with the last of them that it waited for. */
static void model_freed(struct model *m, const struct model_update *freed)
{
	for (int k = 0; k < freed->key_count; k++)
		for (int64_t i = 1; i < m->next; i++) {
			struct model_update *u = &m->u[i], rest = *freed, this = { .keys = { freed->keys[k] }, .key_count = 1 };
			rest.key_count -= k + 1;
			memmove(rest.keys, freed->keys + k + 1, sizeof rest.keys[0] * (size_t)rest.key_count);
			if (u->in && !u->running && !u->turn && u->due <= 0 && !blocked(m, i) && share(&this, u) &&
			    !share(&rest, u))
				u->turn = ++m->back;
		}
}

static int64_t model_claim(struct model *m, int64_t now)
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
		if (u->in && u->turn && !u->running && (u->deaths >= 2) >= suspect &&
		    ((u->deaths >= 2) > suspect || !best || u->turn < m->u[best].turn)) {
			best = i;
			suspect = u->deaths >= 2;
		}
	}
	if (alone || !best || (suspect && running))
		return 0;
	m->u[best].running = true;
	m->u[best].turn = 0;
	return best;
}

static bool model_add(struct model *m, struct sched *s)
{
	int64_t seq = m->next++;
	struct model_update *u = &m->u[seq];
	char keys[64] = "";
	*u = (struct model_update){ .in = true, .expires = INT64_MAX, .deaths = rand() % 40 == 0 ? 2 : 0 };
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
	return sched_add(s, 0, &(struct sched_entry){ .seq = seq, .expires = u->expires, .due = u->due, .deaths = u->deaths },
			 keys) == 0;
}

/* Ends or gives back a random running update. */
static void model_end(struct model *m, struct sched *s)
{
	int64_t pick[UPDATES], count = 0;
	for (int64_t i = 1; i < m->next; i++)
		if (m->u[i].in && m->u[i].running)
			pick[count++] = i;
	if (!count)
		return;
	int64_t seq = pick[rand() % count];
	struct model_update *u = &m->u[seq];
	u->running = false;
	if (rand() % 3 == 0) {
		struct sched_entry e = { .seq = seq, .failures = ++u->failures, .deaths = u->deaths, .expires = u->expires };
		e.due = u->due = rand() % 2 ? m->clock + 1000 * (rand() % 50) + 500 + seq : 0;
		if (!e.due)
			u->turn = --m->front;
		sched_return(s, 0, &e);
		return;
	}
	u->in = false;
	model_freed(m, u);
	sched_finish(s, 0, seq);
}

static bool agree(struct model *m, struct sched *s, unsigned seed, int step)
{
	size_t in = 0, running = 0;
	int held[KEYS] = { 0 };
	for (int64_t i = 1; i < m->next; i++) {
		bool is_running;
		in += m->u[i].in;
		running += m->u[i].in && m->u[i].running;
		if (sched_has(s, i, &is_running) != m->u[i].in || (m->u[i].in && is_running != m->u[i].running)) {
			diag("seed %u, step %d: update %" PRId64 " is known otherwise", seed, step, i);
			return false;
		}
		for (int k = 0; k < m->u[i].key_count && m->u[i].in && m->u[i].running; k++)
			if (held[m->u[i].keys[k]]++) {
				diag("seed %u, step %d: a key is held twice", seed, step);
				return false;
			}
	}
	if (sched_count(s) == in && sched_running(s) == running)
		return true;
	diag("seed %u, step %d: counts %zu %zu, wanted %zu %zu", seed, step, sched_count(s), sched_running(s), in, running);
	return false;
}

/* One random run; true when scheduler and model started the same, to the last. */
static bool model_run(unsigned seed, int64_t *starts)
{
	static struct model m;
	struct sched *s = sched_new();
	bool same = true;
	m = (struct model){ .next = 1, .clock = 1000 };
	srand(seed);
	for (int step = 0; step < STEPS && same; step++) {
		int what = rand() % 10;
		if (what < 3 && m.next <= UPDATES)
			same = model_add(&m, s);
		else if (what < 6) {
			struct sched_entry e;
			int64_t want = model_claim(&m, m.clock), got = sched_claim(s, m.clock, SCHED_ALL_LANES, &e) ? e.seq : 0;
			same = got == want && (!got || (e.expired == (m.clock >= m.u[got].expires) &&
							e.failures == m.u[got].failures));
			*starts += got != 0;
			if (!same)
				diag("seed %u, step %d: got %" PRId64 ", wanted %" PRId64, seed, step, got, want);
		} else if (what < 9)
			model_end(&m, s);
		else
			m.clock += rand() % 8000;
		same = same && (step % 16 || agree(&m, s, seed, step));
	}
	/* Nobody is starved: with time and ends, all of them leave. */
	for (int round = 0; round < 100000 && same && sched_count(s); round++) {
		m.clock += 500;
		int64_t want = model_claim(&m, m.clock), got = claim(s, m.clock);
		same = want == got;
		model_end(&m, s);
	}
	if (same && sched_count(s)) {
		diag("seed %u: %zu never left", seed, sched_count(s));
		same = false;
	}
	sched_free(s);
	return same;
}

static double seconds(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void measure(void)
{
	enum { N = 1000000 };
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	struct sched *s = sched_new();
	char key[32];
	double start = seconds();
	for (int64_t i = 1; i <= N; i++) {
		sprintf(key, "chat:%d", (int)(i % 1000));
		if (add(s, i, key))
			return;
	}
	double added = seconds();
	size_t used = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	diag("%.1f bytes for each of a million waiting updates of 1000 chats, %.2f us to add one", (double)used / N,
	     (added - start) * 1e6 / N);
	int64_t n = 0;
	for (int64_t seq; (seq = claim(s, 0)); n++)
		sched_finish(s, 0, seq);
	diag("%.2f us to claim and finish one", (seconds() - added) * 1e6 / N);
	is_num(n, N, "a million updates are handed out");
	sched_free(s);
}

int main(void)
{
	order();
	fairness();
	delays();
	suspects();
	bool same = true;
	int64_t starts = 0;
	unsigned seed = 1;
	for (; seed <= 60 && same; seed++)
		same = model_run(seed, &starts);
	ok(same, "in 60 random runs scheduler and model start the same updates in the same order, and all of them leave");
	diag("%" PRId64 " starts compared", starts);
	measure();
	return done_testing();
}
