/* cli/options/options_value: the text of a value in, the member of struct config out, checked. Remembers where each value
 * came from, and says it in errors. Invariant: a member is either what its origin says or, after options_unset(),
 * its default. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api_root.h"
#include "base/duration.h"
#include "base/nearest.h"
#include "cli/options/options_internal.h"

static void *member_of(struct config *c, const struct option_row *row)
{
	return (char *)c + row->offset;
}

static size_t index_of(const struct option_row *row)
{
	return (size_t)(row - options_table);
}

static void text_free(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void options_texts_release(struct texts *t)
{
	for (size_t i = 0; i < t->count; i++)
		text_free(t->items[i]);
	free(t->items);
	*t = (struct texts){ 0 };
}

int options_text_add(struct texts *t, const char *s, size_t n)
{
	char **items = reallocarray(t->items, t->count + 2, sizeof *items);
	if (!items)
		return -1;
	t->items = items;
	char *copy = strndup(s, n);
	if (copy)
		items[t->count++] = copy;
	items[t->count] = NULL;
	return copy ? 0 : -1;
}

/* Where a value stands, for a sentence. */
static const char *where(const struct config *c, const struct option_row *row, enum origin origin, int line,
			 char *out, size_t n)
{
	char variable[64];
	switch (origin) {
	case ORIGIN_DEFAULT:
		snprintf(out, n, "the default of '--%s'", row->name);
		break;
	case ORIGIN_FILE:
		snprintf(out, n, "config file '%s', line %d", c->config, line);
		break;
	case ORIGIN_ENVIRONMENT:
		options_variable(row, variable);
		snprintf(out, n, "%s", variable);
		break;
	case ORIGIN_ARGUMENT:
		snprintf(out, n, "option '--%s'", row->name);
		break;
	}
	return out;
}

enum origin config_origin(const struct config *c, const void *member)
{
	const struct option_row *row = options_row_of_member(c, member);
	return row ? c->from[index_of(row)].origin : ORIGIN_DEFAULT;
}

const char *config_where(const struct config *c, const void *member, char *out, size_t n)
{
	const struct option_row *row = options_row_of_member(c, member);
	if (!row) {
		snprintf(out, n, "the configuration");
		return out;
	}
	return where(c, row, c->from[index_of(row)].origin, c->from[index_of(row)].line, out, n);
}

static int out_of_memory(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "out of memory");
}

static int replace_text(char **member, const char *value, size_t n, struct err *err)
{
	char *copy = strndup(value, n);
	if (!copy)
		return out_of_memory(err);
	text_free(*member);
	*member = copy;
	return 0;
}

static int set_flag(bool *member, const char *value, struct err *err)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };
	for (size_t i = 0; i < 4; i++) {
		if (strcasecmp(value, yes[i]) == 0)
			return *member = true, 0;
		if (strcasecmp(value, no[i]) == 0)
			return *member = false, 0;
	}
	return err_set(err, ERR_USAGE, "'%s' is neither yes nor no", value);
}

static int set_word(const struct option_row *row, int *member, const char *value, struct err *err)
{
	size_t count = 0;
	for (; row->words[count]; count++)
		if (strcmp(row->words[count], value) == 0)
			return *member = (int)count, 0;
	const char *near = nearest_find(value, row->words, count);
	if (near)
		return err_set(err, ERR_USAGE, "unknown value '%s'; did you mean '%s'?", value, near);
	return err_set(err, ERR_USAGE, "unknown value '%s'; it takes %s", value, row->value);
}

static int set_number(const struct option_row *row, int *member, const char *value, struct err *err)
{
	char *end;
	errno = 0;
	bool sign = row->min < 0 && (*value == '-' || *value == '+');
	long long n = isdigit((unsigned char)value[sign]) ? strtoll(value, &end, 10) : row->min - 1;
	if (n < row->min || *end || errno || n > row->max)
		return err_set(err, ERR_USAGE, "'%s' is no whole number from %lld to %lld", value,
			       (long long)row->min, (long long)row->max);
	*member = (int)n;
	return 0;
}

