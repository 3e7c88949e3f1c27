/* cli/options/config_line: a line of the config file as people have it comes in (an option as on
 * the command line, a variable as in a shell's file, quotes, a comment behind the value); `name =
 * value` as inih reads it goes out, and of the value what is meant. Invariant: only what has one
 * meaning is changed; what could be meant otherwise stays, for who reads the value to refuse. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "cli/options/options_internal.h"

static size_t blanks(const char *s)
{
	return strspn(s, " \t");
}

/* `--name=value`, `--name value` and `--flag`, `--no-flag` too. */
static void from_argument(char *line, size_t size)
{
	size_t dashes = strspn(line, "-"), n = strcspn(line + dashes, "=: \t"),
	       length = strlen(line);
	char *name = line + dashes, *sign = name + n + blanks(name + n);
	const struct option_row *row = options_row(name, n);
	if (n == 0)
		return; /* dashes alone */
	if (!row && n > 3 && strncmp(name, "no-", 3) == 0 && !*sign) {
		row = options_row(name + 3, n - 3);
		if (row && row->type == OPTION_FLAG && n + 3 < size) {
			memmove(line, name + 3, n - 3);
			strcpy(line + n - 3, " = no");
			return;
		}
		row = NULL;
	}
	memmove(line, name, length - dashes + 1);
	if (row && row->type == OPTION_FLAG && !line[n] && n + 7 < size)
		strcpy(line + n, " = yes");
	else if (row && isblank((unsigned char)line[n]) && *(line + n + blanks(line + n)) != '=' &&
		 *(line + n + blanks(line + n)) != ':')
		line[n] = '=';
}

/* `TGRUN_POLL_TIMEOUT=30`, as in the environment. */
static void from_variable(char *line)
{
	size_t n = strcspn(line, "=: \t");
	const struct option_row *row = options_row_of_variable(line, n);
	if (!row)
		return;
	size_t shorter = strlen(row->name);
	memmove(line + shorter, line + n, strlen(line + n) + 1);
	memcpy(line, row->name, shorter);
}

void config_line_tidy(char *line, size_t size)
{
	if (strncmp(line, "export", 6) == 0 && isblank((unsigned char)line[6])) {
		char *name = line + 6 + blanks(line + 6);
		memmove(line, name, strlen(name) + 1);
	}
	if (strncmp(line, "--", 2) == 0)
		from_argument(line, size);
	else if (strncmp(line, "TGRUN_", 6) == 0)
		from_variable(line);
}

/* A value that is cut into words later has quotes and comments of its own. */
static bool is_command(const struct option_row *row)
{
	return row->value && strstr(row->value, "COMMAND");
}

int config_line_value(const struct option_row *row, char *value, struct err *err)
{
	bool path = row->type == OPTION_TEXT && !row->secret;
	if (is_command(row))
		return 0;
	char quote = *value == '"' || *value == '\'' ? *value : '\0';
	char *end = quote ? strchr(value + 1, quote) : NULL;
	char *rest = end ? end + 1 + blanks(end + 1) : NULL;
	if (end && (!*rest || (*rest == '#' && rest > end + 1))) {
		memmove(value, value + 1, (size_t)(end - value) - 1);
		end[-1] = '\0';
		return 0;
	}
	char *hash = value;
	while ((hash = strchr(hash, '#')) && hash > value && !isblank((unsigned char)hash[-1]))
		hash++;
	if (!hash)
		return 0;
	if (path)
		return err_set(
			err, ERR_USAGE,
			"%s: a comment stands on a line of its own; what has a '#' in it stands in quotes",
			row->name);
	if (row->type == OPTION_LIST || row->type == OPTION_ENV || row->type == OPTION_TEXT)
		return 0;
	while (hash > value && isblank((unsigned char)hash[-1]))
		hash--;
	*hash = '\0';
	return 0;
}
