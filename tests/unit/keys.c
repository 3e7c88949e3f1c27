/* tests/unit/keys: what each kind of update waits for, with each sort of key; and that no two
 * conversations share a key. */
#include "tests/samples.h"
#include "tests/tap.h"
#include "update/update.h"

#define G "-1001234567890"
#define U "5000000001"

/* In the order of the samples. */
static const struct {
	const char *kind, *chat, *topic, *user;
} rows[] = {
	{ "message", "chat:" G, "topic:" G, "user:" U },
	{ "edited_message", "chat:" G, "topic:" G, "user:" U },
	{ "channel_post", "chat:" G, "topic:" G, "sender:" G },
	{ "edited_channel_post", "chat:" G, "topic:" G, "sender:" G },
	{ "business_connection", "chat:" U, "topic:" U, "user:" U },
	{ "business_message", "business:bc:" U, "business:bc:" U, "user:" U },
	{ "edited_business_message", "business:bc:" U, "business:bc:" U, "user:" U },
	{ "deleted_business_messages", "business:bc:" U, "business:bc:" U, "business:bc:" U },
	{ "guest_message", "guest:" G, "guest:" G, "user:" U },
	{ "stopped_message_generation", "chat:" U, "topic:" U ":4", "user:" U },
	{ "message_reaction", "chat:" G, "topic:" G, "user:" U },
	{ "message_reaction_count", "chat:" G, "topic:" G, "chat:" G },
	{ "inline_query", "user:" U, "user:" U, "user:" U },
	{ "chosen_inline_result", "user:" U, "user:" U, "user:" U },
	{ "callback_query", "chat:" G, "topic:" G, "user:" U },
	{ "shipping_query", "user:" U, "user:" U, "user:" U },
	{ "pre_checkout_query", "user:" U, "user:" U, "user:" U },
	{ "purchased_paid_media", "user:" U, "user:" U, "user:" U },
	{ "poll", "poll:pl", "poll:pl", "poll:pl" },
	{ "poll_answer", "user:" U, "user:" U, "user:" U },
	{ "my_chat_member", "chat:" G, "topic:" G, "user:" U },
	{ "chat_member", "chat:" G, "topic:" G, "user:" U },
	{ "chat_join_request", "chat:" G, "topic:" G, "user:" U },
	{ "chat_boost", "chat:" G, "topic:" G, "user:" U },
	{ "removed_chat_boost", "chat:" G, "topic:" G, "user:" U },
	{ "managed_bot", "user:" U, "user:" U, "user:" U },
	{ "subscription", "user:" U, "user:" U, "user:" U },
};

/* The keys of `json`, in a buffer that the next call overwrites. */
static const char *keys(const char *spec, const char *json)
{
	static struct buf out;
	struct err err = { 0 };
	buf_release(&out);
	buf_init(&out, 1 << 24);
	struct key_spec *k = key_spec_new(&spec, 1, &err);
	struct update *u = update_parse(json, strlen(json), &err);
	if (!k || !u || update_keys(u, k, &out))
		diag("no keys of %s: %s", json, err.text);
	update_free(u);
	key_spec_free(k);
	return k && u ? buf_str(&out) : NULL;
}

static void gives(const char *spec, const char *json, const char *want, const char *what)
{
	is_str(keys(spec, json), want, what);
}

static void each_kind(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows && i < sample_count; i++) {
		char what[100];
		struct update *u = update_parse(samples[i], strlen(samples[i]), NULL);
		is_str(update_kind(u), rows[i].kind, "the sample is of its kind");
		update_free(u);
		snprintf(what, sizeof what, "chat key of %s", rows[i].kind);
		gives("chat", samples[i], rows[i].chat, what);
		snprintf(what, sizeof what, "topic key of %s", rows[i].kind);
		gives("topic", samples[i], rows[i].topic, what);
		snprintf(what, sizeof what, "user key of %s", rows[i].kind);
		gives("user", samples[i], rows[i].user, what);
		gives("none", samples[i], "", "no key with none");
	}
	is_num((int64_t)sample_count, sizeof rows / sizeof *rows, "every sample has a row");
}

