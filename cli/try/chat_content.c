/* cli/try/chat_content: a message's JSON in, what a person sees of it out: its text, its file as
 * what it is, its place; and the words by which it is named later. All of it is escaped by
 * chat_put(). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cli/try/chat.h"

struct chat_quote {
	int64_t chat, id;
	char text[CHAT_QUOTE_MAX];
};

void chat_put_place(const struct chat *c, struct buf *out, int64_t chat, int64_t thread,
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

/* What of a message is a file: a photo in all its sizes, a document … NULL: nothing. */
static const char *file_of(const cJSON *message, const cJSON **file)
{
	static const char *const files[] = { "photo",     "live_photo", "audio",
					     "animation", "document",   "video",
					     "voice",     "video_note", "sticker" };
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const cJSON *item = json_member(message, files[i]);
		*file = cJSON_IsArray(item) ? item->child : item;
		if (item)
			return files[i];
	}
	return NULL;
}

/* What a message without text and file is about, by the first member that says so:
 * new_chat_members, pinned_message. */
static const char *matter_of(const cJSON *message)
{
	static const char *const frame[] = {
		"message_id",
		"from",
		"chat",
		"date",
		"sender_chat",
		"message_thread_id",
		"is_topic_message",
		"reply_to_message",
		"reply_markup",
		"edit_date",
		"via_bot",
		"forward_origin",
		"business_connection_id",
		"new_chat_member",
		"new_chat_participant",
	};
	const cJSON *item;
	cJSON_ArrayForEach(item, message)
	{
		size_t i = 0;
		while (i < sizeof frame / sizeof *frame && strcmp(frame[i], item->string) != 0)
			i++;
		if (i == sizeof frame / sizeof *frame)
			return item->string;
	}
	return "message";
}

void chat_put_content(const struct chat *c, const cJSON *message, const cJSON *params,
		      struct buf *out)
{
	const cJSON *item;
	const char *file = file_of(message, &item);
	if (cJSON_IsString(json_member(message, "text")))
		chat_put(c, out, CHAT_PLAIN, "%s", json_text(message, "text"));
	else if (file)
		put_file(c, file, item, message, params, out);
	else if ((item = json_member(message, "venue")))
		chat_put(c, out, CHAT_PLAIN, "[venue: %s, %s]", json_text(item, "title"),
			 json_text(item, "address"));
	else if ((item = json_member(message, "location")))
		chat_put(c, out, CHAT_PLAIN, "[location: %g, %g]", json_number(item, "latitude"),
			 json_number(item, "longitude"));
	else if ((item = json_member(message, "contact")))
		chat_put(c, out, CHAT_PLAIN, "[contact: %s, %s]", json_text(item, "first_name"),
			 json_text(item, "phone_number"));
	else if ((item = json_member(message, "dice")))
		chat_put(c, out, CHAT_PLAIN, "%s %.0f", json_text(item, "emoji"),
			 json_number(item, "value"));
	else if ((item = json_member(message, "poll")))
		put_poll(c, item, out);
	else
		chat_put(c, out, CHAT_PLAIN, "[%s]", matter_of(message));
}

/* ---- names of messages ---- */

/* The first line, or the beginning of it. */
static void begin_of(const cJSON *message, char *text, size_t n)
{
	static const char more[] = "\xe2\x80\xa6";
	const cJSON *file;
	const char *kind = file_of(message, &file), *said = json_text(message, "text");
	if (!*said)
		said = json_text(message, "caption");
	size_t room = n - sizeof more - 2, length = strcspn(said, "\n"),
	       cut = length > room ? utf8_cut(said, room) : length;
	if (length)
		snprintf(text, n, "\"%.*s%s\"", (int)cut, said, said[cut] ? more : "");
	else
		snprintf(text, n, "[%s]", kind ? kind : matter_of(message));
}

void chat_note(struct chat *c, const cJSON *message)
{
	int64_t id = (int64_t)json_number(message, "message_id"),
		chat = (int64_t)json_number(json_member(message, "chat"), "id");
	if (!c->quotes)
		c->quotes = calloc(CHAT_QUOTES_KEPT, sizeof *c->quotes);
	if (!c->quotes || !id)
		return;
	size_t i = 0;
	while (i < CHAT_QUOTES_KEPT && (c->quotes[i].chat != chat || c->quotes[i].id != id))
		i++;
	struct chat_quote
		*q = &c->quotes[i < CHAT_QUOTES_KEPT ? i : c->quote_next++ % CHAT_QUOTES_KEPT];
	q->chat = chat;
	q->id = id;
	begin_of(message, q->text, sizeof q->text);
}

void chat_put_quote(const struct chat *c, struct buf *out, enum chat_style style, int64_t chat,
		    int64_t message_id)
{
	for (size_t i = 0; c->quotes && i < CHAT_QUOTES_KEPT; i++)
		if (c->quotes[i].id == message_id && c->quotes[i].chat == chat) {
			chat_put(c, out, style, "%s", c->quotes[i].text);
			return;
		}
	chat_put(c, out, style, "message %" PRId64, message_id);
}
