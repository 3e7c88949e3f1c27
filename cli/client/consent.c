/* cli/client/consent: a request to delete all that there is in; out, whether a person meant that.
 * Invariant: without --all nothing is deleted that was not named by its number, unless somebody at
 * a terminal has read how much it is, and has said yes. */
#include "cli/client/consent.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "cli/print.h"

static bool is_asked(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

int consent_check(const struct config *c, size_t numbers, const struct consent *what,
		  struct err *err)
{
	if (c->all ? numbers == 0 : numbers > 0 || is_asked())
		return 0;
	return err_set(err, ERR_USAGE, "'tgrun %s' takes %s", what->verb, what->takes);
}

static int on_counts(void *arg, const char *text, size_t n)
{
	cJSON **counts = arg;
	cJSON_Delete(*counts);
	*counts = cJSON_ParseWithLength(text, n);
	return *counts ? 0 : -1;
}

static bool says_yes(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n = getline(&line, &size, stdin);
	if (n > 0 && line[n - 1] == '\n')
		line[n - 1] = '\0';
	bool yes = n > 0 && (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0);
	if (n <= 0)
		print_line(stderr, "%s", "");
	free(line);
	return yes;
}

int consent_ask(struct setup *s, struct statedir *dir, const struct consent *what, struct err *err)
{
	cJSON *counts = NULL;
	if (s->config.all)
		return 0;
	if (client_list(s, dir, "counts", on_counts, &counts, err)) {
		cJSON_Delete(counts);
		return -1;
	}
	double count = json_number(counts, what->member);
	cJSON_Delete(counts);
	if (count < 1)
		return 0;
	print_part(stderr, "%s all %.0f %s? [y/N] ", what->does, count, what->what);
	fflush(stderr);
	if (says_yes())
		return 0;
	print_line(stderr, "nothing was changed");
	return 1;
}
