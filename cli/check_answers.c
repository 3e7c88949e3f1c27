/* cli/check_answers: how answers leave, for tgrun check: options and commands in, a sentence out.
 * With --serve-api handlers have a token that no server takes, so one that names Telegram's own
 * address would fail with each call. Invariant: only the first bytes of files that commands name
 * are read, nothing is started. */
#include "cli/check_answers.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reply/reply.h"

enum { SCRIPT_MAX = 256 * 1024 /* bytes of a script that are looked at */ };

static const char host[] = "api.telegram.org";

void check_answers_way(const struct setup *s, char *out, size_t n)
{
	const struct engine_policy *policy = &s->config.engine;
	size_t last = s->config.route.count, replies = 0;
	for (size_t i = 0; i <= last; i++)
		replies += s->routes[i].policy.reply != REPLY_NONE;
	const char *calls =
		policy->serve_api ? "calls by TG_API_URL go through this tgrun, in the order of "
				    "their chat (--serve-api)"
		: policy->hide_token
			? "'tgrun call' and 'tgrun send' go through this tgrun (--hide-token)"
			: "'tgrun call' and 'tgrun send' go through this tgrun, calls by "
			  "TG_API_URL straight to the server";
	if (replies == 0)
		snprintf(out, n, "what handlers print is logged, not sent (--reply none); %s",
			 calls);
	else if (replies > last && s->routes[last].policy.reply != REPLY_NONE)
		snprintf(out, n, "what handlers print is sent (--reply %s); %s",
			 reply_mode_name(s->routes[last].policy.reply), calls);
	else
		snprintf(out, n,
			 "what handlers print is sent in %zu of %zu routes, the handler's own "
			 "counted; %s",
			 replies, last + 1, calls);
}

/* The text of a file, at most SCRIPT_MAX bytes of it, owned by the caller. NULL: it is none. */
static char *read_script(const struct setup *s, const char *word)
{
	struct stat st;
	int dir = s->dir ? open(s->dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : AT_FDCWD;
	int fd = openat(dir, word, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = NULL;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		text = malloc(SCRIPT_MAX + 1);
	ssize_t n = text ? read(fd, text, SCRIPT_MAX) : -1;
	if (n >= 0)
		text[n] = '\0';
	if (n < 0 || strlen(text) != (size_t)n) { /* a program */
		free(text);
		text = NULL;
	}
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	return text;
}

/* Whether a text names Telegram's server only; *line: in which line. */
static bool strays(const char *text, size_t *line)
{
	const char *at = strstr(text, host);
	*line = 1;
	if (!at || strstr(text, "TG_API_ROOT") || strstr(text, "TG_API_URL"))
		return false;
	for (const char *p = text; p < at; p++)
		*line += *p == '\n';
	return true;
}

int check_answers_stray(const struct setup *s, const struct words *w, struct err *err)
{
	static const char why[] = "with --serve-api the token of handlers is worth nothing there; "
				  "use $TG_API_URL, or a library's setting for the API's root, "
				  "TG_API_ROOT";
	size_t line;
	for (size_t i = 0; s->config.engine.serve_api && i < w->count; i++)
		for (char **word = w->stages[i]; *word; word++) {
			if (strays(*word, &line))
				return err_set(err, ERR_CONFIG, "the %s names %s: %s", w->what,
					       host, why);
			const char *path = word == w->stages[i] ? w->paths[i] : *word;
			char *text = read_script(s, path);
			bool stray = text && strays(text, &line);
			free(text);
			if (stray)
				return err_set(err, ERR_CONFIG,
					       "the %s '%s' names %s in line %zu: %s", w->what,
					       path, host, line, why);
		}
	return 0;
}
