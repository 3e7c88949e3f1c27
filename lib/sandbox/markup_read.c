/* sandbox/markup_read: a text and its parse_mode in; plain text, its entities or the server's
 * sentence out. Each grammar has a file: markdown.c has both of Markdown, markup_html.c has HTML.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "sandbox/markup.h"

int markup_read(struct markup *m, const char *mode, const char *text)
{
	static const char why[] = "Can't parse entities: ";
	size_t n = strlen(text);
	*m = (struct markup){ .entities = cJSON_CreateArray() };
	buf_init(&m->text, MARKUP_TEXT_MAX + 1);
	if (n > MARKUP_TEXT_MAX)
		return markup_fail(m, "Text is too long");
	for (size_t i = 0, step; i < n; i += step)
		if (!(step = utf8_length(text + i, n - i)))
			return markup_fail(m, "Strings must be encoded in UTF-8");
	if (!n || !*mode || strcasecmp(mode, "none") == 0)
		markup_put(m, text, n);
	else if (strcasecmp(mode, "MarkdownV2") == 0)
		markdown_read(m, text);
	else if (strcasecmp(mode, "Markdown") == 0)
		markdown_read_old(m, text);
	else if (strcasecmp(mode, "HTML") == 0)
		markup_html_read(m, text);
	else
		return markup_fail(m, "Unsupported parse_mode");
	if (!m->error[0])
		return 0;
	char sentence[sizeof m->error];
	memcpy(sentence, m->error, sizeof sentence);
	snprintf(m->error, sizeof m->error, "%s%.*s", why, (int)(sizeof sentence - sizeof why),
		 sentence);
	return -1;
}
