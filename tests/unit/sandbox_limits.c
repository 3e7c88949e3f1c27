/* tests/unit/sandbox_limits: how much a bot may send, on a clock of the test's own. */
#include "tests/unit/sandbox_rig.h"

/* The status of a call, after `ms` milliseconds. */
static int after(struct test *t, int64_t ms, const char *method_and_query)
{
	t->now += ms;
	const char *told = call(t, method_and_query);
	return told && strstr(told, "\"ok\":true") ? 200
	       : told                              ? atoi(strstr(told, "\"error_code\":") + 13)
						   : 0;
}

/* How many of `n` calls were carried out. */
static int at_once(struct test *t, int n, const char *method_and_query)
{
	int done = 0;
	for (int i = 0; i < n; i++)
		done += after(t, 0, method_and_query) == 200;
	return done;
}

static struct sandbox_stats figures(const struct test *t)
{
	struct sandbox_stats stats;
	sandbox_stats(t->sandbox, &stats);
	return stats;
}

static const struct sandbox_limits some = {
	.chat = { 1, 1000, 5 },
	.group = { 20, 60000, 5 },
	.bulk = { 30, 1000, 30 },
	.paid = { 1000, 1000, 1000 },
};

static void test_chat(struct test *t)
{
	start(t, false);
	is_num(at_once(t, 50, "sendMessage?chat_id=7&text=x"), 50, "without limits all is sent");
	start(t, false);
	sandbox_limit(t->sandbox, &some);
	is_num(at_once(t, 5, "sendMessage?chat_id=7&text=x"), 5, "a burst is sent at once");
	is_str(call(t, "sendMessage?chat_id=7&text=x"),
	       "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 1\",\"parameters\":{\"retry_after\":1}}",
	       "… what is beyond it is told to wait");
	is_num(after(t, 0, "sendMessage?chat_id=8&text=x"), 200, "… another chat is not");
	ok(figures(t).limited == 1 && figures(t).violations == 0, "… which breaks no rule yet");
	is_num(after(t, 999, "sendMessage?chat_id=7&text=x"), 429, "before its time it is refused");
	ok(figures(t).limited == 2 && figures(t).violations == 1, "… and breaks the rule");
	is_num(after(t, 0, "sendChatAction?chat_id=7&action=typing"), 429,
	       "… so does a sign of typing");
	is_num(after(t, 0, "getChat?chat_id=7"), 200, "… a question does not");
	is_num((int64_t)figures(t).violations, 2, "… and is not counted");
	is_num(after(t, 1, "sendMessage?chat_id=7&text=x"), 200, "at its time it is sent");
	is_num(after(t, 1000, "editMessageText?chat_id=7&message_id=1&text=y"), 200,
	       "an edit is sent a second later");
	is_num(after(t, 0, "sendMessage?chat_id=7&text=x"), 429, "… and has taken its place");
	is_num(after(t, 1000, "sendMessage?text=x&chat_id=7"), 200, "one a second goes on");
	is_num((int64_t)figures(t).violations, 2, "… for who waits");
}

static void test_more(struct test *t)
{
	start(t, false);
	sandbox_limit(t->sandbox, &some);
	int sent = at_once(t, 5, "sendMessage?chat_id=-7&text=x");
	for (int s = 0; s < 60; s += 3)
		sent += after(t, 3000, "sendMessage?chat_id=-7&text=x") == 200;
	ok(sent == 25 && figures(t).limited == 0, "a group has five, then one each 3 s (%d)", sent);
	is_num(after(t, 2000, "sendMessage?chat_id=-7&text=x"), 429, "… and not one each 2 s");
	is_num(after(t, 0, "sendMessage?chat_id=@name&text=x"), 200, "a name is another chat");

	start(t, false);
	sandbox_limit(t->sandbox, &some);
	sent = 0;
	for (int chat = 1; chat <= 40; chat++) {
		char query[64];
		snprintf(query, sizeof query, "sendMessage?chat_id=%d&text=x", chat);
		sent += after(t, 0, query) == 200;
	}
	is_num(sent, 30, "thirty chats at once");
	is_num(after(t, 34, "sendMessage?chat_id=100&text=x"), 200,
	       "… then one each thirtieth of a second");
	is_num(at_once(t, 40, "sendMessage?chat_id=101&text=x&allow_paid_broadcast=true"), 40,
	       "paid ones are not held");

	start(t, false);
	sandbox_limit(t->sandbox, &some);
	is_num(after(t, 0,
		     "sendMediaGroup?chat_id=7&media=%5B%7B%22type%22:%22photo%22,%22media%22:%22a%22%7D,"
		     "%7B%22type%22:%22photo%22,%22media%22:%22b%22%7D%5D"),
	       200, "an album of two");
	is_num(at_once(t, 5, "sendMessage?chat_id=7&text=x"), 3, "… is two messages");
	is_num(at_once(t, 9, "sendMessage?chat_id=9&text="), 0, "what is refused");
	is_num(at_once(t, 5, "sendMessage?chat_id=9&text=x"), 5, "… takes nothing");
}

static void test_cool(struct test *t)
{
	start(t, false);
	sandbox_cool(t->sandbox, 7, 5000);
	is_num(after(t, 1, "sendMessage?chat_id=7&text=x"), 429,
	       "a chat may be told to wait without limits");
	ok(strstr(t->result, "retry after 5") && figures(t).violations == 1,
	   "… for the rest of its time (%s)", t->result);
	is_num(after(t, 0, "sendMessage?chat_id=8&text=x"), 200, "… not the others");
	sandbox_cool(t->sandbox, 0, 2000);
	is_num(after(t, 500, "answerCallbackQuery?callback_query_id=1"), 429, "all may be");
	is_num(after(t, 0, "getUpdates"), 200, "… but no poll");
	is_num(after(t, 1500, "answerCallbackQuery?callback_query_id=1"), 200,
	       "… until it is over");
	struct sandbox_limits late = { .grace = 100 };
	sandbox_limit(t->sandbox, &late);
	sandbox_cool(t->sandbox, 0, 2000);
	after(t, 100, "sendMessage?chat_id=8&text=x");
	is_num((int64_t)figures(t).violations, 2, "who may not have read it yet is not to blame");
	after(t, 1, "sendMessage?chat_id=8&text=x");
	is_num((int64_t)figures(t).violations, 3, "… later he is");
}

int main(void)
{
	static struct test t;
	open_loop(&t);
	test_chat(&t);
	test_more(&t);
	test_cool(&t);
	sandbox_free(t.sandbox);
	loop_free(t.loop);
	return done_testing();
}
