/* cli/fail: how a sub-command says why it could not do its job: one line on stderr. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/cmd.h"

int cmd_fail(const struct err *err)
{
	/* The sentence may quote what a stranger wrote: nothing in it reaches a terminal as a control character. */
	char text[sizeof err->text];
	size_t n = 0;
	size_t whole = strlen(err->text);
	for (size_t i = 0, step; i < whole; i += step) {
		size_t length = utf8_length(err->text + i, whole - i);
		bool plain = length && !utf8_is_control(utf8_code(err->text + i, length));
		step = length ? length : 1;
		memcpy(text + n, plain ? err->text + i : "?", plain ? length : 1);
		n += plain ? length : 1;
	}
	text[n] = '\0';
	fprintf(stderr, "tgrun: %s\n", text);
	return err->status;
}

void cmd_warn(const struct config *c)
{
	for (size_t i = 0; i < c->warning_count; i++) {
		struct err err;
		err_set(&err, 0, "warning: %s", c->warnings[i]);
		cmd_fail(&err);
	}
}
