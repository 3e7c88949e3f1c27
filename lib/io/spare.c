/* io/spare: an allocator for libuv, which ends the process when it cannot lengthen its table of
 * descriptors, and for libcurl (seen in 7.88), which divides by nothing after an element of a hash
 * could not be had. Sizes come in, memory goes out: that of malloc(3), and when there is none, a
 * piece of what was kept here. Large requests still fail, and fail well: a request that does not
 * begin is asked again. What is kept costs nothing until it is used. */
#include "io/spare.h"

#include <malloc.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 1024, SMALLS = 64, LARGE = 64 * 1024, LARGES = 4 };

static struct {
	alignas(max_align_t) char small[SMALLS][SMALL];
	alignas(max_align_t) char large[LARGES][LARGE];
} kept;
static atomic_bool small_taken[SMALLS], large_taken[LARGES];

static void *take_one(atomic_bool *taken, int count, char *from, size_t size)
{
	for (int i = 0; i < count; i++)
		if (!atomic_exchange(&taken[i], true))
			return from + (size_t)i * size;
	return NULL;
}

static void *take(size_t n)
{
	void *p = n <= SMALL ? take_one(small_taken, SMALLS, kept.small[0], SMALL) : NULL;
	return p || n > LARGE ? p : take_one(large_taken, LARGES, kept.large[0], LARGE);
}

static bool is_kept(const void *p)
{
	return (uintptr_t)p >= (uintptr_t)&kept && (uintptr_t)p < (uintptr_t)(&kept + 1);
}

static size_t room(const void *p)
{
	if (!is_kept(p))
		return malloc_usable_size((void *)(uintptr_t)p);
	return (const char *)p < kept.large[0] ? SMALL : LARGE;
}

void *spare_malloc(size_t n)
{
	void *p = malloc(n);
	if (!p)
		p = take(n);
	return p;
}

void *spare_calloc(size_t count, size_t n)
{
	void *p = calloc(count, n);
	size_t all;
	if (p || __builtin_mul_overflow(count, n, &all))
		return p;
	p = take(all);
	if (p)
		memset(p, 0, all);
	return p;
}

void *spare_realloc(void *p, size_t n)
{
	if (!p)
		return spare_malloc(n);
	if (is_kept(p) && n <= room(p))
		return p;
	void *q = is_kept(p) ? spare_malloc(n) : realloc(p, n);
	if (!is_kept(p)) {
		if (q)
			return q;
		q = take(n);
	}
	if (!q)
		return NULL;
	size_t old = room(p);
	memcpy(q, p, old < n ? old : n);
	spare_free(p);
	return q;
}

char *spare_strdup(const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = spare_malloc(n);
	return copy ? memcpy(copy, text, n) : NULL;
}

void spare_free(void *p)
{
	if (!is_kept(p)) {
		free(p);
		return;
	}
	size_t at = (size_t)((char *)p - (char *)&kept);
	if (at < sizeof kept.small)
		atomic_store(&small_taken[at / SMALL], false);
	else
		atomic_store(&large_taken[(at - sizeof kept.small) / LARGE], false);
}
