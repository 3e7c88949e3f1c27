/* engine/engine_figures: the table of what is told of the engine, and how: to tgrun status, in the
 * log, and to the service manager; to Prometheus in engine_metrics.c. Counts come in; numbers and
 * texts go out. Invariant: telling changes nothing of what is told. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine_internal.h"
#include "engine/figures.h"

enum { STATUS_EVERY = 5000 }; /* milliseconds between two texts for the service manager */

/* A row is all that a figure needs besides its member in struct engine_counts: tgrun status tells
 * all rows, in this order, and those with a metric under that name, too (engine_metrics.c). */
enum figure {
	PAUSED,
	BREAKER_OPEN,
	START_FAILING,
	STORE_FAILING,
	BACKLOG_FULL,
	DISK_LOW,
	STATE_GONE,
	OUTBOX_FULL,
	SENDING_FAILING,
	TOKEN_REFUSED,
	CONCURRENCY,
	RUNNING,
	HANDLERS_RUNNING,
	HANDLER_SLOTS,
	WAITING,
	READY,
	LATER,
	OLDEST_WAITING,
	DEAD_LETTERS,
	RECEIVED,
	REPEATED,
	IGNORED,
	STRANGERS,
	DONE,
	DEAD,
	SKIPPED,
	DROPPED,
	CANCELLED,
	FAILED,
	RETRIED,
	FAILED_STATUS,
	FAILED_SIGNAL,
	FAILED_TIMEOUT,
	FAILED_LATER,
	FAILED_REFUSED,
	FAILED_NO_ANSWER,
	FAILED_REPLY,
	START_FAILURES,
	INTERRUPTED,
	HANDLER_DURATION,
	QUEUE_DELAY,
	POLLS,
	POLL_FAILURES,
	POLLS_NETWORK,
	POLLS_SERVER,
	POLLS_GARBAGE,
	POLLS_TOKEN,
	POLLS_POLLER,
	POLLS_WEBHOOK,
	POLLS_FLOOD,
	POLLS_REFUSED,
	LAST_POLL,
	OUTBOX,
	OUTBOX_OLDEST,
	SENDING,
	FAILED_CALLS,
	SENT,
	UNDELIVERED,
	CALLS_DROPPED,
	PERHAPS_TWICE,
	HOOKS,
	HOOKS_DROPPED,
	LOG_LINES_DROPPED,
	FLEET_ASKS,
	FLEET_SENDS,
	FLEET_HELD,
	FLEET_BEAT_AGE,
	FLEET_CUT_OFFS,
	FLEET_TAKEOVERS,
	FLEET_REFUSALS
};

#define AT(member) offsetof(struct engine_counts, member)

