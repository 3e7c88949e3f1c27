/* handler/output: what one job writes, line by line, bounded: a line is cut at 8 KiB, and what
 * passes the maximum is dropped and counted. The token is redacted before a line goes anywhere. Or
 * stdout is kept as it is, for who makes a reply of it. */
#ifndef TGRUN_HANDLER_OUTPUT_H
#define TGRUN_HANDLER_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"
#include "handler/sentence.h"

enum { OUTPUT_LINE_MAX = 8192, OUTPUT_STDERR_KEPT = 2048 };

struct output {
	const struct secret *secret;
	uint64_t max;     /* bytes in all */
	uint64_t total;   /* bytes seen */
	uint64_t dropped; /* bytes not passed on */
	struct output_stream {
		struct buf line;
		int cut; /* the rest of this line is dropped */
	} stream[2];     /* stdout, stderr */
	struct sentence sentence;
	struct buf stderr_tail;
	bool keeps;      /* stdout is kept instead of passed on */
	bool kept_short; /* … and was longer than `max` */
	struct buf kept; /* its bytes, not redacted */
	/* `text` has no line feed, and a NUL only at its end */
	void (*line)(void *arg, int which, char *text, size_t n);
	void *arg;
};

/* An empty job. `secret` may be NULL and outlives it. `line(arg, which, …)` is called for each
 * line, `which` 1 or 2. */
void output_init(struct output *o, uint64_t max, const struct secret *secret,
		 void (*line)(void *arg, int which, char *text, size_t n), void *arg);

/* From now on stdout is kept, whole, up to `max` bytes of its own. */
void output_keep(struct output *o);

/* Passes on what was kept, line by line, and forgets it. */
void output_tell_kept(struct output *o);

/* Takes in `n` bytes of descriptor `which` (1 or 2). */
void output_feed(struct output *o, int which, const char *bytes, size_t n);

/* Passes on what was not ended by a line feed. */
void output_end(struct output *o);

/* The last line of stderr that says something, "" if none (handler/sentence.h). */
const char *output_sentence(const struct output *o);

/* The end of stderr without its blank lines, as lines: at most OUTPUT_STDERR_KEPT bytes, cut
 * between characters. "" if nothing was written. */
const char *output_last_stderr(const struct output *o);

/* Forgets what stderr said so far. */
void output_forget_stderr(struct output *o);

void output_release(struct output *o);

#endif
