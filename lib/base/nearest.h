/* base/nearest: the word that was probably meant, for `did you mean '…'?`. */
#ifndef TGRUN_BASE_NEAREST_H
#define TGRUN_BASE_NEAREST_H

#include <stddef.h>

/* The one of `count` words that is nearest to `word`: by the number of letters put in, left out,
 * replaced or swapped with their neighbour, at most 1 + a quarter of the length of `word`; the
 * first of equals. Else the only one that begins with `word`. NULL if there is none. */
const char *nearest_find(const char *word, const char *const *words, size_t count);

#endif
