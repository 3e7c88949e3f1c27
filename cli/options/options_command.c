/* cli/options/options_command: the words of the sub-commands: a name in, its bit out; bits in,
 * names and words for messages out. Invariant: nothing is known here but the rows of
 * cli/commands.h. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/options/options_internal.h"

#define NAME(bit_, number_, name_, run_, usage_, help_) [number_] = { COMMAND_##bit_, name_ },
#define WORD(bit_, verb_, arguments_, help_)            { COMMAND_##bit_, verb_, arguments_ },

/* By the number of the bit. */
static const struct {
	enum command_bit bit;
	const char *name;
} commands[COMMAND_COUNT] = { COMMANDS(NAME) };

static const struct {
	enum command_bit bit;
	const char *verb, *arguments;
} words[] = { COMMAND_WORDS(WORD) };

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

bool options_command_takes(enum command_bit command)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (words[i].bit == command && (*words[i].verb || *words[i].arguments))
			return true;
	return false;
}

void options_command_words(enum command_bit command, char *out, size_t n)
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < sizeof words / sizeof *words && used < n; i++)
		if (words[i].bit == command)
			used += (size_t)snprintf(out + used, n - used, "%s%s%s%s", used ? ", " : "",
						 words[i].verb,
						 *words[i].verb && *words[i].arguments ? " " : "",
						 words[i].arguments);
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
