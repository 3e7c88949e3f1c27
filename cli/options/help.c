/* cli/options/help: the rows of sub-commands and of options in, --help out, for one sub-command or
 * for all; and the version. Invariant: every row that the sub-command takes is shown, once, in the
 * order of the table within its group. */
#include <string.h>

#include "cli/options/options_internal.h"

enum { LEFT = 28, WIDTH = 100, USAGE_WIDTH = 42 }; /* columns */

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

#define USAGE(bit_, number_, name_, run_, words_, usage_, help_) { COMMAND_##bit_, usage_, help_ },

static const struct {
	enum command_bit bit;
	const char *usage, *help;
} usages[] = { COMMANDS(USAGE) };

static void usage(unsigned commands, FILE *out)
{
	const char *before = "";
	fputs("Runs a command for each update that a Telegram bot receives.\n\nUsage:\n", out);
	for (size_t i = 0; i < sizeof usages / sizeof *usages; i++) {
		if (!(commands & usages[i].bit) || strcmp(usages[i].usage, before) == 0)
			continue;
		before = usages[i].usage;
		fprintf(out, "  tgrun %-*s%s\n", USAGE_WIDTH, before, usages[i].help);
	}
	if (commands & COMMAND_HANDLING)
		fputs("\nThe handler may also stand after '--': tgrun --token TOKEN -- python3 bot.py\n",
		      out);
}

/* Writes `text` from column `LEFT` on, broken at spaces. */
static void wrapped(const char *text, FILE *out)
{
	while (strlen(text) > WIDTH - LEFT) {
		size_t n = WIDTH - LEFT;
		while (n > 1 && text[n] != ' ')
			n--;
		fprintf(out, "%.*s\n%*s", (int)n, text, LEFT, "");
		text += n + 1;
	}
	fprintf(out, "%s\n", text);
}

static void option(const struct option_row *row, FILE *out)
{
	char left[64], help[256];
	snprintf(left, sizeof left, "--%s%s%s", row->name, row->value ? " " : "",
		 row->value ? row->value : "");
	if (strlen(left) < LEFT - 2)
		fprintf(out, "  %-*s", LEFT - 2, left);
	else
		fprintf(out, "  %s\n%*s", left, LEFT, "");
	if (row->fallback)
		snprintf(help, sizeof help, "%s (default: %s)", row->help, row->fallback);
	else
		snprintf(help, sizeof help, "%s", row->help);
	wrapped(help, out);
}

int options_help(const struct config *c, FILE *out)
{
	unsigned commands = c->command_given ? c->command : COMMAND_ALL;
	usage(commands, out);
	for (int group = 0; group < GROUP_COUNT; group++) {
		bool titled = false;
		for (size_t i = 0; i < options_table_count; i++) {
			if ((int)options_table[i].group != group ||
			    !(options_table[i].commands & commands))
				continue;
			if (!titled)
				fprintf(out, "\n%s:\n", titles[group]);
			titled = true;
			option(&options_table[i], out);
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
