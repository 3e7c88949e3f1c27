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

/* Says where something happens unless that is the chat in which one is. */
static void put_place(const struct chat *c, struct buf *out, int64_t chat, int64_t thread,
		      const char *title)
{
	if (chat == c->chat_id && thread == c->thread)
		return;
	char topic[24] = "";
	if (thread)
		snprintf(topic, sizeof topic, ":%" PRId64, thread);
	chat_put(c, out, CHAT_DIM, "(%" PRId64 "%s%s%s)", chat, topic, *title ? " " : "", title);
	buf_addc(out, ' ');
}

static void put_bot(struct chat *c, struct buf *out, int64_t chat, int64_t thread,
		    const char *title)
{
	c->acting[0] = '\0';
	put_place(c, out, chat, thread, title);
	chat_put(c, out, CHAT_BOT, "bot:");
	buf_addc(out, ' ');
}

static void put_size(char *text, size_t n, double bytes)
{
	if (bytes < 1000)
		snprintf(text, n, bytes == 1 ? "%.0f byte" : "%.0f bytes", bytes);
	else if (bytes < 1e6)
		snprintf(text, n, "%.1f kB", bytes / 1e3);
	else
		snprintf(text, n, "%.1f MB", bytes / 1e6);
}

/* [photo: CAPTION] (cat.jpg, 12.0 kB), or where the file comes from. */
static void put_file(const struct chat *c, const char *what, const cJSON *file,
		     const cJSON *message, const cJSON *params, struct buf *out)
{
	char size[40] = "";
	const char *caption = json_text(message, "caption"), *name = json_text(file, "file_name"),
		   *source = json_text(params, what);
	const cJSON *bytes = json_member(file, "file_size");
	if (cJSON_IsNumber(bytes))
		put_size(size, sizeof size, bytes->valuedouble);
	if (!*name && strncmp(source, "attach://", 9) != 0)
		name = source;
	chat_put(c, out, CHAT_PLAIN, "[%s%s%s]", what, *caption ? ": " : "", caption);
	if (*name || *size)
		chat_put(c, out, CHAT_DIM, " (%s%s%s)", name, *name && *size ? ", " : "", size);
}

static void put_poll(const struct chat *c, const cJSON *poll, struct buf *out)
{
	const cJSON *option;
	chat_put(c, out, CHAT_PLAIN, "[poll: %s]", json_text(poll, "question"));
	cJSON_ArrayForEach(option, json_member(poll, "options"))
		chat_put(c, out, CHAT_PLAIN, "\n- %s", json_text(option, "text"));
}

/* What the message holds. `params`: of the call that made it. */
static void put_content(const struct chat *c, const cJSON *message, const cJSON *params,
			struct buf *out)
{
	static const char *const files[] = { "photo",     "audio", "document",   "video",
					     "animation", "voice", "video_note", "sticker" };
	const cJSON *item;
	if (cJSON_IsString(json_member(message, "text"))) {
		chat_put(c, out, CHAT_PLAIN, "%s", json_text(message, "text"));
		return;
	}
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if ((item = json_member(message, files[i]))) {
			put_file(c, files[i], cJSON_IsArray(item) ? item->child : item, message,
				 params, out);
			return;
		}
	if ((item = json_member(message, "venue")))
		chat_put(c, out, CHAT_PLAIN, "[venue: %s, %s]", json_text(item, "title"),
			 json_text(item, "address"));
	else if ((item = json_member(message, "location")))
		chat_put(c, out, CHAT_PLAIN, "[location: %g, %g]",
			 cJSON_GetNumberValue(json_member(item, "latitude")),
			 cJSON_GetNumberValue(json_member(item, "longitude")));
	else if ((item = json_member(message, "contact")))
		chat_put(c, out, CHAT_PLAIN, "[contact: %s, %s]", json_text(item, "first_name"),
			 json_text(item, "phone_number"));
	else if ((item = json_member(message, "dice")))
		chat_put(c, out, CHAT_PLAIN, "%s %" PRId64, json_text(item, "emoji"),
			 number_of(item, "value"));
	else if ((item = json_member(message, "poll")))
		put_poll(c, item, out);
	else
		chat_put(c, out, CHAT_PLAIN, "[message]");
}

/* The call's reply_markup, sent as JSON or as text. */
static cJSON *markup_of(const cJSON *params)
{
	const cJSON *given = json_member(params, "reply_markup");
	return cJSON_IsString(given) ? cJSON_Parse(given->valuestring) : cJSON_Duplicate(given, 1);
}

