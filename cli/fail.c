/* cli/fail: how a sub-command says why it could not do its job: one line on stderr. */
#include <stdio.h>

#include "cli/cmd.h"

int cmd_fail(const struct err *err)
{
	/* The sentence may quote what a stranger wrote: nothing in it reaches a terminal as a control character. */
	char text[sizeof err->text];
	size_t n = 0;
	for (const char *p = err->text; *p && n < sizeof text - 1; p++)
		text[n++] = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
	text[n] = '\0';
	fprintf(stderr, "tgrun: %s\n", text);
	return err->status;
}
