/* cli/options/options_set: an option's row and the text of its value in, its member of struct
 * config out, with where it came from. Invariant: a member is either what its origin says or, after
 * options_unset(), its default; a list holds the values of one origin. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "cli/options/options_internal.h"

static void *member_of(struct config *c, const struct option_row *row)
{
	return (char *)c + row->offset;
}

static size_t index_of(const struct option_row *row)
{
	return (size_t)(row - options_table);
}

/* Where a value stands, for a sentence. */
static const char *where(const struct config *c, const struct option_row *row, enum origin origin,
			 int line, char *out, size_t n)
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

/* all, a number of letters, or an age, which has a unit. */
static int set_keep(struct config *c, const char *value, struct err *err)
{
	int64_t count = -1, age = -1;
	if (strcmp(value, "all") == 0)
		;
	else if (*value && value[strspn(value, "0123456789")] == '\0' && strlen(value) <= 15)
		count = strtoll(value, NULL, 10);
	else if (duration_parse(value, &age, NULL))
		return err_set(err, ERR_USAGE,
			       "'%s' is neither 'all' nor a number nor an age such as '7d'", value);
	c->engine.dead_keep = count;
	c->engine.dead_keep_age = age;
	return options_text_set(&c->dead_keep, value, err);
}

static int set_member(struct config *c, const struct option_row *row, const char *value,
		      struct err *err)
{
	if (row->type == OPTION_ROUTE)
		return options_route_add(member_of(c, row), value, err);
	if (row->type == OPTION_KEEP)
		return set_keep(c, value, err);
	struct option_row other = *row;
	if (row->twofold && !(c->command & COMMAND_HANDLING))
		other.max = INT32_MAX;
	return options_value_set(&other, member_of(c, row), value, err);
}

static bool is_list(const struct option_row *row)
{
	return row->type == OPTION_LIST || row->type == OPTION_COMMAS || row->type == OPTION_ENV ||
	       row->type == OPTION_ROUTE;
}

static void list_release(struct config *c, const struct option_row *row)
{
	if (row->type == OPTION_ROUTE)
		options_route_release(&c->route);
	else
		options_texts_release(member_of(c, row));
}

int options_set(struct config *c, const struct option_row *row, const char *value,
		enum origin origin, int line, struct err *err)
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
	if (row->type == OPTION_TEXT || row->type == OPTION_MAYBE || row->type == OPTION_DATA ||
	    row->type == OPTION_KEEP || row->type == OPTION_URL || row->type == OPTION_STORE)
		options_text_release(text);
	c->from[index_of(row)].origin = ORIGIN_DEFAULT;
}

void options_warn(struct config *c, const char *fmt, ...)
{
	char *text;
	va_list ap;
	va_start(ap, fmt);
	if (c->warning_count < CONFIG_WARNINGS_MAX && vasprintf(&text, fmt, ap) >= 0)
		c->warnings[c->warning_count++] = text;
	va_end(ap);
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
		    options_set(c, &options_table[i], options_table[i].fallback, ORIGIN_DEFAULT, 0,
				err))
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
