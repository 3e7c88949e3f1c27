/* tests/unit/update: what is read from an update is exact, whatever stands around it; JSON
 * Pointers; and what is no update. */
#include "update/update.h"
#include "tests/samples.h"
#include "tests/tap.h"
#include "update/scan.h"

static struct update *parse(const char *json)
{
	struct err err = { 0 };
	struct update *u = update_parse(json, strlen(json), &err);
	if (!u) {
		printf("Bail out! %s: %s\n", json, err.text);
		exit(1);
	}
	return u;
}

static void number(const char *json, bool (*read)(const struct update *, int64_t *), bool there,
		   int64_t want, const char *what)
{
	struct update *u = parse(json);
	int64_t n = 77;
	bool got = read(u, &n);
	if (!ok(got == there && n == (there ? want : 77), "%s", what))
		diag("got %d, %" PRId64, got, n);
	update_free(u);
}

static void string(const char *json, const char *(*read)(const struct update *), const char *want,
		   const char *what)
{
	struct update *u = parse(json);
	is_str(read(u), want, what);
	const char *first = read(u);
	ok(first == read(u), "asked again, it is the same");
	update_free(u);
}

static void ids(void)
{
	number("{\"update_id\":9007199254740993}", update_id, true, 9007199254740993,
	       "an id past 2^53");
	number("{\"update_id\":9223372036854775807}", update_id, true, INT64_MAX, "the largest id");
	number("{\"update_id\":-9223372036854775808}", update_id, true, INT64_MIN, "the least id");
	number("{\"update_id\":9223372036854775808}", update_id, false, 0, "one more does not fit");
	number("{\"update_id\":-9223372036854775809}", update_id, false, 0,
	       "one less does not fit");
	number("{\"update_id\":123456789012345678901234567890}", update_id, false, 0,
	       "thirty digits do not fit");
	number("{\"update_id\":1.0}", update_id, false, 0, "a fraction is no id");
	number("{\"update_id\":1e3}", update_id, false, 0, "an exponent is no id");
	number("{\"update_id\":\"1\"}", update_id, false, 0, "a string is no id");
	number("{\"update_id\":null}", update_id, false, 0, "null is no id");
	number("{\"message\":{\"update_id\":1}}", update_id, false, 0,
	       "an id inside the message is not the update's");
	number("{}", update_id, false, 0, "no id");
	number("{ \"a\" : 1e400 , \"update_id\"\n:\t5 }", update_id, true, 5,
	       "white space and odd numbers around do not matter");
	number("{\"update_id\":1,\"update_id\":2}", update_id, true, 1,
	       "of two ids the first counts");
	number("{\"update_id\":\"x\",\"update_id\":2}", update_id, false, 0,
	       "also when it is no integer");
	number("{\"\\u0075pdate_i\\u0064\":3}", update_id, true, 3,
	       "a name may be written with escapes");
	number("{\"message\":{\"chat\":{\"id\":1},\"chat\":{\"id\":2}}}", update_chat, true, 1,
	       "of two chats the first counts");
	number("{\"message\":{\"chat\":{\"id\":1}},\"message\":{\"chat\":{\"id\":2}}}", update_chat,
	       true, 1, "of two messages the first counts");
	number("{\"message\":{\"text\":\"\\\",\\\"chat\\\":{\\\"id\\\":9}\",\"chat\":{\"id\":1}}}",
	       update_chat, true, 1, "what looks like a chat inside a text is text");
	number("{\"message\":{\"message_id\":8,\"message_thread_id\":9}}", update_message_id, true,
	       8, "the message's id");
	number("{\"callback_query\":{\"message\":{\"chat\":{\"id\":1},\"message_id\":8}}}",
	       update_message_id, true, 8, "the id of a button's message");
	number("{\"message\":{\"a\":1,\"ch\\u0061t\":{\"id\":1},\"chat\":{\"id\":2}}}", update_chat,
	       true, 1, "of two chats the first counts, also when its name has escapes");
	number("{\"message\":{\"chat\":{\"id\":1},\"ch\\u0061t\":{\"id\":2},\"message_id\":8}}",
	       update_message_id, true, 8, "what stands behind a name with escapes is found");
}

