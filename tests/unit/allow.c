/* tests/unit/allow: which ids are taken, and whose updates of each kind pass. */
#include "update/allow.h"
#include "tests/samples.h"
#include "tests/tap.h"

static void id(int (*check)(const char *, struct err *), const char *text, const char *part,
	       const char *what)
{
	struct err err = { 0 };
	int rc = check(text, &err);
	if (!ok(part ? rc == -1 && err.status == ERR_USAGE && strstr(err.text, part) : rc == 0,
		"%s", what))
		diag("'%s': %d, '%s'", text, rc, err.text);
}

static void ids(void)
{
	id(allow_check_user, "42", NULL, "a number above 0 is a user");
	id(allow_check_user, "9007199254740993", NULL, "also one past 2^53");
	id(allow_check_user, "0", "no id", "0 is nobody");
	id(allow_check_user, "-100123", "--allow-chat",
	   "one below is a chat, and told where it belongs");
	id(allow_check_user, "99999999999999999999", "no id", "one that fits no integer is none");
	id(allow_check_user, "@alice", "log tells the id",
	   "a name is none, and it is said where the id is found");
	id(allow_check_user, "alice", "log tells the id", "without its sign, too");
	id(allow_check_user, "4 2", "is no id", "nor is a number with something in it");
	id(allow_check_user, "", "is no id", "nor is nothing");
	id(allow_check_user, "-", "is no id", "nor a sign alone");
	id(allow_check_user, "4.2", "is no id", "nor a fraction");
	id(allow_check_chat, "-1001234567890", NULL, "a group");
	id(allow_check_chat, "42", NULL, "a private chat");
	id(allow_check_chat, "@group", "log tells the id", "no name of a group");
}

static bool passes(const char *json, const char *user, const char *chat)
{
	struct allow *a = allow_new(&user, user != NULL, &chat, chat != NULL);
	struct update *u = update_parse(json, strlen(json), NULL);
	bool yes = a && u && allow_passes(a, u);
	update_free(u);
	allow_free(a);
	return yes;
}

/* What neither the user nor the chat of the samples lets through. */
static bool is_nobodys(const char *kind)
{
	return strcmp(kind, "poll") == 0;
}

static void kinds(void)
{
	static const char *const without_user[] = { "channel_post", "edited_channel_post",
						    "deleted_business_messages",
						    "message_reaction_count", "poll" };
	bool all = true, mine = true, others = true;
	for (size_t i = 0; i < sample_count; i++) {
		struct update *u = update_parse(samples[i], strlen(samples[i]), NULL);
		const char *kind = update_kind(u);
		bool has_user = true;
		for (size_t j = 0; j < sizeof without_user / sizeof *without_user; j++)
			has_user = has_user && strcmp(kind, without_user[j]) != 0;
		all = all && passes(samples[i], NULL, NULL);
		if (passes(samples[i], "5000000001", NULL) != has_user) {
			diag("%s", kind);
			mine = false;
		}
		others = others && !passes(samples[i], "5000000002", "-1001234567891");
		if (is_nobodys(kind))
			ok(!passes(samples[i], "5000000001", "-1001234567890"),
			   "what has neither a user nor a chat is not allowed");
		update_free(u);
	}
	ok(sample_count > 20 && all, "without ids every kind passes");
	ok(mine, "the user's id lets all through that the user did");
	ok(others, "other ids let nothing through");
}

static void places(void)
{
	static const char group[] = "{\"message\":{\"chat\":{\"id\":-1009},\"from\":{\"id\":7}}}";
	static const char anonymous[] =
		"{\"message\":{\"chat\":{\"id\":-1009},\"sender_chat\":{\"id\":-1009},\"from\":{\"id\":1087968824}}}";
	static const char business[] =
		"{\"business_message\":{\"business_connection_id\":\"C\",\"chat\":{\"id\":77},\"from\":{\"id\":5}}}";
	static const char guest[] =
		"{\"guest_message\":{\"guest_query_id\":\"G\",\"chat\":{\"id\":-1009},\"from\":{\"id\":5}}}";
	static const char button[] =
		"{\"callback_query\":{\"from\":{\"id\":7},\"message\":{\"chat\":{\"id\":-1009},\"from\":{\"id\":42}}}}";
	ok(passes(group, NULL, "-1009") && passes(group, "7", NULL) && !passes(group, "8", NULL),
	   "a group's message: by the group or by who wrote it");
	ok(passes(anonymous, NULL, "-1009") && !passes(anonymous, "1087968824", NULL),
	   "an anonymous administrator: by the group, not by the stand-in");
	ok(!passes(business, NULL, "77") && passes(business, "5", NULL),
	   "a business chat is not the bot's own chat of that id");
	ok(!passes(guest, NULL, "-1009") && passes(guest, "5", NULL), "nor is a guest chat");
	ok(passes(button, NULL, "-1009") && passes(button, "7", NULL) &&
		   !passes(button, "42", NULL),
	   "a button: its chat, or who pressed it");
	ok(!passes("{\"message\":{\"chat\":{\"id\":7}}}", "7", NULL),
	   "a chat's number among the users allows nothing");
	ok(!passes("{\"novelty\":{}}", "7", "7"), "an unknown kind of nobody is not allowed");
	static const char *const many[] = { "9", "3", "7" }, *const chats[] = { "-3", "-1", "-2" };
	struct allow *a = allow_new(many, 3, chats, 3);
	struct update *u = update_parse(group, strlen(group), NULL);
	ok(allow_passes(a, u), "of several in any order, each counts");
	update_free(u);
	allow_free(a);
	allow_free(NULL);
}

int main(void)
{
	samples_load();
	RUN(ids);
	RUN(kinds);
	RUN(places);
	return done_testing();
}
