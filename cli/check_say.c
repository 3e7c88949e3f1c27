/* cli/check_say: what every file of `tgrun check` needs: a line is printed, and what would stop a
 * run is remembered. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/check.h"
#include "cli/print.h"

void check_say(const char *mark, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	print_line(stdout, "%-7s %s", mark, text);
}

void check_bad(struct check *c, const struct err *err)
{
	check_say("wrong", "%s", err->text);
	if (!c->status)
		c->status = err->status;
}

void check_go_up(char *path)
{
	char *slash = strrchr(path, '/');
	if (!slash)
		strcpy(path, ".");
	else
		slash[slash == path] = '\0';
}
