/* sched/sched: which waiting update may run now. Pure: no I/O, no clock of its own; time comes in
 * as milliseconds of a monotonic clock.
 *
 * An update waits for all earlier ones that share any of its keys, however those end. What may
 * run is handed out in the order in which its turn came up, so a chat with a thousand updates
 * takes one turn at a time. An update keeps its place at the head of its keys while it runs and
 * while it waits for its next attempt. Each update belongs to a lane; lanes only select: order
 * and keys hold over all of them. O(1) amortised for each operation (O(log n) for a delayed one,
 * O(lanes) for a claim), at most 200 bytes for a waiting update with one key. */
#ifndef TGRUN_SCHED_SCHED_H
#define TGRUN_SCHED_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sched/gather.h"

enum { SCHED_LANES = 64 };
#define SCHED_ALL_LANES (~UINT64_C(0))

struct sched;

/* What the scheduler knows of an update. */
struct sched_entry {
	int64_t seq;     /* tgrun's own number: unique, and rises in the order of arrival */
	int64_t expires; /* when it is no longer answerable; INT64_MAX: never */
	int64_t due;     /* not before; 0: at once */
	int failures;    /* attempts that failed */
	int deaths, interruptions; /* as of sched/ledger.h */
	unsigned lane;             /* below SCHED_LANES; sched_return() does not change it */
	uint64_t group;            /* see sched_gather(); 0: none. Only sched_add() reads it */
	bool redelivered;          /* an earlier attempt was started */
	bool solo;                 /* no batch: nothing joins it, and it joins nothing */
	bool kept;                 /* `due`, or sched_hasten() if that comes first */
	bool expired; /* set by a claim: its time was over when its turn came; skip it */
	bool gathers; /* set by sched_look(): it is delayed to gather more, until `due` */
};

struct sched *sched_new(void);    /* NULL when memory is out */
void sched_free(struct sched *s); /* NULL is fine */

/* Sets how a lane gathers (sched/gather.h). Whether it does may change only before its first
 * update; the times hold at once for what waits, `most` for what comes. */
void sched_gather(struct sched *s, int64_t now, unsigned lane, const struct sched_gather *rule);

/* Adds an update behind all others. `keys`: its keys with a space between, "" for none. 0, or -1
 * when memory is out (then nothing changed). */
int sched_add(struct sched *s, int64_t now, const struct sched_entry *entry, const char *keys);

/* Takes the next update of `lanes` (bit 1 << lane) whose turn it is at `now` into `out`. Returns
 * false when there is none. An update with LEDGER_ALONE or more deaths is only handed out while
 * nothing else runs, in any lane; nothing else is handed out while it runs, nor, if its lane is
 * among `lanes`, while it waits for that. */
bool sched_claim(struct sched *s, int64_t now, uint64_t lanes, struct sched_entry *out);

/* Takes one more update for the batch that the claim of `leader` began, which still runs: one of
 * the same lane that is ready, else one that waits only for updates which run in this very
 * batch; so within a key a batch is in the order of arrival. No update joins that is solo or
 * has LEDGER_ALONE deaths, and none joins such a leader. In a lane that gathers only those join
 * that were gathered with the leader, whatever their own delays. Returns false when there is none.
 */
bool sched_join(struct sched *s, int64_t now, int64_t leader, struct sched_entry *out);

/* Appends the keys of an update, a space between; nothing if it has none or is not known. 0, or -1
 * as buf_add(). */
struct buf;
int sched_keys(const struct sched *s, int64_t seq, struct buf *out);

/* Ends a claimed update: it leaves, and what waited for it may come up. Members of a batch may
 * end in any order. */
void sched_finish(struct sched *s, int64_t now, int64_t seq);

/* Gives a claimed update back: it keeps its place and its turn comes up at `entry->due` (0: at
 * once, before all others that are ready), but not before the others of its batch that share a
 * key with it have ended or are given back too. The counts and `solo` of `entry` replace the old
 * ones. A delayed update that expires first comes up when it expires. */
void sched_return(struct sched *s, int64_t now, const struct sched_entry *entry);

/* An update whose keys are `keys`, as of sched_keys(), ended well at `now`: the delay of each
 * update that is kept and has other keys, or none, is over. Costs nothing while none is kept. */
void sched_hasten(struct sched *s, int64_t now, const char *keys);

/* Takes out an update that is not claimed, wherever it waits; what waited for it may come up.
 * False if it is claimed or not known. */
bool sched_remove(struct sched *s, int64_t now, int64_t seq);

/* Returns 0 if an update of `lanes` can be claimed at `now`; else the time at which the next
 * delayed update comes up; INT64_MAX if none will by time alone. */
int64_t sched_next_due(struct sched *s, int64_t now, uint64_t lanes);

size_t sched_count(const struct sched *s);       /* all, running ones too */
size_t sched_running(const struct sched *s);     /* claimed */
size_t sched_gathering(const struct sched *s);   /* groups that wait for more of them */
size_t sched_redelivered(const struct sched *s); /* of all, those with an earlier attempt */
size_t sched_ready(const struct sched *s, uint64_t lanes); /* of `lanes`, could be claimed now */

/* How many updates of a lane have their turn at `now`; *since gets the time at which the first of
 * them got it (`now` if there is none). */
size_t sched_turns(struct sched *s, int64_t now, unsigned lane, int64_t *since);

/* How many updates of a lane are not claimed. */
size_t sched_waiting(const struct sched *s, unsigned lane);

/* How many updates a batch of `lane`, which does not gather, that began at `now` would have,
 * counted up to `most` (at most SCHED_BATCH_MAX). Updates that are delayed, or wait for others than
 * those of the batch, do not count; while an update of LEDGER_ALONE deaths waits, nothing joins. To
 * be called after sched_turns() at that time. The cost grows with `most`, not with what waits. */
enum { SCHED_BATCH_MAX = 1000 };
size_t sched_batch(const struct sched *s, int64_t now, unsigned lane, size_t most);

enum sched_state { SCHED_BLOCKED, SCHED_READY, SCHED_DELAYED, SCHED_RUNNING };

/* Fills in `out` and *state; `due` only of a delayed update. Returns false if the update is not
 * known. */
bool sched_look(const struct sched *s, int64_t seq, struct sched_entry *out,
		enum sched_state *state);

/* Is the update known? *running, which may be NULL, gets whether it is claimed. */
bool sched_has(const struct sched *s, int64_t seq, bool *running);

#endif
