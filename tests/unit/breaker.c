/* tests/unit/breaker: when it opens, what it says while open, and what closes it. */
#include "handler/breaker.h"
#include "tests/tap.h"

int main(void)
{
	struct breaker b;
	int64_t delay;
	bool opened = false;
	breaker_init(&b, 3);
	for (int i = 0; i < 100; i++)
		opened |= breaker_fail(&b, "chat:1", 0, &delay);
	ok(!opened && !b.open, "failures of one chat alone never open it");
	ok(breaker_fail(&b, "chat:2", 0, &delay), "one more of another chat does");
	ok(b.open && delay >= 500 && delay <= 1000, "the first pause is up to 1 s");
	if (delay < 500 || delay > 1000)
		diag("got %" PRId64, delay);
	ok(!breaker_fail(&b, "chat:1", UINT32_MAX, &delay), "it opens only once");
	is_num(delay, 2000, "the next pause is twice as long");
	for (int i = 0; i < 20; i++)
		breaker_fail(&b, "chat:1", UINT32_MAX, &delay);
	is_num(delay, 60000, "no pause is longer than 60 s");
	ok(breaker_success(&b), "a success closes it");
	ok(!b.open && !breaker_success(&b), "and it stays closed");

	breaker_init(&b, 3);
	for (int i = 0; i < 50; i++) {
		opened |= breaker_fail(&b, i % 2 ? "chat:1" : "chat:2", 0, &delay);
		if (i % 2 == 1)
			breaker_success(&b);
	}
	ok(!opened && !b.open, "a success between them begins the count anew");

	breaker_init(&b, 0);
	for (int i = 0; i < 50; i++)
		opened |= breaker_fail(&b, i % 2 ? "chat:1" : "chat:2", 0, &delay);
	ok(!b.open && !opened, "a limit of 0 never opens");
	return done_testing();
}
