/* tests/unit/reply: what a handler printed becomes calls, in every mode and for every way of
 * answering. */
#include "reply/reply.h"
#include "base/buf.h"
#include "reply/text.h"
#include "tests/samples.h"
#include "tests/tap.h"

static const char message[] =
	"{\"update_id\":1,\"message\":{\"message_id\":9,\"chat\":{\"id\":5,\"type\":\"private\"},"
	"\"from\":{\"id\":5,\"is_bot\":false},\"text\":\"hi\"}}";
static const char button[] = "{\"update_id\":2,\"callback_query\":{\"id\":\"q\",\"message\":"
			     "{\"message_id\":4,\"chat\":{\"id\":5,\"type\":\"private\"}}}}";
static const char inline_button[] =
	"{\"update_id\":3,\"callback_query\":{\"id\":\"q\",\"inline_message_id\":\"i\"}}";
static const char guest[] =
	"{\"update_id\":4,\"guest_message\":{\"message_id\":9,\"chat\":{\"id\":5},"
	"\"guest_query_id\":\"g\"}}";
static const char poll[] = "{\"update_id\":5,\"poll\":{\"id\":\"p\"}}";

static struct reply_spec spec;
static struct reply reply;
static struct secret *secret;
static struct err err;
static struct buf text;

/* Composes what `spec` says; the old reply goes. */
static int compose_bytes(const char *json, const char *out, size_t n)
{
	struct update *u = update_parse(json, strlen(json), NULL);
	reply_release(&reply);
	err = (struct err){ 0 };
	int rc = reply_compose(&spec, u, 77, secret, out, n, &reply, &err);
	if (rc)
		diag("%d: %s", err.status, err.text);
	update_free(u);
	return rc;
}

static int compose(enum reply_mode mode, const char *json, const char *out)
{
	spec.mode = mode;
	return compose_bytes(json, out, strlen(out));
}

static void is_call(size_t i, const char *method, const char *params, const char *what)
{
	if (!ok(i < reply.count, "%s: there is call %zu", what, i))
		return;
	is_str(reply.calls[i].method, method, what);
	is_str(reply.calls[i].params, params, what);
}

/* One reply of one call, or of none (`method` NULL). */
static void is_reply(enum reply_mode mode, const char *json, const char *out, const char *method,
		     const char *params, const char *what)
{
	ok(compose(mode, json, out) == 0, "%s", what);
	is_num((int64_t)reply.count, method != NULL, "that many calls");
	if (method)
		is_call(0, method, params, what);
}

static void modes(void)
{
	is_reply(REPLY_TEXT, message, "Hello <b>\n", "sendMessage",
		 "{\"chat_id\":5,\"text\":\"Hello <b>\"}", "text is plain");
	ok(!reply.calls[0].plain, "no mode is left out of it");
	is_reply(REPLY_PRE, message, " a\xf0\x9f\x98\x80\n", "sendMessage",
		 "{\"chat_id\":5,\"text\":\" a\xf0\x9f\x98\x80\",\"entities\":[{\"type\":\"pre\","
		 "\"offset\":0,\"length\":4}]}",
		 "pre is marked from its first to its last unit");
	is_reply(REPLY_HTML, message, "<b>x</b>", "sendMessage",
		 "{\"chat_id\":5,\"text\":\"<b>x</b>\",\"parse_mode\":\"HTML\"}", "html");
	ok(reply.calls[0].plain, "its mode was tgrun's choice");
	is_reply(REPLY_MARKDOWN, message, "*x*", "sendMessage",
		 "{\"chat_id\":5,\"text\":\"*x*\",\"parse_mode\":\"MarkdownV2\"}", "markdown");
	ok(reply.calls[0].plain, "its mode was, too");
	is_reply(REPLY_TEXT, message, "", NULL, NULL, "nothing printed, nothing sent");
	is_reply(REPLY_HTML, message, " \n\t\xc2\xa0\n", NULL, NULL, "nor is blank output");
	is_num(reply.note, REPLY_WHOLE, "of which nothing is said");
	is_reply(REPLY_TEXT, message, "{\"method\":\"getMe\"}", "sendMessage",
		 "{\"chat_id\":5,\"text\":\"{\\\"method\\\":\\\"getMe\\\"}\"}",
		 "what looks like a call is text in all modes but api");
	spec.mode = REPLY_TEXT;
	ok(compose_bytes(message, "a\0b\xff\n", 5) == 0, "bytes of every sort");
	is_call(0, "sendMessage", "{\"chat_id\":5,\"text\":\"ab\xef\xbf\xbd\"}", "are cleaned");
}

