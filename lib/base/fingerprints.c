/* base/fingerprints: linear probing in a table that doubles at three quarters full. What is taken
 * out leaves no mark: those behind it in its run move up. */
#include "base/fingerprints.h"

#include <stdlib.h>

void fingerprints_init(struct fingerprints *f)
{
	*f = (struct fingerprints){ 0 };
}

void fingerprints_release(struct fingerprints *f)
{
	free(f->slots);
	fingerprints_init(f);
}

/* 0 marks an empty slot, so it shares the number 1: one false hit in 2^63. */
static uint64_t stored(uint64_t hash)
{
	return hash ? hash : 1;
}

static size_t home(const struct fingerprints *f, uint64_t hash)
{
	return (hash ^ hash >> 32) & (f->cap - 1);
}

/* Where `hash` is, or the empty slot that it belongs into. */
static size_t find(const struct fingerprints *f, uint64_t hash)
{
	size_t at = home(f, hash);
	while (f->slots[at] && f->slots[at] != hash)
		at = (at + 1) & (f->cap - 1);
	return at;
}

static int grow(struct fingerprints *f)
{
	struct fingerprints old = *f;
	size_t cap = old.cap ? old.cap * 2 : 64;
	uint64_t *slots = calloc(cap, sizeof *slots);
	if (!slots)
		/* a slot stays empty, or find() has no end */
		return old.count + 1 < old.cap ? 0 : -1;
	f->slots = slots;
	f->cap = cap;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i])
			f->slots[find(f, old.slots[i])] = old.slots[i];
	free(old.slots);
	return 0;
}

int fingerprints_add(struct fingerprints *f, uint64_t hash)
{
	hash = stored(hash);
	if (f->count + 1 > f->cap / 4 * 3 && grow(f))
		return -1;
	size_t at = find(f, hash);
	f->count += !f->slots[at];
	f->slots[at] = hash;
	return 0;
}

void fingerprints_remove(struct fingerprints *f, uint64_t hash)
{
	if (f->cap == 0)
		return;
	size_t hole = find(f, stored(hash)), mask = f->cap - 1;
	if (!f->slots[hole])
		return;
	f->count--;
	/* One behind the hole moves into it unless its home lies between the two. */
	for (size_t at = (hole + 1) & mask; f->slots[at]; at = (at + 1) & mask)
		if (((at - home(f, f->slots[at])) & mask) >= ((at - hole) & mask)) {
			f->slots[hole] = f->slots[at];
			hole = at;
		}
	f->slots[hole] = 0;
}

bool fingerprints_has(const struct fingerprints *f, uint64_t hash)
{
	return f->cap && f->slots[find(f, stored(hash))];
}
