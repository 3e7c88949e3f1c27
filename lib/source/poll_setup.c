/* source/poll_setup: the hello before long polling: getMe proves the token and gives the bot's name, getWebhookInfo shows
 * whether getUpdates would be refused, deleteWebhook mends that or drops what is pending, when asked to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cjson/cJSON.h>

#include "source/poll_state.h"

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

static void read_me(struct poll *p, const cJSON *me)
{
	const cJSON *username = cJSON_GetObjectItemCaseSensitive(me, "username");
	if (cJSON_IsString(username))
		p->config.events.bot(p->config.events.arg, username->valuestring);
	p->step = POLL_WEBHOOK;
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
	} else {
		read_webhook(p, result);
	}
	cJSON_Delete(root);
}
