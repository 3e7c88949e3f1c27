/* cli/options/options_command: the words of the sub-commands: a name in, its bit out; bits in,
 * names and words for messages out. Invariant: nothing is known here but the rows of
 * cli/commands.h. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/options/options_internal.h"

#define WORDS(bit_, number_, name_, run_, words_, usage_, help_) \
	[number_] = { COMMAND_##bit_, name_, words_ },

/* By the number of the bit. */
static const struct {
	enum command_bit bit;
	const char *name, *words;
} commands[COMMAND_COUNT] = { COMMANDS(WORDS) };

enum command_bit options_command(const char *name, const char **near)
{
	const char *names[COMMAND_COUNT];
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		names[i] = commands[i].name;
		if (strcmp(name, names[i]) == 0)
			return commands[i].bit;
	}
	*near = nearest_find(name, names, COMMAND_COUNT);
	return 0;
}

const char *options_command_name(enum command_bit command)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (commands[i].bit == command)
			return commands[i].name;
	return "";
}

const char *options_command_words(enum command_bit command)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (commands[i].bit == command)
			return commands[i].words;
	return NULL;
}

void options_command_list(unsigned bits, char *out, size_t n)
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < COMMAND_COUNT && used < n; i++) {
		if (!(bits & commands[i].bit))
			continue;
		bits &= ~(unsigned)commands[i].bit;
		const char *before = used == 0 ? "" : bits ? ", " : " and ";
		used += (size_t)snprintf(out + used, n - used, "%s'%s'", before, commands[i].name);
	}
}
