/* engine/engine_figures: what was counted, and how it is told: to tgrun status, in the log, and to
 * the service manager. Counts of the other files come in; numbers and texts go out. Invariant:
 * telling changes nothing of what is told. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine_internal.h"

enum { STATUS_EVERY = 5000 }; /* milliseconds between two texts for the service manager */

/* A row is all that a figure needs besides its member in struct engine_counts: tgrun status tells
 * all rows, in this order. */
enum figure {
	CONCURRENCY,
	RUNNING,
	WAITING,
	READY,
	LATER,
	DEAD_LETTERS,
	RECEIVED,
	REPEATED,
	IGNORED,
	STRANGERS,
	DONE,
	FAILED,
	RETRIED,
	DEAD,
	SKIPPED,
	DROPPED,
	INTERRUPTED,
	CANCELLED,
	POLLS,
	POLL_FAILURES,
	OUTBOX,
	SENDING,
	FAILED_CALLS,
	SENT,
	UNDELIVERED,
	PERHAPS_TWICE,
	HOOKS,
	HOOKS_DROPPED,
	LOG_LINES_DROPPED
};

#define AT(member) offsetof(struct engine_counts, member)

const struct engine_figure engine_figures[] = {
	[CONCURRENCY] = { "concurrency", FIGURE_GAUGE, "handlers that may run at once",
			  AT(concurrency) },
	[RUNNING] = { "running_count", FIGURE_GAUGE, "updates that are being handled",
		      AT(running) },
	[WAITING] = { "waiting", FIGURE_GAUGE, "updates that wait", AT(waiting) },
	[READY] = { "ready", FIGURE_GAUGE, "updates that wait for nothing but room", AT(ready) },
	[LATER] = { "later", FIGURE_GAUGE, "updates that were pushed and are not due yet",
		    AT(later) },
	[DEAD_LETTERS] = { "dead_letters", FIGURE_GAUGE, "dead letters that are kept",
			   AT(dead_letters) },
	[RECEIVED] = { "received", FIGURE_COUNTER, "updates received and stored", AT(received) },
	[REPEATED] = { "repeated", FIGURE_COUNTER, "updates received again", AT(repeated) },
	[IGNORED] = { "ignored", FIGURE_COUNTER, "updates left out by --only and --ignore",
		      AT(ignored) },
	[STRANGERS] = { "strangers", FIGURE_COUNTER, "updates of those who are not allowed",
			AT(strangers) },
	[DONE] = { "done", FIGURE_COUNTER, "updates handled", AT(done) },
	[FAILED] = { "failed", FIGURE_COUNTER, "attempts that failed", AT(failed) },
	[RETRIED] = { "retried", FIGURE_COUNTER, "attempts after which the update is tried again",
		      AT(retried) },
	[DEAD] = { "dead", FIGURE_COUNTER, "updates that became dead letters", AT(dead) },
	[SKIPPED] = { "skipped", FIGURE_COUNTER, "updates skipped: too old, or by tgrun queue",
		      AT(skipped) },
	[DROPPED] = { "dropped", FIGURE_COUNTER, "updates dropped after a failure", AT(dropped) },
	[INTERRUPTED] = { "interrupted", FIGURE_COUNTER,
			  "attempts that ended, and were not the update's doing", AT(interrupted) },
	[CANCELLED] = { "cancelled", FIGURE_COUNTER, "updates that tgrun cancel ended",
			AT(cancelled) },
	[POLLS] = { "polls", FIGURE_COUNTER, "requests to the source", AT(polls) },
	[POLL_FAILURES] = { "poll_failures", FIGURE_COUNTER, "requests to the source that failed",
			    AT(poll_failures) },
	[OUTBOX] = { "outbox", FIGURE_GAUGE, "calls that wait to be sent", AT(outbox) },
	[SENDING] = { "sending", FIGURE_GAUGE, "calls that are being sent", AT(sending) },
	[FAILED_CALLS] = { "failed_calls", FIGURE_GAUGE,
			   "calls that could not be delivered and are kept", AT(failed_calls) },
	[SENT] = { "sent", FIGURE_COUNTER, "calls that the server took", AT(sent) },
	[UNDELIVERED] = { "undelivered", FIGURE_COUNTER, "calls that could not be delivered",
			  AT(undelivered) },
	[PERHAPS_TWICE] = { "perhaps_twice", FIGURE_COUNTER,
			    "calls that were sent again though they may have arrived",
			    AT(perhaps_twice) },
	[HOOKS] = { "hooks", FIGURE_GAUGE, "hooks that run or wait", AT(hooks) },
	[HOOKS_DROPPED] = { "hooks_dropped", FIGURE_COUNTER, "hooks that found no room",
			    AT(hooks_dropped) },
	[LOG_LINES_DROPPED] = { "log_lines_dropped", FIGURE_COUNTER,
				"lines of the log that nobody read", AT(log_lines_dropped) },
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
	out->concurrency = (uint64_t)e->policy.concurrency;
	out->running = (uint64_t)handlers_running(e->handlers);
	out->waiting = q.waiting;
	out->ready = q.ready;
	out->later = (uint64_t)q.later;
	out->dead_letters = (uint64_t)q.dead;
	out->hooks = (uint64_t)handlers_hooks(e->handlers);
	engine_out_count(e, out);
}

