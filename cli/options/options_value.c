/* cli/options/options_value: the text of a value in, the value out, written to the member that it
 * is for, whatever struct that is in. A value is checked here as far as it can be alone. Invariant:
 * after an error the member is as it was; a list may have got items. */
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
#include "queue/shared/fleet_url.h"
#include "update/allow.h"

void options_text_release(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void options_texts_release(struct texts *t)
{
	for (size_t i = 0; i < t->count; i++)
		options_text_release(&t->items[i]);
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

static int out_of_memory(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "out of memory");
}

int options_text_set(char **member, const char *value, struct err *err)
{
	char *copy = strdup(value);
	if (!copy)
		return out_of_memory(err);
	options_text_release(member);
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
		return err_set(err, ERR_USAGE, "unknown value '%s'; did you mean '%s'?", value,
			       near);
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

static int set_duration(const struct option_row *row, int64_t *member, const char *value,
			struct err *err)
{
	int64_t ms;
	if (duration_parse(value, &ms, err))
		return -1;
	if (ms < row->min)
		return err_set(err, ERR_USAGE, "'%s' is too short; at least %llds", value,
			       (long long)(row->min + 999) / 1000);
	if (ms > row->max)
		return err_set(err, ERR_USAGE, "'%s' is too long; at most %llds", value,
			       (long long)row->max / 1000);
	*member = ms;
	return 0;
}

static int set_size(const struct option_row *row, int64_t *member, const char *value,
		    struct err *err)
{
	int64_t bytes;
	if (duration_size(value, &bytes, err))
		return -1;
	if (bytes < row->min || bytes > row->max)
		return err_set(err, ERR_USAGE, "'%s' is too small; at least %lld", value,
			       (long long)row->min);
	*member = bytes;
	return 0;
}

static int add_text(struct texts *t, const char *value, struct err *err)
{
	return options_text_add(t, value, strlen(value)) ? out_of_memory(err) : 0;
}

static int is_empty(struct err *err)
{
	return err_set(err, ERR_USAGE, "the value is empty");
}

static int set_env(struct texts *t, const char *value, struct err *err)
{
	size_t n = strcspn(value, "=");
	bool name = n > 0 && !isdigit((unsigned char)value[0]);
	for (size_t i = 0; i < n; i++)
		name = name && (isalnum((unsigned char)value[i]) || value[i] == '_');
	if (!name)
		return err_set(err, ERR_USAGE,
			       "'%.*s' is no name of a variable; give NAME or NAME=VALUE", (int)n,
			       value);
	if (strncmp(value, "TG_", 3) == 0 || strncmp(value, "TGRUN_", 6) == 0)
		return err_set(
			err, ERR_USAGE,
			"'%.*s' cannot be passed on: names that begin with TG_ or TGRUN_ are tgrun's own",
			(int)n, value);
	return add_text(t, value, err);
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
	return options_text_set(member, value, err);
}

static int set_store(char **member, const char *value, struct err *err)
{
	static const char *const words[] = { "sqlite", "memory", "postgresql://" };
	bool known = strcmp(value, words[0]) == 0 || strcmp(value, words[1]) == 0;
	if (known || fleet_url_is(value))
		return options_text_set(member, value, err);
	const char *near = nearest_find(value, words, sizeof words / sizeof *words);
	/* It may be a URL that is not quite one, and have a password. */
	size_t n = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	return err_set(err, ERR_USAGE,
		       "unknown value '%.*s%s'; %s%s%sit takes sqlite, memory, or "
		       "postgresql://HOST/DATABASE",
		       (int)n, value, value[n] ? "…" : "", near ? "did you mean '" : "",
		       near ? near : "", near ? "'? " : "");
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
		return err_set(
			err, ERR_USAGE,
			"'%s' is no number from 0 to 1 with up to three decimals, such as 0.5",
			value);
	*member = thousandths;
	return 0;
}

static int bad_rate(const char *text, size_t n, struct err *err)
{
	return err_set(
		err, ERR_USAGE,
		"'%.*s' is no rate such as chat=1/s, group=20/m or bulk=30/s (or =0: no limit)",
		(int)n, text);
}

/* Of `chat=1/s,group=20/m,bulk=30/s` those that are named. */
static int set_rates(struct outbox_rates *rates, const char *value, struct err *err)
{
	static const char units[] = "smh";
	static const int64_t periods[] = { 1000, 60 * 1000, 60 * 60 * 1000 };
	struct outbox_rates fresh = *rates;
	const struct {
		const char *name;
		struct outbox_rate *rate;
	} names[] = { { "chat=", &fresh.chat },
		      { "group=", &fresh.group },
		      { "bulk=", &fresh.bulk } };
	for (const char *p = value, *end; p; p = *end ? end + 1 : NULL) {
		size_t i = 0, n;
		end = p + strcspn(p, ",");
		while (i < 3 && strncmp(p, names[i].name, strlen(names[i].name)) != 0)
			i++;
		if (i == 3)
			return bad_rate(p, (size_t)(end - p), err);
		const char *number = p + strlen(names[i].name);
		n = strspn(number, "0123456789");
		long count = n && n < 8 ? strtol(number, NULL, 10) : -1;
		const char *unit = number[n] == '/' && number[n + 1] ? strchr(units, number[n + 1])
								     : NULL;
		bool whole = unit ? number + n + 2 == end : count == 0 && number + n == end;
		if (count < 0 || !whole)
			return bad_rate(p, (size_t)(end - p), err);
		*names[i].rate = (struct outbox_rate){ count, unit ? periods[unit - units] : 1000 };
	}
	*rates = fresh;
	return 0;
}

int options_check_ids(const struct texts *ids, bool users, struct err *err)
{
	int (*check)(const char *, struct err *) = users ? allow_check_user : allow_check_chat;
	int rc = 0;
	for (size_t i = 0; i < ids->count && rc == 0; i++)
		rc = check(ids->items[i], err);
	return rc;
}

int options_value_set(const struct option_row *row, void *member, const char *value,
		      struct err *err)
{
	switch (row->type) {
	case OPTION_FLAG:
		return set_flag(member, value, err);
	case OPTION_WORD:
		return set_word(row, member, value, err);
	case OPTION_NUMBER:
		return set_number(row, member, value, err);
	case OPTION_DURATION:
		return set_duration(row, member, value, err);
	case OPTION_SIZE:
		return set_size(row, member, value, err);
	case OPTION_RATIO:
		return set_ratio(member, value, err);
	case OPTION_RATES:
		return set_rates(member, value, err);
	case OPTION_ENV:
		return set_env(member, value, err);
	case OPTION_COMMAS:
		return options_commas_add(member, value, err);
	case OPTION_URL:
		return set_url(member, value, err);
	case OPTION_STORE:
		return set_store(member, value, err);
	case OPTION_LIST:
		return *value ? add_text(member, value, err) : is_empty(err);
	case OPTION_MAYBE:
		return options_text_set(member, value, err);
	case OPTION_TEXT:
	case OPTION_DATA:
		return *value ? options_text_set(member, value, err) : is_empty(err);
	case OPTION_KEEP:
	case OPTION_ROUTE:
		break;
	}
	return err_set(err, ERR_INTERNAL, "'%s' has more than one member", row->name);
}
