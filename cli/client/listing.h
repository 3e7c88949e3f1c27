/* cli/client/listing: the lists of dead letters, updates and messages: which entries are meant, and
 * how a list looks: on a terminal with a head line and ages, elsewhere as it is for programs. */
#ifndef TGRUN_CLI_CLIENT_LISTING_H
#define TGRUN_CLI_CLIENT_LISTING_H

#include "base/json.h"
#include "cli/row.h"
#include "cli/setup/setup.h"

/* What the members of an entry are called whose values the options ask for; NULL: it has none. */
struct listing_names {
	const char *key, *kind, *time, *reason;
};

struct listing {
	const struct config *config;
	const struct listing_names *names;
	size_t columns; /* of the terminal; 0: it is none */
	int64_t now;    /* wall clock, milliseconds */
	int64_t shown;
};

/* Refuses what only a list takes (--key, --kind, --older, --reason, --limit) of another verb,
 * "dead show". 0, or -1 with `err`. */
int listing_check(const struct config *c, bool list, const char *command, const char *verb,
		  struct err *err);

void listing_begin(struct listing *l, const struct config *c, const struct listing_names *names);

/* Whether the entry is meant; then it counts as shown. Not before listing_full(). */
bool listing_wants(struct listing *l, const cJSON *entry);

/* Whether only some of the entries are meant. */
bool listing_filters(const struct listing *l);

/* Whether as many were shown as --limit says. */
bool listing_full(const struct listing *l);

/* The width of a column: on a terminal, or elsewhere. */
size_t listing_width(const struct listing *l, size_t terminal, size_t elsewhere);

/* Before the first entry, on a terminal: the head, of cells with the widths of the columns. */
void listing_head(const struct listing *l, const char *const *names, const size_t *widths,
		  size_t count);

/* A time as the entry has it: its age ("3m ago", "in 5m") on a terminal, else as it is. */
enum { LISTING_TIME_MAX = 40 };
const char *listing_time(const struct listing *l, const char *text, char out[LISTING_TIME_MAX]);

#endif