const struct engine_figure engine_figures[] = {
	[PAUSED] = { "paused", FIGURE_FLAG, "no handler is started, as was asked for", AT(paused),
		     METRIC_PAUSED, NULL },
	[BREAKER_OPEN] = { "breaker_open", FIGURE_FLAG, "a handler fails on everything",
			   AT(breaker_open), METRIC_NONE, NULL },
	[START_FAILING] = { "start_failing", FIGURE_FLAG, "a handler cannot be started",
			    AT(start_failing), METRIC_NONE, NULL },
	[STORE_FAILING] = { "store_failing", FIGURE_FLAG, "the state cannot be written",
			    AT(store_failing), METRIC_NONE, NULL },
	[BACKLOG_FULL] = { "backlog_full", FIGURE_FLAG, "so much waits that fetching pauses",
			   AT(backlog_full), METRIC_NONE, NULL },
	[DISK_LOW] = { "disk_low", FIGURE_FLAG, "the disk is almost full", AT(disk_low),
		       METRIC_DISK_LOW, NULL },
	[STATE_GONE] = { "state_gone", FIGURE_FLAG, "the state is gone or spoilt", AT(state_gone),
			 METRIC_NONE, NULL },
	[OUTBOX_FULL] = { "outbox_full", FIGURE_FLAG, "so many replies wait that no handler starts",
			  AT(outbox_full), METRIC_NONE, NULL },
	[SENDING_FAILING] = { "sending_failing", FIGURE_FLAG,
			      "the server could not take the last call", AT(sending_failing),
			      METRIC_NONE, NULL },
	[TOKEN_REFUSED] = { "token_refused", FIGURE_FLAG,
			    "nothing is sent, since the server refused the token",
			    AT(token_refused), METRIC_NONE, NULL },
	[CONCURRENCY] = { "concurrency", FIGURE_GAUGE, "handlers that may run at once",
			  AT(concurrency), METRIC_NONE, NULL },
	[RUNNING] = { "running_count", FIGURE_GAUGE, "updates that are being handled", AT(running),
		      METRIC_NONE, NULL },
	[HANDLERS_RUNNING] = { "handlers_running", FIGURE_GAUGE,
			       "processes, and places in workers, that have an update",
			       AT(handlers_running), METRIC_HANDLERS_RUNNING, NULL },
	[HANDLER_SLOTS] = { "handler_slots", FIGURE_GAUGE, "as many of these at most, now",
			    AT(handler_slots), METRIC_HANDLER_SLOTS, NULL },
	[WAITING] = { "waiting", FIGURE_GAUGE, "updates that wait", AT(waiting), METRIC_WAITING,
		      NULL },
	[READY] = { "ready", FIGURE_GAUGE, "updates that wait for nothing but room", AT(ready),
		    METRIC_NONE, NULL },
	[LATER] = { "later", FIGURE_GAUGE, "updates that were pushed and are not due yet",
		    AT(later), METRIC_NONE, NULL },
	[OLDEST_WAITING] = { "oldest_waiting_seconds", FIGURE_AGE,
			     "since the oldest update that waits arrived", AT(oldest_waiting),
			     METRIC_OLDEST, NULL },
	[DEAD_LETTERS] = { "dead_letters", FIGURE_GAUGE, "dead letters that are kept",
			   AT(dead_letters), METRIC_DEAD_LETTERS, NULL },
	[RECEIVED] = { "received", FIGURE_COUNTER, "updates received and stored", AT(received),
		       METRIC_RECEIVED, NULL },
	[REPEATED] = { "repeated", FIGURE_COUNTER, "updates received again", AT(repeated),
		       METRIC_NONE, NULL },
	[IGNORED] = { "ignored", FIGURE_COUNTER, "updates left out by --only and --ignore",
		      AT(ignored), METRIC_NONE, NULL },
	[STRANGERS] = { "strangers", FIGURE_COUNTER, "updates of those who are not allowed",
			AT(strangers), METRIC_NONE, NULL },
	[DONE] = { "done", FIGURE_COUNTER, "updates handled", AT(done), METRIC_SETTLED, "done" },
	[DEAD] = { "dead", FIGURE_COUNTER, "updates that became dead letters", AT(dead),
		   METRIC_SETTLED, "dead" },
	[SKIPPED] = { "skipped", FIGURE_COUNTER, "updates skipped: too old, or by tgrun queue",
		      AT(skipped), METRIC_SETTLED, "skipped" },
	[DROPPED] = { "dropped", FIGURE_COUNTER, "updates dropped after a failure", AT(dropped),
		      METRIC_SETTLED, "dropped" },
	[CANCELLED] = { "cancelled", FIGURE_COUNTER, "updates that tgrun cancel ended",
			AT(cancelled), METRIC_SETTLED, "cancelled" },
	[FAILED] = { "failed", FIGURE_COUNTER, "attempts that failed", AT(failed), METRIC_NONE,
		     NULL },
	[RETRIED] = { "retried", FIGURE_COUNTER, "attempts after which the update is tried again",
		      AT(retried), METRIC_NONE, NULL },
	[FAILED_STATUS] = { "failed_status", FIGURE_COUNTER,
			    "attempts that ended with a status of no meaning",
			    AT(failed_by[CAUSE_STATUS]), METRIC_FAILED, "status" },
	[FAILED_SIGNAL] = { "failed_signal", FIGURE_COUNTER, "attempts that ended by a signal",
			    AT(failed_by[CAUSE_SIGNAL]), METRIC_FAILED, "signal" },
	[FAILED_TIMEOUT] = { "failed_timeout", FIGURE_COUNTER, "attempts that took too long",
			     AT(failed_by[CAUSE_TIMEOUT]), METRIC_FAILED, "timeout" },
	[FAILED_LATER] = { "failed_later", FIGURE_COUNTER, "attempts that asked for another one",
			   AT(failed_by[CAUSE_LATER]), METRIC_FAILED, "later" },
	[FAILED_REFUSED] = { "failed_refused", FIGURE_COUNTER,
			     "attempts whose handler refused the update for good",
			     AT(failed_by[CAUSE_REFUSED]), METRIC_FAILED, "refused" },
	[FAILED_NO_ANSWER] = { "failed_no_answer", FIGURE_COUNTER,
			       "attempts whose worker ended without an answer",
			       AT(failed_by[CAUSE_NO_ANSWER]), METRIC_FAILED, "no_answer" },
	[FAILED_REPLY] = { "failed_reply", FIGURE_COUNTER, "attempts whose output is no reply",
			   AT(failed_by[CAUSE_REPLY]), METRIC_FAILED, "reply" },
	[START_FAILURES] = { "start_failures", FIGURE_COUNTER, "failures to start a handler",
			     AT(start_failures), METRIC_FAILED, "start" },
	[INTERRUPTED] = { "interrupted", FIGURE_COUNTER,
			  "attempts that ended, and were not the update's doing", AT(interrupted),
			  METRIC_FAILED, "interrupted" },
	[HANDLER_DURATION] = { "handler_duration_seconds", FIGURE_HISTOGRAM,
			       "how long attempts took", AT(handler_duration), METRIC_DURATION,
			       NULL },
	[QUEUE_DELAY] = { "queue_delay_seconds", FIGURE_HISTOGRAM,
			  "from an update's arrival to its first attempt", AT(queue_delay),
			  METRIC_DELAY, NULL },
	[POLLS] = { "polls", FIGURE_COUNTER, "requests to the source", AT(polls), METRIC_POLLS,
		    NULL },
	[POLL_FAILURES] = { "poll_failures", FIGURE_COUNTER, "requests to the source that failed",
			    AT(poll_failures), METRIC_NONE, NULL },
	[POLLS_NETWORK] = { "poll_failures_network", FIGURE_COUNTER, "no whole answer came",
			    AT(poll_failed[API_NETWORK]), METRIC_POLL_FAILURES, "network" },
	[POLLS_SERVER] = { "poll_failures_server", FIGURE_COUNTER, "the server had trouble",
			   AT(poll_failed[API_SERVER]), METRIC_POLL_FAILURES, "server" },
	[POLLS_GARBAGE] = { "poll_failures_garbage", FIGURE_COUNTER,
			    "the answer was not the Bot API's", AT(poll_failed[API_GARBAGE]),
			    METRIC_POLL_FAILURES, "garbage" },
	[POLLS_TOKEN] = { "poll_failures_token", FIGURE_COUNTER, "the token was refused",
			  AT(poll_failed[API_TOKEN]), METRIC_POLL_FAILURES, "token" },
	[POLLS_POLLER] = { "poll_failures_poller", FIGURE_COUNTER, "another program polls",
			   AT(poll_failed[API_POLLER]), METRIC_POLL_FAILURES, "poller" },
	[POLLS_WEBHOOK] = { "poll_failures_webhook", FIGURE_COUNTER, "a webhook is set",
			    AT(poll_failed[API_WEBHOOK]), METRIC_POLL_FAILURES, "webhook" },
	[POLLS_FLOOD] = { "poll_failures_flood", FIGURE_COUNTER, "the server asked to wait",
			  AT(poll_failed[API_FLOOD]), METRIC_POLL_FAILURES, "flood" },
	[POLLS_REFUSED] = { "poll_failures_refused", FIGURE_COUNTER,
			    "the server refused the request", AT(poll_failed[API_REFUSED]),
			    METRIC_POLL_FAILURES, "refused" },
	[LAST_POLL] = { "last_poll_timestamp_seconds", FIGURE_TIME, "when the source answered last",
			AT(last_poll), METRIC_LAST_POLL, NULL },
	[OUTBOX] = { "outbox", FIGURE_GAUGE, "calls that wait to be sent", AT(outbox),
		     METRIC_OUTBOX, NULL },
	[OUTBOX_OLDEST] = { "outbox_oldest_seconds", FIGURE_AGE,
			    "since the oldest of them was added, but for bulk", AT(outbox_oldest),
			    METRIC_OUTBOX_OLDEST, NULL },
	[SENDING] = { "sending", FIGURE_GAUGE, "calls that are being sent", AT(sending),
		      METRIC_NONE, NULL },
	[FAILED_CALLS] = { "failed_calls", FIGURE_GAUGE,
			   "calls that could not be delivered and are kept", AT(failed_calls),
			   METRIC_NONE, NULL },
	[SENT] = { "sent", FIGURE_COUNTER, "calls that the server took", AT(sent), METRIC_CALLS,
		   "sent" },
	[UNDELIVERED] = { "undelivered", FIGURE_COUNTER, "calls that could not be delivered",
			  AT(undelivered), METRIC_CALLS, "failed" },
	[CALLS_DROPPED] = { "calls_dropped", FIGURE_COUNTER, "calls that tgrun outbox dropped",
			    AT(calls_dropped), METRIC_CALLS, "dropped" },
	[PERHAPS_TWICE] = { "perhaps_twice", FIGURE_COUNTER,
			    "calls that were sent again though they may have arrived",
			    AT(perhaps_twice), METRIC_NONE, NULL },
	[HOOKS] = { "hooks", FIGURE_GAUGE, "hooks that run or wait", AT(hooks), METRIC_NONE, NULL },
	[HOOKS_DROPPED] = { "hooks_dropped", FIGURE_COUNTER, "hooks that found no room",
			    AT(hooks_dropped), METRIC_NONE, NULL },
	[LOG_LINES_DROPPED] = { "log_lines_dropped", FIGURE_COUNTER,
				"lines of the log that nobody read", AT(log_lines_dropped),
				METRIC_NONE, NULL },
	[FLEET_ASKS] = { "fleet_asks", FIGURE_FLAG,
			 "this machine asks for updates, for all that share the store",
			 AT(fleet_asks), METRIC_FLEET_ROLE, "asks" },
	[FLEET_SENDS] = { "fleet_sends", FIGURE_FLAG,
			  "this machine sends, for all that share the store", AT(fleet_sends),
			  METRIC_FLEET_ROLE, "sends" },
	[FLEET_HELD] = { "fleet_held", FIGURE_GAUGE, "updates that no other machine may start now",
			 AT(fleet_held), METRIC_FLEET_HELD, NULL },
	[FLEET_BEAT_AGE] = { "fleet_beat_age_seconds", FIGURE_AGE,
			     "since the shared store heard of this machine", AT(fleet_beat_age),
			     METRIC_FLEET_BEAT_AGE, NULL },
	[FLEET_CUT_OFFS] = { "fleet_cut_offs", FIGURE_COUNTER,
			     "how often its handlers were killed since the store could not be reached",
			     AT(fleet_cut_offs), METRIC_FLEET_CUT_OFFS, NULL },
	[FLEET_TAKEOVERS] = { "fleet_takeovers", FIGURE_COUNTER,
			      "machines whose work this one handed on", AT(fleet_takeovers),
			      METRIC_FLEET_TAKEOVERS, NULL },
	[FLEET_REFUSALS] = { "fleet_refusals", FIGURE_COUNTER,
			     "what the store refused since another machine has the role, or the work",
			     AT(fleet_refusals), METRIC_FLEET_REFUSALS, NULL },
};
const size_t engine_figures_count = sizeof engine_figures / sizeof *engine_figures;

