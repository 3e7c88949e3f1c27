/* queue/local/local_internal: what the files of the local queue share: local.c (what comes in
 * and is written), local_disk.c (syncs, and the store's files), local_row.c (from the store to
 * the scheduler), local_claim.c (what goes out), local_bytes.c (its bytes), local_wells.c (which
 * updates ended well), local_list.c (what waits, for people), local_many.c (changes of many),
 * local_dead.c (dead letters), local_calls.c (what is to be sent), local_later.c (what is to come),
 * local_open.c (start and end,
 * and the table of verbs), pending.c (what is to be written). */
#ifndef TGRUN_QUEUE_LOCAL_LOCAL_INTERNAL_H
#define TGRUN_QUEUE_LOCAL_LOCAL_INTERNAL_H

#include "base/list.h"
#include "io/syncer.h"
#include "queue/calls.h"
#include "queue/local/local.h"
#include "queue/local/pending.h"
#include "queue/queue_ops.h"
#include "sched/sched.h"

/* The meta value that holds queue_config.key_spec of the keys and lanes in the store. */
#define LOCAL_KEY_SPEC "key-spec"

/* The meta value that holds `struct wells`, as text. */
#define LOCAL_WELLS "ended-well"

/* The meta value that holds what local.later knows of elapsed time, as text. */
#define LOCAL_ELAPSED "elapsed"

/* When an update last ended well: the latest end, and the latest end of an update of other keys
 * than that one. So for any keys it is known when an update of other keys last ended well. */
struct wells {
	struct {
		uint64_t keys; /* their hash; of an update without keys, that of its number */
		int64_t at;    /* wall clock, milliseconds; 0: none has */
	} last[2];
	bool unwritten; /* the store has older ones */
};

/* A claim, which stands in the queue's list until it is settled. Its owner may free it before;
 * it is settled as released when the queue closes, even then. */
struct open_claim {
	struct claim claim;
	struct list link;
	uint64_t writes; /* local.writes when it was handed out */
	bool settled, freed;
	char bytes[]; /* its keys and its body */
};

enum { LOCAL_KEPT = 512 };

struct local {
	struct queue queue;
	struct queue_config config;
	struct store *store;
	struct sched *sched;
	uint64_t gathers; /* lanes, bit 1 << lane */
	struct pending pending;
	struct open_claim *kept[LOCAL_KEPT]; /* of local_bytes.c */
	struct buf body, keys;               /* of what it reads */
	struct list open;                    /* not settled */
	/* outcomes for which there is room in `pending`: one for each of `open`, and for each call
	 * that was begun */
	size_t reserved;
	int64_t last_call, last_push; /* the highest numbers given to a call, to a push */
	bool sync_next;               /* what is pending is to be on disk when it is written */
	uint64_t writes;              /* how often all that was pending has been written */
	int64_t last_seq;     /* the highest number given, also to what could not be written */
	int64_t recheck_from; /* the scheduler may lack stored updates from it on; 0: none */
	struct {
		uint64_t root; /* its hash */
		int64_t offset, seq;
	} confirmed; /* what local_confirmed() was last told */
	struct wells wells;
	char story[LEDGER_STORY]; /* the reason of the last letter that local_release() made */
	struct syncer *syncer;    /* NULL until a thread has had something to sync */
	bool unsynced;            /* something was put that a power cut may take back */
	int64_t syncing;          /* the thread syncs all up to this number; 0: it does nothing */
	struct err sync_failure;  /* of the thread's last sync; status 0: none, or it was told */
	struct {
		int64_t from;   /* the letter at which the next slice begins */
		int64_t oldest; /* wall clock: the first death among the letters before `from` */
		int64_t bound;  /* wall clock: no letter of the store died before */
	} trim;                 /* of local_dead_trim(), by age */
	struct {
		int64_t base;    /* elapsed time less the monotonic clock's, milliseconds */
		int64_t written; /* wall clock less elapsed time, as the store has it */
		/* of the wall clock's, and of elapsed time's: which comes due first */
		struct {
			bool known;
			int64_t due; /* INT64_MAX: there is none */
		} head[2];
	} later;
	bool failing; /* the last write failed, and is still pending */
	struct err failure;
};

