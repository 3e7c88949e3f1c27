/* tests/unit/spare: memory is made to run out for good; then what was kept is handed out, in pieces
 * that are whole and not twice, grows and comes back. Under a sanitizer, whose malloc(3) ends the
 * process instead, only the way through is looked at. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "io/spare.h"
#include "tests/tap.h"

enum { PIECES = 80 };

static void with_memory(void)
{
	char *p = spare_malloc(10);
	ok(p != NULL, "with memory: malloc");
	strcpy(p, "something");
	p = spare_realloc(p, 100000);
	ok(strcmp(p, "something") == 0, "… realloc keeps what was there");
	char *copy = spare_strdup(p), *zeros = spare_calloc(10, 100);
	ok(strcmp(copy, "something") == 0 && zeros[0] == 0 && zeros[999] == 0, "… strdup, calloc");
	spare_free(p);
	spare_free(copy);
	spare_free(zeros);
	spare_free(NULL);
}

#ifndef WITH_ASAN

static void **all; /* each holds the one before */

static void use_up(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_AS, &limit);
	limit.rlim_cur = 64 << 20;
	setrlimit(RLIMIT_AS, &limit);
	for (size_t size = 1 << 20; size >= sizeof *all; size -= size / 8 + 1)
		for (void **p; (p = malloc(size)); all = p)
			*p = all;
}

static void without_memory(void)
{
	unsigned char *pieces[PIECES];
	int n = 0;
	bool whole = true;
	use_up();
	while (n < PIECES && (pieces[n] = spare_malloc(1000)))
		memset(pieces[n], n, 1000), n++;
	ok(n >= 64 && n < PIECES, "memory is out; 64 pieces and a few are still to be had (%d)", n);
	for (int i = 0; i < n; i++)
		for (int at = 0; at < 1000; at++)
			whole = whole && pieces[i][at] == i;
	ok(whole, "… each of its own");
	ok(spare_malloc(1) == NULL && spare_calloc(1, 1) == NULL, "… and then no more");
	for (int i = 0; i < n; i++)
		spare_free(pieces[i]);
	unsigned char *p = spare_malloc(10);
	memset(p, 7, 10);
	ok(spare_realloc(p, 1000) == p, "they come back; what fits grows in its place");
	p = spare_realloc(p, 60000);
	ok(p && p[0] == 7 && p[9] == 7,
	   "… and what does not fit in a larger one, with what was in it");
	ok(spare_realloc(p, 70000) == NULL && p[9] == 7,
	   "what is too large fails, and leaves all as it was");
	unsigned char *zeros = spare_calloc(100, 100);
	bool zero = zeros != NULL;
	for (int i = 0; zero && i < 10000; i++)
		zero = zeros[i] == 0;
	ok(zero, "calloc gives zeros");
	ok(spare_calloc(SIZE_MAX / 2, 4) == NULL, "a product that is too large is nothing");
	spare_free(p);
	spare_free(zeros);
	for (void **next; all; all = next) {
		next = *all;
		free(all);
	}
}

#endif

int main(void)
{
	RUN(with_memory);
#ifndef WITH_ASAN
	RUN(without_memory);
#endif
	return done_testing();
}
