/* cli/client/watch_picture: what the screen of `status --watch` remembers from one second to the
 * next: the last minute as a picture, and which line is whose. */
#ifndef TGRUN_CLI_CLIENT_WATCH_PICTURE_H
#define TGRUN_CLI_CLIENT_WATCH_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

enum { WATCH_SECONDS = 60 };

/* A value of each of the last seconds, the newest last. */
struct watch_picture {
	double value[WATCH_SECONDS];
	size_t count; /* that are known */
};

void watch_picture_add(struct watch_picture *p, double value);
double watch_picture_most(const struct watch_picture *p);

/* The last `columns` seconds as characters of eight heights, the highest for the most that the
 * minute has; `blocks`: block characters, else ASCII. `out` has room for 4 bytes a column. */
enum { WATCH_PICTURE_MAX = 4 * WATCH_SECONDS + 1 };
const char *watch_picture_text(const struct watch_picture *p, size_t columns, bool blocks,
			       char out[WATCH_PICTURE_MAX]);

/* Lines that stay where they are as long as what they tell of is there. */
enum { WATCH_LINES = 40, WATCH_NAME_MAX = 256 };
struct watch_lines {
	struct {
		char name[WATCH_NAME_MAX];
		const cJSON
			*item; /* NULL: an empty line; borrowed of the last watch_lines_take() */
	} line[WATCH_LINES];
	size_t count; /* up to the last that has something */
};

/* Gives each of the first `max` items of an array a line: that which it had, by what `member` says
 * of it, else the first that is empty. */
void watch_lines_take(struct watch_lines *l, const cJSON *array, const char *member, size_t max);

#endif
