/* update/members: the members of a checked object, found by one walk over it and looked up as often
 * as is wanted; for the objects that much is asked of. */
#ifndef TGRUN_UPDATE_MEMBERS_H
#define TGRUN_UPDATE_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

enum { MEMBERS_MAX = 24 }; /* a message of many sorts at once has some 20 */

struct members {
	const char *object;
	size_t count;
	bool all; /* no other stands behind those of the list */
	struct {
		const char *name, *value;
		size_t length;
	} list[MEMBERS_MAX];
};

/* Walks over `object` (a checked value, see scan.h; NULL, or no object: over nothing), whose bytes
 * outlive `m`. */
void members_find(struct members *m, const char *object);

/* As scan_member() of that object: the first member of that name (`n` bytes), NULL if there is
 * none. */
const char *members_get(const struct members *m, const char *name, size_t n);

#endif
