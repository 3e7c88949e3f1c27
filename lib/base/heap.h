/* base/heap: an intrusive binary heap of things that are due at a time. */
#ifndef TGRUN_BASE_HEAP_H
#define TGRUN_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t due;  /* milliseconds of the owner's clock */
	size_t place; /* 1 and up while in a heap; 0: in none */
};

struct heap {
	struct heap_node **nodes;
	size_t count, cap;
};

/* An empty heap. Allocates nothing. */
void heap_init(struct heap *h);

/* Frees the table; the nodes are their owner's. */
void heap_release(struct heap *h);

/* Makes room for `count` nodes in all: up to that many heap_add() cannot fail. Returns 0, or -1
 * when memory is out. */
int heap_reserve(struct heap *h, size_t count);

/* Puts `node`, which is in no heap, in at `due`. O(log n). Returns 0, or -1 when memory is out. */
int heap_add(struct heap *h, struct heap_node *node, int64_t due);

/* Takes `node` out; does nothing if it is in no heap. O(log n). */
void heap_remove(struct heap *h, struct heap_node *node);

/* The node that is due first, NULL if there is none. */
struct heap_node *heap_first(const struct heap *h);

#endif
