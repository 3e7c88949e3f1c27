/* outbox/outbox_internal: what the files of the outbox share: outbox.c (a call's way),
 * outbox_marks.c (what is known and stored of a chat), outbox_lines.c (lines, their names, whose
 * turn it is), outbox_limits.c (buckets, and the pause of bulk). Each calls those after it only. */
#ifndef TGRUN_OUTBOX_OUTBOX_INTERNAL_H
#define TGRUN_OUTBOX_OUTBOX_INTERNAL_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "outbox/outbox.h"

enum { OUTBOX_FLOODS = 3 }; /* chats that got a 429 together: bulk pauses */

/* A token bucket is the time at which it is full again (the "theoretical arrival time" of GCRA), in
 * microseconds of the caller's clock: each message moves it on by the time of one. */
struct outbox_bucket {
	int64_t each; /* time of one message, 0: no limit */
	int64_t burst;
};

/* What a line waits in. */
enum outbox_place {
	OUTBOX_NOWHERE, /* one of it is in flight, or it is empty and known by a second name */
	OUTBOX_IDLE,    /* empty: in outbox.idle until its bucket is full and its cool-down over */
	OUTBOX_LATER,   /* in outbox.held until its head may go */
	OUTBOX_TURN,    /* in outbox.ready: its head may go */
};

enum outbox_class { OUTBOX_REPLY, OUTBOX_BULK, OUTBOX_PAID /* bulk */, OUTBOX_CLASSES };

struct outbox_line {
	struct map_node node; /* in outbox.lines, unless it has no name */
	union {
		struct heap_node at; /* IDLE, LATER */
		struct {
			struct list turn;
			int64_t ticket; /* orders the turns of all classes */
		};
	};
	struct list calls;      /* those that wait, in the order in which they were added */
	struct outbox_line *to; /* not NULL: a second name only, of that line */
	int64_t tat, cool;
	uint32_t replies; /* of `calls` */
	uint8_t flights;
	uint8_t kind, place, class; /* class: LATER, TURN */
	bool named;                 /* it has second names, and is never forgotten */
	char name[];
};

/* There may be a hundred thousand of these: 96 bytes. */
struct outbox_call {
	struct map_node node;  /* in outbox.calls */
	struct list next;      /* in line.calls or outbox.flights */
	struct heap_node over; /* in outbox.expiring while it waits, if it ever expires */
	struct outbox_line *line;
	int64_t id, age, due; /* age: rises in the order in which calls were added */
	int64_t expires;
	uint8_t cost;
	bool bulk : 1, paid : 1;
	bool counted : 1; /* its buckets need not be asked again */
	bool flying : 1;
	bool as_bulk : 1; /* in flight, and not for a reply's sake */
};

struct outbox {
	struct map calls, lines;
	struct map_seed seed;
	struct heap expiring, idle, held[2]; /* held: by class, OUTBOX_REPLY and the others */
	struct list ready[OUTBOX_CLASSES], flights;
	size_t nameless;                           /* lines without a name */
	size_t waiting[2], in_flight, bulk_flight; /* waiting: replies, bulk */
	int64_t age, front, back;                  /* the last ones given; tickets at both ends */

	struct outbox_bucket bucket[OUTBOX_QUERY], bulk, paid; /* bucket: of chats and of groups */
	int64_t bulk_tat, paid_tat;
	int64_t cool; /* of the whole bot */

	int64_t pause;             /* of bulk */
	bool trying;               /* since a pause no bulk call has shown that it is over */
	struct outbox_call *trial; /* in flight to show it */
	struct outbox_flood {
		uint64_t line; /* the hash of its name */
		int64_t at, wait;
	} floods[OUTBOX_FLOODS]; /* the last ones, each of another line, the newest last */
	int flood_count;
};

/* ---- outbox_limits.c ---- */

struct outbox_bucket outbox_bucket(struct outbox_rate rate, int64_t burst);

/* When the bucket with `tat` lets `cost` through, in milliseconds; more than a full one holds goes
 * when it is full. */
int64_t outbox_bucket_due(struct outbox_bucket b, int64_t tat, int cost);

/* Takes `cost` out; without `debt` it is empty afterwards, at most. */
void outbox_bucket_take(struct outbox_bucket b, int64_t now, int64_t *tat, int cost, bool debt);

/* When it is full, in milliseconds. */
int64_t outbox_bucket_full(int64_t tat);

/* The `tat` of a bucket that is said to be full at `full`, as far ahead as it can be. */
int64_t outbox_bucket_limit(struct outbox_bucket b, int64_t now, int64_t full);

/* Another rate holds: what was taken out stays taken out. */
void outbox_bucket_change(struct outbox_bucket from, struct outbox_bucket to, int64_t now,
			  int64_t *tat);

/* What one bucket had counted is counted by another, too. */
void outbox_bucket_pour(int64_t now, int64_t from, int64_t *tat);

/* When the head of a line may go, as far as its line and its own delay go. */
int64_t outbox_line_due(const struct outbox *o, const struct outbox_call *call);

/* When the buckets of the whole bot let the head of a ready line of `class` through. */
int64_t outbox_bot_due(const struct outbox *o, enum outbox_class class,
		       const struct outbox_call *call);

/* Counts a call that is handed out in all its buckets. */
void outbox_count(struct outbox *o, int64_t now, struct outbox_call *call);

/* A chat got a 429. Bulk may pause. */
void outbox_flooded(struct outbox *o, int64_t now, const struct outbox_line *line, int64_t until);

/* ---- outbox_lines.c ---- */

/* The line of that name or second name; NULL if there is none. */
struct outbox_line *outbox_line_find(const struct outbox *o, const char *name);

/* The same, made if there is none; a new one is to be placed. "": a new one without a name. NULL
 * when memory is out. */
struct outbox_line *outbox_line_get(struct outbox *o, enum outbox_kind kind, const char *name);

/* The call at the head, NULL if the line is empty. */
struct outbox_call *outbox_head(const struct outbox_line *line);

/* Puts a call into its line, by its age. It is to have room in the heap of what expires. */
void outbox_line_add(struct outbox *o, struct outbox_call *call);

/* Takes a waiting call out of its line. */
void outbox_line_take(struct outbox *o, struct outbox_call *call);

/* Takes a line out of where it waits. */
void outbox_unplace(struct outbox *o, struct outbox_line *line);

/* Something of the line has changed: it goes to where it belongs now, which may be nowhere: then it
 * is freed. If it gets its turn, `first` is before all others. */
void outbox_place(struct outbox *o, int64_t now, struct outbox_line *line, bool first);

/* Whose time has come gets its turn; lines that nobody needs are forgotten. */
void outbox_promote(struct outbox *o, int64_t now);

#endif
