/* queue/store/store: where updates are kept. Two backends, sqlite.c and memory.c, each ends in one
 * `const struct store_ops`.
 *
 * All changes go through `apply`: a list of operations that is carried out whole or not at all. */
#ifndef TGRUN_QUEUE_STORE_STORE_H
#define TGRUN_QUEUE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "queue/calls.h"

enum store_op_kind {
	STORE_PUT,   /* a new update */
	STORE_START, /* an attempt is about to begin: on disk before the handler starts */
	/* the attempt is over without an outcome of the update's own: its mark is taken back, and
	   it waits until `due` */
	STORE_STOPPED,
	STORE_RETRY, /* failed; waits until `due` */
	/* leaves the store (a row that only recognises its repeat stays while the server may send
	   it again) */
	STORE_DONE,
	STORE_DEAD,   /* becomes a dead letter, numbered by its seq */
	STORE_OFFSET, /* the source `root` may be asked from `offset` on next time */
	/* the source `root` answered a request with `offset`: it will not repeat ids below, of
	   updates up to `seq` (ids may begin anew) */
	STORE_CONFIRMED,
	STORE_META, /* a named value */
	/* dead letter `seq` (a number of `dead list`) becomes a new update: it must be followed by
	   its own STORE_PUT */
	STORE_DEAD_RETRY,
	STORE_DEAD_DROP, /* dead letter `seq` is forgotten */
	/* calls of the Bot API, whose numbers are a series of their own */
	STORE_CALL,         /* a new one */
	STORE_CALL_STATE,   /* the state of call `seq` */
	STORE_CALL_REPLACE, /* line, parameters and flags of `call`, which is known by its id */
	/* call `seq` failed: it is kept, with `reason`, `code`, `now` and how often it was unsure
	 */
	STORE_CALL_FAILED,
	STORE_CALL_GONE,   /* call `seq`, which waits, is forgotten */
	STORE_FAILED_GONE, /* call `seq`, which failed, is forgotten */
	STORE_MESSAGE,     /* a new one, before its calls: it goes with the last of them */
	STORE_LINE,       /* the limits of the chat that `keys` names: `due` (full), `now` (cool) */
	STORE_LINES_REST, /* those of chats whose limits are at rest at `now` are forgotten */
	/* the wall clock was set forward by `due`, back if below 0: the times of calls that wait
	   and of limits go with it */
	STORE_CLOCK,
	STORE_MOVED, /* the chat `kind_name` is `keys` from now on */
	/* of the job `kind_name` the number `seq`: of the chat `keys`, or, with "", its own, which
	   was used last at `now` */
	STORE_JOB,
	STORE_JOBS_REST, /* jobs that were used last at `now` or before are forgotten */
	/* what is pushed, whose numbers are another series */
	STORE_PUSH,      /* a new one, number `seq`: `push` */
	STORE_PUSH_GONE, /* number `seq` is forgotten */
};

struct store_op {
	enum store_op_kind kind;
	/* the update's own number (PUT: given by the queue, never again to another); DEAD_*: the
	 * dead letter's number; CONFIRMED */
	int64_t seq;
	/* PUT */
	/* of the source it came from, e.g. https://api.telegram.org, NULL: it never repeats; also
	 * OFFSET, CONFIRMED */
	const char *root;
	/* of what was a dead letter: wall clock, milliseconds, when it was put again; it stays
	 * answerable for ever. 0: it is new */
	int64_t again;
	bool pinned; /* no rekey changes its keys */
	bool has_id;
	int64_t update_id;
	uint64_t hash;         /* hash_words() of the bytes; 0 without a root */
	const char *kind_name; /* also META: the name */
	const char *keys;      /* also META: the value */
	unsigned lane;
	const char *body;
	size_t body_length;
	int64_t received; /* wall clock, milliseconds */
	/* START, STOPPED, RETRY, DEAD */
	/* wall clock, milliseconds, 0: at once; START: if it ends in a death of the runner. Not
	 * DEAD */
	int64_t due;
	int64_t first; /* START: wall clock, milliseconds, when its first attempt began */
	int failures, deaths, interruptions; /* DEAD: together the letter's attempts */
	/* STOPPED: its handler ran, now or in an earlier attempt; else there was no first one
	 * either */
	bool begun;
	const char *reason;      /* DEAD; also RETRY, for stores that show it (these two do not) */
	const char *last_stderr; /* DEAD, "" if none */
	int64_t now;             /* DEAD: wall clock, milliseconds */
	int64_t offset;          /* OFFSET, CONFIRMED */
	const struct queue_call *call;       /* CALL, CALL_REPLACE */
	const struct queue_message *message; /* MESSAGE */
	/* CALL_STATE: `begun`, `due`, and these counts, which stand in the members named so */
#define STORE_CALL_TRIES(op)   ((op)->failures)
#define STORE_CALL_SERVERS(op) ((op)->deaths)
#define STORE_CALL_UNSURES(op) ((op)->interruptions)
	int code;                      /* CALL_FAILED */
	const struct store_push *push; /* PUSH */
};