static int set_duration(const struct option_row *row, int64_t *member, const char *value, struct err *err)
{
	int64_t ms;
	if (duration_parse(value, &ms, err))
		return -1;
	if (ms < row->min || ms > row->max)
		return err_set(err, ERR_USAGE, "'%s' is too long; at most %llds", value,
			       (long long)row->max / 1000);
	*member = ms;
	return 0;
}

static int set_size(const struct option_row *row, int64_t *member, const char *value, struct err *err)
{
	int64_t bytes;
	if (duration_size(value, &bytes, err))
		return -1;
	if (bytes < row->min || bytes > row->max)
		return err_set(err, ERR_USAGE, "'%s' is too small; at least %lld", value, (long long)row->min);
	*member = bytes;
	return 0;
}

/* all, a number of letters, or an age, which has a unit. */
static int set_keep(struct config *c, const char *value, struct err *err)
{
	int64_t count = -1, age = -1;
	if (strcmp(value, "all") == 0)
		;
	else if (*value && value[strspn(value, "0123456789")] == '\0' && strlen(value) <= 15)
		count = strtoll(value, NULL, 10);
	else if (duration_parse(value, &age, NULL))
		return err_set(err, ERR_USAGE, "'%s' is neither 'all' nor a number nor an age such as '7d'",
			       value);
	c->dead_keep_count = count;
	c->dead_keep_age = age;
	return replace_text(&c->dead_keep, value, strlen(value), err);
}

static int set_env(struct texts *t, const char *value, struct err *err)
{
	size_t n = strcspn(value, "=");
	bool name = n > 0 && !isdigit((unsigned char)value[0]);
	for (size_t i = 0; i < n; i++)
		name = name && (isalnum((unsigned char)value[i]) || value[i] == '_');
	if (!name)
		return err_set(err, ERR_USAGE, "'%.*s' is no name of a variable; give NAME or NAME=VALUE", (int)n,
			       value);
	if (strncmp(value, "TG_", 3) == 0 || strncmp(value, "TGRUN_", 6) == 0)
		return err_set(err, ERR_USAGE,
			       "'%.*s' cannot be passed on: names that begin with TG_ or TGRUN_ are tgrun's own",
			       (int)n, value);
	return options_text_add(t, value, strlen(value)) ? out_of_memory(err) : 0;
}

int options_commas_add(struct texts *t, const char *value, struct err *err)
{
	for (;;) {
		size_t n = strcspn(value, ",");
		while (n && isspace((unsigned char)*value))
			value++, n--;
		size_t length = n;
		while (length && isspace((unsigned char)value[length - 1]))
			length--;
		if (length == 0)
			return err_set(err, ERR_USAGE, "an item of the list is empty");
		if (options_text_add(t, value, length))
			return out_of_memory(err);
		if (!value[n])
			return 0;
		value += n + 1;
	}
}

static int set_url(char **member, const char *value, struct err *err)
{
	struct api_root root;
	if (api_root_read(&root, value, err))
		return -1;
	api_root_release(&root);
	return replace_text(member, value, strlen(value), err);
}

/* A number from 0 to 1 with at most three decimals. */
static int set_ratio(int *member, const char *value, struct err *err)
{
	const char *p = value + 1;
	int thousandths = *value == '1' ? 1000 : 0, weight = 100;
	bool fine = *value == '0' || *value == '1';
	if (fine && *p == '.')
		for (p++; isdigit((unsigned char)*p) && weight; p++, weight /= 10)
			thousandths += (*p - '0') * weight;
	if (!fine || *p || thousandths > 1000)
		return err_set(err, ERR_USAGE, "'%s' is no number from 0 to 1 with up to three decimals, such as 0.5", value);
	*member = thousandths;
	return 0;
}

int options_set_plain(const struct option_row *row, void *member, const char *value, struct err *err)
{
	switch (row->type) {
	case OPTION_FLAG: return set_flag(member, value, err);
	case OPTION_WORD: return set_word(row, member, value, err);
	case OPTION_NUMBER: return set_number(row, member, value, err);
	case OPTION_DURATION: return set_duration(row, member, value, err);
	case OPTION_SIZE: return set_size(row, member, value, err);
	case OPTION_RATIO: return set_ratio(member, value, err);
	default: return err_set(err, ERR_INTERNAL, "'%s' is no option of one number", row->name);
	}
}

