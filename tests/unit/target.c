/* tests/unit/target: where the answer to each kind of update goes, or why it has none; and what a
 * call has filled in from it. */
#include "reply/target.h"
#include "api/methods.h"
#include "tests/samples.h"
#include "tests/tap.h"

enum { BOT = 77 };

static struct update *update;
static struct target target;
static struct buf filled;

static void read_target(const char *json)
{
	struct err err = { 0 };
	update_free(update);
	update = update_parse(json, strlen(json), &err);
	if (!update) {
		printf("Bail out! %s: %s\n", json, err.text);
		exit(1);
	}
	target_of(update, BOT, &target);
}

/* What `method` has filled in beside `params`. */
static const char *fill(const char *method, const char *params)
{
	buf_release(&filled);
	buf_init(&filled, 4096);
	buf_addc(&filled, '{');
	target_fill(&target, methods_traits(method), params, &filled);
	buf_addc(&filled, '}');
	return buf_str(&filled);
}

#define GROUP "\"chat_id\":-1001234567890"
#define USER  "\"chat_id\":5000000001"

/* Every kind of the Bot API: how text answers it, and what sendMessage has filled in. */
static const struct {
	const char *kind;
	enum target_way way;
	const char *filled;
} kinds[] = {
	{ "message", TARGET_CHAT, "{" GROUP "}" },
	{ "edited_message", TARGET_NONE, "{" GROUP "}" },
	{ "channel_post", TARGET_CHAT, "{" GROUP "}" },
	{ "edited_channel_post", TARGET_NONE, "{" GROUP "}" },
	{ "business_connection", TARGET_NONE, "{" USER "}" },
	{ "business_message", TARGET_CHAT, "{" USER ",\"business_connection_id\":\"bc\"}" },
	{ "edited_business_message", TARGET_NONE, "{" USER ",\"business_connection_id\":\"bc\"}" },
	{ "deleted_business_messages", TARGET_NONE,
	  "{" USER ",\"business_connection_id\":\"bc\"}" },
	{ "guest_message", TARGET_GUEST, "{}" },
	{ "stopped_message_generation", TARGET_NONE, "{" USER ",\"message_thread_id\":4}" },
	{ "message_reaction", TARGET_NONE, "{" GROUP "}" },
	{ "message_reaction_count", TARGET_NONE, "{" GROUP "}" },
	{ "inline_query", TARGET_NONE, "{}" },
	{ "chosen_inline_result", TARGET_NONE, "{}" },
	{ "callback_query", TARGET_CHAT, "{" GROUP "}" },
	{ "shipping_query", TARGET_NONE, "{}" },
	{ "pre_checkout_query", TARGET_NONE, "{}" },
	{ "purchased_paid_media", TARGET_NONE, "{}" },
	{ "poll", TARGET_NONE, "{}" },
	{ "poll_answer", TARGET_NONE, "{}" },
	{ "my_chat_member", TARGET_NONE, "{" GROUP "}" },
	{ "chat_member", TARGET_NONE, "{" GROUP "}" },
	{ "chat_join_request", TARGET_CHAT, "{" USER "}" },
	{ "chat_boost", TARGET_NONE, "{" GROUP "}" },
	{ "removed_chat_boost", TARGET_NONE, "{" GROUP "}" },
	{ "managed_bot", TARGET_NONE, "{}" },
	{ "subscription", TARGET_NONE, "{}" },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void every_kind(void)
{
	is_num(KINDS, (int64_t)sample_count, "each kind of the samples has a row here");
	for (size_t i = 0; i < KINDS && i < sample_count; i++) {
		read_target(samples[i]);
		is_str(update_kind(update), kinds[i].kind, "a kind");
		is_num(target.way, kinds[i].way, "is answered as it should be");
		is_str(fill("sendMessage", NULL), kinds[i].filled, "and a message goes there");
	}
	read_target("{\"update_id\":1,\"reminder\":{\"chat\":{\"id\":42},\"text\":\"tea\"}}");
	is_num(target.way, TARGET_NONE, "a kind that nobody knows yet is not answered by text");
	is_str(fill("sendMessage", NULL), "{\"chat_id\":42}", "but has its chat for calls");
	read_target("{\"update_id\":1}");
	is_num(target.way, TARGET_NONE, "an update of no kind is not answered");
	is_str(fill("sendMessage", NULL), "{}", "and has no chat");
}

static void queries(void)
{
	static const struct {
		const char *kind, *method, *filled;
	} rows[] = {
		{ "callback_query", "answerCallbackQuery", "{\"callback_query_id\":\"q\"}" },
		{ "inline_query", "answerInlineQuery", "{\"inline_query_id\":\"q\"}" },
		{ "shipping_query", "answerShippingQuery", "{\"shipping_query_id\":\"q\"}" },
		{ "pre_checkout_query", "answerPreCheckoutQuery",
		  "{\"pre_checkout_query_id\":\"q\"}" },
		{ "guest_message", "answerGuestQuery", "{\"guest_query_id\":\"gq\"}" },
	};
	enum { ROWS = sizeof rows / sizeof *rows };
	for (size_t i = 0; i < KINDS && i < sample_count; i++) {
		read_target(samples[i]);
		for (size_t k = 0; k < ROWS; k++) {
			bool its = strcmp(kinds[i].kind, rows[k].kind) == 0;
			is_str(fill(rows[k].method, NULL), its ? rows[k].filled : "{}",
			       its ? "the query's id is filled in"
				   : "a query's id only in its answer");
		}
	}
	read_target(samples[14]);
	is_str(fill("answerCallbackQuery", "{\"callback_query_id\":\"other\"}"), "{}",
	       "an id of its own stays");
	is_str(fill("answerCallbackQuery", "{\"callback_query_id\":null}"),
	       "{\"callback_query_id\":\"q\"}", "null is none");
}

static void own_places(void)
{
	read_target("{\"update_id\":1,\"message\":{\"message_id\":9,\"chat\":{\"id\":-5,\"type\":"
		    "\"supergroup\"},\"message_thread_id\":3,\"is_topic_message\":true}}");
	is_str(fill("sendMessage", "{}"), "{\"chat_id\":-5,\"message_thread_id\":3}",
	       "a message goes to the topic");
	is_str(fill("sendMessage", "{\"message_thread_id\":8}"), "{\"chat_id\":-5}",
	       "or to one of its own");
	is_str(fill("sendMessage", "{\"chat_id\":6}"), "{}", "nothing beside a chat of its own");
	is_str(fill("sendMessage", "{\"chat_id\":null}"),
	       "{\"chat_id\":-5,\"message_thread_id\":3}", "null is none");
	is_str(fill("sendGift", "{\"user_id\":6}"), "{}", "nothing beside a user");
	is_str(fill("editMessageText", "{\"inline_message_id\":\"i\"}"), "{}",
	       "nothing beside an inline message");
	is_str(fill("editMessageText", "{\"message_id\":9}"), "{\"chat_id\":-5}",
	       "an edit takes no topic");
	is_str(fill("setMyName", "{}"), "{}", "what is about the bot takes no chat");
	is_str(fill("fooBar", "{}"), "{}", "nor does a method that is not known");
	is_num(target.message, 9, "the message to quote");

	read_target("{\"update_id\":1,\"message\":{\"chat\":{\"id\":-5,\"type\":\"supergroup\"},"
		    "\"message_thread_id\":3}}");
	is_str(fill("sendMessage", NULL), "{\"chat_id\":-5}",
	       "a thread of replies in a plain group is no topic");
	read_target("{\"update_id\":1,\"message\":{\"chat\":{\"id\":5,\"type\":\"private\"},"
		    "\"message_thread_id\":3}}");
	is_str(fill("sendMessage", NULL), "{\"chat_id\":5,\"message_thread_id\":3}",
	       "one of a private chat is");
	read_target("{\"update_id\":1,\"message\":{\"chat\":{\"id\":-5,\"type\":\"supergroup\"},"
		    "\"direct_messages_topic\":{\"topic_id\":4},\"message_thread_id\":3}}");
	is_str(fill("sendMessage", NULL), "{\"chat_id\":-5,\"direct_messages_topic_id\":4}",
	       "who writes to a channel is answered there");
	is_str(fill("sendChatAction", NULL), "{\"chat_id\":-5}",
	       "by methods that take such a topic");

	read_target(samples[4]);
	is_str(fill("setBusinessAccountName", NULL), "{\"business_connection_id\":\"bc\"}",
	       "what is about a connection has it filled in");
	read_target(samples[5]);
	is_str(fill("postStory", NULL), "{\"business_connection_id\":\"bc\"}",
	       "also from one of its messages");
	is_str(fill("postStory", "{\"chat_id\":6}"), "{}", "but not beside a chat of its own");
	is_str(fill("sendMessage", "{\"business_connection_id\":\"own\"}"), "{" USER "}",
	       "one of its own stays");
}

static void buttons(void)
{
	read_target(
		"{\"update_id\":1,\"callback_query\":{\"id\":\"q\",\"inline_message_id\":\"i\"}}");
	is_num(target.way, TARGET_BUTTON, "a button of an inline message has no chat");
	read_target(
		"{\"update_id\":1,\"callback_query\":{\"id\":\"q\",\"message\":{\"message_id\":4,"
		"\"date\":0,\"chat\":{\"id\":5,\"type\":\"private\"}}}}");
	is_num(target.way, TARGET_CHAT, "that of a message that is no longer there has one");
	read_target(
		"{\"update_id\":1,\"callback_query\":{\"id\":\"q\",\"message\":{\"message_id\":4,"
		"\"chat\":{\"id\":5},\"guest_query_id\":\"g\"}}}");
	is_num(target.way, TARGET_BUTTON, "a guest's chat is none");
	is_str(fill("sendMessage", NULL), "{}", "that a message may go to");
	read_target(
		"{\"update_id\":1,\"callback_query\":{\"id\":\"q\",\"message\":{\"message_id\":4,"
		"\"chat\":{\"id\":5},\"business_connection_id\":\"b\",\"from\":{\"id\":77,"
		"\"is_bot\":true}},\"from\":{\"id\":5,\"is_bot\":false}}}");
	is_num(target.way, TARGET_CHAT, "the message is this bot's, the press is not");
	is_str(fill("sendMessage", NULL), "{\"chat_id\":5,\"business_connection_id\":\"b\"}",
	       "and it is answered in the business chat");
	read_target(
		"{\"update_id\":1,\"chat_join_request\":{\"chat\":{\"id\":-5},\"from\":{\"id\":5}}}");
	is_num(target.way, TARGET_LOST, "who asks to join is not answered in the group");
	is_str(fill("sendMessage", NULL), "{}", "by a call neither");
}

/* The variables of the update that was read last, as a program that its handler starts has them. */
static char *const *variables(void)
{
	static struct buf vars;
	static char *env[64];
	const struct vars_context context = { .bot_username = NULL };
	size_t n = 0;
	buf_release(&vars);
	buf_init(&vars, 64 * 1024);
	update_vars(update, &context, &vars);
	for (char *p = vars.data; p < vars.data + vars.len && n < 60; p += strlen(p) + 1)
		env[n++] = p;
	env[n] = NULL;
	return env;
}

/* What each method has filled in from `t`. */
static void fill_all(const struct target *t, struct buf *out)
{
	size_t count;
	const struct method *all = methods_all(&count);
	buf_init(out, 256 * 1024);
	for (size_t i = 0; i < count; i++) {
		buf_addf(out, "%s{", all[i].name);
		target_fill(t, all[i].traits, NULL, out);
		buf_adds(out, "}\n");
	}
}

static void same_by_variables(const char *json)
{
	struct target by_vars;
	struct buf want, got;
	read_target(json);
	target_of_vars(variables(), &by_vars);
	fill_all(&target, &want);
	fill_all(&by_vars, &got);
	is_str(buf_str(&got), buf_str(&want), update_kind(update));
	buf_release(&want);
	buf_release(&got);
}

/* A program that a handler starts sees what the handler sees. */
static void from_variables(void)
{
	static char *const none[] = { "TG_CHAT_ID=5", NULL };
	static char *const odd[] = { "TG_UPDATE_KIND=message", "TG_CHAT_ID=5x",
				     "TG_THREAD_ID=", NULL };
	for (size_t i = 0; i < sample_count; i++)
		same_by_variables(samples[i]);
	same_by_variables("{\"update_id\":1,\"message\":{\"message_id\":9,\"chat\":{\"id\":-5,"
			  "\"type\":\"supergroup\"},\"message_thread_id\":3,"
			  "\"is_topic_message\":true}}");
	same_by_variables("{\"update_id\":1,\"message\":{\"chat\":{\"id\":-5,\"type\":"
			  "\"supergroup\"},\"direct_messages_topic\":{\"topic_id\":4}}}");
	same_by_variables(
		"{\"update_id\":1,\"callback_query\":{\"id\":\"q\",\"message\":{\"message_id\":4,"
		"\"chat\":{\"id\":5},\"guest_query_id\":\"g\"}}}");
	same_by_variables(
		"{\"update_id\":1,\"callback_query\":{\"id\":\"q\",\"message\":{\"message_id\":4,"
		"\"chat\":{\"id\":5},\"business_connection_id\":\"b\"}}}");
	same_by_variables("{\"update_id\":1,\"reminder\":{\"chat\":{\"id\":42},\"text\":\"tea\"}}");
	target_of_vars(none, &target);
	is_str(fill("sendMessage", NULL), "{}", "outside of a handler nothing is filled in");
	target_of_vars(odd, &target);
	is_str(fill("sendMessage", NULL), "{}", "nor what is no number");
}

static void is_way(const char *kind, const char *rest, enum target_way way, const char *what)
{
	char json[512];
	snprintf(json, sizeof json, "{\"update_id\":1,\"%s\":{\"chat\":{\"id\":-5}%s}}", kind,
		 rest);
	read_target(json);
	is_num(target.way, way, what);
	is_str(fill("sendMessage", NULL), "{\"chat_id\":-5}", "its chat is there for calls");
}

static void bots(void)
{
	is_way("message", ",\"from\":{\"id\":9,\"is_bot\":true}", TARGET_BOT,
	       "what another bot wrote is not answered");
	is_way("message", ",\"from\":{\"id\":9,\"is_bot\":false}", TARGET_CHAT,
	       "what a user wrote is");
	is_way("message", ",\"from\":{\"id\":9,\"is_bot\":true},\"sender_chat\":{\"id\":-5}",
	       TARGET_CHAT, "and what an anonymous administrator wrote");
	is_way("channel_post", ",\"sender_chat\":{\"id\":-5}", TARGET_CHAT, "a post is answered");
	is_way("channel_post", ",\"sender_chat\":{\"id\":-5},\"from\":{\"id\":77,\"is_bot\":true}",
	       TARGET_BOT, "but not this bot's own");
	is_way("business_message", ",\"from\":{\"id\":9},\"sender_business_bot\":{\"id\":77}",
	       TARGET_BOT, "nor what a bot wrote in a business's name");
}

int main(void)
{
	samples_load();
	RUN(every_kind);
	RUN(queries);
	RUN(own_places);
	RUN(buttons);
	RUN(from_variables);
	RUN(bots);
	update_free(update);
	buf_release(&filled);
	return done_testing();
}
