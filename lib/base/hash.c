/* base/hash: FNV-1a with 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv), and a hash of words in its
 * manner. */
#include "base/hash.h"

#include <endian.h>
#include <string.h>

uint64_t hash_bytes(const void *data, size_t n)
{
	const unsigned char *p = data;
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

/* Each step takes one word to another for each word that comes in, so texts of one length that
 * differ in one word only never collide. The upper half of a product depends on all bits below it;
 * it is folded down for the next one. */
uint64_t hash_words(const void *data, size_t n)
{
	const unsigned char *p = data;
	uint64_t h = 0xcbf29ce484222325u ^ n, word;
	for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
		memcpy(&word, p, sizeof word);
		h = (h ^ le64toh(word)) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, p, n);
	h = (h ^ le64toh(word)) * 0x9e3779b97f4a7c15u;
	h = (h ^ h >> 32) * 0xc4ceb9fe1a85ec53u;
	return h ^ h >> 29;
}
