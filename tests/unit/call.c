/* tests/unit/call: what is known of one call: its line, what it costs, how long it may wait; and
 * that its parameters are those that were given. */
#include "reply/call.h"
#include "tests/tap.h"

static struct call c;

static bool read_call(const char *method, const char *params)
{
	struct err err = { 0 };
	call_release(&c);
	bool done = call_read(method, params, strlen(params), &c, &err) == 0;
	if (!done)
		diag("%s: %d, %s", params, err.status, err.text);
	return done;
}

static void is_line(const char *method, const char *params, enum call_kind kind, const char *line,
		    const char *what)
{
	ok(read_call(method, params), "%s", what);
	is_str(c.line, line, "its line");
	is_num(c.kind, kind, "its kind");
}

static void lines(void)
{
	is_line("sendMessage", "{\"chat_id\":42,\"text\":\"x\"}", CALL_CHAT, "42",
		"a private chat");
	is_line("sendMessage", "{\"chat_id\":\"42\"}", CALL_CHAT, "42", "the same as a text");
	is_line("sendMessage", "{\"chat_id\":-1001234567890}", CALL_GROUP, "-1001234567890",
		"a group");
	is_line("sendMessage", "{\"chat_id\":9007199254740993}", CALL_CHAT, "9007199254740993",
		"an id past 2^53");
	is_line("sendMessage", "{\"chat_id\":-9223372036854775808}", CALL_GROUP,
		"-9223372036854775808", "as long as an id may be");
	is_line("sendMessage", "{\"chat_id\":\"@NewsRoom\"}", CALL_GROUP, "@newsroom",
		"a name, in any case");
	is_line("sendMessage", "{\"chat_id\":42,\"business_connection_id\":\"bc\"}", CALL_CHAT,
		"bc/42", "a chat of a business is another chat");
	is_line("sendMessage", "{\"chat_id\":\"042x\"}", CALL_CHAT, "42",
		"the server reads the digits that an id begins with");
	is_line("sendMessage", "{\"chat_id\":1,\"chat_id\":2}", CALL_CHAT, "1",
		"and the first of two");
	is_line("sendMessage", "{\"ch\\u0061t_id\":1}", CALL_CHAT, "1", "a name with an escape");
	is_line("sendMessage", "{\"chat_id\":null,\"user_id\":7}", CALL_CHAT, "7",
		"null is no chat; a user is one");
	is_line("sendMessage", "{\"text\":\"x\"}", CALL_NONE, "", "no chat");
	is_line("sendMessage", "{\"chat_id\":\"\"}", CALL_NONE, "", "an empty one is none");
	is_line("editMessageText", "{\"inline_message_id\":\"AbC\"}", CALL_CHAT, "inline:AbC",
		"edits of one inline message keep their order");
	is_line("answerCallbackQuery", "{\"callback_query_id\":\"17\",\"chat_id\":3}", CALL_QUERY,
		"query:17", "an answer is in its query's line");
	is_line("answerPreCheckoutQuery", "{\"pre_checkout_query_id\":17}", CALL_QUERY, "query:17",
		"a query's id as a number");
	is_line("answerWebAppQuery", "{\"web_app_query_id\":\"w\"}", CALL_QUERY, "query:w",
		"that of an app");
	is_line("answerInlineQuery", "{}", CALL_NONE, "", "an answer to nothing");
	is_line("setMyName", "{\"name\":\"x\"}", CALL_NONE, "", "what is about the bot");
	is_line("fooBar", "{\"chat_id\":-3}", CALL_GROUP, "-3", "a method that is not known yet");

	char params[4096] = "{\"chat_id\":\"@";
	memset(params + strlen(params), 'n', 3000);
	strcat(params, "\"}");
	ok(read_call("sendMessage", params), "a name of any length");
	is_num((int64_t)strlen(c.line), 100, "has a short line");
}

static void is_cost(const char *method, const char *params, int cost, const char *what)
{
	ok(read_call(method, params), "%s", what);
	is_num(c.cost, cost, what);
}

