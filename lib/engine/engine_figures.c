/* engine/engine_figures: what was counted, and how it is told: to tgrun status, in the log, and to the service manager.
 * Counts of the other files come in; numbers and texts go out. Invariant: telling changes nothing of what is told. */
#include <stdio.h>
#include <string.h>

#include "engine/engine_internal.h"

enum { STATUS_EVERY = 5000 }; /* milliseconds between two texts for the service manager */

bool engine_idle(const struct engine *e)
{
	return handlers_running(e->handlers) == 0 && !e->trimming && list_empty(&e->starting) &&
	       queue_next_due(e->queue, QUEUE_ALL_LANES) != 0 && !queue_dirty(e->queue);
}

void engine_counts(const struct engine *e, struct engine_counts *out)
{
	struct queue_counts q;
	struct source_counts s = { 0 };
	queue_counts(e->queue, &q);
	if (e->source)
		e->source->ops->counts(e->source, &s);
	*out = e->counts;
	out->running = handlers_running(e->handlers);
	out->waiting = q.waiting;
	out->dead_letters = q.dead;
	out->polls = s.requests;
	out->poll_failures = s.failures;
}

void engine_count_rate(struct engine *e, uint64_t done)
{
	int64_t second = e->config.clock->mono(e->config.clock) / 1000;
	int64_t from = e->rate_second + 1;
	if (from < second - ENGINE_RATE_SECONDS + 1)
		from = second - ENGINE_RATE_SECONDS + 1;
	for (int64_t s = from; s <= second; s++)
		e->rate_done[s % ENGINE_RATE_SECONDS] = 0;
	e->rate_second = second;
	e->rate_done[second % ENGINE_RATE_SECONDS] += done;
}

/* Handled updates a second, over the last minute or since the start. */
double engine_rate(struct engine *e, int64_t uptime)
{
	uint64_t sum = 0;
	engine_count_rate(e, 0);
	for (int i = 0; i < ENGINE_RATE_SECONDS; i++)
		sum += e->rate_done[i];
	double seconds = (double)uptime / 1000;
	return (double)sum / (seconds < 1 ? 1 : seconds > ENGINE_RATE_SECONDS ? ENGINE_RATE_SECONDS : seconds);
}

void engine_log_figures(struct engine *e)
{
	struct engine_counts c;
	engine_counts(e, &c);
	log_event(e->config.log, LOG_INFO,
		  LOG_FIELDS(LOG_NUM("received", (int64_t)c.received), LOG_NUM("repeated", (int64_t)c.repeated),
			     LOG_NUM("done", (int64_t)c.done), LOG_NUM("failed", (int64_t)c.failed), LOG_NUM("retried", (int64_t)c.retried),
			     LOG_NUM("dead", (int64_t)c.dead), LOG_NUM("dropped", (int64_t)c.dropped), LOG_NUM("skipped", (int64_t)c.skipped),
			     LOG_NUM("interrupted", (int64_t)c.interrupted), LOG_NUM("running", c.running),
			     LOG_NUM("waiting", (int64_t)c.waiting), LOG_NUM("dead_letters", c.dead_letters),
			     LOG_NUM("polls", (int64_t)c.polls), LOG_NUM("poll_failures", (int64_t)c.poll_failures),
			     LOG_NUM("log_lines_dropped", (int64_t)log_dropped(e->config.log))), "figures");
}

void engine_say_status(struct engine *e)
{
	char text[sizeof e->status];
	int64_t now = e->config.clock->mono(e->config.clock);
	struct queue_counts c;
	struct source_counts s;
	if (e->phase != ENGINE_RUNNING || now - e->status_at < STATUS_EVERY)
		return;
	queue_counts(e->queue, &c);
	e->source->ops->counts(e->source, &s);
	snprintf(text, sizeof text, "STATUS=%s%llu handled, %d running, %zu waiting, %lld dead letters%s%.60s",
		 e->ready ? "" : "waiting for the server; ", (unsigned long long)e->counts.done, handlers_running(e->handlers), c.waiting,
		 (long long)c.dead, s.failing ? "; " : "", s.failing ? s.trouble : "");
	if (strcmp(text, e->status) == 0)
		return;
	e->status_at = now;
	strcpy(e->status, text);
	notify_send(e->config.notify, text);
}

int engine_figures_json(const struct engine *e, struct buf *b)
{
	struct engine_counts c;
	struct queue_counts q;
	engine_counts(e, &c);
	queue_counts(e->queue, &q);
	const struct { const char *name; uint64_t n; } counts[] = {
		{ "concurrency", (uint64_t)e->concurrency }, { "running_count", (uint64_t)c.running }, { "waiting", c.waiting }, { "ready", q.ready },
		{ "dead_letters", (uint64_t)c.dead_letters }, { "received", c.received }, { "repeated", c.repeated }, { "ignored", c.ignored },
		{ "strangers", c.strangers },
		{ "done", c.done }, { "failed", c.failed }, { "retried", c.retried }, { "dead", c.dead }, { "skipped", c.skipped },
		{ "dropped", c.dropped }, { "interrupted", c.interrupted }, { "polls", c.polls }, { "poll_failures", c.poll_failures },
		{ "hooks", (uint64_t)handlers_hooks(e->handlers) }, { "hooks_dropped", handlers_hooks_dropped(e->handlers) },
		{ "log_lines_dropped", log_dropped(e->config.log) },
	};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof counts / sizeof *counts; i++)
		rc = buf_addf(b, ",\"%s\":%llu", counts[i].name, (unsigned long long)counts[i].n);
	return rc;
}
