/* source: where updates come from. It hands over raw slices, and knows nothing of handlers or of the queue.
 *
 * A source is one file that ends in one `const struct source_ops`. The engine drives it by these few verbs, and answers its events. */
#ifndef TGRUN_SOURCE_SOURCE_H
#define TGRUN_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "update/slice.h"

struct source_events {
	/* Takes in a batch; `offset` is what the source will ask from next. 0: all of it survives kill -9 now, *fresh gets how many were no repeats. -1: nothing was taken; the
	 * source asks for the same again later. */
	int (*batch)(void *arg, const struct slice *items, size_t count, int64_t offset, size_t *fresh);
	/* May more be asked for? 0: yes, and where asking `confirms` all batches so far, they survive a power cut. -1: not now; source_resume() will be called. */
	int (*may_ask)(void *arg, bool confirms);
	/* A request with this offset was answered: ids below it will not come again. */
	void (*confirmed)(void *arg, int64_t offset);
	/* Who the bot is was asked for: its user name, "" if it has none; NULL: there was no
	 * answer, and it is asked again. */
	void (*bot)(void *arg, const char *username);
	/* Asking has begun: the bot is ready. Called once. */
	void (*ready)(void *arg);
	/* An answer brought nothing: at this moment nothing waits at the source. */
	void (*dry)(void *arg);
	/* The source has ended for good: 0, all is taken; else an exit status and a sentence. */
	void (*ended)(void *arg, int status, const char *text);
	/* The last request of source_stop() is through. */
	void (*stopped)(void *arg);
	void *arg;
};

struct source_counts {
	uint64_t requests, failures, updates;
	int64_t last_answer; /* monotonic milliseconds of the last good answer, 0: none yet */
	bool failing;        /* the last request failed */
	const char *trouble; /* the last failure's phrase, "" if none */
};

struct source;

struct source_ops {
	void (*start)(struct source *s);
	/* Ask again: a reason not to has gone (see may_ask), or now is a good time to look once more. */
	void (*resume)(struct source *s);
	/* Ask again who the bot is; `bot` tells when it is known. NULL: a source that knows of
	 * no bot. */
	void (*hello)(struct source *s);
	/* No more asking. What is received but not confirmed is confirmed with one short request, then `stopped` is called (possibly from in here). */
	void (*stop)(struct source *s);
	/* Whether it has nothing more to ask, or to hand over. */
	void (*counts)(const struct source *s, struct source_counts *out);
	void (*free)(struct source *s);
};

struct source {
	const struct source_ops *ops;
};

#endif
