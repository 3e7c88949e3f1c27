/* engine/engine_metrics: the figures as Prometheus reads them: text format 0.0.4, see
 * https://prometheus.io/docs/instrumenting/exposition_formats/. Rows of engine_figures[] come in,
 * and a HELP, a TYPE and the samples of each metric go out. Invariant: each sample has the label
 * `bot`, and besides it at most the one that its metric names, whose values are those of a fixed
 * list; no text that anybody wrote stands in one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine_internal.h"
#include "engine/figures.h"

static const struct {
	const char *name;
	const char *label; /* besides `bot`; NULL: none */
	const char *type, *help;
} metrics[ENGINE_METRICS] = {
	[METRIC_RECEIVED] = { "updates_received_total", NULL, "counter",
			      "Updates received and stored." },
	[METRIC_SETTLED] = { "updates_settled_total", "outcome", "counter",
			     "Updates settled for good, by outcome." },
	[METRIC_FAILED] = { "attempts_failed_total", "reason", "counter",
			    "Attempts that did not end well, by reason; those of start and "
			    "interrupted are charged to no update." },
	[METRIC_WAITING] = { "updates_waiting", NULL, "gauge",
			     "Unfinished updates that no handler has." },
	[METRIC_OLDEST] = { "oldest_waiting_seconds", NULL, "gauge",
			    "Time since the oldest update that waits arrived; 0: none waits." },
	[METRIC_HANDLERS_RUNNING] = { "handlers_running", NULL, "gauge",
				      "Handlers, and places in workers, that have an update." },
	[METRIC_HANDLER_SLOTS] = { "handler_slots", NULL, "gauge",
				   "Handlers, and places in workers, that may have one." },
	[METRIC_DURATION] = { "handler_duration_seconds", NULL, "histogram",
			      "Time from the start of an attempt to its end." },
	[METRIC_DELAY] = { "queue_delay_seconds", NULL, "histogram",
			   "Time from the arrival of an update to its first attempt." },
	[METRIC_DEAD_LETTERS] = { "dead_letters", NULL, "gauge", "Dead letters that are kept." },
	[METRIC_POLLS] = { "polls_total", NULL, "counter", "Requests to the source." },
	[METRIC_POLL_FAILURES] = { "poll_failures_total", "class", "counter",
				   "Requests to the source that failed, by class." },
	[METRIC_LAST_POLL] = { "last_poll_timestamp_seconds", NULL, "gauge",
			       "When the source answered last, in seconds since 1970; 0: never." },
	[METRIC_OUTBOX] = { "outbox_waiting", NULL, "gauge", "Calls that wait to be sent." },
	[METRIC_OUTBOX_OLDEST] = { "outbox_oldest_seconds", NULL, "gauge",
				   "Time since the oldest of them was added, but for bulk; 0: none "
				   "waits." },
	[METRIC_CALLS] = { "calls_total", "outcome", "counter",
			   "Calls of the outbox that ended, by outcome." },
	[METRIC_BREAKER] = { "breaker_open", "route", "gauge",
			     "1 while the handler of the route fails on everything." },
	[METRIC_PAUSED] = { "paused", NULL, "gauge", "1 while tgrun pause holds." },
	[METRIC_DISK_LOW] = { "disk_low", NULL, "gauge", "1 while the disk is almost full." },
	[METRIC_FLEET_ROLE] = { "fleet_role", "role", "gauge",
				"1 while this machine asks for updates, or sends, for all that "
				"share the store." },
	[METRIC_FLEET_HELD] = { "fleet_updates_held", NULL, "gauge",
				"Updates that no other machine may start now." },
	[METRIC_FLEET_BEAT_AGE] = { "fleet_beat_age_seconds", NULL, "gauge",
				    "Time since the shared store heard of this machine; NaN: it did "
				    "not yet; 0: it is not shared." },
	[METRIC_FLEET_CUT_OFFS] = { "fleet_cut_offs_total", NULL, "counter",
				    "How often handlers were killed since the store could not be "
				    "reached." },
	[METRIC_FLEET_TAKEOVERS] = { "fleet_takeovers_total", NULL, "counter",
				     "Machines whose work this one handed on." },
	[METRIC_FLEET_REFUSALS] = { "fleet_refusals_total", NULL, "counter",
				    "What the store refused since another machine has the role, or "
				    "the work." },
	[METRIC_BUILD] = { "build_info", "version", "gauge", "1, with tgrun's version." },
};

