/* cli/try/chat: who speaks where, and what is said, in; the update's JSON out. Messages carry the
 * marks that the server puts there: a command is one by its entity. */
#include "cli/try/chat.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FIRST_NAME "You"

void chat_init(struct chat *c, bool colour)
{
	*c = (struct chat){ .colour = colour };
	chat_as(c, 0, "");
	chat_in(c, 0, 0, "");
}

void chat_as(struct chat *c, int64_t user_id, const char *name)
{
	bool private = c->chat_id > 0;
	c->user_id = user_id ? user_id : CHAT_FIRST_USER;
	if (*name)
		snprintf(c->name, sizeof c->name, "%s", name);
	else if (c->user_id == CHAT_FIRST_USER)
		snprintf(c->name, sizeof c->name, FIRST_NAME);
	else
		snprintf(c->name, sizeof c->name, "User %" PRId64, user_id);
	if (private)
		c->chat_id = c->user_id;
}

void chat_in(struct chat *c, int64_t chat_id, int64_t thread, const char *title)
{
	/* A topic of the group that one is in keeps the group's title. */
	if (*title || chat_id != c->chat_id)
		snprintf(c->title, sizeof c->title, "%s", *title ? title : chat_id ? "Group" : "");
	c->chat_id = chat_id ? chat_id : c->user_id;
	c->thread = chat_id ? thread : 0;
}

void chat_prompt(const struct chat *c, struct buf *out)
{
	static const struct chat plain; /* without colours */
	chat_put(&plain, out, CHAT_PLAIN, "%s", c->name);
	if (c->chat_id < 0)
		chat_put(&plain, out, CHAT_PLAIN, " in %s", c->title);
	if (c->thread)
		chat_put(&plain, out, CHAT_PLAIN, " #%" PRId64, c->thread);
	buf_adds(out, ": ");
}

static int add_user(const struct chat *c, struct buf *out)
{
	return buf_addf(out, "\"from\":{\"id\":%" PRId64 ",\"is_bot\":false,\"first_name\":",
			c->user_id) ||
	       buf_add_json(out, c->name, strlen(c->name)) ||
	       buf_adds(out, ",\"language_code\":\"en\"}");
}

static int add_chat(const struct chat *c, struct buf *out)
{
	bool group = c->chat_id < 0;
	const char *name = group ? c->title : c->name;
	return buf_addf(out, "\"chat\":{\"id\":%" PRId64 ",\"%s\":", c->chat_id,
			group ? "title" : "first_name") ||
	       buf_add_json(out, name, strlen(name)) ||
	       buf_addf(out, "%s,\"type\":\"%s\"}", c->thread ? ",\"is_forum\":true" : "",
			group ? "supergroup" : "private");
}

/* The length of the command that the text begins with, 0 if it is none: a slash, a name, perhaps @
 * and a bot's name. */
static size_t command_length(const char *text)
{
	static const char name[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	size_t n = text[0] == '/' ? strspn(text + 1, name) : 0;
	if (n == 0 || n > 64)
		return 0;
	size_t bot = text[1 + n] == '@' ? strspn(text + 2 + n, name) : 0;
	return 1 + n + (bot ? 1 + bot : 0);
}

static int add_command(const char *text, const char *name, struct buf *out)
{
	size_t command = command_length(text);
	return command ? buf_addf(
				 out,
				 ",\"%s\":[{\"offset\":0,\"length\":%zu,\"type\":\"bot_command\"}]",
				 name, command)
		       : 0;
}

/* What was said can be named from now on. */
static void note(struct chat *c, const struct buf *message)
{
	cJSON *json = cJSON_ParseWithLength(message->data, message->len);
	chat_note(c, json);
	cJSON_Delete(json);
}

int chat_message(struct chat *c, int64_t message_id, int64_t date,
		 const struct chat_content *content, struct buf *out)
{
	const char *text = content->text, *field = content->kind ? "caption" : "text";
	if (buf_addf(out, "{\"message_id\":%" PRId64 ",", message_id) || add_user(c, out) ||
	    buf_addc(out, ',') || add_chat(c, out) || buf_addf(out, ",\"date\":%" PRId64, date))
		return -1;
	if (c->thread &&
	    buf_addf(out, ",\"message_thread_id\":%" PRId64 ",\"is_topic_message\":true",
		     c->thread))
		return -1;
	if (content->kind && buf_addf(out, ",\"%s\":%s", content->kind, content->file))
		return -1;
	if ((*text || !content->kind) &&
	    (buf_addf(out, ",\"%s\":", field) || buf_add_json(out, text, strlen(text)) ||
	     add_command(text, content->kind ? "caption_entities" : "entities", out)))
		return -1;
	if (buf_addc(out, '}'))
		return -1;
	note(c, out);
	return 0;
}

int chat_edited(struct chat *c, const cJSON *message, int64_t date, const char *text,
		struct buf *out)
{
	bool caption = !cJSON_HasObjectItem(message, "text");
	const char *field = caption ? "caption" : "text",
		   *entities = caption ? "caption_entities" : "entities";
	cJSON *bare = cJSON_Duplicate(message, 1);
	cJSON_DeleteItemFromObjectCaseSensitive(bare, field);
	cJSON_DeleteItemFromObjectCaseSensitive(bare, entities);
	cJSON_DeleteItemFromObjectCaseSensitive(bare, "edit_date");
	char *json = bare ? cJSON_PrintUnformatted(bare) : NULL;
	size_t n = json ? strlen(json) : 0;
	int rc = n < 2 || buf_add(out, json, n - 1) ||
		 buf_addf(out, ",\"edit_date\":%" PRId64 ",\"%s\":", date, field) ||
		 buf_add_json(out, text, strlen(text)) || add_command(text, entities, out) ||
		 buf_addc(out, '}');
	cJSON_free(json);
	cJSON_Delete(bare);
	if (rc)
		return -1;
	note(c, out);
	return 0;
}

int chat_callback(const struct chat *c, const struct chat_button *b, int64_t query_id,
		  const cJSON *message, struct buf *out)
{
	char *json = cJSON_PrintUnformatted(message);
	int rc = !json || buf_addf(out, "{\"id\":\"%" PRId64 "\",", query_id) || add_user(c, out) ||
		 buf_addf(out, ",\"message\":%s", json) ||
		 buf_addf(out, ",\"chat_instance\":\"%" PRId64 "\",\"data\":", -query_id) ||
		 buf_add_json(out, b->value, strlen(b->value)) || buf_addc(out, '}');
	cJSON_free(json);
	return rc ? -1 : 0;
}

int chat_inline(const struct chat *c, const char *text, int64_t query_id, struct buf *out)
{
	return buf_addf(out, "{\"id\":\"%" PRId64 "\",", query_id) || add_user(c, out) ||
			       buf_adds(out, ",\"chat_type\":\"private\",\"query\":") ||
			       buf_add_json(out, text, strlen(text)) ||
			       buf_adds(out, ",\"offset\":\"\"}")
		       ? -1
		       : 0;
}
