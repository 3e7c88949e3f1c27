/* sandbox/markup: text with formatting in, plain text and its entities out. See
 * https://core.telegram.org/bots/api#formatting-options.
 *
 * Three grammars (markdown.c, markup_html.c) write into one struct; markup.c, below them, keeps
 * what is open and what it becomes; markup_read.c, above them, chooses the grammar. */
#ifndef TGRUN_SANDBOX_MARKUP_H
#define TGRUN_SANDBOX_MARKUP_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/buf.h"

enum { MARKUP_DEPTH_MAX = 64, MARKUP_TEXT_MAX = 1 << 15 };

/* In the order of `names` in markup.c. */
enum markup_kind {
	MARKUP_BOLD,
	MARKUP_ITALIC,
	MARKUP_UNDERLINE,
	MARKUP_STRIKE,
	MARKUP_SPOILER,
	MARKUP_CODE,
	MARKUP_PRE,
	MARKUP_LINK,
	MARKUP_EMOJI,
	MARKUP_QUOTE,
	MARKUP_LONG_QUOTE,
	MARKUP_TIME,
};

struct markup_open {
	enum markup_kind kind;
	size_t at;      /* byte of the source where it began */
	size_t text;    /* byte of the plain text */
	size_t units;   /* UTF-16 code units of the plain text before it */
	char tag[16];   /* of HTML */
	char *argument; /* URL, language, number of an emoji; NULL: none. Owned */
};

struct markup {
	struct buf text; /* plain, so far */
	size_t units;    /* its length in UTF-16 code units */
	struct markup_open open[MARKUP_DEPTH_MAX];
	size_t depth;
	cJSON *entities; /* an array */
	char error[200]; /* the server's sentence; "" for none */
};

/* Reads `text` as `mode` says (MarkdownV2, Markdown, HTML, in any case; "" or "none": as it is). 0,
 * or -1 with m->error, also when memory is out. `m` is markup_release()d in both cases. */
int markup_read(struct markup *m, const char *mode, const char *text);
void markup_release(struct markup *m);

/* UTF-16 code units of the `n` bytes of a text, as Telegram counts. */
size_t markup_units(const char *text, size_t n);

/* What the grammars do. After an error the text that follows is not looked at. */

/* Adds `n` bytes of plain text; they may begin or end within a character. */
void markup_put(struct markup *m, const char *bytes, size_t n);
/* Opens an entity that began at byte `at` of the source. Its `argument`, of `n` bytes, is copied;
 * NULL: it has none. Returns NULL with m->error when MARKUP_DEPTH_MAX are open. */
struct markup_open *markup_begin(struct markup *m, enum markup_kind kind, size_t at,
				 const char *argument, size_t n);
/* The innermost that is open; NULL: none. */
struct markup_open *markup_top(struct markup *m);
/* Closes the innermost as `kind`. An entity without text is left out. */
void markup_end(struct markup *m, enum markup_kind kind);
/* Sets m->error unless it is set. Returns -1. */
int markup_fail(struct markup *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *markup_name(enum markup_kind kind); /* in the server's sentences; static */

/* The grammars: 0, or -1 with m->error. */
int markdown_read(struct markup *m, const char *text);     /* MarkdownV2 */
int markdown_read_old(struct markup *m, const char *text); /* Markdown */
int markup_html_read(struct markup *m, const char *text);

#endif
