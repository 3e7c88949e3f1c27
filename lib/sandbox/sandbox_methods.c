/* sandbox/sandbox_methods: what a call is answered with. Whole requests come in, each goes to the method it names; pushes of updates come in from the
 * sandbox's owner.
 *
 * A method that is not played here is answered with the least that the server's answer holds, so that a bot which uses it goes on. */
#include "sandbox/sandbox_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/methods.h"

/* Answers. */

void sandbox_tell(struct sandbox_request *r, int status, const char *result, const char *description)
{
	const struct sandbox_config *config = &r->sandbox->config;
	if (r->answered || r->drop)
		return;
	if (strcmp(r->method, "getUpdates") == 0) {
		struct sandbox_poll poll = { r->params, r->offset, r->limit, r->timeout, status, 0, 0, 0, r->fault_name };
		if (config->polled)
			config->polled(config->arg, &poll);
	} else if (r->method[0] && config->called) {
		struct sandbox_call call = { r->method, r->params, status, result, description };
		config->called(config->arg, &call);
	}
}

void sandbox_result(struct sandbox_request *r, const char *result)
{
	struct buf out;
	buf_init(&out, SANDBOX_BODY_MAX);
	if (buf_addf(&out, "{\"ok\":true,\"result\":%s}", result))
		buf_release(&out);
	sandbox_tell(r, 200, result, NULL);
	sandbox_answer(r, 200, out.data, out.len);
}

void sandbox_result_json(struct sandbox_request *r, cJSON *result)
{
	char *text = result ? cJSON_PrintUnformatted(result) : NULL;
	cJSON_Delete(result);
	if (text)
		sandbox_result(r, text);
	else
		sandbox_refuse(r, 500, "Internal Server Error");
	cJSON_free(text);
}

void sandbox_refuse(struct sandbox_request *r, int status, const char *description)
{
	struct buf out;
	buf_init(&out, SANDBOX_BODY_MAX);
	if (buf_addf(&out, "{\"ok\":false,\"error_code\":%d,\"description\":", status) ||
	    buf_add_json(&out, description, strlen(description)) || buf_addc(&out, '}'))
		buf_release(&out);
	sandbox_tell(r, status, NULL, description);
	sandbox_answer(r, status, out.data, out.len);
}

