/* update/match: a text and an update in, yes or no out. A text with a slash is a command, any other a kind. */
#include "update/match.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "update/kinds.h"

enum { COMMAND_MAX = 64 };

int match_check(const char *text, struct err *err)
{
	if (text[0] == '/') {
		size_t n = 1;
		while (isalnum((unsigned char)text[n]) || text[n] == '_')
			n++;
		if (n == 1 || n > COMMAND_MAX + 1 || text[n])
			return err_set(err, ERR_USAGE, "'%s' is no command: a slash, then letters, digits and '_'", text);
		return 0;
	}
	if (kinds_find(text, strlen(text)))
		return 0;
	const char *near = kinds_nearest(text);
	return err_set(err, ERR_USAGE, "'%s' is neither a kind of update nor a /command%s%s%s", text, near ? "; did you mean '" : "",
		       near ? near : "", near ? "'?" : "");
}

bool match_one(const char *text, const struct update *u, const char *bot_username)
{
	size_t length;
	if (text[0] != '/')
		return strcmp(text, update_kind(u)) == 0;
	const char *args;
	const char *command = update_command(u, bot_username, &length, &args);
	return command && strlen(text) == length && memcmp(text, command, length) == 0;
}

int match_first(char *const *texts, size_t count, const struct update *u, const char *bot_username)
{
	for (size_t i = 0; i < count; i++)
		if (match_one(texts[i], u, bot_username))
			return (int)i;
	return -1;
}
