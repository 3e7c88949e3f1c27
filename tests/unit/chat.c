/* tests/unit/chat: what is said becomes the update that a server would send, and the bot's calls
 * the text that a person should read. */
#include "cli/try/chat.h"

#include "cli/try/chat_update.h"
#include "tests/tap.h"

static struct chat chat;
static struct buf out;

static const char *taken(void)
{
	static char text[8192];
	snprintf(text, sizeof text, "%s", buf_str(&out));
	buf_clear(&out);
	return text;
}

static const char *message(int64_t id, const char *text)
{
	struct chat_content content = { .text = text };
	chat_message(&chat, id, 1700000000, &content, &out);
	return taken();
}

static void test_messages(void)
{
	is_str(message(5, "hi \"you\""),
	       "{\"message_id\":5,\"from\":{\"id\":1001,\"is_bot\":false,\"first_name\":\"You\",\"language_code\":\"en\"},"
	       "\"chat\":{\"id\":1001,\"first_name\":\"You\",\"type\":\"private\"},\"date\":1700000000,\"text\":\"hi \\\"you\\\"\"}",
	       "a line is a message of the private chat");
	ok(strstr(message(1, "/start@my_bot x"),
		  "\"entities\":[{\"offset\":0,\"length\":13,\"type\":\"bot_command\"}]}") != NULL,
	   "a command has its entity");
	ok(strstr(message(1, "/ x"), "entities") == NULL, "a slash alone is no command");
	chat_as(&chat, 42, "");
	ok(strstr(message(1, "x"), "\"chat\":{\"id\":42,\"first_name\":\"User 42\"") != NULL,
	   "another user has a private chat of their own");
	chat_in(&chat, -100123, 7, "Pals");
	const char *text = message(1, "x");
	ok(strstr(text,
		  "\"chat\":{\"id\":-100123,\"title\":\"Pals\",\"is_forum\":true,\"type\":\"supergroup\"}") !=
		   NULL,
	   "a group has a title");
	ok(strstr(text, "\"message_thread_id\":7,\"is_topic_message\":true") != NULL,
	   "a topic is told");
	chat_as(&chat, 0, "");
	ok(strstr(message(1, "x"), "\"first_name\":\"You\"") && chat.chat_id == -100123,
	   "who speaks changes without leaving the group");
	struct chat_content cat = { .text = "/see x", .kind = "photo", .file = "[{}]" };
	chat_message(&chat, 3, 1, &cat, &out);
	ok(strstr(taken(),
		  "\"photo\":[{}],\"caption\":\"/see x\",\"caption_entities\":[{\"offset\":0,\"length\":4") !=
		   NULL,
	   "a file has a caption, with its marks");
	cJSON *old = cJSON_Parse(
		"{\"message_id\":3,\"text\":\"a\",\"entities\":[1],\"date\":1,\"edit_date\":2}");
	chat_edited(&chat, old, 9, "b", &out);
	is_str(taken(), "{\"message_id\":3,\"date\":1,\"edit_date\":9,\"text\":\"b\"}",
	       "an edit changes the text and its marks");
	cJSON_Delete(old);
	chat_inline(&chat, "te\"a", 5, &out);
	is_str(taken(),
	       "{\"id\":\"5\",\"from\":{\"id\":1001,\"is_bot\":false,\"first_name\":\"You\",\"language_code\":\"en\"},"
	       "\"chat_type\":\"private\",\"query\":\"te\\\"a\",\"offset\":\"\"}",
	       "an inline query comes from elsewhere");
	chat_prompt(&chat, &out);
	is_str(taken(), "You in Pals #7: ", "the prompt says who and where");
	chat_in(&chat, -100123, 0, "");
	chat_prompt(&chat, &out);
	is_str(taken(), "You in Pals: ", "the same group keeps its title");
	chat_in(&chat, 0, 0, "");
	chat_as(&chat, 7, "E\033[1m");
	chat_prompt(&chat, &out);
	is_str(taken(), "E\\x1b[1m: ", "the prompt is escaped");
	chat_as(&chat, 0, "");
	is_num(chat.chat_id, CHAT_FIRST_USER, "and back in private");
}

/* What is shown of a call; params and result are JSON, result NULL: refused. */
static const char *shown(const char *method, const char *params, const char *result)
{
	cJSON *p = cJSON_Parse(params);
	struct sandbox_call call = { .method = method,
				     .params = p,
				     .status = result ? 200 : 400,
				     .result = result,
				     .description = result ? NULL : "Bad Request: no" };
	chat_show_call(&chat, &call, &out);
	cJSON_Delete(p);
	return taken();
}

