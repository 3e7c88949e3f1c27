/* source/poll_setup: the hello before long polling: getMe proves the token and gives the bot's
 * name, getWebhookInfo shows whether getUpdates would be refused, deleteWebhook mends that or drops
 * what is pending, when asked to. Pure.
 *
 * Only what is needed can hold up the polling: getMe, and deleteWebhook where it was asked for.
 * Without an answer to getWebhookInfo, getUpdates itself will show whether a webhook is set. */
#include "source/poll_setup_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

struct poll_call poll_setup_call(enum poll_step step, const struct poll_setup *setup)
{
	switch (step) {
	case POLL_ME:
		return (struct poll_call){ "getMe", "" };
	case POLL_WEBHOOK:
		return (struct poll_call){ "getWebhookInfo", "" };
	case POLL_DELETE:
		return (struct poll_call){ "deleteWebhook",
					   setup->drop_pending ? "drop_pending_updates=true" : "" };
	case POLL_UPDATES:
		break;
	}
	return (struct poll_call){ NULL, NULL };
}

/* The host of a URL, for people: the path of a webhook is often a secret of its own. */
static void host_of(const char *url, char *out, size_t n)
{
	const char *host = strstr(url, "://");
	host = host ? host + 3 : url;
	snprintf(out, n, "%.*s", (int)strcspn(host, "/?#"), host);
}

void poll_setup_conflict(const char *url, char *text, size_t n)
{
	char host[128] = "";
	if (url)
		host_of(url, host, sizeof host);
	snprintf(text, n,
		 "a webhook is set for this bot%s%s%s, so Telegram refuses long polling; "
		 "remove it with --delete-webhook",
		 url ? " (at " : "", host, url ? ")" : "");
}

static char *username_of(const cJSON *me)
{
	const cJSON *username = cJSON_GetObjectItemCaseSensitive(me, "username");
	return strdup(cJSON_IsString(username) ? username->valuestring : "");
}

char *poll_setup_username(const struct api_answer *answer)
{
	if (answer->class != API_OK)
		return NULL;
	cJSON *root = cJSON_ParseWithLength(answer->body, answer->length);
	const cJSON *me = cJSON_GetObjectItemCaseSensitive(root, "result");
	char *username = cJSON_IsObject(me) ? username_of(me) : NULL;
	cJSON_Delete(root);
	return username;
}

/* What getWebhookInfo is followed by. */
static enum poll_step after_webhook(const struct poll_setup *setup, bool is_set)
{
	return is_set || setup->drop_pending ? POLL_DELETE : POLL_UPDATES;
}

/* Makes an answer that was taken for one a failure. */
static void spoil(struct api_answer *answer, enum api_class class, const char *why)
{
	answer->class = class;
	snprintf(answer->text, sizeof answer->text, "%s", why);
}

static void read_webhook(const struct poll_setup *setup, const cJSON *info,
			 struct poll_verdict *verdict)
{
	const char *url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(info, "url"));
	bool is_set = url && url[0];
	if (is_set && !setup->delete_webhook) {
		verdict->kind = POLL_CONFLICT;
		poll_setup_conflict(url, verdict->text, sizeof verdict->text);
	} else {
		verdict->next = after_webhook(setup, is_set);
	}
}

/* The result of getMe and getWebhookInfo is an object. Changes the class of an answer that has
 * none. */
static void read_result(enum poll_step step, const struct poll_setup *setup,
			struct api_answer *answer, struct poll_verdict *verdict)
{
	cJSON *root = cJSON_ParseWithLength(answer->body, answer->length);
	const cJSON *result = cJSON_GetObjectItemCaseSensitive(root, "result");
	if (!root) /* the client found it whole */
		spoil(answer, API_NETWORK, "out of memory");
	else if (!cJSON_IsObject(result))
		spoil(answer, API_GARBAGE, "the answer has no result");
	else if (step == POLL_WEBHOOK)
		read_webhook(setup, result, verdict);
	else if (!(verdict->username = username_of(result)))
		spoil(answer, API_NETWORK, "out of memory");
	cJSON_Delete(root);
}

void poll_setup_answer(enum poll_step step, const struct poll_setup *setup,
		       struct api_answer *answer, struct poll_verdict *verdict)
{
	*verdict = (struct poll_verdict){
		.kind = POLL_GO_ON,
		.next = step == POLL_ME ? setup->after_me : POLL_UPDATES,
	};
	if (answer->class == API_OK && step != POLL_DELETE)
		read_result(step, setup, answer, verdict);
	if (answer->class == API_OK)
		return;
	verdict->kind = POLL_FAIL;
	/* No reason to wait: what getWebhookInfo would have told is found out otherwise. */
	if (step == POLL_WEBHOOK && answer->class != API_FLOOD) {
		verdict->kind = POLL_PASS;
		verdict->next = after_webhook(setup, setup->delete_webhook);
	}
}

const char *poll_setup_deleted(struct poll_setup *setup)
{
	bool dropped = setup->drop_pending;
	setup->drop_pending = false;
	return dropped ? "dropped what was pending at Telegram" : "removed the webhook";
}