static void places(void)
{
	gives("topic",
	      "{\"message\":{\"message_thread_id\":7,\"is_topic_message\":true,\"chat\":{\"id\":-100123}}}",
	      "topic:-100123:7", "a message in a topic");
	gives("topic", "{\"message\":{\"message_thread_id\":7,\"chat\":{\"id\":-100123}}}",
	      "topic:-100123", "a thread of replies is no topic");
	gives("topic",
	      "{\"message\":{\"direct_messages_topic\":{\"topic_id\":8},\"chat\":{\"id\":-100123}}}",
	      "topic:-100123:8", "who writes to a channel has a topic of their own");
	gives("user",
	      "{\"message\":{\"chat\":{\"id\":-1},\"sender_chat\":{\"id\":-2},\"from\":{\"id\":1087968824}}}",
	      "sender:-2", "who speaks as a chat is kept apart from others who do");
	gives("topic", "{\"message\":{\"chat\":{\"id\":-100123}}}", "topic:-100123",
	      "no topic is the main topic");
	gives("chat", "{\"message\":{\"message_thread_id\":7,\"chat\":{\"id\":-100123}}}",
	      "chat:-100123", "a chat's topics are one chat");
	gives("topic",
	      "{\"callback_query\":{\"from\":{\"id\":1},\"message\":{\"message_thread_id\":7,\"is_topic_message\":true,\"chat\":{\"id\":-9}}}}",
	      "topic:-9:7", "a button in a topic belongs to the topic");
	gives("chat",
	      "{\"callback_query\":{\"from\":{\"id\":1},\"message\":{\"chat\":{\"id\":5},\"business_connection_id\":\"C\"}}}",
	      "business:C:5", "a button in a business chat belongs to the business chat");
	gives("chat",
	      "{\"callback_query\":{\"from\":{\"id\":1},\"business_connection_id\":\"C\",\"message\":{\"chat\":{\"id\":5}}}}",
	      "chat:5", "only the message says whether its chat is a business chat");
	gives("chat", "{\"callback_query\":{\"from\":{\"id\":1},\"inline_message_id\":\"x\"}}",
	      "user:1", "a button without a message: its user");
	gives("chat", "{\"message\":{\"business_connection_id\":\"\",\"chat\":{\"id\":5}}}",
	      "chat:5", "an empty business connection is none");
	gives("chat",
	      "{\"message\":{\"reply_to_message\":{\"chat\":{\"id\":1},\"from\":{\"id\":2}},\"chat\":{\"id\":3},\"from\":{\"id\":4}}}",
	      "chat:3", "the chat of the replied message is not looked at");
	gives("user", "{\"message_reaction\":{\"chat\":{\"id\":-1},\"actor_chat\":{\"id\":-2}}}",
	      "sender:-2", "a chat that reacts is the sender");
	gives("user",
	      "{\"message_reaction\":{\"chat\":{\"id\":-1},\"user\":{\"id\":\"x\"},\"actor_chat\":{\"id\":-2}}}",
	      "sender:-2", "a path that finds no integer is as one that finds nothing");
	gives("user", "{\"poll_answer\":{\"poll_id\":\"p\",\"voter_chat\":{\"id\":-3}}}",
	      "sender:-3", "a chat that votes is the sender");
	gives("chat", "{\"message\":{\"chat\":{\"id\":1.0},\"from\":{\"id\":4}}}", "user:4",
	      "a chat id that is no integer is none");
	gives("chat", "{\"message\":{\"chat\":{\"id\":9007199254740993}}}", "chat:9007199254740993",
	      "an id past 2^53 is exact");
	gives("chat", "{\"message\":{\"chat\":{\"id\":-1001234567890123}}}",
	      "chat:-1001234567890123", "a channel's id is exact");
}

static void unknown_kinds(void)
{
	gives("chat", "{\"update_id\":1,\"novelty\":{\"chat\":{\"id\":-5},\"from\":{\"id\":6}}}",
	      "chat:-5", "an unknown kind's chat");
	gives("user", "{\"update_id\":1,\"novelty\":{\"chat\":{\"id\":-5},\"from\":{\"id\":6}}}",
	      "user:6", "an unknown kind's user");
	gives("topic",
	      "{\"novelty\":{\"message\":{\"chat\":{\"id\":-5},\"message_thread_id\":2,\"is_topic_message\":true}}}",
	      "topic:-5:2", "the chat of its message");
	gives("chat", "{\"novelty\":{\"user_chat_id\":5,\"user\":{\"id\":6}}}", "user:6",
	      "user_chat_id is a chat of business connections only");
	gives("chat", "{\"novelty\":{\"boost\":{\"source\":{\"user\":{\"id\":7}}}}}", "user:7",
	      "a user deep inside");
	gives("chat", "{\"novelty\":{\"id\":\"x\"}}", "", "nothing known: no key");
	gives("chat", "{\"update_id\":1}", "", "no kind: no key");
	gives("chat", "{\"message\":[1]}", "", "a message that is no object: no key");
	gives("chat", "{\"Strange Kind\":{\"chat\":{\"id\":8}}}", "chat:8",
	      "a kind with a strange name has its chat all the same");
}

