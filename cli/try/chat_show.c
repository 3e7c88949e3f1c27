/* cli/try/chat_show: what happens in, what a person reads out: the bot's calls, the updates it
 * gets, its handler's output. What a client of Telegram would show is shown like there; what only a
 * bot's author sees (refusals, other methods) is told in a line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "cli/try/chat.h"
#include "update/update.h"

/* A number, also one that was sent as text. */
static int64_t number_of(const cJSON *object, const char *name)
{
	const cJSON *item = json_member(object, name);
	if (cJSON_IsString(item))
		return strtoll(item->valuestring, NULL, 10);
	return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

static void put_bot(struct chat *c, struct buf *out, int64_t chat, int64_t thread,
		    const char *title)
{
	c->acting[0] = '\0';
	chat_put_place(c, out, chat, thread, title);
	chat_put(c, out, CHAT_BOT, "bot:");
	buf_addc(out, ' ');
}

/* A copy of a parameter of the call that is JSON, sent as JSON or as text. */
static cJSON *json_of(const cJSON *params, const char *name)
{
	const cJSON *given = json_member(params, name);
	return cJSON_IsString(given) ? cJSON_Parse(given->valuestring) : cJSON_Duplicate(given, 1);
}

/* What a message is besides what it holds: edited, an answer to another, forwarded. */
static void put_marks(struct chat *c, const cJSON *message, bool edited, struct buf *out)
{
	const cJSON *to = json_member(message, "reply_to_message");
	if (edited)
		chat_put(c, out, CHAT_DIM, "(edited) ");
	if (json_member(message, "forward_origin"))
		chat_put(c, out, CHAT_DIM, "(forwarded) ");
	if (!to || edited)
		return;
	chat_note(c, to);
	chat_put(c, out, CHAT_DIM, "(to ");
	chat_put_quote(c, out, CHAT_DIM, number_of(json_member(to, "chat"), "id"),
		       number_of(to, "message_id"));
	chat_put(c, out, CHAT_DIM, ") ");
}

static void show_message(struct chat *c, const struct sandbox_call *call, const cJSON *message,
			 struct buf *out)
{
	const cJSON *where = json_member(message, "chat");
	int64_t chat = number_of(where, "id"), id = number_of(message, "message_id");
	bool edited = strncmp(call->method, "edit", 4) == 0;
	put_bot(c, out, chat, number_of(message, "message_thread_id"), json_text(where, "title"));
	put_marks(c, message, edited, out);
	chat_put_content(c, message, call->params, out);
	buf_addc(out, '\n');
	chat_note(c, message);
	if (edited)
		chat_keyboard_gone(c, chat, id);
	cJSON *markup = json_of(call->params, "reply_markup");
	chat_keyboard(c, markup, chat, id, out);
	cJSON_Delete(markup);
}

static void show_deleted(struct chat *c, const struct sandbox_call *call, struct buf *out)
{
	int64_t chat = number_of(call->params, "chat_id");
	cJSON *list = json_of(call->params, "message_ids");
	const cJSON *id = list ? list->child : json_member(call->params, "message_id");
	chat_put_place(c, out, chat, c->thread, "");
	chat_put(c, out, CHAT_DIM, "bot deleted");
	for (; id; id = list ? id->next : NULL) {
		int64_t number = cJSON_IsString(id) ? strtoll(id->valuestring, NULL, 10)
						    : (int64_t)cJSON_GetNumberValue(id);
		buf_addc(out, ' ');
		chat_put_quote(c, out, CHAT_DIM, chat, number);
		chat_keyboard_gone(c, chat, number);
	}
	buf_addc(out, '\n');
	cJSON_Delete(list);
}

/* The emoji of a list of reactions; what has none is named by its type. */
static void put_reactions(const struct chat *c, const cJSON *list, struct buf *out)
{
	const cJSON *one;
	cJSON_ArrayForEach(one, list)
	{
		const char *emoji = json_text(one, "emoji");
		if (*emoji)
			chat_put(c, out, CHAT_PLAIN, "%s ", emoji);
		else
			chat_put(c, out, CHAT_PLAIN, "[%s] ", json_text(one, "type"));
	}
}

/* `who reacted 👍 to "hello"` */
static void put_reaction(const struct chat *c, const cJSON *list, int64_t chat, int64_t message_id,
			 struct buf *out)
{
	bool any = cJSON_IsArray(list) && list->child;
	chat_put(c, out, CHAT_DIM, any ? "reacted " : "took the reaction back ");
	put_reactions(c, list, out);
	chat_put(c, out, CHAT_DIM, any ? "to " : "from ");
	chat_put_quote(c, out, CHAT_DIM, chat, message_id);
	buf_addc(out, '\n');
}

static void show_reaction(struct chat *c, const struct sandbox_call *call, struct buf *out)
{
	cJSON *list = json_of(call->params, "reaction");
	int64_t chat = number_of(call->params, "chat_id");
	chat_put_place(c, out, chat, c->thread, "");
	chat_put(c, out, CHAT_DIM, "bot ");
	put_reaction(c, list, chat, number_of(call->params, "message_id"), out);
	cJSON_Delete(list);
}

/* The answer to an inline query: a line for each result. */
static void show_results(struct chat *c, const struct sandbox_call *call, struct buf *out)
{
	cJSON *list = json_of(call->params, "results");
	const cJSON *one;
	int count = cJSON_GetArraySize(list);
	chat_put(c, out, CHAT_BOT, "bot:");
	chat_put(c, out, CHAT_DIM, " (inline) %d result%s", count, count == 1 ? "" : "s");
	cJSON_ArrayForEach(one, list)
	{
		const char *title = json_text(one, "title"),
			   *text = json_text(json_member(one, "input_message_content"),
					     "message_text");
		chat_put(c, out, CHAT_PLAIN, "\n- %s%s%s", *title ? title : json_text(one, "type"),
			 *text ? ": " : "", text);
	}
	buf_addc(out, '\n');
	cJSON_Delete(list);
}

static void show_action(struct chat *c, const struct sandbox_call *call, struct buf *out)
{
	static const struct {
		const char *prefix, *doing;
	} rows[] = {
		{ "upload_", "sending a " },
		{ "record_", "recording a " },
		{ "choose_", "choosing a " },
		{ "find_", "looking for a " },
	};
	int64_t chat = number_of(call->params, "chat_id");
	const char *action = json_text(call->params, "action"), *doing = "";
	char what[sizeof c->acting];
	snprintf(what, sizeof what, "%s", action);
	if (c->acting_chat == chat && c->acting[0] && strcmp(c->acting, what) == 0)
		return;
	c->acting_chat = chat;
	strcpy(c->acting, what);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strncmp(action, rows[i].prefix, strlen(rows[i].prefix)) == 0) {
			doing = rows[i].doing;
			snprintf(what, sizeof what, "%s", action + strlen(rows[i].prefix));
		}
	for (char *p = what; (p = strchr(p, '_'));)
		*p = ' ';
	chat_put_place(c, out, chat, number_of(call->params, "message_thread_id"), "");
	chat_put_line(c, out, CHAT_DIM, "bot is %s%s\xe2\x80\xa6", doing, what);
}

