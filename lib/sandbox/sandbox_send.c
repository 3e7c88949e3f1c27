/* sandbox/sandbox_send: the methods that send messages. A call's parameters come in; a Message as
 * the server would give it, or its refusal, goes out.
 *
 * Nothing is kept of a call that is refused. */
#include "sandbox/sandbox_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"

struct send {
	/* the parameter that it cannot do without, which names the message's content too */
	const char *method, *field;
	const char *missing; /* the server's words when it is not there */
	void (*fill)(struct sandbox_request *r, cJSON *message, const struct send *row);
};

static void add_file(struct sandbox_request *r, cJSON *message, const cJSON *given,
		     const char *kind)
{
	cJSON *file = sandbox_file_json(r, given, kind);
	if (strcmp(kind, "photo") == 0) /* in all its sizes */
		cJSON_AddItemToArray(cJSON_AddArrayToObject(message, kind), file);
	else
		cJSON_AddItemToObject(message, kind, file);
}

static void fill_file(struct sandbox_request *r, cJSON *message, const struct send *row)
{
	add_file(r, message, json_member(r->params, row->field), row->field);
}

static void copy_number(struct sandbox_request *r, cJSON *to, const char *name)
{
	const char *text = sandbox_param(r, name);
	if (text)
		cJSON_AddNumberToObject(to, name, strtod(text, NULL));
}

static void copy_text(struct sandbox_request *r, cJSON *to, const char *name)
{
	const char *text = sandbox_param(r, name);
	if (text)
		cJSON_AddStringToObject(to, name, text);
}

static void fill_location(struct sandbox_request *r, cJSON *message, const struct send *row)
{
	cJSON *venue = strcmp(row->method, "sendVenue") == 0
			       ? cJSON_AddObjectToObject(message, "venue")
			       : NULL;
	cJSON *location = cJSON_AddObjectToObject(message, "location");
	copy_number(r, location, "latitude");
	copy_number(r, location, "longitude");
	if (venue) {
		cJSON_AddItemToObject(venue, "location", cJSON_Duplicate(location, 1));
		copy_text(r, venue, "title");
		copy_text(r, venue, "address");
	}
}

static void fill_contact(struct sandbox_request *r, cJSON *message, const struct send *row)
{
	(void)row;
	cJSON *contact = cJSON_AddObjectToObject(message, "contact");
	copy_text(r, contact, "phone_number");
	copy_text(r, contact, "first_name");
	copy_text(r, contact, "last_name");
}

static void fill_dice(struct sandbox_request *r, cJSON *message, const struct send *row)
{
	(void)row;
	const char *emoji = sandbox_param(r, "emoji");
	cJSON *dice = cJSON_AddObjectToObject(message, "dice");
	cJSON_AddStringToObject(dice, "emoji", emoji ? emoji : "\xf0\x9f\x8e\xb2");
	/* always the same, so that a bot can be tested */
	cJSON_AddNumberToObject(dice, "value", 4);
}

static void fill_poll(struct sandbox_request *r, cJSON *message, const struct send *row)
{
	char id[32];
	const char *type = sandbox_param(r, "type");
	cJSON *poll = cJSON_AddObjectToObject(message, "poll"),
	      *options = sandbox_param_json(r, "options"), *option;
	(void)row;
	snprintf(id, sizeof id, "%llu", (unsigned long long)++r->sandbox->files);
	cJSON_AddStringToObject(poll, "id", id);
	copy_text(r, poll, "question");
	cJSON *out = cJSON_AddArrayToObject(poll, "options");
	cJSON_ArrayForEach(option, options)
	{
		const cJSON *text = cJSON_IsString(option)
					    ? option
					    : cJSON_GetObjectItemCaseSensitive(option, "text");
		cJSON *one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "text", cJSON_IsString(text) ? text->valuestring : "");
		cJSON_AddNumberToObject(one, "voter_count", 0);
		cJSON_AddItemToArray(out, one);
	}
	cJSON_Delete(options);
	cJSON_AddNumberToObject(poll, "total_voter_count", 0);
	cJSON_AddBoolToObject(poll, "is_closed", 0);
	cJSON_AddBoolToObject(poll, "is_anonymous",
			      !sandbox_param(r, "is_anonymous") ||
				      sandbox_param_true(r, "is_anonymous"));
	cJSON_AddStringToObject(poll, "type", type ? type : "regular");
	cJSON_AddBoolToObject(poll, "allows_multiple_answers",
			      sandbox_param_true(r, "allows_multiple_answers"));
}

