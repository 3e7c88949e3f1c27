/* source/poll: long polling of getUpdates. Batches of raw slices go out; the offset moves on only
 * after the batch is on disk (invariant 1), and every class of failure is answered with patience:
 * nothing is dropped, nothing becomes a hot loop.
 *
 * The offset follows the last batch, up or down: ids restart at a random number after an idle week
 * (FACTS: TQueue). poll_beside.c has what is asked of it besides. */
#include "source/poll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/duration.h"
#include "source/poll_internal.h"

enum {
	SLACK = 10000, /* without a byte after the poll's timeout: the connection is given up */
	IDLE_FIRST = 500,
	IDLE_LAST = 5000,
	AT_ONCE = 1000, /* an answer this early that brings nothing new is not followed at once */
	CONFIRM_TIME = 2000,
	ARRIVED = 1000, /* a request that old has reached the server, which confirms on arrival */
};

static const struct source_ops poll_ops;

static int64_t now_of(const struct poll *p)
{
	return p->config.clock->mono(p->config.clock);
}

static void end(struct poll *p, int status, const char *text)
{
	p->stopping = p->stopped = true;
	loop_timer_set(p->timer, -1);
	p->config.events.ended(p->config.events.arg, status, text);
}

/* An answer of `step` as it should be. What failed at another step is not mended by it: a good
 * getMe makes no getUpdates good. */
static void good_answer(struct poll *p, enum poll_step step)
{
	bool mends = !p->counts.failing || p->failed == step;
	int failures = p->failures.backoff.failures;
	p->counts.last_answer = now_of(p);
	poll_trouble_good(&p->failures, mends, p->counts.last_answer);
	if (!mends)
		return;
	if (p->counts.failing)
		log_event(p->config.log, p->told ? LOG_INFO : LOG_DEBUG,
			  LOG_FIELDS(LOG_NUM("failures", failures)), "Telegram answers again");
	p->counts.failing = p->told = false;
	p->trouble[0] = '\0';
	p->garbage = (struct poll_garbage){ 0 };
}

/* ---- failures ---- */

static void report(struct poll *p, const struct api_answer *answer, int64_t delay)
{
	struct log_pace *pace = &p->paces[p->failures.contradicted][answer->class];
	char wait[DURATION_TEXT];
	duration_format(delay, wait, sizeof wait);
	log_paced(p->config.log, pace, answer->class == API_TOKEN ? LOG_ERROR : LOG_WARN,
		  LOG_FIELDS(LOG_STR("method", answer->method), LOG_STR("answer", answer->text),
			     LOG_NUM("failures", p->failures.backoff.failures)),
		  "%s; %s in %s", poll_trouble_phrase(&p->failures, answer->class),
		  poll_trouble_next(answer->class, p->setup.delete_webhook), wait);
	p->told = p->told || !pace->held;
}

/* Counts and reports a failure of the present step, and asks again later, or ends. */
static void failed(struct poll *p, const struct api_answer *answer)
{
	bool by_me = p->step == POLL_ME;
	p->counts.failures[answer->class]++;
	p->failed = by_me && p->counts.failing ? p->failed : p->step;
	p->counts.failing = true;
	if (by_me)
		p->config.events.bot(p->config.events.arg, NULL);
	snprintf(p->trouble, sizeof p->trouble, "%s: %s", answer->method, answer->text);
	char text[560];
	struct poll_decision next = poll_trouble_failed(&p->failures, by_me, answer, now_of(p),
							backoff_random());
	switch (next.remedy) {
	case POLL_GIVE_UP:
		end(p, poll_trouble_end(&p->failures, answer->class, p->trouble, text, sizeof text),
		    text);
		return;
	case POLL_ASK_ME:
		p->setup.after_me = p->step;
		p->step = POLL_ME;
		break;
	case POLL_ASK_AGAIN: /* a bot's own server sets its webhook whenever it starts */
		if (answer->class == API_WEBHOOK && p->setup.delete_webhook)
			p->step = POLL_DELETE;
		break;
	}
	report(p, answer, next.delay);
	loop_timer_set(p->timer, next.delay);
}

static void no_memory(struct poll *p, const char *method)
{
	failed(p, &(struct api_answer){
			  .class = API_NETWORK, .method = method, .text = "out of memory" });
}

/* ---- before getUpdates ---- */

static void go_on(struct poll *p, enum poll_step step)
{
	p->step = step;
	loop_timer_set(p->timer, 0);
}

static void take_setup(struct poll *p, struct api_answer *answer)
{
	const struct poll_config *c = &p->config;
	enum poll_step step = p->step;
	struct poll_verdict verdict;
	poll_setup_answer(step, &p->setup, answer, &verdict);
	switch (verdict.kind) {
	case POLL_GO_ON:
		if (verdict.username)
			c->events.bot(c->events.arg, verdict.username);
		if (step == POLL_DELETE)
			log_event(c->log, LOG_INFO, LOG_NONE, "%s", poll_setup_deleted(&p->setup));
		go_on(p, verdict.next);
		break;
	case POLL_PASS:
		p->counts.failures[answer->class]++;
		p->webhook_unknown = !p->setup.delete_webhook;
		log_event(c->log, LOG_WARN,
			  LOG_FIELDS(LOG_STR("method", answer->method),
				     LOG_STR("answer", answer->text)),
			  "it is not known whether a webhook is set; going on without");
		go_on(p, verdict.next);
		break;
	case POLL_FAIL:
		failed(p, answer);
		break;
	case POLL_CONFLICT:
		end(p, EX_CONFIG, verdict.text);
		break;
	}
	free(verdict.username);
	if (answer->class == API_OK)
		good_answer(p, step);
}

/* ---- getUpdates ---- */

