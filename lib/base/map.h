/* base/map: an intrusive hash table. The owner keeps nodes inside structs of its own, hashes and
 * compares its keys itself. */
#ifndef TGRUN_BASE_MAP_H
#define TGRUN_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_node {
	struct map_node *next;
	uint64_t hash;
};

struct map {
	struct map_node **slots;
	size_t count, cap; /* nodes; slots, a power of two */
};

/* An empty table. Allocates nothing. */
void map_init(struct map *m);

/* Frees the table; the nodes are their owner's. */
void map_release(struct map *m);

/* Puts `node`, which is in no map, in under `hash`; nodes may share one. O(1) amortised. Returns 0,
 * or -1 when memory is out. */
int map_add(struct map *m, struct map_node *node, uint64_t hash);

/* Takes `node`, which is in the map, out. O(1). */
void map_remove(struct map *m, struct map_node *node);

/* The first node under `hash`, and the next one under the same; NULL if there is none. */
struct map_node *map_first(const struct map *m, uint64_t hash);
struct map_node *map_next(const struct map_node *node);

/* What makes the hashes of one table unlike those of any other, so that strangers cannot choose
 * keys that collide. */
struct map_seed {
	uint64_t k[2];
};

/* A random seed. */
struct map_seed map_seed(void);

/* The hash of `n` bytes (SipHash-1-3). Not to be stored. */
uint64_t map_hash(const struct map_seed *seed, const void *data, size_t n);

/* The hash of a number that nobody chooses. */
uint64_t map_number(int64_t n);

#endif
