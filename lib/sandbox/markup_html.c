/* sandbox/markup_html: the Bot API's HTML: text in, plain text and entities out through markup.c.
 * It knows a handful of tags and four named characters; any other tag is an error, any other `&`
 * stands for itself. */
#include "sandbox/markup.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *tag;
	enum markup_kind kind;
	const char *attribute; /* whose value is the argument; NULL: none */
} tags[] = {
	{ "b", MARKUP_BOLD, NULL },
	{ "strong", MARKUP_BOLD, NULL },
	{ "i", MARKUP_ITALIC, NULL },
	{ "em", MARKUP_ITALIC, NULL },
	{ "u", MARKUP_UNDERLINE, NULL },
	{ "ins", MARKUP_UNDERLINE, NULL },
	{ "s", MARKUP_STRIKE, NULL },
	{ "strike", MARKUP_STRIKE, NULL },
	{ "del", MARKUP_STRIKE, NULL },
	{ "tg-spoiler", MARKUP_SPOILER, NULL },
	{ "span", MARKUP_SPOILER, "class" },
	{ "a", MARKUP_LINK, "href" },
	{ "code", MARKUP_CODE, "class" },
	{ "pre", MARKUP_PRE, NULL },
	{ "blockquote", MARKUP_QUOTE, "expandable" },
	{ "tg-emoji", MARKUP_EMOJI, "emoji-id" },
	{ "tg-time", MARKUP_TIME, "unix" },
};

/* A tag that is being read. */
struct tag {
	size_t at; /* of its `<` */
	char name[16];
	enum markup_kind kind;
	const char *attribute;
	char *argument; /* NULL: not given */
};

