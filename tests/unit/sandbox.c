/* tests/unit/sandbox: the Bot API server's rules for getUpdates, on a clock of the test's own, and
 * what the sandbox tells its owner. */
#include "tests/unit/sandbox_rig.h"

/* An open long poll. */
static int wait_poll(struct test *t, const char *method_and_query, uint64_t polls)
{
	struct sandbox_stats stats = { 0 };
	int fd = ask(t, method_and_query);
	for (int64_t deadline = clock_system.mono(&clock_system) + 10000;
	     stats.polls < polls && clock_system.mono(&clock_system) < deadline;) {
		poll(NULL, 0, 1);
		loop_turn(t->loop, 0);
		sandbox_stats(t->sandbox, &stats);
	}
	return fd;
}

static void push_text(struct test *t, int count)
{
	for (int i = 0; i < count; i++)
		sandbox_push(t->sandbox, "message",
			     "{\"message_id\":1,\"chat\":{\"id\":7},\"text\":\"x\"}");
}

static void test_batches(struct test *t)
{
	start(t, false);
	is_num(sandbox_push(t->sandbox, "poll", "{\"id\": \"1\"}"), 100,
	       "the first update has the id that was asked for");
	sandbox_push_raw(t->sandbox, "{ \"update_id\":101,\n\"x\":1e400}", 29);
	is_str(call(t, "getUpdates"),
	       "{\"ok\":true,\"result\":[{\"update_id\":100,\"poll\":{\"id\": \"1\"}},\n{ \"update_id\":101,\n\"x\":1e400}]}",
	       "updates come as they were pushed, byte for byte");
	is_num((int64_t)sandbox_pending(t->sandbox), 2,
	       "… and are pending until they are confirmed");
	call(t, "getUpdates?offset=102");
	is_num((int64_t)sandbox_pending(t->sandbox), 0, "an offset confirms all that is below it");
	push_text(t, 250);
	call(t, "getUpdates?limit=1000");
	is_num((int64_t)t->count, 100, "a limit is at most 100");
	call(t, "getUpdates?limit=0");
	is_num((int64_t)t->count, 1, "… and at least 1");
	call(t, "getUpdates?offset=150&limit=100");
	is_num((int64_t)sandbox_pending(t->sandbox), 202,
	       "an offset in the middle confirms what was never served, too");
	call(t, "getUpdates?offset=-3");
	is_num((int64_t)sandbox_pending(t->sandbox), 3,
	       "a negative offset keeps that many of the newest");
	call(t, "getUpdates?offset=999999");
	is_num((int64_t)t->count, 3,
	       "an offset far past the newest id confirms nothing and is answered from the head");

	start(t, false);
	char *large = malloc(500001);
	memset(large, ' ', 500000);
	large[500000] = '\0';
	memcpy(large, "{\"text\":1", 9);
	large[499999] = '}';
	for (int i = 0; i < 12; i++)
		sandbox_push(t->sandbox, "message", large);
	free(large);
	call(t, "getUpdates");
	is_num((int64_t)t->count, 8, "a batch stops near 4 MiB");
}

static void test_ids(struct test *t)
{
	start(t, false);
	push_text(t, 2);
	call(t, "getUpdates");
	sandbox_push_raw(t->sandbox, "{\"update_id\":5}", 15);
	sandbox_push_raw(t->sandbox, "{\"update_id\":6}", 15);
	is_str(call(t, "getUpdates?offset=102"),
	       "{\"ok\":true,\"result\":[{\"update_id\":5},\n{\"update_id\":6}]}",
	       "ids may go down: the new ones are not taken for confirmed");
	is_str(call(t, "getUpdates?offset=102"),
	       "{\"ok\":true,\"result\":[{\"update_id\":5},\n{\"update_id\":6}]}",
	       "… and come again to a client that only raises its offset");
	is_str(call(t, "getUpdates?offset=7"), "{\"ok\":true,\"result\":[]}",
	       "… until it takes the offset from the last batch");
	sandbox_push_raw(t->sandbox, "garbage", 7);
	sandbox_push_raw(t->sandbox, "{\"update_id\":7}", 15);
	is_str(call(t, "getUpdates?offset=7"),
	       "{\"ok\":true,\"result\":[garbage,\n{\"update_id\":7}]}",
	       "what has no id is served as it is");
	call(t, "getUpdates?offset=8");
	is_num((int64_t)sandbox_pending(t->sandbox), 0, "… and confirmed with what came after it");
}

