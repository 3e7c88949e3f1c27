/* base/log: one line per event, as text for people or as JSON for machines.
 *
 * Whatever a chat or a handler writes, an event stays one line: control characters, escape
 * sequences, bidirectional overrides and bytes that are no UTF-8 are shown escaped, and the token
 * is redacted. A log that nobody reads never blocks: lines wait in a bounded buffer, and what does
 * not fit is dropped and counted. */
#ifndef TGRUN_BASE_LOG_H
#define TGRUN_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/secret.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* A named value of an event: a string of `length` bytes when `text` is set, else the number. */
struct log_field {
	const char *name; /* [a-z_]+ */
	const char *text;
	size_t length;
	int64_t number;
};

#define LOG_NUM(name_, n_) ((struct log_field){ .name = (name_), .number = (n_) })
#define LOG_STR(name_, s_) \
	((struct log_field){ .name = (name_), .text = (s_), .length = strlen(s_) })
#define LOG_BYTES(name_, s_, n_) \
	((struct log_field){ .name = (name_), .text = (s_), .length = (n_) })

struct log;

/* A log that writes to `fd`, which stays the caller's. -1: a log that is thrown away. Pipes and
 * terminals are opened anew, so that not blocking is not forced on others who share them. NULL when
 * memory is out. `clock` outlives the log. */
struct log *log_new(int fd, enum log_level level, enum log_format format,
		    const struct clock *clock);

/* Writes what can be written without waiting, and frees. NULL is fine. */
void log_free(struct log *l);

/* The token to redact, or NULL. It must outlive the log or be replaced before it is freed. */
void log_set_secret(struct log *l, const struct secret *secret);

/* Changes the level and the format, for all events that follow. */
void log_set(struct log *l, enum log_level level, enum log_format format);

/* Who reads the lines is systemd's journal (io/journal.h): each begins with its priority, `<3>`
 * error, `<4>` warn, `<6>` info, `<7>` debug, see sd-daemon(3); a text has neither time nor level
 * of its own. Not so unless set. */
void log_set_journal(struct log *l, bool journal);

/* Whether an event of `level` would be written. A NULL log wants nothing, here and in log_event().
 */
bool log_wants(const struct log *l, enum log_level level);

/* Writes an event: the sentence, then `count` fields. errno is kept. */
void log_event(struct log *l, enum log_level level, const struct log_field *fields, size_t count,
	       const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The pace of a warning that may come again and again: it is given once a minute, whatever lies
 * between. Zero to begin with. */
struct log_pace {
	int64_t at;    /* monotonic milliseconds: when it was given last; 0: never */
	uint64_t held; /* how often it was held back since then */
};

/* Whether the warning may be given at `now`, monotonic milliseconds. true: the caller gives it, and
 * a minute begins in which it is not given again. false: it is counted as held back. */
bool log_pace_due(struct log_pace *p, int64_t now);

/* Whether the last warning was held back and the minute is over. For who warns only when a trouble
 * begins: true says to warn once more, since the trouble goes on and nobody was told. false for a
 * NULL log. */
bool log_pace_owes(const struct log *l, const struct log_pace *p);

/* The level at which the end of a trouble is logged: LOG_INFO when the warning of its beginning was
 * given, LOG_DEBUG when that was held back. */
static inline enum log_level log_pace_end(const struct log_pace *p)
{
	return p->held ? LOG_DEBUG : LOG_INFO;
}

/* Writes the event at this pace. What is held back is an event of debug; the next that is given
 * tells in the field `held_back` how many those were. */
void log_paced(struct log *l, struct log_pace *p, enum log_level level,
	       const struct log_field *fields, size_t count, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/* The usual forms. LOG_FIELDS lists the fields of an event. */
#define LOG_FIELDS(...)                        \
	((struct log_field[]){ __VA_ARGS__ }), \
		(sizeof((struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))
#define LOG_NONE NULL, 0

/* Tries to write what waits. Returns the descriptor to poll for writing while something still
 * waits, else -1. */
int log_flush(struct log *l);

/* Lines dropped since the start because nobody read. */
uint64_t log_dropped(const struct log *l);

#endif