/* A message of many members, and what is read stands last. */
static void many_members(void)
{
	char json[4000] = "{\"message\":{";
	for (int i = 0; i < 100; i++)
		sprintf(json + strlen(json), "\"m%d\":{\"id\":%d},", i, i);
	strcat(json, "\"chat\":{\"id\":-5},\"message_id\":8}}");
	number(json, update_chat, true, -5, "a chat behind a hundred other members");
	number(json, update_message_id, true, 8, "and an id behind that");
	number(json, update_sender_chat, false, 0, "what is not there is not found");
}

static void thread(const char *message, enum update_thread type, int64_t want, const char *what)
{
	char json[600];
	snprintf(json, sizeof json, "{\"message\":{\"message_id\":8,%s}}", message);
	struct update *u = parse(json);
	int64_t id = 0;
	enum update_thread got = update_thread(u, &id);
	if (!ok(got == type && id == want, "%s", what))
		diag("got %d, %" PRId64, got, id);
	update_free(u);
}

static void threads(void)
{
	static const char group[] = "\"chat\":{\"id\":-1009,\"type\":\"supergroup\"}",
			  reply[] = "\"message_thread_id\":9";
	char json[300];
	snprintf(json, sizeof json, "%s,%s,\"is_topic_message\":true", group, reply);
	thread(json, THREAD_TOPIC, 9, "a message in a topic has its thread");
	snprintf(json, sizeof json, "%s,%s", group, reply);
	thread(json, THREAD_NONE, 0, "a thread of replies in a group is no topic");
	snprintf(json, sizeof json, "%s,%s,\"is_topic_message\":false", group, reply);
	thread(json, THREAD_NONE, 0, "nor is one that the server marks as none");
	snprintf(json, sizeof json, "%s,\"is_topic_message\":true", group);
	thread(json, THREAD_NONE, 0, "a topic without an id is none");
	thread("\"chat\":{\"id\":9,\"type\":\"private\"},\"message_thread_id\":4", THREAD_TOPIC, 4,
	       "any thread of a private chat counts");
	thread("\"chat\":{\"id\":-1009,\"type\":\"supergroup\",\"is_direct_messages\":true},\"direct_messages_topic\":{\"topic_id\":77}",
	       THREAD_DIRECT, 77, "a writer's messages to a channel are a topic");
	thread("\"chat\":{\"id\":-1009,\"type\":\"supergroup\"},\"direct_messages_topic\":{\"topic_id\":77},\"message_thread_id\":5",
	       THREAD_DIRECT, 77, "whatever thread they have besides");
	thread("\"chat\":{\"id\":-1009,\"type\":\"supergroup\"},\"reply_to_message\":{\"message_thread_id\":5,\"is_topic_message\":true}",
	       THREAD_NONE, 0, "the topic of the replied message is not looked at");
}

static void senders(void)
{
	static const char admin[] =
		"{\"message\":{\"chat\":{\"id\":-1009},\"sender_chat\":{\"id\":-1009},\"from\":{\"id\":1087968824}}}";
	static const char vote[] =
		"{\"poll_answer\":{\"voter_chat\":{\"id\":-1005},\"user\":{\"id\":136817688}}}";
	static const char button[] =
		"{\"callback_query\":{\"from\":{\"id\":42},\"message\":{\"sender_chat\":{\"id\":-1005},\"chat\":{\"id\":-1005}}}}";
	number(admin, update_sender_chat, true, -1009,
	       "an anonymous administrator speaks as the group");
	number(admin, update_user, false, 0,
	       "and is no user: the server's stand-in is every such administrator");
	number(vote, update_sender_chat, true, -1005, "a channel votes as itself");
	number(vote, update_user, false, 0, "and not as the stand-in of all channels");
	number(button, update_sender_chat, false, 0,
	       "whose message a button stands under is not who pressed it");
	number(button, update_user, true, 42, "that is a user");
	number("{\"message_reaction\":{\"actor_chat\":{\"id\":-7}}}", update_sender_chat, true, -7,
	       "a chat reacts as itself");
	number("{\"novelty\":{\"sender_chat\":{\"id\":-7},\"from\":{\"id\":1}}}", update_user,
	       false, 0, "an unknown kind has senders, too");
	number("{\"update_id\":1}", update_sender_chat, false, 0, "without a kind nobody sent it");
	number("{\"update_id\":1}", update_user, false, 0, "nor did a user");
	string("{\"business_connection\":{\"id\":\"C\"}}", update_connection, "C",
	       "a business connection's own id");
	string("{\"business_message\":{\"business_connection_id\":\"C\",\"id\":\"x\"}}",
	       update_connection, "C", "that of a message");
	string("{\"callback_query\":{\"id\":\"x\",\"inline_message_id\":\"I\"}}",
	       update_inline_message, "I", "the message that an inline bot sent");
	string("{\"guest_message\":{\"guest_query_id\":\"G\"}}", update_guest_query, "G",
	       "the query that answers a guest message");
}