static void test_penalties(struct test *t)
{
	start(t, true);
	push_text(t, 10);
	call(t, "getUpdates?offset=100&timeout=1");
	ok(t->count == 10 && t->timeout == 1, "a first request is answered in full (%zu)",
	   t->count);
	t->now += 400;
	call(t, "getUpdates?offset=100&timeout=1");
	ok(t->count == 1 && t->timeout == 3,
	   "the same offset within half a second: limit 1 (%zu), timeout 3 (%d)", t->count,
	   t->timeout);
	t->now += 600;
	call(t, "getUpdates?offset=100&timeout=1");
	ok(t->count == 10 && t->timeout == 3, "… within 3 seconds: only timeout 3 (%zu, %d)",
	   t->count, t->timeout);
	t->now += 3000;
	call(t, "getUpdates?offset=100&timeout=1");
	ok(t->count == 10 && t->timeout == 1, "… later: neither (%zu, %d)", t->count, t->timeout);
	start(t, false);
	push_text(t, 10);
	call(t, "getUpdates?offset=100");
	call(t, "getUpdates?offset=100");
	is_num((int64_t)t->count, 10, "without penalties it is answered in full at once");
}

static void test_polls(struct test *t)
{
	start(t, true);
	int first = wait_poll(t, "getUpdates?offset=100&timeout=99", 1);
	ok(sandbox_polling(t->sandbox), "a long poll waits when nothing is there");
	int second = wait_poll(t, "getUpdates?offset=101&timeout=50", 2);
	const char *told = answer(t, first);
	ok(told && strstr(told,
			  "\"error_code\":409,\"description\":\"Conflict: terminated by other getUpdates request"),
	   "a second getUpdates ends the first (%s)", told);
	is_num(t->timeout, 50, "a timeout is at most 50");
	push_text(t, 1);
	ok(!sandbox_polling(t->sandbox) && answer(t, second) && t->count == 1,
	   "an update answers the open poll at once");
	t->now += 5000;
	int third = wait_poll(t, "getUpdates?offset=101&timeout=50", 3);
	call(t, "setWebhook?url=https://example.org/");
	told = answer(t, third);
	ok(told && strstr(told, "terminated by setWebhook"), "setting a webhook ends it (%s)",
	   told);
	t->now += 5000;
	told = call(t, "getUpdates");
	ok(told && strstr(told, "can't use getUpdates method while webhook is active"),
	   "with a webhook there is no polling (%s)", told);
	push_text(t, 3);
	call(t, "deleteWebhook?drop_pending_updates=true");
	is_num((int64_t)sandbox_pending(t->sandbox), 0,
	       "deleteWebhook drops what is pending, if asked to");
	close(wait_poll(t, "getUpdates?offset=7&timeout=50", 5));
	for (int i = 0; i < 5000 && sandbox_polling(t->sandbox); i++) {
		poll(NULL, 0, 1);
		loop_turn(t->loop, 0);
	}
	ok(!sandbox_polling(t->sandbox) && t->status == 0, "a long poll ends with its client");
	int last = wait_poll(t, "getUpdates?offset=8&timeout=50", 6);
	ok(sandbox_polling(t->sandbox), "another may wait");
	sandbox_free(t->sandbox);
	t->sandbox = NULL;
	is_str(answer(t, last), "", "the sandbox's end closes its connection");
}

