/* base/nearest: a word and a list in, the likely word out. Damerau-Levenshtein distance, restricted
 * (a pair is swapped once): three rows of the table are enough. Words past LENGTH_MAX bytes are
 * near to nothing, so the work is bounded. */
#include "base/nearest.h"

#include <string.h>

enum { LENGTH_MAX = 64 };

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned rows[3][LENGTH_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];
	for (unsigned j = 0; j <= m; j++)
		last[j] = j;
	for (size_t i = 1; i <= n; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(least(last[j], row[j - 1]) + 1,
				       last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		unsigned *oldest = before;
		before = last;
		last = row;
		row = oldest;
	}
	return last[m];
}

const char *nearest_find(const char *word, const char *const *words, size_t count)
{
	size_t n = strlen(word);
	if (n == 0 || n > LENGTH_MAX)
		return NULL;
	const char *found = NULL, *prefix = NULL;
	size_t prefixes = 0;
	unsigned best = 1 + (unsigned)n / 4;
	for (size_t i = 0; i < count; i++) {
		size_t m = strlen(words[i]);
		if (m > LENGTH_MAX)
			continue;
		unsigned d = distance(word, n, words[i], m);
		/* As many edits as the shorter word has letters is another word. */
		if (d < (n > m ? n : m) && (d < best || (d == best && !found))) {
			best = d;
			found = words[i];
		}
		if (strncmp(word, words[i], n) == 0) {
			prefix = words[i];
			prefixes++;
		}
	}
	return found ? found : prefixes == 1 ? prefix : NULL;
}
