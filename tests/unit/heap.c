/* tests/unit/heap: the heap gives what is due first, whatever was put in and taken out. */
#include "base/heap.h"
#include "tests/tap.h"

int main(void)
{
	enum { N = 500 };
	static struct heap_node nodes[N];
	struct heap h;
	heap_init(&h);
	ok(heap_first(&h) == NULL, "an empty heap has no first");
	srand(7);
	bool first_is_least = true;
	for (int step = 0; step < 20000; step++) {
		struct heap_node *n = &nodes[rand() % N];
		if (n->place)
			heap_remove(&h, n);
		else
			heap_add(&h, n, rand() % 1000);
		int64_t least = INT64_MAX;
		size_t in = 0;
		for (int i = 0; i < N; i++)
			if (nodes[i].place) {
				in++;
				if (nodes[i].due < least)
					least = nodes[i].due;
			}
		struct heap_node *first = heap_first(&h);
		if (h.count != in || (in && (!first || first->due != least)))
			first_is_least = false;
	}
	ok(first_is_least,
	   "after each of 20,000 random steps the first is the least, and none is lost");
	heap_release(&h);
	memset(nodes, 0, sizeof nodes);
	ok(heap_reserve(&h, N) == 0 && heap_reserve(&h, 1) == 0, "room for all is made at once");
	struct heap_node **room = h.nodes;
	for (int i = 0; i < N; i++)
		heap_add(&h, &nodes[i], i);
	ok(h.nodes == room && h.count == N, "and none that comes in asks for more");
	heap_release(&h);
	return done_testing();
}
