/* cli/try/cmd_try_none: stands for all of cli/try in a build without libmicrohttpd (WITHOUT= of the
 * Makefile): there is no server for the bot to talk to. */
#include "cli/cmd.h"

int cmd_try(struct setup *s)
{
	struct err err;
	(void)s;
	err_set(&err, ERR_CONFIG,
		"this tgrun was built without libmicrohttpd, and so has no 'try'; build it with that library to talk to a bot in the terminal");
	return cmd_fail(&err);
}
