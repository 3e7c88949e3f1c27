/* sandbox/markdown: the two Markdowns of the Bot API: text in, plain text and entities out through
 * markup.c.
 *
 * MarkdownV2 nests, and wants each of its marks escaped where it is none; the old one does neither.
 * Both end with an error where an entity does not end. */
#include "sandbox/markup.h"

#include <stdlib.h>
#include <string.h>

static int reserved(struct markup *m, char c)
{
	return markup_fail(m,
			   "Character '%c' is reserved and must be escaped with the preceding '\\'",
			   c);
}

static bool escapes(const char *p)
{
	return p[0] == '\\' && p[1] > 0 && p[1] < 127;
}

/* Marks that put nothing, such as those of an empty entity between two quotations, do not count. */
static bool at_line_start(const struct markup *m)
{
	size_t n = m->text.len;
	while (n && m->text.data[n - 1] == '\r')
		n--;
	return n == 0 || m->text.data[n - 1] == '\n';
}

static bool is_open(const struct markup *m, enum markup_kind kind)
{
	for (size_t i = 0; i < m->depth; i++)
		if (m->open[i].kind == kind)
			return true;
	return false;
}

/* The address in brackets behind `p`, if it has one, becomes the argument of the innermost. Returns
 * the place behind it, NULL after an error. */
static const char *read_address(struct markup *m, const char *text, const char *p)
{
	struct markup_open *o = markup_top(m);
	struct buf url;
	buf_init(&url, MARKUP_TEXT_MAX);
	if (*p != '(') { /* the text is the address */
		free(o->argument);
		o->argument = strndup(m->text.data ? m->text.data + o->text : "",
				      m->text.len - o->text);
		return p;
	}
	const char *from = ++p;
	for (; *p && *p != ')'; p++) {
		p += escapes(p);
		buf_addc(&url, *p);
	}
	free(o->argument);
	o->argument = strdup(buf_str(&url));
	buf_release(&url);
	if (*p == ')')
		return p + 1;
	markup_fail(m, "Can't find end of a URL at byte offset %zu", (size_t)(from - text));
	return NULL;
}

/* The argument of an emoji is a number in its address. */
static const char *end_emoji(struct markup *m, const char *text, const char *p)
{
	if (p[1] != '(') {
		markup_fail(m, "The entity must contain a tg://emoji or tg://time URL");
		return NULL;
	}
	const char *behind = read_address(m, text, p + 1);
	struct markup_open *o = markup_top(m);
	if (!behind)
		return NULL;
	if (strncmp(o->argument, "tg://time?", 10) == 0) {
		markup_end(m, MARKUP_TIME);
		return behind;
	}
	if (strncmp(o->argument, "tg://emoji?id=", 14) != 0 ||
	    strtoll(o->argument + 14, NULL, 10) == 0) {
		markup_fail(m, "Invalid tg://emoji or tg://time URL specified");
		return NULL;
	}
	memmove(o->argument, o->argument + 14, strlen(o->argument + 14) + 1);
	markup_end(m, MARKUP_EMOJI);
	return behind;
}

/* Whether what stands at `p` ends the innermost; the length of its mark, 0: no. */
static size_t ends(enum markup_kind kind, const char *p)
{
	static const char *const marks[] = {
		[MARKUP_BOLD] = "*",   [MARKUP_ITALIC] = "_",   [MARKUP_UNDERLINE] = "__",
		[MARKUP_STRIKE] = "~", [MARKUP_SPOILER] = "||", [MARKUP_CODE] = "`",
		[MARKUP_PRE] = "```",  [MARKUP_LINK] = "]",     [MARKUP_EMOJI] = "]",
		[MARKUP_QUOTE] = NULL,
	};
	const char *mark = marks[kind];
	if (!mark || strncmp(p, mark, strlen(mark)) != 0 || (kind == MARKUP_ITALIC && p[1] == '_'))
		return 0;
	return strlen(mark);
}

static const char *end_entity(struct markup *m, const char *text, const char *p, size_t length)
{
	enum markup_kind kind = markup_top(m)->kind;
	if (kind == MARKUP_EMOJI)
		return end_emoji(m, text, p);
	p += length;
	if (kind == MARKUP_LINK && !(p = read_address(m, text, p)))
		return NULL;
	markup_end(m, kind);
	return p;
}

/* The beginning of preformatted text, behind its three marks: perhaps a language, and a line end
 * that is not part of it. */
static const char *begin_pre(struct markup *m, const char *text, const char *p)
{
	size_t at = (size_t)(p - 3 - text), n = strcspn(p, " \t\r\n`");
	bool language = n && p[n] && p[n] != '`';
	markup_begin(m, MARKUP_PRE, at, language ? p : NULL, n);
	p += language ? n : 0;
	if (*p == '\r' || *p == '\n')
		p += (p[1] == '\r' || p[1] == '\n') && p[1] != *p ? 2 : 1;
	return p;
}

