/* queue/shared/fleet_internal: what the files of the shared queue share, each above the one before:
 * fleet_text.c and fleet_db*.c (PostgreSQL), fleet_look.c (is it a schema of ours), fleet_held.c
 * (what this node holds), fleet_op.c (operations of the way out), fleet_out.c (its verbs),
 * fleet_in.c (what comes in), fleet_state.c (whether it is one of the fleet, and in which role),
 * fleet_turn.c, fleet_send.c, fleet_later.c, fleet_node.c (the calls: each is a row of a table),
 * fleet_calls.c (one call at a time), fleet_claim.c (the verbs of claims), fleet.c (other verbs),
 * fleet_open.c (the start and the end). The verbs stand in fleet_verbs_internal.h. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_INTERNAL_H
#define TGRUN_QUEUE_SHARED_FLEET_INTERNAL_H

#include "base/backoff.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "io/loop.h"
#include "queue/queue_ops.h"
#include "queue/shared/fleet.h"
#include "queue/shared/fleet_db.h"
#include "queue/shared/fleet_held_internal.h"
#include "queue/shared/fleet_ops.h"
#include "queue/shared/fleet_schema.h"
#include "queue/shared/fleet_text.h"
#include "sched/sched.h"

enum {
	FLEET_RUN = 4, /* updates of a key that are taken at once, at least */
	FLEET_RUN_MAX = 100,
	FLEET_IDS = 65536,   /* numbers of calls in a block */
	FLEET_CALLS = 200,   /* calls to be sent that are asked for at once */
	FLEET_NODES = 256,   /* that are watched */
	FLEET_OUTAGE = 3000, /* milliseconds after which an outage is said to be one */
	FLEET_ROUTED = 5,    /* columns of routed() */
	FLEET_TICK = 1000,   /* milliseconds between two looks for work that nobody tells of */
};

/* ---- what else is recorded ---- */

/* An operation of the way out, as JSON; of a message, that. */
struct fleet_op {
	struct list link;
	bool sender;    /* only a sender may say it */
	int64_t begins; /* the call that it begins; 0: none */
	struct queue_message message;
	char *params, *file_name, *file; /* of the message; params NULL: it is none */
	size_t length;
	char json[];
};

/* A call that this node sends: from its begin to its end. */
struct fleet_call_kept {
	struct map_node node;
	int64_t id;
	struct fleet_op *end; /* in reserve */
	bool written;         /* the members below are there */
	char *method, *params, *common, *file_name, *file;
	size_t file_length;
};

/* A batch that came in, as put() takes it. */
enum fleet_column {
	FLEET_HAS,
	FLEET_ID,
	FLEET_HASH,
	FLEET_KIND,
	FLEET_KEYS,
	FLEET_CHAT,
	FLEET_PINNED,
	FLEET_LANE,
	FLEET_LENGTH,
	FLEET_REASON,
	FLEET_COLUMNS,
};

struct fleet_batch {
	struct list link;
	char *root; /* NULL: its source never repeats */
	int64_t offset, confirmed;
	struct fleet_list columns[FLEET_COLUMNS];
	struct buf blob;
};

/* ---- the node ---- */

struct fleet;

/* A call of the database: one statement. */
struct fleet_step {
	const char *name;
	bool (*due)(const struct fleet *q);
	/* Makes the statement; what it points to stays until it is answered. -1: memory is out. */
	int (*make)(struct fleet *q, struct fleet_call *call);
	void (*answered)(struct fleet *q, const struct fleet_answer *a);
	/* It failed; `sure`: nothing of it was carried out. NULL: nothing follows from that. */
	void (*undone)(struct fleet *q, bool sure);
};

/* Another node, and since when its count of beats stands where it is, by our own clock. */
struct fleet_other {
	int64_t id, beat, lease, since; /* milliseconds */
};

/* What is to be ended wherever it runs. */
struct fleet_cancel {
	struct fleet_list numbers, keys, chats;
	bool any;
};

/* A named value, as it was at the start, or was set here since. */
struct fleet_named {
	struct fleet_named *next;
	const char *name, *value;
	char text[];
};

struct fleet {
	struct queue queue;
	struct queue_config config;
	struct fleet_config fleet; /* its strings are owned */
	char schema[FLEET_SCHEMA_MAX];
	struct sched *sched;
	uint64_t gathers; /* lanes, bit 1 << lane */
	struct fleet_db *db;
	struct loop_timer *timer;
	char story[LEDGER_STORY];

