/* base/log: events come in, escaped and redacted lines go out to a sink that never waits.
 *
 * Every text passes put_text(): it is redacted first and escaped then, so neither a cut nor an
 * escape can hide a token from the redaction, and no byte of a stranger reaches a terminal. A line
 * is put together in memory of the log's own: it cannot fail. */
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/sink.h"
#include "base/utf8.h"

enum {
	LINE_CAP = 16 * 1024,    /* a line with its line feed */
	SENTENCE_MAX = 8 * 1024, /* what a sentence may take of it, so that fields have room */
	TOKEN_ROOM = 512,        /* more than any token: text is cut only after redaction */
	PACE = 60 * 1000,        /* milliseconds between two warnings of one sort */
	PACED_FIELDS_MAX = 8,
};

struct log {
	struct sink *sink;
	const struct secret *secret;
	const struct clock *clock;
	enum log_level level;
	enum log_format format;
	uint64_t dropped; /* since the start */
	uint64_t untold;  /* of these, not yet told in a line */
	uint64_t telling; /* told in a line that still waits */
	bool journal;     /* as of log_set_journal() */
	bool stuck;       /* the last flush left something waiting */
	bool cut;         /* a text of this line was cut */
	bool omitted;     /* a field of it was left out */
	size_t length;
	char line[LINE_CAP];
	char text[LINE_CAP + TOKEN_ROOM];
};

static const char ellipsis[] = "\xe2\x80\xa6";

struct log *log_new(int fd, enum log_level level, enum log_format format, const struct clock *clock)
{
	struct log *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->sink = sink_new(fd);
	if (!l->sink) {
		free(l);
		return NULL;
	}
	l->clock = clock;
	log_set(l, level, format);
	return l;
}

void log_free(struct log *l)
{
	if (!l)
		return;
	log_flush(l);
	sink_free(l->sink);
	explicit_bzero(l->text, sizeof l->text);
	free(l);
}

void log_set_secret(struct log *l, const struct secret *secret)
{
	l->secret = secret;
}

void log_set(struct log *l, enum log_level level, enum log_format format)
{
	l->level = level;
	l->format = format;
}

void log_set_journal(struct log *l, bool journal)
{
	l->journal = journal;
}

bool log_wants(const struct log *l, enum log_level level)
{
	return l && level <= l->level;
}

uint64_t log_dropped(const struct log *l)
{
	return l->dropped;
}

/* Stars for what follows `/bot<digits>:`, whosever token it is. */
static void redact_paths(char *text, size_t n)
{
	char *end = text + n;
	for (char *p = text; (p = memmem(p, (size_t)(end - p), "/bot", 4));) {
		p += 4;
		char *q = p;
		while (q < end && isdigit((unsigned char)*q))
			q++;
		if (q == p || q == end)
			continue;
		if (*q == ':')
			q++;
		else if (end - q >= 3 && strncasecmp(q, "%3A", 3) == 0)
			q += 3;
		else
			continue;
		for (; q < end && (isalnum((unsigned char)*q) || *q == '_' || *q == '-'); q++)
			*q = '*';
		p = q;
	}
}

static void put_raw(struct log *l, const char *s, size_t n)
{
	memcpy(l->line + l->length, s, n);
	l->length += n;
}

/* Appends a text, redacted and escaped, so that the line does not pass `limit`; ends in `…` when it
 * was cut. */
static void put_text(struct log *l, const char *s, size_t n, enum utf8_style style, size_t limit)
{
	if (n > sizeof l->text)
		n = sizeof l->text;
	memcpy(l->text, s, n);
	n = secret_redact(l->secret, l->text, n);
	redact_paths(l->text, n);
	size_t fits = l->length; /* where the ellipsis goes if the rest does not fit */
	for (size_t i = 0, step; i < n; i += step) {
		char out[UTF8_SHOWN_MAX];
		size_t shown = utf8_show(out, l->text + i, n - i, style, &step);
		if (l->length + shown > limit) {
			l->length = fits;
			put_raw(l, ellipsis, sizeof ellipsis - 1);
			l->cut = true;
			return;
		}
		put_raw(l, out, shown);
		if (l->length + sizeof ellipsis - 1 <= limit)
			fits = l->length;
	}
}

static bool needs_quotes(const char *s, size_t n)
{
	if (n == 0)
		return true;
	for (size_t i = 0, step; i < n; i += step) {
		step = utf8_length(s + i, n - i);
		if (step == 0 || strchr(" \"\\=", s[i]) || utf8_is_control(utf8_code(s + i, step)))
			return true;
	}
	return false;
}

static void put_field(struct log *l, const struct log_field *f, size_t reserve)
{
	char head[96];
	int n;
	bool json = l->format == LOG_JSON;
	if (f->text)
		n = snprintf(head, sizeof head, json ? ",\"%.64s\":\"" : " %.64s=", f->name);
	else
		n = snprintf(head, sizeof head, json ? ",\"%.64s\":%" PRId64 : " %.64s=%" PRId64,
			     f->name, f->number);
	/* Room for the name, quotes, and at least an ellipsis. */
	if (l->length + (size_t)n + reserve + 8 > LINE_CAP) {
		l->omitted = true;
		return;
	}
	put_raw(l, head, (size_t)n);
	if (!f->text)
		return;
	bool quoted = !json && needs_quotes(f->text, f->length);
	if (quoted)
		put_raw(l, "\"", 1);
	put_text(l, f->text, f->length,
		 json     ? UTF8_JSON
		 : quoted ? UTF8_QUOTED
			  : UTF8_PLAIN,
		 LINE_CAP - reserve - 2);
	if (quoted || json)
		put_raw(l, "\"", 1);
}