static void show_message(struct chat *c, const struct sandbox_call *call, const cJSON *message,
			 struct buf *out)
{
	const cJSON *where = json_member(message, "chat");
	int64_t chat = number_of(where, "id"), id = number_of(message, "message_id");
	bool edited = strncmp(call->method, "edit", 4) == 0;
	put_bot(c, out, chat, number_of(message, "message_thread_id"), json_text(where, "title"));
	if (edited)
		chat_put(c, out, CHAT_DIM, "(edited) ");
	if (json_member(message, "forward_origin"))
		chat_put(c, out, CHAT_DIM, "(forwarded) ");
	put_content(c, message, call->params, out);
	buf_addc(out, '\n');
	if (edited)
		chat_keyboard_gone(c, chat, id);
	cJSON *markup = markup_of(call->params);
	chat_keyboard(c, markup, chat, id, out);
	cJSON_Delete(markup);
}

static void show_deleted(struct chat *c, const struct sandbox_call *call, struct buf *out)
{
	int64_t chat = number_of(call->params, "chat_id");
	const cJSON *list = json_member(call->params, "message_ids"), *id;
	cJSON *parsed = cJSON_IsString(list) ? cJSON_Parse(list->valuestring) : NULL;
	if (parsed)
		list = parsed;
	put_place(c, out, chat, c->thread, "");
	if (strcmp(call->method, "deleteMessage") == 0) {
		chat_put_line(c, out, CHAT_DIM, "bot deleted message %" PRId64,
			      number_of(call->params, "message_id"));
		chat_keyboard_gone(c, chat, number_of(call->params, "message_id"));
	} else {
		chat_put(c, out, CHAT_DIM, "bot deleted messages");
		cJSON_ArrayForEach(id, list)
		{
			chat_put(c, out, CHAT_DIM, " %.0f", cJSON_GetNumberValue(id));
			chat_keyboard_gone(c, chat, (int64_t)cJSON_GetNumberValue(id));
		}
		buf_addc(out, '\n');
	}
	cJSON_Delete(parsed);
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
	put_place(c, out, chat, number_of(call->params, "message_thread_id"), "");
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
	if (call->description) {
		chat_put_line(c, out, CHAT_RED, "refused: %s: %d %s", call->method, call->status,
			      call->description);
		return;
	}
	cJSON *result = call->result ? cJSON_Parse(call->result) : NULL;
	const cJSON *message;
	if (strcmp(call->method, "answerCallbackQuery") == 0)
		show_toast(c, call, out);
	else if (strcmp(call->method, "sendChatAction") == 0)
		show_action(c, call, out);
	else if (strcmp(call->method, "deleteMessage") == 0 ||
		 strcmp(call->method, "deleteMessages") == 0)
		show_deleted(c, call, out);
	else if (cJSON_IsArray(result) && json_member(result->child, "chat") &&
		 json_member(result->child, "message_id"))
		cJSON_ArrayForEach(message, result) show_message(c, call, message, out);
	else if (json_member(result, "message_id") && json_member(result, "chat"))
		show_message(c, call, result, out);
	else
		chat_put_line(c, out, CHAT_DIM, "called %s", call->method);
	cJSON_Delete(result);
}

void chat_show_update(struct chat *c, const char *update, size_t n, struct buf *out)
{
	struct update *u = update_parse(update, n, NULL);
	struct buf name;
	int64_t chat = 0, thread = 0;
	char pointer[128];
	if (!u)
		return;
	const char *kind = update_kind(u), *text = update_text(u);
	buf_init(&name, 4096);
	snprintf(pointer, sizeof pointer, "/%s/from/first_name", kind);
	if (update_pointer(u, pointer, &name) <= 0)
		buf_adds(&name, "someone");
	if (update_chat(u, &chat)) {
		update_thread(u, &thread);
		put_place(c, out, chat, thread, "");
	}
	chat_put(c, out, CHAT_YOU, "%s:", buf_str(&name));
	if (strcmp(kind, "message") != 0)
		chat_put(c, out, CHAT_DIM, " [%s]", kind);
	else if (!text)
		chat_put(c, out, CHAT_DIM, " [no text]");
	if (text)
		chat_put(c, out, CHAT_PLAIN, " %s", text);
	buf_addc(out, '\n');
	buf_release(&name);
	update_free(u);
}

void chat_show_output(struct chat *c, int which, const char *text, struct buf *out)
{
	chat_put_line(c, out, CHAT_DIM, "%s: %s", which == 1 ? "stdout" : "stderr", text);
}
