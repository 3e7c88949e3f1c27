/* share/completions/words: the tables of sub-commands, options, kinds and methods in, one line a
 * row out, for the completions of the shells beside it. Built and run by `make`; no part of tgrun.
 *
 *   command|NAME|HELP
 *   verb|COMMAND|VERB|N           N: numbers follow; else empty
 *   option|COMMANDS|NAME|TAKES|HELP
 *       COMMANDS: names with a comma behind each. TAKES: `flag`; `word:A,B`; `file`, `directory`,
 *       `command`; `kinds`: a list of them with commas; `kind=`: one of them, and a value; `text`:
 *       nothing to offer
 *   kind|NAME
 *   method|NAME
 *
 * Invariant: no field but the last holds a `|`, and none an apostrophe, so a line may stand between
 * two in any of the shells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/methods.h"
#include "cli/commands.h"
#include "cli/options/options_internal.h"
#include "update/kinds.h"

#define NAME(bit_, number_, name_, run_, usage_, help_) { COMMAND_##bit_, name_, help_ },
#define WORD(bit_, verb_, arguments_, help_)            { COMMAND_##bit_, verb_, arguments_ },

static const struct {
	enum command_bit bit;
	const char *name, *help;
} rows[] = { COMMANDS(NAME) };

static const struct {
	enum command_bit bit;
	const char *verb, *arguments;
} words[] = { COMMAND_WORDS(WORD) };

enum { ROWS = sizeof rows / sizeof *rows };

/* The last field of a line: its apostrophes become typographic ones. */
static void last(const char *text)
{
	for (; *text; text++)
		if (*text == '\'')
			fputs("\xe2\x80\x99", stdout);
		else
			putchar(*text);
	putchar('\n');
}

/* The verbs of a sub-command; those of `help` are all sub-commands. */
static void verbs(enum command_bit command, const char *name)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		const char *arguments = words[i].arguments + (*words[i].arguments == '[');
		bool numbers = *arguments == 'N';
		if (words[i].bit == command && (*words[i].verb || numbers))
			printf("verb|%s|%s|%s\n", name, words[i].verb, numbers ? "N" : "");
	}
	for (size_t i = 0; command == COMMAND_HELP && i < ROWS; i++)
		printf("verb|%s|%s|\n", name, rows[i].name);
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void takes(const struct option_row *row)
{
	const char *value = row->value;
	if (row->type == OPTION_WORD) {
		fputs("word:", stdout);
		for (size_t i = 0; row->words[i]; i++)
			printf("%s%s", i ? "," : "", row->words[i]);
	} else if (!value || row->type == OPTION_MAYBE) {
		fputs("flag", stdout);
	} else if (begins(value, "MATCH=") || begins(value, "KIND=")) {
		fputs("kind=", stdout);
	} else if (begins(value, "MATCH,") || begins(value, "KIND,")) {
		fputs("kinds", stdout);
	} else if (strcmp(value, "DIR") == 0) {
		fputs("directory", stdout);
	} else if (begins(value, "FILE") || strcmp(value, "PATH") == 0) {
		fputs("file", stdout);
	} else if (strcmp(value, "COMMAND") == 0) {
		fputs("command", stdout);
	} else {
		fputs("text", stdout);
	}
}

static void options(void)
{
	for (size_t i = 0; i < options_table_count; i++) {
		const struct option_row *row = &options_table[i];
		fputs("option|", stdout);
		for (size_t k = 0; k < ROWS; k++)
			if (row->commands & rows[k].bit)
				printf("%s,", rows[k].name);
		printf("|%s|", row->name);
		takes(row);
		putchar('|');
		last(row->help);
	}
}

int main(void)
{
	size_t kinds, methods;
	const struct kind *kind = kinds_all(&kinds);
	const struct method *method = methods_all(&methods);
	for (size_t i = 0; i < ROWS; i++) {
		printf("command|%s|", rows[i].name);
		last(rows[i].help);
	}
	for (size_t i = 0; i < ROWS; i++)
		verbs(rows[i].bit, rows[i].name);
	options();
	for (size_t i = 0; i < kinds; i++)
		printf("kind|%s\n", kind[i].name);
	for (size_t i = 0; i < methods; i++)
		printf("method|%s\n", method[i].name);
	return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
