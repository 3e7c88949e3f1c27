/* queue/store/sqlite_internal: what the files of the SQLite store share: sqlite.c (what is read,
 * open and close), sqlite_apply.c (what is changed), sqlite_state.c (what runs), sqlite_known.c
 * (what has ended, and what may be repeated), sqlite_calls.c (what is to be sent), sqlite_later.c
 * (what is to come), sqlite_space.c (its size).
 *
 * The tables follow the work. An update is one row of `updates`, written once and deleted once,
 * with many others. Which ones run, which have ended, and the offset stand in the one row of
 * `state`, which each transaction writes anew; past a bound they spill into tables of their own.
 * Only what failed before has a row in `tries`. */
#ifndef TGRUN_QUEUE_STORE_SQLITE_INTERNAL_H
#define TGRUN_QUEUE_STORE_SQLITE_INTERNAL_H

#include "base/fingerprints.h"
#include "base/list.h"
#include "base/map.h"
#include "queue/store/sqlite_db.h"
#include "queue/store/store.h"

enum {
	SQLITE_RUNS = 128,     /* running updates in the row of `state`; the others: table `runs` */
	SQLITE_FINISHED = 128, /* finished ones there; the others: table `finished` */
	SQLITE_SEEN = 1024, /* updates whose identity is remembered from putting or reading them */
};

/* The statements, prepared once. */
enum sqlite_statement {
	S_BEGIN,
	S_COMMIT,
	S_PUT,
	S_STATE,
	S_IDENTITY,
	S_RUN,
	S_RUN_OVER,
	S_TRY,
	S_TRY_OVER,
	S_FORGET,
	S_FORGET_SOME,
	S_FORGET_ALL,
	S_OTHERS,
	S_BURY,
	S_NEXT,
	S_NEXT_GET,
	S_SPILL,
	S_CONFIRMED,
	S_META,
	S_META_GET,
	S_DEAD_DROP,
	S_ROOT,
	S_ROOT_NEW,
	S_BODY,
	S_CALL,
	S_CALL_STATE,
	S_CALL_REPLACE,
	S_CALL_FAILED,
	S_CALL_GONE,
	S_MESSAGE,
	S_MESSAGE_FREE,
	S_MESSAGE_GET,
	S_LINE,
	S_LINE_GONE,
	S_LINES_REST,
	S_CALLS_CLOCK,
	S_LINES_CLOCK,
	S_MOVED,
	S_JOB,
	S_JOB_GET,
	S_JOBS_REST,
	S_REKEY,
	S_PUSH,
	S_PUSH_GONE,
	S_PUSH_NEXT,
	SQLITE_STATEMENTS
};

struct sqlite_root {
	struct sqlite_root *next;
	int64_t id; /* 0: not looked up */
	/* ids below, of updates up to this number, will not be repeated */
	int64_t confirmed, up_to;
	char url[];
};

/* What makes an update known when it comes again. */
struct sqlite_identity {
	int64_t seq;
	int64_t root; /* 0: it is never repeated */
	int64_t update_id;
	uint64_t hash;
};

/* An update that runs, or was tried before. */
struct sqlite_live {
	struct map_node node; /* by its number */
	struct sqlite_identity id;
	bool running;
	int place;  /* in state.runs; -1: its row is in `runs` */
	bool tried; /* it has a row in `tries`, which says what follows */
	int failures, deaths, interruptions;
	bool begun;
	int64_t due; /* wall clock, milliseconds: not before */
	/* wall clock, milliseconds, when its first attempt began; 0: none did */
	int64_t first;
	int64_t due_if_killed; /* while it runs: `due` if this process dies now */
};

/* The row of `state`, and what else is known beside the tables. The arrays are the row's values as
 * they are stored, little-endian. */