static void add(const char *s, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buf_adds(&text, s);
}

static void long_texts(void)
{
	spec = (struct reply_spec){ .mode = REPLY_PRE, .quote = true };
	buf_init(&text, 1 << 20);
	add("x", 4096);
	add("\n", 1);
	add("y", 10);
	ok(compose_bytes(message, text.data, text.len) == 0, "a long text");
	is_num((int64_t)reply.count, 2, "is two messages");
	ok(strstr(reply.calls[0].params, "\"length\":4096") &&
		   strstr(reply.calls[1].params, "\"length\":10"),
	   "each monospaced as a whole");
	ok(strstr(reply.calls[0].params, "reply_parameters") &&
		   !strstr(reply.calls[1].params, "reply_parameters"),
	   "the first quotes");
	is_str(reply.calls[1].line, "5", "in the chat's line");
	buf_clear(&text);
	for (int i = 0; i < 10; i++) {
		add("x", 4096);
		add("\n", 1);
	}
	ok(compose_bytes(message, text.data, text.len) == 0, "ten messages");
	is_num((int64_t)reply.count, 10, "are sent as such");
	add("z", 1);
	ok(compose_bytes(message, text.data, text.len) == 0, "eleven");
	is_num((int64_t)reply.count, 1, "are one document");
	is_call(0, "sendDocument",
		"{\"chat_id\":5,\"reply_parameters\":{\"message_id\":9,"
		"\"allow_sending_without_reply\":true},\"document\":\"attach://reply.txt\"}",
		"which is named");
	is_str(reply.calls[0].file.name, "reply.txt", "its name");
	ok(reply.calls[0].file.length == text.len &&
		   memcmp(reply.calls[0].file.bytes, text.data, text.len) == 0,
	   "and holds all of the text");
	is_num(reply.calls[0].cost, 1, "it counts as one message");
	buf_release(&text);
	spec = (struct reply_spec){ 0 };
}

static void parameters(void)
{
	static const char *const with[] = { "disable_notification=true",
					    "link_preview_options={\"is_disabled\":true}",
					    "message_effect_id=5104841245755180586",
					    "title=\"x\"",
					    "nothing=null",
					    "code=007",
					    "disable_notification=false" };
	spec = (struct reply_spec){ .with = with, .with_count = 6, .quote = true };
	is_reply(REPLY_TEXT, message, "x", "sendMessage",
		 "{\"chat_id\":5,\"reply_parameters\":{\"message_id\":9,"
		 "\"allow_sending_without_reply\":true},\"code\":\"007\",\"nothing\":\"null\","
		 "\"title\":\"\\\"x\\\"\",\"message_effect_id\":5104841245755180586,"
		 "\"link_preview_options\":{\"is_disabled\":true},\"disable_notification\":true,"
		 "\"text\":\"x\"}",
		 "parameters are JSON where they look like it, else text");
	spec.with_count = 7;
	compose(REPLY_TEXT, message, "x");
	const char *last = strstr(reply.calls[0].params, "\"disable_notification\":false");
	ok(last && strstr(last, "\"disable_notification\":true"),
	   "of two values of a name the last comes first, where the server looks");
	is_reply(REPLY_API, message, "{\"method\":\"sendDice\"}", "sendDice", "{\"chat_id\":5}",
		 "calls are left as they are");
	is_reply(REPLY_TEXT, samples[22], "x", "sendMessage",
		 "{\"chat_id\":5000000001,\"disable_notification\":false,\"code\":\"007\","
		 "\"nothing\":\"null\",\"title\":\"\\\"x\\\"\","
		 "\"message_effect_id\":5104841245755180586,"
		 "\"link_preview_options\":{\"is_disabled\":true},\"disable_notification\":true,"
		 "\"text\":\"x\"}",
		 "where there is no message, nothing is quoted");
	spec = (struct reply_spec){ 0 };
}

