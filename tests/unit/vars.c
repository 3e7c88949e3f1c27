/* tests/unit/vars: the variables of each kind of update, commands with and without a name, and
 * values that are too long or odd. */
#include "tests/samples.h"
#include "tests/tap.h"
#include "update/scan.h"
#include "update/update.h"

#define G              "-1001234567890"
#define U              "5000000001"
#define KIND(id, kind) "TG_UPDATE_ID=" #id " TG_UPDATE_KIND=" kind
#define GROUP(type)    " TG_CHAT_ID=" G " TG_CHAT_TYPE=" type
#define PRIVATE        " TG_CHAT_ID=" U " TG_CHAT_TYPE=private"
#define USER           " TG_USER_ID=" U
#define SENDER         " TG_SENDER_CHAT_ID=" G
#define BUSINESS       " TG_BUSINESS_ID=bc"

/* In the order of the samples. */
static const char *const rows[] = {
	KIND(100, "message") GROUP("supergroup") USER " TG_MESSAGE_ID=7 TG_TEXT=hi",
	KIND(101, "edited_message") GROUP("supergroup") USER " TG_MESSAGE_ID=7 TG_TEXT=hi",
	KIND(102, "channel_post") GROUP("channel") SENDER " TG_MESSAGE_ID=7 TG_TEXT=x",
	KIND(103, "edited_channel_post") GROUP("channel") SENDER " TG_MESSAGE_ID=7 TG_TEXT=x",
	KIND(104, "business_connection") " TG_CHAT_ID=" U USER BUSINESS,
	KIND(105, "business_message") PRIVATE USER " TG_MESSAGE_ID=7" BUSINESS " TG_TEXT=hi",
	KIND(106, "edited_business_message") PRIVATE USER " TG_MESSAGE_ID=7" BUSINESS " TG_TEXT=hi",
	KIND(107, "deleted_business_messages") PRIVATE BUSINESS,
	KIND(108, "guest_message") GROUP("supergroup") USER
	" TG_MESSAGE_ID=7 TG_GUEST_QUERY_ID=gq TG_TEXT=hi",
	KIND(109, "stopped_message_generation") PRIVATE " TG_THREAD_ID=4 TG_THREAD_TYPE=topic" USER,
	KIND(110, "message_reaction") GROUP("supergroup") USER " TG_MESSAGE_ID=7",
	KIND(111, "message_reaction_count") GROUP("supergroup") " TG_MESSAGE_ID=7",
	KIND(112, "inline_query") USER " TG_QUERY_ID=q TG_TEXT=",
	KIND(113, "chosen_inline_result") USER " TG_TEXT=",
	KIND(114, "callback_query") GROUP("supergroup") USER
	" TG_MESSAGE_ID=7 TG_QUERY_ID=q TG_TEXT=d",
	KIND(115, "shipping_query") USER " TG_QUERY_ID=q",
	KIND(116, "pre_checkout_query") USER " TG_QUERY_ID=q",
	KIND(117, "purchased_paid_media") USER,
	KIND(118, "poll"),
	KIND(119, "poll_answer") USER,
	KIND(120, "my_chat_member") GROUP("supergroup") USER,
	KIND(121, "chat_member") GROUP("supergroup") USER,
	KIND(122, "chat_join_request") GROUP("supergroup") USER " TG_USER_CHAT_ID=" U,
	KIND(123, "chat_boost") GROUP("supergroup") USER,
	KIND(124, "removed_chat_boost") GROUP("supergroup") USER,
	KIND(125, "managed_bot") USER,
	KIND(126, "subscription") USER,
};

static struct buf out;

/* The value of a variable in `out`, NULL if it is not there. */
static const char *var(const char *name)
{
	size_t n = strlen(name);
	for (const char *p = buf_str(&out), *end = p + out.len; p < end; p += strlen(p) + 1)
		if (strncmp(p, name, n) == 0 && p[n] == '=')
			return p + n + 1;
	return NULL;
}

static bool agree = true; /* members and variables, of all that was read */

