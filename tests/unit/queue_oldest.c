/* tests/unit/queue_oldest: how long the oldest waiting update has waited, over each opener of the
 * queue: with several keys, retries and runs, after a restart, and for what was a dead letter. */
#include "tests/unit/queue_rig.h"

/* How many milliseconds ago it arrived; -1: none waits, -2: it cannot be told. */
static int64_t age(struct queue *q)
{
	int64_t arrived = 0;
	int rc = queue_oldest(q, &arrived, NULL);
	return rc > 0 ? wall_now - arrived : rc - 1;
}

static void test_waits(void)
{
	struct queue *q = start();
	is_num(age(q), -1, "of an empty queue there is none");
	put(q, 1, "chat:1", "{a}");
	pass(1000);
	put(q, 2, "chat:1", "{b}");
	pass(1000);
	put(q, 3, "chat:2", "{c}");
	is_num(age(q), 2000, "the first that arrived is the oldest");
	IS(claim(q), "{a}", "it runs");
	is_num(age(q), 1000, "… and does not wait; the one behind it in its chat does");
	struct claim *first = last;
	IS(claim(q), "{c}", "another chat's runs, too");
	is_num(age(q), 1000, "… though it came later");
	done(q);
	queue_done(q, first);
	claim_free(first);
	is_num(age(q), 1000, "what has ended is passed over before that is written");
	IS(claim(q), "{b}", "the last one runs");
	is_num(age(q), -1, "… and nothing waits");
	done(q);
	finish_test(q);
}

static void test_again(void)
{
	struct queue *q = start();
	put(q, 1, "chat:1", "{a}");
	pass(1000);
	put(q, 2, "chat:2", "{b}");
	IS(claim(q), "{a}", "the first runs");
	pass(1000);
	queue_retry(q, last, 60000, "exit 75");
	claim_free(last);
	is_num(age(q), 2000, "what is to be tried again has waited since it arrived");
	queue_flush(q, NULL);
	crash(q);
	pass(5000);
	q = start();
	is_num(age(q), 7000, "also after a restart");
	IS(claim(q), "{b}", "the other runs");
	queue_flush(q, NULL);
	crash(q);
	claim_free(last);
	pass(1000);
	q = start();
	is_num(age(q), 8000, "also of what is not due yet");
	is_num(change_one(q, QUEUE_SKIP, 1, NULL), 1, "it is skipped");
	is_num(age(q), 7000, "what ran when its runner died waits again, since it arrived");
	finish_test(q);
}

static void test_letter(void)
{
	struct queue *q = start();
	int slices = 0;
	put(q, 1, "chat:1", "{a}");
	claim(q);
	queue_dead(q, last, "exit 1", "");
	claim_free(last);
	queue_flush(q, NULL);
	is_num(age(q), -1, "a dead letter does not wait");
	pass(86400000);
	is_num(change_all(q, QUEUE_RETRY, &slices, NULL), 1, "a day later it is put again");
	pass(1000);
	is_num(age(q), 1000, "and waits since then");
	crash(q);
	q = start();
	is_num(age(q), 1000, "also after a restart");
	IS(claim(q), "{a}", "it runs");
	is_num(wall_now - last->arrived, 1000, "and its handler could begin so much later");
	done(q);
	finish_test(q);
}

/* Many that run do not hide the one that waits. */
static void test_many(void)
{
	struct queue *q = start();
	struct claim *claims[40];
	char keys[32];
	for (int i = 0; i < 40; i++) {
		sprintf(keys, "chat:%d", i);
		put(q, i + 1, keys, "x");
	}
	for (int i = 0; i < 40; i++) {
		claim(q);
		claims[i] = last;
	}
	queue_flush(q, NULL);
	pass(500);
	put(q, 100, "chat:39", "last");
	pass(500);
	is_num(age(q), 500, "the one behind forty that run is found");
	for (int i = 0; i < 40; i++) {
		queue_done(q, claims[i]);
		claim_free(claims[i]);
	}
	finish_test(q);
}

static void tests(void)
{
	test_waits();
	test_again();
	test_letter();
	test_many();
}

int main(void)
{
	return on_each(tests);
}
