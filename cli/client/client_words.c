/* cli/client/client_words: what people write behind a sub-command in, what it means out; times, and
 * parts of an answer, in, the words for them out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/client/client.h"
#include "cli/print.h"

void client_wait(long milliseconds)
{
	struct timespec ts = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	nanosleep(&ts, NULL);
}

int client_verb(const struct config *c, const char *const *verbs, size_t count, struct err *err)
{
	const char *command = options_command_name(c->command);
	char words[256];
	options_command_words(c->command, words, sizeof words);
	if (!c->arguments.count)
		return err_set(err, ERR_USAGE, "'tgrun %s' wants one of: %s", command, words);
	for (size_t i = 0; i < count; i++)
		if (strcmp(c->arguments.items[0], verbs[i]) == 0)
			return (int)i;
	return err_set(err, ERR_USAGE, "'tgrun %s %s' is not known; there are: %s", command,
		       c->arguments.items[0], words);
}

bool client_read_id(const char *text, int64_t *id)
{
	size_t digits = text[0] == '@' ? strspn(text + 1, "0123456789") : 0;
	if (digits == 0 || text[1 + digits] || digits > 15)
		return false;
	*id = strtoll(text + 1, NULL, 10);
	return true;
}

int client_numbers(const struct texts *arguments, size_t first, const char *what, int64_t **numbers,
		   size_t *count, struct err *err)
{
	*count = 0;
	*numbers = calloc(arguments->count + 1, sizeof **numbers);
	if (!*numbers)
		return err_set(err, ERR_INTERNAL, "out of memory");
	for (size_t i = first; i < arguments->count; i++) {
		const char *text = arguments->items[i];
		size_t digits = strspn(text, "0123456789");
		if (digits == 0 || text[digits] || digits > 15)
			return err_set(err, ERR_USAGE, "'%s' is no number of %s", text, what);
		(*numbers)[(*count)++] = strtoll(text, NULL, 10);
	}
	return 0;
}

const char *client_seconds(double seconds, char out[CLIENT_SECONDS_MAX])
{
	long s = (long)seconds;
	if (s >= 86400)
		snprintf(out, CLIENT_SECONDS_MAX, "%ldd %02ldh", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		snprintf(out, CLIENT_SECONDS_MAX, "%ldh %02ldm", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		snprintf(out, CLIENT_SECONDS_MAX, "%ldm %02lds", s / 60, s % 60);
	else
		snprintf(out, CLIENT_SECONDS_MAX, "%.1fs", seconds);
	return out;
}

const char *client_age(double seconds, char out[CLIENT_SECONDS_MAX])
{
	long s = (long)(seconds < 0 ? -seconds : seconds);
	long n = s < 60 ? s : s < 3600 ? s / 60 : s < 2 * 86400 ? s / 3600 : s / 86400;
	char unit = s < 60 ? 's' : s < 3600 ? 'm' : s < 2 * 86400 ? 'h' : 'd';
	snprintf(out, CLIENT_SECONDS_MAX, seconds < 0 ? "in %ld%c" : "%ld%c ago", n, unit);
	return out;
}

void client_print_last(const char *line, const char *member)
{
	char name[32];
	size_t n = (size_t)snprintf(name, sizeof name, ",\"%s\":", member);
	const char *at = strstr(line, name);
	/* Without the brace that ends the line. */
	char *value = at ? strndup(at + n, strlen(at) - n - 1) : NULL;
	print_line(stdout, "%s", value ? value : "");
	free(value);
}