struct sqlite_state {
	int64_t turn;       /* transactions: makes each row unlike the one before */
	int64_t root, next; /* the root that was asked last, and its offset; root 0: none */
	/* no update that may be repeated has a higher id; -1: there is none */
	int64_t highest;
	struct sqlite_run {
		uint64_t seq, first, due; /* as in sqlite_live; due_if_killed */
	} runs[SQLITE_RUNS];
	int run_count;
	struct sqlite_finished {
		uint64_t update_id, hash, root, seq;
	} finished[SQLITE_FINISHED];
	int finished_count;
	/* of the last ones of `finished` the rows lie in `updates`; of those, how many are
	 * remembered for nothing else */
	int lying, lying_alone;
	int64_t spilled; /* rows in table `finished` */
	struct map live;
	struct map_node *spare;    /* of live ones that are over, for the next */
	struct fingerprints known; /* of all that may be repeated, when `known_built` */
	bool known_built;
	struct sqlite_identity seen[SQLITE_SEEN];
	bool blind; /* a transaction failed: to be read again before it is used */
};

struct sqlite {
	struct store store;
	struct sqlite_db db;
	sqlite3_stmt *statements[SQLITE_STATEMENTS];
	struct sqlite_root *roots;
	struct sqlite_state state;
	int64_t dead_count;   /* -1: to be counted */
	int64_t failed_count; /* of calls; the same */
	bool gave;            /* pages were given back, and the file is not yet shorter */
	/* a sync of the -wal failed: later ones prove nothing of what was written to it before */
	bool doubtful;
};

static inline struct sqlite *sqlite_of(struct store *s)
{
	return container_of(s, struct sqlite, store);
}

/* ---- sqlite_statement.c ---- */

/* Prepares all statements. 0, or -1; why is in the handle, as for all below. */
int sqlite_prepare_all(struct sqlite *s);

/* Binds parameter `at`, from 1, to a text, which outlives the statement's run; NULL: "". */
void sqlite_bind_text(sqlite3_stmt *st, int at, const char *text);

/* The statement with its first parameters bound to numbers. */
sqlite3_stmt *sqlite_bind(struct sqlite *s, enum sqlite_statement which, int count,
			  const int64_t *numbers);

#define SQLITE_BIND(s, which, ...)                                                         \
	sqlite_bind(s, which, (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), \
		    (int64_t[]){ __VA_ARGS__ })

/* Runs a statement that gives no rows. 0 or -1. */
int sqlite_run(sqlite3_stmt *st);

/* The first row's first number: 1 with *out, 0: no row, -1. */
int sqlite_number(sqlite3_stmt *st, int64_t *out);

/* The root of that URL, its row made if `make`. It is the store's. NULL: it has no row (*failed
 * false), or the database or memory failed (*failed true). */
struct sqlite_root *sqlite_root_of(struct sqlite *s, const char *url, bool make, bool *failed);

/* ---- sqlite_state.c ---- */

/* Reads the state from the tables, whatever was there before. 0 or -1 with `err`. */
int sqlite_state_load(struct sqlite *s, struct err *err);
void sqlite_state_release(struct sqlite *s);

/* Reads it again if a transaction failed. 0 or -1 with `err`. */
int sqlite_state_see(struct sqlite *s, struct err *err);

/* Writes the row. 0 or -1. */
int sqlite_state_write(struct sqlite *s);

/* What is known of a live update; NULL: it is none. */
struct sqlite_live *sqlite_live_known(const struct sqlite *s, int64_t seq);

/* What is known of an update, from its row if it is none of the live ones. 1, 0: it does not wait,
 * -1. */
int sqlite_live_find(struct sqlite *s, int64_t seq, struct sqlite_live **out);

/* It runs; it runs no more; it has been tried, with these counts; it is over, and forgotten. A live
 * one that neither runs nor was tried is forgotten, too. 0 or -1. */
int sqlite_live_run(struct sqlite *s, struct sqlite_live *l, int64_t first, int64_t due_if_killed);
int sqlite_live_rest(struct sqlite *s, struct sqlite_live *l);
int sqlite_live_tried(struct sqlite *s, struct sqlite_live *l, const struct store_op *op,
		      bool begun);
int sqlite_live_end(struct sqlite *s, struct sqlite_live *l);

/* ---- sqlite_known.c ---- */

/* An update has ended: its row goes, now or later, and while the server may repeat it it is
 * remembered. 0 or -1. */
int sqlite_known_finish(struct sqlite *s, const struct sqlite_identity *id);

