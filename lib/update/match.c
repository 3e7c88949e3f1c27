/* update/match: a text and an update in, yes or no out. A text with a slash is a command, any other
 * a kind. */
#include "update/match.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "update/kinds.h"

enum { COMMAND_MAX = 64 };

/* Whether these are letters, digits and '_', and not too many. */
static bool is_word(const char *s)
{
	size_t n = 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n > 0 && n <= COMMAND_MAX && !s[n];
}

/* Commands that Telegram or every bot knows: who writes one without its slash means no kind. */
static bool is_bare_command(const char *text)
{
	static const char *const commands[] = { "start", "stop", "help", "settings", "cancel" };
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i], text) == 0)
			return true;
	return false;
}

bool match_is_pushed(const char *text)
{
	return text[0] != '/' && !kinds_find(text, strlen(text));
}

int match_check(const char *text, struct err *err)
{
	if (text[0] == '/') {
		if (!is_word(text + 1))
			return err_set(err, ERR_USAGE,
				       "'%s' is no command: a slash, then letters, digits and '_'",
				       text);
		return 0;
	}
	if (kinds_find(text, strlen(text)))
		return 0;
	/* `callback` means callback_query; but `stop` is a command without its slash. */
	const char *near = kinds_nearest(text);
	size_t n = strlen(text);
	bool begins = near && strncmp(near, text, n) == 0;
	bool cut_short = begins && near[n] != '_' && !strchr(text, '_');
	if (near && !cut_short)
		return err_set(err, ERR_USAGE,
			       "'%s' is neither a kind of update nor a /command; "
			       "did you mean '%s'?",
			       text, near);
	if (is_word(text) && !text[strcspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] &&
	    !is_bare_command(text))
		return 0;
	if (is_word(text))
		return err_set(err, ERR_USAGE,
			       "'%s' is no kind of update, and a command begins "
			       "with a slash; did you mean '/%s'?",
			       text, text);
	return err_set(err, ERR_USAGE, "'%s' is neither a kind of update nor a /command", text);
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