static void texts(void)
{
	string("{\"update_id\":1}", update_kind, "", "no kind");
	string("{\"message\":1}", update_kind, "", "a message that is no object is no kind");
	string("{\"update_id\":{},\"note\":[],\"message\":{},\"poll\":{}}", update_kind, "message",
	       "the first object that is not update_id");
	string("{\"Message\":{}}", update_kind, "", "a kind with a strange name is not named");
	string("{\"mess\\u0061ge\":{}}", update_kind, "message", "a kind written with an escape");
	string("{\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggghhhh\":{}}",
	       update_kind, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg",
	       "a long kind is cut to 64 bytes");
	string("{\"message\":{\"text\":\"a\\,b\\x\"}}", update_text, "a,bx",
	       "an unknown escape is the character itself");
	string("{\"message\":{\"text\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\u20ac\\ud83d\\ude00\"}}",
	       update_text, "\"\\/\b\f\n\r\t\u00e4\u20ac\U0001F600", "every escape");
	string("{\"message\":{\"text\":\"\\ud800\\ude0 \\udc00 \\ud83d\\ud83d\\ude00\"}}",
	       update_text, "\ufffdude0 \ufffd \ufffd\U0001F600", "lone surrogates become U+FFFD");
	string("{\"message\":{\"text\":\"\\u12\"}}", update_text, "u12",
	       "an escape with too few digits is its letters");
	string("{\"message\":{\"text\":\"x\\u0000y\"}}", update_text, NULL,
	       "a text with a NUL is none");
	string("{\"message\":{\"text\":5,\"caption\":\"c\"}}", update_text, "c",
	       "a text that is no string is none");
	string("{\"message\":{\"text\":\"\"}}", update_text, "", "an empty text is one");
	string("{\"inline_query\":{\"query\":\"q\"}}", update_text, "q", "the query");
	string("{\"callback_query\":{\"data\":\"d\",\"message\":{\"text\":\"t\",\"chat\":{\"id\":1}}}}",
	       update_text, "d", "a button's data, not its message's text");
	string("{\"callback_query\":{\"id\":\"77\"}}", update_query_id, "77", "the query's id");
	string("{\"poll\":{\"id\":\"77\"}}", update_query_id, NULL, "a poll is no query");
	string("{\"poll\":{\"id\":\"77\"}}", update_poll_id, "77", "a poll's id");
	string("{\"message\":{\"chat\":{\"id\":1,\"type\":\"private\"}}}", update_chat_type,
	       "private", "the chat's type");
	string("{\"message\":{\"business_connection_id\":\"\"}}", update_business, NULL,
	       "an empty business connection is none");
	struct update *u = parse("{\"message\":{\"chat\":{\"id\":1},\"guest_query_id\":\"g\"}}");
	ok(update_is_guest(u), "a message with a guest query is in a guest chat");
	update_free(u);
}

/* `u` is the example of RFC 6901, section 5, inside an update. */
static void points(const struct update *u, const char *pointer, const char *want)
{
	struct buf out;
	buf_init(&out, 1000);
	int rc = update_pointer(u, pointer, &out);
	if (!ok(rc == (want != NULL) && strcmp(buf_str(&out), want ? want : "") == 0, "'%s' %s",
		pointer, want ? "is found" : "finds nothing"))
		diag("got %d, '%s'", rc, buf_str(&out));
	buf_release(&out);
}

