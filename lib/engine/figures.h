/* engine/figures: the table of figures, what its rows are read with, and how they are gathered and
 * told: engine_counts.c, engine_figures.c, engine_metrics.c. */
#ifndef TGRUN_ENGINE_FIGURES_H
#define TGRUN_ENGINE_FIGURES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/engine.h"

/* What a metric of `tgrun status --prometheus` is called there: engine_metrics.c. */
enum engine_metric {
	METRIC_NONE,
	METRIC_RECEIVED,
	METRIC_SETTLED,
	METRIC_FAILED,
	METRIC_WAITING,
	METRIC_OLDEST,
	METRIC_HANDLERS_RUNNING,
	METRIC_HANDLER_SLOTS,
	METRIC_DURATION,
	METRIC_DELAY,
	METRIC_DEAD_LETTERS,
	METRIC_POLLS,
	METRIC_POLL_FAILURES,
	METRIC_LAST_POLL,
	METRIC_OUTBOX,
	METRIC_OUTBOX_OLDEST,
	METRIC_CALLS,
	METRIC_BREAKER,
	METRIC_PAUSED,
	METRIC_DISK_LOW,
	METRIC_FLEET_ROLE,
	METRIC_FLEET_HELD,
	METRIC_FLEET_BEAT_AGE,
	METRIC_FLEET_CUT_OFFS,
	METRIC_FLEET_TAKEOVERS,
	METRIC_FLEET_REFUSALS,
	METRIC_BUILD,
	ENGINE_METRICS
};

/* One number that is told of the engine. Its enum is its row in engine_figures[]. */
struct engine_figure {
	const char *name;
	enum {
		FIGURE_COUNTER,   /* counted since the start, and never falls */
		FIGURE_GAUGE,     /* as it is now */
		FIGURE_AGE,       /* now, milliseconds; FIGURE_UNKNOWN: it cannot be told */
		FIGURE_TIME,      /* wall clock, milliseconds */
		FIGURE_FLAG,      /* 0 or 1 */
		FIGURE_HISTOGRAM, /* a struct engine_histogram */
	} kind;
	const char *help;
	size_t member; /* where struct engine_counts has it */
	enum engine_metric metric;
	const char *value; /* of the label of that metric; NULL: it has none */
};
#define FIGURE_UNKNOWN UINT64_MAX

extern const struct engine_figure engine_figures[];
extern const size_t engine_figures_count;

/* Its number, or, of FIGURE_HISTOGRAM, its histogram. */
uint64_t engine_figure(const struct engine_counts *c, const struct engine_figure *f);
const struct engine_histogram *engine_histogram(const struct engine_counts *c,
						const struct engine_figure *f);

/* The bound of bucket `i`, in seconds, "+Inf" of ENGINE_BUCKETS, as text; and how often it was at
 * most that. */
enum { ENGINE_BOUND_MAX = 16 };
uint64_t engine_bucket(const struct engine_histogram *h, int i, char bound[ENGINE_BOUND_MAX]);

/* Appends milliseconds as seconds: `1.500`. 0, or -1 when the buffer is full. */
int engine_seconds(struct buf *b, uint64_t milliseconds);

/* ---- of an engine ---- */

void engine_count_rate(struct engine *e, uint64_t done);
/* Handled updates a second, over the last minute or, if that is shorter, the `uptime` in
 * milliseconds. */
double engine_rate(struct engine *e, int64_t uptime);
/* Something took so long. */
void engine_observe(struct engine_histogram *h, int64_t milliseconds);
/* A line of the log. */
void engine_log_figures(struct engine *e);
/* Tells the service manager how things stand, when that changed and the last text is some seconds
 * old. */
void engine_say_status(struct engine *e);
/* Appends a member for each figure, each after a comma. 0, or -1 when the buffer is full. */
int engine_figures_json(const struct engine *e, struct buf *b);

#endif
