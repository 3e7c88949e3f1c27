/* sched/sched_internal: what the files of the scheduler share: sched.c (the verbs), sched_keys.c
 * (the queue of each key), sched_runs.c (what is gathered), sched_turns.c (what is ready or
 * delayed). */
#ifndef TGRUN_SCHED_SCHED_INTERNAL_H
#define TGRUN_SCHED_SCHED_INTERNAL_H

#include <string.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "sched/ledger.h"
#include "sched/sched.h"

struct sched_item;

/* An update's place in the queue of one of its keys. */
struct link {
	struct sched_item *prev, *next;
	struct sched_key *key;
};

struct sched_key {
	struct map_node node;
	struct sched_item *first, *last;
	uint32_t length;
	uint32_t running : 31; /* claimed updates: several only of one batch */
	uint32_t broken : 1;   /* one of a batch was given back while others run: no more join */
	char name[];
};

/* What is to be one batch. */
struct sched_run {
	uint64_t group;
	struct sched_item *head; /* which waits for more of it; NULL: none does */
	int64_t first, last;     /* when the first and the last of it came */
	size_t came;
	uint32_t items; /* that are here still */
	bool closed;    /* nothing joins it any more */
};

/* There may be a million of these: 80 bytes and 24 for each key, and 8 more where its lane gathers.
 */
struct sched_item {
	struct map_node node; /* in sched.items */
	/* READY: in the list of its lane. DELAYED and kept: in sched.kept; DELAYED and gathering:
	 * in sched.gathering. RUNNING: the head of a
	 * list of those that may join the batch which it began. BLOCKED: in such a list, perhaps
	 * one whose head has left. */
	struct list turn;
	union {
		struct heap_node delay; /* BLOCKED, DELAYED: .due is not before; 0: at once */
		struct {
			int64_t since;
			union {
				int64_t ticket; /* READY: orders the turns of all lanes */
				uint64_t batch; /* RUNNING: what was claimed together */
			};
		};
	};
	int64_t seq, expires;
	int failures;
	uint16_t links_count; /* keys */
	uint16_t behind;      /* unless it runs: keys that are not free for it */
	uint8_t state, lane;
	uint8_t deaths, interruptions; /* bounded by the ledger */
	bool redelivered : 1, solo : 1, kept : 1;
	bool first : 1;   /* it was given back to come up before all others */
	bool gathers : 1; /* it is delayed as the head of its run, which waits for more */
	bool grouped : 1; /* behind its links is room for sched_run_of() */
	struct link links[];
};

/* Lists of what is ready, one for each lane. */
struct turns {
	struct list lanes[SCHED_LANES];
	uint64_t some; /* the lanes whose list is not empty */
};

struct sched {
	struct map items, keys;
	struct map_seed seed;
	struct heap delayed;
	struct turns ready, solos, suspects;
	struct list kept, gathering;
	size_t gathering_count;
	struct sched_gather gather[SCHED_LANES];
	size_t ready_in[SCHED_LANES], waiting_in[SCHED_LANES], running;
	size_t redelivered;  /* of all items */
	int64_t front, back; /* the last tickets given */
	uint64_t batches;
	bool alone; /* a suspect runs */
};

/* ---- sched_keys.c ---- */

/* The update of that number; NULL if it is not known. */
struct sched_item *sched_find(const struct sched *s, int64_t seq);

/* The item of an entry, its keys looked up or made, and its run; but in no queue and no table yet.
 * NULL when memory is out. */
struct sched_item *sched_item_new(struct sched *s, const struct sched_entry *entry,
				  const char *keys);
/* Frees an item that is in no queue and no table, and those of its keys that no other item has. */
void sched_item_free(struct sched *s, struct sched_item *item);

/* Takes over what an entry says of attempts: the counts, `redelivered`, `solo` and `kept`. */
void sched_item_note(struct sched_item *item, const struct sched_entry *entry);

/* Puts it at the end of the queue of each of its keys, and counts those that are not free. */
void sched_enqueue(struct sched_item *item);

/* Takes it out of the queue of link `l`. */
void sched_dequeue(struct link *l);

/* Whether it waits for nothing but updates of `batch`. */
bool sched_follows(const struct sched_item *item, uint64_t batch);

/* ---- sched_runs.c ---- */

/* The run of an item; NULL: none. */
static inline struct sched_run *sched_run_of(const struct sched_item *item)
{
	struct sched_run *run = NULL;
	if (item->grouped)
		memcpy(&run, &item->links[item->links_count], sizeof run);
	return run;
}

/* Finds or makes the run of an item, which is grouped, and about to be put behind the others of its
 * keys. 0, or -1 when memory is out. */
int sched_run_join(struct sched_item *item, uint64_t group);
/* The item is about to be freed. */
void sched_run_leave(struct sched_item *item);

/* The item was put behind the others, at `now`. */
void sched_run_came(const struct sched *s, struct sched_item *item, int64_t now);

/* Until when an item that could run waits for more of its run; 0: it does not. */
int64_t sched_run_until(const struct sched *s, const struct sched_item *item);

/* ---- sched_turns.c ---- */

void sched_turns_init(struct turns *t);

/* All its keys are free: it is ready since `since`, or waits for its time or for more of its
 * run. */
void sched_come_up(struct sched *s, struct sched_item *item, int64_t since);

/* The run has got another item, or is closed, or its lane's rule is another: its head, if it waits
 * for that, waits as long as it should now. */
void sched_reconsider(struct sched *s, const struct sched_run *run, int64_t now);

/* What is no longer delayed at `now` gets its turn. */
void sched_promote(struct sched *s, int64_t now);

/* The first of `lanes`, NULL if none. */
struct sched_item *sched_first(const struct turns *t, uint64_t lanes);

/* Takes it from wherever it waits. */
void sched_unwait(struct sched *s, struct sched_item *item);

#endif
