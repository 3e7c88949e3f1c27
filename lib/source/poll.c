/* source/poll: long polling of getUpdates. Batches of raw slices go out; the offset moves on only after the batch is on disk
 * (invariant 1), and every class of failure is answered with patience: nothing is dropped, nothing becomes a hot loop.
 *
 * The offset follows the last batch, up or down: ids restart at a random number after an idle week (FACTS: TQueue). */
#include "source/poll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/duration.h"
#include "base/hash.h"
#include "io/http.h"
#include "source/poll_state.h"

enum {
	SLACK = 10000,            /* beyond the poll's timeout without a byte, then the connection is given up */
	FIRST_DELAY = 1000, LAST_DELAY = 60000,
	IDLE_FIRST = 500, IDLE_LAST = 5000,
	AT_ONCE = 1000,           /* an answer this early, with nothing new in it, is not followed at once */
	CONFIRM_TIME = 2000,
	ARRIVED = 1000,           /* a request that was under way for so long has reached the server, which confirms on arrival */
	WARN_EVERY = 60000,
	RETRY_AFTER_MAX = 3600,
	ISOLATE_AFTER = 3,        /* unreadable answers, then updates are fetched one by one */
	BURY_AFTER = 3,           /* answers in a row that brought the same bytes then: the update itself is what cannot be read */
};

static const struct source_ops poll_ops;

static int64_t now(const struct poll *p)
{
	return p->config.clock->mono(p->config.clock);
}

void poll_end(struct poll *p, int status, const char *text)
{
	p->stopping = p->stopped = true;
	loop_timer_set(p->timer, -1);
	p->config.events.ended(p->config.events.arg, status, text);
}

/* Warns of the first failure of a class, and then once a minute. */
static void report(struct poll *p, const struct api_answer *answer, int64_t delay)
{
	static const char *const what[] = {
		[API_NETWORK] = "Telegram cannot be reached", [API_SERVER] = "Telegram has trouble",
		[API_GARBAGE] = "the answer is not Telegram's", [API_TOKEN] = "the token is refused",
		[API_POLLER] = "another program polls with this token, and Telegram serves only one; stop it",
		[API_WEBHOOK] = "a webhook was set for this bot, so Telegram refuses long polling; remove it with --delete-webhook",
		[API_FLOOD] = "Telegram asks to wait", [API_REFUSED] = "Telegram refuses the request",
	};
	bool same = p->warned_class == (int)answer->class;
	enum log_level level = !same || now(p) - p->warned_at >= WARN_EVERY ? LOG_WARN : LOG_DEBUG;
	if (level == LOG_WARN) {
		p->warned_at = now(p);
		p->warned_class = (int)answer->class;
	}
	char wait[32];
	duration_format(delay, wait, sizeof wait);
	log_event(p->config.log, level, LOG_FIELDS(LOG_STR("answer", answer->text), LOG_NUM("failures", p->backoff.failures)),
		  "%s; asking again in %s", what[answer->class], wait);
}

void poll_failed(struct poll *p, const struct api_answer *answer)
{
	p->counts.failures++;
	p->counts.failing = true;
	snprintf(p->trouble, sizeof p->trouble, "%s", answer->text);
	if (p->step == POLL_ME)
		p->config.events.bot(p->config.events.arg, NULL);
	if (answer->class == API_TOKEN) {
		char text[400];
		snprintf(text, sizeof text, "Telegram refuses the token (%s); it is wrong or was revoked: get the right one from "
			 "@BotFather", answer->text);
		poll_end(p, EX_NOPERM, text);
		return;
	}
	if (p->config.give_up_after && now(p) - p->good_at >= p->config.give_up_after) {
		char text[400];
		snprintf(text, sizeof text, "Telegram could not be reached: %s", answer->text);
		poll_end(p, EX_UNAVAILABLE, text);
		return;
	}
	int64_t delay = backoff_fail(&p->backoff, backoff_random());
	if (answer->class == API_FLOOD) {
		int64_t asked = answer->retry_after < RETRY_AFTER_MAX ? answer->retry_after : RETRY_AFTER_MAX;
		if (asked * 1000 > delay)
			delay = asked * 1000;
	}
	int64_t left = p->good_at + p->config.give_up_after - now(p);
	if (p->config.give_up_after && delay > left)
		delay = left;
	report(p, answer, delay);
	loop_timer_set(p->timer, delay);
}

/* Orders a batch by id, keeping the order of equals: the server's own order is that already. */
static void sort_slices(struct slice *items, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct slice item = items[i];
		size_t at = i;
		if (!item.has_id)
			continue;
		while (at > 0 && items[at - 1].has_id && items[at - 1].id > item.id) {
			items[at] = items[at - 1];
			at--;
		}
		items[at] = item;
	}
}

