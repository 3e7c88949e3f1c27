/* cli/row: cells in, a line that does not pass the edge of a terminal out. Invariant: every byte
 * that a stranger chose passes utf8_show(), and no line is wider than its edge. */
#include "cli/row.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/utf8.h"

enum { COLUMNS_USUAL = 80, LINE_MAX_BYTES = 65536, CELL_MAX = 512 };

size_t row_terminal(void)
{
	struct winsize size;
	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col
									   : COLUMNS_USUAL;
}

/* Columns of a character: of the C library's own table, whatever the user's locale is. */
static size_t width_of(unsigned code)
{
	static locale_t table;
	if (code < 0x80)
		return 1;
	if (!table)
		table = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!table)
		return 1;
	locale_t before = uselocale(table);
	int width = wcwidth((wchar_t)code);
	uselocale(before);
	return width < 0 ? 1 : (size_t)width;
}

void row_begin(struct row *r, size_t edge)
{
	*r = (struct row){ .edge = edge };
	buf_init(&r->text, LINE_MAX_BYTES);
}

static bool fits(const struct row *r, size_t columns)
{
	return !r->failed && (r->edge == 0 || r->at + columns <= r->edge);
}

static void add_blanks(struct row *r, size_t up_to)
{
	for (; r->at < up_to && fits(r, 1); r->at++)
		r->failed = buf_addc(&r->text, ' ') != 0;
}

/* Appends a character as it is shown. Returns its columns. */
static size_t add_shown(struct row *r, const char *shown, size_t n)
{
	size_t columns = 0;
	for (size_t i = 0, length; i < n; i += length) {
		length = utf8_length(shown + i, n - i);
		length = length ? length : 1;
		columns += width_of(utf8_code(shown + i, length));
	}
	if (!fits(r, columns)) {
		r->edge = r->edge ? r->at : 0; /* nothing goes behind what was left out */
		return 0;
	}
	r->failed = buf_add(&r->text, shown, n) != 0;
	return columns;
}

void row_add(struct row *r, size_t width, size_t max, const char *text)
{
	size_t begin = r->at, n = strlen(text), i = 0, step;
	for (; i < n && r->at - begin < max && fits(r, 1); i += step) {
		char shown[UTF8_SHOWN_MAX];
		size_t length = utf8_show(shown, text + i, n - i, UTF8_PLAIN, &step);
		r->at += add_shown(r, shown, length);
	}
	add_blanks(r, width && r->at < begin + width ? begin + width : r->at + (width ? 1 : 2));
}

void row_addf(struct row *r, size_t width, const char *fmt, ...)
{
	char cell[CELL_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(cell, sizeof cell, fmt, ap);
	va_end(ap);
	row_add(r, width, sizeof cell, cell);
}

const char *row_text(struct row *r)
{
	while (r->text.len && r->text.data[r->text.len - 1] == ' ')
		r->text.data[--r->text.len] = '\0';
	return buf_str(&r->text);
}

void row_release(struct row *r)
{
	buf_release(&r->text);
}
