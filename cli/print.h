/* cli/print: what a sub-command prints. All of it may quote strangers, so all of it is escaped:
 * what a terminal would obey, and bytes that are no UTF-8, are shown as log lines show them.
 * Nothing else in cli/ prints but the help, the chat of `try`, which escapes for itself, and
 * client/keyboard.c, which asks a terminal for its screen and gives it back. */
#ifndef TGRUN_CLI_PRINT_H
#define TGRUN_CLI_PRINT_H

#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "cli/row.h"

/* Part of a line, with no line feed in it whatever is quoted; a whole line, which ends in one. Each
 * is given to the stream in one piece: one write(2), where it is stderr. */
void print_part(FILE *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void print_line(FILE *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* At most `max` bytes of a text and the rest of a character, and "..." if that was not all. */
void print_cut(FILE *to, const char *text, size_t max);

/* A line of cells and `end`; it is released. */
void print_row(struct row *r, const char *end);

/* A line of JSON for machines: as it is, but on a terminal, where the characters that it would obey
 * are written as JSON's own \u escapes, and bytes that are no UTF-8 as U+FFFD. */
void print_json(const char *line);

/* Lines of cells in place of all that stands on the screen of the terminal; they are released. */
void print_screen(struct row *lines, size_t count);

/* From now on a write to an output that nobody reads any more (`tgrun queue list | head`) ends this
 * process by SIGPIPE, without a word. For commands that only show: what changes something is not to
 * be cut off. */
void print_with_reader(void);

/* Whether all that was printed is out: 0 or -1 with `err`. That a reader has gone is no failure. */
int print_end(struct err *err);

#endif
