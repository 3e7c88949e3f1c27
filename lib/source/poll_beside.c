/* source/poll_beside: what is asked of a poll besides updates: other options, the bot's name, and
 * to go on from another offset. Invariant: none of it hands an update over. */
#include <stdlib.h>
#include <string.h>

#include "source/poll_internal.h"

void poll_take_options(struct poll *p, const struct poll_options *o)
{
	p->config.options = *o;
	p->failures.give_up_after = o->give_up_after;
	p->failures.backoff.growth = o->growth;
	p->pace.limit = o->limit;
	p->pace.balance = p->config.once ? 0 : o->balance;
	p->pace.max_delay = o->max_delay;
}

int poll_change(struct source *source, const struct poll_config *fresh, struct err *err)
{
	struct poll *p = (struct poll *)source;
	char *allowed = fresh->allowed ? strdup(fresh->allowed) : NULL;
	if (fresh->allowed && !allowed)
		return err_set(err, ERR_INTERNAL, "out of memory");
	free(p->allowed);
	p->allowed = allowed;
	poll_take_options(p, &fresh->options); /* p->setup stays */
	return 0;
}

/* A bot may be renamed: then getMe is asked for its name again, beside the long poll, and what goes
 * wrong with that changes nothing. */
static void on_hello(void *arg, struct api_answer *answer)
{
	struct poll *p = arg;
	char *username = poll_setup_username(answer);
	p->hello = NULL;
	const char *why = answer->class == API_OK ? "it has no result" : answer->text;
	if (username)
		p->config.events.bot(p->config.events.arg, username);
	else
		log_event(p->config.log, LOG_WARN, LOG_FIELDS(LOG_STR("answer", why)),
			  "getMe does not tell the bot's name; it is taken to be the same");
	free(username);
}

void poll_hello(struct source *s)
{
	struct poll *p = (struct poll *)s;
	if (!p->hello && !p->stopping && p->step != POLL_ME)
		p->hello = api_call(p->config.api, "getMe", "", POLL_SHORT_CALL, POLL_SHORT_CALL,
				    on_hello, p);
}

void poll_seek(struct source *s, int64_t offset)
{
	struct poll *p = (struct poll *)s;
	if (p->stopping)
		return;
	p->offset = p->confirmed = offset;
	if (p->step != POLL_UPDATES)
		return; /* what goes before concerns no update */
	api_cancel(p->request);
	p->request = NULL;
	loop_timer_set(p->timer, -1);
	p->waits = true;
}
