/* queue/local/pending: the list of store operations that wait for the next transaction. It owns
 * copies of their strings. */
#ifndef TGRUN_QUEUE_LOCAL_PENDING_H
#define TGRUN_QUEUE_LOCAL_PENDING_H

#include <stddef.h>

#include "queue/store/store.h"

struct pending {
	struct store_op *ops;
	char **owned; /* of each operation: its copied strings in one block, or NULL */
	size_t count, cap;
};

void pending_init(struct pending *p);
void pending_release(struct pending *p);

/* Makes room for `n` more operations. 0, or -1 when memory is out. */
int pending_reserve(struct pending *p, size_t n);

/* Appends an operation, for which there must be room, and copies its strings but not its body.
 * Returns 0; or -1 when memory is out and the operation has a root, a kind_name, keys, a call or a
 * message: it is not appended then. Any other is appended without memory, too: its strings (a
 * reason, a last line of stderr), which only inform, become "". */
int pending_add(struct pending *p, const struct store_op *op);

/* The same without copying: the strings outlive the operation. */
void pending_lend(struct pending *p, const struct store_op *op);

/* Keeps the first `count` operations only. */
void pending_cut(struct pending *p, size_t count);

/* Forgets all of them. */
void pending_clear(struct pending *p);

#endif