static void costs(void)
{
	is_cost("sendMessage", "{}", 1, "a message counts as one");
	is_cost("editMessageText", "{}", 1, "an edit, too");
	is_cost("forwardMessage", "{}", 1, "and a message that is forwarded");
	is_cost("sendMediaGroup", "{\"media\":[{},{},{\"a\":[1,2]}]}", 3,
		"an album counts as its messages");
	is_cost("sendMediaGroup", "{\"media\":\"[{},{}]\"}", 2, "also if it is a text of JSON");
	is_cost("sendMediaGroup", "{\"media\":\"[{},\"}", 1, "one that is broken counts as one");
	is_cost("editMessageMedia", "{\"media\":{\"type\":\"photo\"}}", 1,
		"one medium is no album");
	is_cost("copyMessages", "{\"message_ids\":[1,2,3,4]}", 4,
		"a list of messages as its length");
	is_cost("deleteMessages", "{\"message_ids\":[1,2]}", 0,
		"what sends nothing is not counted");
	is_cost("sendChatAction", "{}", 0, "nor is a chat action");
	is_cost("answerCallbackQuery", "{}", 0, "nor an answer");
	is_cost("fooBar", "{}", 1, "a method that is not known may send");
	char params[4096] = "{\"message_ids\":[1";
	for (int i = 0; i < 500; i++)
		strcat(params, ",1");
	strcat(params, "]}");
	is_cost("forwardMessages", params, 100,
		"a list that no server takes costs no more than one");
}

static void traits(void)
{
	static const char *const paid[] = {
		"true", "\"true\"", "\"True\"", "\"1\"", "1", "\"yes\""
	};
	static const char *const unpaid[] = { "false", "\"\"", "0", "null", "\"no\"", "[true]" };
	char params[100];
	for (size_t i = 0; i < sizeof paid / sizeof *paid; i++) {
		snprintf(params, sizeof params, "{\"allow_paid_broadcast\":%s}", paid[i]);
		ok(read_call("sendMessage", params) && c.paid, "%s costs money", params);
	}
	for (size_t i = 0; i < sizeof unpaid / sizeof *unpaid; i++) {
		snprintf(params, sizeof params, "{\"allow_paid_broadcast\":%s}", unpaid[i]);
		ok(read_call("sendMessage", params) && !c.paid, "%s costs none", params);
	}
	read_call("answerCallbackQuery", "{}");
	is_num(c.lifetime, 150000, "the answer to a button is refused after 150 s");
	read_call("answerInlineQuery", "{}");
	is_num(c.lifetime, 30000, "that to an inline query after 30 s");
	read_call("sendMessage", "{}");
	is_num(c.lifetime, 0, "a message is never");
	read_call("SENDmessage", "{}");
	is_str(c.method, "sendMessage", "a method is spelt as in the documentation");
	read_call("fooBar", "{}");
	is_str(c.method, "fooBar", "one that is not known as it came");
}

static void are_params(const char *in, const char *want, const char *what)
{
	ok(read_call("sendMessage", in), "%s", what);
	is_str(c.params, want, what);
	is_num((int64_t)c.length, (int64_t)strlen(want), "and that long");
}

static void parameters(void)
{
	are_params(" { \"a\" : [ 1 , \"x y\" ] ,\n\t\"b\":{} } ", "{\"a\":[1,\"x y\"],\"b\":{}}",
		   "white space goes, but not in texts");
	are_params("{\"a\":12345678901234567890,\"b\":1.10,\"c\":1e+15}",
		   "{\"a\":12345678901234567890,\"b\":1.10,\"c\":1e+15}",
		   "numbers keep their digits");
	are_params("{\"a\":null,\"b\":{\"c\":null},\"d\":null}", "{\"b\":{\"c\":null}}",
		   "what is null was not given");
	are_params("{\"a\":\"1\n2\t\\\n\\\"\\\\\"}", "{\"a\":\"1\\u000a2\\u0009\\u000a\\\"\\\\\"}",
		   "raw control characters become escapes");
	are_params("{\"text\":\"a\xff\xc3\xa4\xe2\x82\"}",
		   "{\"text\":\"a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\"}",
		   "what is no UTF-8 becomes U+FFFD");
	are_params("{\"text\":\"\\\xc3\xa4\\\xff\"}", "{\"text\":\"\xc3\xa4\xef\xbf\xbd\"}",
		   "… and an escape of another character that character");
	are_params("{\"a\":\"\\ud83d\\ude00\\,\"}", "{\"a\":\"\\ud83d\\ude00\\,\"}",
		   "escapes stay as they are");
	are_params("{}", "{}", "nothing stays nothing");
}