/* Methods. */

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
		sandbox_refuse(r, 400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook");
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

static void answer_query(struct sandbox_request *r)
{
	static const char *const names[] = { "callback_query_id", "inline_query_id", "shipping_query_id", "pre_checkout_query_id" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *id = sandbox_param(r, names[i]);
		if (id && *id) {
			sandbox_result(r, "true");
			return;
		}
	}
	sandbox_refuse(r, 400, "Bad Request: query is too old and response timeout expired or query ID is invalid");
}

static void set_commands(struct sandbox_request *r)
{
	struct sandbox *s = r->sandbox;
	cJSON *commands = strcmp(r->method, "setMyCommands") == 0 ? sandbox_param_json(r, "commands") : cJSON_CreateArray();
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
	sandbox_result_json(r, r->sandbox->commands ? cJSON_Duplicate(r->sandbox->commands, 1) : cJSON_CreateArray());
}

static void get_chat(struct sandbox_request *r)
{
	int64_t chat = sandbox_param_chat(r, "chat_id");
	if (chat)
		sandbox_result_json(r, sandbox_chat_json(r->sandbox, chat));
}

static void get_member(struct sandbox_request *r)
{
	int64_t chat = sandbox_param_chat(r, "chat_id"), user = chat ? sandbox_param_chat(r, "user_id") : 0;
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

#define FILE_CONTENT "a file of the sandbox\n"

static void get_file(struct sandbox_request *r)
{
	const char *id = sandbox_param(r, "file_id");
	if (!id || !*id || strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(id)) {
		sandbox_refuse(r, 400, id && *id ? "Bad Request: wrong file identifier/HTTP URL specified" :
						   "Bad Request: file_id not specified");
		return;
	}
	struct buf path;
	buf_init(&path, 1024);
	cJSON *file = cJSON_CreateObject();
	cJSON_AddStringToObject(file, "file_id", id);
	cJSON_AddStringToObject(file, "file_unique_id", id);
	cJSON_AddNumberToObject(file, "file_size", sizeof FILE_CONTENT - 1);
	if (!buf_addf(&path, "files/%s", id))
		cJSON_AddStringToObject(file, "file_path", buf_str(&path));
	buf_release(&path);
	sandbox_result_json(r, file);
}

static void serve_file(struct sandbox_request *r)
{
	const char *rest = r->path + strlen("/file/bot");
	size_t n = strlen(r->sandbox->token);
	if (strncmp(rest, r->sandbox->token, n) != 0 || strncmp(rest + n, "/files/", 7) != 0) {
		sandbox_refuse(r, 404, "Not Found");
		return;
	}
	r->type = "application/octet-stream";
	sandbox_answer(r, 200, strdup(FILE_CONTENT), sizeof FILE_CONTENT - 1);
}

bool sandbox_call_method(struct sandbox_request *r)
{
	static const struct {
		const char *method;
		void (*call)(struct sandbox_request *r);
	} rows[] = {
		{ "getUpdates", sandbox_get_updates }, { "getMe", get_me },
		{ "getWebhookInfo", get_webhook_info }, { "setWebhook", set_webhook },
		{ "deleteWebhook", set_webhook },      { "logOut", log_out },
		{ "close", yes },                      { "getChat", get_chat },
		{ "getChatMember", get_member },       { "getFile", get_file },
		{ "setMyCommands", set_commands },     { "deleteMyCommands", set_commands },
		{ "getMyCommands", get_commands },     { "answerCallbackQuery", answer_query },
		{ "answerInlineQuery", answer_query }, { "answerShippingQuery", answer_query },
		{ "answerPreCheckoutQuery", answer_query }, { "sendChatAction", yes_in_chat },
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

/* What methods return that are not played, where it is not `true`: as the documentation has it, and nothing optional. */
static const struct {
	const char *method, *result;
} unplayed[] = {
#define GIFTS "{\"total_count\":0,\"gifts\":[]}"
#define LINK "{\"invite_link\":\"https://t.me/+sandbox\",\"creator\":{\"id\":1,\"is_bot\":true,\"first_name\":\"Sandbox\"}," \
	     "\"creates_join_request\":false,\"is_primary\":false,\"is_revoked\":false}"
#define STORY "{\"chat\":{\"id\":1,\"type\":\"private\"},\"id\":1}"
#define STARS "{\"amount\":0}"
#define RIGHTS "{\"is_anonymous\":false,\"can_manage_chat\":false,\"can_delete_messages\":false,\"can_manage_video_chats\":false," \
	       "\"can_restrict_members\":false,\"can_promote_members\":false,\"can_change_info\":false,\"can_invite_users\":false," \
	       "\"can_post_stories\":false,\"can_edit_stories\":false,\"can_delete_stories\":false}"
	{ "answerGuestQuery", "{\"inline_message_id\":\"sandbox\"}" }, { "answerWebAppQuery", "{}" },
	{ "createChatInviteLink", LINK }, { "createChatSubscriptionInviteLink", LINK }, { "createInvoiceLink", "\"https://t.me/$sandbox\"" },
	{ "editChatInviteLink", LINK }, { "editChatSubscriptionInviteLink", LINK }, { "editStory", STORY },
	{ "exportChatInviteLink", "\"https://t.me/+sandbox\"" }, { "getAvailableGifts", "{\"gifts\":[]}" },
	{ "getBusinessAccountGifts", GIFTS }, { "getBusinessAccountStarBalance", STARS }, { "getChatAdministrators", "[]" },
	{ "getChatGifts", GIFTS }, { "getChatMemberCount", "2" }, { "getChatMembersCount", "2" },
	{ "getChatMenuButton", "{\"type\":\"default\"}" }, { "getCustomEmojiStickers", "[]" }, { "getForumTopicIconStickers", "[]" },
	{ "getGameHighScores", "[]" }, { "getManagedBotToken", "\"1:sandbox\"" }, { "getMyDefaultAdministratorRights", RIGHTS },
	{ "getMyDescription", "{\"description\":\"\"}" }, { "getMyName", "{\"name\":\"Sandbox\"}" },
	{ "getMyShortDescription", "{\"short_description\":\"\"}" }, { "getMyStarBalance", STARS },
	{ "getStarTransactions", "{\"transactions\":[]}" },
	{ "getStickerSet", "{\"name\":\"sandbox\",\"title\":\"Sandbox\",\"sticker_type\":\"regular\",\"stickers\":[]}" },
	{ "getUserChatBoosts", "{\"boosts\":[]}" }, { "getUserGifts", GIFTS }, { "getUserPersonalChatMessages", "[]" },
	{ "getUserProfileAudios", "{\"total_count\":0,\"audios\":[]}" }, { "getUserProfilePhotos", "{\"total_count\":0,\"photos\":[]}" },
	{ "postStory", STORY }, { "replaceManagedBotToken", "\"1:sandbox\"" }, { "repostStory", STORY }, { "revokeChatInviteLink", LINK },
	{ "savePreparedInlineMessage", "{\"id\":\"sandbox\",\"expiration_date\":0}" },
	{ "savePreparedKeyboardButton", "{\"id\":\"sandbox\",\"expiration_date\":0}" },
	{ "uploadStickerFile", "{\"file_id\":\"sandbox-file-0\",\"file_unique_id\":\"sandbox0\"}" },
};

static void answer_unplayed(struct sandbox_request *r)
{
	const char *result = "true";
	strcpy(r->method, methods_find(r->method)->name);
	for (size_t i = 0; i < sizeof unplayed / sizeof *unplayed; i++)
		if (strcmp(unplayed[i].method, r->method) == 0)
			result = unplayed[i].result;
	sandbox_result(r, result);
}

void sandbox_dispatch(struct sandbox_request *r)
{
	if (strncmp(r->path, "/file/bot", 9) == 0)
		serve_file(r);
	else if (!r->method[0])
		sandbox_refuse(r, 404, "Not Found");
	else if (r->sandbox->logged_out)
		sandbox_refuse(r, 400, "Logged out");
	else if (!methods_find(r->method))
		sandbox_refuse(r, 404, "Not Found: method not found");
	else if (!sandbox_call_method(r) && !sandbox_call_send(r) && !sandbox_call_edit(r) && !sandbox_call_topic(r))
		answer_unplayed(r);
}

/* Pushes. */

int64_t sandbox_push(struct sandbox *s, const char *kind, const char *object)
{
	size_t n = strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789_");
	if (n == 0 || n > 64 || kind[n])
		return -1;
	if (!sandbox_updates_wanted(s, kind))
		return 0;
	struct buf update;
	buf_init(&update, SANDBOX_BODY_MAX);
	int64_t id = s->next_id;
	if (buf_addf(&update, "{\"update_id\":%lld,\"%s\":%s}", (long long)id, kind, object)) {
		buf_release(&update);
		return -1;
	}
	if (sandbox_updates_add(s, true, id, update.data, update.len))
		return -1;
	cJSON *json = cJSON_Parse(object);
	sandbox_messages_note(s, kind, json);
	cJSON_Delete(json);
	sandbox_updates_wake(s);
	return id;
}

int sandbox_push_raw(struct sandbox *s, const char *update, size_t n)
{
	static const char opening[] = "{\"update_id\":";
	cJSON *json = cJSON_ParseWithLength(update, n);
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "update_id"), *item;
	bool has_id = cJSON_IsNumber(id) && id->valuedouble > -9.2e18 && id->valuedouble < 9.2e18 &&
		      (double)(int64_t)id->valuedouble == id->valuedouble;
	char *copy = malloc(n + 1);
	if (copy) {
		memcpy(copy, update, n);
		copy[n] = '\0';
	}
	int64_t number = has_id ? (int64_t)id->valuedouble : 0;
	/* The server knows the id of what no client can read. */
	if (copy && !json && strncmp(copy, opening, sizeof opening - 1) == 0 && isdigit((unsigned char)copy[sizeof opening - 1])) {
		has_id = true;
		number = strtoll(copy + sizeof opening - 1, NULL, 10);
	}
	int rc = sandbox_updates_add(s, has_id, number, copy, n);
	if (rc == 0 && cJSON_IsObject(json))
		cJSON_ArrayForEach(item, json)
			if (cJSON_IsObject(item))
				sandbox_messages_note(s, item->string, item);
	cJSON_Delete(json);
	if (rc == 0)
		sandbox_updates_wake(s);
	return rc;
}

size_t sandbox_pending(const struct sandbox *s)
{
	return s->tail - s->head;
}

bool sandbox_polling(const struct sandbox *s)
{
	return s->poll != NULL;
}

void sandbox_stats(const struct sandbox *s, struct sandbox_stats *out)
{
	*out = s->stats;
	out->pending = sandbox_pending(s);
	out->open_polls = s->poll != NULL;
}
