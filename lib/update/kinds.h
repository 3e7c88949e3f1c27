/* update/kinds: the one table of update kinds of the Bot API (10.3), and the rule for those that
 * are not in it yet. */
#ifndef TGRUN_UPDATE_KINDS_H
#define TGRUN_UPDATE_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct kind {
	const char *name;
	bool by_default; /* delivered when allowed_updates is empty */
	/* dotted paths to the chat's id inside the kind's object, `|` between, NULL: none */
	const char *chat;
	const char *user;   /* dotted paths to the user's id, `|` between, NULL: none */
	const char *sender; /* the same to the id of a chat in whose name it was done: then the
			     * user is a stand-in, or absent */
	/* milliseconds after which an answer is refused, 0: no limit (Client.cpp of
	 * telegram-bot-api 10.0) */
	int64_t answerable;
};

/* The table; *count gets the number of rows. */
const struct kind *kinds_all(size_t *count);

/* How a kind that has no row is read. Its name is empty. */
extern const struct kind kinds_generic;

/* The row of `name` (of `n` bytes), NULL if the kind is unknown. */
const struct kind *kinds_find(const char *name, size_t n);

/* The known kind nearest in spelling, NULL if none is near. */
const char *kinds_nearest(const char *name);

/* --max-age: a limit for each kind. */
struct max_age;

/* The default limits. NULL when memory is out. */
struct max_age *max_age_new(void);
void max_age_free(struct max_age *m); /* NULL is fine */

/* Applies one value of --max-age: `none`, or KIND=DURATION[,KIND=DURATION…] (DURATION `none`
 * removes one; 0 is an error). All or nothing: 0, or -1 with `err` (ERR_USAGE), which names an
 * unknown kind and offers the nearest. */
int max_age_set(struct max_age *m, const char *text, struct err *err);

/* The age in milliseconds at which an update of this kind (known or not) is skipped, 0: never. */
int64_t max_age_of(const struct max_age *m, const char *kind);

#endif
