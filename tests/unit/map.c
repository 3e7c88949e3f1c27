/* tests/unit/map: the hash table finds what was put in and not taken out, and its hash is
 * SipHash-1-3. */
#include "base/map.h"
#include "base/list.h"
#include "tests/tap.h"

struct thing {
	struct map_node node;
	bool in;
	int key;
};

int main(void)
{
	enum { N = 3000 };
	static struct thing things[N];
	struct map m;
	map_init(&m);
	ok(map_first(&m, 1) == NULL, "an empty map finds nothing");
	srand(3);
	size_t in = 0;
	bool right = true;
	for (int step = 0; step < 100000 && right; step++) {
		struct thing *t = &things[rand() % N];
		uint64_t hash = map_number((t - things) / 3); /* three things share each hash */
		t->key = (int)(t - things);
		if (t->in)
			map_remove(&m, &t->node), in--;
		else
			right = map_add(&m, &t->node, hash) == 0, in++;
		t->in = !t->in;
		bool found = false;
		for (struct map_node *n = map_first(&m, hash); n; n = map_next(n))
			found = found || container_of(n, struct thing, node) == t;
		right = right && found == t->in && m.count == in;
	}
	ok(right,
	   "after each of 100,000 random steps a thing is found exactly if it is in, also among others of its hash");
	map_release(&m);

	/* The first vectors of the reference: key 00 01 … 0f, no bytes and the byte 00. */
	struct map_seed seed = { { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u } };
	ok(map_hash(&seed, "", 0) == 0xabac0158050fc4dcu,
	   "the hash of nothing is that of the reference");
	ok(map_hash(&seed, "\0", 1) == 0xc9f49bf37d57ca93u, "so is that of one byte");
	struct map_seed a = map_seed(), b = map_seed();
	ok(map_hash(&a, "chat:1", 6) != map_hash(&b, "chat:1", 6), "two tables hash differently");
	return done_testing();
}
