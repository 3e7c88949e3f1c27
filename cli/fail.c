/* cli/fail: how a sub-command says why it could not do its job: one line on stderr. */
#include "cli/cmd.h"
#include "cli/print.h"

int cmd_fail(const struct err *err)
{
	print_line(stderr, "tgrun: %s", err->text);
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