static void pointers(void)
{
	struct update *u = parse(
		"{\"foo\":[\"bar\",\"baz\",10],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,"
		"\"m~n\":8,\"o\":{\"p\":-123456789012345678901,\"q\":1.5,\"r\":true,\"s\":\"\\u00e4\\,\",\"t\":null},\"o\":1}");
	points(u, "/foo/0", "bar");
	points(u, "/foo/2", "10");
	points(u, "/", "0");
	points(u, "/a~1b", "1");
	points(u, "/c%d", "2");
	points(u, "/e^f", "3");
	points(u, "/g|h", "4");
	points(u, "/i\\j", "5");
	points(u, "/k\"l", "6");
	points(u, "/ ", "7");
	points(u, "/m~0n", "8");
	points(u, "/o/p", "-123456789012345678901");
	points(u, "/o/s", "\u00e4,");
	static const char *const nothing[] = {
		"",        "/foo",    "/foo/3",   "/foo/-",
		"/foo/01", "/foo/",   "/foo/0/0", "/foo/99999999999999999999",
		"/o",      "/o/q",    "/o/r",     "/o/t",
		"/o/",     "/nobody", "/m~n",     "/m~",
		"foo",     "/a/b"
	};
	for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
		points(u, nothing[i], NULL);
	update_free(u);
	u = parse("{\"a\":\"long enough\"}");
	struct buf small;
	buf_init(&small, 4);
	is_num(update_pointer(u, "/a", &small), -1,
	       "a value without room is no value that is not there");
	buf_release(&small);
	update_free(u);
}

static void refused(const char *json, size_t n, const char *part)
{
	struct err err = { 0 };
	struct update *u = update_parse(json, n, &err);
	if (!ok(!u && err.status == ERR_IO && strstr(err.text, part), "%.*s: %s",
		(int)(n < 40 ? n : 40), json, part))
		diag("got %s, status %d, '%s'", u ? "an update" : "none", err.status, err.text);
	update_free(u);
}

static void no_updates(void)
{
	static const char *const bad[] = { "x",
					   "{a:1}",
					   "{'a':1}",
					   "{\"a\"}",
					   "{\"a\" 1}",
					   "{\"a\":}",
					   "{\"a\":1,}",
					   "{,}",
					   "{\"a\":1 \"b\":2}",
					   "{\"a\":[1,]}",
					   "{\"a\":[1 2]}",
					   "{\"a\":[1}}",
					   "{\"a\":01}",
					   "{\"a\":+1}",
					   "{\"a\":1.}",
					   "{\"a\":.5}",
					   "{\"a\":1e}",
					   "{\"a\":-}",
					   "{\"a\":nul}",
					   "{\"a\":True}",
					   "{\"a\":NaN}",
					   "{\"a\":1}}",
					   "\xef\xbb\xbf{}",
					   "{\"a\":/**/1}",
					   "{1:2}" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		refused(bad[i], strlen(bad[i]), " at byte ");
	static const char *const cut[] = {
		"",       " ",       "{",        "{\"a",     "{\"a\\",
		"{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":[", "{\"a\":1,"
	};
	for (size_t i = 0; i < sizeof cut / sizeof *cut; i++)
		refused(cut[i], strlen(cut[i]), "is cut off at byte ");
	refused("[1]", 3, "is no JSON object");
	refused("12", 2, "is no JSON object");
	refused("{} {}", 5, "has bytes behind its end at byte 3");
	refused("{\"a\":\"x\0y\"}", 11, "is no JSON at byte 7");
	refused("{\"a\":\"\\\0\"}", 10, "is no JSON at byte 7");
	refused("{}\0", 3, "has bytes behind its end at byte 2");
}

static void depth(void)
{
	static char json[2000000];
	for (int extra = 0; extra < 2; extra++) {
		size_t inner = SCAN_DEPTH - 1 + (size_t)extra;
		memcpy(json, "{\"a\":", 5);
		memset(json + 5, '[', inner);
		memset(json + 5 + inner, ']', inner);
		json[5 + 2 * inner] = '}';
		struct update *u = update_parse(json, 6 + 2 * inner, NULL);
		ok(!!u == !extra, "nesting of %zu is %s", inner + 1, extra ? "refused" : "read");
		update_free(u);
	}
	memset(json, '[', sizeof json);
	refused(json, sizeof json, "is nested too deeply");
	size_t n = 0;
	n += (size_t)sprintf(json, "{\"update_id\":4,\"message\":{\"wide\":[");
	while (n < 1500000)
		n += (size_t)sprintf(json + n, "{},[],");
	n += (size_t)sprintf(json + n, "0],\"chat\":{\"id\":6}}}");
	number(json, update_chat, true, 6, "a chat behind half a million values is found");
}

int main(void)
{
	samples_load();
	RUN(ids);
	RUN(many_members);
	RUN(threads);
	RUN(senders);
	RUN(texts);
	RUN(pointers);
	RUN(no_updates);
	RUN(depth);
	update_free(NULL);
	return done_testing();
}
