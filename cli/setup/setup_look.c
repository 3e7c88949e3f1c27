/* cli/setup/setup_look: the handler's commands come in; what their scripts say that will not do
 * what was meant goes out as a warning. A script that names Telegram's server, and not the address
 * that handlers are given, speaks past tgrun.
 *
 * Invariant: only what stands in a file is told, and only the beginning of it is read. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/setup/setup.h"

enum { LOOK_MAX = 256 << 10 }; /* bytes of a file that are looked at */

static bool holds(const char *text, size_t n, const char *word)
{
	return memmem(text, n, word, strlen(word)) != NULL;
}

static bool names_telegram(const char *text, size_t n)
{
	return !memchr(text, '\0', n) && holds(text, n, "api.telegram.org") &&
	       !holds(text, n, "TG_API_ROOT") && !holds(text, n, "TG_API_URL");
}

/* Whether the file at `path`, seen from `dir` (NULL: from here), does. What cannot be read does
 * not. */
static bool file_names_telegram(const char *dir, const char *path)
{
	struct stat st;
	char *text = NULL;
	int at = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : AT_FDCWD;
	int fd = dir && at < 0 ? -1
			       : openat(at, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool found = false;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (text = malloc(LOOK_MAX))) {
		ssize_t n = read(fd, text, LOOK_MAX);
		found = n > 0 && names_telegram(text, (size_t)n);
	}
	free(text);
	if (fd >= 0)
		close(fd);
	if (at >= 0)
		close(at);
	return found;
}

/* A program and its arguments: a script may be any of them, or stand in one (sh -c). */
static void look(struct setup *s, const struct words *w, const char *instead)
{
	for (size_t i = 0; i < w->count; i++) {
		const char *which = w->paths && file_names_telegram(NULL, w->paths[i]) ? w->paths[i]
										       : NULL;
		for (char **word = w->stages[i] + 1; !which && *word; word++)
			if (names_telegram(*word, strlen(*word)) ||
			    file_names_telegram(s->dir, *word))
				which = *word;
		if (which)
			options_warn(&s->config,
				     "the %s '%.200s' names api.telegram.org: what it sends there "
				     "%s; it is to use $TG_API_ROOT, or 'tgrun call'",
				     w->what, which, instead);
	}
}

void setup_look_telegram(struct setup *s, const char *instead)
{
	for (size_t i = 0; i < s->config.route.count; i++)
		look(s, &s->route_words[i], instead);
	look(s, &s->words, instead);
}
