/* queue/local/local: what the files of the local queue share: local.c (what comes in and is written),
 * local_claim.c (what goes out), local_wells.c (who ended well), local_open.c (start and end),
 * local_list.c (what waits, for people), local_many.c (changes of many), dead.c (dead letters). */
#ifndef TGRUN_QUEUE_LOCAL_LOCAL_H
#define TGRUN_QUEUE_LOCAL_LOCAL_H

#include "base/list.h"
#include "queue/local/pending.h"
#include "queue/queue.h"
#include "sched/sched.h"

/* The meta value that holds queue_config.key_spec of the keys and lanes in the store. */
#define LOCAL_KEY_SPEC "key-spec"

/* … and what it remembers of ends that were well: local_wells_text(). */
#define LOCAL_WELLS "ended-well"

/* When an update last ended well, by its keys: the latest, and the latest of other keys than that. So for any keys it can be told when one of
 * others did. */
struct wells {
	struct {
		uint64_t keys;   /* as of local_keys_hash() */
		int64_t at;      /* wall clock, milliseconds; 0: none has */
	} last[2];
	bool unwritten;          /* the store knows other ones */
};

/* A claim and its place in the queue's list while it is not settled. Its owner may free it before; the queue still
 * gives it back then. */
struct held {
	struct claim claim;
	struct list link;
	bool settled, freed;
};

struct queue {
	struct queue_config config;
	struct store *store;
	struct sched *sched;
	struct pending pending;
	struct list held;        /* claims that are not settled: each has room for its outcome in `pending` */
	size_t held_count;
	int64_t last_seq;        /* the highest number given, also to what could not be written */
	int64_t recheck_from;    /* updates from this number on may be in the store and not in the scheduler; 0: none */
	struct {
		uint64_t root;   /* its hash */
		int64_t offset, seq;
	} confirmed;             /* what queue_confirmed() was last told */
	struct wells wells;
	char story[LEDGER_STORY]; /* of the last letter that queue_release() made */
	bool unsynced;           /* something was put that a power cut may still take back */
	int64_t syncing;         /* and another does so now, for all up to this number; 0: nobody does */
	struct {
		int64_t from;    /* the letter at which the next slice begins */
		int64_t oldest;  /* of those before it, what died first: wall clock */
		int64_t bound;   /* no letter of the store died before: wall clock */
	} trim;                  /* of queue_dead_trim(), by age */
	bool failing;            /* the last try to write failed, and what it was about is still pending */
	struct err failure;
};

/* The age limit of an update as a time of the monotonic clock. */
int64_t local_expires(const struct queue *q, const char *kind, bool ageless, int64_t received);

/* Writes what is pending, in one transaction. When that fails, the first `keep` operations stay for the next try,
 * and the others are cut off. 0 or -1 with `err`. */
int local_write(struct queue *q, size_t keep, bool sync, struct err *err);

/* The scheduler learns of what was written: PUT and DONE among these operations, whose list is no
 * longer needed. Without memory the rest is found again by local_recheck(). */
void local_learn(struct queue *q, const struct store_op *ops, size_t count);

/* Takes over what may have reached the store though writing it failed. 0 or -1 with `err`. */
int local_recheck(struct queue *q, struct err *err);

/* Adds a row of the store to the scheduler. 0 or -1 when memory is out. */
int local_add(struct queue *q, const struct store_row *row);

/* Gives back all claims that are not settled. */
void local_release_all(struct queue *q);

/* An update ended well. */
void local_wells_note(struct queue *q, const struct claim *c);

/* Reads at the start what an earlier runner wrote of ends that were well. */
int local_wells_load(struct queue *q, struct err *err);

/* Adds them to what is to be written, if an update waits that may be measured by them. */
void local_wells_keep(struct queue *q);

#endif