/* What a line begins with: the journal's priority, the time, the level. */
static void put_head(struct log *l, enum log_level level)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	static const char *const priorities[] = { "<3>", "<4>", "<6>", "<7>" };
	char stamp[CLOCK_TEXT_MAX], head[128];
	int n = 0;
	clock_text(l->clock->wall(l->clock), true, stamp);
	if (l->journal)
		put_raw(l, priorities[level], strlen(priorities[level]));
	if (l->format == LOG_JSON)
		n = snprintf(head, sizeof head,
			     "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\"", stamp,
			     names[level]);
	else if (!l->journal)
		n = snprintf(head, sizeof head, "%s %-5s ", stamp, names[level]);
	put_raw(l, head, (size_t)n);
}

/* Puts the whole line together in l->line. */
static void compose(struct log *l, enum log_level level, const struct log_field *fields,
		    size_t count, const char *sentence)
{
	bool json = l->format == LOG_JSON;
	size_t reserve = sizeof ",\"cut\":true}\n"; /* for what ends the line */

	l->length = 0;
	l->cut = l->omitted = false;
	put_head(l, level);
	put_text(l, sentence, strlen(sentence), json ? UTF8_JSON : UTF8_PLAIN,
		 l->length + SENTENCE_MAX);
	if (json)
		put_raw(l, "\"", 1);
	else if (count)
		put_raw(l, " ", 1);
	for (size_t i = 0; i < count; i++)
		put_field(l, &fields[i], reserve);
	if (json && (l->cut || l->omitted))
		put_raw(l, ",\"cut\":true", 11);
	if (!json && l->omitted)
		put_raw(l, ellipsis, sizeof ellipsis - 1);
	put_raw(l, json ? "}\n" : "\n", json ? 2 : 1);
	/* a second look: a token put together from two texts */
	l->length = secret_redact(l->secret, l->line, l->length);
}

/* Adds the line that tells how many were dropped. Returns whether none is left untold. */
static bool tell_dropped(struct log *l)
{
	if (!l->untold)
		return true;
	char sentence[96];
	uint64_t n = l->untold;
	snprintf(sentence, sizeof sentence,
		 n == 1 ? "%" PRIu64 " log line was dropped because nobody read it"
			: "%" PRIu64 " log lines were dropped because nobody read them",
		 n);
	compose(l, LOG_WARN, NULL, 0, sentence);
	/* and room for a line after it: one notice, not many */
	if (sink_add(l->sink, l->line, l->length, LINE_CAP))
		return false;
	l->telling += n;
	l->untold = 0;
	return true;
}

static int flush(struct log *l)
{
	uint64_t lost = 0;
	int fd = sink_flush(l->sink, &lost);
	if (lost) {
		/* A notice that was lost is no lost line: what it told is to be told again. */
		lost -= l->telling ? 1 : 0;
		l->dropped += lost;
		l->untold += lost + l->telling;
	}
	if (fd < 0)
		l->telling = 0;
	l->stuck = fd >= 0;
	return fd;
}

int log_flush(struct log *l)
{
	if (!l)
		return -1;
	bool was_stuck = l->stuck;
	uint64_t dropped = l->dropped;
	int fd = flush(l);
	/* It flows again: say what is missing now, not only when something new happens. */
	if (was_stuck && fd < 0 && l->untold && l->dropped == dropped && tell_dropped(l))
		fd = flush(l);
	return fd;
}

static __attribute__((format(printf, 5, 0))) void write_event(struct log *l, enum log_level level,
							      const struct log_field *fields,
							      size_t count, const char *fmt,
							      va_list ap)
{
	char sentence[SENTENCE_MAX + TOKEN_ROOM];
	vsnprintf(sentence, sizeof sentence, fmt, ap);
	/* Once lines were dropped, all are until there is room to say so first: what is read is in
	 * order. */
	bool taken = false;
	if (tell_dropped(l)) {
		compose(l, level, fields, count, sentence);
		taken = sink_add(l->sink, l->line, l->length, 0) == 0;
	}
	if (!taken) {
		l->dropped++;
		l->untold++;
	}
	flush(l);
}

void log_event(struct log *l, enum log_level level, const struct log_field *fields, size_t count,
	       const char *fmt, ...)
{
	if (!log_wants(l, level))
		return;
	int saved = errno;
	va_list ap;
	va_start(ap, fmt);
	write_event(l, level, fields, count, fmt, ap);
	va_end(ap);
	errno = saved;
}

bool log_pace_due(struct log_pace *p, int64_t now)
{
	if (p->at && now - p->at < PACE) {
		p->held++;
		return false;
	}
	*p = (struct log_pace){ .at = now ? now : 1 };
	return true;
}

bool log_pace_owes(const struct log *l, const struct log_pace *p)
{
	return l && p->held && l->clock->mono(l->clock) - p->at >= PACE;
}

void log_paced(struct log *l, struct log_pace *p, enum log_level level,
	       const struct log_field *fields, size_t count, const char *fmt, ...)
{
	struct log_field all[PACED_FIELDS_MAX + 1];
	uint64_t held = p->held;
	if (!l)
		return;
	if (!log_pace_due(p, l->clock->mono(l->clock)))
		level = LOG_DEBUG;
	if (!log_wants(l, level))
		return;
	int saved = errno;
	count = count < PACED_FIELDS_MAX ? count : PACED_FIELDS_MAX;
	for (size_t i = 0; i < count; i++)
		all[i] = fields[i];
	if (held && !p->held)
		all[count++] = LOG_NUM("held_back", (int64_t)held);
	va_list ap;
	va_start(ap, fmt);
	write_event(l, level, all, count, fmt, ap);
	va_end(ap);
	errno = saved;
}
