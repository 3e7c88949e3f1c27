/* source/poll_setup: the hello before long polling: getMe proves the token and gives the bot's name, getWebhookInfo shows
 * whether getUpdates would be refused, deleteWebhook mends that or drops what is pending, when asked to.
 *
 * Only what is needed can hold up the polling: getMe, and deleteWebhook where it was asked for. Without an answer to getWebhookInfo,
 * getUpdates itself will show whether a webhook is set. A bot may be renamed: then getMe is asked for its name again, beside the long
 * poll, and what goes wrong with that changes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cjson/cJSON.h>

#include "source/poll_internal.h"

enum { SHORT_CALL = 20000 };

int poll_change(struct source *source, const struct poll_config *fresh, struct err *err)
{
	struct poll *p = (struct poll *)source;
	char *allowed = fresh->allowed ? strdup(fresh->allowed) : NULL;
	if (fresh->allowed && !allowed)
		return err_set(err, ERR_INTERNAL, "out of memory");
	free(p->allowed);
	p->allowed = allowed;
	p->config.timeout = fresh->timeout;
	p->config.limit = p->pace.limit = fresh->limit;
	p->config.delay = fresh->delay;
	p->config.give_up_after = fresh->give_up_after;
	p->pace.balance = p->config.once ? 0 : fresh->balance;
	p->pace.max_delay = fresh->max_delay;
	p->backoff.growth = fresh->growth;
	return 0;
}

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

static void go_on(struct poll *p, enum poll_step step)
{
	p->step = step;
	loop_timer_set(p->timer, 0);
}

static void read_me(struct poll *p, const cJSON *me)
{
	const cJSON *username = cJSON_GetObjectItemCaseSensitive(me, "username");
	p->config.events.bot(p->config.events.arg, cJSON_IsString(username) ? username->valuestring : "");
}

void poll_setup_webhook(struct poll *p, const char *url)
{
	char host[128] = "", text[300];
	if (url)
		host_of(url, host, sizeof host);
	snprintf(text, sizeof text, "a webhook is set for this bot%s%s%s, so Telegram refuses long polling; remove it with --delete-webhook",
		 url ? " (at " : "", host, url ? ")" : "");
	poll_end(p, EX_CONFIG, text);
}

static void read_webhook(struct poll *p, const cJSON *info)
{
	const char *url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(info, "url"));
	bool set = url && url[0];
	if (set && !p->config.delete_webhook)
		poll_setup_webhook(p, url);
	else
		go_on(p, set || p->config.drop_pending ? POLL_DELETE : POLL_UPDATES);
}

/* Not a reason to wait: what it would have told is found out otherwise. */
static void pass_over(struct poll *p, const struct api_answer *answer)
{
	p->counts.failures++;
	p->webhook_unknown = !p->config.delete_webhook;
	log_event(p->config.log, LOG_WARN, LOG_FIELDS(LOG_STR("method", answer->method), LOG_STR("answer", answer->text)),
		  "it is not known whether a webhook is set; going on without");
	go_on(p, p->config.delete_webhook || p->config.drop_pending ? POLL_DELETE : POLL_UPDATES);
}

static void fail(struct poll *p, struct api_answer *answer)
{
	if (p->step == POLL_WEBHOOK && answer->class != API_FLOOD)
		pass_over(p, answer);
	else
		poll_failed(p, answer);
}

/* Makes an answer that was taken for one a failure. */
static void spoil(struct api_answer *answer, enum api_class class, const char *why)
{
	answer->class = class;
	snprintf(answer->text, sizeof answer->text, "%s", why);
}

void poll_setup_answer(struct poll *p, struct api_answer *answer)
{
	if (answer->class == API_OK && p->step == POLL_DELETE) {
		log_event(p->config.log, LOG_INFO, LOG_NONE, p->config.drop_pending ?
			  "dropped what was pending at Telegram" : "removed the webhook");
		go_on(p, POLL_UPDATES);
		return;
	}
	cJSON *root = answer->class == API_OK ? cJSON_ParseWithLength(answer->body, answer->length) : NULL;
	const cJSON *result = cJSON_GetObjectItemCaseSensitive(root, "result");
	if (answer->class == API_OK && !root) /* it was looked at before, and is whole */
		spoil(answer, API_NETWORK, "out of memory");
	else if (answer->class == API_OK && !cJSON_IsObject(result))
		spoil(answer, API_GARBAGE, "the answer has no result");
	if (answer->class != API_OK)
		fail(p, answer);
	else if (p->step == POLL_ME)
		read_me(p, result), go_on(p, p->after_me);
	else
		read_webhook(p, result);
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
