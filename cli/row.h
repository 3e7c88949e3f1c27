/* cli/row: lines of columns for people: how wide a text is, and where it ends at the edge of a
 * terminal. What strangers chose may stand in a cell: it is escaped as print.h has it. */
#ifndef TGRUN_CLI_ROW_H
#define TGRUN_CLI_ROW_H

#include <stdbool.h>

#include "base/buf.h"

struct row {
	struct buf text;
	size_t edge; /* columns that there are; 0: no end */
	size_t at;   /* the column where the next cell begins */
	bool failed; /* memory is out: what follows is left out */
};

/* The columns of the terminal that is the standard output, 80 if it does not say; 0: it is none. */
size_t row_terminal(void);

/* Begins an empty line, which row_release() frees, or who prints it (print_row()). */
void row_begin(struct row *r, size_t edge);

/* Appends a cell of at most `max` columns, and blanks up to `width` columns, one at least; with
 * `width` 0 two blanks. What does not fit before the edge is left out. */
void row_add(struct row *r, size_t width, size_t max, const char *text);
void row_addf(struct row *r, size_t width, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The line, without blanks at its end: the row's own. */
const char *row_text(struct row *r);

/* Frees it; an empty one is fine. */
void row_release(struct row *r);

#endif
