/* cli/setup/setup_look: the handler's commands come in; what their scripts say that will not do
 * what was meant goes out as a warning. A script that names Telegram's server, and not the address
 * that handlers are given, speaks past tgrun.
 *
 * Invariant: only what stands in a file is told, and only the beginning of it is read. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/setup/setup.h"

enum { LOOK_MAX = 256 << 10 }; /* bytes of a file that are looked at */

static const char host[] = "api.telegram.org";

/* In which line a text of `n` bytes names Telegram's server only; 0: in none, or it is no text. */
static size_t strays(const char *text, size_t n)
{
	const char *at = memmem(text, n, host, strlen(host));
	size_t line = 1;
	if (!at || memchr(text, '\0', n) || memmem(text, n, "TG_API_ROOT", 11) ||
	    memmem(text, n, "TG_API_URL", 10))
		return 0;
	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

/* The same of the file at `path`, seen from `dir` (NULL: from here). What cannot be read names
 * nothing. */
static size_t file_strays(const char *dir, const char *path)
{
	struct stat st;
	char *text = NULL;
	int at = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : AT_FDCWD;
	int fd = dir && at < 0 ? -1
			       : openat(at, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t line = 0;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (text = malloc(LOOK_MAX))) {
		ssize_t n = read(fd, text, LOOK_MAX);
		line = n > 0 ? strays(text, (size_t)n) : 0;
	}
	free(text);
	if (fd >= 0)
		close(fd);
	if (at >= 0)
		close(at);
	return line;
}

/* A program and its arguments: a script may be any of them, or stand in one (sh -c). */
static void look(struct setup *s, const struct words *w, const char *instead)
{
	for (size_t i = 0; i < w->count; i++)
		for (char **word = w->stages[i]; *word; word++) {
			const char *path = word == w->stages[i] && w->paths ? w->paths[i] : *word;
			size_t line = file_strays(path == *word ? s->dir : NULL, path);
			char where[256] = "";
			if (line)
				snprintf(where, sizeof where, " '%.200s'", path);
			else if (!strays(*word, strlen(*word)))
				continue;
			char which[32] = "";
			if (line)
				snprintf(which, sizeof which, " in line %zu", line);
			options_warn(&s->config,
				     "the %s%s names %s%s: what it sends there %s; it is to use "
				     "$TG_API_ROOT, $TG_API_URL or 'tgrun call'",
				     w->what, where, host, which, instead);
			break;
		}
}

void setup_look_telegram(struct setup *s, const char *instead)
{
	for (size_t i = 0; i < s->config.route.count; i++)
		look(s, &s->route_words[i], instead);
	look(s, &s->words, instead);
}