/* Whether the update with that number has ended, though its row lies in `updates`. */
bool sqlite_ended(struct sqlite *s, int64_t seq);

/* Before the row of the state is written: what has ended and need not be remembered goes, if it is
 * much. 0 or -1. What was read of the row: so many of the last ones lie. */
int sqlite_ended_settle(struct sqlite *s);
void sqlite_ended_take(struct sqlite *s, int64_t count);

/* What may be repeated: a new update; what the server confirmed: its rows go. 0 or -1. */
void sqlite_known_add(struct sqlite *s, const struct sqlite_identity *id);
int sqlite_known_confirm(struct sqlite *s, const struct sqlite_root *root);

/* Whether the update is one of those. 1, 0, -1. */
int sqlite_known_find(struct sqlite *s, const struct sqlite_identity *id);

/* Remembers the identity of an update that was put or read. */
void sqlite_seen(struct sqlite *s, const struct sqlite_identity *id);

/* Reads rows of a query that is run seldom, its first parameter bound to `first`. 0, or -1 with
 * `err`, or -1 without when `row` did not return 0. */
int sqlite_each(struct sqlite *s, const char *query, int64_t first,
		int (*row)(void *arg, sqlite3_stmt *st), void *arg, struct err *err);

/* A column's text, "" for NULL; valid until the next step. */
const char *sqlite_text(sqlite3_stmt *st, int column);

/* ---- sqlite_calls.c: what is to be sent ---- */

/* Carries out an operation on calls, messages, lines and moves. 0 or -1. */
int sqlite_calls_apply(struct sqlite *s, const struct store_op *op);

/* As the members of store_ops. */
int64_t sqlite_last_call(struct store *store);
int64_t sqlite_failed_count(struct store *store);
int sqlite_calls(struct store *store, int64_t from, bool failed, bool params,
		 int (*each)(void *arg, const struct queue_call *call), void *arg, struct err *err);
int sqlite_lines(struct store *store, int (*each)(void *arg, const struct queue_line *line),
		 void *arg, struct err *err);
int sqlite_moves(struct store *store, int (*each)(void *arg, const char *from, const char *to),
		 void *arg, struct err *err);
int sqlite_job(struct store *store, const char *name, const char *chat, int64_t *number,
	       struct err *err);
int sqlite_jobs(struct store *store,
		int (*each)(void *arg, const char *name, const char *chat, int64_t number),
		void *arg, struct err *err);
int sqlite_message(struct store *store, int64_t id,
		   void (*show)(void *arg, const struct queue_message *message), void *arg,
		   struct err *err);

/* ---- sqlite_later.c: what is to come ---- */

/* Carries out an operation on it. 0 or -1. */
int sqlite_later_apply(struct sqlite *s, const struct store_op *op);

/* As the members of store_ops. */
int64_t sqlite_last_push(struct store *store);
int64_t sqlite_push_count(struct store *store);
int sqlite_pushes(struct store *store, int64_t from, bool bodies,
		  int (*each)(void *arg, const struct store_push *push), void *arg,
		  struct err *err);
int sqlite_next_push(struct store *store, bool elapsed, int64_t due, int64_t number, bool bodies,
		     int (*each)(void *arg, const struct store_push *push), void *arg,
		     struct err *err);

/* ---- sqlite_apply.c ---- */

/* `synchronous` can be set outside of transactions only. 0 or -1 with `err`. */
int sqlite_set_sync(struct sqlite *s, bool full, struct err *err);

/* Ends a transaction that failed, takes back what was remembered of it, and fills in `err`. Returns
 * -1. */
int sqlite_undo(struct sqlite *s, struct err *err);

/* Updates up to `seq` are on disk. */
void sqlite_raise_mark(struct sqlite *s, int64_t seq);

/* ---- sqlite_space.c: as store_ops.spare, store_ops.give_back ---- */

int64_t sqlite_spare(struct store *store);
int sqlite_give_back(struct store *store, struct err *err);

/* As store_ops.apply. */
int sqlite_apply(struct store *store, const struct store_op *ops, size_t count, bool sync,
		 struct err *err);

#endif
