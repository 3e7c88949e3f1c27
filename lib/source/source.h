/* source: where updates come from. A source hands over raw slices; it knows nothing of handlers or
 * of the queue.
 *
 * A source is one file that ends in one `const struct source_ops`. The engine drives it by these
 * few verbs, and answers its events. Events come from the loop, or from within `start`, `resume`
 * and `stop`; in none of them may the source be freed. Texts and slices that an event brings are
 * valid during the event only. */
#ifndef TGRUN_SOURCE_SOURCE_H
#define TGRUN_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/api.h"
#include "base/err.h"
#include "update/slice.h"

struct source_events {
	/* Takes in `count` updates, in this order. `offset`: where the source goes on after them,
	 * in its own unit: the next update_id of Telegram, a byte of a file. 0: all of them survive
	 * kill -9 now, and *fresh gets the number of those that were no repeats. -1: none was
	 * taken; source_ops.resume() follows, and then the source hands over the same updates
	 * again. */
	int (*batch)(void *arg, const struct slice *items, size_t count, int64_t offset,
		     size_t *fresh);
	/* May the source send its next request? `confirms`: that request makes the server forget
	 * all batches so far. 0: yes; if `confirms`, every batch is on disk. -1: not now;
	 * source_ops.resume() follows. */
	int (*may_ask)(void *arg, bool confirms);
	/* A request with this offset was answered: the server has forgotten all updates below
	 * it. */
	void (*confirmed)(void *arg, int64_t offset);
	/* The answer to who the bot is: its user name, "" if it has none. NULL: there was no
	 * answer; the source asks again. Sources without `hello` never call this. */
	void (*bot)(void *arg, const char *username);
	/* The first request for updates was sent: the bot is ready. Called once. */
	void (*ready)(void *arg);
	/* An answer brought no update: at this moment the server holds none. */
	void (*dry)(void *arg);
	/* The source has ended by itself and sends nothing more; neither `ended` nor `stopped`
	 * follows. `status` 0: all was handed over, `text` is "". Else an exit status
	 * (sysexits(3)), and `text` is a sentence. */
	void (*ended)(void *arg, int status, const char *text);
	/* The source has done what source_ops.stop() asked for, and sends nothing more. Called
	 * once. */
	void (*stopped)(void *arg);
	void *arg;
};

struct source_counts {
	uint64_t requests; /* sent to the server, or reads of a descriptor */
	/* those that failed, by why */
	uint64_t failures[API_CLASSES];
	uint64_t updates;    /* handed over and taken; of Telegram's, those that were no repeats */
	int64_t last_answer; /* monotonic milliseconds of the last good answer, 0: none yet */
	bool failing;        /* the last request failed */
	const char *trouble; /* why the last request failed, a phrase, "" if it did not. Belongs to
				the source, and is valid until the next turn of the loop */
};

struct source;

/* All but `hello` and `seek` are there in every source. */
struct source_ops {
	/* Begins to ask. Called once. */
	void (*start)(struct source *s);
	/* Asks again at once, if the source waits because `may_ask` or `batch` returned -1. Called
	 * in vain it changes nothing. */
	void (*resume)(struct source *s);
	/* Cuts a request for updates that is under way: what it brings is not handed over. Goes on
	 * from this offset after `resume`. NULL: a source that no other machine asks. */
	void (*seek)(struct source *s, int64_t offset);
	/* Asks again who the bot is; the event `bot` tells. NULL: a source that knows of no bot. */
	void (*hello)(struct source *s);
	/* Asks for no more updates. What was handed over and is not confirmed is confirmed by one
	 * short request, for some seconds at most. Then `stopped` is called, perhaps from within
	 * this call; not after `ended`. */
	void (*stop)(struct source *s);
	/* Fills in what was counted since the start. */
	void (*counts)(const struct source *s, struct source_counts *out);
	/* Ends all that is under way, without calling back, and frees the source. */
	void (*free)(struct source *s);
};

struct source {
	const struct source_ops *ops;
};

#endif
