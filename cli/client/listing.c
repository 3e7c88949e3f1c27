/* cli/client/listing: the options of a list and an entry in; whether it is meant, and its times as
 * they are shown, out. Invariant: elsewhere than on a terminal a list looks the same whenever it is
 * read: no ages, and no line but of entries. */
#include "cli/client/listing.h"

#include <string.h>

#include "base/clock.h"
#include "cli/client/client.h"
#include "cli/print.h"

static bool is_given(const struct config *c, const void *member)
{
	return config_origin(c, member) == ORIGIN_ARGUMENT;
}

/* The name of the first option that is given and says which entries are meant; NULL: none. */
static const char *first_filter(const struct config *c)
{
	const struct {
		const void *member;
		const char *name;
	} filters[] = { { &c->lists.key, "key" },
			{ &c->kind, "kind" },
			{ &c->older, "older" },
			{ &c->reason, "reason" },
			{ &c->poll.limit, "limit" } };
	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
		if (is_given(c, filters[i].member))
			return filters[i].name;
	return NULL;
}

int listing_check(const struct config *c, bool list, const char *command, const char *verb,
		  struct err *err)
{
	const char *filter = list ? NULL : first_filter(c);
	return filter ? err_set(err, ERR_USAGE, "'tgrun %s %s' takes no --%s; 'tgrun %s list' does",
				command, verb, filter, command)
		      : 0;
}

bool listing_filters(const struct listing *l)
{
	return first_filter(l->config) != NULL;
}

void listing_begin(struct listing *l, const struct config *c, const struct listing_names *names)
{
	*l = (struct listing){ .config = c,
			       .names = names,
			       .columns = c->json ? 0 : row_terminal(),
			       .now = clock_system.wall(&clock_system) };
}

bool listing_full(const struct listing *l)
{
	return is_given(l->config, &l->config->poll.limit) && l->shown >= l->config->poll.limit;
}

/* Whether one of the keys of an entry, with blanks between, is this one. A message has the chat
 * alone. */
static bool has_key(const char *keys, const char *key)
{
	if (strcmp(keys, key) == 0 || (strncmp(key, "chat:", 5) == 0 && strcmp(keys, key + 5) == 0))
		return true;
	for (size_t n; *keys; keys += n + (keys[n] == ' ')) {
		n = strcspn(keys, " ");
		if (strlen(key) == n && strncmp(keys, key, n) == 0)
			return true;
	}
	return false;
}

static bool wants_key(const struct config *c, const char *keys)
{
	bool any = !is_given(c, &c->lists.key);
	for (size_t i = 0; !any && i < c->lists.key.count; i++)
		any = has_key(keys, c->lists.key.items[i]);
	return any;
}

static bool wants_kind(const struct config *c, const char *kind)
{
	bool any = !is_given(c, &c->kind);
	for (size_t i = 0; !any && i < c->kind.count; i++)
		any = strcmp(kind, c->kind.items[i]) == 0;
	return any;
}

/* The time that an entry has, 0: none. */
static int64_t time_of(const char *text)
{
	int64_t wall;
	struct err none;
	return *text && clock_read(text, &wall, &none) == 0 ? wall : 0;
}

bool listing_wants(struct listing *l, const cJSON *entry)
{
	const struct config *c = l->config;
	const struct listing_names *n = l->names;
	if (!wants_key(c, json_text(entry, n->key)) || !wants_kind(c, json_text(entry, n->kind)))
		return false;
	if (is_given(c, &c->older) && time_of(json_text(entry, n->time)) > l->now - c->older)
		return false;
	if (c->reason && !strcasestr(json_text(entry, n->reason), c->reason))
		return false;
	l->shown++;
	return true;
}

size_t listing_width(const struct listing *l, size_t terminal, size_t elsewhere)
{
	return l->columns ? terminal : elsewhere;
}

void listing_head(const struct listing *l, const char *const *names, const size_t *widths,
		  size_t count)
{
	struct row r;
	if (!l->columns || l->shown != 1)
		return;
	row_begin(&r, l->columns);
	for (size_t i = 0; i < count; i++)
		row_add(&r, widths[i], SIZE_MAX, names[i]);
	print_row(&r, "\n");
}

const char *listing_time(const struct listing *l, const char *text, char out[LISTING_TIME_MAX])
{
	int64_t wall = l->columns ? time_of(text) : 0;
	if (!wall)
		return text;
	return client_age((double)(l->now - wall) / 1000, out);
}