uint64_t engine_figure(const struct engine_counts *c, const struct engine_figure *f)
{
	return *(const uint64_t *)(const void *)((const char *)c + f->member);
}

static uint64_t read_figure(const struct engine_counts *c, enum figure figure)
{
	return engine_figure(c, &engine_figures[figure]);
}

const struct engine_histogram *engine_histogram(const struct engine_counts *c,
						const struct engine_figure *f)
{
	return (const struct engine_histogram *)(const void *)((const char *)c + f->member);
}

/* ---- telling ---- */

int engine_seconds(struct buf *b, uint64_t milliseconds)
{
	return buf_addf(b, "%" PRIu64 ".%03d", milliseconds / 1000, (int)(milliseconds % 1000));
}

static int histogram_json(const struct engine_histogram *h, struct buf *b)
{
	char bound[ENGINE_BOUND_MAX];
	uint64_t all = engine_bucket(h, ENGINE_BUCKETS, bound);
	int rc = buf_addf(b, "{\"count\":%" PRIu64 ",\"sum\":", all) || engine_seconds(b, h->sum) ||
		 buf_adds(b, ",\"buckets\":{");
	for (int i = 0; rc == 0 && i <= ENGINE_BUCKETS; i++) {
		uint64_t below = engine_bucket(h, i, bound);
		rc = buf_addf(b, "%s\"%s\":%" PRIu64, i ? "," : "", bound, below);
	}
	return rc || buf_adds(b, "}}") ? -1 : 0;
}

