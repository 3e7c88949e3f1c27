/* base/texts: a list of texts, as an option that may be given several times has them. */
#ifndef TGRUN_BASE_TEXTS_H
#define TGRUN_BASE_TEXTS_H

#include <stddef.h>

struct texts {
	char **items; /* ends in NULL once there is an item */
	size_t count;
};

#endif
