/* handler/output: what one job writes to stdout and stderr: bytes in, lines out, one by one. Its
 * memory is bounded, however much is written: a line is cut at OUTPUT_LINE_MAX bytes, and what
 * comes after `max` bytes is dropped; both are counted. Secrets are redacted before a line goes
 * anywhere. Or stdout is kept as it is, for who makes a reply of it. */
#ifndef TGRUN_HANDLER_OUTPUT_H
#define TGRUN_HANDLER_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"
#include "handler/sentence.h"

enum { OUTPUT_LINE_MAX = 8192, OUTPUT_STDERR_KEPT = 2048 };

/* The owner may set `total` and `dropped` to 0, from where they count on, and reads `dropped`; the
 * rest is output.c's. */
struct output {
	const struct secret *secret;
	uint64_t max;     /* bytes, of both streams, line feeds too */
	uint64_t total;   /* of these so far: at `max` nothing more is passed on */
	uint64_t dropped; /* bytes that were not passed on, since a line or all was too long */
	struct output_stream {
		struct buf line; /* so far, of the line that has not ended yet */
		int cut;         /* the rest of this line is dropped */
	} stream[2];             /* stdout, stderr */
	struct sentence sentence;
	struct buf stderr_tail; /* the last lines of stderr, more than are told */
	bool keeps;             /* stdout is kept, see output_keep() */
	bool kept_short;        /* … and was longer than `max` */
	struct buf kept;        /* its bytes, not redacted */
	void (*line)(void *arg, int which, char *text, size_t n);
	void *arg;
};

/* Begins with the output of a job that has written nothing. `max`: bytes of both streams together
 * that are passed on. `secret`: what is redacted; it outlives `o`; NULL: nothing is. `line(arg,
 * which, text, n)` is called for each line that is not empty; `which` is 1 for stdout and 2 for
 * stderr; `text` is the line without its line feed and the carriage returns before it, has `n`
 * bytes, ends in a NUL and has no other (it has a space instead), is valid during the call, and may
 * be changed. To be released by output_release(). */
void output_init(struct output *o, uint64_t max, const struct secret *secret,
		 void (*line)(void *arg, int which, char *text, size_t n), void *arg);

/* From now on stdout is not passed on but kept in `kept`, byte for byte, up to `max` bytes of its
 * own. The owner reads it when the job is over, and `kept_short`. */
void output_keep(struct output *o);

/* Passes on what was kept, line by line, as if stdout had not been kept, and forgets it. */
void output_tell_kept(struct output *o);

/* Takes in the next `n` bytes of stream `which` (1: stdout, 2: stderr). `line` is called for each
 * line that they end. Where memory is out, bytes are dropped and counted. */
void output_feed(struct output *o, int which, const char *bytes, size_t n);

/* The job is over: the last line of each stream, which no line feed ended, is passed on. */
void output_end(struct output *o);

/* The line of stderr that says what went wrong, as handler/sentence.h finds it; "" if none does.
 * Valid until the next call with `o`. */
const char *output_sentence(const struct output *o);

/* The last lines of stderr, without blank ones, a line feed between them: at most
 * OUTPUT_STDERR_KEPT bytes, the first line cut between characters. "" if nothing was written. Valid
 * until the next call with `o`. */
const char *output_last_stderr(const struct output *o);

/* Both of the above begin anew, with what is written from now on. */
void output_forget_stderr(struct output *o);

/* Frees what `o` holds. */
void output_release(struct output *o);

#endif