/* What was pushed and is to come. */
struct store_push {
	int64_t number;
	bool elapsed, pinned;
	int64_t due;     /* wall clock, or elapsed time, milliseconds */
	int64_t created; /* wall clock, milliseconds */
	const char *kind_name, *keys;
	const char *body; /* "" where it was not asked for */
	size_t length;
};

/* A row given by `load`, in the order of seq. */
struct store_row {
	int64_t seq;
	bool has_id;
	int64_t update_id;
	const char *kind_name, *keys;
	unsigned lane;
	int64_t received, due; /* wall clock, milliseconds */
	int64_t again;         /* as of the PUT; an older tgrun left 1 for "some time ago" */
	int failures, deaths, interruptions;
	/* an attempt had begun when the last runner ended without saying more */
	bool started;
	bool redelivered; /* any attempt ever began */
};

struct store_dead {
	int64_t number;
	bool has_id;
	int64_t update_id;
	const char *kind_name, *keys, *reason, *last_stderr;
	bool pinned; /* as of its PUT */
	int attempts;
	int64_t received, died; /* wall clock, milliseconds */
	const char *body;
	size_t body_length;
};

/* When an update came into the queue: what was a dead letter, when it was put again. */
static inline int64_t store_arrived(int64_t received, int64_t again)
{
	return again > received ? again : received;
}

/* What a start needs of a waiting update besides its bytes. */
struct store_facts {
	/* wall clock, milliseconds: store_arrived(); when its first attempt began, 0: none has */
	int64_t arrived, first;
	int64_t update_id; /* 0 if it has none */
};

/* The files that hold all there is, as descriptors of this process, -1: there is none. Together,
 * under these names, they are the store. */
enum { STORE_FILES = 2 };
struct store_files {
	int fd[STORE_FILES];
	const char *name[STORE_FILES];
};

struct store; /* of a backend */

