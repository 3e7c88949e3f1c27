/* queue/store/memory_internal: what the files of the memory store share: memory.c (what is
 * read, open and close), memory_apply.c (what is changed), memory_calls.c (what is to be sent),
 * memory_later.c (what is to come), memory_named.c (named values). */
#ifndef TGRUN_QUEUE_STORE_MEMORY_INTERNAL_H
#define TGRUN_QUEUE_STORE_MEMORY_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "queue/store/store.h"

enum memory_state { MEMORY_NEW, MEMORY_STARTED, MEMORY_BEGUN, MEMORY_DONE };

/* An update, one block; one that is done only recognises its repeat. */
struct memory_row {
	struct list link; /* in waiting, or done */
	struct map_node by_seq, by_id;
	int64_t seq, update_id, received, again, due, first;
	uint64_t hash;
	int failures, deaths, interruptions;
	enum memory_state state;
	bool has_id, pinned, repeats;          /* repeats: by_id is in its table */
	const char *root, *kind, *keys, *body; /* root NULL: never repeats */
	size_t length;
	unsigned lane;
	char *other_keys; /* instead of those it came with; NULL: none */
	char bytes[];
};

struct memory_letter {
	struct list link;
	struct map_node by_number;
	struct store_dead dead;
	char bytes[]; /* its strings */
};

struct memory_named { /* a meta value, the offset of a root, a line, or a move */
	struct list link;
	char *name, *value;
	bool has_offset;
	int64_t offset, confirmed, confirmed_seq;
	int64_t full, cool; /* of a line */
};

struct memory_call {
	struct list link; /* in calls or failed, in the order of numbers */
	struct map_node by_number;
	struct queue_call call; /* its strings are owned */
};

struct memory_message {
	struct list link;
	struct queue_message message; /* its strings and its file are owned */
	int calls;                    /* that have it */
};

struct memory_push {
	struct list link, by_due; /* in later; in due[push.elapsed], in the order of `due` */
	struct map_node by_number;
	struct store_push push; /* its strings are owned */
};

struct memory {
	struct store store;
	struct map by_seq, by_id, by_letter, by_call, by_push;
	struct list waiting, done, dead, metas, roots;
	struct list calls, failed, messages;
	struct list lines, moves, jobs; /* of memory_named; a job's name has its chat behind it */
	struct list later, due[2];
	int64_t last_seq, dead_count, last_call, failed_count, last_push, push_count;
	struct memory_made *made; /* of the list that is carried out */
	size_t made_room;
};

static inline struct memory *memory_of(struct store *s)
{
	return container_of(s, struct memory, store);
}

/* The update `seq` that waits; the dead letter; the named value: NULL if there is none. */
struct memory_row *memory_row_waiting(struct memory *m, int64_t seq);
struct memory_letter *memory_letter_find(struct memory *m, int64_t number);
struct memory_named *memory_named_find(const struct list *l, const char *name);

/* What an update is found by when it comes again. */
uint64_t memory_id_hash(int64_t update_id, uint64_t hash);

/* A copy of a text, "" for NULL. 0, or -1 when memory is out. */
int memory_copy_text(char **out, const char *text);

/* Take out and free. */
void memory_row_drop(struct memory *m, struct memory_row *r);
void memory_letter_drop(struct memory *m, struct memory_letter *l);
void memory_named_free(struct memory_named *n);

/* What an operation needs, made beforehand: nothing can fail when it is carried out. */
struct memory_made {
	struct memory_row *row;         /* PUT */
	struct memory_letter *letter;   /* DEAD */
	struct memory_named *named;     /* a name and its value */
	struct memory_call *call;       /* CALL; CALL_REPLACE: the new strings */
	bool placed;                    /* it is in the table */
	struct memory_message *message; /* MESSAGE */
	char *reason;                   /* CALL_FAILED */
	struct memory_push *push;       /* PUSH; `placed` of it, too */
};

/* memory_calls.c: what is to be sent. Makes what `op` needs; 0, or -1 when memory is out. Carries
 * it out. Frees what was made and not used. */
int memory_calls_prepare(struct memory *m, const struct store_op *op, struct memory_made *made);
void memory_calls_carry_out(struct memory *m, const struct store_op *op, struct memory_made *made);
void memory_calls_unmake(struct memory *m, struct memory_made *made);
void memory_calls_close(struct memory *m);

/* As the members of store_ops. */
int64_t memory_last_call(struct store *s);
int64_t memory_failed_count(struct store *s);
int memory_calls(struct store *s, int64_t from, bool failed, bool params,
		 int (*each)(void *arg, const struct queue_call *call), void *arg, struct err *err);
int memory_lines(struct store *s, int (*each)(void *arg, const struct queue_line *line), void *arg,
		 struct err *err);
int memory_moves(struct store *s, int (*each)(void *arg, const char *from, const char *to),
		 void *arg, struct err *err);
int memory_message(struct store *s, int64_t id,
		   void (*show)(void *arg, const struct queue_message *message), void *arg,
		   struct err *err);

/* memory_jobs.c: what STORE_JOB keeps, NULL when memory is out; what STORE_JOBS_REST forgets. */
struct memory_named *memory_jobs_make(const struct store_op *op);
void memory_jobs_rest(struct memory *m, int64_t at_most);

/* As the members of store_ops. */
int memory_job(struct store *s, const char *name, const char *chat, int64_t *number,
	       struct err *err);
int memory_jobs(struct store *s,
		int (*each)(void *arg, const char *name, const char *chat, int64_t number),
		void *arg, struct err *err);

/* memory_later.c: what is to come; the same. */
int memory_later_prepare(struct memory *m, const struct store_op *op, struct memory_made *made);
void memory_later_carry_out(struct memory *m, const struct store_op *op, struct memory_made *made);
void memory_later_unmake(struct memory *m, struct memory_made *made);
void memory_later_close(struct memory *m);

/* As the members of store_ops. */
int64_t memory_last_push(struct store *s);
int64_t memory_push_count(struct store *s);
int memory_pushes(struct store *s, int64_t from, bool bodies,
		  int (*each)(void *arg, const struct store_push *push), void *arg,
		  struct err *err);
int memory_next_push(struct store *s, bool elapsed, int64_t due, int64_t number, bool bodies,
		     int (*each)(void *arg, const struct store_push *push), void *arg,
		     struct err *err);

/* A named value that belongs to no list yet; NULL when memory is out. The one to change: that of
 * the list, or else `*made`, which then belongs to the list. */
struct memory_named *memory_named_make(const char *name, const char *value);
struct memory_named *memory_named_settle(struct list *l, struct memory_named **made);

/* As store_ops.apply. */
int memory_apply(struct store *s, const struct store_op *ops, size_t count, bool sync,
		 struct err *err);

#endif