/* For const queues, too. */
#define local_of(q) container_of(q, struct local, queue)

/* Writes what is pending, in one transaction; with `sync` on disk when it returns. Returns 0; or -1
 * with `err`: the first `keep` operations stay for the next try, the others are cut off. */
int local_write(struct local *q, size_t keep, bool sync, struct err *err);

/* Tells the scheduler what was written: PUT and DONE among these operations, whose list is no
 * longer needed. Without memory for a PUT, local_recheck() finds it and those behind it again. */
void local_learn(struct local *q, const struct store_op *ops, size_t count);

/* Adds to the scheduler what may have reached the store though its write was said to have
 * failed. 0, or -1 with `err`. */
int local_recheck(struct local *q, struct err *err);

/* Adds a row of the store to the scheduler; `body`, of `length` bytes, NULL: they are read if they
 * are needed. 0, or -1 when memory is out. */
int local_row_add(struct local *q, const struct store_row *row, const char *body, size_t length);

/* Keeps the bytes of PUTs among these operations, which were written. */
void local_bytes_keep(struct local *q, const struct store_op *ops, size_t count);

/* The bytes of an update that waits, as a claim, which is the caller's to free: number, keys, body
 * and length, update_id, arrived, first (0: no attempt has begun). 1, 0: they are not there, -1
 * with `err`. */
int local_bytes_of(struct local *q, int64_t seq, struct open_claim **out, struct err *err);
void local_bytes_release(struct local *q);

/* A time of the monotonic clock as one of the wall clock, both in milliseconds. */
int64_t local_row_wall(const struct local *q, int64_t mono);

/* Settles every open claim as released. */
void local_release_all(struct local *q);

/* Remembers that the update of a claim ended well, now. */
void local_wells_note(struct local *q, const struct claim *c);

/* Reads what an earlier runner wrote of ends that were well. 0, or -1 with `err`. */
int local_wells_load(struct local *q, struct err *err);

/* Adds the ends that were well to `pending`, if an update waits that may be measured by them. */
void local_wells_keep(struct local *q);

/* Elapsed time goes on where an earlier runner left it. 0, or -1 with `err`. */
int local_later_load(struct local *q, struct err *err);

/* What is to come may be another from now on: it is asked of the store. */
void local_later_changed(struct local *q);

/* The verbs of queue.h: local_open.c puts them into a table. */
int local_close(struct queue *queue, struct err *err);
int local_put(struct queue *queue, const struct queue_put *puts, size_t count, const char *root,
	      int64_t offset, struct queue_put_result *result, struct err *err);
int local_durable(struct queue *queue, bool wait, struct err *err);
void local_confirmed(struct queue *queue, const char *root, int64_t offset);
int64_t local_offset(struct queue *queue, const char *root);
int local_meta_get(struct queue *queue, const char *name, struct buf *out, struct err *err);
void local_meta_set(struct queue *queue, const char *name, const char *value);
int local_claim(struct queue *queue, uint64_t lanes, struct claim **out, struct err *err);
int local_claim_joining(struct queue *queue, struct claim *const *batch, size_t n,
			struct claim **out, struct err *err);
bool local_marked(const struct queue *queue, const struct claim *c);
void local_done(struct queue *queue, const struct claim *c);
void local_drop(struct queue *queue, const struct claim *c);
void local_dead(struct queue *queue, const struct claim *c, const char *reason,
		const char *last_stderr);
void local_retry(struct queue *queue, const struct claim *c, int64_t delay, const char *reason);
void local_keep(struct queue *queue, const struct claim *c, int64_t delay, const char *reason);
const char *local_release(struct queue *queue, const struct claim *c,
			  const struct queue_release *how);