int engine_figures_json(const struct engine *e, struct buf *b)
{
	struct engine_counts c;
	int rc = 0;
	engine_counts(e, &c);
	for (size_t i = 0; rc == 0 && i < engine_figures_count; i++)
		rc = buf_addf(b, ",\"%s\":%" PRIu64, engine_figures[i].name,
			      read_figure(&c, (enum figure)i));
	return rc;
}

void engine_log_figures(struct engine *e)
{
	static const struct {
		enum figure figure;
		const char *name; /* NULL: that of the table */
	} told[] = {
		{ RECEIVED, NULL },     { REPEATED, NULL },      { DONE, NULL },
		{ FAILED, NULL },       { RETRIED, NULL },       { DEAD, NULL },
		{ DROPPED, NULL },      { SKIPPED, NULL },       { INTERRUPTED, NULL },
		{ RUNNING, "running" }, { WAITING, NULL },       { DEAD_LETTERS, NULL },
		{ POLLS, NULL },        { POLL_FAILURES, NULL }, { LOG_LINES_DROPPED, NULL },
	};
	struct log_field fields[sizeof told / sizeof *told];
	struct engine_counts c;
	engine_counts(e, &c);
	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		const char *name = told[i].name ? told[i].name
						: engine_figures[told[i].figure].name;
		fields[i] = LOG_NUM(name, (int64_t)read_figure(&c, told[i].figure));
	}
	log_event(e->config.log, LOG_INFO, fields, sizeof told / sizeof *told, "figures");
}

void engine_say_status(struct engine *e)
{
	static const struct {
		enum figure figure;
		const char *noun;
	} told[] = { { DONE, "handled" },
		     { RUNNING, "running" },
		     { WAITING, "waiting" },
		     { DEAD_LETTERS, "dead letters" } };
	char text[sizeof e->told.text];
	int64_t now = e->config.clock->mono(e->config.clock);
	struct engine_counts c;
	struct source_counts s;
	if (e->phase != ENGINE_RUNNING || now - e->told.at < STATUS_EVERY)
		return;
	engine_counts(e, &c);
	e->source->ops->counts(e->source, &s);
	size_t n = (size_t)snprintf(text, sizeof text, "STATUS=%s",
				    e->asking.begun ? "" : "waiting for the server; ");
	for (size_t i = 0; i < sizeof told / sizeof *told && n < sizeof text; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%" PRIu64 " %s", i ? ", " : "",
				      read_figure(&c, told[i].figure), told[i].noun);
	if (s.failing && n < sizeof text)
		snprintf(text + n, sizeof text - n, "; %.60s", s.trouble);
	if (strcmp(text, e->told.text) == 0)
		return;
	e->told.at = now;
	strcpy(e->told.text, text);
	notify_send(e->config.notify, text);
}

void engine_count_rate(struct engine *e, uint64_t done)
{
	int64_t second = e->config.clock->mono(e->config.clock) / 1000;
	int64_t from = e->rate.second + 1;
	if (from < second - ENGINE_RATE_SECONDS + 1)
		from = second - ENGINE_RATE_SECONDS + 1;
	for (int64_t s = from; s <= second; s++)
		e->rate.done[s % ENGINE_RATE_SECONDS] = 0;
	e->rate.second = second;
	e->rate.done[second % ENGINE_RATE_SECONDS] += done;
}

/* Handled updates a second, over the last minute or since the start. */
double engine_rate(struct engine *e, int64_t uptime)
{
	uint64_t sum = 0;
	engine_count_rate(e, 0);
	for (int i = 0; i < ENGINE_RATE_SECONDS; i++)
		sum += e->rate.done[i];
	double seconds = (double)uptime / 1000;
	return (double)sum / (seconds < 1                     ? 1
			      : seconds > ENGINE_RATE_SECONDS ? ENGINE_RATE_SECONDS
							      : seconds);
}

int engine_lingering(const struct engine *e, char *out, size_t n)
{
	int count = handlers_lingering(e->handlers);
	if (count)
		handlers_describe_lingering(e->handlers, out, n);
	return count;
}

bool engine_idle(const struct engine *e)
{
	struct queue_counts c;
	queue_counts(e->queue, &c);
	return c.gathering == 0 && handlers_running(e->handlers) == 0 && !e->tidy.trimming &&
	       list_empty(&e->starts.starting) && queue_next_due(e->queue, QUEUE_ALL_LANES) != 0 &&
	       !queue_dirty(e->queue) && !engine_later_due(e);
}
