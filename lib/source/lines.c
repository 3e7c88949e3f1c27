/* source/lines: bytes of a file or of stdin in, batches of raw slices out, as update/record cuts
 * them, no faster than the queue takes them: while may_ask() says no, nothing is read, and a
 * writer on the other side of a pipe waits.
 *
 *  * A regular file cannot be polled: a descriptor that is always readable is, in its place, so
 * that it is read a piece a turn. (A timer of 0 would not do: libuv before 1.45 runs one that
 * sets itself again and again, and nothing else.) */
#include "source/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "update/record.h"

enum { PIECE = 64 * 1024, AGAIN = 1000 };

struct lines {
	struct source source;
	struct lines_config config;
	char *name;
	int always; /* -1, or what is watched in place of what cannot be */
	struct loop_watch *watch;
	struct loop_timer *timer; /* a batch that was refused */
	struct buf bytes;         /* read, not yet handed over */
	int64_t position;         /* of the first of them */
	int64_t line;             /* of the first of them that is not in the batch */
	struct slices batch;      /* cut out of the first `used` of them */
	size_t used;
	bool spans; /* a record may go on over lines: not in a stream */
	bool at_end, cutting, stopped, ended;
	struct source_counts counts;
};

static const struct source_ops lines_ops;

static void stop_reading(struct lines *l)
{
	loop_watch_set(l->watch, 0);
	loop_timer_set(l->timer, -1);
}

static void finish(struct lines *l, int status, const char *text)
{
	if (l->ended)
		return;
	l->ended = l->stopped = true;
	stop_reading(l);
	l->config.events.ended(l->config.events.arg, status, text);
}

/* Reports what is no update, by the line that it begins in. */
static void report(struct lines *l, const struct slice *s, int64_t number)
{
	log_event(l->config.log, LOG_ERROR,
		  LOG_FIELDS(LOG_STR("source", l->name), LOG_NUM("line", number)),
		  "the line %s; it is kept as a dead letter", record_fault(s, l->spans));
}

static int64_t count_lines(const char *p, const char *end)
{
	int64_t n = 0;
	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		p++;
		n++;
	}
	return n;
}

/* What no record can be made of. */
static void give_up(struct lines *l, int64_t line, const char *what)
{
	struct err err;
	err_set(&err, ERR_CONFIG, "'%s', line %" PRId64 ": %s", l->name, line, what);
	finish(l, err.status, err.text);
}

/* Fills the batch with the records that are there, until it has enough. false: that cannot be
 * done now, or the source has ended over it. */
static bool cut_records(struct lines *l)
{
	char *bytes = l->bytes.data;
	while (l->batch.count < LINES_BATCH_MAX && l->used < l->bytes.len) {
		char *start = bytes + l->used;
		size_t left = l->bytes.len - l->used, first = l->batch.count;
		size_t n = record_length(start, left, l->spans && !l->cutting, l->at_end);
		if (n == 0)
			break;
		if (n == RECORD_ENDLESS) {
			give_up(l, l->line, RECORD_ENDLESS_TEXT);
			return false;
		}
		int64_t lines = count_lines(start, start + n);
		if (!l->cutting && record_cut(start, n, &l->batch))
			return l->used > 0; /* memory is out: what is there goes first */
		for (size_t i = first; i < l->batch.count; i++)
			if (!l->batch.items[i].is_object || !l->batch.items[i].has_id)
				report(l, &l->batch.items[i], l->line);
		l->cutting = lines == 0 && !l->at_end && (l->cutting || n >= RECORD_MAX);
		l->line += lines;
		l->used += n;
	}
	return true;
}

/* Hands over what is there. false: the queue does not take it now, or the source has ended over
 * it. */
static bool hand_over(struct lines *l)
{
	struct source_events *e = &l->config.events;
	size_t fresh;
	for (;;) {
		/* A batch that was refused is as it was. */
		if (l->used == 0 && !cut_records(l))
			return false;
		if (l->used == 0)
			return true;
		/* What was read from a pipe exists nowhere else; a file can be read again. */
		int64_t behind = l->position + (int64_t)l->used;
		bool lost = l->always < 0;
		if (l->batch.count &&
		    (e->may_ask(e->arg, lost) ||
		     e->batch(e->arg, l->batch.items, l->batch.count, behind, &fresh)))
			return false;
		l->counts.updates += l->batch.count;
		l->batch.count = 0;
		l->position = behind;
		buf_consume(&l->bytes, l->used);
		l->used = 0;
	}
}