static void buttons(void)
{
	ok(compose(REPLY_TEXT, button, "done") == 0, "a button is pressed");
	is_num((int64_t)reply.count, 2, "two calls");
	is_call(0, "answerCallbackQuery", "{\"callback_query_id\":\"q\"}",
		"the answer comes first");
	is_call(1, "sendMessage", "{\"chat_id\":5,\"text\":\"done\"}", "then the text");
	is_reply(REPLY_TEXT, button, "", "answerCallbackQuery", "{\"callback_query_id\":\"q\"}",
		 "it is answered when nothing was printed, too");
	is_reply(REPLY_API, button, "\n", "answerCallbackQuery", "{\"callback_query_id\":\"q\"}",
		 "with calls as well");
	ok(compose(REPLY_API, button,
		   "[{\"method\":\"sendDice\"},{\"method\":\"answercallbackquery\",\"text\":\"x\"}]") ==
		   0,
	   "a reply with an answer of its own");
	is_num((int64_t)reply.count, 2, "has no other");
	is_call(0, "answerCallbackQuery", "{\"callback_query_id\":\"q\",\"text\":\"x\"}",
		"which comes first");
	is_call(1, "sendDice", "{\"chat_id\":5}", "the others keep their order");
	ok(compose(REPLY_API, button,
		   "{\"method\":\"answerCallbackQuery\",\"callback_query_id\":\"old\"}") == 0,
	   "an answer to another query");
	is_num((int64_t)reply.count, 2, "is not this one's");

	spec.bare = true;
	is_reply(REPLY_API, button, "{\"method\":\"sendMessage\",\"text\":\"x\"}", "sendMessage",
		 "{\"chat_id\":5,\"text\":\"x\"}", "a bare one answers no button by itself");
	spec.bare = false;
	is_reply(REPLY_HTML, inline_button, "done", "answerCallbackQuery",
		 "{\"callback_query_id\":\"q\",\"text\":\"done\"}",
		 "a button of an inline message has the text as its answer");
	buf_init(&text, 1000);
	add("x", 199);
	add("e\xcc\x81", 3);
	ok(compose(REPLY_TEXT, inline_button, buf_str(&text)) == 0, "a long one");
	is_num((int64_t)strlen(reply.calls[0].params),
	       (int64_t)strlen("{\"callback_query_id\":\"q\",\"text\":\"\"}") + 199,
	       "is cut at 200 characters, between two");
	is_num(reply.note, REPLY_CUT, "and that is told");
	buf_release(&text);
}

static void guests(void)
{
	is_reply(
		REPLY_PRE, guest, "hi\n", "answerGuestQuery",
		"{\"guest_query_id\":\"g\",\"result\":{\"type\":\"article\",\"id\":\"1\",\"title\":"
		"\"reply\",\"input_message_content\":{\"message_text\":\"hi\",\"entities\":[{\"type\":"
		"\"pre\",\"offset\":0,\"length\":2}]}}}",
		"a guest is answered by the answer to its query");
	is_reply(REPLY_TEXT, guest, "\n", NULL, NULL, "or not at all");
	static const char *const with[] = { "reply_markup={\"inline_keyboard\":[]}", "x=y",
					    "link_preview_options={}" };
	spec = (struct reply_spec){ .with = with, .with_count = 3 };
	is_reply(
		REPLY_HTML, guest, "hi", "answerGuestQuery",
		"{\"guest_query_id\":\"g\",\"result\":{\"type\":\"article\",\"id\":\"1\",\"title\":"
		"\"reply\",\"input_message_content\":{\"message_text\":\"hi\",\"parse_mode\":\"HTML\","
		"\"link_preview_options\":{}},\"reply_markup\":{\"inline_keyboard\":[]}}}",
		"the parameters that its answer knows stand where it knows them");
	ok(reply.calls[0].plain && call_plain(&reply.calls[0]) == 0 &&
		   !strstr(reply.calls[0].params, "parse_mode"),
	   "it can be made plain");
	spec = (struct reply_spec){ 0 };
	buf_init(&text, 10000);
	add("x", 5000);
	ok(compose(REPLY_TEXT, guest, buf_str(&text)) == 0, "a text for two messages");
	is_num((int64_t)reply.count, 1, "is one: there is one answer");
	is_num(reply.note, REPLY_CUT, "and that is told");
	buf_release(&text);
}