	struct map held;
	struct list all, claims; /* struct held; struct fleet_claim */
	struct list said, flying;
	size_t running; /* claims that are not settled */
	size_t voided;  /* claims that are to be freed before it attaches again */

	/* what is under way */
	const struct fleet_step *step, *failing; /* failing: was refused last; NULL: none was */
	struct fleet_call call;
	struct fleet_list lists[12]; /* of the call under way */
	struct fleet_ops ops;        /* likewise */
	struct buf text;
	int64_t sent_at;        /* CLOCK_BOOTTIME, milliseconds */
	struct backoff backoff; /* of statements that were refused for a while */
	int64_t again_at;       /* monotonic: not before */

	/* the node's standing */
	struct {
		bool greeted; /* this connection's schema is ours */
		bool direct;  /* there is no pooler between */
		bool listens, attached;
		bool drains;           /* an operator wishes that */
		int64_t id, session;   /* id 0: it never attached */
		int64_t beat_at;       /* monotonic: when the last beat was sent */
		int64_t beat_answered; /* monotonic: when the last that was answered was sent; 0:
					  none */
		int64_t trusted;       /* CLOCK_BOOTTIME: until then; 0: no trust */
		int64_t fails_since;   /* monotonic; 0: it works */
		bool refused;          /* for good */
		enum queue_wish wish;
		bool pooler_told;
		struct err failure; /* of the last try */
	} node;
	struct {
		struct fleet_other lists[2][FLEET_NODES], *list; /* one of the two */
		size_t count;
		bool silent; /* one of them is, for a whole lease */
	} others;
	struct {
		char *root; /* of the source; NULL: not known yet */
		bool polls, wanted;
		bool leaves; /* it is to be given up */
		int64_t epoch, resigned;
	} role;
	struct {
		bool sends;
		enum fleet_stage {
			FLEET_SENDS_NOT,
			FLEET_SENDS_MOVES,  /* it may send, and asks for other names of chats, */
			FLEET_SENDS_LIMITS, /* for limits, */
			FLEET_SENDS_CALLS,  /* and then for calls */
		} stage;
		int64_t epoch;
		bool more;        /* calls may wait behind `place` */
		int64_t place;    /* of the last that came */
		int64_t top;      /* of the last that there ever was, as a turn told it */
		int64_t asked_at; /* monotonic: when it was asked whether it may send */
		struct map begun; /* struct fleet_call_kept */
	} sender;
	struct {
		struct list ops, flying;                  /* struct fleet_op */
		int64_t next, end, spare_next, spare_end; /* numbers of calls */
	} out;
	struct {
		struct list batches; /* struct fleet_batch */
		struct err failure;  /* to be told by queue_durable() */
		int64_t again_at;    /* monotonic: not before */
		int64_t confirmed; /* by the last queue_confirmed(); 0: none since the last batch */
		struct log_pace pace;
	} in;
	struct {
		uint64_t recorded; /* the number of the last turn that was sent */
		uint64_t done;     /* of the last that was carried out */
		/* the numbers behind the first up to the second never are */
		uint64_t lost_from, lost_to;
		bool unknown;       /* whether the last one was carried out */
		bool follows;       /* an end waits for the start that is under way */
		bool with_ops;      /* it has operations */
		bool wake;          /* something may have come for us */
		bool full;          /* the last one got all that it wanted: there may be more */
		size_t want;        /* of the one under way */
		bool refuses;       /* the engine takes no updates */
		bool skips;         /* one is to be skipped: what does not run goes back, once */
		size_t run;         /* updates of a key that are taken at once */
		int64_t at;         /* monotonic: when the last turn was sent */
		int64_t claimed_at; /* monotonic: when an update was claimed last */
		int64_t next_due; /* monotonic: when a delay of the database is over; -1: unknown */
	} turn;
	struct fleet_cancel cancel, cancelling; /* recorded; to be said, or under way */
	struct {
		int64_t due; /* monotonic: when the next push is due; -1: none is known */
		bool looks;  /* it is to be looked what has no route by our rules */
		bool routed; /* nothing has none, as far as it was looked; */
		bool routes; /* but that which is in `lists` */
		struct fleet_list lists[FLEET_ROUTED];
		struct fleet_db *db; /* by which this machine pushes; NULL: none yet */
	} later;
	struct {
		int64_t keep, age; /* of queue_dead_trim() */
		int64_t at;        /* monotonic: when it is looked next */
		int64_t dropped;   /* and not told yet */
	} trim;
	struct {
		int64_t at; /* monotonic: when it is counted next */
		int64_t dead, later, failed;
		size_t calls, bulk;
	} totals;
	struct fleet_named *named;
	struct {
		uint64_t keys;
		int64_t at;
	} wells[2];         /* as of the local queue, of this node */
	int64_t unfinished; /* of all machines, as far as the backlog */
	uint64_t ended;     /* updates, since the start */
	uint64_t cut_offs, takeovers, refusals, unwritten;
};

