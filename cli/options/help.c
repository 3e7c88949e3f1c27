/* cli/options/help: the rows of sub-commands and of options in, --help out, for one sub-command or
 * for all; and the version. Invariant: every row that the sub-command takes is shown, once, in the
 * order of the table within its group. */
#include <string.h>

#include "cli/options/options_internal.h"

enum { LEFT = 28, WORDS_LEFT = 30, WIDTH = 100, USAGE_WIDTH = 42 }; /* columns */

/* What was left out of this build, by the words of the Makefile's WITHOUT. */
#define WITHOUT "built without " TGRUN_WITHOUT "\n"

static const char *const titles[GROUP_COUNT] = {
	[GROUP_BOT] = "The bot",
	[GROUP_HANDLER] = "The handler",
	[GROUP_ORDER] = "Order and concurrency",
	[GROUP_ANSWER] = "Answering",
	[GROUP_SEND] = "The message",
	[GROUP_CALL] = "Calling a method",
	[GROUP_PUSH] = "What is pushed",
	[GROUP_FAILURE] = "Failures",
	[GROUP_RECEIVE] = "Receiving",
	[GROUP_STATE] = "State",
	[GROUP_LIFE] = "Start and end",
	[GROUP_LOG] = "Log",
	[GROUP_OTHER] = "Others",
};

#define USAGE(bit_, number_, name_, run_, usage_, help_) { COMMAND_##bit_, usage_, help_ },
#define WORD(bit_, verb_, args_, help_)                  { COMMAND_##bit_, verb_, args_, help_ },

static const struct {
	enum command_bit bit;
	const char *usage, *help;
} usages[] = { COMMANDS(USAGE) };

static const struct {
	enum command_bit bit;
	const char *verb, *arguments, *help;
} words[] = { COMMAND_WORDS(WORD) };

/* Writes `text` from column `left` on, where the line is now, broken at spaces. */
static void wrapped(const char *text, size_t left, FILE *out)
{
	while (strlen(text) > WIDTH - left) {
		size_t n = WIDTH - left;
		while (n > 1 && text[n] != ' ')
			n--;
		fprintf(out, "%.*s\n%*s", (int)n, text, (int)left, "");
		text += n + 1;
	}
	fprintf(out, "%s\n", text);
}

/* `first` at the left, and `text` beside it, or below if there is no room. */
static void row(const char *first, const char *text, size_t left, FILE *out)
{
	if (strlen(first) < left - 2)
		fprintf(out, "  %-*s", (int)left - 2, first);
	else
		fprintf(out, "  %s\n%*s", first, (int)left, "");
	wrapped(text, left, out);
}

static void usage_of_all(FILE *out)
{
	const char *before = "";
	fputs("Runs a command for each update that a Telegram bot receives.\n\nUsage:\n", out);
	for (size_t i = 0; i < sizeof usages / sizeof *usages; i++) {
		if (strcmp(usages[i].usage, before) == 0)
			continue;
		before = usages[i].usage;
		fprintf(out, "  tgrun %-*s%s\n", USAGE_WIDTH, before, usages[i].help);
	}
}

/* Of `tgrun pause`, which has a line with its neighbour among all, just the name. */
static const char *usage_alone(size_t at)
{
	for (size_t i = 0; i < sizeof usages / sizeof *usages; i++)
		if (i != at && strcmp(usages[i].usage, usages[at].usage) == 0)
			return options_command_name(usages[at].bit);
	return usages[at].usage;
}

static void usage_of_one(enum command_bit command, FILE *out)
{
	const char *name = options_command_name(command), *alone = name;
	char line[96];
	for (size_t i = 0; i < sizeof usages / sizeof *usages; i++)
		if (usages[i].bit == command) {
			fprintf(out, "tgrun %s: %s\n\nUsage:\n", name, usages[i].help);
			alone = usage_alone(i);
		}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (words[i].bit != command)
			continue;
		if (*words[i].verb)
			snprintf(line, sizeof line, "tgrun %s %s %s", name, words[i].verb,
				 words[i].arguments);
		else
			snprintf(line, sizeof line, "tgrun %s", alone);
		row(line, words[i].help, WORDS_LEFT, out);
	}
}

static void option(const struct option_row *option, unsigned commands, FILE *out)
{
	char left[64], help[256];
	snprintf(left, sizeof left, "--%s%s%s", option->name, option->value ? " " : "",
		 option->value ? option->value : "");
	if (option->fallback && (!option->twofold || commands & COMMAND_HANDLING))
		snprintf(help, sizeof help, "%s (default: %s)", option->help, option->fallback);
	else
		snprintf(help, sizeof help, "%s", option->help);
	row(left, help, LEFT, out);
}

/* The sub-command whose help is wanted; 0: of all. */
static enum command_bit wanted(const struct config *c)
{
	const char *near;
	bool asks = c->command == COMMAND_HELP && !c->help;
	if (asks)
		return c->arguments.count ? options_command(c->arguments.items[0], &near) : 0;
	return c->command_given ? c->command : 0;
}

int options_help(const struct config *c, FILE *out)
{
	enum command_bit one = wanted(c);
	unsigned commands = one ? one : COMMAND_ALL;
	if (one)
		usage_of_one(one, out);
	else
		usage_of_all(out);
	if (commands & COMMAND_HANDLING)
		fputs("\nThe handler may also stand after '--': tgrun --token TOKEN -- python3 bot.py\n",
		      out);
	for (int group = 0; group < GROUP_COUNT; group++) {
		bool titled = false;
		for (size_t i = 0; i < options_table_count; i++) {
			if ((int)options_table[i].group != group ||
			    !(options_table[i].commands & commands))
				continue;
			if (!titled)
				fprintf(out, "\n%s:\n", titles[group]);
			titled = true;
			option(&options_table[i], commands, out);
		}
	}
	fputs("\nA flag is turned off by --no-NAME. Durations: 250ms, 30s, 5m, 2h, 7d; a bare number is seconds.\n"
	      "Sizes: 64K, 1M, 2G. An option may also be given in the environment (TGRUN_POLL_TIMEOUT=30s) or in the\n"
	      "file named by --config (poll-timeout = 30s). See tgrun(1), tgrun.conf(5) and tgrun-handler(7).\n",
	      out);
	if (*TGRUN_WITHOUT)
		fputs("\n" WITHOUT, out);
	return fflush(out) || ferror(out) ? -1 : 0;
}

int options_version(FILE *out)
{
	fputs("tgrun " TGRUN_VERSION "\n", out);
	if (*TGRUN_WITHOUT)
		fputs(WITHOUT, out);
	return fflush(out) || ferror(out) ? -1 : 0;
}
