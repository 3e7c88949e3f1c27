/* base/map: the hash table: chains in an array that doubles. When there is no memory to double it,
 * it goes on with longer chains; only the very first slots can fail. */
#include "base/map.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"

void map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void map_release(struct map *m)
{
	free(m->slots);
	map_init(m);
}

static struct map_node **slot_of(const struct map *m, uint64_t hash)
{
	return &m->slots[hash & (m->cap - 1)];
}

static int grow(struct map *m)
{
	struct map old = *m;
	size_t cap = old.cap ? old.cap * 2 : 16;
	struct map_node **slots = calloc(cap, sizeof *slots);
	if (!slots)
		return old.cap ? 0 : -1;
	m->slots = slots;
	m->cap = cap;
	for (size_t i = 0; i < old.cap; i++)
		for (struct map_node *n = old.slots[i], *next; n; n = next) {
			next = n->next;
			n->next = *slot_of(m, n->hash);
			*slot_of(m, n->hash) = n;
		}
	free(old.slots);
	return 0;
}

int map_add(struct map *m, struct map_node *node, uint64_t hash)
{
	if (m->count >= m->cap && grow(m))
		return -1;
	struct map_node **slot = slot_of(m, hash);
	node->hash = hash;
	node->next = *slot;
	*slot = node;
	m->count++;
	return 0;
}

void map_remove(struct map *m, struct map_node *node)
{
	struct map_node **at = slot_of(m, node->hash);
	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	m->count--;
}

static struct map_node *same(struct map_node *n, uint64_t hash)
{
	while (n && n->hash != hash)
		n = n->next;
	return n;
}

struct map_node *map_first(const struct map *m, uint64_t hash)
{
	return m->cap ? same(*slot_of(m, hash), hash) : NULL;
}

struct map_node *map_next(const struct map_node *node)
{
	return same(node->next, node->hash);
}

struct map_seed map_seed(void)
{
	struct map_seed seed;
	for (int i = 0; i < 2; i++)
		seed.k[i] = (uint64_t)backoff_random() << 32 | backoff_random();
	return seed;
}

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

uint64_t map_hash(const struct map_seed *seed, const void *data, size_t n)
{
	uint64_t v[4] = { seed->k[0] ^ 0x736f6d6570736575u, seed->k[1] ^ 0x646f72616e646f6du,
			  seed->k[0] ^ 0x6c7967656e657261u, seed->k[1] ^ 0x7465646279746573u };
	const unsigned char *p = data;
	uint64_t word;
	for (size_t left = n;; left -= 8, p += 8) {
		bool last = left < 8;
		word = last ? (uint64_t)n << 56 : 0;
		if (left)
			memcpy(&word, p, last ? left : 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
		if (last)
			break;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t map_number(int64_t n)
{
	uint64_t x = (uint64_t)n * 0x9e3779b97f4a7c15u;
	return x ^ x >> 32;
}
