/* cli/options/options_compare: two configs in, what a reload of the one by the other leaves as it
 * was out. Whether an option can change while tgrun runs is a mark in its row; a row of a type that
 * is not compared here does not compile. */
#include <string.h>

#include "cli/options/options_internal.h"

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_texts(const struct texts *a, const struct texts *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; same && i < a->count; i++)
		same = strcmp(a->items[i], b->items[i]) == 0;
	return same;
}

/* As far as their names and commands go: the rest of them is compared by nobody, and may change. */
static bool same_routes(const struct routes *a, const struct routes *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; same && i < a->count; i++)
		same = same_text(a->items[i].match, b->items[i].match) &&
		       same_text(a->items[i].handler, b->items[i].handler);
	return same;
}

bool options_same(const struct config *a, const struct config *b, const struct option_row *row)
{
	const void *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;
	switch (row->type) {
	case OPTION_FLAG:
		return *(const bool *)x == *(const bool *)y;
	case OPTION_TEXT:
	case OPTION_MAYBE:
	case OPTION_DATA:
	case OPTION_KEEP:
	case OPTION_URL:
	case OPTION_STORE:
		return same_text(*(char *const *)x, *(char *const *)y);
	case OPTION_LIST:
	case OPTION_COMMAS:
	case OPTION_ENV:
		return same_texts(x, y);
	case OPTION_DURATION:
	case OPTION_SIZE:
		return *(const int64_t *)x == *(const int64_t *)y;
	case OPTION_NUMBER:
	case OPTION_WORD:
	case OPTION_RATIO:
		return *(const int *)x == *(const int *)y;
	case OPTION_RATES:
		return memcmp(x, y, row->size) == 0;
	case OPTION_ROUTE:
		return same_routes(x, y);
	}
	return true;
}

size_t options_fixed(const struct config *old, const struct config *fresh,
		     const char *names[CONFIG_OPTIONS_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < options_table_count; i++)
		if (options_table[i].fixed && !options_same(old, fresh, &options_table[i]))
			names[n++] = options_table[i].name;
	return n;
}