static int64_t offset_after(const struct poll *p, const struct slices *batch)
{
	for (size_t i = batch->count; i > 0; i--)
		if (batch->items[i - 1].has_id && batch->items[i - 1].id >= 0 && batch->items[i - 1].id < INT64_MAX)
			return batch->items[i - 1].id + 1;
	return p->offset;
}

static void good_answer(struct poll *p)
{
	if (p->counts.failing)
		log_event(p->config.log, LOG_INFO, LOG_FIELDS(LOG_NUM("failures", p->backoff.failures)), "Telegram answers again");
	backoff_reset(&p->backoff);
	p->good_at = p->counts.last_answer = now(p);
	p->counts.failing = false;
	p->trouble[0] = '\0';
	p->warned_class = -1;
	p->garbage = p->identical = 0;
}

/* An answer of getUpdates. */
static void take_batch(struct poll *p, struct api_answer *answer)
{
	struct source_events *e = &p->config.events;
	bool isolated = p->garbage >= ISOLATE_AFTER;
	good_answer(p);
	p->confirmed = p->asked_offset;
	e->confirmed(e->arg, p->asked_offset);
	size_t fresh = 0;
	if (answer->result.count) {
		sort_slices(answer->result.items, answer->result.count);
		int64_t offset = offset_after(p, &answer->result);
		if (e->batch(e->arg, answer->result.items, answer->result.count, offset, &fresh)) {
			p->held = true;
			return;
		}
		p->offset = offset;
		p->counts.updates += fresh;
	} else {
		e->dry(e->arg);
	}
	if (p->stopping)
		return;
	int64_t delay = 0;
	if (fresh || isolated || now(p) - p->asked_at >= AT_ONCE)
		backoff_reset(&p->idle);
	else
		delay = backoff_fail(&p->idle, backoff_random());
	int64_t paced = pace_delay(&p->pace, now(p), answer->result.count);
	if (paced > 0)
		log_event(p->config.log, LOG_DEBUG, LOG_FIELDS(LOG_NUM("delay_ms", paced)), "waiting for a fuller response");
	if (delay < paced)
		delay = paced;
	loop_timer_set(p->timer, delay > p->config.delay ? delay : p->config.delay);
}

/* Counts an unreadable answer. Returns whether it is time to give up the update in it: fetched alone, it came with the same bytes again and
 * again. What is broken on its way comes in other bytes each time, and is asked for again for ever. */
static bool count_garbage(struct poll *p, const struct api_answer *answer)
{
	if (p->garbage++ < ISOLATE_AFTER || !answer->body)
		return false;
	uint64_t hash = hash_bytes(answer->body, answer->length);
	p->identical = p->identical && hash == p->garbage_hash ? p->identical + 1 : 1;
	p->garbage_hash = hash;
	return p->identical >= BURY_AFTER;
}

/* One update that nothing can read would block all later ones for ever. It is set aside whole, provided its id can be made out; without
 * an id there is nothing to go on from, and the retries go on. */
