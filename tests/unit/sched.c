/* tests/unit/sched: the scheduler in plain cases, and what a million updates cost it. */
#include <malloc.h>
#include <time.h>

#include "base/buf.h"
#include "sched/sched.h"
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
	add(s, 1, "a b"), add(s, 2, "b c"), add(s, 3, "c"), add(s, 4, "a"), add(s, 5, ""),
		add(s, 6, "a a a");
	is_num(claim(s, 0), 1, "the first update is handed out first");
	is_num(claim(s, 0), 5, "an update without a key waits for nobody");
	is_num(claim(s, 0), 0,
	       "an update waits while an earlier one holds any of its keys, also by way of another that waits");
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
	is_num((int64_t)sched_ready(s, SCHED_ALL_LANES), 3,
	       "a chat with a thousand updates takes one turn");
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
	is_num(claim(s, 100), 1,
	       "at its time it comes up at its old place, before the later ones of its chat");
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
	ok(sched_claim(s, 49, SCHED_ALL_LANES, &e) && !e.expired,
	   "before its time is over an update is not expired");
	sched_return(s, 0, &(struct sched_entry){ .seq = 1, .due = 1000, .failures = 3 });
	is_num(sched_next_due(s, 0, SCHED_ALL_LANES), 50,
	       "a delayed update that expires first comes up when it expires");
	ok(sched_claim(s, 50, SCHED_ALL_LANES, &e) && e.seq == 1 && e.expired && e.failures == 3,
	   "then it is handed out as expired, with its counts");
	sched_finish(s, 0, 1);
	ok(sched_claim(s, 60, SCHED_ALL_LANES, &e) && e.seq == 2 && e.expired,
	   "one that expired while it waited for its chat is, too");
	sched_free(s);

	s = sched_new();
	sched_add(s, 0, &(struct sched_entry){ .seq = 1, .expires = INT64_MAX, .due = 30 }, "a");
	add(s, 2, "a");
	is_num(claim(s, 29), 0,
	       "an update may be added with a delay, and holds its chat meanwhile");
	is_num(claim(s, 30), 1, "it comes up when it is due");
	sched_free(s);
}