bool local_proven(const struct queue *queue, const struct claim *c);
int local_flush(struct queue *queue, struct err *err);
bool local_dirty(const struct queue *queue);
uint64_t local_ticket(const struct queue *queue);
bool local_written(const struct queue *queue, uint64_t ticket);
int64_t local_next_due(const struct queue *queue, uint64_t lanes);
size_t local_ready(const struct queue *queue, unsigned lane, int64_t *oldest_ms);
size_t local_waiting(const struct queue *queue, unsigned lane);
int local_oldest(struct queue *queue, int64_t *arrived, struct err *err);
bool local_batch_full(const struct queue *queue, unsigned lane, size_t size);
void local_counts(const struct queue *queue, struct queue_counts *out);
void local_gather(struct queue *queue, unsigned lane, const struct sched_gather *rule);
void local_set_backlog(struct queue *queue, int64_t backlog);
int local_stands(struct queue *queue, struct err *err);
void local_files(struct queue *queue, struct queue_files *out);
int64_t local_spare_bytes(const struct queue *queue);
int local_give_back(struct queue *queue, struct err *err);
int local_each(struct queue *queue, int64_t from,
	       int (*each)(void *arg, const struct queue_item *item), void *arg, struct err *err);
int local_show(struct queue *queue, int64_t seq,
	       int (*show)(void *arg, const struct queue_item *item), void *arg, struct err *err);
int local_dead_each(struct queue *queue, int64_t from,
		    int (*letter)(void *arg, const struct queue_letter *letter), void *arg,
		    struct err *err);
int local_many(struct queue *queue, struct queue_many *m, int64_t until,
	       void (*told)(void *arg, int64_t number, enum queue_fate fate), void *arg,
	       struct err *err);
int64_t local_call_add(struct queue *queue, const struct queue_call *call);
int64_t local_call_next(struct queue *queue, int64_t count);
int local_message_add(struct queue *queue, const struct queue_message *message);
int local_call_begin(struct queue *queue, const struct queue_call *call, bool sync);
void local_call_done(struct queue *queue, int64_t id);
void local_call_again(struct queue *queue, const struct queue_call *call);
void local_call_fail(struct queue *queue, const struct queue_call *call);
int local_call_give_up(struct queue *queue, const struct queue_call *call);
int local_call_drop(struct queue *queue, int64_t id, bool failed);
int local_call_replace(struct queue *queue, const struct queue_call *call);
void local_line_keep(struct queue *queue, const struct queue_line *line);
void local_lines_rest(struct queue *queue, int64_t wall);
void local_clock_set(struct queue *queue, int64_t by);
int local_move_keep(struct queue *queue, const char *from, const char *to);
int local_calls_each(struct queue *queue, int64_t from, bool failed, bool params,
		     int (*each)(void *arg, const struct queue_call *call), void *arg,
		     struct err *err);
int local_lines_each(struct queue *queue, int (*each)(void *arg, const struct queue_line *line),
		     void *arg, struct err *err);
int local_moves_each(struct queue *queue, int (*each)(void *arg, const char *from, const char *to),
		     void *arg, struct err *err);
int local_job_get(struct queue *queue, const char *name, const char *chat, int64_t *number,
		  struct err *err);
int local_job_keep(struct queue *queue, const char *name, const char *chat, int64_t number,
		   int64_t at);
void local_jobs_rest(struct queue *queue, int64_t wall);
int local_call_show(struct queue *queue, int64_t id,
		    void (*show)(void *arg, const struct queue_call *call,
				 const struct queue_message *message),
		    void *arg, struct err *err);
int64_t local_calls_failed(const struct queue *queue);
int local_push(struct queue *queue, const struct queue_push *push, int64_t *number,
	       struct err *err);
int64_t local_push_due(struct queue *queue);
int local_push_ripen(struct queue *queue, int64_t until,
		     bool (*wanted)(void *arg, const char *body, size_t length), void *arg,
		     struct queue_ripe *out, struct err *err);
int local_push_each(struct queue *queue, int64_t from,
		    int (*each)(void *arg, const struct queue_item *item), void *arg,
		    struct err *err);
int local_push_show(struct queue *queue, int64_t number,
		    int (*show)(void *arg, const struct queue_item *item), void *arg,
		    struct err *err);
int local_dead_trim(struct queue *queue, int64_t keep, int64_t max_age, int64_t until,
		    int64_t *dropped, struct err *err);

#endif
