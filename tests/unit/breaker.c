/* tests/unit/breaker: when it opens, what it says while open, and what closes it. */
#include "handler/breaker.h"
#include "tests/tap.h"

/* An attempt that began at `began`, and failed a second later. */
static bool fail(struct breaker *b, const char *keys, int64_t began, uint32_t random,
		 int64_t *delay)
{
	return breaker_fail(b, keys, began, began + 1000, random, delay);
}

int main(void)
{
	struct breaker b;
	int64_t delay, now = 0;
	bool opened = false;
	breaker_init(&b, 3);
	for (int i = 0; i < 100; i++)
		opened |= fail(&b, "chat:1", now, 0, &delay);
	ok(!opened && !b.open, "failures of one chat alone never open it");
	ok(fail(&b, "chat:2", now, 0, &delay), "one more of another chat does");
	ok(b.open && delay >= 500 && delay <= 1000, "the first pause is up to 1 s");
	if (delay < 500 || delay > 1000)
		diag("got %" PRId64, delay);
	for (int i = 0; i < 7; i++)
		opened |= fail(&b, "chat:3", i, UINT32_MAX, &delay) || delay != -1;
	ok(!opened, "those that were under way when it opened say nothing new");
	ok(!fail(&b, "chat:1", now += 2000, UINT32_MAX, &delay), "it opens only once");
	is_num(delay, 2000, "the next pause is twice as long");
	breaker_fail(&b, "chat:1", now, now + 5000, UINT32_MAX, &delay);
	is_num(delay, -1, "one that began beside it does not make it longer");
	for (int i = 0; i < 20; i++)
		fail(&b, "chat:1", now += 2000, UINT32_MAX, &delay);
	is_num(delay, 60000, "no pause is longer than 60 s");
	ok(breaker_success(&b), "a success closes it");
	ok(!b.open && !breaker_success(&b), "and it stays closed");

	breaker_init(&b, 3);
	for (int i = 0; i < 50; i++) {
		opened |= fail(&b, i % 2 ? "chat:1" : "chat:2", now, 0, &delay);
		if (i % 2 == 1)
			breaker_success(&b);
	}
	ok(!opened && !b.open, "a success between them begins the count anew");

	breaker_init(&b, 0);
	for (int i = 0; i < 50; i++)
		opened |= fail(&b, i % 2 ? "chat:1" : "chat:2", now, 0, &delay);
	ok(!b.open && !opened, "a limit of 0 never opens");

	breaker_init(&b, 3);
	for (int i = 0; i < 10; i++)
		fail(&b, i % 2 ? "chat:1" : "chat:2", now += 2000, 0, &delay);
	breaker_set_limit(&b, 5);
	ok(b.open, "another limit leaves an open one open");
	breaker_set_limit(&b, 0);
	ok(!b.open && !fail(&b, "chat:1", now += 2000, 0, &delay) && !b.open,
	   "a limit of 0 closes it for good");
	return done_testing();
}