static void is_refused(const char *method, const char *params, const char *part, const char *what)
{
	struct err err = { 0 };
	struct call none;
	int rc = call_read(method, params, strlen(params), &none, &err);
	if (!ok(rc == -1 && err.status == ERR_IO && strstr(err.text, part), "%s", what))
		diag("%d, %d: %s", rc, err.status, err.text);
	ok(!none.method && !none.params && !none.line, "and nothing is left of it");
}

static void refusals(void)
{
	is_refused("", "{}", "letters", "no method");
	is_refused("send Message", "{}", "letters", "a method of two words");
	is_refused("../getMe", "{}", "letters", "one that is a path");
	is_refused("sendMessage", "[]", "no JSON object", "parameters that are no object");
	is_refused("sendMessage", "{\"a\":}", "no JSON object", "that are no JSON");
	is_refused("sendMessage", "{\"chat_id\":9223372036854775808}", "chat_id is longer",
		   "a chat beyond 64 bits, which would be another in the order than at the server");
	is_refused("sendMessage", "{\"chat_id\":\"-9223372036854775809\"}", "chat_id is longer",
		   "a group, too");
	is_refused("sendGift", "{\"user_id\":99999999999999999999}", "user_id is longer", "a user");
	is_refused("answerCallbackQuery", "{\"callback_query_id\":\"1\\u00002\"}",
		   "callback_query_id holds a NUL", "a query whose id holds a NUL");
	is_refused("sendMessage", "{\"chat_id\":\"1\\u0000\"}", "chat_id holds a NUL",
		   "a chat's id that does");
	is_refused("sendMessage", "{\"a\":1,\"m\\u0065thod\":\"getMe\"}", "'method'",
		   "another method among them");
}

static void kept(void)
{
	static const char odd[] = "{\"method\": \"get Me\",\"chat_id\":\"-5\",\"text\":null}";
	struct err err = { 0 };
	call_release(&c);
	ok(call_keep(odd, sizeof odd - 1, &c, &err) == 0, "what is no call is kept");
	is_str(c.method, CALL_NO_METHOD, "without a method");
	is_str(c.params, "{\"method\":\"get Me\",\"chat_id\":\"-5\"}", "as it was meant");
	is_str(c.line, "-5", "with its chat");
	is_refused(CALL_NO_METHOD, "{}", "letters only", "so it is never sent");
	call_release(&c);
	ok(call_keep("[]", 2, &c, &err) == -1 && err.status == ERR_IO, "but no other JSON is");
}

static void plain(void)
{
	read_call("sendMessage", "{\"chat_id\":5,\"parse_mode\":\"HTML\",\"text\":\"<b>\"}");
	c.plain = true;
	ok(call_plain(&c) == 0, "there is memory");
	is_str(c.params, "{\"chat_id\":5,\"text\":\"<b>\"}", "without its mode");
	ok(!c.plain, "there is none to be left out again");
	read_call(
		"answerGuestQuery",
		"{\"guest_query_id\":\"g\",\"result\":{\"parse_mode\":\"x\",\"input_message_content\":"
		"{\"message_text\":\"<b>\",\"parse_mode\":\"HTML\"}}}");
	ok(call_plain(&c) == 0, "there is memory");
	is_str(c.params,
	       "{\"guest_query_id\":\"g\",\"result\":{\"parse_mode\":\"x\",\"input_message_content\":"
	       "{\"message_text\":\"<b>\"}}}",
	       "a guest's, where it stands");
	is_str(c.line, "query:g", "in the line that it had");
}

static void moves(void)
{
	read_call("sendMessage", "{\"chat_id\":-5,\"text\":\"x\",\"chat_id\":-6}");
	c.file.name = strdup("f");
	ok(call_move(&c, -1005) == 0, "there is memory");
	is_str(c.params, "{\"text\":\"x\",\"chat_id\":-1005}", "to the chat that the group became");
	is_str(c.line, "-1005", "in its line");
	is_str(c.file.name, "f", "with its file");
	read_call("sendMessage", "{}");
	ok(call_move(&c, 7) == 0, "there is memory");
	is_str(c.params, "{\"chat_id\":7}", "alone");
	is_num(c.kind, CALL_CHAT, "of its kind");
}

int main(void)
{
	RUN(lines);
	RUN(costs);
	RUN(traits);
	RUN(parameters);
	RUN(refusals);
	RUN(kept);
	RUN(plain);
	RUN(moves);
	call_release(&c);
	return done_testing();
}
