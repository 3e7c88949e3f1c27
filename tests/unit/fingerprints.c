/* tests/unit/fingerprints: the set of hashes against a slow obvious one. */
#include "base/fingerprints.h"
#include "tests/tap.h"

enum { NUMBERS = 400, STEPS = 200000 };

static uint64_t state = 20261126;

static uint64_t next(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return state >> 33;
}

/* Hashes that share their home, so that runs form and wrap around the end of the table. */
static uint64_t hash_of(uint64_t i)
{
	return i % 3 ? i * 0x9e3779b97f4a7c15u : 62 + i % 4 + (i << 40) + (i << 8);
}

static void model(void)
{
	struct fingerprints f;
	bool in[NUMBERS] = { false };
	size_t count = 0, wrong = 0;
	fingerprints_init(&f);
	ok(!fingerprints_has(&f, 5), "an empty set has nothing");
	fingerprints_remove(&f, 5);
	for (int step = 0; step < STEPS; step++) {
		uint64_t i = next() % NUMBERS;
		/* It fills, and is emptied again. */
		bool add = next() % 100 < (step / 5000 % 2 ? 35u : 65u);
		if (add)
			wrong += fingerprints_add(&f, hash_of(i)) != 0;
		else
			fingerprints_remove(&f, hash_of(i));
		count += add && !in[i];
		count -= !add && in[i];
		in[i] = add;
		uint64_t other = next() % NUMBERS;
		wrong += fingerprints_has(&f, hash_of(other)) != in[other];
		wrong += f.count != count;
	}
	is_num((int64_t)wrong, 0, "200,000 steps agree with a table of flags");
	for (uint64_t i = 0; i < NUMBERS; i++)
		wrong += fingerprints_has(&f, hash_of(i)) != in[i];
	is_num((int64_t)wrong, 0, "and so does what is left");
	fingerprints_release(&f);
}

static void zero(void)
{
	struct fingerprints f;
	fingerprints_init(&f);
	fingerprints_add(&f, 0);
	ok(fingerprints_has(&f, 0), "a hash of 0 is kept like any other");
	fingerprints_remove(&f, 0);
	ok(!fingerprints_has(&f, 0) && f.count == 0, "and goes like any other");
	fingerprints_release(&f);
}

int main(void)
{
	RUN(model);
	RUN(zero);
	return done_testing();
}
