/* update/command: an update in; the command that its text begins with out. The server's mark of a
 * command is believed before the look of the bytes, because only the server knows where a command
 * ends. A mark that does not fit its text is none. */
#include <string.h>
#include <strings.h>

#include "update/scan.h"
#include "update/update.h"
#include "update/update_internal.h"

enum { COMMAND_MAX = 64, UNMARKED = -1 };

/* How many UTF-16 units of the text the server marked as a command at its beginning: 0 when it
 * marked other things only, UNMARKED when it marked nothing. */
static int64_t marked_length(const struct update *u)
{
	static const char command[] = "bot_command";
	const char *list = field_entities(u);
	bool any = false;
	if (!list || *list != '[')
		return UNMARKED;
	for (struct scan_walk w = scan_walk(list); scan_next(&w);) {
		int64_t offset, length;
		const char *type = scan_named(w.value, "type");
		if (!scan_is_string(type))
			continue;
		any = true;
		if (scan_reads(type, command, sizeof command - 1) &&
		    scan_integer(scan_named(w.value, "offset"), &offset) && offset == 0 &&
		    scan_integer(scan_named(w.value, "length"), &length) && length > 0)
			return length;
	}
	return any ? 0 : UNMARKED;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The letters, digits and underscores that `s` begins with, at most `max`; no locale is asked. */
static size_t word_length(const char *s, size_t max)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	return n < max ? n : max;
}

/* Reads `/word` or `/word@name` in the first `max` bytes. Returns its length, 0 if there is none
 * or it is another bot's; *word gets the length without the name. All of it is ASCII, so bytes
 * are UTF-16 units. */
static size_t read_command(const char *text, size_t max, const char *bot_username, size_t *word)
{
	size_t n = 1 + word_length(text + 1, max - 1);
	*word = n;
	if (n == 1 || n > 1 + COMMAND_MAX)
		return 0;
	if (n == max || text[n] != '@')
		return n;
	const char *name = text + n + 1;
	size_t length = word_length(name, max - n - 1);
	bool ours = bot_username && length == strlen(bot_username) &&
		    strncasecmp(name, bot_username, length) == 0;
	return ours ? n + 1 + length : 0;
}

const char *update_command(const struct update *u, const char *bot_username, size_t *length,
			   const char **args)
{
	static const char edited[] = "edited_";
	const char *text = field_text_is_message(u) ? update_text(u) : NULL;
	if (!text || text[0] != '/' || strncmp(update_kind(u), edited, sizeof edited - 1) == 0)
		return NULL;
	int64_t marked = marked_length(u);
	if (marked == 0)
		return NULL;
	size_t max = marked == UNMARKED ? SIZE_MAX : (size_t)marked;
	size_t n = read_command(text, max, bot_username, length);
	if (n == 0 || (marked == UNMARKED ? text[n] && !is_space(text[n]) : n != (size_t)marked))
		return NULL;
	for (*args = text + n; is_space(**args);)
		++*args;
	return text;
}
