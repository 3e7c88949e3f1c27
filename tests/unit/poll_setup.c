/* tests/unit/poll_setup: what the answers to the calls before getUpdates are followed by, and how
 * long failures are borne with: decisions without a loop, a server or a clock. */
#include <stdlib.h>
#include <sysexits.h>

#include "source/poll_setup_internal.h"
#include "source/poll_trouble_internal.h"
#include "tests/tap.h"

#define RESULT(json) "{\"ok\":true,\"result\":" json "}"

static const char *const kinds[] = { "goes on", "passes", "fails", "ends" };
static const char *const methods[] = { "getMe", "getWebhookInfo", "deleteWebhook", "getUpdates" };

static struct api_answer answer_of(enum api_class class, const char *body)
{
	struct api_answer answer = { .class = class,
				     .method = "method",
				     .body = body ? strdup(body) : NULL };
	answer.length = body ? strlen(body) : 0;
	if (class != API_OK)
		snprintf(answer.text, sizeof answer.text, "as it came");
	return answer;
}

static void test_answers(void)
{
	static const struct poll_setup plain = { .after_me = POLL_WEBHOOK },
				       again = { .after_me = POLL_UPDATES },
				       remove = { .after_me = POLL_WEBHOOK,
						  .delete_webhook = true },
				       drop = { .after_me = POLL_WEBHOOK, .drop_pending = true };
	static const struct {
		const char *name;
		enum poll_step step;
		const struct poll_setup *setup;
		enum api_class class;
		const char *body;
		const char *kind, *next; /* "" where nothing follows */
		const char *username;    /* NULL: none is told */
		const char *text;        /* of the answer, when it fails; of the end */
	} rows[] = {
		{ "a good token", POLL_ME, &plain, API_OK, RESULT("{\"username\":\"a_bot\"}"),
		  "goes on", "getWebhookInfo", "a_bot", "" },
		{ "a token that was in doubt", POLL_ME, &again, API_OK,
		  RESULT("{\"username\":\"a_bot\"}"), "goes on", "getUpdates", "a_bot", "" },
		{ "a bot without a name", POLL_ME, &plain, API_OK, RESULT("{}"), "goes on",
		  "getWebhookInfo", "", "" },
		{ "getMe without a result", POLL_ME, &plain, API_OK, "{\"ok\":true}", "fails", "",
		  NULL, "the answer has no result" },
		{ "getMe with a list", POLL_ME, &plain, API_OK, RESULT("[]"), "fails", "", NULL,
		  "the answer has no result" },
		{ "a token that is refused", POLL_ME, &plain, API_TOKEN, NULL, "fails", "", NULL,
		  "as it came" },
		{ "no webhook", POLL_WEBHOOK, &plain, API_OK, RESULT("{\"url\":\"\"}"), "goes on",
		  "getUpdates", NULL, "" },
		{ "no webhook, pending to be dropped", POLL_WEBHOOK, &drop, API_OK,
		  RESULT("{\"url\":\"\"}"), "goes on", "deleteWebhook", NULL, "" },
		{ "no webhook to remove", POLL_WEBHOOK, &remove, API_OK, RESULT("{\"url\":\"\"}"),
		  "goes on", "getUpdates", NULL, "" },
		{ "a webhook to remove", POLL_WEBHOOK, &remove, API_OK,
		  RESULT("{\"url\":\"https://h.example/x\"}"), "goes on", "deleteWebhook", NULL,
		  "" },
		{ "a webhook that may stay", POLL_WEBHOOK, &plain, API_OK,
		  RESULT("{\"url\":\"https://h.example/secret\"}"), "ends", "", NULL,
		  "a webhook is set for this bot (at h.example), so Telegram refuses long polling; remove it with --delete-webhook" },
		{ "dropping does not remove a webhook unasked", POLL_WEBHOOK, &drop, API_OK,
		  RESULT("{\"url\":\"https://h.example\"}"), "ends", "", NULL,
		  "a webhook is set for this bot (at h.example), so Telegram refuses long polling; remove it with --delete-webhook" },
		{ "getWebhookInfo refused", POLL_WEBHOOK, &plain, API_REFUSED, NULL, "passes",
		  "getUpdates", NULL, "as it came" },
		{ "getWebhookInfo refused, to be removed", POLL_WEBHOOK, &remove, API_SERVER, NULL,
		  "passes", "deleteWebhook", NULL, "as it came" },
		{ "getWebhookInfo refused, to be dropped", POLL_WEBHOOK, &drop, API_NETWORK, NULL,
		  "passes", "deleteWebhook", NULL, "as it came" },
		{ "getWebhookInfo without a result", POLL_WEBHOOK, &plain, API_OK, RESULT("1"),
		  "passes", "getUpdates", NULL, "the answer has no result" },
		{ "getWebhookInfo told to wait", POLL_WEBHOOK, &plain, API_FLOOD, NULL, "fails", "",
		  NULL, "as it came" },
		{ "a webhook removed", POLL_DELETE, &remove, API_OK, RESULT("true"), "goes on",
		  "getUpdates", NULL, "" },
		{ "a webhook not removed", POLL_DELETE, &remove, API_SERVER, NULL, "fails", "",
		  NULL, "as it came" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct api_answer answer = answer_of(rows[i].class, rows[i].body);
		struct poll_verdict v;
		char name[128];
		poll_setup_answer(rows[i].step, rows[i].setup, &answer, &v);
		bool follows = v.kind == POLL_GO_ON || v.kind == POLL_PASS;
		snprintf(name, sizeof name, "%s: it %s", rows[i].name, rows[i].kind);
		is_str(kinds[v.kind], rows[i].kind, name);
		snprintf(name, sizeof name, "%s: with %s", rows[i].name,
			 rows[i].next[0] ? rows[i].next : "nothing");
		is_str(follows ? methods[v.next] : "", rows[i].next, name);
		snprintf(name, sizeof name, "%s: the name", rows[i].name);
		is_str(v.username ? v.username : "none",
		       rows[i].username ? rows[i].username : "none", name);
		snprintf(name, sizeof name, "%s: the reason", rows[i].name);
		is_str(v.kind == POLL_CONFLICT ? v.text : answer.text, rows[i].text, name);
		free(v.username);
		free(answer.body);
	}
}

static void test_calls(void)
{
	struct poll_setup plain = { 0 }, drop = { .drop_pending = true };
	for (enum poll_step step = POLL_ME; step < POLL_UPDATES; step++)
		is_str(poll_setup_call(step, &plain).method, methods[step], methods[step]);
	is_str(poll_setup_call(POLL_DELETE, &plain).form, "",
	       "what is pending stays unless it was asked for");
	is_str(poll_setup_call(POLL_DELETE, &drop).form, "drop_pending_updates=true",
	       "and is dropped then");
	ok(!poll_setup_call(POLL_UPDATES, &plain).method, "getUpdates is none of these calls");
}

static void test_username(void)
{
	struct api_answer me = answer_of(API_OK, RESULT("{\"username\":\"new_bot\"}")),
			  refused = answer_of(API_TOKEN, NULL);
	char *name = poll_setup_username(&me);
	is_str(name, "new_bot", "a bot that was renamed says its name");
	ok(!poll_setup_username(&refused), "a refused token says none");
	free(name);
	free(me.body);
}

/* ---- failures ---- */

static struct poll_decision fail(struct poll_trouble *t, bool by_me, enum api_class class,
				 int64_t now)
{
	struct api_answer answer = { .class = class, .method = "method" };
	return poll_trouble_failed(t, by_me, &answer, now, UINT32_MAX);
}

static void test_patience(void)
{
	struct poll_trouble t;
	char text[560];
	poll_trouble_init(&t, 0, 5000, 1000);
	is_num(fail(&t, false, API_NETWORK, 1000).remedy, POLL_ASK_AGAIN,
	       "a failure is followed by another try");
	is_num(fail(&t, false, API_NETWORK, 5500).delay, 500,
	       "which does not come after the end of patience");
	is_num(fail(&t, false, API_NETWORK, 6000).remedy, POLL_GIVE_UP, "where the source ends");
	is_num(poll_trouble_end(&t, API_NETWORK, "why", text, sizeof text), EX_UNAVAILABLE,
	       "with the status of a server that is away");
	is_str(text, "Telegram could not be reached: why", "and its sentence");
	poll_trouble_good(&t, true, 6000);
	is_num(fail(&t, false, API_NETWORK, 10999).remedy, POLL_ASK_AGAIN,
	       "a good answer begins patience anew");
	struct api_answer flood = { .class = API_FLOOD, .retry_after = 100000 };
	poll_trouble_init(&t, 0, 0, 0);
	is_num(poll_trouble_failed(&t, false, &flood, 0, 0).delay, 3600 * 1000,
	       "the server may ask to wait an hour, and no longer");
}

static void test_token(void)
{
	struct poll_trouble t;
	char text[560];
	poll_trouble_init(&t, 0, 0, 0);
	is_num(fail(&t, false, API_TOKEN, 0).remedy, POLL_ASK_ME,
	       "getUpdates does not say that a token is wrong: getMe is asked");
	is_num(fail(&t, true, API_TOKEN, 1).remedy, POLL_ASK_AGAIN,
	       "nor does getMe at the first time");
	is_num(fail(&t, true, API_NETWORK, 2).remedy, POLL_ASK_AGAIN, "another failure between");
	is_num(fail(&t, true, API_TOKEN, 3).remedy, POLL_ASK_AGAIN,
	       "begins the count of refusals anew");
	is_num(fail(&t, true, API_TOKEN, 4).remedy, POLL_ASK_AGAIN, "the second refusal in a row");
	is_num(fail(&t, true, API_TOKEN, 5).remedy, POLL_GIVE_UP,
	       "the third is the end of a token that never worked");
	is_num(poll_trouble_end(&t, API_TOKEN, "getMe: 401", text, sizeof text), EX_NOPERM,
	       "with its own status");
	ok(strstr(text, "is wrong or was revoked"), "and a sentence that names both causes");
	poll_trouble_init(&t, 0, 0, 0);
	poll_trouble_good(&t, true, 0);
	for (int i = 0; i < 5; i++)
		is_num(fail(&t, true, API_TOKEN, 1000).remedy, POLL_ASK_AGAIN,
		       "one that worked is borne with");
	is_num(fail(&t, true, API_TOKEN, 1000 + 119999).remedy, POLL_ASK_AGAIN, "for two minutes");
	is_num(fail(&t, true, API_TOKEN, 1000 + 120000).remedy, POLL_GIVE_UP, "and no longer");
}

/* getUpdates is refused, and getMe says each time that the token is good. */
static void test_contradicted(void)
{
	struct poll_trouble t;
	char text[560];
	poll_trouble_init(&t, 0, 5000, 0);
	poll_trouble_good(&t, true, 1000);
	is_num(fail(&t, false, API_TOKEN, 1000).remedy, POLL_ASK_ME,
	       "getUpdates is refused: getMe is asked");
	is_str(poll_trouble_phrase(&t, API_TOKEN), "the token is refused",
	       "of which nothing else is known");
	poll_trouble_good(&t, false, 2000);
	is_num(fail(&t, false, API_TOKEN, 5999).remedy, POLL_ASK_ME,
	       "getMe contradicts, and is asked again");
	ok(strstr(poll_trouble_phrase(&t, API_TOKEN), "getMe says that the token is good"),
	   "which is told");
	ok(t.backoff.failures == 2, "the pauses grow on");
	poll_trouble_good(&t, false, 5999);
	is_num(fail(&t, false, API_TOKEN, 6000).remedy, POLL_GIVE_UP,
	       "a good getMe begins no patience anew");
	is_num(poll_trouble_end(&t, API_TOKEN, "getUpdates: 404", text, sizeof text),
	       EX_UNAVAILABLE,
	       "it is not the token, so the status is that of a server that is away");
	ok(strstr(text, "getUpdates: 404") && strstr(text, "the token is good"),
	   "the sentence says so");
	poll_trouble_init(&t, 0, 5000, 0);
	poll_trouble_good(&t, false, 0);
	is_num(fail(&t, true, API_TOKEN, 6000).remedy, POLL_GIVE_UP,
	       "a getMe that refuses the token, too,");
	is_num(poll_trouble_end(&t, API_TOKEN, "getMe: 401", text, sizeof text), EX_NOPERM,
	       "takes its word back");
}

int main(void)
{
	RUN(test_answers);
	RUN(test_calls);
	RUN(test_username);
	RUN(test_patience);
	RUN(test_token);
	RUN(test_contradicted);
	return done_testing();
}
