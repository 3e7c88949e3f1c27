/* source/poll_trouble: what follows a request that failed. An answer's class of failure comes in; a line of log, at most once a minute
 * for each class, a pause, and another try come out, or the end of the source.
 *
 * Only getMe says that a token is no good, and not at the first time: servers have bad moments, and after exit status 77 nobody
 * starts the bot again. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/duration.h"
#include "source/poll_internal.h"

enum {
	RETRY_AFTER_MAX = 3600,
	NEVER_GOOD = 3,          /* refusals in a row of a token that did not work before: it is wrong */
	REVOKED_AFTER = 120000,  /* milliseconds with nothing but refusals of one that did: it was revoked */
};

static void report(struct poll *p, const struct api_answer *answer, int64_t delay)
{
	static const char *const what[] = {
		[API_NETWORK] = "Telegram cannot be reached", [API_SERVER] = "Telegram has trouble",
		[API_GARBAGE] = "the answer is not Telegram's", [API_TOKEN] = "the token is refused",
		[API_POLLER] = "another program polls with this token, and Telegram serves only one; stop it",
		[API_WEBHOOK] = "a webhook was set for this bot, so Telegram refuses long polling; remove it with --delete-webhook",
		[API_FLOOD] = "Telegram asks to wait", [API_REFUSED] = "Telegram refuses the request",
	};
	struct log_pace *pace = &p->paces[answer->class];
	char wait[32];
	duration_format(delay, wait, sizeof wait);
	log_paced(p->config.log, pace, answer->class == API_TOKEN ? LOG_ERROR : LOG_WARN,
		  LOG_FIELDS(LOG_STR("method", answer->method), LOG_STR("answer", answer->text), LOG_NUM("failures", p->backoff.failures)),
		  "%s; asking %s in %s", what[answer->class], answer->class == API_TOKEN ? "getMe" : "again", wait);
	p->told = p->told || !pace->held;
}

/* Milliseconds until patience ends with a server that answers like this; INT64_MAX: never. */
static int64_t patience(const struct poll *p, bool refused)
{
	int64_t now = poll_now(p), left = INT64_MAX;
	if (p->config.give_up_after)
		left = p->good_at + p->config.give_up_after - now;
	if (refused && p->worked && left > p->refused_at + REVOKED_AFTER - now)
		left = p->refused_at + REVOKED_AFTER - now;
	if (refused && !p->worked && p->refusals >= NEVER_GOOD)
		left = 0;
	return left > 0 ? left : 0;
}

static void end(struct poll *p, const struct api_answer *answer)
{
	char text[560];
	if (answer->class != API_TOKEN)
		snprintf(text, sizeof text, "Telegram could not be reached: %s", p->trouble);
	else
		snprintf(text, sizeof text, "Telegram refuses the token (%s); it %s: get the right one from @BotFather", p->trouble,
			 p->worked ? "was revoked" : "is wrong or was revoked");
	poll_end(p, answer->class == API_TOKEN ? EX_NOPERM : EX_UNAVAILABLE, text);
}

void poll_failed(struct poll *p, const struct api_answer *answer)
{
	bool refused = answer->class == API_TOKEN, by_me = p->step == POLL_ME;
	p->counts.failures++;
	p->counts.failing = true;
	p->failed = p->step;
	if (by_me)
		p->config.events.bot(p->config.events.arg, NULL);
	snprintf(p->trouble, sizeof p->trouble, "%s: %s", answer->method, answer->text);
	if (refused && p->refusals++ == 0)
		p->refused_at = poll_now(p);
	else if (!refused)
		p->refusals = 0;
	int64_t left = patience(p, refused);
	if (left == 0 && (by_me || !refused)) {
		end(p, answer);
		return;
	}
	if (refused && !by_me) {
		p->after_me = p->step;
		p->step = POLL_ME;
	}
	int64_t delay = backoff_fail(&p->backoff, backoff_random());
	if (answer->class == API_FLOOD) {
		int64_t asked = answer->retry_after < RETRY_AFTER_MAX ? answer->retry_after : RETRY_AFTER_MAX;
		if (asked * 1000 > delay)
			delay = asked * 1000;
	}
	if (delay > left)
		delay = left;
	report(p, answer, delay);
	loop_timer_set(p->timer, delay);
}
