/* source/poll_setup: the hello before long polling: getMe proves the token and gives the bot's
 * name, getWebhookInfo shows whether getUpdates would be refused, deleteWebhook mends that or
 * drops what is pending, when asked to. A bot may be renamed: then getMe is asked for its name
 * again, beside the long poll, and what goes wrong with that changes nothing. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <cjson/cJSON.h>

#include "source/poll_state.h"

enum { SHORT_CALL = 20000 };

void poll_setup_ask(struct poll *p)
{
	switch (p->step) {
	case POLL_ME:
		poll_send(p, "getMe", "", SHORT_CALL, SHORT_CALL);
		break;
	case POLL_WEBHOOK:
		poll_send(p, "getWebhookInfo", "", SHORT_CALL, SHORT_CALL);
		break;
	case POLL_DELETE:
		poll_send(p, "deleteWebhook", p->config.drop_pending ? "drop_pending_updates=true" : "", SHORT_CALL, SHORT_CALL);
		break;
	case POLL_UPDATES:
		break;
	}
}

/* The host of a URL, for people: the path of a webhook is often a secret of its own. */
static void host_of(const char *url, char *out, size_t n)
{
	const char *host = strstr(url, "://");
	host = host ? host + 3 : url;
	snprintf(out, n, "%.*s", (int)strcspn(host, "/?#"), host);
}

static void read_me(struct poll *p, const cJSON *me)
{
	const cJSON *username = cJSON_GetObjectItemCaseSensitive(me, "username");
	p->config.events.bot(p->config.events.arg, cJSON_IsString(username) ? username->valuestring : "");
}

static void read_webhook(struct poll *p, const cJSON *info)
{
	const cJSON *url = cJSON_GetObjectItemCaseSensitive(info, "url");
	bool set = cJSON_IsString(url) && url->valuestring[0];
	if (set && !p->config.delete_webhook) {
		char host[128], text[300];
		host_of(url->valuestring, host, sizeof host);
		snprintf(text, sizeof text, "a webhook is set for this bot (at %s), so Telegram refuses long polling; "
			 "remove it with --delete-webhook", host);
		poll_end(p, EX_CONFIG, text);
		return;
	}
	p->step = set || p->config.drop_pending ? POLL_DELETE : POLL_UPDATES;
}

void poll_setup_answer(struct poll *p, struct api_answer *answer)
{
	cJSON *root = cJSON_ParseWithLength(answer->body, answer->length);
	const cJSON *result = cJSON_GetObjectItemCaseSensitive(root, "result");
	if (p->step == POLL_DELETE) {
		log_event(p->config.log, LOG_INFO, LOG_NONE, p->config.drop_pending ?
			  "dropped what was pending at Telegram" : "removed the webhook");
		p->step = POLL_UPDATES;
	} else if (!root) { /* it was looked at before, and is whole */
		answer->class = API_NETWORK;
		snprintf(answer->text, sizeof answer->text, "out of memory");
		poll_failed(p, answer);
	} else if (!cJSON_IsObject(result)) {
		answer->class = API_GARBAGE;
		snprintf(answer->text, sizeof answer->text, "the answer has no result");
		poll_failed(p, answer);
	} else if (p->step == POLL_ME) {
		read_me(p, result);
		p->step = POLL_WEBHOOK;
	} else {
		read_webhook(p, result);
	}
	cJSON_Delete(root);
}

static void on_hello(void *arg, struct api_answer *answer)
{
	struct poll *p = arg;
	cJSON *root = answer->class == API_OK ? cJSON_ParseWithLength(answer->body, answer->length) : NULL;
	const cJSON *result = cJSON_GetObjectItemCaseSensitive(root, "result");
	p->hello = NULL;
	if (cJSON_IsObject(result))
		read_me(p, result);
	else
		log_event(p->config.log, LOG_WARN,
			  LOG_FIELDS(LOG_STR("answer", answer->class == API_OK ? "it has no result" : answer->text)),
			  "getMe does not tell the bot's name; it is taken to be the same");
	cJSON_Delete(root);
}

void poll_hello(struct source *s)
{
	struct poll *p = (struct poll *)s;
	if (!p->hello && !p->stopping && p->step != POLL_ME)
		p->hello = api_call(p->config.api, "getMe", "", SHORT_CALL, SHORT_CALL, on_hello, p);
}