/* For const queues, too. */
#define fleet_of(q) container_of(q, struct fleet, queue)

int64_t fleet_boot(void); /* CLOCK_BOOTTIME, milliseconds */
static inline int64_t fleet_mono(const struct fleet *q)
{
	return q->config.clock->mono(q->config.clock);
}
static inline int64_t fleet_wall(const struct fleet *q)
{
	return q->config.clock->wall(q->config.clock);
}

/* Adds what each statement of a node begins with: who it is, on which connection. */
static inline void fleet_call_self(const struct fleet *q, struct fleet_call *c)
{
	fleet_call_number(c, q->node.id);
	fleet_call_number(c, q->node.session);
}

/* In the next turn of the loop it is looked which call comes next. */
static inline void fleet_soon(struct fleet *q)
{
	loop_timer_set(q->timer, 0);
}

/* ---- fleet_look.c ---- */

/* What a fault says of a schema that is not there, or is not for this role: -1 with `err`. */
int fleet_look_fault(const struct fleet_fault *f, const char *schema, struct err *err);

/* Whether the answer of about() is of a schema that this program works with. 0, or -1 with `err`
 * (ERR_CONFIG). */
int fleet_look_about(const struct fleet_answer *a, int64_t bot_id, struct err *err);

/* ---- fleet_held.c ---- */

struct held *fleet_held_find(const struct fleet *q, int64_t seq);

/* Takes a row of turn() that hands an update out. 0, or -1 when memory is out. */
int fleet_held_add(struct fleet *q, const struct fleet_answer *a, int row);

/* Lets go of it, for the queue; for a claim. */
void fleet_held_forget(struct fleet *q, struct held *h);
void fleet_held_unref(struct held *h);

/* Frees a claim that its owner freed, and that is settled or void. */
void fleet_held_let_go(struct fleet_claim *c);

/* Its `start` or `end` is to be said by the next turn. */
void fleet_held_say(struct fleet *q, struct held *h);
enum fleet_said fleet_held_words(const struct held *h);

/* What the turn said of it is committed: the scheduler hears of it; or is not. */
void fleet_held_written(struct fleet *q, struct held *h);
void fleet_held_unwritten(struct fleet *q, struct held *h);

/* All that does not run, and has no successor that stays, is to go back. */
void fleet_held_give_back(struct fleet *q);

/* All of it is void: the scheduler knows none of it any more. */
void fleet_held_void(struct fleet *q);

/* The numbers in the array `kept` are this node's: what is void is to go back then, and is
 * forgotten else. Whether anything is missing that is not void. */
bool fleet_held_confirm(struct fleet *q, const char *kept);

/* Whether the turn that was under way was carried out, by what it ended. */
bool fleet_held_flown(const struct fleet *q, const char *kept);

/* ---- fleet_op.c ---- */

enum { FLEET_OP_RESERVE = 200 }; /* bytes of an end without its reason */

/* Records the one operation that `made` has, if `rc` is 0, and releases that. NULL when memory is
 * out. */
struct fleet_op *fleet_op_record(struct fleet *q, struct fleet_ops *made, int rc, bool sender);
/* A message, which is copied. 0, or -1 when memory is out. */
int fleet_op_message(struct fleet *q, const struct queue_message *message);

/* What is kept of a call that was begun: NULL, it was not; is kept from now on: 0, or -1 when
 * memory is out; no longer. */
struct fleet_call_kept *fleet_op_kept(const struct fleet *q, int64_t id);
int fleet_op_keep(struct fleet *q, int64_t id);
void fleet_op_let_go(struct fleet *q, struct fleet_call_kept *k);
/* Records its end by what is in reserve. */
void fleet_op_spare(struct fleet *q, struct fleet_call_kept *k, const char *json);

/* Takes a row of turn() that says what a call which has begun is. */
void fleet_op_shown(struct fleet *q, const struct fleet_answer *a, int row);

/* Appends all that is recorded. 0, or -1 when memory is out. */
int fleet_op_list(struct fleet *q, struct fleet_ops *out);

