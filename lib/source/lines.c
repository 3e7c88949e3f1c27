/* source/lines: bytes of a file or of stdin in, batches of raw slices out, no faster than the queue takes them: while may_ask() says no,
 * nothing is read, and a writer on the other side of a pipe waits.
 *
 * A regular file cannot be polled: a descriptor that is always readable is, in its place, so that it is read a piece a turn. (A timer
 * of 0 would not do: libuv before 1.45 runs one that sets itself again and again, and nothing else.) */
#include "source/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "update/slice.h"

enum { PIECE = 64 * 1024, AGAIN = 1000 };

struct lines {
	struct source source;
	struct lines_config config;
	char *name;
	int always;               /* -1, or what is watched in place of what cannot be */
	struct loop_watch *watch;
	struct loop_timer *timer; /* a batch that was refused */
	struct buf bytes;         /* read, not yet handed over */
	int64_t position, line;   /* of the first of them */
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

/* Reports what slice_line() found no update. */
static void report(struct lines *l, const struct slice *s, int64_t number)
{
	if (!s->is_object || !s->has_id)
		log_event(l->config.log, LOG_ERROR, LOG_FIELDS(LOG_STR("source", l->name), LOG_NUM("line", number)),
			  s->is_object ? "the line's update has no update_id; it is kept as a dead letter"
				       : "the line is no JSON object; it is kept as a dead letter");
}

/* Cuts up to LINES_BATCH_MAX whole lines from the front. Returns how many bytes they are. */
static size_t cut_lines(struct lines *l, struct slice *batch, size_t *count)
{
	char *start = l->bytes.data, *end = start + l->bytes.len;
	int64_t number = l->line;
	*count = 0;
	while (*count < LINES_BATCH_MAX && start < end) {
		char *lf = memchr(start, '\n', (size_t)(end - start));
		if (!lf && !l->at_end && l->bytes.len < LINES_LENGTH_MAX)
			break;
		char *stop = lf ? lf : end;
		size_t length = (size_t)(stop - start);
		if (strspn(start, " \t\r") < length && !l->cutting) {
			slice_line(start, length, &batch[*count]);
			report(l, &batch[*count], number);
			(*count)++;
		}
		l->cutting = !lf && !l->at_end;
		start = lf ? lf + 1 : end;
		number++;
	}
	l->line = number;
	return (size_t)(start - l->bytes.data);
}

/* Hands over what is there. false: the queue does not take it now. */
static bool hand_over(struct lines *l)
{
	struct source_events *e = &l->config.events;
	while (l->bytes.len) {
		struct slice batch[LINES_BATCH_MAX];
		size_t count, fresh;
		int64_t line = l->line;
		bool cutting = l->cutting;
		size_t used = cut_lines(l, batch, &count);
		if (used == 0)
			return true;
		/* What was read from a pipe exists nowhere else; a file can be read again. */
		if (count && (e->may_ask(e->arg, l->always < 0) || e->batch(e->arg, batch, count, l->position + (int64_t)used, &fresh))) {
			/* The slices were made in place, and making them again changes nothing. */
			l->line = line;
			l->cutting = cutting;
			return false;
		}
		l->counts.updates += count;
		l->position += (int64_t)used;
		buf_consume(&l->bytes, used);
	}
	return true;
}

static void go_on(struct lines *l)
{
	if (l->stopped)
		return;
	if (!hand_over(l)) {
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

/* Watches the descriptor; what can neither be polled nor is a file (/dev/null) is read like a file. */
static int watch(struct lines *l)
{
	struct stat st;
	const struct lines_config *c = &l->config;
	if (fstat(c->fd, &st) || !S_ISREG(st.st_mode))
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
	buf_init(&l->bytes, LINES_LENGTH_MAX + PIECE);
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
	free(l->name);
	free(l);
}

static const struct source_ops lines_ops = {
	.start = lines_start, .resume = lines_resume, .stop = lines_stop, .counts = lines_counts, .free = lines_free,
};
