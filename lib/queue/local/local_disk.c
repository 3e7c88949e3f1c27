/* queue/local/local_disk: what the local queue has to say of its disk: whether all that was put
 * is on it, whether the store's files stand, and what room they hold. A sync that takes long is
 * done by a thread (io/syncer.h), and the event `changed` says when it has ended. Invariant:
 * `unsynced` is false only while all that was put is on disk, or a sync under way will put it
 * there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crashpoint.h"
#include "queue/local/local_internal.h"

/* Everything in one transaction that the store itself writes out to the disk. */
static int sync_here(struct local *q, struct err *err)
{
	if (!q->unsynced && !q->syncing)
		return 0;
	size_t keep = q->pending.count;
	char text[32];
	snprintf(text, sizeof text, "%" PRId64, q->last_seq);
	if (pending_reserve(&q->pending, 1 + q->reserved))
		return err_set(err, ERR_INTERNAL, "out of memory");
	/* Nobody reads the value: it makes this a transaction, which is written out together
	 * with all transactions before it. */
	pending_lend(&q->pending,
		     &(struct store_op){ .kind = STORE_META, .kind_name = "synced", .keys = text });
	return local_write(q, keep, true, err);
}

static void on_synced(void *arg, int errnum)
{
	struct local *q = arg;
	q->store->ops->synced(q->store, q->syncing, errnum == 0);
	q->syncing = 0;
	if (errnum) {
		q->unsynced = true;
		err_set(&q->sync_failure, ERR_IO, "the database cannot be synced: %s",
			strerror(errnum));
	}
	if (q->config.changed)
		q->config.changed(q->config.arg);
}

/* The descriptor by which a thread syncs the store, with the thread there; -1: the store, or a
 * machine that has no thread to spare, must be synced here. */
static int fd_of_thread(struct local *q)
{
	int fd = q->config.loop ? q->store->ops->sync_fd(q->store) : -1;
	if (fd >= 0 && !q->syncer)
		q->syncer = syncer_new(q->config.loop, on_synced, q);
	return q->syncer ? fd : -1;
}

int local_durable(struct queue *queue, bool wait, struct err *err)
{
	struct local *q = local_of(queue);
	struct err failure = q->sync_failure;
	int fd = wait ? -1 : fd_of_thread(q);
	int64_t seq = q->store->ops->last_seq(q->store);
	if (q->syncing && !wait)
		return 1;
	q->sync_failure = (struct err){ 0 };
	if (failure.status && !wait) {
		if (err)
			*err = failure;
		return -1;
	}
	if (!q->unsynced && !q->syncing)
		return 0;
	if (fd < 0 || seq == 0)
		return sync_here(q, err);
	q->unsynced = false;
	q->syncing = seq;
	syncer_start(q->syncer, fd);
	CRASHPOINT("syncing");
	return 1;
}

int local_stands(struct queue *queue, struct err *err)
{
	struct local *q = local_of(queue);
	return q->store->ops->stands(q->store, err);
}

void local_files(struct queue *queue, struct queue_files *out)
{
	struct local *q = local_of(queue);
	struct store_files files;
	_Static_assert((int)QUEUE_FILES == (int)STORE_FILES, "each file of the store is told");
	q->store->ops->files(q->store, &files);
	for (int i = 0; i < QUEUE_FILES; i++) {
		out->fd[i] = files.fd[i];
		out->name[i] = files.name[i];
	}
}

int64_t local_spare_bytes(const struct queue *queue)
{
	const struct local *q = local_of(queue);
	return q->store->ops->spare(q->store);
}

int local_give_back(struct queue *queue, struct err *err)
{
	struct local *q = local_of(queue);
	return q->store->ops->give_back(q->store, err);
}