static void fill_invoice(struct sandbox_request *r, cJSON *message, const struct send *row)
{
	(void)row;
	cJSON *invoice = cJSON_AddObjectToObject(message, "invoice"),
	      *prices = sandbox_param_json(r, "prices"), *price;
	double total = 0;
	copy_text(r, invoice, "title");
	copy_text(r, invoice, "description");
	cJSON_AddStringToObject(invoice, "start_parameter", "");
	copy_text(r, invoice, "currency");
	cJSON_ArrayForEach(price, prices)
	{
		const cJSON *amount = cJSON_GetObjectItemCaseSensitive(price, "amount");
		total += cJSON_IsNumber(amount) ? amount->valuedouble : 0;
	}
	cJSON_Delete(prices);
	cJSON_AddNumberToObject(invoice, "total_amount", total);
}

static void fill_game(struct sandbox_request *r, cJSON *message, const struct send *row)
{
	cJSON *game = cJSON_AddObjectToObject(message, "game");
	copy_text(r, game, row->field);
	cJSON_AddStringToObject(game, "title", "Sandbox");
	cJSON_AddStringToObject(game, "description", "");
	cJSON_AddArrayToObject(game, "photo");
}

static void fill_paid(struct sandbox_request *r, cJSON *message, const struct send *row)
{
	cJSON *media = sandbox_param_json(r, row->field), *one,
	      *paid = cJSON_AddObjectToObject(message, "paid_media");
	copy_number(r, paid, "star_count");
	cJSON *list = cJSON_AddArrayToObject(paid, "paid_media");
	cJSON_ArrayForEach(one, media)
	{
		const char *kind = json_text(one, "type");
		bool photo = strcmp(kind, "photo") == 0;
		cJSON *item = cJSON_CreateObject();
		cJSON_AddStringToObject(item, "type", photo ? "photo" : "video");
		add_file(r, item, json_member(one, "media"), photo ? "photo" : "video");
		cJSON_AddItemToArray(list, item);
	}
	cJSON_Delete(media);
}

static void fill_checklist(struct sandbox_request *r, cJSON *message, const struct send *row)
{
	cJSON *given = sandbox_param_json(r, row->field), *task,
	      *list = cJSON_AddObjectToObject(message, row->field);
	cJSON_AddStringToObject(list, "title", json_text(given, "title"));
	cJSON *tasks = cJSON_AddArrayToObject(list, "tasks");
	cJSON_ArrayForEach(task, json_member(given, "tasks"))
	{
		cJSON *item = cJSON_CreateObject();
		cJSON_AddNumberToObject(item, "id", json_number(task, "id"));
		cJSON_AddStringToObject(item, "text", json_text(task, "text"));
		cJSON_AddItemToArray(tasks, item);
	}
	cJSON_Delete(given);
}

static const struct send sends[] = {
	{ "sendMessage", "text", "message text is empty", NULL },
	{ "sendPhoto", "photo", "there is no photo in the request", fill_file },
	{ "sendAudio", "audio", "there is no audio in the request", fill_file },
	{ "sendDocument", "document", "there is no document in the request", fill_file },
	{ "sendVideo", "video", "there is no video in the request", fill_file },
	{ "sendAnimation", "animation", "there is no animation in the request", fill_file },
	{ "sendVoice", "voice", "there is no voice in the request", fill_file },
	{ "sendVideoNote", "video_note", "there is no video note in the request", fill_file },
	{ "sendSticker", "sticker", "there is no sticker in the request", fill_file },
	{ "sendLocation", "latitude", "latitude is empty", fill_location },
	{ "sendVenue", "latitude", "latitude is empty", fill_location },
	{ "sendContact", "phone_number", "phone number must be non-empty", fill_contact },
	{ "sendPoll", "question", "poll question must be non-empty", fill_poll },
	{ "sendDice", NULL, NULL, fill_dice },
	{ "sendLivePhoto", "live_photo", "there is no live photo in the request", fill_file },
	{ "sendInvoice", "title", "title must be non-empty", fill_invoice },
	{ "sendGame", "game_short_name", "game_short_name is empty", fill_game },
	{ "sendPaidMedia", "media", "media is empty", fill_paid },
	{ "sendChecklist", "checklist", "checklist is empty", fill_checklist },
};

