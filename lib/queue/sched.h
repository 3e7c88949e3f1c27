/* queue/sched: which waiting update may run now. Pure: no I/O, no clock of its own; time comes in as milliseconds of a monotonic clock.
 *
 * An update waits for all earlier ones that share any of its keys, however those end. What may run is handed out in the order in which its turn
 * came up, so a chat with a thousand updates takes one turn at a time. An update keeps its place at the head of its keys while it runs and while it waits for its
 * next attempt. O(1) amortised for each operation (O(log n) for a delayed one), at most 200 bytes for a waiting update with one key. */
#ifndef TGRUN_QUEUE_SCHED_H
#define TGRUN_QUEUE_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sched;

/* What the scheduler knows of an update. */
struct sched_entry {
	int64_t seq;      /* tgrun's own number: unique, and rises in the order of arrival */
	int64_t expires;  /* when it is no longer answerable; INT64_MAX: never */
	int64_t due;      /* not before; 0: at once */
	int failures;     /* attempts that failed */
	int deaths;       /* times that the runner died with it */
	bool redelivered; /* an earlier attempt was started */
	bool expired;     /* set by sched_claim(): its time was over when its turn came; it is to be skipped */
};

struct sched *sched_new(void); /* NULL when memory is out */
void sched_free(struct sched *s); /* NULL is fine */

/* Adds an update behind all others. `keys`: its keys with a space between, "" for none. 0, or -1 when memory is out
 * (then nothing changed). */
int sched_add(struct sched *s, const struct sched_entry *entry, const char *keys);

/* Takes the next update whose turn it is at `now` into `out`. Returns false when there is none. An update with two or
 * more deaths is only handed out while nothing else runs, and nothing else is handed out while it waits for that or
 * runs. */
bool sched_claim(struct sched *s, int64_t now, struct sched_entry *out);

/* Appends the keys of a known update, a space between. */
struct buf;
int sched_keys(const struct sched *s, int64_t seq, struct buf *out);

/* Ends a claimed update: it leaves, and what waited for it may come up. */
void sched_finish(struct sched *s, int64_t seq);

/* Gives a claimed update back: it keeps its place and its turn comes up at `entry->due` (0: at once, before all others
 * that are ready). The counts of `entry` replace the old ones. A delayed update that expires first comes up when it
 * expires. */
void sched_return(struct sched *s, const struct sched_entry *entry);

/* The time at which a delayed update comes up, INT64_MAX if none is delayed. If something is ready now: 0. */
int64_t sched_next_due(const struct sched *s);

size_t sched_count(const struct sched *s);   /* all, running ones too */
size_t sched_running(const struct sched *s); /* claimed */
size_t sched_ready(const struct sched *s);   /* could be claimed now */

/* Whether the update is known; whether it is claimed. */
bool sched_has(const struct sched *s, int64_t seq, bool *running);

#endif