#define HERE  "\"message_id\":9,\"chat\":{\"id\":1001,\"type\":\"private\"}"
#define LONG  "0123456789012345678901234567890123456789012345678901234567890123456789"
#define THERE "\"message_id\":9,\"chat\":{\"id\":-5,\"title\":\"Pals\"}"

static void test_calls(void)
{
	is_str(shown("sendMessage", "{}", "{" HERE ",\"text\":\"one\\ntwo\"}"),
	       "bot: one\n\001two\n", "lines of a message are marked");
	is_str(shown("sendMessage", "{}", "{" THERE ",\"text\":\"x\"}"), "(-5 Pals) bot: x\n",
	       "another chat is named");
	is_str(shown("sendMessage", "{}", "{" THERE ",\"message_thread_id\":7,\"text\":\"x\"}"),
	       "(-5:7 Pals) bot: x\n", "so is another topic");
	is_str(shown("sendMessage", "{}",
		     "{" HERE ",\"text\":\"a\\u001b[31m\\r\\u0007\\u009b\\u202eb\\tc\"}"),
	       "bot: a\\x1b[31m\\r\\x07\\u009b\\u202eb    c\n",
	       "no control character comes through");
	is_str(shown("sendPhoto", "{}",
		     "{" HERE
		     ",\"photo\":[{\"file_name\":\"cat.jpg\",\"file_size\":12345}],\"caption\":\"Cat\"}"),
	       "bot: [photo: Cat] (cat.jpg, 12.3 kB)\n", "a photo has its caption, name and size");
	is_str(shown("sendDocument", "{\"document\":\"https://x.org/y\"}",
		     "{" HERE ",\"document\":{\"file_id\":\"1\"}}"),
	       "bot: [document] (https://x.org/y)\n", "a file by URL says so");
	is_str(shown("sendVenue", "{}",
		     "{" HERE ",\"venue\":{\"title\":\"T\",\"address\":\"A\"},\"location\":{}}"),
	       "bot: [venue: T, A]\n", "a venue is no mere location");
	is_str(shown("sendPoll", "{}",
		     "{" HERE
		     ",\"poll\":{\"question\":\"Q\",\"options\":[{\"text\":\"a\"},{\"text\":\"b\"}]}}"),
	       "bot: [poll: Q]\n\001- a\n\001- b\n", "a poll has its options");
	is_str(shown("sendMediaGroup", "{}", "[{" HERE ",\"photo\":[{}]},{" HERE ",\"video\":{}}]"),
	       "bot: [photo]\nbot: [video]\n", "an album is all its parts");
	is_str(shown("editMessageText", "{}", "{" HERE ",\"text\":\"new\"}"), "bot: (edited) new\n",
	       "an edit is marked");
	is_str(shown("forwardMessage", "{}", "{" HERE ",\"forward_origin\":{},\"text\":\"x\"}"),
	       "bot: (forwarded) x\n", "so is a forward");
	is_str(shown("deleteMessage", "{\"chat_id\":\"1001\",\"message_id\":\"7\"}", "true"),
	       "bot deleted message 7\n", "a deletion is told");
	is_str(shown("deleteMessage", "{\"chat_id\":\"1001\",\"message_id\":\"9\"}", "true"),
	       "bot deleted \"x\"\n", "of a message that was seen by how it began");
	is_str(shown("deleteMessages", "{\"chat_id\":-5,\"message_ids\":\"[1,2]\"}", "true"),
	       "(-5) bot deleted message 1 message 2\n", "several, too");
	is_str(shown("setMessageReaction",
		     "{\"chat_id\":1001,\"message_id\":9,\"reaction\":\"[{\\\"type\\\":\\\"emoji\\\",\\\"emoji\\\":\\\"\xf0\x9f\x91\x8d\\\"}]\"}",
		     "true"),
	       "bot reacted \xf0\x9f\x91\x8d to \"x\"\n", "a reaction is shown as what it is");
	is_str(shown("setMessageReaction", "{\"chat_id\":1001,\"message_id\":9}", "true"),
	       "bot took the reaction back from \"x\"\n", "so is one that is taken back");
	is_str(shown("sendMessage", "{}",
		     "{" HERE
		     ",\"text\":\"y\",\"reply_to_message\":{\"message_id\":3,\"chat\":{\"id\":1001},\"text\":\"" LONG
		     "\\nmore\"}}"),
	       "bot: (to \"0123456789012345678901234567890123456789012345678901234567\xe2\x80\xa6\") y\n",
	       "an answer says to what, in short");
	is_str(shown("sendMessage", "{}", "{" HERE ",\"new_chat_members\":[]}"),
	       "bot: [new_chat_members]\n", "what is no content is named");
	is_str(shown("answerInlineQuery",
		     "{\"results\":\"[{\\\"type\\\":\\\"article\\\",\\\"title\\\":\\\"T\\\",\\\"input_message_content\\\":{\\\"message_text\\\":\\\"m\\\"}},{\\\"type\\\":\\\"photo\\\"}]\"}",
		     "true"),
	       "bot: (inline) 2 results\n\001- T: m\n\001- photo\n",
	       "what an inline query gets is a list");
	is_str(shown("answerCallbackQuery", "{\"text\":\"done\"}", "true"), "bot: (toast) done\n",
	       "a toast is shown");
	is_str(shown("answerCallbackQuery", "{\"text\":\"done\",\"show_alert\":\"true\"}", "true"),
	       "bot: (alert) done\n", "an alert is");
	is_str(shown("answerCallbackQuery", "{}", "true"), "called answerCallbackQuery\n",
	       "an answer without text is no toast");
	is_str(shown("setMyCommands", "{}", "true"), "called setMyCommands\n",
	       "other methods are named");
	is_str(shown("copyMessage", "{}", "{\"message_id\":3}"), "called copyMessage\n",
	       "a result without a chat is no message");
	is_str(shown("sendMessage", "{}", NULL), "refused: sendMessage: 400 Bad Request: no\n",
	       "a refusal says why");
}

