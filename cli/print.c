/* cli/print: text in, text that a terminal may be given out: to the standard output or error.
 * Invariant: every byte that a stranger chose passes utf8_show(). */
#include "cli/print.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

/* Returns how many bytes were shown: no fewer than `max`, if there are so many. */
static size_t show(FILE *to, const char *text, size_t n, size_t max, enum utf8_style style)
{
	size_t i = 0;
	for (size_t step; i < n && i < max; i += step) {
		char out[UTF8_SHOWN_MAX];
		size_t length = utf8_show(out, text + i, n - i, style, &step);
		fwrite(out, 1, length, to);
	}
	return i;
}

__attribute__((format(printf, 2, 0))) static void print(FILE *to, const char *fmt, va_list ap)
{
	char *text;
	int n = vasprintf(&text, fmt, ap);
	if (n < 0)
		return;
	show(to, text, (size_t)n, (size_t)n, UTF8_PLAIN);
	free(text);
}

void print_part(FILE *to, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	print(to, fmt, ap);
	va_end(ap);
}

void print_line(FILE *to, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	print(to, fmt, ap);
	va_end(ap);
	fputc('\n', to);
}

void print_cut(FILE *to, const char *text, size_t max)
{
	size_t n = strlen(text);
	if (show(to, text, n, max, UTF8_PLAIN) < n)
		fputs("...", to);
}

void print_row(struct row *r, const char *end)
{
	fputs(row_text(r), stdout);
	fputs(end, stdout);
	row_release(r);
}

void print_json(const char *line)
{
	size_t n = strlen(line);
	if (isatty(STDOUT_FILENO))
		show(stdout, line, n, n, UTF8_IN_JSON);
	else
		fwrite(line, 1, n, stdout);
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
