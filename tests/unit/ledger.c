/* tests/unit/ledger: every way in which an attempt is charged to nobody, and the bound that each
 * has: in the table, and in the queue over each opener, with another chat that goes on and with
 * one chat alone. */
#include "sched/ledger.h"
#include "tests/unit/queue_rig.h"

/* As tgrun-handler(7) lists them. */
static const struct {
	enum release_why why;
	const char *name;
	enum ledger_class class;
	bool pauses;
} ways[] = {
	{ RELEASE_CUT, "a machine is cut off from the store", LEDGER_NOTHING, false },
	{ RELEASE_NO_START, "not started", LEDGER_NOTHING, false },
	{ RELEASE_BREAKER, "the breaker is open", LEDGER_NOTHING, false },
	{ RELEASE_STOP, "a stop", LEDGER_INTERRUPTION, false },
	{ RELEASE_REPLACED, "an output without a reader", LEDGER_INTERRUPTION, true },
	{ RELEASE_NOT_GIVEN, "an order without a start", LEDGER_INTERRUPTION, true },
	{ RELEASE_OTHER, "a worker is ended for another", LEDGER_INTERRUPTION, true },
	{ RELEASE_SHARED, "one of several", LEDGER_INTERRUPTION, false },
	{ RELEASE_SLOT, "a slot dies", LEDGER_DEATH, true },
	{ RELEASE_SIZE, "its own size", LEDGER_DEATH, true },
	{ RELEASE_RUNNER, "the runner dies", LEDGER_DEATH, true },
};

enum { WAYS = sizeof ways / sizeof ways[0], MORE = 60 };

/* ---- the table ---- */

static void test_table(void)
{
	is_num(WAYS, RELEASE_WAYS, "each way is tested");
	for (int i = 0; i < WAYS; i++) {
		const struct ledger_row *row = ledger_row(ways[i].why);
		ok(row->class == ways[i].class && row->pauses == ways[i].pauses && row->phrase[0],
		   "%s", ways[i].name);
	}
	struct ledger l = { 0 };
	int64_t pauses[8];
	for (int i = 0; i < 8; i++) {
		ledger_enter(&l, RELEASE_OTHER, false);
		pauses[i] = ledger_pause(&l);
	}
	ok(pauses[0] == 1000 && pauses[1] == 2000 && pauses[5] == 32000 && pauses[6] == 60000 &&
		   pauses[7] == 60000,
	   "pauses double from a second to a minute");
	l = (struct ledger){ .interruptions = 40 };
	ok(!ledger_enter(&l, RELEASE_NO_START, true),
	   "what was only not started is not given up for what went before");
}

static void test_words(void)
{
	char story[LEDGER_STORY];
	ledger_story(&(struct ledger){ 5, 0 }, RELEASE_SLOT, NULL, story, sizeof story);
	is_str(story, "given up after 5 deaths, at last: its slot died",
	       "a letter says how often, and of what");
	ledger_story(&(struct ledger){ 5, 2 }, RELEASE_RUNNER, "", story, sizeof story);
	is_str(story,
	       "given up after 5 deaths and 2 interruptions, at last: tgrun died while it ran",
	       "and what else there was");
	ledger_story(&(struct ledger){ 0, 50 }, RELEASE_REPLACED, "in other words", story,
		     sizeof story);
	is_str(story, "given up after 50 interruptions, at last: in other words",
	       "or what is better known");
}

static void test_giving_up(void)
{
	const int64_t day = 86400000;
	ok(!ledger_may_give_up(false, 5, 5 + day - 1),
	   "what asks for another time is kept while nothing else goes");
	ok(ledger_may_give_up(false, 5, 5 + day), "for a day");
	ok(ledger_may_give_up(true, 5, 6), "and given up when others go");
}

/* ---- the bounds ---- */

/* What becomes of an update whose attempts all end in one way. */
struct course {
	/* how often it was handed out; how often nothing was handed out beside it */
	int starts, alone;
	/* it paused as the table says; each attempt but the first was called a repeated one */
	bool paced, told;
};

/* Another chat's update, which ends well if it may run now. */
static bool other_ends_well(struct queue *q)
{
	struct claim *it = last;
	bool ran = strcmp(claim(q), "{other}") == 0;
	if (ran)
		done(q);
	last = it;
	return ran;
}

/* `others`: an update of another chat ends well during each attempt. Between two attempts there
 * is a restart. */
static struct queue *run(enum release_why why, bool others, struct course *out)
{
	struct queue *q = start();
	*out = (struct course){ .paced = true, .told = true };
	put(q, 1, "chat:1", "{it}");
	while (out->starts < MORE && !*dead(q, 0)) {
		int64_t due = queue_next_due(q, QUEUE_ALL_LANES);
		pass(due);
		if (strcmp(claim(q), "{it}") != 0)
			break;
		/* That of a death of the runner counts from the start, a millisecond before. */
		struct ledger before = { out->starts, 0 };
		bool pauses = out->starts > 0 && ledger_row(why)->pauses;
		out->paced = out->paced &&
			     due == (pauses ? ledger_pause(&before) - (why == RELEASE_RUNNER) : 0);
		out->told = out->told && last->redelivered == (out->starts > 0);
		out->starts++;
		queue_flush(q, NULL);
		pass(1);
		if (others)
			put(q, 1 + out->starts, "chat:2", "{other}");
		bool waits = others && !other_ends_well(q);
		out->alone += waits;
		struct claim *it = last;
		if (why == RELEASE_RUNNER) {
			crash(q);
		} else {
			queue_release(q, it,
				      &(struct queue_release){ .why = why, .started = true });
			queue_close(q, NULL);
		}
		claim_free(it);
		q = start();
		if (waits)
			other_ends_well(q);
	}
	return q;
}

