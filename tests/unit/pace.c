/* The wait between two requests: by the rate of whole rounds, the balance and its limit. */
#include "source/pace.h"
#include "tests/tap.h"

/* Responses of `count` updates, `every` milliseconds after the wait that was asked for. Returns the
 * last wait. */
static int64_t rounds(struct pace *p, int n, int64_t every, size_t count)
{
	int64_t now = p->last, delay = 0;
	for (int i = 0; i < n; i++) {
		now += delay + every;
		delay = pace_delay(p, now, count);
	}
	return delay;
}

static void test_balance(void)
{
	struct pace speed = { .balance = 0, .max_delay = 500, .limit = 100 };
	is_num(rounds(&speed, 20, 10, 1), 0, "with a balance of 0 nothing ever waits");
	struct pace first = { .balance = 1000, .max_delay = 500, .limit = 100 };
	is_num(pace_delay(&first, 12345, 1), 0,
	       "the first response tells no rate, and is not followed by a wait");
	struct pace half = { .balance = 500, .max_delay = 500, .limit = 100 };
	is_num(rounds(&half, 20, 1000, 1), 250,
	       "few updates: the balance's share of the longest wait");
	struct pace all = { .balance = 1000, .max_delay = 500, .limit = 100 };
	is_num(rounds(&all, 20, 1000, 1), 500, "a balance of 1: all of it");
	is_num(pace_delay(&all, all.last + 1000, 100), 0, "a full response is followed at once");
	is_num(pace_delay(&all, all.last + 1000, 0), 500, "an empty one waits like any other");
}

static void test_rate(void)
{
	struct pace p = { .balance = 500, .max_delay = 10000, .limit = 100 };
	int64_t now = 1000;
	/* An update each 20 ms fills a response in 2 s; half of that is waited for. */
	pace_delay(&p, now, 0);
	int64_t delay = 0;
	for (int i = 0; i < 50; i++) {
		int64_t round = delay + 40;
		now += round;
		size_t count = (size_t)(round / 20);
		delay = pace_delay(&p, now, count);
	}
	/* Without the wait in its rounds the rate would look fifty times as high. */
	if (!ok(delay >= 950 && delay <= 1050,
		"at an update each 20 ms the wait is about half of the 2 s in which a hundred gather"))
		diag("the wait is %lld ms", (long long)delay);
	for (int i = 0; i < 20; i++) {
		now += delay + 60000;
		delay = pace_delay(&p, now, 1);
	}
	is_num(delay, 5000, "when updates get rare the limit is reached");
	struct pace still = { .balance = 1000, .max_delay = 300, .limit = 100 };
	is_num(rounds(&still, 5, 0, 0), 300,
	       "no updates in no time: the limit, and no division by nothing");
}

int main(void)
{
	RUN(test_balance);
	RUN(test_rate);
	return done_testing();
}