static void test_kinds(struct test *t)
{
	start(t, false);
	is_num(sandbox_push(t->sandbox, "chat_member", "{}"), 0,
	       "by default a bot gets no chat_member");
	is_num(sandbox_push(t->sandbox, "a kind", "{}"), -1, "a kind is a name");
	call(t, "getUpdates?allowed_updates=%5B%22chat_member%22%5D");
	is_num(sandbox_push(t->sandbox, "message", "{}"), 0,
	       "what is not in allowed_updates is not queued");
	call(t, "getUpdates");
	is_num(sandbox_push(t->sandbox, "chat_member", "{}"), 100, "… which is remembered");
	call(t, "getUpdates?allowed_updates=%5B%5D");
	is_num(sandbox_push(t->sandbox, "message", "{}"), 101, "… until it is set again");
}

static void test_messages(struct test *t)
{
	start(t, false);
	is_num(sandbox_message_id(t->sandbox, 7), 1, "message ids begin at 1 in each chat");
	sandbox_push(
		t->sandbox, "message",
		"{\"message_id\":5,\"chat\":{\"id\":7,\"type\":\"private\",\"first_name\":\"Ann\"},\"text\":\"hi\"}");
	call(t, "sendMessage?chat_id=7&text=yes&reply_to_message_id=5");
	is_str(t->method, "sendMessage", "the owner is told what the bot sent");
	cJSON *message = cJSON_Parse(t->result);
	const cJSON *reply = cJSON_GetObjectItem(message, "reply_to_message"),
		    *chat = cJSON_GetObjectItem(message, "chat");
	is_num((int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(message, "message_id")), 6,
	       "… with an id past those that were pushed");
	is_str(cJSON_GetStringValue(cJSON_GetObjectItem(reply, "text")), "hi",
	       "… with the message it answers to");
	is_str(cJSON_GetStringValue(cJSON_GetObjectItem(chat, "first_name")), "Ann",
	       "… in the chat as it was pushed");
	cJSON_Delete(message);
	const char *told = call(t, "editMessageText?chat_id=7&message_id=6&text=no");
	ok(told && strstr(told, "\"text\":\"no\"") && strstr(told, "edit_date"),
	   "it can be edited (%s)", told);
	is_str(cJSON_GetStringValue(cJSON_GetObjectItem(sandbox_message(t->sandbox, 7, 6), "text")),
	       "no", "… and is kept so");
	call(t, "editMessageText?chat_id=7&message_id=5&text=no");
	is_str(t->result, "Bad Request: message can't be edited", "a user's cannot");
	call(t, "editMessageText?chat_id=7&message_id=77&text=no");
	is_str(t->result, "Bad Request: message to edit not found",
	       "one that is not there is said so");
	call(t, "deleteMessage?chat_id=7&message_id=6");
	ok(!sandbox_message(t->sandbox, 7, 6), "a deleted message is gone");
	call(t, "logOut");
	is_str(call(t, "getMe"), "{\"ok\":false,\"error_code\":400,\"description\":\"Logged out\"}",
	       "after logOut nothing is answered");
}

int main(void)
{
	struct err err;
	static struct test t;
	open_loop(&t);
	test_batches(&t);
	test_ids(&t);
	test_penalties(&t);
	test_polls(&t);
	test_kinds(&t);
	test_messages(&t);
	struct sandbox_config bad = { .token = "nonsense" };
	ok(!sandbox_new(t.loop, &bad, &err) && err.status == ERR_NOPERM,
	   "a sandbox wants a token that looks like one (%s)", err.text);
	struct sandbox_config taken = { .token = TOKEN,
					.port = atoi(strrchr(sandbox_url(t.sandbox), ':') + 1) };
	ok(!sandbox_new(t.loop, &taken, &err) && err.status == ERR_UNAVAILABLE,
	   "a port that is taken is an error (%s)", err.text);
	sandbox_free(t.sandbox);
	loop_free(t.loop);
	return done_testing();
}
