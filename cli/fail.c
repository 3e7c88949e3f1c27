/* cli/fail: how a sub-command says why it could not do its job: one line on stderr, in the journal
 * with its priority. */
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/print.h"
#include "io/journal.h"

static void say(const char *priority, const char *mark, const char *text)
{
	print_line(stderr, "%stgrun: %s%s", journal_is(STDERR_FILENO) ? priority : "", mark, text);
}

int cmd_fail(const struct err *err)
{
	say("<3>", "", err->text);
	return err->status;
}

void cmd_warn(const struct config *c)
{
	for (size_t i = 0; i < c->warning_count; i++)
		say("<4>", "warning: ", c->warnings[i]);
}
