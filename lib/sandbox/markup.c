/* sandbox/markup: what the grammars of formatting have in common. They put plain text, and say
 * where an entity begins and ends; the text, its length as Telegram counts, and the list of
 * entities come of it.
 *
 * Invariant: entities are properly nested, since only the innermost can be closed. */
#include "sandbox/markup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static const struct {
	const char *type;     /* of the Bot API's MessageEntity */
	const char *name;     /* in errors */
	const char *argument; /* the member that the argument becomes */
} names[] = {
	[MARKUP_BOLD] = { "bold", "Bold", NULL },
	[MARKUP_ITALIC] = { "italic", "Italic", NULL },
	[MARKUP_UNDERLINE] = { "underline", "Underline", NULL },
	[MARKUP_STRIKE] = { "strikethrough", "Strikethrough", NULL },
	[MARKUP_SPOILER] = { "spoiler", "Spoiler", NULL },
	[MARKUP_CODE] = { "code", "Code", NULL },
	[MARKUP_PRE] = { "pre", "Pre", "language" },
	[MARKUP_LINK] = { "text_link", "TextUrl", "url" },
	[MARKUP_EMOJI] = { "custom_emoji", "CustomEmoji", "custom_emoji_id" },
	[MARKUP_QUOTE] = { "blockquote", "BlockQuote", NULL },
	[MARKUP_LONG_QUOTE] = { "expandable_blockquote", "ExpandableBlockQuote", NULL },
	[MARKUP_TIME] = { "date_time", "DateTime", NULL },
};

size_t markup_units(const char *text, size_t n)
{
	size_t units = 0;
	for (size_t step; n; text += step, n -= step) {
		step = utf8_length(text, n);
		units += step == 4 ? 2 : 1;
		if (step == 0)
			step = 1;
	}
	return units;
}

void markup_put(struct markup *m, const char *bytes, size_t n)
{
	if (buf_add(&m->text, bytes, n))
		markup_fail(m, "Text is too long");
	/* By first bytes: a character may come in parts. */
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];
		m->units += (c & 0xc0) == 0x80 ? 0 : c >= 0xf0 ? 2 : 1;
	}
}

struct markup_open *markup_top(struct markup *m)
{
	return m->depth ? &m->open[m->depth - 1] : NULL;
}

struct markup_open *markup_begin(struct markup *m, enum markup_kind kind, size_t at,
				 const char *argument, size_t n)
{
	if (m->depth == MARKUP_DEPTH_MAX) {
		markup_fail(m, "Too many entities are open at byte offset %zu", at);
		return NULL;
	}
	struct markup_open *o = &m->open[m->depth++];
	*o = (struct markup_open){ .kind = kind, .at = at, .text = m->text.len, .units = m->units };
	o->argument = argument ? strndup(argument, n) : NULL;
	return o;
}

/* The entity of what was open. A link to a user is one of its own. */
static cJSON *entity_of(const struct markup *m, const struct markup_open *o, enum markup_kind kind)
{
	static const char user_link[] = "tg://user?id=";
	cJSON *e = cJSON_CreateObject();
	const char *argument = o->argument ? o->argument : "";
	bool mention = kind == MARKUP_LINK &&
		       strncmp(argument, user_link, sizeof user_link - 1) == 0;
	cJSON_AddStringToObject(e, "type", mention ? "text_mention" : names[kind].type);
	cJSON_AddNumberToObject(e, "offset", (double)o->units);
	cJSON_AddNumberToObject(e, "length", (double)(m->units - o->units));
	if (mention) {
		cJSON *user = cJSON_AddObjectToObject(e, "user");
		cJSON_AddNumberToObject(user, "id", strtod(argument + sizeof user_link - 1, NULL));
		cJSON_AddBoolToObject(user, "is_bot", 0);
		cJSON_AddStringToObject(user, "first_name", "Sandbox");
	} else if (names[kind].argument && *argument) {
		cJSON_AddStringToObject(e, names[kind].argument, argument);
	}
	return e;
}

/* Outer ones stand before inner ones. */
static void insert(cJSON *entities, cJSON *e, size_t units)
{
	int at = 0;
	const cJSON *other;
	cJSON_ArrayForEach(other, entities)
	{
		if (cJSON_GetObjectItemCaseSensitive(other, "offset")->valuedouble >= (double)units)
			break;
		at++;
	}
	if (!cJSON_InsertItemInArray(entities, at, e))
		cJSON_Delete(e);
}

void markup_end(struct markup *m, enum markup_kind kind)
{
	struct markup_open *o = &m->open[--m->depth];
	bool wanted = m->units > o->units &&
		      !(kind == MARKUP_LINK && (!o->argument || !*o->argument));
	if (wanted)
		insert(m->entities, entity_of(m, o, kind), o->units);
	free(o->argument);
}

int markup_fail(struct markup *m, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (!m->error[0])
		vsnprintf(m->error, sizeof m->error, fmt, ap);
	va_end(ap);
	return -1;
}

const char *markup_name(enum markup_kind kind)
{
	return names[kind].name;
}

void markup_release(struct markup *m)
{
	while (m->depth)
		free(m->open[--m->depth].argument);
	buf_release(&m->text);
	cJSON_Delete(m->entities);
}
