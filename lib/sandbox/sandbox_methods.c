/* sandbox/sandbox_methods: the methods of the Bot API that neither send nor change messages: the
 * bot itself, webhooks, commands. A call comes in, its answer goes out.
 *
 * What they set (a webhook, commands) lasts as long as the sandbox, and is what they tell later. */
#include "sandbox/sandbox_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void get_me(struct sandbox_request *r)
{
	cJSON *bot = sandbox_bot_json(r->sandbox);
	cJSON_AddTrueToObject(bot, "can_join_groups");
	cJSON_AddFalseToObject(bot, "can_read_all_group_messages");
	cJSON_AddTrueToObject(bot, "supports_inline_queries");
	sandbox_result_json(r, bot);
}

static void get_webhook_info(struct sandbox_request *r)
{
	const struct sandbox *s = r->sandbox;
	cJSON *info = cJSON_CreateObject();
	cJSON_AddStringToObject(info, "url", s->webhook ? s->webhook : "");
	cJSON_AddFalseToObject(info, "has_custom_certificate");
	cJSON_AddNumberToObject(info, "pending_update_count", (double)sandbox_pending(s));
	if (s->allowed)
		cJSON_AddItemToObject(info, "allowed_updates", cJSON_Duplicate(s->allowed, 1));
	sandbox_result_json(r, info);
}

static void set_webhook(struct sandbox_request *r)
{
	struct sandbox *s = r->sandbox;
	const char *url = strcmp(r->method, "setWebhook") == 0 ? sandbox_param(r, "url") : NULL;
	char *copy = url && *url ? strdup(url) : NULL;
	if (copy && strncmp(copy, "https://", 8) != 0) {
		free(copy);
		sandbox_refuse(
			r, 400,
			"Bad Request: bad webhook: An HTTPS URL must be provided for webhook");
		return;
	}
	sandbox_updates_allow(r);
	free(s->webhook);
	s->webhook = copy;
	if (s->webhook && s->poll)
		sandbox_conflict(s->poll, "Conflict: terminated by setWebhook request");
	if (sandbox_param_true(r, "drop_pending_updates"))
		sandbox_updates_drop(s);
	sandbox_result(r, "true");
}

static void log_out(struct sandbox_request *r)
{
	r->sandbox->logged_out = true;
	sandbox_result(r, "true");
}

static void yes(struct sandbox_request *r)
{
	sandbox_result(r, "true");
}

static void yes_in_chat(struct sandbox_request *r)
{
	if (sandbox_param_chat(r, "chat_id"))
		sandbox_result(r, "true");
}

static void chat_action(struct sandbox_request *r)
{
	static const char *const actions[] = {
		"typing",        "upload_photo",      "record_video",      "upload_video",
		"record_voice",  "upload_voice",      "upload_document",   "choose_sticker",
		"find_location", "record_video_note", "upload_video_note",
	};
	const char *action = sandbox_param(r, "action");
	size_t i = 0;
	int64_t chat = sandbox_param_chat(r, "chat_id"), topic;
	while (action && i < sizeof actions / sizeof *actions &&
	       strcasecmp(action, actions[i]) != 0)
		i++;
	if (!chat || !sandbox_param_topic(r, chat, &topic))
		return;
	if (action && i < sizeof actions / sizeof *actions)
		sandbox_result(r, "true");
	else
		sandbox_refuse(r, 400, "Bad Request: wrong parameter action in request");
}

static void set_commands(struct sandbox_request *r)
{
	struct sandbox *s = r->sandbox;
	cJSON *commands = strcmp(r->method, "setMyCommands") == 0
				  ? sandbox_param_json(r, "commands")
				  : cJSON_CreateArray();
	if (!cJSON_IsArray(commands)) {
		cJSON_Delete(commands);
		sandbox_refuse(r, 400, "Bad Request: can't parse commands JSON object");
		return;
	}
	cJSON_Delete(s->commands);
	s->commands = commands;
	sandbox_result(r, "true");
}

static void get_commands(struct sandbox_request *r)
{
	sandbox_result_json(r, r->sandbox->commands ? cJSON_Duplicate(r->sandbox->commands, 1)
						    : cJSON_CreateArray());
}

static void get_chat(struct sandbox_request *r)
{
	int64_t chat = sandbox_param_chat(r, "chat_id");
	if (chat)
		sandbox_result_json(r, sandbox_chat_json(r->sandbox, chat));
}

static void get_member(struct sandbox_request *r)
{
	int64_t chat = sandbox_param_chat(r, "chat_id"),
		user = chat ? sandbox_param_chat(r, "user_id") : 0;
	if (!user)
		return;
	cJSON *member = cJSON_CreateObject(), *person = cJSON_CreateObject();
	bool self = (double)user == strtod(r->sandbox->token, NULL);
	cJSON_AddStringToObject(member, "status", self ? "administrator" : "member");
	cJSON_AddNumberToObject(person, "id", (double)user);
	cJSON_AddBoolToObject(person, "is_bot", self);
	cJSON_AddStringToObject(person, "first_name", "Sandbox");
	cJSON_AddItemToObject(member, "user", person);
	sandbox_result_json(r, member);
}

bool sandbox_call_method(struct sandbox_request *r)
{
	static const struct {
		const char *method;
		void (*call)(struct sandbox_request *r);
	} rows[] = {
		{ "getUpdates", sandbox_get_updates },
		{ "getMe", get_me },
		{ "getWebhookInfo", get_webhook_info },
		{ "setWebhook", set_webhook },
		{ "deleteWebhook", set_webhook },
		{ "logOut", log_out },
		{ "close", yes },
		{ "getChat", get_chat },
		{ "getChatMember", get_member },
		{ "getFile", sandbox_get_file },
		{ "setMyCommands", set_commands },
		{ "deleteMyCommands", set_commands },
		{ "getMyCommands", get_commands },
		{ "sendChatAction", chat_action },
		{ "setMessageReaction", yes_in_chat },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcasecmp(r->method, rows[i].method) == 0) {
			strcpy(r->method, rows[i].method);
			rows[i].call(r);
			return true;
		}
	return false;
}