/* The character that `&…` at `*p` stands for, and *p behind it; false: none. */
static bool read_character(const char **p, struct buf *out)
{
	static const struct {
		const char *name;
		char c;
	} named[] = { { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' } };
	static const unsigned char first[] = { 0, 0xc0, 0xe0, 0xf0 }; /* by how many bytes follow */
	const char *s = *p + 1;
	unsigned long code = 0;
	char *end = NULL;
	if (*s == '#') {
		bool hex = s[1] == 'x';
		const char *digits = s + 1 + hex;
		if (!(hex ? isxdigit((unsigned char)*digits) : isdigit((unsigned char)*digits)))
			return false;
		code = strtoul(digits, &end, hex ? 16 : 10);
	} else {
		size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
		for (size_t i = 0; i < sizeof named / sizeof *named; i++)
			if (strlen(named[i].name) == n && strncmp(s, named[i].name, n) == 0)
				code = (unsigned char)named[i].c;
		end = (char *)s + n;
	}
	if (code == 0 || code >= 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return false;
	if (code < 0x80) {
		buf_addc(out, (char)code);
	} else {
		int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
		buf_addc(out, (char)(first[more] | code >> (6 * more)));
		while (more--)
			buf_addc(out, (char)(0x80 | (code >> (6 * more) & 0x3f)));
	}
	*p = *end == ';' ? end + 1 : end;
	return true;
}

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n\v\f");
}

static const char *unclosed(struct markup *m, const struct tag *t)
{
	markup_fail(m, "Unclosed start tag \"%s\" at byte offset %zu", t->name, t->at);
	return NULL;
}

/* The value at `p`, behind the `=`. Returns the place behind it; NULL after an error. */
static const char *read_value(struct markup *m, const char *text, const char *p, struct buf *out)
{
	if (*p != '"' && *p != '\'') {
		const char *from = p;
		for (; isalnum((unsigned char)*p) || *p == '.' || *p == '-'; p++)
			buf_addc(out, (char)tolower((unsigned char)*p));
		if (*p == '>' || isspace((unsigned char)*p))
			return p;
		markup_fail(m, "Unexpected end of name token at byte offset %zu",
			    (size_t)(from - text));
		return NULL;
	}
	char quote = *p++;
	while (*p && *p != quote)
		if (*p != '&' || !read_character(&p, out))
			buf_addc(out, *p++);
	return p + (*p == quote);
}

/* One attribute. Those that the tag has no use for are read and forgotten. */
static const char *read_attribute(struct markup *m, const char *text, const char *p, struct tag *t)
{
	size_t n = strcspn(p, " \t\r\n\v\f=>/\"'");
	if (n == 0) {
		markup_fail(m, "Empty attribute name in the tag \"%s\" at byte offset %zu", t->name,
			    t->at);
		return NULL;
	}
	bool wanted = t->attribute && strlen(t->attribute) == n && strncmp(p, t->attribute, n) == 0;
	struct buf value;
	buf_init(&value, MARKUP_TEXT_MAX);
	p = skip_space(p + n);
	if (*p == '=')
		p = read_value(m, text, skip_space(p + 1), &value);
	if (p && wanted) {
		free(t->argument);
		t->argument = strdup(buf_str(&value));
	}
	buf_release(&value);
	return p && !*p ? unclosed(m, t) : p;
}

/* What the argument means, where it is no more than a word. */
static int check_argument(struct markup *m, struct tag *t)
{
	if (strcmp(t->name, "span") == 0 &&
	    (!t->argument || strcmp(t->argument, "tg-spoiler") != 0))
		return markup_fail(m,
				   "Tag \"span\" must have class \"tg-spoiler\" at byte offset %zu",
				   t->at);
	if (t->kind == MARKUP_QUOTE && t->argument)
		t->kind = MARKUP_LONG_QUOTE;
	if (t->kind == MARKUP_EMOJI && strtoll(t->argument ? t->argument : "", NULL, 10) == 0)
		return markup_fail(m, "Invalid custom emoji identifier specified");
	return 0;
}

/* The start tag at `p`. Returns the place behind it; NULL after an error. */
static const char *begin_tag(struct markup *m, const char *text, const char *p)
{
	size_t n = strcspn(p + 1, " \t\r\n\v\f>"), i = 0;
	struct tag t = { .at = (size_t)(p - text) };
	if (!p[1 + n]) {
		markup_fail(m, "Unclosed start tag at byte offset %zu", t.at);
		return NULL;
	}
	while (i < sizeof tags / sizeof *tags &&
	       !(strlen(tags[i].tag) == n && strncasecmp(tags[i].tag, p + 1, n) == 0))
		i++;
	if (i == sizeof tags / sizeof *tags) {
		markup_fail(m, "Unsupported start tag \"%.*s\" at byte offset %zu",
			    n < 100 ? (int)n : 100, p + 1, t.at);
		return NULL;
	}
	strcpy(t.name, tags[i].tag);
	t.kind = tags[i].kind;
	t.attribute = tags[i].attribute;
	for (p = skip_space(p + 1 + n); p && *p != '>'; p = p ? skip_space(p) : p)
		p = *p ? read_attribute(m, text, p, &t) : unclosed(m, &t);
	struct markup_open *o = p && check_argument(m, &t) == 0
					? markup_begin(m, t.kind, t.at, t.argument, MARKUP_TEXT_MAX)
					: NULL;
	if (o)
		strcpy(o->tag, t.name);
	free(t.argument);
	return o ? p + 1 : NULL;
}

/* <pre><code class="language-x"> is one entity: what is inside gives its language to what is around
 * it. */
static void end_code(struct markup *m)
{
	struct markup_open *o = markup_top(m);
	bool language = o->argument && strncmp(o->argument, "language-", 9) == 0;
	if (m->depth > 1 && o[-1].kind == MARKUP_PRE && o[-1].units == o->units && language) {
		free(o[-1].argument);
		o[-1].argument = strdup(o->argument + 9);
		free(o->argument);
		m->depth--;
	} else {
		markup_end(m, MARKUP_CODE);
	}
}

/* A link without an address is its own. */
static void end_link(struct markup *m)
{
	struct markup_open *o = markup_top(m);
	if (!o->argument || !*o->argument) {
		free(o->argument);
		o->argument = strndup(m->text.data ? m->text.data + o->text : "",
				      m->text.len - o->text);
	}
	markup_end(m, MARKUP_LINK);
}

/* The end tag at `p`. Returns the place behind it; NULL after an error. */
static const char *end_tag(struct markup *m, const char *text, const char *p)
{
	size_t at = (size_t)(p - text), n = strcspn(p + 2, " \t\r\n\v\f>");
	const struct markup_open *o = markup_top(m);
	const char *close = skip_space(p + 2 + n);
	if (!o)
		markup_fail(m, "Unexpected end tag at byte offset %zu", at);
	else if (*close != '>')
		markup_fail(m, "Unclosed end tag at byte offset %zu", at);
	else if (n && (strlen(o->tag) != n || strncasecmp(o->tag, p + 2, n) != 0))
		markup_fail(
			m,
			"Unmatched end tag at byte offset %zu, expected \"</%s>\", found \"</%.*s>\"",
			at, o->tag, n < 60 ? (int)n : 60, p + 2);
	if (m->error[0])
		return NULL;
	if (o->kind == MARKUP_CODE)
		end_code(m);
	else if (o->kind == MARKUP_LINK)
		end_link(m);
	else
		markup_end(m, o->kind);
	return close + 1;
}

int markup_html_read(struct markup *m, const char *text)
{
	for (const char *p = text; p && *p;) {
		struct buf character;
		buf_init(&character, 8);
		if (*p == '<')
			p = p[1] == '/' ? end_tag(m, text, p) : begin_tag(m, text, p);
		else if (*p == '&' && read_character(&p, &character))
			markup_put(m, character.data, character.len);
		else
			markup_put(m, p++, 1);
		buf_release(&character);
	}
	if (!m->error[0] && m->depth)
		markup_fail(m, "Can't find end tag corresponding to start tag \"%s\"",
			    markup_top(m)->tag);
	return m->error[0] ? -1 : 0;
}