/* What the new message answers to. false after a refusal. */
static bool add_reply(struct sandbox_request *r, int64_t chat, cJSON *message)
{
	cJSON *parameters = sandbox_param_json(r, "reply_parameters");
	const cJSON *named = cJSON_GetObjectItemCaseSensitive(parameters, "message_id");
	int64_t id = cJSON_IsNumber(named) ? named->valueint
					   : sandbox_param_number(r, "reply_to_message_id", 0);
	bool lenient = cJSON_IsTrue(
			       cJSON_GetObjectItemCaseSensitive(parameters,
								"allow_sending_without_reply")) ||
		       sandbox_param_true(r, "allow_sending_without_reply");
	cJSON_Delete(parameters);
	if (id == 0)
		return true;
	const struct message *to = sandbox_message_find(r->sandbox, chat, id);
	if (to) {
		cJSON *copy = cJSON_Duplicate(to->json, 1);
		cJSON_DeleteItemFromObjectCaseSensitive(copy, "reply_to_message");
		cJSON_AddItemToObject(message, "reply_to_message", copy);
	} else if (!lenient && !sandbox_message_was(r->sandbox, chat, id)) {
		sandbox_refuse(r, 400, "Bad Request: message to be replied not found");
		return false;
	}
	return true;
}

/* Inline keyboards come back with the message, others do not. false after a refusal. */
bool sandbox_add_markup(struct sandbox_request *r, cJSON *message)
{
	const char *text = sandbox_param(r, "reply_markup");
	cJSON *markup = sandbox_param_json(r, "reply_markup");
	if (cJSON_GetObjectItemCaseSensitive(r->params, "reply_markup") && !(text && !*text) &&
	    !cJSON_IsObject(markup)) {
		sandbox_refuse(
			r, 400,
			markup ? "Bad Request: object expected as reply markup"
			       : "Bad Request: can't parse reply keyboard markup JSON object");
		cJSON_Delete(markup);
		return false;
	}
	if (cJSON_GetObjectItemCaseSensitive(markup, "inline_keyboard"))
		cJSON_AddItemToObject(message, "reply_markup", markup);
	else
		cJSON_Delete(markup);
	return true;
}

/* A message of the bot without content, not kept yet. NULL after a refusal. */
cJSON *sandbox_message_new(struct sandbox_request *r, int64_t chat)
{
	struct sandbox *s = r->sandbox;
	int64_t topic = 0;
	if (!sandbox_param_topic(r, chat, &topic))
		return NULL;
	cJSON *message = cJSON_CreateObject();
	cJSON_AddNumberToObject(message, "message_id", 0);
	if (topic) {
		cJSON_AddNumberToObject(message, "message_thread_id", (double)topic);
		cJSON_AddTrueToObject(message, "is_topic_message");
	}
	copy_text(r, message, "business_connection_id");
	cJSON_AddItemToObject(message, "from", sandbox_bot_json(s));
	cJSON_AddItemToObject(message, "chat", sandbox_chat_json(s, chat));
	cJSON_AddNumberToObject(message, "date", (double)(s->clock->wall(s->clock) / 1000));
	if (add_reply(r, chat, message) && sandbox_add_markup(r, message))
		return message;
	cJSON_Delete(message);
	return NULL;
}

/* Gives the message its id and keeps it. */
void sandbox_message_send(struct sandbox_request *r, int64_t chat, cJSON *message)
{
	int64_t id = sandbox_message_id(r->sandbox, chat);
	cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(message, "message_id"), (double)id);
	sandbox_message_keep(r->sandbox, chat, id, message, true);
}