struct writer {
	struct buf *out;
	char bot[24]; /* the value of the label */
	enum engine_metric metric;
};

/* Quoted as the format asks for. */
static int add_value(struct buf *b, const char *text)
{
	int rc = buf_addc(b, '"');
	for (; rc == 0 && *text; text++)
		if (*text == '\n')
			rc = buf_adds(b, "\\n");
		else
			rc = ((*text == '"' || *text == '\\') && buf_addc(b, '\\')) ||
					     buf_addc(b, *text)
				     ? -1
				     : 0;
	return rc || buf_addc(b, '"') ? -1 : 0;
}

/* A sample up to its value. `value` NULL: it has no further label. */
static int begin(struct writer *w, const char *suffix, const char *label, const char *value)
{
	int rc = buf_addf(w->out, "tgrun_%s%s{bot=\"%s\"", metrics[w->metric].name, suffix, w->bot);
	if (value)
		rc = rc || buf_addf(w->out, ",%s=", label) || add_value(w->out, value);
	return rc || buf_adds(w->out, "} ") ? -1 : 0;
}

static int add_number(struct writer *w, const char *suffix, const char *label, const char *value,
		      uint64_t number)
{
	return begin(w, suffix, label, value) || buf_addf(w->out, "%" PRIu64 "\n", number) ? -1 : 0;
}

static int add_histogram(struct writer *w, const struct engine_histogram *h)
{
	char bound[ENGINE_BOUND_MAX];
	uint64_t all = engine_bucket(h, ENGINE_BUCKETS, bound);
	int rc = 0;
	for (int i = 0; rc == 0 && i <= ENGINE_BUCKETS; i++) {
		uint64_t below = engine_bucket(h, i, bound);
		rc = add_number(w, "_bucket", "le", bound, below);
	}
	return rc || begin(w, "_sum", NULL, NULL) || engine_seconds(w->out, h->sum) ||
			       buf_addc(w->out, '\n') || add_number(w, "_count", NULL, NULL, all)
		       ? -1
		       : 0;
}

static int add_figure(struct writer *w, const struct engine_counts *c,
		      const struct engine_figure *f)
{
	uint64_t number = engine_figure(c, f);
	const char *label = metrics[w->metric].label;
	switch (f->kind) {
	case FIGURE_COUNTER:
	case FIGURE_GAUGE:
	case FIGURE_FLAG:
		return add_number(w, "", label, f->value, number);
	case FIGURE_AGE:
	case FIGURE_TIME:
		return begin(w, "", label, f->value) ||
				       (number == FIGURE_UNKNOWN
						? buf_adds(w->out, "NaN")
						: engine_seconds(w->out, number)) ||
				       buf_addc(w->out, '\n')
			       ? -1
			       : 0;
	case FIGURE_HISTOGRAM:
		break;
	}
	return add_histogram(w, engine_histogram(c, f));
}

/* The two that are no figures. */
static int add_others(struct writer *w, const struct engine *e)
{
	int rc = 0;
	const char *label = metrics[w->metric].label;
	if (w->metric == METRIC_BUILD)
		rc = add_number(w, "", label, TGRUN_VERSION, 1);
	for (size_t i = 0; w->metric == METRIC_BREAKER && rc == 0 && i < e->route_count; i++) {
		const struct route *r = &e->routes[i];
		rc = add_number(w, "", label, r->match ? r->match : "(handler)", r->breaker.open);
	}
	return rc;
}

int engine_metrics(const struct engine *e, struct buf *b)
{
	struct writer w = { .out = b };
	struct engine_counts c;
	int rc = 0;
	snprintf(w.bot, sizeof w.bot, "%lld",
		 e->config.secret ? (long long)secret_bot_id(e->config.secret) : 0);
	engine_counts(e, &c);
	for (w.metric = METRIC_NONE + 1; rc == 0 && w.metric < ENGINE_METRICS; w.metric++) {
		rc = buf_addf(b, "# HELP tgrun_%s %s\n# TYPE tgrun_%s %s\n", metrics[w.metric].name,
			      metrics[w.metric].help, metrics[w.metric].name,
			      metrics[w.metric].type);
		for (size_t i = 0; rc == 0 && i < engine_figures_count; i++)
			if (engine_figures[i].metric == w.metric)
				rc = add_figure(&w, &c, &engine_figures[i]);
		rc = rc ? rc : add_others(&w, e);
	}
	return rc;
}