static void kept(void)
{
	struct sched *s = sched_new();
	struct sched_entry late = { .due = 300000, .kept = true };
	add(s, 1, "a"), add(s, 2, "b b2"), add(s, 3, ""), add(s, 4, "c"), add(s, 5, "b"),
		add(s, 6, "x");
	for (late.seq = 1; late.seq <= 4; late.seq++) {
		claim(s, 0);
		late.kept = late.seq != 4;
		sched_return(s, 0, &late);
	}
	is_num(claim(s, 10), 6, "what is kept waits");
	is_num(sched_next_due(s, 10, SCHED_ALL_LANES), 300000, "for its time");
	sched_hasten(s, 20, "b b2");
	is_num(claim(s, 20), 1, "another's good end brings it up at once");
	is_num(claim(s, 20), 3, "also where it has no key");
	is_num(claim(s, 20), 0,
	       "but not what has the same keys, nor what waits for another reason");
	sched_return(s, 20, &(struct sched_entry){ .seq = 3, .due = 300000 });
	sched_hasten(s, 30, "x");
	is_num(claim(s, 30), 2, "nor is it kept for good");
	is_num(claim(s, 30), 0, "what comes up is claimed once");
	sched_finish(s, 40, 2);
	is_num(claim(s, 40), 5, "and what waited for it follows");
	sched_return(s, 40, &(struct sched_entry){ .seq = 5, .due = 300000, .kept = true });
	sched_remove(s, 50, 5);
	sched_hasten(s, 50, "x");
	is_num((int64_t)sched_ready(s, SCHED_ALL_LANES), 0, "what was taken out does not come up");
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
	is_num(sched_next_due(s, 0, SCHED_ALL_LANES), INT64_MAX,
	       "and nothing comes up by itself then");
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

static int64_t claim_in(struct sched *s, uint64_t lanes)
{
	struct sched_entry e;
	return sched_claim(s, 0, lanes, &e) ? e.seq : 0;
}

static void add_in(struct sched *s, int64_t now, int64_t seq, unsigned lane, const char *keys)
{
	sched_add(s, now, &(struct sched_entry){ .seq = seq, .expires = INT64_MAX, .lane = lane },
		  keys);
}

static void lanes(void)
{
	struct sched *s = sched_new();
	struct sched_entry e;
	int64_t since;
	add_in(s, 0, 1, 0, "a"), add_in(s, 0, 2, 63, "b"), add_in(s, 0, 3, 5, "a"),
		add_in(s, 0, 4, 5, "");
	is_num(claim_in(s, 1 << 5), 4,
	       "of one lane its first is handed out; an earlier one of it waits for its chat in another lane");
	is_num(claim_in(s, 1 << 7), 0, "of an empty lane none is");
	is_num(claim_in(s, 1 | UINT64_C(1) << 63), 1,
	       "of several lanes, the one whose turn came up first");
	ok(sched_claim(s, 0, UINT64_C(1) << 63, &e) && e.seq == 2 && e.lane == 63,
	   "the highest lane is a lane");
	sched_finish(s, 0, 1);
	is_num(claim_in(s, SCHED_ALL_LANES), 3, "order within a chat holds over lanes");
	is_num(sched_next_due(s, 0, SCHED_ALL_LANES), INT64_MAX, "nothing will come up");
	sched_add(s, 0,
		  &(struct sched_entry){ .seq = 5, .expires = INT64_MAX, .due = 70, .lane = 2 },
		  "c");
	add_in(s, 60, 6, 1, "d"), add_in(s, 65, 7, 1, "e");
	is_num(sched_next_due(s, 60, 1 << 1), 0, "something of a lane can be claimed now");
	is_num(sched_next_due(s, 60, 1 << 2), 70, "of another, when its time comes");
	ok(sched_turns(s, 75, 1, &since) == 2 && since == 60,
	   "a lane has two turns, the first since 60");
	ok(sched_turns(s, 75, 2, &since) == 1 && since == 70,
	   "what was delayed has its turn since it was due");
	ok(sched_turns(s, 75, 3, &since) == 0 && since == 75, "an empty lane has none");
	sched_claim(s, 80, 1 << 1, &e);
	sched_return(s, 90, &(struct sched_entry){ .seq = 6 });
	ok(sched_turns(s, 95, 1, &since) == 2 && since == 60,
	   "what was given back at once has its turn since it first came up");
	is_num((int64_t)sched_waiting(s, 1), 2, "two of the lane wait");
	sched_add(s, 95,
		  &(struct sched_entry){ .seq = 8, .expires = INT64_MAX, .deaths = 2, .lane = 9 },
		  "z");
	is_num(claim_in(s, 1 << 9 | 1 << 1), 0,
	       "a suspect of the lanes waits until nothing runs in any lane");
	is_num(claim_in(s, 1 << 1), 6, "one of another lane holds nobody up");
	sched_free(s);
}

/* The batch that forms when all that may join do: "1 2 3". */
static const char *batch(struct sched *s, int64_t now, uint64_t of)
{
	static char text[200];
	struct sched_entry e;
	text[0] = '\0';
	if (!sched_claim(s, now, of, &e))
		return text;
	int64_t leader = e.seq;
	do
		sprintf(text + strlen(text), "%s%d", *text ? " " : "", (int)e.seq);
	while (sched_join(s, now, leader, &e));
	return text;
}

static void batches(void)
{
	struct sched *s = sched_new();
	struct sched_entry e;
	add(s, 1, "a"), add(s, 2, "a"), add(s, 3, "b"), add(s, 4, "a b"), add(s, 5, "b"),
		add_in(s, 0, 6, 1, "b"), add(s, 7, "b");
	is_str(batch(s, 0, 1), "1 3 2 4 5",
	       "a batch takes what is ready, then what follows, up to another lane's");
	is_num((int64_t)sched_running(s), 5, "all of them run");
	is_str(batch(s, 0, SCHED_ALL_LANES), "", "and hold their keys");
	sched_finish(s, 0, 2), sched_finish(s, 0, 5);
	is_num(claim(s, 0), 0, "also when some, later ones, have ended");
	give_back(s, 1, 0, 0);
	is_num(claim(s, 0), 0, "one that is given back waits for those behind it in the batch");
	ok(!sched_join(s, 0, 1, &e), "nothing joins what does not run");
	ok(!sched_join(s, 0, 3, &e), "nor passes one that was given back");
	sched_finish(s, 0, 3), sched_finish(s, 0, 4);
	is_num(claim(s, 0), 1, "when they have ended, it comes up again, before all others");
	is_num(claim(s, 0), 6, "and the other chat goes on");
	sched_finish(s, 0, 1), sched_finish(s, 0, 6);
	is_str(batch(s, 0, 1), "7", "in order");
	sched_free(s);

	s = sched_new();
	add(s, 1, ""), add(s, 2, "a"), add(s, 3, "a"), add(s, 4, "a");
	ok(claim(s, 0) == 1 && sched_join(s, 0, 1, &e) && e.seq == 2 && sched_join(s, 0, 1, &e) &&
		   e.seq == 3,
	   "a batch forms");
	give_back(s, 2, 0, 0);
	ok(!sched_join(s, 0, 1, &e),
	   "when one of it is given back meanwhile, what waits for that one joins no more");
	sched_finish(s, 0, 3);
	is_str(batch(s, 0, 1), "2 4", "but the batch that it is in next");
	sched_free(s);

	s = sched_new();
	add(s, 1, "a"), add(s, 2, "x"), add(s, 3, "a x"), add(s, 4, "c"), add(s, 5, "c a");
	is_num(claim(s, 0), 1, "one runs");
	is_str(batch(s, 0, 1), "2 4", "what waits for others than the batch does not join");
	sched_finish(s, 0, 1), sched_finish(s, 0, 2);
	is_str(batch(s, 0, 1), "3", "nor what waits for another batch");
	sched_free(s);

	s = sched_new();
	add(s, 1, "a"), add(s, 2, "a"), add(s, 3, "b"), add(s, 4, "c");
	is_str(batch(s, 0, 1), "1 3 4 2", "a batch forms");
	for (int64_t i = 1; i <= 4; i++)
		sched_return(s, 0, &(struct sched_entry){ .seq = i, .solo = i != 4 });
	is_str(batch(s, 0, 1), "4", "what was given back to run alone joins nothing");
	ok(sched_claim(s, 0, 1, &e) && e.seq == 3 && e.solo && !sched_join(s, 0, 3, &e),
	   "it says so, and nothing joins it");
	ok(sched_claim(s, 0, 1, &e) && e.seq == 1 && !sched_join(s, 0, 1, &e),
	   "nor what follows it in its chat");
	sched_add(s, 0, &(struct sched_entry){ .seq = 5, .expires = INT64_MAX, .deaths = 2 }, "z");
	sched_finish(s, 0, 1), sched_finish(s, 0, 3);
	ok(!sched_join(s, 0, 4, &e), "while a suspect waits, nothing joins");
	sched_finish(s, 0, 4);
	add(s, 6, "y");
	is_str(batch(s, 0, 1), "5", "and a suspect is a batch of its own");
	sched_free(s);
}

static void removal(void)
{
	struct sched *s = sched_new();
	add(s, 1, "a"), add(s, 2, "a b"), add(s, 3, "b"), add(s, 4, "a"), add(s, 5, "c");
	sched_add(s, 0, &(struct sched_entry){ .seq = 6, .expires = INT64_MAX, .due = 50 }, "d");
	add(s, 7, "d");
	claim(s, 0);
	ok(!sched_remove(s, 0, 1) && !sched_remove(s, 0, 99),
	   "what runs, or is not known, is not removed");
	ok(sched_remove(s, 0, 2), "what waits for another is");
	is_num(claim(s, 0), 5, "what was ready goes on");
	is_num(claim(s, 0), 3, "and what waited for it alone comes up");
	is_num(claim(s, 0), 0, "what waits for others, too, does not");
	ok(sched_remove(s, 0, 6), "what is delayed is removed");
	is_num(sched_next_due(s, 0, 1), 0,
	       "its time comes no more, and the next of its chat has its turn");
	ok(sched_remove(s, 0, 7) && sched_ready(s, 1) == 0, "what is ready is removed");
	ok(sched_remove(s, 0, 4), "the last of a chat is removed");
	add(s, 8, "a");
	sched_finish(s, 0, 1);
	is_num(claim(s, 0), 8, "and the chat goes on behind it");
	sched_finish(s, 0, 8), sched_finish(s, 0, 3), sched_finish(s, 0, 5);
	ok(sched_count(s) == 0 && sched_waiting(s, 0) == 0, "at the end none is left");
	sched_free(s);
}

static double seconds(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A sanitizer's allocator counts nothing here, and is slow. */
#ifdef WITH_ASAN
enum { N = 100000 };
#else
enum { N = 1000000 };
#endif

/* What N waiting updates cost, of so many chats. */
static void measure(int chats)
{
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	struct sched *s = sched_new();
	char key[32];
	double start = seconds();
	for (int64_t i = 1; i <= N; i++) {
		sprintf(key, "chat:%d", 100000000 + (int)(i % chats));
		if (add(s, i, key))
			return;
	}
	double added = seconds();
	size_t used = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	diag("%.1f bytes for each of %d waiting updates of %d chats, %.2f us to add one",
	     (double)used / N, N, chats, (added - start) * 1e6 / N);
	ok(used <= (size_t)200 * N, "at most 200 bytes for each of %d waiting updates of %d chats",
	   N, chats);
	int64_t n = 0;
	for (int64_t seq; (seq = claim(s, 0)); n++)
		sched_finish(s, 0, seq);
	diag("%.2f us to claim and finish one", (seconds() - added) * 1e6 / N);
	is_num(n, N, "all are handed out");
	added = seconds();
	for (int64_t i = N + 1; i <= 2 * N; i++) {
		sprintf(key, "chat:%d", 100000000 + (int)(i % chats));
		add(s, i, key);
	}
	for (int64_t i = N + 1; i <= 2 * N; i++)
		sched_remove(s, 0, i % 2 ? i : 3 * N + 2 - i);
	ok(sched_count(s) == 0 && sched_ready(s, SCHED_ALL_LANES) == 0,
	   "all are removed, half of them from the end");
	diag("%.2f us to add and remove one", (seconds() - added) * 1e6 / N);
	sched_free(s);
}

int main(void)
{
	RUN(order);
	RUN(fairness);
	RUN(delays);
	RUN(kept);
	RUN(suspects);
	RUN(lanes);
	RUN(batches);
	RUN(removal);
	measure(1000);
	measure(N);
	return done_testing();
}