static void unanswered(void)
{
	static const char bot[] = "{\"update_id\":1,\"message\":{\"chat\":{\"id\":5},"
				  "\"from\":{\"id\":9,\"is_bot\":true}}}";
	static const char lost[] = "{\"update_id\":1,\"message\":{\"chat\":{\"id\":\"x\"}}}";
	is_reply(REPLY_TEXT, poll, "hi", NULL, NULL, "a poll is not answered by text");
	is_num(reply.note, REPLY_KIND, "it is told that this mode does not");
	is_reply(REPLY_TEXT, poll, "\n", NULL, NULL, "when nothing was printed");
	is_num(reply.note, REPLY_WHOLE, "nothing is told");
	is_reply(REPLY_TEXT, bot, "hi", NULL, NULL, "a bot is not answered");
	is_num(reply.note, REPLY_BOT, "which is told");
	is_reply(REPLY_TEXT, lost, "hi", NULL, NULL, "nor is a message that names no chat");
	is_num(reply.note, REPLY_LOST, "which is told apart from a kind that is not answered");
	is_reply(REPLY_API, bot, "{\"method\":\"sendDice\"}", "sendDice", "{\"chat_id\":5}",
		 "but by calls");
	is_reply(REPLY_API, poll, "{\"method\":\"sendDice\",\"chat_id\":3}", "sendDice",
		 "{\"chat_id\":3}", "a poll, too");
	for (size_t i = 0; i < sample_count; i++)
		for (int mode = REPLY_TEXT; mode <= REPLY_MARKDOWN; mode++)
			ok(compose((enum reply_mode)mode, samples[i], "hi") == 0 &&
				   (reply.count == 0) == (reply.note == REPLY_KIND),
			   "kind %zu in mode %s: answered or told why not", i,
			   reply_mode_name((enum reply_mode)mode));
}

static void api(void)
{
	ok(compose(REPLY_API, message,
		   "{\"method\":\"sendMessage\",\"text\":\"a\"}\n\n"
		   " {\"text\":\"b\",\"method\":\"SENDMESSAGE\",\"chat_id\":\"@x\"}\r\n") == 0,
	   "an object a line");
	is_num((int64_t)reply.count, 2, "blank lines are none");
	ok(compose(REPLY_API, message, "\xef\xbb\xbf{\"method\":\"sendDice\"}") == 0 &&
		   reply.count == 1,
	   "a byte order mark is nothing");
	compose(REPLY_API, message,
		"{\"method\":\"sendMessage\",\"text\":\"a\"}\n"
		"{\"text\":\"b\",\"method\":\"SENDMESSAGE\",\"chat_id\":\"@x\"}");
	is_call(0, "sendMessage", "{\"chat_id\":5,\"text\":\"a\"}", "with its place");
	is_call(1, "sendMessage", "{\"text\":\"b\",\"chat_id\":\"@x\"}", "or one of its own");
	ok(compose(REPLY_API, message,
		   "{\n  \"method\": \"sendDice\",\n  \"emoji\": \"\\ud83c\\udfb2\"\n}\n"
		   "{\n  \"method\": \"sendDice\"\n}\n") == 0,
	   "objects over many lines, as jq prints them");
	is_num((int64_t)reply.count, 2, "each is one");
	is_call(0, "sendDice", "{\"chat_id\":5,\"emoji\":\"\\ud83c\\udfb2\"}", "on one line");
	ok(compose(REPLY_API, message,
		   "\n[{\"method\":\"sendDice\"},\n{\"method\":\"fooBar\"}]\n") == 0,
	   "an array");
	is_num((int64_t)reply.count, 2, "is a call for each");
	is_call(1, "fooBar", "{}", "a method that nobody knows has nothing filled in");
	is_reply(REPLY_API, message, "[]", NULL, NULL, "an empty one is no call");
	is_reply(REPLY_API, message, " \n", NULL, NULL, "nor is nothing");
	is_reply(REPLY_API, message, "{\"method\":\"sendMessage\",\"text\":\"\xff\"}",
		 "sendMessage", "{\"chat_id\":5,\"text\":\"\xef\xbf\xbd\"}",
		 "bad UTF-8 is mended here, too");

	buf_init(&text, 1 << 20);
	add("{\"method\":\"sendDice\"}\n", 100);
	ok(compose(REPLY_API, message, buf_str(&text)) == 0 && reply.count == 100, "100 calls");
	buf_release(&text);
}

static void is_refused(const char *out, const char *want, const char *what)
{
	ok(compose(REPLY_API, message, out) == -1 && err.status == ERR_IO, "%s", what);
	is_str(err.text, want, "it is told");
	ok(!reply.calls && !reply.count, "and nothing is sent");
}

