/* sandbox/sandbox_edit: the methods that change, delete, forward and copy messages. A call's
 * parameters come in; the changed Message, or the server's words for why not, go out.
 *
 * A message is changed only when the call is accepted. */
#include "sandbox/sandbox_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UNCHANGED                                                                                                         \
	"Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a " \
	"current content and reply markup of the message"

/* The bot's message that chat_id and message_id name; NULL after an answer. */
static struct message *own_message(struct sandbox_request *r)
{
	if (sandbox_param(r, "inline_message_id")) {
		sandbox_result(r, "true"); /* messages sent by inline queries are not kept */
		return NULL;
	}
	int64_t chat = sandbox_param_chat(r, "chat_id"),
		id = sandbox_param_number(r, "message_id", 0);
	if (!chat)
		return NULL;
	if (id == 0) {
		sandbox_refuse(r, 400, "Bad Request: message identifier is not specified");
		return NULL;
	}
	struct message *m = sandbox_message_find(r->sandbox, chat, id);
	const cJSON *from = m ? cJSON_GetObjectItemCaseSensitive(
					cJSON_GetObjectItemCaseSensitive(m->json, "from"), "id")
			      : NULL;
	if (m && cJSON_IsNumber(from) && from->valuedouble == strtod(r->sandbox->token, NULL))
		return m;
	sandbox_refuse(r, 400,
		       m ? "Bad Request: message can't be edited"
			 : "Bad Request: message to edit not found");
	return NULL;
}

/* `field` becomes the parameter of the same name, or is left alone when it is NULL; the keyboard is
 * always replaced. */
static void edit(struct sandbox_request *r, const char *field)
{
	struct message *m = own_message(r);
	if (!m)
		return;
	const char *text = field ? sandbox_param(r, field) : NULL;
	if (field && strcmp(field, "text") == 0 && (!text || !*text)) {
		sandbox_refuse(r, 400, "Bad Request: message text is empty");
		return;
	}
	cJSON *changed = cJSON_Duplicate(m->json, 1);
	cJSON_DeleteItemFromObjectCaseSensitive(changed, "reply_markup");
	cJSON_DeleteItemFromObjectCaseSensitive(changed, "edit_date");
	if (!sandbox_add_markup(r, changed)) {
		cJSON_Delete(changed);
		return;
	}
	if (field) {
		cJSON_DeleteItemFromObjectCaseSensitive(changed, field);
		cJSON_DeleteItemFromObjectCaseSensitive(changed, strcmp(field, "text") == 0
									 ? "entities"
									 : "caption_entities");
		if (!sandbox_add_text(r, changed, r->params, field)) {
			cJSON_Delete(changed);
			return;
		}
	}
	cJSON *before = cJSON_Duplicate(m->json, 1);
	cJSON_DeleteItemFromObjectCaseSensitive(before, "edit_date");
	bool same = cJSON_Compare(before, changed, 1);
	cJSON_Delete(before);
	if (same) {
		cJSON_Delete(changed);
		sandbox_refuse(r, 400, UNCHANGED);
		return;
	}
	cJSON_AddNumberToObject(changed, "edit_date",
				(double)(r->sandbox->clock->wall(r->sandbox->clock) / 1000));
	cJSON_Delete(m->json);
	m->json = changed;
	sandbox_result_json(r, cJSON_Duplicate(changed, 1));
}

static void edit_text(struct sandbox_request *r)
{
	edit(r, "text");
}

static void edit_caption(struct sandbox_request *r)
{
	edit(r, "caption");
}

static void edit_markup(struct sandbox_request *r)
{
	edit(r, NULL);
}

/* Of what else can be edited nothing is kept: the message stays as it is. */
static void edit_other(struct sandbox_request *r)
{
	struct message *m = own_message(r);
	if (m)
		sandbox_result_json(r, cJSON_Duplicate(m->json, 1));
}

static void stop_poll(struct sandbox_request *r)
{
	struct message *m = own_message(r);
	cJSON *poll = m ? cJSON_GetObjectItemCaseSensitive(m->json, "poll") : NULL;
	if (!m)
		return;
	if (!poll) {
		sandbox_refuse(r, 400, "Bad Request: message is not a poll");
		return;
	}
	cJSON_ReplaceItemInObjectCaseSensitive(poll, "is_closed", cJSON_CreateTrue());
	sandbox_result_json(r, cJSON_Duplicate(poll, 1));
}

static bool forget(struct sandbox *s, int64_t chat, int64_t id)
{
	struct message *m = sandbox_message_find(s, chat, id);
	if (!m)
		return false;
	cJSON_Delete(m->json);
	*m = (struct message){ 0 };
	return true;
}

static void delete_one(struct sandbox_request *r)
{
	int64_t chat = sandbox_param_chat(r, "chat_id");
	if (!chat)
		return;
	if (forget(r->sandbox, chat, sandbox_param_number(r, "message_id", 0)))
		sandbox_result(r, "true");
	else
		sandbox_refuse(r, 400, "Bad Request: message to delete not found");
}

static void delete_several(struct sandbox_request *r)
{
	int64_t chat = sandbox_param_chat(r, "chat_id");
	if (!chat)
		return;
	cJSON *ids = sandbox_param_json(r, "message_ids"), *id;
	cJSON_ArrayForEach(id, ids) forget(r->sandbox, chat, id->valueint);
	cJSON_Delete(ids);
	sandbox_result(r, "true");
}

