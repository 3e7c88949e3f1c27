/* source/poll: long polling of getUpdates. Batches of raw slices go out; the offset moves on only after the batch is on disk
 * (invariant 1), and every class of failure is answered with patience: nothing is dropped, nothing becomes a hot loop.
 *
 * The offset follows the last batch, up or down: ids restart at a random number after an idle week (FACTS: TQueue). */
#include "source/poll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "io/http.h"
#include "source/poll_internal.h"

enum {
	SLACK = 10000,            /* beyond the poll's timeout without a byte, then the connection is given up */
	FIRST_DELAY = 1000, LAST_DELAY = 60000,
	IDLE_FIRST = 500, IDLE_LAST = 5000,
	AT_ONCE = 1000,           /* an answer this early, with nothing new in it, is not followed at once */
	CONFIRM_TIME = 2000,
	ARRIVED = 1000,           /* a request that was under way for so long has reached the server, which confirms on arrival */
	ISOLATE_AFTER = 3,        /* unreadable answers, then updates are fetched one by one */
	BURY_AFTER = 3,           /* answers in a row that brought the same bytes then: the update itself is what cannot be read */
};

static const struct source_ops poll_ops;

int64_t poll_now(const struct poll *p)
{
	return p->config.clock->mono(p->config.clock);
}

void poll_end(struct poll *p, int status, const char *text)
{
	p->stopping = p->stopped = true;
	loop_timer_set(p->timer, -1);
	p->config.events.ended(p->config.events.arg, status, text);
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

/* An answer of `step` as it should be. What failed at another step is not mended by it: a good getMe makes no getUpdates good. */
static void good_answer(struct poll *p, enum poll_step step)
{
	p->good_at = p->counts.last_answer = poll_now(p);
	p->worked = true;
	p->refusals = 0;
	if (p->counts.failing && p->failed != step)
		return;
	if (p->counts.failing)
		log_event(p->config.log, p->told ? LOG_INFO : LOG_DEBUG, LOG_FIELDS(LOG_NUM("failures", p->backoff.failures)),
			  "Telegram answers again");
	backoff_reset(&p->backoff);
	p->counts.failing = p->told = false;
	p->trouble[0] = '\0';
	p->garbage = p->identical = 0;
}

/* An answer of getUpdates. */
static void take_batch(struct poll *p, struct api_answer *answer)
{
	struct source_events *e = &p->config.events;
	bool isolated = p->garbage >= ISOLATE_AFTER;
	good_answer(p, POLL_UPDATES);
	p->webhook_unknown = false;
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
	if (fresh || isolated || poll_now(p) - p->asked_at >= AT_ONCE)
		backoff_reset(&p->idle);
	else
		delay = backoff_fail(&p->idle, backoff_random());
	int64_t paced = pace_delay(&p->pace, poll_now(p), answer->result.count);
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
	enum poll_step step = p->step;
	if (step != POLL_UPDATES) {
		poll_setup_answer(p, answer);
		if (answer->class == API_OK)
			good_answer(p, step);
	} else if (answer->class == API_WEBHOOK && p->webhook_unknown) {
		poll_setup_webhook(p, NULL);
	} else if (answer->class != API_OK) {
		poll_failed(p, answer);
	} else {
		take_batch(p, answer);
	}
}

static void no_memory(struct poll *p, const char *method)
{
	struct api_answer answer = { .class = API_NETWORK, .method = method, .text = "out of memory" };
	poll_failed(p, &answer);
}

void poll_send(struct poll *p, const char *method, const char *form, int64_t silence, int64_t total)
{
	p->asked_at = poll_now(p);
	p->asked_offset = p->offset;
	p->counts.requests++;
	p->request = api_call(p->config.api, method, form, silence, total, on_answer, p);
	if (!p->request)
		no_memory(p, method);
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
	if (rc == 0)
		poll_send(p, "getUpdates", form.data, timeout * 1000 + SLACK, total);
	else
		no_memory(p, "getUpdates");
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
	p->after_me = POLL_WEBHOOK;
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
	if (p->request && !p->counts.failing && poll_now(p) - p->asked_at >= ARRIVED)
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