/* The members of a worker's line are JSON, and say what the variables in `out` say. */
static void compare_members(const struct update *u, const char *username)
{
	static const struct {
		const char *var, *member;
	} pairs[] = { { "TG_UPDATE_KIND", "kind" },
		      { "TG_CHAT_ID", "chat_id" },
		      { "TG_THREAD_ID", "thread_id" },
		      { "TG_USER_ID", "user_id" },
		      { "TG_COMMAND", "command" },
		      { "TG_ARGS", "args" },
		      { "TG_TEXT", "text" } };
	struct buf object, value;
	struct scan_fault fault;
	size_t found = 0, members = 0;
	buf_init(&object, 1 << 20);
	buf_init(&value, 1 << 20);
	buf_adds(&object, "{\"v\":1");
	bool same = update_members(u, username, &object) == 0 && buf_addc(&object, '}') == 0;
	const char *root = same ? scan_check(object.data, object.data + object.len, &fault) : NULL;
	for (size_t i = 0; root && i < sizeof pairs / sizeof *pairs; i++) {
		const char *want = var(pairs[i].var), *member = scan_named(root, pairs[i].member);
		buf_clear(&value);
		if (member && scan_is_string(member))
			scan_add(member, &value);
		else if (member)
			buf_add(&value, member, scan_integer_length(member));
		found += want != NULL;
		same = same && !want == !member && (!want || !strcmp(want, buf_str(&value)));
	}
	for (struct scan_walk w = scan_walk(root ? root : "0"); scan_next(&w);)
		members++;
	if (!root || !same || members != found + 1) {
		diag("members %s", buf_str(&object));
		agree = false;
	}
	buf_release(&object);
	buf_release(&value);
}

/* Reads the variables of `json` into `out`. */
static void read_vars(const char *json, size_t n, const char *username, const char *key)
{
	struct err err = { 0 };
	struct vars_context context = { .bot_username = username, .key = key };
	buf_clear(&out);
	struct update *u = update_parse(json, n, &err);
	if (!u || update_vars(u, &context, &out)) {
		printf("Bail out! no variables of %.100s: %s\n", json, err.text);
		exit(1);
	}
	compare_members(u, username);
	update_free(u);
}

static void each_kind(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows && i < sample_count; i++) {
		read_vars(samples[i], strlen(samples[i]), NULL, "");
		ok(out.len && out.data[out.len - 1] == '\0', "the last value is ended");
		for (size_t j = 0; j + 1 < out.len; j++)
			if (out.data[j] == '\0')
				out.data[j] = ' ';
		is_str(buf_str(&out), rows[i], rows[i]);
	}
	is_num((int64_t)sample_count, sizeof rows / sizeof *rows, "every sample has a row");
}

static void command(const char *text, const char *username, const char *want, const char *args)
{
	char json[400];
	int n = snprintf(json, sizeof json, "{\"message\":{\"text\":\"%s\"}}", text);
	read_vars(json, (size_t)n, username, NULL);
	const char *got = var("TG_COMMAND"), *rest = var("TG_ARGS");
	bool same = (got && want ? strcmp(got, want) == 0 : got == want) &&
		    (rest && args ? strcmp(rest, args) == 0 : rest == args);
	if (!ok(same && var("TG_TEXT"), "'%.60s' for @%s: %s %s", text, username ? username : "?",
		want ? want : "no command", args ? args : ""))
		diag("got '%s' and '%s'", got ? got : "(none)", rest ? rest : "(none)");
}