static int value_json(const struct engine_counts *c, const struct engine_figure *f, struct buf *b)
{
	uint64_t value = engine_figure(c, f);
	switch (f->kind) {
	case FIGURE_COUNTER:
	case FIGURE_GAUGE:
		return buf_addf(b, "%" PRIu64, value);
	case FIGURE_AGE:
	case FIGURE_TIME:
		return value == FIGURE_UNKNOWN ? buf_adds(b, "null") : engine_seconds(b, value);
	case FIGURE_FLAG:
		return buf_adds(b, value ? "true" : "false");
	case FIGURE_HISTOGRAM:
		break;
	}
	return histogram_json(engine_histogram(c, f), b);
}

int engine_figures_json(const struct engine *e, struct buf *b)
{
	struct engine_counts c;
	int rc = 0;
	engine_counts(e, &c);
	for (size_t i = 0; rc == 0 && i < engine_figures_count; i++)
		rc = buf_addf(b, ",\"%s\":", engine_figures[i].name) ||
				     value_json(&c, &engine_figures[i], b)
			     ? -1
			     : 0;
	return rc;
}

void engine_log_figures(struct engine *e)
{
	static const struct {
		enum figure figure;
		const char *name; /* NULL: that of the table */
	} told[] = {
		{ RECEIVED, NULL },      { REPEATED, NULL },
		{ DONE, NULL },          { FAILED, NULL },
		{ RETRIED, NULL },       { DEAD, NULL },
		{ DROPPED, NULL },       { SKIPPED, NULL },
		{ INTERRUPTED, NULL },   { RUNNING, "running" },
		{ WAITING, NULL },       { OLDEST_WAITING, NULL },
		{ DEAD_LETTERS, NULL },  { POLLS, NULL },
		{ POLL_FAILURES, NULL }, { LOG_LINES_DROPPED, NULL },
	};
	struct log_field fields[sizeof told / sizeof *told];
	struct engine_counts c;
	engine_counts(e, &c);
	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		const char *name = told[i].name ? told[i].name
						: engine_figures[told[i].figure].name;
		uint64_t value = read_figure(&c, told[i].figure);
		bool age = engine_figures[told[i].figure].kind == FIGURE_AGE;
		fields[i] = LOG_NUM(name, (int64_t)(age && value != FIGURE_UNKNOWN ? value / 1000
										   : value));
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
