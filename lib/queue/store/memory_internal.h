/* queue/store/memory_internal: what the two files of the memory store share: memory.c (what is
 * read, open and close) and memory_apply.c (what is changed). */
#ifndef TGRUN_QUEUE_STORE_MEMORY_INTERNAL_H
#define TGRUN_QUEUE_STORE_MEMORY_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "queue/store/store.h"

enum memory_state { MEMORY_NEW, MEMORY_STARTED, MEMORY_BEGUN, MEMORY_DONE };

/* An update; one that is done only recognises its repeat. */
struct memory_row {
	struct list link; /* in waiting, or done */
	struct map_node by_seq, by_id;
	int64_t seq, update_id, received, due, first;
	uint64_t hash;
	int failures, deaths, interruptions;
	enum memory_state state;
	bool has_id, ageless, repeats;   /* repeats: by_id is in its table */
	char *root, *kind, *keys, *body; /* root NULL: never repeats */
	size_t length;
	unsigned lane;
};

struct memory_letter {
	struct list link;
	struct map_node by_number;
	struct store_dead dead; /* its strings are owned */
};

struct memory_named { /* a meta value, or the offset of a root */
	struct list link;
	char *name, *value;
	bool has_offset;
	int64_t offset, confirmed, confirmed_seq;
};

struct memory {
	struct store store;
	struct map by_seq, by_id, by_letter;
	struct list waiting, done, dead, metas, roots;
	int64_t last_seq, dead_count;
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

/* As store_ops.apply. */
int memory_apply(struct store *s, const struct store_op *ops, size_t count, bool sync,
		 struct err *err);

#endif