static void go_on(struct lines *l)
{
	if (l->stopped)
		return;
	const char *foreign = NULL;
	if (l->position == 0 && l->bytes.len)
		foreign = record_foreign(l->bytes.data, l->bytes.len);
	if (foreign) {
		give_up(l, 1, foreign);
		return;
	}
	if (!hand_over(l)) {
		if (l->ended)
			return;
		stop_reading(l);
		loop_timer_set(l->timer, AGAIN);
		return;
	}
	if (l->at_end)
		finish(l, 0, "");
	else
		loop_watch_set(l->watch, LOOP_READ);
}

static void read_piece(struct lines *l)
{
	ssize_t n = -1;
	if (buf_reserve(&l->bytes, PIECE) == 0)
		n = read(l->config.fd, l->bytes.data + l->bytes.len, PIECE);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		struct err err;
		err_sys(&err, EX_IOERR, errno, "cannot read '%s'", l->name);
		finish(l, EX_IOERR, err.text);
		return;
	}
	l->counts.requests++;
	l->counts.last_answer = l->config.clock->mono(l->config.clock);
	l->at_end = n == 0;
	l->bytes.len += (size_t)n;
	l->bytes.data[l->bytes.len] = '\0';
	go_on(l);
}

static void on_readable(void *arg, int events)
{
	(void)events;
	read_piece(arg);
}

static void on_timer(void *arg)
{
	go_on(arg);
}

/* Watches the descriptor; what can neither be polled nor is a file (/dev/null) is read like a
 * file. */
static int watch(struct lines *l)
{
	struct stat st;
	const struct lines_config *c = &l->config;
	l->spans = fstat(c->fd, &st) == 0 && S_ISREG(st.st_mode);
	if (!l->spans)
		l->watch = loop_watch_new(c->loop, c->fd, on_readable, l);
	if (l->watch) {
		fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
		return 0;
	}
	l->always = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	l->watch = l->always < 0 ? NULL : loop_watch_new(c->loop, l->always, on_readable, l);
	return l->watch ? 0 : -1;
}

struct source *lines_new(const struct lines_config *config, struct err *err)
{
	struct lines *l = calloc(1, sizeof *l);
	if (!l)
		goto fail;
	l->always = -1;
	l->source.ops = &lines_ops;
	l->config = *config;
	l->position = config->position;
	l->line = config->line;
	buf_init(&l->bytes, RECORD_MAX + PIECE);
	l->name = strdup(config->name);
	l->timer = loop_timer_new(config->loop, on_timer, l);
	if (l->name && l->timer && watch(l) == 0)
		return &l->source;
fail:
	if (l) {
		if (l->always >= 0)
			close(l->always);
		loop_timer_free(l->timer);
		free(l->name);
		free(l);
	}
	err_set(err, ERR_INTERNAL, "out of memory or descriptors");
	return NULL;
}

static void lines_start(struct source *s)
{
	struct lines *l = (struct lines *)s;
	l->config.events.ready(l->config.events.arg);
	go_on(l);
}

static void lines_resume(struct source *s)
{
	loop_timer_set(((struct lines *)s)->timer, 0);
}

static void lines_stop(struct source *s)
{
	struct lines *l = (struct lines *)s;
	if (l->stopped)
		return;
	l->stopped = true;
	stop_reading(l);
	l->config.events.stopped(l->config.events.arg);
}

static void lines_counts(const struct source *s, struct source_counts *out)
{
	*out = ((const struct lines *)s)->counts;
	out->trouble = "";
}

static void lines_free(struct source *s)
{
	struct lines *l = (struct lines *)s;
	loop_watch_free(l->watch, 1);
	if (l->always >= 0)
		close(l->config.fd);
	loop_timer_free(l->timer);
	buf_release(&l->bytes);
	slices_release(&l->batch);
	free(l->name);
	free(l);
}

static const struct source_ops lines_ops = {
	.start = lines_start,
	.resume = lines_resume,
	.stop = lines_stop,
	.counts = lines_counts,
	.free = lines_free,
};