static void take_batch(struct poll *p, struct api_answer *answer)
{
	struct source_events *e = &p->config.events;
	bool isolated = p->garbage.answers >= POLL_ISOLATE_AFTER;
	good_answer(p, POLL_UPDATES);
	p->webhook_unknown = false;
	p->confirmed = p->asked_offset;
	e->confirmed(e->arg, p->asked_offset);
	size_t fresh = 0;
	if (answer->result.count) {
		poll_answer_sort(answer->result.items, answer->result.count);
		int64_t offset = poll_answer_offset(&answer->result, p->offset);
		if (e->batch(e->arg, answer->result.items, answer->result.count, offset, &fresh)) {
			p->waits = true;
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
	if (fresh || isolated || now_of(p) - p->asked_at >= AT_ONCE)
		backoff_reset(&p->idle);
	else
		delay = backoff_fail(&p->idle, backoff_random());
	int64_t paced = pace_delay(&p->pace, now_of(p), answer->result.count);
	if (paced > 0)
		log_event(p->config.log, LOG_DEBUG, LOG_FIELDS(LOG_NUM("delay_ms", paced)),
			  "waiting for a fuller response");
	if (delay < paced)
		delay = paced;
	loop_timer_set(p->timer, delay > p->config.options.delay ? delay : p->config.options.delay);
}

/* Hands over an answer that nothing can read, whole, as one update. False: it has no id to go on
 * from, or is not taken now; it is asked for again. */
static bool bury(struct poll *p, struct api_answer *answer)
{
	struct slice whole;
	size_t fresh;
	const struct source_events *e = &p->config.events;
	if (!poll_answer_whole(answer, &whole) || e->batch(e->arg, &whole, 1, whole.id + 1, &fresh))
		return false;
	log_event(p->config.log, LOG_ERROR, LOG_FIELDS(LOG_NUM("update", whole.id)),
		  "an update that cannot be read was set aside as a dead letter");
	p->offset = whole.id + 1;
	p->garbage = (struct poll_garbage){ 0 };
	loop_timer_set(p->timer, p->config.options.delay);
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
	if (p->step == POLL_UPDATES)
		poll_answer_check(answer);
	if (p->step == POLL_UPDATES && answer->class == API_GARBAGE &&
	    poll_answer_is_garbage(&p->garbage, answer) && bury(p, answer))
		return;
	if (p->step != POLL_UPDATES) {
		take_setup(p, answer);
	} else if (answer->class == API_WEBHOOK && p->webhook_unknown) {
		char text[300];
		poll_setup_conflict(NULL, text, sizeof text);
		end(p, EX_CONFIG, text);
	} else if (answer->class != API_OK) {
		failed(p, answer);
	} else {
		take_batch(p, answer);
	}
}

static void send_call(struct poll *p, const char *method, const char *form, int64_t silence,
		      int64_t total)
{
	p->asked_at = now_of(p);
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
	if (poll_answer_form(&form, timeout, limit, p->offset, p->allowed) == 0)
		send_call(p, "getUpdates", form.data, timeout * 1000 + SLACK, total);
	else
		no_memory(p, "getUpdates");
	buf_release(&form);
}

static void on_timer(void *arg)
{
	struct poll *p = arg;
	if (p->request || p->stopping)
		return;
	if (p->step != POLL_UPDATES) {
		struct poll_call call = poll_setup_call(p->step, &p->setup);
		send_call(p, call.method, call.form, POLL_SHORT_CALL, POLL_SHORT_CALL);
		return;
	}
	struct source_events *e = &p->config.events;
	p->waits = e->may_ask(e->arg, true) != 0;
	if (p->waits || p->stopping)
		return;
	bool isolate = p->garbage.answers >= POLL_ISOLATE_AFTER;
	const struct poll_options *o = &p->config.options;
	ask_updates(p, p->config.once ? 0 : o->timeout / 1000, isolate ? 1 : o->limit, 0);
	if (!p->ready) {
		p->ready = true;
		e->ready(e->arg);
	}
}

struct source *poll_new(const struct poll_config *config, struct err *err)
{
	const struct poll_options *o = &config->options;
	struct poll *p = calloc(1, sizeof *p);
	if (!p)
		goto fail;
	p->source.ops = &poll_ops;
	p->config = *config;
	p->offset = config->offset;
	p->setup.delete_webhook = o->delete_webhook;
	p->setup.drop_pending = o->drop_pending;
	p->setup.after_me = POLL_WEBHOOK;
	poll_trouble_init(&p->failures, o->growth, o->give_up_after,
			  config->clock->mono(config->clock));
	poll_take_options(p, o);
	p->idle = (struct backoff){ .first = IDLE_FIRST, .cap = IDLE_LAST };
	p->timer = loop_timer_new(config->loop, on_timer, p);
	p->allowed = config->allowed ? strdup(config->allowed) : NULL;
	if (p->timer && (p->allowed || !config->allowed))
		return &p->source;
fail:
	if (p)
		loop_timer_free(p->timer);
	free(p);
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
	if (p->waits && !p->stopping)
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
	if (p->request && !p->counts.failing && now_of(p) - p->asked_at >= ARRIVED)
		p->confirmed = p->asked_offset;
	api_cancel(p->request);
	api_cancel(p->hello);
	p->request = p->hello = NULL;
	/* A repeat is recognised anyway; this only spares the next start from fetching it. */
	if (p->step == POLL_UPDATES && p->offset && p->offset != p->confirmed &&
	    e->may_ask(e->arg, true) == 0)
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
	.start = poll_start,
	.resume = poll_resume,
	.seek = poll_seek,
	.hello = poll_hello,
	.stop = poll_stop,
	.counts = poll_counts,
	.free = poll_free,
};
