/* source/poll_trouble: what follows a request that failed: its class of failure comes in; a pause
 * and another try come out, or the end of the source. Pure.
 *
 * Only getMe says that a token is no good, and not at the first time: servers have bad moments, and
 * after exit status 77 nobody starts the bot again. */
#include "source/poll_trouble_internal.h"

#include <stdio.h>
#include <sysexits.h>

enum {
	FIRST_DELAY = 1000,
	LAST_DELAY = 60000,
	RETRY_AFTER_MAX = 3600,
	NEVER_GOOD = 3,         /* refusals in a row of a token that never worked: it is wrong */
	REVOKED_AFTER = 120000, /* milliseconds of refusals of one that did: it was revoked */
};

void poll_trouble_init(struct poll_trouble *t, enum backoff_growth growth, int64_t give_up_after,
		       int64_t now)
{
	*t = (struct poll_trouble){
		.backoff = { .first = FIRST_DELAY, .cap = LAST_DELAY, .growth = growth },
		.give_up_after = give_up_after,
		.good_at = now,
	};
}

void poll_trouble_good(struct poll_trouble *t, bool mends, int64_t now)
{
	t->worked = true;
	t->refusals = 0;
	t->contradicted = !mends;
	if (!mends)
		return;
	t->good_at = now;
	backoff_reset(&t->backoff);
}

/* Milliseconds until patience ends with a server that answers like this; INT64_MAX: never. */
static int64_t patience(const struct poll_trouble *t, bool refused, int64_t now)
{
	int64_t left = INT64_MAX;
	if (t->give_up_after)
		left = t->good_at + t->give_up_after - now;
	if (refused && t->worked && left > t->refused_at + REVOKED_AFTER - now)
		left = t->refused_at + REVOKED_AFTER - now;
	if (refused && !t->worked && t->refusals >= NEVER_GOOD)
		left = 0;
	return left > 0 ? left : 0;
}

struct poll_decision poll_trouble_failed(struct poll_trouble *t, bool by_me,
					 const struct api_answer *answer, int64_t now,
					 uint32_t random)
{
	bool refused = answer->class == API_TOKEN;
	if (refused && t->refusals++ == 0)
		t->refused_at = now;
	else if (!refused)
		t->refusals = 0;
	int64_t left = patience(t, refused, now);
	if (by_me)
		t->contradicted = false;
	if (left == 0 && (by_me || !refused || t->contradicted))
		return (struct poll_decision){ .remedy = POLL_GIVE_UP };
	int64_t delay = backoff_fail(&t->backoff, random);
	if (answer->class == API_FLOOD) {
		int64_t seconds = answer->retry_after;
		if (seconds > RETRY_AFTER_MAX)
			seconds = RETRY_AFTER_MAX;
		if (delay < seconds * 1000)
			delay = seconds * 1000;
	}
	return (struct poll_decision){
		.remedy = refused && !by_me ? POLL_ASK_ME : POLL_ASK_AGAIN,
		.delay = delay < left ? delay : left,
	};
}

const char *poll_trouble_phrase(const struct poll_trouble *t, enum api_class class)
{
	if (class == API_TOKEN && t->contradicted)
		return "Telegram refuses the request, though getMe says that the token is good";
	static const char *const what[API_CLASSES] = {
		[API_NETWORK] = "Telegram cannot be reached",
		[API_SERVER] = "Telegram has trouble",
		[API_GARBAGE] = "the answer is not Telegram's",
		[API_TOKEN] = "the token is refused",
		[API_POLLER] = "another program polls with this token, and Telegram serves only "
			       "one; stop it",
		[API_WEBHOOK] = "a webhook was set for this bot, so Telegram refuses long polling",
		[API_FLOOD] = "Telegram asks to wait",
		[API_REFUSED] = "Telegram refuses the request",
	};
	return what[class];
}

const char *poll_trouble_next(enum api_class class, bool delete_webhook)
{
	if (class == API_WEBHOOK)
		return delete_webhook ? "removing it"
				      : "remove it with --delete-webhook; asking again";
	return class == API_TOKEN ? "asking getMe" : "asking again";
}

int poll_trouble_end(const struct poll_trouble *t, enum api_class class, const char *what,
		     char *text, size_t n)
{
	if (class == API_TOKEN && t->contradicted) {
		snprintf(text, n,
			 "Telegram refuses what is asked, though getMe says that the "
			 "token is good: %s",
			 what);
		return EX_UNAVAILABLE;
	}
	if (class != API_TOKEN) {
		snprintf(text, n, "Telegram could not be reached: %s", what);
		return EX_UNAVAILABLE;
	}
	snprintf(text, n,
		 "Telegram refuses the token (%s); it %s: "
		 "get the right one from @BotFather",
		 what, t->worked ? "was revoked" : "is wrong or was revoked");
	return EX_NOPERM;
}
