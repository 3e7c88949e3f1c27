/* source/lines: updates as JSON lines from a descriptor: a file, or stdin. The end of the file ends
 * the source. */
#ifndef TGRUN_SOURCE_LINES_H
#define TGRUN_SOURCE_LINES_H

#include "base/clock.h"
#include "base/log.h"
#include "io/loop.h"
#include "source/source.h"

enum { LINES_BATCH_MAX = 100 }; /* updates, or those of the one record that passes it */

struct lines_config {
	struct loop *loop;
	struct log *log;
	const struct clock *clock;
	struct source_events events;
	int fd;           /* read from its present position. Belongs to the source once
			     lines_new() has succeeded, and is closed with it */
	const char *name; /* for messages; copied */
	int64_t position; /* bytes before the first line; batch offsets count from them */
	int64_t line;     /* number of the first line, from 1 */
};

/* Reads records as update/record.h has them; in a regular file they may span lines. What is no
 * update is handed on as one that cannot be understood, with its bytes, and reported with the
 * number of its line. A line longer than RECORD_MAX is cut. Empty lines are passed over. The
 * offset of a batch is the position after its last record. JSON that does not end within
 * RECORD_MAX, and a file that record_foreign() names, end the source (ERR_CONFIG). NULL with `err`
 * (ERR_INTERNAL). */
struct source *lines_new(const struct lines_config *config, struct err *err);

#endif
