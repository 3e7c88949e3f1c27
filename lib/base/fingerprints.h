/* base/fingerprints: a set of 64-bit hashes, eight bytes each, for knowing again what is too long
 * to be kept. */
#ifndef TGRUN_BASE_FINGERPRINTS_H
#define TGRUN_BASE_FINGERPRINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fingerprints {
	uint64_t *slots; /* open addressing; 0: empty */
	size_t count, cap;
};

/* An empty set. Allocates nothing. */
void fingerprints_init(struct fingerprints *f);

/* Frees the memory; the set is empty and may be used again. */
void fingerprints_release(struct fingerprints *f);

/* Puts `hash`, any number, in; one that is there already is not put in again. O(1) amortised. 0, or
 * -1 when memory is out. */
int fingerprints_add(struct fingerprints *f, uint64_t hash);

/* Takes `hash` out, if it is there. O(1). */
void fingerprints_remove(struct fingerprints *f, uint64_t hash);

/* Whether `hash` is in the set. O(1). */
bool fingerprints_has(const struct fingerprints *f, uint64_t hash);

#endif