static void commands(void)
{
	command("/start", NULL, "/start", "");
	command("/start deep link ", NULL, "/start", "deep link ");
	command("/start \\n\\t x", NULL, "/start", "x");
	command("/start\\nx", NULL, "/start", "x");
	command("/Start_2 x", NULL, "/Start_2", "x");
	command("/start@ThisBot x", "thisbot", "/start", "x");
	command("/start@thisbot", "thisbot", "/start", "");
	command("/start@otherbot x", "thisbot", NULL, NULL);
	command("/start@thisbot2 x", "thisbot", NULL, NULL);
	command("/start@this x", "thisbot", NULL, NULL);
	command("/start@ x", "thisbot", NULL, NULL);
	command("/start@thisbot x", NULL, NULL, NULL);
	command("/start@thisbot.x", "thisbot", NULL, NULL);
	command("/", NULL, NULL, NULL);
	command("/ start", NULL, NULL, NULL);
	command(" /start", NULL, NULL, NULL);
	command("start", NULL, NULL, NULL);
	command("/usr/bin", NULL, NULL, NULL);
	command("/caf\u00e9", NULL, NULL, NULL);
	command("/aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg", NULL,
		"/aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg", "");
	command("/aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggh", NULL, NULL,
		NULL);
	static const char caption[] = "{\"message\":{\"caption\":\"/cap x\"}}",
			  data[] = "{\"callback_query\":{\"data\":\"/cap x\"}}",
			  query[] = "{\"inline_query\":{\"query\":\"/cap x\"}}";
	read_vars(caption, strlen(caption), NULL, NULL);
	is_str(var("TG_COMMAND"), "/cap", "a caption has commands");
	read_vars(data, strlen(data), NULL, NULL);
	is_str(var("TG_COMMAND"), NULL, "a button's data has none");
	read_vars(query, strlen(query), NULL, NULL);
	is_str(var("TG_COMMAND"), NULL, "a query has none");
}

/* A text with what the server marked in it. */
static void marked(const char *kind, const char *text, const char *entities, const char *want,
		   const char *args, const char *what)
{
	char json[600];
	int n = snprintf(json, sizeof json, "{\"%s\":{\"text\":\"%s\",\"entities\":%s}}", kind,
			 text, entities);
	read_vars(json, (size_t)n, "thisbot", NULL);
	const char *got = var("TG_COMMAND"), *rest = var("TG_ARGS");
	bool same = got && want ? strcmp(got, want) == 0 && strcmp(rest, args) == 0
				: got == want && !rest;
	if (!ok(same && var("TG_TEXT"), "%s", what))
		diag("'%s': got '%s' and '%s'", text, got ? got : "(none)", rest ? rest : "(none)");
}

#define MARK(type, offset, length) \
	"{\"type\":\"" type "\",\"offset\":" #offset ",\"length\":" #length "}"

static void marks(void)
{
	static const char start[] = "[" MARK("bot_command", 0, 6) "]";
	marked("message", "/start, please", start, "/start", ", please",
	       "the server's mark ends a command, whatever follows");
	marked("message", "/start\u00e9", start, "/start", "\u00e9",
	       "also a letter that is none of a command");
	marked("message", "/start@ThisBot: x", "[" MARK("bot_command", 0, 14) "]", "/start", ": x",
	       "a marked command of this bot");
	marked("message", "/start@other: x", "[" MARK("bot_command", 0, 12) "]", NULL, NULL,
	       "one of another bot is none");
	marked("message", "/start x", "[" MARK("bold", 0, 8) "," MARK("bot_command", 0, 6) "]",
	       "/start", "x", "the mark may stand behind others");
	marked("message", "/start x", "[" MARK("code", 0, 8) "]", NULL, NULL,
	       "what the server marked, but not as a command, is none");
	marked("message", "/start /stop", "[" MARK("bot_command", 7, 5) "]", NULL, NULL,
	       "a command further on is none");
	marked("message", "\U0001F600 /start", "[" MARK("bot_command", 3, 6) "]", NULL, NULL,
	       "offsets count UTF-16 units, and none is 0 here");
	marked("message", "/start x", "[]", "/start", "x", "without marks the text alone decides");
	marked("message", "/start x", "7", "/start", "x", "a list that is none is as none");
	marked("message", "/start x", "[7,{},{\"type\":1}]", "/start", "x",
	       "so are marks that are none");
	marked("message", "/st", "[" MARK("bot_command", 0, 60) "]", NULL, NULL,
	       "a mark that is longer than the text is not believed");
	marked("message", "/start", "[" MARK("bot_command", 0, 1) "]", NULL, NULL,
	       "nor one of the slash alone");
	marked("message", "/start x", "[" MARK("bot_command", 0, 8) "]", NULL, NULL,
	       "nor one with white space in it");
	marked("message", "/start x", "[" MARK("bot_command", 0, -6) "]", NULL, NULL,
	       "nor one of a length below nothing");
	marked("edited_message", "/pay 5", "[" MARK("bot_command", 0, 4) "]", NULL, NULL,
	       "what was edited is no command");
	marked("edited_business_message", "/pay 5", "[]", NULL, NULL,
	       "marked or not, in a business chat, too");
	marked("edited_channel_post", "/pay 5", "[]", NULL, NULL, "and in a channel");
	static const char caption[] =
		"{\"message\":{\"caption\":\"/cap, x\",\"caption_entities\":[" MARK(
			"bot_command", 0, 4) "],\"entities\":[]}}";
	read_vars(caption, strlen(caption), NULL, NULL);
	is_str(var("TG_COMMAND"), "/cap", "a caption has marks of its own");
}

