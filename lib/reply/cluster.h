/* reply/cluster: where a character as people see it ends, so that a text is not cut inside of
 * one. */
#ifndef TGRUN_REPLY_CLUSTER_H
#define TGRUN_REPLY_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

/* What a walk over a text knows; all 0 at its beginning. */
struct cluster {
	unsigned before; /* the code point before; 0: none */
	size_t flags;    /* regional indicators that stand there in a row */
};

/* Whether a new character begins with the next code point, in a simple form of the rules of Unicode
 * (UAX #29, extended grapheme clusters): marks, joined emoji, flags, skin tones, the parts of a
 * Hangul syllable, conjuncts of Indic scripts and CR LF stay together. */
bool cluster_begins(struct cluster *c, unsigned code);

#endif