static void is_course(int way, bool others, int starts, int alone)
{
	struct course c;
	const char *beside = others ? "while others end well" : "with one chat alone",
		   *name = ways[way].name;
	struct queue *q = run(ways[way].why, others, &c);
	bool letter = starts < MORE;
	if (!ok(c.starts == starts && c.alone == alone,
		"%s: %s %s it is handed out %d times, %d of them alone", backend, name, beside,
		starts, alone))
		diag("%d times, %d of them alone", c.starts, c.alone);
	ok(c.paced && c.told,
	   "%s: … it pauses as it should, and each attempt but the first says that it is not",
	   backend);
	is_counts(q, !letter, 0, letter, letter ? "… and is a dead letter" : "… and is kept");
	if (letter && !others) {
		put(q, 900, "chat:1", "{after}");
		IS(claim(q), "{after}", "… whose chat goes on");
		done(q);
	}
	finish_test(q);
}

static void test_bounds(void)
{
	for (int i = 0; i < WAYS; i++) {
		switch (ways[i].class) {
		case LEDGER_NOTHING:
			is_course(i, false, MORE, 0);
			is_course(i, true, MORE, 0);
			break;
		case LEDGER_INTERRUPTION:
			is_course(i, false, LEDGER_INTERRUPTIONS, 0);
			is_course(i, true, LEDGER_INTERRUPTIONS_PROVEN, 0);
			break;
		case LEDGER_DEATH:
			is_course(i, false, LEDGER_DEATHS, 0);
			is_course(i, true, LEDGER_DEATHS, LEDGER_DEATHS - LEDGER_ALONE);
			break;
		}
	}
}

/* ---- who ended well since ---- */

static void test_proven(void)
{
	struct queue *q = start();
	put(q, 1, "chat:1", "{it}"), put(q, 2, "chat:2", "{before}");
	IS(claim(q), "{it}", "it is tried");
	ok(!queue_proven(q, last), "nothing has ended well since then");
	struct claim *it = last;
	claim(q);
	pass(1);
	queue_drop(q, last);
	claim_free(last);
	ok(!queue_proven(q, it), "what is dropped did not end well");
	put(q, 3, "chat:3", "{a}"), put(q, 4, "chat:3", "{b}"), put(q, 5, "", "{c}");
	claim(q), done(q);
	ok(queue_proven(q, it), "another chat's did");
	queue_retry(q, it, 60000, "exit 75");
	claim_free(it);
	queue_flush(q, NULL);
	crash(q);
	q = start();
	pass(60000);
	IS(claim(q), "{b}", "under the next runner");
	it = last;
	pass(1);
	ok(!queue_proven(q, it), "what ended before the first attempt does not count");
	IS(claim(q), "{c}", "one without a chat");
	queue_done(q, last);
	claim_free(last);
	ok(queue_proven(q, it), "is another's, too");
	IS(claim(q), "{it}", "and what waited since the runner before");
	ok(queue_proven(q, last) && last->failures == 1, "still knows who ended well meanwhile");
	queue_release(q, last, &(struct queue_release){ .why = RELEASE_STOP, .started = true });
	claim_free(last);
	queue_done(q, it);
	claim_free(it);
	finish_test(q);

	q = start();
	put(q, 1, "chat:1", "{it}"), put(q, 2, "chat:1 chat:2", "{of it}");
	claim(q);
	pass(1);
	done(q);
	IS(claim(q), "{of it}", "the chat's next");
	ok(!queue_proven(q, last), "its own chat's earlier one is nothing to go by");
	queue_release(q, last, &(struct queue_release){ .why = RELEASE_NO_START });
	claim_free(last);
	pass(5000);
	claim(q);
	is_num(last->first, wall_now, "what was not started has had no first attempt");
	claim_free(last);
	queue_flush(q, NULL);
	wall_now -= 86400000;
	crash(q);
	q = start();
	pass(queue_next_due(q, QUEUE_ALL_LANES));
	claim(q);
	is_num(last->first, wall_now, "when the clock was set back, time begins anew");
	wall_now += 86400000;
	claim_free(last);
	finish_test(q);
}

static void test_kept(void)
{
	struct queue *q = start();
	put(q, 1, "chat:1", "{it}"), put(q, 2, "chat:1", "{next}");
	claim(q);
	queue_keep(q, last, 300000, "exit 75");
	claim_free(last);
	put(q, 3, "chat:2", "{dropped}"), put(q, 4, "chat:2", "{good}");
	claim(q);
	queue_drop(q, last);
	claim_free(last);
	pass(1);
	IS(claim(q), "{good}", "while one is kept, others run");
	is_num(queue_next_due(q, QUEUE_ALL_LANES), 299999, "it waits for long");
	done(q);
	is_num(queue_next_due(q, QUEUE_ALL_LANES), 0, "but not when another chat's has ended well");
	IS(claim(q), "{it}", "then it is tried at once");
	ok(queue_proven(q, last) && last->failures == 1, "and may be given up");
	queue_keep(q, last, 300000, "exit 75");
	claim_free(last);
	queue_flush(q, NULL);
	crash(q);
	q = start();
	is_num(queue_next_due(q, QUEUE_ALL_LANES), 300000, "the next runner waits at most as long");
	finish_test(q);
}

static void test_queue(void)
{
	test_kept();
	test_bounds();
	test_proven();
}

int main(void)
{
	RUN(test_table);
	RUN(test_words);
	RUN(test_giving_up);
	return on_each(test_queue);
}
