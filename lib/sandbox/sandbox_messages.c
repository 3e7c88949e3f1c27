/* sandbox/sandbox_messages: the chats of the sandbox and the messages in them. Pushed updates and
 * what the bot sends come in; ids and messages to reply to, edit, forward and copy go out.
 *
 * Ids rise in each chat by themselves. The newest messages are kept, in a ring; chats past a
 * maximum share one count of ids. */
#include "sandbox/sandbox_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { CHATS_MAX = 200000 };

struct chat {
	struct chat *next;
	int64_t id, last_message;
	cJSON *json; /* as a pushed message showed it; NULL: made up from the id */
};

static int64_t number(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	return cJSON_IsNumber(item) && item->valuedouble > -9e18 && item->valuedouble < 9e18
		       ? (int64_t)item->valuedouble
		       : 0;
}

static struct chat *find_chat(const struct sandbox *s, int64_t id)
{
	for (struct chat *c = s->chats[hash_bytes(&id, sizeof id) % CHAT_BUCKETS]; c; c = c->next)
		if (c->id == id)
			return c;
	return NULL;
}

static struct chat *need_chat(struct sandbox *s, int64_t id)
{
	struct chat *c = find_chat(s, id);
	if (c || s->chat_count >= CHATS_MAX || !(c = calloc(1, sizeof *c)))
		return c;
	struct chat **bucket = &s->chats[hash_bytes(&id, sizeof id) % CHAT_BUCKETS];
	c->id = id;
	c->next = *bucket;
	*bucket = c;
	s->chat_count++;
	return c;
}

void sandbox_messages_free(struct sandbox *s)
{
	for (size_t i = 0; i < CHAT_BUCKETS; i++)
		for (struct chat *c = s->chats[i], *next; c; c = next) {
			next = c->next;
			cJSON_Delete(c->json);
			free(c);
		}
	for (size_t i = 0; i < MESSAGES_KEPT; i++)
		cJSON_Delete(s->messages[i].json);
	cJSON_Delete(s->commands);
}

int64_t sandbox_message_id(struct sandbox *s, int64_t chat)
{
	struct chat *c = need_chat(s, chat);
	return c ? ++c->last_message : s->overflow_id++;
}

bool sandbox_message_was(const struct sandbox *s, int64_t chat, int64_t id)
{
	const struct chat *c = find_chat(s, chat);
	return c && id > 0 && id <= c->last_message;
}

struct message *sandbox_message_find(const struct sandbox *s, int64_t chat, int64_t id)
{
	for (size_t i = 1; i <= MESSAGES_KEPT; i++) {
		const struct message
			*m = &s->messages[(s->message_next + MESSAGES_KEPT - i) % MESSAGES_KEPT];
		if (m->json && m->id == id && m->chat == chat)
			return (struct message *)m;
	}
	return NULL;
}

const cJSON *sandbox_message_of(const struct sandbox *s, int64_t chat, int64_t user, int64_t nth)
{
	for (size_t i = 1; i <= MESSAGES_KEPT; i++) {
		const struct message
			*m = &s->messages[(s->message_next + MESSAGES_KEPT - i) % MESSAGES_KEPT];
		const cJSON *from = cJSON_GetObjectItemCaseSensitive(m->json, "from");
		if (m->json && m->chat == chat && number(from, "id") == user && --nth == 0)
			return m->json;
	}
	return NULL;
}

const cJSON *sandbox_message(const struct sandbox *s, int64_t chat, int64_t message_id)
{
	const struct message *m = sandbox_message_find(s, chat, message_id);
	return m ? m->json : NULL;
}

void sandbox_message_keep(struct sandbox *s, int64_t chat, int64_t id, cJSON *json, bool is_new)
{
	struct message *m = is_new ? NULL : sandbox_message_find(s, chat, id);
	if (!m)
		m = &s->messages[s->message_next++ % MESSAGES_KEPT];
	cJSON_Delete(m->json);
	*m = (struct message){ chat, id, json };
}

static void note_message(struct sandbox *s, const cJSON *message)
{
	const cJSON *chat_json = cJSON_GetObjectItemCaseSensitive(message, "chat");
	int64_t chat = number(chat_json, "id"), id = number(message, "message_id");
	struct chat *c = chat && id > 0 ? need_chat(s, chat) : NULL;
	if (!c)
		return;
	if (!c->json)
		c->json = cJSON_Duplicate(chat_json, 1);
	bool newer = id > c->last_message;
	if (newer)
		c->last_message = id;
	sandbox_topics_note(s, chat, message);
	cJSON *copy = cJSON_Duplicate(message, 1);
	if (copy)
		sandbox_message_keep(s, chat, id, copy, newer);
}

void sandbox_messages_note(struct sandbox *s, const char *kind, const cJSON *object)
{
	if (strstr(kind, "reaction"))
		return; /* has a message_id, but is no message */
	note_message(s, object);
	/* The message under a pressed button is the bot's own, known better here. */
	const cJSON *message = cJSON_GetObjectItemCaseSensitive(object, "message");
	if (message &&
	    !sandbox_message_find(s,
				  number(cJSON_GetObjectItemCaseSensitive(message, "chat"), "id"),
				  number(message, "message_id")))
		note_message(s, message);
}

int64_t sandbox_param_chat(struct sandbox_request *r, const char *name)
{
	const char *text = sandbox_param(r, name);
	bool own = strcmp(name, "chat_id") == 0;
	if (!text || !*text) {
		char why[96];
		snprintf(why, sizeof why, "Bad Request: %s is empty", name);
		sandbox_refuse(r, 400, why);
		return 0;
	}
	int64_t id = sandbox_chat_named(r, name);
	if (own)
		r->chat = id;
	if (id == 0)
		sandbox_refuse(r, 400, "Bad Request: chat not found");
	else if (own && (!sandbox_chat_takes(r, id) || !sandbox_limits_take(r, id)))
		return 0;
	return id;
}

cJSON *sandbox_chat_json(struct sandbox *s, int64_t id)
{
	const struct chat *c = find_chat(s, id);
	if (c && c->json)
		return cJSON_Duplicate(c->json, 1);
	cJSON *chat = cJSON_CreateObject();
	cJSON_AddNumberToObject(chat, "id", (double)id);
	cJSON_AddStringToObject(chat, "type",
				id > 0                ? "private"
				: id < -1000000000000 ? "supergroup"
						      : "group");
	cJSON_AddStringToObject(chat, id > 0 ? "first_name" : "title", "Sandbox");
	return chat;
}

bool sandbox_chat_is_plain(const struct sandbox *s, int64_t id)
{
	const struct chat *c = find_chat(s, id);
	return c && c->json && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(c->json, "is_forum"));
}

cJSON *sandbox_bot_json(const struct sandbox *s)
{
	cJSON *bot = cJSON_CreateObject();
	cJSON_AddNumberToObject(bot, "id", strtod(s->token, NULL));
	cJSON_AddTrueToObject(bot, "is_bot");
	cJSON_AddStringToObject(bot, "first_name", "Sandbox");
	cJSON_AddStringToObject(bot, "username", s->username);
	return bot;
}