struct store_ops {
	/* Carries out all or nothing; what is true already (a PUT whose seq exists, an end of what
	 * has ended) is passed over. `sync`: on disk even after a power cut when it returns. 0, or
	 * -1 with `err`: ERR_IO (full, failing, damaged). A failed call may nevertheless have been
	 * carried out in whole (a commit that said it failed): repeating it must be harmless. */
	int (*apply)(struct store *s, const struct store_op *ops, size_t count, bool sync,
		     struct err *err);
	/* Whether what this PUT has (root, id and bytes) still waits, is a dead letter not yet
	 * confirmed, or was finished and not yet confirmed. 1, 0, -1 with `err`. */
	int (*known)(struct store *s, const struct store_op *put, struct err *err);
	/* Calls back for each update that waits and whose seq is at least `from`. 0 or -1 with
	 * `err`; a callback that returns not 0 ends it with -1. */
	int (*load)(struct store *s, int64_t from,
		    int (*row)(void *arg, const struct store_row *row), void *arg, struct err *err);
	/* The bytes of a waiting update, replaced into `out`, and its facts. 1, 0: they are not
	 * there, -1 with `err`. */
	int (*body)(struct store *s, int64_t seq, struct buf *out, struct store_facts *facts,
		    struct err *err);
	/* Replaces the keys, unless they are pinned, and the lane of a waiting update (--key or
	 * --route changed between runs), inside one transaction that the first call begins and
	 * `rekey_end` commits. 0, also when no such update waits; or -1 with `err`. */
	int (*rekey)(struct store *s, int64_t seq, const char *keys, unsigned lane,
		     struct err *err);
	int (*rekey_end)(struct store *s, struct err *err);
	/* The offset stored for a root; *found false, and 0, if there is none. 0, or -1 with
	 * `err`. */
	int (*offset)(struct store *s, const char *root, int64_t *offset, bool *found,
		      struct err *err);
	/* The highest seq that any update ever had; 0: none yet. */
	int64_t (*last_seq)(struct store *s);
	/* Replaces `out` by a named value, "" if there is none. 0, or -1 with `err`. */
	int (*meta)(struct store *s, const char *name, struct buf *out, struct err *err);
	/* Calls back for each dead letter whose number is at least `from`, in the order of numbers;
	 * without `bodies` the bytes are not read, and `body` is "". 0 or -1 with `err`; a callback
	 * that returns not 0 ends it with -1. */
	int (*dead)(struct store *s, int64_t from, bool bodies,
		    int (*letter)(void *arg, const struct store_dead *d), void *arg,
		    struct err *err);
	/* How many dead letters there are. */
	int64_t (*dead_count)(struct store *s);
	/* The highest number that any call ever had, 0: none yet; how many failed calls there
	 * are. */
	int64_t (*last_call)(struct store *s);
	int64_t (*failed_count)(struct store *s);
	/* As queue_calls_each() and its like, but a callback that ends the walk makes it -1 without
	 * `err`. */
	int (*calls)(struct store *s, int64_t from, bool failed, bool params,
		     int (*each)(void *arg, const struct queue_call *call), void *arg,
		     struct err *err);
	int (*lines)(struct store *s, int (*each)(void *arg, const struct queue_line *line),
		     void *arg, struct err *err);
	int (*moves)(struct store *s, int (*each)(void *arg, const char *from, const char *to),
		     void *arg, struct err *err);
	/* As queue_job_get(). */
	int (*job)(struct store *s, const char *name, const char *chat, int64_t *number,
		   struct err *err);
	/* Calls back for all that is remembered of jobs, in no order. 0 or -1 with `err`; a
	 * callback that returns not 0 ends it with -1. */
	int (*jobs)(struct store *s,
		    int (*each)(void *arg, const char *name, const char *chat, int64_t number),
		    void *arg, struct err *err);
	/* Calls back for a message. 1: told, 0: there is none, -1 with `err`. */
	int (*message)(struct store *s, int64_t id,
		       void (*show)(void *arg, const struct queue_message *message), void *arg,
		       struct err *err);
	/* The highest number that any push ever had, 0: none yet; how many there are. */
	int64_t (*last_push)(struct store *s);
	int64_t (*push_count)(struct store *s);
	/* Calls back for each push from number `from` on, in the order of numbers; for the one of
	 * wall clock or elapsed time that comes due next behind `due` and, of those, `number`.
	 * `bodies` as of `dead`. 0 or -1 with `err`; a callback that returns not 0 ends it with
	 * -1. */
	int (*pushes)(struct store *s, int64_t from, bool bodies,
		      int (*each)(void *arg, const struct store_push *push), void *arg,
		      struct err *err);
	int (*next_push)(struct store *s, bool elapsed, int64_t due, int64_t number, bool bodies,
			 int (*each)(void *arg, const struct store_push *push), void *arg,
			 struct err *err);
	/* A descriptor, the store's own: what apply() carried out without `sync` before an
	 * fdatasync(2) of it began is on disk, even after a power cut, when that has succeeded. -1:
	 * there is none. */
	int (*sync_fd)(struct store *s);
	/* One has ended that began when last_seq() was `seq`. What was written before one that
	 * failed may be kept from the disk for ever: the next `sync` of apply() does not rely on
	 * any that went before. */
	void (*synced)(struct store *s, int64_t seq, bool worked);
	/* Whether its files stand under their names, so that the next run will find what is in
	 * them, and nobody cut them. 0; 1: something that only guards them had been removed, and
	 * was made anew; -1 with `err`. */
	int (*stands)(struct store *s, struct err *err);
	/* Its open files, for who wants to save what they hold; none where they were cut. */
	void (*files)(struct store *s, struct store_files *out);
	/* Bytes on the disk that it holds already and may fill again. */
	int64_t (*spare)(struct store *s);
	/* Gives a little of what it no longer needs back to the disk, in one transaction of some
	 * milliseconds. 1: there is more to give, 0: there is not, -1 with `err`. */
	int (*give_back)(struct store *s, struct err *err);
	/* Closes and frees; what was applied stays, in a store that lasts. */
	void (*close)(struct store *s);
};

struct store {
	const struct store_ops *ops;
};

/* The store in `dir_fd`/queue.db (created if missing; ownership, mode and symbolic links were
 * checked by the caller). `bot_id`: the state must belong to it (0: any).
 * NULL with `err`: ERR_CANTCREATE (cannot be used), ERR_IO (full, failing, damaged: the sentence
 * says what to do), ERR_CONFIG (another bot's, or a newer tgrun's), ERR_TEMPFAIL (another process
 * has it open). */
struct store *sqlite_open(int dir_fd, const char *dir_name, int64_t bot_id, struct err *err);

/* Whether such a database was so large that sqlite_open() looked at its beginning only, and not for
 * damage in all of it. */
bool sqlite_unchecked(struct store *s);

struct store_look {
	bool there;            /* false: nothing was kept in it yet */
	int64_t waiting, dead; /* updates */
	int64_t spare;         /* bytes that it holds already and may fill again */
};

/* What sqlite_open() would find, the whole database read, without changing a byte of the directory:
 * 0, or -1 with `err` as of that. */
int sqlite_look(int dir_fd, const char *dir_name, int64_t bot_id, struct store_look *out,
		struct err *err);
/* Keeps every other process from that database for as long as *fd, the caller's, is open; not while
 * this process has it open. 1; 0 when another has it in use, or there is none; -1 with `err`
 * (ERR_CANTCREATE, ERR_IO). */
int sqlite_hold(int dir_fd, const char *dir_name, int *fd, struct err *err);

/* A store that keeps nothing after its end. NULL when memory is out. */
struct store *memory_open(struct err *err);

#endif