static bool bury_garbage(struct poll *p, struct api_answer *answer)
{
	static const char name[] = "\"update_id\"";
	char *at = answer->body ? memmem(answer->body, answer->length, name, sizeof name - 1) : NULL;
	if (!at)
		return false;
	at += sizeof name - 1;
	at += strspn(at, " \t\r\n:");
	char *end;
	long long id = strtoll(at, &end, 10);
	size_t fresh;
	if (end == at || end == answer->body + answer->length || id < 0 || id >= INT32_MAX)
		return false;
	struct slice whole = { .bytes = answer->body, .length = answer->length, .has_id = true, .id = id };
	for (char *c = answer->body; c < answer->body + answer->length; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	if (p->config.events.batch(p->config.events.arg, &whole, 1, id + 1, &fresh))
		return false;
	log_event(p->config.log, LOG_ERROR, LOG_FIELDS(LOG_NUM("update", id)), "an update that cannot be read was set aside as a dead letter");
	p->offset = id + 1;
	p->garbage = p->identical = 0;
	loop_timer_set(p->timer, p->config.delay);
	return true;
}

static void on_answer(void *arg, struct api_answer *answer)
{
	struct poll *p = arg;
	p->request = NULL;
	if (p->stopping) {
		if (answer->class == API_OK && p->step == POLL_UPDATES)
			p->config.events.confirmed(p->config.events.arg, p->asked_offset);
		p->stopped = true;
		p->config.events.stopped(p->config.events.arg);
		return;
	}
	if (p->step == POLL_UPDATES && answer->class == API_OK && !answer->result.is_list) {
		answer->class = API_GARBAGE;
		snprintf(answer->text, sizeof answer->text, "the answer has no list of updates");
	}
	if (p->step == POLL_UPDATES && answer->class == API_GARBAGE && count_garbage(p, answer) && bury_garbage(p, answer))
		return;
	if (answer->class != API_OK) {
		poll_failed(p, answer);
	} else if (p->step == POLL_UPDATES) {
		take_batch(p, answer);
	} else {
		enum poll_step before = p->step;
		poll_setup_answer(p, answer);
		if (p->step != before) {
			good_answer(p);
			loop_timer_set(p->timer, 0);
		}
	}
}

void poll_send(struct poll *p, const char *method, const char *form, int64_t silence, int64_t total)
{
	p->asked_at = now(p);
	p->asked_offset = p->offset;
	p->counts.requests++;
	p->request = api_call(p->config.api, method, form, silence, total, on_answer, p);
	if (!p->request) {
		struct api_answer answer = { .class = API_NETWORK, .text = "out of memory" };
		poll_failed(p, &answer);
	}
}

static void ask_updates(struct poll *p, int64_t timeout, int limit, int64_t total)
{
	struct buf form;
	buf_init(&form, 64 * 1024);
	int rc = buf_addf(&form, "timeout=%lld&limit=%d", (long long)timeout, limit);
	if (p->offset)
		rc |= buf_addf(&form, "&offset=%lld", (long long)p->offset);
	if (p->allowed)
		rc |= http_form_add(&form, "allowed_updates", p->allowed);
	if (rc == 0) {
		poll_send(p, "getUpdates", form.data, timeout * 1000 + SLACK, total);
	} else {
		struct api_answer answer = { .class = API_NETWORK, .text = "out of memory" };
		poll_failed(p, &answer);
	}
	buf_release(&form);
}

void poll_ask(struct poll *p)
{
	if (p->request || p->stopping)
		return;
	if (p->step != POLL_UPDATES) {
		poll_setup_ask(p);
		return;
	}
	struct source_events *e = &p->config.events;
	p->held = e->may_ask(e->arg, true) != 0;
	if (p->held || p->stopping)
		return;
	ask_updates(p, p->config.once ? 0 : p->config.timeout, p->garbage >= ISOLATE_AFTER ? 1 : p->config.limit, 0);
	if (!p->ready) {
		p->ready = true;
		e->ready(e->arg);
	}
}

static void on_timer(void *arg)
{
	poll_ask(arg);
}

struct source *poll_new(const struct poll_config *config, struct err *err)
{
	struct poll *p = calloc(1, sizeof *p);
	if (!p)
		goto fail;
	p->source.ops = &poll_ops;
	p->config = *config;
	p->offset = config->offset;
	p->warned_class = -1;
	p->backoff = (struct backoff){ .first = FIRST_DELAY, .cap = LAST_DELAY, .growth = config->growth };
	p->pace = (struct pace){ .balance = config->once ? 0 : config->balance, .max_delay = config->max_delay, .limit = config->limit };
	p->idle = (struct backoff){ .first = IDLE_FIRST, .cap = IDLE_LAST };
	p->good_at = config->clock->mono(config->clock);
	p->timer = loop_timer_new(config->loop, on_timer, p);
	p->allowed = config->allowed ? strdup(config->allowed) : NULL;
	if (p->timer && (p->allowed || !config->allowed))
		return &p->source;
fail:
	if (p) {
		loop_timer_free(p->timer);
		free(p);
	}
	err_set(err, ERR_INTERNAL, "out of memory");
	return NULL;
}

static void poll_start(struct source *s)
{
	struct poll *p = (struct poll *)s;
	loop_timer_set(p->timer, 0);
}

static void poll_resume(struct source *s)
{
	struct poll *p = (struct poll *)s;
	if (p->held && !p->stopping)
		loop_timer_set(p->timer, 0);
}

static void poll_stop(struct source *s)
{
	struct poll *p = (struct poll *)s;
	struct source_events *e = &p->config.events;
	if (p->stopping)
		return;
	p->stopping = true;
	loop_timer_set(p->timer, -1);
	if (p->request && !p->counts.failing && now(p) - p->asked_at >= ARRIVED)
		p->confirmed = p->asked_offset;
	api_cancel(p->request);
	api_cancel(p->hello);
	p->request = p->hello = NULL;
	/* Repeats are recognised in any case; this only spares the next start from fetching them. */
	if (p->step == POLL_UPDATES && p->offset && p->offset != p->confirmed && e->may_ask(e->arg, true) == 0)
		ask_updates(p, 0, 1, CONFIRM_TIME);
	if (!p->request) {
		p->stopped = true;
		e->stopped(e->arg);
	}
}

static void poll_counts(const struct source *s, struct source_counts *out)
{
	const struct poll *p = (const struct poll *)s;
	*out = p->counts;
	out->trouble = p->trouble;
}

static void poll_free(struct source *s)
{
	struct poll *p = (struct poll *)s;
	api_cancel(p->request);
	api_cancel(p->hello);
	loop_timer_free(p->timer);
	free(p->allowed);
	free(p);
}

static const struct source_ops poll_ops = {
	.start = poll_start, .resume = poll_resume, .hello = poll_hello, .stop = poll_stop, .counts = poll_counts, .free = poll_free,
};
