/* cli/try/chat_keyboard: reply_markup in, numbered buttons out. Inline and reply keyboards are
 * shown alike: the last one that was shown is the one whose buttons are pressed. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/try/chat.h"

static void clear(struct chat *c)
{
	for (size_t i = 0; i < c->button_count; i++) {
		free(c->buttons[i].text);
		free(c->buttons[i].value);
	}
	c->button_count = 0;
	c->keyboard_chat = c->keyboard_message = 0;
}

void chat_release(struct chat *c)
{
	clear(c);
	free(c->quotes);
	c->quotes = NULL;
}

const struct chat_button *chat_button(const struct chat *c, int64_t number)
{
	return number >= 1 && (uint64_t)number <= c->button_count ? &c->buttons[number - 1] : NULL;
}

static const char *string_of(const cJSON *object, const char *name)
{
	const cJSON *item = json_member(object, name);
	return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* What the button does: the member of its object beside the text and what only changes its looks.
 */
static const char *action_of(const cJSON *button)
{
	const cJSON *member;
	cJSON_ArrayForEach(member,
			   button) if (member->string && strcmp(member->string, "text") != 0 &&
				       strcmp(member->string, "style") != 0 &&
				       strcmp(member->string, "icon_custom_emoji_id") != 0 &&
				       !cJSON_IsFalse(member)) return member->string;
	return NULL;
}

static int add_button(struct chat *c, const cJSON *json, bool inline_keyboard)
{
	struct chat_button *b = &c->buttons[c->button_count];
	const char *text = cJSON_IsString(json) ? json->valuestring : string_of(json, "text");
	const char *data = string_of(json, "callback_data"), *url = string_of(json, "url"),
		   *action = action_of(json);
	if (c->button_count == CHAT_BUTTONS_MAX)
		return -1;
	b->kind = !inline_keyboard && !action ? BUTTON_TEXT
		  : data                      ? BUTTON_DATA
		  : url                       ? BUTTON_URL
					      : BUTTON_OTHER;
	b->text = strdup(text ? text : "");
	b->value = strdup(b->kind == BUTTON_DATA  ? data
			  : b->kind == BUTTON_URL ? url
			  : action                ? action
						  : "");
	if (!b->text || !b->value) {
		free(b->text);
		free(b->value);
		return -1;
	}
	c->button_count++;
	return 0;
}

void chat_keyboard(struct chat *c, const cJSON *markup, int64_t chat_id, int64_t message_id,
		   struct buf *out)
{
	const cJSON *inline_rows = json_member(markup, "inline_keyboard");
	const cJSON *rows = inline_rows ? inline_rows : json_member(markup, "keyboard"), *row,
		    *button;
	if (json_true(markup, "remove_keyboard") && !c->keyboard_message)
		clear(c);
	if (!cJSON_IsArray(rows) || !rows->child)
		return;
	clear(c);
	if (inline_rows) {
		c->keyboard_chat = chat_id;
		c->keyboard_message = message_id;
	}
	cJSON_ArrayForEach(row, rows)
	{
		buf_adds(out, "    ");
		cJSON_ArrayForEach(button, row)
		{
			if (add_button(c, button, inline_rows != NULL))
				break;
			buf_addc(out, ' ');
			chat_put(c, out, CHAT_BUTTON, "[%zu %s]", c->button_count,
				 c->buttons[c->button_count - 1].text);
		}
		buf_addc(out, '\n');
	}
}

void chat_keyboard_gone(struct chat *c, int64_t chat_id, int64_t message_id)
{
	if (c->keyboard_message && c->keyboard_chat == chat_id && c->keyboard_message == message_id)
		clear(c);
}