/* One of an album, not kept yet. NULL after a refusal. */
static cJSON *album_message(struct sandbox_request *r, int64_t chat, const cJSON *one,
			    uint64_t group)
{
	static const char *const kinds[] = { "photo", "video", "document", "audio", "live_photo" };
	const char *kind = json_text(one, "type");
	const cJSON *media = json_member(one, "media");
	char id[32];
	size_t i = 0;
	while (i < sizeof kinds / sizeof *kinds && strcmp(kinds[i], kind) != 0)
		i++;
	if (i == sizeof kinds / sizeof *kinds) {
		sandbox_refuse(r, 400,
			       "Bad Request: can't parse InputMedia: type must be one of photo, "
			       "video, document, audio");
		return NULL;
	}
	if (!sandbox_file_is_fine(r, media))
		return NULL;
	cJSON *message = sandbox_message_new(r, chat);
	if (!message || !sandbox_add_text(r, message, one, "caption")) {
		cJSON_Delete(message);
		return NULL;
	}
	snprintf(id, sizeof id, "%llu", (unsigned long long)group);
	cJSON_AddStringToObject(message, "media_group_id", id);
	add_file(r, message, media, kind);
	return message;
}

/* All of it, or nothing. */
static void send_group(struct sandbox_request *r)
{
	int64_t chat = sandbox_param_chat(r, "chat_id");
	if (!chat)
		return;
	cJSON *media = sandbox_param_json(r, "media"), *sent = cJSON_CreateArray(), *one;
	uint64_t group = ++r->sandbox->files;
	if (!cJSON_IsArray(media) || !media->child || cJSON_GetArraySize(media) > 10) {
		sandbox_refuse(r, 400, "Bad Request: can't parse media JSON object");
		goto out;
	}
	cJSON_ArrayForEach(one, media)
	{
		cJSON *message = album_message(r, chat, one, group);
		if (!message)
			goto out;
		cJSON_AddItemToArray(sent, message);
	}
	cJSON_ArrayForEach(one, sent)
	{
		cJSON *id = cJSON_GetObjectItemCaseSensitive(one, "message_id");
		cJSON_SetNumberValue(id, (double)sandbox_message_id(r->sandbox, chat));
		sandbox_message_keep(r->sandbox, chat, id->valueint, cJSON_Duplicate(one, 1), true);
	}
	sandbox_result_json(r, sent);
	sent = NULL;
out:
	cJSON_Delete(media);
	cJSON_Delete(sent);
}

/* Whether the parameter is missing, or no file, that the method cannot do without. Refuses. */
static bool lacks(struct sandbox_request *r, const struct send *row)
{
	char why[128];
	const cJSON *content = row->field ? cJSON_GetObjectItemCaseSensitive(r->params, row->field)
					  : NULL;
	const char *text = row->field ? sandbox_param(r, row->field) : NULL;
	if (!row->field || (text && *text) || (content && !text && row->fill))
		return row->fill == fill_file && !sandbox_file_is_fine(r, content);
	snprintf(why, sizeof why, "Bad Request: %s", row->missing);
	sandbox_refuse(r, 400, why);
	return true;
}

/* The content is looked at before the chat, as the server does. */
static void send_row(struct sandbox_request *r, const struct send *row)
{
	const char *field = !row->fill                                         ? "text"
			    : row->fill == fill_file || row->fill == fill_paid ? "caption"
									       : NULL;
	cJSON *text = cJSON_CreateObject(), *message = NULL;
	int64_t chat = 0;
	if (!lacks(r, row) && (!field || sandbox_add_text(r, text, r->params, field)))
		chat = sandbox_param_chat(r, "chat_id");
	if (chat)
		message = sandbox_message_new(r, chat);
	if (message) {
		if (row->fill)
			row->fill(r, message, row);
		while (text && text->child) {
			cJSON *item = cJSON_DetachItemViaPointer(text, text->child);
			cJSON_AddItemToObject(message, item->string, item);
		}
		sandbox_message_send(r, chat, message);
		sandbox_result_json(r, cJSON_Duplicate(message, 1));
	}
	cJSON_Delete(text);
}

bool sandbox_call_send(struct sandbox_request *r)
{
	for (size_t i = 0; i < sizeof sends / sizeof *sends; i++)
		if (strcasecmp(r->method, sends[i].method) == 0) {
			strcpy(r->method, sends[i].method);
			send_row(r, &sends[i]);
			return true;
		}
	if (strcasecmp(r->method, "sendMediaGroup") != 0)
		return false;
	strcpy(r->method, "sendMediaGroup");
	send_group(r);
	return true;
}
