/* base/sink: lines that go to a descriptor without ever waiting for whoever reads it. */
#ifndef TGRUN_BASE_SINK_H
#define TGRUN_BASE_SINK_H

#include <stddef.h>
#include <stdint.h>

struct sink;

enum { SINK_MAX = 256 * 1024 }; /* bytes that may wait */

/* A sink for `fd`, which stays the caller's; -1: all is thrown away. Pipes, terminals and other
 * character devices are opened anew, so that O_NONBLOCK is not forced on others who share them.
 * Expects SIGPIPE to be ignored. NULL when memory is out. */
struct sink *sink_new(int fd);

/* Writes what can be written without waiting, and frees. NULL is fine. */
void sink_free(struct sink *s);

/* Takes the `n` bytes of one line with its line feed, whole or not at all. `room` more bytes must
 * stay free, else it is not taken. Returns 0, or -1 when it was not taken (nothing is counted
 * then). */
int sink_add(struct sink *s, const char *line, size_t n, size_t room);

/* Writes what can be written. Returns the descriptor to poll for writing while something still
 * waits, else -1. Lines that can never be written (the reader is gone, the disk is full) are thrown
 * away and added to *lost. */
int sink_flush(struct sink *s, uint64_t *lost);

#endif