static void lengths(void)
{
	static char json[100000];
	static const struct {
		size_t before, want;
		const char *truncated;
	} cases[] = { { 8191, 8192, NULL },
		      { 8190, 8192, NULL },
		      { 8191, 8191, "1" },
		      { 20000, 8192, "1" } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t n = (size_t)sprintf(json, "{\"message\":{\"text\":\"");
		memset(json + n, 'x', cases[i].before);
		n += cases[i].before;
		n += (size_t)sprintf(json + n, "%s\"}}", i == 0 ? "y" : "\u00e4");
		read_vars(json, n, NULL, NULL);
		is_num((int64_t)strlen(var("TG_TEXT")), (int64_t)cases[i].want,
		       "a text has 8 KiB at most, and whole characters");
		is_str(var("TG_TEXT_TRUNCATED"), cases[i].truncated,
		       "and it is told whether it was cut");
	}
	size_t n = (size_t)sprintf(json, "{\"message\":{\"text\":\"/c ");
	memset(json + n, 'x', 9000);
	sprintf(json + n + 9000, "\"}}");
	read_vars(json, strlen(json), NULL, NULL);
	is_num((int64_t)strlen(var("TG_ARGS")), 8192, "so have a command's arguments");
	is_str(var("TG_COMMAND"), "/c", "and the command is there");

	n = (size_t)sprintf(json, "{\"callback_query\":{\"id\":\"");
	memset(json + n, '1', 2000);
	n += 2000;
	n += (size_t)sprintf(json + n, "\",\"message\":{\"chat\":{\"id\":1,\"type\":\"");
	memset(json + n, 't', 50000);
	sprintf(json + n + 50000, "\"}}}}");
	read_vars(json, strlen(json), NULL, NULL);
	ok(!var("TG_QUERY_ID") && !var("TG_CHAT_TYPE"), "ids and types without end are left out");
	is_str(var("TG_CHAT_ID"), "1", "the rest is there");
}

static void odd_values(void)
{
	static const char nul[] =
		"{\"callback_query\":{\"id\":\"a\\u0000b\",\"data\":\"/x\\u0000\",\"from\":{\"id\":3}}}";
	read_vars(nul, strlen(nul), NULL, "user:3");
	ok(!var("TG_QUERY_ID") && !var("TG_TEXT"), "a value with a NUL drops its variable");
	is_str(var("TG_USER_ID"), "3", "the others stay");
	is_str(var("TG_KEY"), "user:3", "the key is told");
	static const char lone[] = "{\"message\":{\"text\":\"a\\ud800b\"}}";
	read_vars(lone, strlen(lone), NULL, "");
	is_str(var("TG_TEXT"), "a\ufffdb", "a lone surrogate becomes U+FFFD");
	is_str(var("TG_KEY"), NULL, "no key, no variable");
	read_vars("{}", 2, NULL, NULL);
	is_num((int64_t)out.len, 0, "an empty update has no variables");
	struct update *u = update_parse(samples[0], strlen(samples[0]), NULL);
	struct vars_context context = { .bot_username = NULL };
	struct buf small;
	buf_init(&small, 40);
	is_num(update_vars(u, &context, &small), -1, "without room it fails");
	buf_release(&small);
	update_free(u);
}

int main(void)
{
	samples_load();
	buf_init(&out, 32 * 1024);
	RUN(each_kind);
	RUN(commands);
	RUN(marks);
	RUN(lengths);
	RUN(odd_values);
	buf_release(&out);
	ok(agree, "what a worker's line says of each of them is what the variables say");
	return done_testing();
}