static void test_actions(void)
{
	static const char typing[] = "{\"chat_id\":\"1001\",\"action\":\"typing\"}";
	is_str(shown("sendChatAction", typing, "true"), "bot is typing\xe2\x80\xa6\n",
	       "that the bot types is told");
	is_str(shown("sendChatAction", typing, "true"), "", "once");
	is_str(shown("sendChatAction", "{\"chat_id\":1001,\"action\":\"upload_video_note\"}",
		     "true"),
	       "bot is sending a video note\xe2\x80\xa6\n", "another action is told");
	shown("sendMessage", "{}", "{" HERE ",\"text\":\"x\"}");
	ok(*shown("sendChatAction", typing, "true"), "and again after a message");
}

static void test_keyboards(void)
{
	static const char keyboard[] =
		"{\"reply_markup\":\"{\\\"inline_keyboard\\\":[[{\\\"text\\\":\\\"Yes\\\",\\\"callback_data\\\":\\\"y\\\"},"
		"{\\\"text\\\":\\\"N\\\\u001bo\\\",\\\"callback_data\\\":\\\"n\\\"}],[{\\\"text\\\":\\\"Site\\\",\\\"url\\\":\\\"https://x.org\\\"},"
		"{\\\"text\\\":\\\"App\\\",\\\"web_app\\\":{}}]]}\"}";
	ok(chat_button(&chat, 1) == NULL, "without a keyboard there is no button");
	is_str(shown("sendMessage", keyboard, "{" HERE ",\"text\":\"?\"}"),
	       "bot: ?\n     [1 Yes] [2 N\\x1bo]\n     [3 Site] [4 App]\n",
	       "buttons are numbered, row by row");
	const struct chat_button *b = chat_button(&chat, 1);
	ok(b && b->kind == BUTTON_DATA && strcmp(b->value, "y") == 0, "the first has its data");
	b = chat_button(&chat, 3);
	ok(b && b->kind == BUTTON_URL && strcmp(b->value, "https://x.org") == 0,
	   "a link is a link");
	b = chat_button(&chat, 4);
	ok(b && b->kind == BUTTON_OTHER && strcmp(b->value, "web_app") == 0,
	   "what cannot be done here is known by its name");
	ok(!chat_button(&chat, 5) && !chat_button(&chat, 0), "there are no others");
	cJSON *under = cJSON_Parse("{\"message_id\":9}");
	chat_callback(&chat, chat_button(&chat, 2), 77, under, &out);
	cJSON_Delete(under);
	is_str(taken(),
	       "{\"id\":\"77\",\"from\":{\"id\":1001,\"is_bot\":false,\"first_name\":\"You\",\"language_code\":\"en\"},"
	       "\"message\":{\"message_id\":9},\"chat_instance\":\"-77\",\"data\":\"n\"}",
	       "pressing is a callback query");
	shown("editMessageText", "{}", "{\"message_id\":8,\"chat\":{\"id\":1001},\"text\":\"x\"}");
	ok(chat_button(&chat, 1) != NULL, "the edit of another message leaves the keyboard");
	shown("editMessageText", "{}", "{" HERE ",\"text\":\"x\"}");
	ok(chat_button(&chat, 1) == NULL, "an edit without a keyboard takes it away");
	is_str(shown("sendMessage",
		     "{\"reply_markup\":{\"keyboard\":[[\"A\"],[{\"text\":\"B\"},{\"text\":\"C\",\"request_contact\":true}]]}}",
		     "{" HERE ",\"text\":\"?\"}"),
	       "bot: ?\n     [1 A]\n     [2 B] [3 C]\n", "reply keyboards are numbered, too");
	b = chat_button(&chat, 2);
	ok(b && b->kind == BUTTON_TEXT && strcmp(b->text, "B") == 0, "and press as their text");
	b = chat_button(&chat, 3);
	ok(b && b->kind == BUTTON_OTHER, "unless they ask for something");
	shown("sendMessage", "{\"reply_markup\":{\"remove_keyboard\":true}}",
	      "{" HERE ",\"text\":\"x\"}");
	ok(chat_button(&chat, 1) == NULL, "a reply keyboard can be removed");
}