/* A mark that ends nothing begins something, or should have been escaped. */
static const char *begin_entity(struct markup *m, const char *text, const char *p)
{
	size_t at = (size_t)(p - text);
	switch (*p) {
	case '*':
		return markup_begin(m, MARKUP_BOLD, at, NULL, 0) ? p + 1 : NULL;
	case '~':
		return markup_begin(m, MARKUP_STRIKE, at, NULL, 0) ? p + 1 : NULL;
	case '[':
		return markup_begin(m, MARKUP_LINK, at, NULL, 0) ? p + 1 : NULL;
	case '_':
		if (p[1] == '_')
			return markup_begin(m, MARKUP_UNDERLINE, at, NULL, 0) ? p + 2 : NULL;
		return markup_begin(m, MARKUP_ITALIC, at, NULL, 0) ? p + 1 : NULL;
	case '`':
		if (p[1] == '`' && p[2] == '`')
			return begin_pre(m, text, p + 3);
		return markup_begin(m, MARKUP_CODE, at, NULL, 0) ? p + 1 : NULL;
	case '|':
		if (p[1] == '|')
			return markup_begin(m, MARKUP_SPOILER, at, NULL, 0) ? p + 2 : NULL;
		break;
	case '!':
		if (p[1] == '[')
			return markup_begin(m, MARKUP_EMOJI, at, NULL, 0) ? p + 2 : NULL;
		break;
	case '>':
		if (!at_line_start(m))
			break;
		if (!is_open(m, MARKUP_QUOTE))
			return markup_begin(m, MARKUP_QUOTE, at, NULL, 0) ? p + 1 : NULL;
		return p + 1;
	default:
		break;
	}
	reserved(m, *p);
	return NULL;
}

static int unended(struct markup *m)
{
	const struct markup_open *o = markup_top(m);
	return markup_fail(m, "Can't find end of %s entity at byte offset %zu",
			   o->kind == MARKUP_PRE && o->argument ? "PreCode" : markup_name(o->kind),
			   o->at);
}

/* A quotation ends at `p`, with its line or with the text. The mark of a spoiler that has only just
 * begun says that it can be folded. */
static int end_quote(struct markup *m, const char *text, const char *p)
{
	struct markup_open *o = markup_top(m);
	enum markup_kind kind = MARKUP_QUOTE;
	if (p > text && p[-1] == '\r' && o->kind == MARKUP_SPOILER)
		p--;
	if (o->kind == MARKUP_SPOILER && m->depth > 1 && o[-1].kind == MARKUP_QUOTE &&
	    o->at + 2 == (size_t)(p - text)) {
		m->depth--;
		kind = MARKUP_LONG_QUOTE;
	}
	if (markup_top(m)->kind != MARKUP_QUOTE)
		return unended(m);
	markup_end(m, kind);
	return 0;
}

int markdown_read(struct markup *m, const char *text)
{
	const char *p = text;
	while (p && *p && !m->error[0]) {
		const struct markup_open *o = markup_top(m);
		bool code = o && (o->kind == MARKUP_CODE || o->kind == MARKUP_PRE);
		size_t length = o ? ends(o->kind, p) : 0;
		if (escapes(p)) {
			markup_put(m, p + 1, 1);
			p += 2;
		} else if (length) {
			p = end_entity(m, text, p, length);
		} else if (*p == '\n' && !code) {
			if (is_open(m, MARKUP_QUOTE) && p[1] != '>' && end_quote(m, text, p))
				return -1;
			markup_put(m, p++, 1);
		} else if (strchr(code ? "`" : "_*[]()~`>#+-=|{}.!", *p)) {
			p = code ? (reserved(m, *p), NULL) : begin_entity(m, text, p);
		} else {
			markup_put(m, p++, 1);
		}
	}
	if (m->error[0])
		return -1;
	if (is_open(m, MARKUP_QUOTE) && end_quote(m, text, p))
		return -1;
	return m->depth ? unended(m) : 0;
}

int markdown_read_old(struct markup *m, const char *text)
{
	for (const char *p = text; *p;) {
		if (*p == '\\' && p[1] && strchr("_*`[", p[1])) {
			markup_put(m, p + 1, 1);
			p += 2;
			continue;
		}
		if (!strchr("_*`[", *p)) {
			markup_put(m, p++, 1);
			continue;
		}
		bool pre = strncmp(p, "```", 3) == 0;
		const char mark[] = { *p == '[' ? ']' : *p, '\0' }, *close = pre ? "```" : mark;
		size_t at = (size_t)(p - text);
		enum markup_kind kind = pre         ? MARKUP_PRE
					: *p == '*' ? MARKUP_BOLD
					: *p == '_' ? MARKUP_ITALIC
					: *p == '`' ? MARKUP_CODE
						    : MARKUP_LINK;
		p = pre                                  ? begin_pre(m, text, p + 3)
		    : markup_begin(m, kind, at, NULL, 0) ? p + 1
							 : p;
		const char *end = strstr(p, close);
		if (!end)
			return markup_fail(
				m, "Can't find end of the entity starting at byte offset %zu", at);
		markup_put(m, p, (size_t)(end - p));
		p = end + strlen(close);
		if (kind == MARKUP_LINK && *p == '(' && !(p = read_address(m, text, p)))
			return -1;
		markup_end(m, kind);
	}
	return 0;
}