static void show_toast(struct chat *c, const struct sandbox_call *call, struct buf *out)
{
	const char *text = json_text(call->params, "text"),
		   *alert = json_text(call->params, "show_alert");
	if (!*text) {
		chat_put_line(c, out, CHAT_DIM, "called %s", call->method);
		return;
	}
	chat_put(c, out, CHAT_BOT, "bot:");
	buf_addc(out, ' ');
	chat_put_line(c, out, CHAT_PLAIN, "(%s) %s",
		      json_true(call->params, "show_alert") || strcasecmp(alert, "true") == 0
			      ? "alert"
			      : "toast",
		      text);
}

void chat_show_call(struct chat *c, const struct sandbox_call *call, struct buf *out)
{
	static const struct {
		const char *method;
		void (*show)(struct chat *c, const struct sandbox_call *call, struct buf *out);
	} rows[] = {
		{ "answerCallbackQuery", show_toast }, { "answerInlineQuery", show_results },
		{ "sendChatAction", show_action },     { "deleteMessage", show_deleted },
		{ "deleteMessages", show_deleted },    { "setMessageReaction", show_reaction },
	};
	if (call->description) {
		chat_put_line(c, out, CHAT_RED, "refused: %s: %d %s", call->method, call->status,
			      call->description);
		return;
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(call->method, rows[i].method) == 0) {
			rows[i].show(c, call, out);
			return;
		}
	cJSON *result = call->result ? cJSON_Parse(call->result) : NULL;
	const cJSON *message;
	if (cJSON_IsArray(result) && json_member(result->child, "chat") &&
	    json_member(result->child, "message_id"))
		cJSON_ArrayForEach(message, result) show_message(c, call, message, out);
	else if (json_member(result, "message_id") && json_member(result, "chat"))
		show_message(c, call, result, out);
	else
		chat_put_line(c, out, CHAT_DIM, "called %s", call->method);
	cJSON_Delete(result);
}

