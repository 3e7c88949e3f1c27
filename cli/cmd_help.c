/* cli/cmd_help: `tgrun help [COMMAND]`, --help and --version. */
#include <errno.h>
#include <stdio.h>

#include "cli/cmd.h"

int cmd_help(struct setup *s)
{
	struct err err;
	int rc = s->config.version && !s->config.help ? options_version(stdout)
						      : options_help(&s->config, stdout);
	if (rc && errno != EPIPE) /* a reader that has seen enough needs no word */
		cmd_fail((err_sys(&err, ERR_IO, errno, "cannot write the output"), &err));
	return rc ? ERR_IO : 0;
}