static void several(void)
{
	const char *m = samples[0];
	gives("chat,user", m, "chat:" G " user:" U, "two keys");
	gives("user,user,chat", m, "user:" U " chat:" G, "a repeated word counts once");
	gives("chat,user", samples[12], "user:" U, "two sorts that give the same key give it once");
	gives("/message/from/id,chat", m, "pointer:/message/from/id:" U " chat:" G,
	      "a pointer and a word");
	gives("/message/nobody/id,chat", m, "chat:" G, "a pointer that finds nothing gives no key");
	gives("/message/nobody/id", m, "", "and alone, none at all");
	gives("/a,/b", "{\"a\":\"x\",\"b\":\"x\"}", "pointer:/a:x pointer:/b:x",
	      "keys of two pointers differ");
	gives("/a", "{\"a\":\"x y\\n%\\u0000\\u007f\u00e4\"}", "pointer:/a:x%20y%0A%25%00%7F\u00e4",
	      "what could end a key is percent-encoded");
	gives("/a b", "{\"a b\":1}", "pointer:/a%20b:1", "in the pointer, too");
	gives("chat", "{\"message\":{\"business_connection_id\":\"a b\",\"chat\":{\"id\":5}}}",
	      "business:a%20b:5", "in a business connection, too");
}

static void long_keys(void)
{
	static char json[300000];
	for (int i = 0; i < 2; i++) {
		memcpy(json, "{\"a\":\"", 6);
		memset(json + 6, 'x', 250000);
		snprintf(json + 250006, 16, "%d\"}", i);
		static char first[400];
		const char *k = keys("/a", json);
		is_num((int64_t)strlen(k), 200, "a long key has 200 bytes");
		if (i == 0)
			snprintf(first, sizeof first, "%s", k);
		else
			ok(strncmp(first, k, 180) == 0 && strcmp(first, k) != 0,
			   "two long keys that differ at their end differ");
	}
}

static void refused(const char *value, const char *part)
{
	struct err err = { 0 };
	struct key_spec *k = key_spec_new(&value, 1, &err);
	if (!ok(!k && err.status == ERR_USAGE && strstr(err.text, part), "'%.40s' is refused: %s",
		value, part))
		diag("got %s, status %d, '%s'", k ? "a specification" : "none", err.status,
		     err.text);
	key_spec_free(k);
}

static void specifications(void)
{
	static const char *const two[] = { "chat,/a/b", "user", "chat" };
	struct key_spec *k = key_spec_new(two, 3, NULL);
	is_str(k ? key_spec_text(k) : NULL, "chat,/a/b,user",
	       "several values and several words in one become one text");
	key_spec_free(k);
	k = key_spec_new(NULL, 0, NULL);
	is_str(k ? key_spec_text(k) : NULL, "chat", "no value at all is chat");
	key_spec_free(k);
	key_spec_free(NULL);
	refused("chatt", "did you mean 'chat'?");
	refused("banana", "write chat, topic, user, none");
	refused("", "'' is no key");
	refused("chat,", "'' is no key");
	refused("chat,none", "cannot stand beside");
	refused("none,user", "cannot stand beside");
	refused("/a~", "no JSON Pointer");
	refused("/a~2", "no JSON Pointer");
	char longer[700];
	memset(longer, '/', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	refused(longer, "no JSON Pointer");
	refused("/1,/2,/3,/4,/5,/6,/7,/8,/9,/10,/11,/12,/13,/14,/15,/16,/17", "more than 16");
}

int main(void)
{
	samples_load();
	RUN(each_kind);
	RUN(places);
	RUN(unknown_kinds);
	RUN(several);
	RUN(long_keys);
	RUN(specifications);
	struct buf none;
	const char *chat = "chat";
	struct key_spec *k = key_spec_new(&chat, 1, NULL);
	struct update *u = update_parse(samples[0], strlen(samples[0]), NULL);
	buf_init(&none, 10);
	buf_adds(&none, "before");
	ok(update_keys(u, k, &none) == -1 && strcmp(buf_str(&none), "before") == 0,
	   "without room it fails and leaves the buffer as it was");
	buf_release(&none);
	update_free(u);
	key_spec_free(k);
	return done_testing();
}