static void refusals(void)
{
	is_refused("{\"method\":\"sendDice\"}\n{\"method\":\"sendDice\"}\nHello\n",
		   "its reply is no JSON, line 3", "one bad line");
	is_refused(
		"{\"method\":\"sendDice\"}\n{\"method\":\"sendDice\"\n{\"method\":\"sendDice\"}\n",
		"its reply is no JSON, line 2", "a line that is cut off");
	is_refused("{\"method\":\"sendDice\"} {\"method\":\"sendDice\"}\n",
		   "its reply is no JSON, line 1", "two on one line");
	is_refused("\n\"hi\"\n",
		   "its reply holds no call, line 2; a call is an object with a method",
		   "a text");
	is_refused("{\"text\":\"hi\"}",
		   "its reply holds no call, line 1; a call is an object with a method",
		   "an object without a method");
	is_refused("[{\"method\":\"sendDice\"},\n7]",
		   "its reply holds no call, line 2; a call is an object with a method",
		   "a number in an array");
	is_refused("{\"method\":\"sendDice\"}\n[{\"method\":\"sendDice\"}]",
		   "its reply holds no call, line 2; a call is an object with a method",
		   "an array beside other calls");
	is_refused("{\"method\":\"sendDice\"}\n{\"method\":\"getupdates\"}",
		   "its reply calls getUpdates, which no reply may, line 2",
		   "a method that is refused in replies");
	is_refused("{\"method\":\"GetFooBar\"}",
		   "its reply calls a get method, which no reply may, line 1; 'tgrun call' can",
		   "one that reads, also if nobody knows it yet");
	is_refused("{\"method\":\"close\"}",
		   "its reply calls close, which no reply may, line 1",
		   "one that would stop the bot");
	is_refused("{\"method\":\"sendDice\",\"method\":\"close\"}",
		   "its reply holds a bad call, line 1: 'method' stands among its parameters",
		   "a second method");
	is_refused("{\"method\":\"sendDice\\u0000\"}",
		   "its reply holds a bad call, line 1: its method holds a NUL character",
		   "nor is one behind which there is more");
	is_refused("{\"method\":\"../x\"}",
		   "its reply holds a bad call, line 1: a method's name is letters only",
		   "a method that is a path");
	buf_init(&text, 1 << 20);
	add("{\"method\":\"sendDice\"}\n", 101);
	is_refused(buf_str(&text), "its reply holds more than 100 calls", "101 calls");
	buf_release(&text);
}

static void secrets(void)
{
	secret = secret_new("123456:AAHsecretpart", NULL);
	spec.mode = REPLY_TEXT;
	static const char out[] = "token 123456:AAHsecret\0part";
	ok(compose_bytes(message, out, sizeof out - 1) == 0, "the token, with a NUL inside");
	is_call(0, "sendMessage", "{\"chat_id\":5,\"text\":\"token 123456:***\"}",
		"goes to no chat");
	is_reply(REPLY_API, message, "{\"method\":\"sendMessage\",\"text\":\"AAHsecretpart\"}",
		 "sendMessage", "{\"chat_id\":5,\"text\":\"***\"}", "nor by a call");
	secret_free(secret);
	secret = NULL;
}

static void names(void)
{
	enum reply_mode mode;
	for (int i = REPLY_NONE; i <= REPLY_API; i++)
		ok(reply_mode_read(reply_mode_name((enum reply_mode)i), &mode, &err) == 0 &&
			   (int)mode == i,
		   "a mode is found by its name");
	ok(reply_mode_read("markdwon", &mode, &err) == -1 && err.status == ERR_USAGE, "no mode");
	is_str(err.text, "'markdwon' is no mode of replies; did you mean 'markdown'?",
	       "the nearest is named");
	static const char *const good[] = {
		"disable_notification=true", "x=",  "a_b=c=d",
		"reply_markup={\"a\":[1]}",  "y=5", "message_effect_id=1"
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		ok(reply_with_check(good[i], &err) == 0, "%s is a parameter", good[i]);
	static const char *const bad[][2] = {
		{ "true", "'true' is no NAME=VALUE, where NAME is a parameter such as "
			  "disable_notification" },
		{ "=x", "'=x' is no NAME=VALUE, where NAME is a parameter such as "
			"disable_notification" },
		{ "Chat=5", "'Chat=5' is no NAME=VALUE, where NAME is a parameter such as "
			    "disable_notification" },
		{ "chat_id=5", "'chat_id' is set by the reply itself and cannot be given" },
		{ "text=x", "'text' is set by the reply itself and cannot be given" },
		{ "reply_markup={a:1}", "the value of 'reply_markup' is no JSON at byte 1" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ok(reply_with_check(bad[i][0], &err) == -1 && err.status == ERR_USAGE,
		   "%s is refused", bad[i][0]);
		is_str(err.text, bad[i][1], "and it is told why");
	}
}

int main(void)
{
	samples_load();
	RUN(modes);
	RUN(long_texts);
	RUN(parameters);
	RUN(buttons);
	RUN(guests);
	RUN(unanswered);
	RUN(api);
	RUN(refusals);
	RUN(secrets);
	RUN(names);
	reply_release(&reply);
	return done_testing();
}
