/* tests/unit/options_rig: what the tests of the options share: a config file, and a command line
 * out of a text. */
#ifndef TGRUN_TESTS_OPTIONS_RIG_H
#define TGRUN_TESTS_OPTIONS_RIG_H

#include <unistd.h>

#include "cli/options/options_internal.h"
#include "tests/tap.h"

static char file[] = "/tmp/options-XXXXXX";

static void write_file(const char *text, size_t n)
{
	FILE *f = fopen(file, "we");
	if (!f || fwrite(text, 1, n, f) != n || fclose(f))
		printf("Bail out! cannot write %s\n", file), exit(1);
}

/* Parses words cut at spaces (`_` stands for a space inside of a word), after `tgrun`; the
 * environment likewise. */
static int parse(struct config *c, const char *arguments, const char *environment, struct err *err)
{
	static char words[2][8192];
	char *argv[64] = { "tgrun" }, *envp[64] = { NULL }, *save;
	int argc = 1, n = 0;
	snprintf(words[0], sizeof words[0], "%s", arguments);
	snprintf(words[1], sizeof words[1], "%s", environment);
	for (char *w = strtok_r(words[0], " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	for (char *w = strtok_r(words[1], " ", &save); w; w = strtok_r(NULL, " ", &save))
		envp[n++] = w;
	for (int i = 1; i < argc; i++)
		for (char *p = argv[i]; (p = strchr(p, '_'));)
			*p = ' ';
	*err = (struct err){ 0 };
	return options_parse(c, argc, argv, envp, err);
}

static void make_file(void)
{
	int fd = mkstemp(file);
	if (fd < 0)
		printf("Bail out! no file\n"), exit(1);
	close(fd);
}

#endif
