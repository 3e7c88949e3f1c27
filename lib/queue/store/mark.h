/* queue/store/mark: a high-water mark outside the database: the highest update that is known to be
 * on disk. At the next start a database that ends before it was lost, cut, or robbed of its -wal
 * file. A file `mark` of 64 bytes next to the database. */
#ifndef TGRUN_QUEUE_STORE_MARK_H
#define TGRUN_QUEUE_STORE_MARK_H

#include <stdint.h>

#include "base/err.h"

struct mark {
	int fd;
	uint64_t dev, ino; /* of the open file */
	int64_t seq, bot_id;
};

/* Opens dir_fd/mark, made if missing, mode 0600, no symbolic link, of this user. A mark that cannot
 * be read (cut by a power failure) counts as none: seq 0. 0, or -1 with `err` (ERR_CANTCREATE,
 * ERR_IO). */
int mark_open(struct mark *m, int dir_fd, const char *dir_name, struct err *err);

/* The number in dir_fd/mark, 0 if there is none; makes and changes nothing. */
int64_t mark_read(int dir_fd);

/* Raises the mark, after `seq` was synced. A failure only makes the check weaker. */
void mark_set(struct mark *m, int64_t seq, int64_t bot_id);

void mark_close(struct mark *m);

#endif