/* A message of the bot with the content of `id`; NULL after a refusal. */
static cJSON *pass_on(struct sandbox_request *r, int64_t chat, int64_t from, int64_t id, bool copy)
{
	static const char *const not_content[] = { "message_id",
						   "from",
						   "chat",
						   "date",
						   "reply_markup",
						   "reply_to_message",
						   "edit_date",
						   "message_thread_id",
						   "is_topic_message",
						   "business_connection_id",
						   "forward_origin",
						   "sender_chat" };
	const struct message *m = sandbox_message_find(r->sandbox, from, id);
	if (!m && !sandbox_message_was(r->sandbox, from, id)) {
		sandbox_refuse(r, 400,
			       copy ? "Bad Request: message to copy not found"
				    : "Bad Request: message to forward not found");
		return NULL;
	}
	cJSON *message = sandbox_message_new(r, chat);
	if (!message)
		return NULL;
	if (!copy) {
		cJSON *origin = cJSON_AddObjectToObject(message, "forward_origin");
		const cJSON *sender = m ? cJSON_GetObjectItemCaseSensitive(m->json, "from") : NULL;
		cJSON_AddStringToObject(origin, "type", sender ? "user" : "hidden_user");
		cJSON_AddNumberToObject(origin, "date",
					(double)(r->sandbox->clock->wall(r->sandbox->clock) /
						 1000));
		if (sender)
			cJSON_AddItemToObject(origin, "sender_user", cJSON_Duplicate(sender, 1));
		else
			cJSON_AddStringToObject(origin, "sender_user_name", "Sandbox");
	}
	const cJSON *source = m ? m->json : NULL, *item;
	cJSON_ArrayForEach(item, source)
	{
		bool content = true;
		for (size_t i = 0; i < sizeof not_content / sizeof *not_content; i++)
			content = content && strcmp(item->string, not_content[i]) != 0;
		if (content)
			cJSON_AddItemToObject(message, item->string, cJSON_Duplicate(item, 1));
	}
	if (copy && sandbox_param(r, "caption")) {
		cJSON_DeleteItemFromObjectCaseSensitive(message, "caption");
		cJSON_DeleteItemFromObjectCaseSensitive(message, "caption_entities");
		if (!sandbox_add_text(r, message, r->params, "caption")) {
			cJSON_Delete(message);
			return NULL;
		}
	}
	sandbox_message_send(r, chat, message);
	return message;
}

static cJSON *only_id(const cJSON *message)
{
	cJSON *out = cJSON_CreateObject();
	cJSON_AddItemToObject(
		out, "message_id",
		cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(message, "message_id"), 1));
	return out;
}

static void pass_one(struct sandbox_request *r, bool copy)
{
	int64_t chat = sandbox_param_chat(r, "chat_id"),
		from = chat ? sandbox_param_chat(r, "from_chat_id") : 0;
	if (!from)
		return;
	cJSON *message = pass_on(r, chat, from, sandbox_param_number(r, "message_id", 0), copy);
	if (message)
		sandbox_result_json(r, copy ? only_id(message) : cJSON_Duplicate(message, 1));
}

static void forward_one(struct sandbox_request *r)
{
	pass_one(r, false);
}

static void copy_one(struct sandbox_request *r)
{
	pass_one(r, true);
}

/* Those that are not there are passed over, as the server does, unless none is. */
static void pass_several(struct sandbox_request *r)
{
	struct sandbox *s = r->sandbox;
	int64_t chat = sandbox_param_chat(r, "chat_id"),
		from = chat ? sandbox_param_chat(r, "from_chat_id") : 0;
	if (!from)
		return;
	bool copy = r->method[0] == 'c';
	cJSON *ids = sandbox_param_json(r, "message_ids"), *sent = cJSON_CreateArray(), *id;
	cJSON_ArrayForEach(id, ids)
	{
		bool there = sandbox_message_find(s, from, id->valueint) ||
			     sandbox_message_was(s, from, id->valueint);
		cJSON *message = there ? pass_on(r, chat, from, id->valueint, copy) : NULL;
		if (message)
			cJSON_AddItemToArray(sent, only_id(message));
		else if (there)
			break;
	}
	cJSON_Delete(ids);
	if (sent->child) {
		sandbox_result_json(r, sent);
		return;
	}
	cJSON_Delete(sent);
	sandbox_refuse(r, 400,
		       copy ? "Bad Request: there are no messages to copy"
			    : "Bad Request: there are no messages to forward");
}

bool sandbox_call_edit(struct sandbox_request *r)
{
	static const struct {
		const char *method;
		void (*call)(struct sandbox_request *r);
	} rows[] = {
		{ "editMessageText", edit_text },
		{ "editMessageCaption", edit_caption },
		{ "editMessageReplyMarkup", edit_markup },
		{ "deleteMessage", delete_one },
		{ "deleteMessages", delete_several },
		{ "forwardMessage", forward_one },
		{ "copyMessage", copy_one },
		{ "forwardMessages", pass_several },
		{ "copyMessages", pass_several },
		{ "editMessageMedia", edit_other },
		{ "editMessageLiveLocation", edit_other },
		{ "stopMessageLiveLocation", edit_other },
		{ "editMessageChecklist", edit_other },
		{ "setGameScore", edit_other },
		{ "stopPoll", stop_poll },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcasecmp(r->method, rows[i].method) == 0) {
			strcpy(r->method, rows[i].method);
			rows[i].call(r);
			return true;
		}
	return false;
}