/* A kind of update that is a message, or was one before it was edited. */
static bool is_message(const char *kind)
{
	static const char *const kinds[] = { "message", "channel_post", "business_message",
					     "guest_message" };
	kind += strncmp(kind, "edited_", 7) == 0 ? 7 : 0;
	size_t i = 0;
	while (i < sizeof kinds / sizeof *kinds && strcmp(kind, kinds[i]) != 0)
		i++;
	return i < sizeof kinds / sizeof *kinds;
}

static void put_came(struct chat *c, const char *kind, const cJSON *message, struct buf *out)
{
	bool edited = strncmp(kind, "edited_", 7) == 0;
	kind += edited ? 7 : 0;
	if (strcmp(kind, "message") != 0)
		chat_put(c, out, CHAT_DIM, "[%s] ", kind);
	put_marks(c, message, edited, out);
	chat_put_content(c, message, NULL, out);
	buf_addc(out, '\n');
	chat_note(c, message);
}

void chat_show_update(struct chat *c, const char *update, size_t n, struct buf *out)
{
	struct update *u = update_parse(update, n, NULL);
	int64_t chat = 0, thread = 0;
	if (!u)
		return;
	cJSON *json = cJSON_ParseWithLength(update, n);
	const char *kind = update_kind(u), *text = update_text(u);
	const cJSON *body = json_member(json, kind), *from = json_member(body, "from");
	if (update_chat(u, &chat)) {
		update_thread(u, &thread);
		chat_put_place(c, out, chat, thread, "");
	}
	const char *name = json_text(from ? from : json_member(body, "user"), "first_name"),
		   *title = json_text(json_member(body, "sender_chat"), "title");
	chat_put(c, out, CHAT_YOU, "%s:", *title ? title : *name ? name : "someone");
	buf_addc(out, ' ');
	if (is_message(kind)) {
		put_came(c, kind, body, out);
	} else if (strcmp(kind, "message_reaction") == 0) {
		put_reaction(c, json_member(body, "new_reaction"), chat,
			     number_of(body, "message_id"), out);
	} else {
		chat_put(c, out, CHAT_DIM, "[%s]", kind);
		chat_put(c, out, CHAT_PLAIN, "%s%s", text ? " " : "", text ? text : "");
		buf_addc(out, '\n');
	}
	cJSON_Delete(json);
	update_free(u);
}

void chat_show_output(struct chat *c, int which, const char *text, struct buf *out)
{
	chat_put_line(c, out, CHAT_DIM, "%s: %s", which == 1 ? "stdout" : "stderr", text);
}
