/* cli/try/chat_text: text of strangers in, text that is safe for a terminal out. Every byte that is
 * shown passes chat_put(): control characters, marks that change the direction of writing and bytes
 * that are no UTF-8 are shown escaped; line feeds become lines that
 * begin with CHAT_INDENT. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/try/chat.h"

#define TAB "    "

static const char *const colours[] = {
	[CHAT_PLAIN] = "",         [CHAT_DIM] = "\033[2m",    [CHAT_RED] = "\033[31m",
	[CHAT_BOT] = "\033[1;32m", [CHAT_YOU] = "\033[1;34m", [CHAT_BUTTON] = "\033[36m",
};

static void put_escaped(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0, step; i < n; i += step) {
		char shown[UTF8_SHOWN_MAX];
		size_t length = utf8_show(shown, s + i, n - i, UTF8_PLAIN, &step);
		if (s[i] == '\n')
			buf_add(out, (const char[]){ '\n', CHAT_INDENT }, 2);
		else if (s[i] == '\t')
			buf_adds(out, TAB);
		else
			buf_add(out, shown, length);
	}
}

static void put(const struct chat *c, struct buf *out, enum chat_style style, const char *fmt,
		va_list ap) __attribute__((format(printf, 4, 0)));

static void put(const struct chat *c, struct buf *out, enum chat_style style, const char *fmt,
		va_list ap)
{
	char *text;
	int n = vasprintf(&text, fmt, ap);
	if (n < 0)
		return;
	bool coloured = c->colour && style != CHAT_PLAIN;
	if (coloured)
		buf_adds(out, colours[style]);
	put_escaped(out, text, (size_t)n);
	if (coloured)
		buf_adds(out, "\033[0m");
	free(text);
}

void chat_put(const struct chat *c, struct buf *out, enum chat_style style, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	put(c, out, style, fmt, ap);
	va_end(ap);
}

void chat_put_line(const struct chat *c, struct buf *out, enum chat_style style, const char *fmt,
		   ...)
{
	va_list ap;
	va_start(ap, fmt);
	put(c, out, style, fmt, ap);
	va_end(ap);
	buf_addc(out, '\n');
}
