/* cli/fail: how a sub-command says why it could not do its job: one line on stderr. */
#include "cli/cmd.h"
#include "cli/print.h"

int cmd_fail(const struct err *err)
{
	print_line(stderr, "tgrun: %s", err->text);
	return err->status;
}