/* All of that is under way; was carried out; was not; was, but what was answered is lost, so that
 * calls must begin once more. */
void fleet_op_fly(struct fleet *q);
void fleet_op_written(struct fleet *q);
void fleet_op_unwritten(struct fleet *q);
void fleet_op_begins_again(struct fleet *q);

/* Forgets what only a sender may say; everything. */
void fleet_op_resign(struct fleet *q);
void fleet_op_forget(struct fleet *q);

/* ---- fleet_out.c ---- */

/* How many numbers of calls the next turn asks for; takes what it got. */
int fleet_out_wants(const struct fleet *q);
void fleet_out_numbers(struct fleet *q, int64_t from, int64_t to);

/* Keeps a named value, in place of what it was. 0, or -1 when memory is out. */
int fleet_named_take(struct fleet *q, const char *name, const char *value);

/* ---- fleet_in.c ---- */

extern const struct fleet_step fleet_in_put;

/* What is not put yet is not to be put. */
void fleet_in_forget(struct fleet *q);

/* ---- fleet_state.c ---- */

/* It is one of the fleet no more, and others may have taken over: nothing that it holds, sends or
 * said counts; and it joins again when all handlers are gone. */
void fleet_state_void(struct fleet *q);

/* Its handlers may run until then, CLOCK_BOOTTIME in milliseconds. */
void fleet_state_trust(struct fleet *q, int64_t until);

/* It asks, from `offset` on; another asks. */
void fleet_state_polls(struct fleet *q, int64_t epoch, int64_t offset);
void fleet_state_resigns(struct fleet *q);

/* It sends; no more. */
void fleet_state_sends(struct fleet *q);
void fleet_state_sends_not(struct fleet *q);

/* It is refused for good. */
void fleet_state_refused(struct fleet *q, const struct err *err);

/* What failed lately; that nothing does any more. */
void fleet_state_fails(struct fleet *q, const struct err *err);
void fleet_state_works(struct fleet *q);

/* ---- fleet_turn.c, fleet_send.c: calls ---- */

extern const struct fleet_step fleet_turn_turn, fleet_send_ask, fleet_send_moves, fleet_send_limits,
	fleet_send_calls;

/* Is anything recorded that the next turn is to say; is a turn under way, or of unknown end? */
bool fleet_turn_dirty(const struct fleet *q);
bool fleet_turn_flies(const struct fleet *q);

/* Either of them. What a node knows before it ever was in touch it knows again at its next start.
 */
bool fleet_owes(const struct fleet *q);

/* Before it is looked whether a turn is due: what may not wait here is to go back. */
void fleet_turn_prepare(struct fleet *q);

/* The turn that was sent last is committed; was not carried out. */
void fleet_turn_written(struct fleet *q);
void fleet_turn_unwritten(struct fleet *q);

/* ---- fleet_node.c: calls ---- */

extern const struct fleet_step fleet_node_hello, fleet_node_attach, fleet_node_beat,
	fleet_node_reap, fleet_node_listen, fleet_node_poll, fleet_node_resign, fleet_node_cancel;

void fleet_node_cancel_init(struct fleet_cancel *c);
void fleet_node_cancel_release(struct fleet_cancel *c); /* empty again */

/* As queue_cancel(). */
int fleet_node_cancels(struct fleet *q, const char *keys, const char *chat, const int64_t *numbers,
		       size_t count);

/* ---- fleet_later.c: calls ---- */

/* The next push is due in `left` milliseconds, -1: none is known. Where nobody tells of one that
 * comes, it is looked for. */
void fleet_later_next(struct fleet *q, int64_t left);

/* A push has come that may be due: it is looked for. */
void fleet_later_came(struct fleet *q);

extern const struct fleet_step fleet_later_stale, fleet_later_routed, fleet_later_ripe,
	fleet_later_trim, fleet_later_count;

/* ---- fleet_calls.c ---- */

/* Whether nothing has worked for so long that it is to be told. */
bool fleet_calls_outage(const struct fleet *q);

/* Makes the next call, if one is due and none is under way. */
void fleet_calls_next(struct fleet *q);

/* Begins, and goes on by the timer and the events of the connection. 0, or -1 with `err`. */
int fleet_calls_begin(struct fleet *q, struct err *err);

/* Says what is left to say, and leaves, within some seconds. 0, or -1 with `err`: outcomes are not
 * written. */
int fleet_calls_end(struct fleet *q, struct err *err);

#endif