static int set_member(struct config *c, const struct option_row *row, const char *value, struct err *err)
{
	void *member = member_of(c, row);
	switch (row->type) {
	case OPTION_FLAG:
	case OPTION_WORD:
	case OPTION_NUMBER:
	case OPTION_DURATION:
	case OPTION_SIZE:
	case OPTION_RATIO: return options_set_plain(row, member, value, err);
	case OPTION_ROUTE: return options_route_add(member, value, err);
	case OPTION_KEEP: return set_keep(c, value, err);
	case OPTION_ENV: return set_env(member, value, err);
	case OPTION_COMMAS: return options_commas_add(member, value, err);
	case OPTION_URL: return set_url(member, value, err);
	case OPTION_LIST:
	case OPTION_TEXT:
		break;
	}
	if (!*value)
		return err_set(err, ERR_USAGE, "the value is empty");
	if (row->type == OPTION_LIST)
		return options_text_add(member, value, strlen(value)) ? out_of_memory(err) : 0;
	return replace_text(member, value, strlen(value), err);
}

static bool is_list(const struct option_row *row)
{
	return row->type == OPTION_LIST || row->type == OPTION_COMMAS || row->type == OPTION_ENV || row->type == OPTION_ROUTE;
}

static void list_release(struct config *c, const struct option_row *row)
{
	if (row->type == OPTION_ROUTE)
		options_route_release(&c->route);
	else
		options_texts_release(member_of(c, row));
}

int options_set(struct config *c, const struct option_row *row, const char *value, enum origin origin, int line,
		struct err *err)
{
	struct err why;
	if (is_list(row) && c->from[index_of(row)].origin != origin)
		list_release(c, row);
	if (set_member(c, row, value, &why)) {
		char place[512];
		where(c, row, origin, line, place, sizeof place);
		if (origin == ORIGIN_FILE)
			return err_set(err, why.status, "%s: %s: %s", place, row->name, why.text);
		return err_set(err, why.status, "%s: %s", place, why.text);
	}
	c->from[index_of(row)].origin = (unsigned char)origin;
	c->from[index_of(row)].line = line;
	return 0;
}

int options_section(struct config *c, const char *match, size_t n, int line, struct err *err)
{
	size_t index = index_of(options_row_of_member(c, &c->route));
	if (c->from[index].origin != ORIGIN_FILE)
		options_route_release(&c->route);
	c->from[index].origin = ORIGIN_FILE;
	c->from[index].line = line;
	return options_route_open(&c->route, match, n, line, err);
}

static void forget(struct config *c, const struct option_row *row)
{
	char **text = member_of(c, row);
	if (is_list(row))
		list_release(c, row);
	if (row->type == OPTION_TEXT || row->type == OPTION_KEEP || row->type == OPTION_URL) {
		text_free(*text);
		*text = NULL;
	}
	c->from[index_of(row)].origin = ORIGIN_DEFAULT;
}

void options_unset(struct config *c, const struct option_row *row)
{
	forget(c, row);
	if (row->fallback)
		options_set(c, row, row->fallback, ORIGIN_DEFAULT, 0, NULL);
}

int options_defaults(struct config *c, struct err *err)
{
	*c = (struct config){ .command = COMMAND_RUN };
	for (size_t i = 0; i < options_table_count; i++)
		if (options_table[i].fallback &&
		    options_set(c, &options_table[i], options_table[i].fallback, ORIGIN_DEFAULT, 0, err))
			return -1;
	return 0;
}

void config_release(struct config *c)
{
	for (size_t i = 0; i < options_table_count; i++)
		forget(c, &options_table[i]);
	options_texts_release(&c->arguments);
	options_texts_release(&c->handler_argv);
	for (size_t i = 0; i < c->warning_count; i++)
		free(c->warnings[i]);
	*c = (struct config){ 0 };
}
