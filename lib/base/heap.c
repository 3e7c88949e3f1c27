/* base/heap: the binary heap. Nodes know their place, so any of them can be taken out in O(log n).
 */
#include "base/heap.h"

#include <stdlib.h>

void heap_init(struct heap *h)
{
	*h = (struct heap){ 0 };
}

void heap_release(struct heap *h)
{
	free(h->nodes);
	heap_init(h);
}

static void put(struct heap *h, size_t i, struct heap_node *node)
{
	h->nodes[i] = node;
	node->place = i + 1;
}

static void sift_up(struct heap *h, size_t i, struct heap_node *node)
{
	while (i > 0 && h->nodes[(i - 1) / 2]->due > node->due) {
		put(h, i, h->nodes[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(h, i, node);
}

static void sift_down(struct heap *h, size_t i, struct heap_node *node)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= h->count)
			break;
		if (child + 1 < h->count && h->nodes[child + 1]->due < h->nodes[child]->due)
			child++;
		if (h->nodes[child]->due >= node->due)
			break;
		put(h, i, h->nodes[child]);
		i = child;
	}
	put(h, i, node);
}

int heap_reserve(struct heap *h, size_t count)
{
	size_t cap = h->cap ? h->cap : 16;
	while (cap < count)
		cap *= 2;
	if (cap == h->cap)
		return 0;
	struct heap_node **nodes = realloc(h->nodes, cap * sizeof *nodes);
	if (!nodes)
		return -1;
	h->nodes = nodes;
	h->cap = cap;
	return 0;
}

int heap_add(struct heap *h, struct heap_node *node, int64_t due)
{
	if (heap_reserve(h, h->count + 1))
		return -1;
	node->due = due;
	sift_up(h, h->count++, node);
	return 0;
}

void heap_remove(struct heap *h, struct heap_node *node)
{
	if (node->place == 0)
		return;
	size_t i = node->place - 1;
	struct heap_node *last = h->nodes[--h->count];
	node->place = 0;
	if (last == node)
		return;
	if (i > 0 && h->nodes[(i - 1) / 2]->due > last->due)
		sift_up(h, i, last);
	else
		sift_down(h, i, last);
}

struct heap_node *heap_first(const struct heap *h)
{
	return h->count ? h->nodes[0] : NULL;
}
