/* api/methods: the methods of the Bot API. See
 * https://core.telegram.org/bots/api#available-methods. */
#ifndef TGRUN_API_METHODS_H
#define TGRUN_API_METHODS_H

#include <stddef.h>

struct method {
	const char *name; /* as the documentation spells it */
};

/* The method of that name, whatever its case, as the server looks it up; NULL if there is none. */
const struct method *methods_find(const char *name);

/* All of them, by name; *count gets how many. */
const struct method *methods_all(size_t *count);

#endif