static const char *update_shown(const char *update)
{
	chat_show_update(&chat, update, strlen(update), &out);
	return taken();
}

static void test_updates(void)
{
	is_str(update_shown(
		       "{\"update_id\":1,\"message\":{\"chat\":{\"id\":1001},\"from\":{\"id\":1,\"first_name\":\"Ann\"},\"text\":\"hi\"}}"),
	       "Ann: hi\n", "a message is what somebody said");
	is_str(update_shown("{\"update_id\":1,\"poll\":{\"id\":\"4\"}}"), "someone: [poll]\n",
	       "another update is named by its kind");
	is_str(update_shown(
		       "{\"update_id\":1,\"message\":{\"message_id\":4,\"chat\":{\"id\":1001},\"from\":{\"first_name\":\"Ann\"},"
		       "\"photo\":[{\"file_name\":\"a.jpg\",\"file_size\":1}],\"caption\":\"Me\"}}"),
	       "Ann: [photo: Me] (a.jpg, 1 byte)\n", "a photo is a photo");
	is_str(update_shown(
		       "{\"update_id\":1,\"edited_message\":{\"message_id\":4,\"chat\":{\"id\":1001},\"from\":{\"id\":1,\"first_name\":\"Ann\"},\"text\":\"ho\"}}"),
	       "Ann: (edited) ho\n", "an edit is one");
	is_str(update_shown(
		       "{\"update_id\":1,\"message_reaction\":{\"message_id\":4,\"chat\":{\"id\":1001},\"user\":{\"id\":1,\"first_name\":\"Ann\"},\"new_reaction\":[{\"type\":\"paid\"}]}}"),
	       "Ann: reacted [paid] to \"ho\"\n", "so is a reaction");
	is_str(update_shown(
		       "{\"update_id\":1,\"channel_post\":{\"message_id\":5,\"chat\":{\"id\":1001},\"sender_chat\":{\"title\":\"News\"},\"text\":\"x\"}}"),
	       "News: [channel_post] x\n", "a channel is who speaks in it");
	chat_show_output(&chat, 2, "oh\033", &out);
	is_str(taken(), "stderr: oh\\x1b\n", "a handler's line says where it was written");
	chat.colour = true;
	chat_put_line(&chat, &out, CHAT_RED, "%s", "x\033");
	is_str(taken(), "\033[31mx\\x1b\033[0m\n", "colours are ours alone");
	chat.colour = false;
}

static void becomes(const char *line, const char *want)
{
	struct err err = { 0 };
	int rc = chat_update(line, strlen(line), 31, &out, &err);
	const char *got = taken();
	if (!ok(want ? rc == 0 && strcmp(got, want) == 0 : rc < 0 && err.status == ERR_USAGE, "%s",
		line))
		diag("got %d '%s' %d %s", rc, got, err.status, err.text);
}

static void test_file_lines(void)
{
	becomes("{\"update_id\": 7, \"message\":{}, \"x\":1e400}",
		"{\"update_id\": 7, \"message\":{}, \"x\":1e400}");
	becomes(" { \"message\":{} }", "{\"update_id\":31, \"message\":{} }");
	becomes("  ", "");
	becomes("{\"update_id\":\"7\",\"message\":{}}", NULL);
	becomes("{\"update_id\":1.5,\"message\":{}}", NULL);
	becomes("{\"update_id\":-1,\"message\":{}}", NULL);
	becomes("{\"text\":1}", NULL);
	becomes("{}", NULL);
	becomes("[]", NULL);
	becomes("{\"message\":{}", NULL);
}

int main(void)
{
	chat_init(&chat, false);
	buf_init(&out, CHAT_SHOW_MAX);
	RUN(test_messages);
	RUN(test_calls);
	RUN(test_actions);
	RUN(test_keyboards);
	RUN(test_updates);
	RUN(test_file_lines);
	chat_release(&chat);
	buf_release(&out);
	return done_testing();
}
