/* engine/engine_figures: what was counted, and how it is told: to tgrun status, in the log, and to the service manager.
 * Counts of the other files come in; numbers and texts go out. Invariant: telling changes nothing of what is told. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine_internal.h"

enum { STATUS_EVERY = 5000 }; /* milliseconds between two texts for the service manager */

/* A row is all that a figure needs besides its member in struct engine_counts: tgrun status tells all rows, in this order. */
enum figure {
	CONCURRENCY, RUNNING, WAITING, READY, DEAD_LETTERS, RECEIVED, REPEATED, IGNORED, STRANGERS, DONE, FAILED, RETRIED,
	DEAD, SKIPPED, DROPPED, INTERRUPTED, POLLS, POLL_FAILURES, HOOKS, HOOKS_DROPPED, LOG_LINES_DROPPED
};

#define COUNTER(name, member, help) { name, FIGURE_COUNTER, help, offsetof(struct engine_counts, member) }
#define GAUGE(name, member, help) { name, FIGURE_GAUGE, help, offsetof(struct engine_counts, member) }

const struct engine_figure engine_figures[] = {
	[CONCURRENCY] = GAUGE("concurrency", concurrency, "handlers that may run at once"),
	[RUNNING] = GAUGE("running_count", running, "updates that are being handled"),
	[WAITING] = GAUGE("waiting", waiting, "updates that wait"),
	[READY] = GAUGE("ready", ready, "updates that wait for nothing but room"),
	[DEAD_LETTERS] = GAUGE("dead_letters", dead_letters, "dead letters that are kept"),
	[RECEIVED] = COUNTER("received", received, "updates received and stored"),
	[REPEATED] = COUNTER("repeated", repeated, "updates received again"),
	[IGNORED] = COUNTER("ignored", ignored, "updates left out by --only and --ignore"),
	[STRANGERS] = COUNTER("strangers", strangers, "updates of those who are not allowed"),
	[DONE] = COUNTER("done", done, "updates handled"),
	[FAILED] = COUNTER("failed", failed, "attempts that failed"),
	[RETRIED] = COUNTER("retried", retried, "attempts after which the update is tried again"),
	[DEAD] = COUNTER("dead", dead, "updates that became dead letters"),
	[SKIPPED] = COUNTER("skipped", skipped, "updates skipped: too old, or by tgrun queue"),
	[DROPPED] = COUNTER("dropped", dropped, "updates dropped after a failure"),
	[INTERRUPTED] = COUNTER("interrupted", interrupted, "attempts that ended, and were not the update's doing"),
	[POLLS] = COUNTER("polls", polls, "requests to the source"),
	[POLL_FAILURES] = COUNTER("poll_failures", poll_failures, "requests to the source that failed"),
	[HOOKS] = GAUGE("hooks", hooks, "hooks that run or wait"),
	[HOOKS_DROPPED] = COUNTER("hooks_dropped", hooks_dropped, "hooks that found no room"),
	[LOG_LINES_DROPPED] = COUNTER("log_lines_dropped", log_lines_dropped, "lines of the log that nobody read"),
};
const size_t engine_figures_count = sizeof engine_figures / sizeof *engine_figures;

static uint64_t read_figure(const struct engine_counts *c, enum figure figure)
{
	return *(const uint64_t *)(const void *)((const char *)c + engine_figures[figure].member);
}

void engine_counts(const struct engine *e, struct engine_counts *out)
{
	struct queue_counts q;
	struct source_counts s = { 0 };
	queue_counts(e->queue, &q);
	if (e->source)
		e->source->ops->counts(e->source, &s);
	*out = e->counts;
	out->polls = s.requests;
	out->poll_failures = s.failures;
	out->hooks_dropped = handlers_hooks_dropped(e->handlers);
	out->log_lines_dropped = log_dropped(e->config.log);
	out->concurrency = (uint64_t)e->concurrency;
	out->running = (uint64_t)handlers_running(e->handlers);
	out->waiting = q.waiting;
	out->ready = q.ready;
	out->dead_letters = (uint64_t)q.dead;
	out->hooks = (uint64_t)handlers_hooks(e->handlers);
}

int engine_figures_json(const struct engine *e, struct buf *b)
{
	struct engine_counts c;
	int rc = 0;
	engine_counts(e, &c);
	for (size_t i = 0; rc == 0 && i < engine_figures_count; i++)
		rc = buf_addf(b, ",\"%s\":%" PRIu64, engine_figures[i].name, read_figure(&c, (enum figure)i));
	return rc;
}

void engine_log_figures(struct engine *e)
{
	static const struct {
		enum figure figure;
		const char *name; /* NULL: that of the table */
	} told[] = {
		{ RECEIVED, NULL }, { REPEATED, NULL }, { DONE, NULL }, { FAILED, NULL }, { RETRIED, NULL },
		{ DEAD, NULL }, { DROPPED, NULL }, { SKIPPED, NULL }, { INTERRUPTED, NULL }, { RUNNING, "running" },
		{ WAITING, NULL }, { DEAD_LETTERS, NULL }, { POLLS, NULL }, { POLL_FAILURES, NULL },
		{ LOG_LINES_DROPPED, NULL },
	};
	struct log_field fields[sizeof told / sizeof *told];
	struct engine_counts c;
	engine_counts(e, &c);
	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		const char *name = told[i].name ? told[i].name : engine_figures[told[i].figure].name;
		fields[i] = LOG_NUM(name, (int64_t)read_figure(&c, told[i].figure));
	}
	log_event(e->config.log, LOG_INFO, fields, sizeof told / sizeof *told, "figures");
}

void engine_say_status(struct engine *e)
{
	static const struct {
		enum figure figure;
		const char *noun;
	} told[] = { { DONE, "handled" }, { RUNNING, "running" }, { WAITING, "waiting" }, { DEAD_LETTERS, "dead letters" } };
	char text[sizeof e->status];
	int64_t now = e->config.clock->mono(e->config.clock);
	struct engine_counts c;
	struct source_counts s;
	if (e->phase != ENGINE_RUNNING || now - e->status_at < STATUS_EVERY)
		return;
	engine_counts(e, &c);
	e->source->ops->counts(e->source, &s);
	size_t n = (size_t)snprintf(text, sizeof text, "STATUS=%s", e->ready ? "" : "waiting for the server; ");
	for (size_t i = 0; i < sizeof told / sizeof *told && n < sizeof text; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%" PRIu64 " %s", i ? ", " : "",
				      read_figure(&c, told[i].figure), told[i].noun);
	if (s.failing && n < sizeof text)
		snprintf(text + n, sizeof text - n, "; %.60s", s.trouble);
	if (strcmp(text, e->status) == 0)
		return;
	e->status_at = now;
	strcpy(e->status, text);
	notify_send(e->config.notify, text);
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

bool engine_idle(const struct engine *e)
{
	return handlers_running(e->handlers) == 0 && !e->trimming && list_empty(&e->starting) &&
	       queue_next_due(e->queue, QUEUE_ALL_LANES) != 0 && !queue_dirty(e->queue);
}
