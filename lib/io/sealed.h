/* io/sealed: a file in memory that nobody can change any more, to be handed to another process. */
#ifndef TGRUN_IO_SEALED_H
#define TGRUN_IO_SEALED_H

#include <stddef.h>
#include <sys/uio.h>

/* A memfd that holds the `n` parts, one behind the other, and is sealed against every change
 * (memfd_create(2), F_ADD_SEALS). `name` is for /proc only. It is read from its first byte on; the
 * caller closes it. -1 with errno: nothing was made. */
int sealed_file(const char *name, const struct iovec *parts, size_t n);

/* Reads a regular file of at most `max` bytes from its first byte on: *bytes, the caller's to free,
 * has them, and a NUL behind them. 0; -1 with errno: EFBIG, it is larger; EINVAL: it is no regular
 * file. */
int sealed_read(int fd, size_t max, char **bytes, size_t *n);

#endif
