/* cli/print: text in, text that a terminal may be given out: to the standard output or error.
 * Invariant: every byte that a stranger chose passes utf8_show(). */
#include "cli/print.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"

/* Shows at most `max` bytes of a text and the rest of a character, `cut` if that was not all, and
 * `end`: in one piece, as stderr has no buffer. Nobody's words come between, and who reads a line
 * gets all of it. */
static void show(FILE *to, const char *text, size_t max, enum utf8_style style, const char *cut,
		 const char *end)
{
	struct buf out;
	size_t n = strlen(text), i = 0;
	buf_init(&out, SIZE_MAX);
	for (size_t step; i < n && i < max; i += step) {
		char one[UTF8_SHOWN_MAX];
		size_t length = utf8_show(one, text + i, n - i, style, &step);
		if (buf_add(&out, one, length))
			break;
	}
	if (buf_adds(&out, i < n ? cut : "") == 0 && buf_adds(&out, end) == 0)
		fwrite(out.data, 1, out.len, to);
	buf_release(&out);
}

__attribute__((format(printf, 2, 0))) static void print(FILE *to, const char *fmt, va_list ap,
							const char *end)
{
	char *text;
	if (vasprintf(&text, fmt, ap) < 0)
		return;
	show(to, text, SIZE_MAX, UTF8_PLAIN, "", end);
	free(text);
}

void print_part(FILE *to, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	print(to, fmt, ap, "");
	va_end(ap);
}

void print_line(FILE *to, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	print(to, fmt, ap, "\n");
	va_end(ap);
}

void print_cut(FILE *to, const char *text, size_t max)
{
	show(to, text, max, UTF8_PLAIN, "...", "");
}

void print_row(struct row *r, const char *end)
{
	fputs(row_text(r), stdout);
	fputs(end, stdout);
	row_release(r);
}

void print_json(const char *line)
{
	if (isatty(STDOUT_FILENO)) {
		show(stdout, line, SIZE_MAX, UTF8_IN_JSON, "", "\n");
		return;
	}
	fputs(line, stdout);
	fputc('\n', stdout);
}

void print_screen(struct row *lines, size_t count)
{
	fputs("\033[H", stdout);
	for (size_t i = 0; i < count; i++) {
		fputs(i ? "\r\n" : "", stdout);
		print_row(&lines[i], "\033[K");
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

void print_with_reader(void)
{
	signal(SIGPIPE, SIG_DFL);
}

int print_end(struct err *err)
{
	errno = 0;
	if ((fflush(stdout) || ferror(stdout)) && errno != EPIPE)
		return err_sys(err, ERR_IO, errno ? errno : EIO, "cannot write the output");
	return 0;
}
